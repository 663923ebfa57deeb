FROM scratch
ARG where=/from/arg
VOLUME /one /two
VOLUME ["/json one", "/three"]
VOLUME $where
COPY a.txt /one/
