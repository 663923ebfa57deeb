FROM alpine AS base
WORKDIR /src
RUN make
FROM busybox:1.36 as mid
COPY --from=base /src/out /out
FROM scratch
COPY --from=mid /out /final
COPY --from=0 /src/x /y
ENTRYPOINT ["/final"]
