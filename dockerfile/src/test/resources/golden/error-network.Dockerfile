FROM alpine
RUN --network=foo x
