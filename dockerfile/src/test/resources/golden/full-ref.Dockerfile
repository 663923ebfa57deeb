FROM example.com:5000/foo/bar:v1
COPY --from=busybox:1.36 /a /b
RUN x
