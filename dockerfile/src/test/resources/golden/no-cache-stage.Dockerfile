FROM alpine AS a
RUN a
FROM alpine AS b
COPY --from=a /x /y
RUN b
