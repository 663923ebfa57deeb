FROM scratch
COPY --from=g /a /b
COPY --from=h /c /d
