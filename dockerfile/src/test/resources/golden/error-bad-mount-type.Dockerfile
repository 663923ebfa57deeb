FROM alpine
RUN --mount=type=cahce,target=/x x
