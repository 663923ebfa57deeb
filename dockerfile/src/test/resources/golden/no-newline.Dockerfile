FROM alpine
RUN x