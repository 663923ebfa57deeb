# check=error=true
FROM alpine
CMD a
