FROM alpine
RUN a
COPY x y
