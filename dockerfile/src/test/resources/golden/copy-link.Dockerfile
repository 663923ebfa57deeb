FROM alpine
COPY --link a /a
COPY --link --chmod=600 b /b
FROM scratch
COPY --link c /c
ADD --link d /d
