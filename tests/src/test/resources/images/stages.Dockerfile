ARG REGISTRY
ARG VERSION=latest
FROM ${REGISTRY}/toolbox:${VERSION} AS Builder
RUN echo built > /built
FROM scratch AS data
COPY --from=builder /built /data
FROM $REGISTRY/toolbox AS never
RUN exit 1
FROM builder AS more
COPY --from=data /data /more
RUN --mount=from=data,target=/d cat /d/data > /mounted
FROM more
COPY --from=1 / /one/
