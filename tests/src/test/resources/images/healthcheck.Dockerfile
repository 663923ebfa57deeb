FROM scratch AS one
HEALTHCHECK NONE
FROM scratch AS two
HEALTHCHECK --interval=1m30s --timeout=500ms --start-period=5s --start-interval=2s --retries=7 CMD check "it" || exit 1
FROM two
HEALTHCHECK --interval=0s CMD ["exec", "form"]
COPY a.txt /
