FROM alpine
WORKDIR /w
RUN x
LABEL a=b
