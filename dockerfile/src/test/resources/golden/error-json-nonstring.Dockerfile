FROM alpine
RUN [1]
