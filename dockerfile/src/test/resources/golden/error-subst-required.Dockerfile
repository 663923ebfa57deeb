FROM alpine
ENV a=${b:?need b}
