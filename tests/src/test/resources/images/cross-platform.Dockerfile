ARG REGISTRY
FROM --platform=$BUILDPLATFORM $REGISTRY/toolbox AS build
ARG TARGETARCH TARGETVARIANT
RUN echo "for $TARGETARCH$TARGETVARIANT on $(uname -m | sed s/x86_64/amd64/)" > /made
FROM $REGISTRY/toolbox
COPY --from=build /made /
