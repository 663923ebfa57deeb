FROM alpine
HEALTHCHECK --interval=1us CMD x
