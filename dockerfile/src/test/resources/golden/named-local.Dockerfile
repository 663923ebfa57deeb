FROM base
COPY --from=src /a /b
COPY --from=src c /d
