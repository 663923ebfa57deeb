FROM alpine
COPY https://x/y /z
