FROM scratch AS first
COPY a.txt /a
COPY dir /dir
FROM scratch AS Second
COPY --from=first /a /copy-of-a
COPY --from=0 /dir/sub /sub
FROM scratch
COPY --from=second / /second/
COPY --from=FIRST /dir /dir
COPY --from=extra extra.txt nested/ /extra/
COPY --from=picture /etc/group /group
