FROM alpine
RUN --bad \
  a \
  b
