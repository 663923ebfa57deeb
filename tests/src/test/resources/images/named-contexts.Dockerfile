ARG REGISTRY
FROM nowhere.invalid/image AS replaced
RUN false
FROM busybox AS tools
RUN cat /etc/passwd > copied && echo $BASE_VARIABLE > variable
FROM scratch
COPY --from=replaced extra.txt /
COPY --from=tools /base/copied /base/variable /
COPY --from=filtered . /filtered/
COPY --from=nothing . /nothing/
