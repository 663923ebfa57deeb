FROM scratch
ARG port=8080
ENV range=9000-9002
EXPOSE 80
EXPOSE 443/tcp 53/udp 132/sctp
EXPOSE $port ${range}/udp
EXPOSE 80 1-3
COPY a.txt /
