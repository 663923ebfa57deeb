FROM alpine
COPY --from=other /a /b
RUN x
