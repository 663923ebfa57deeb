FROM --platform=$BUILDPLATFORM alpine AS b
ARG TARGETARCH
RUN build $TARGETARCH
FROM alpine
WORKDIR /w
COPY --from=b /out /out
RUN here
