FROM --platform=linux/s390x alpine AS s
RUN x
FROM --platform=$TARGETPLATFORM alpine
COPY --from=s /a /b
