FROM alpine
EXPOSE 80/foo
