FROM alpine
RUN 0
FROM busybox:1.36
RUN 1
FROM scratch
COPY --from=1 /a /b
COPY --from=0 /c /d
