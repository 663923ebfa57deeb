FROM alpine
RUN --mount=typ=cache x
