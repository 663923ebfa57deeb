ARG REGISTRY
FROM $REGISTRY/toolbox
RUN id > /root-id
RUN mkdir /drop && chmod 777 /drop
USER worker
RUN id > /drop/worker && echo $HOME > /drop/home
USER worker:staff
RUN id > /drop/worker-staff
USER 12:34
RUN id > /drop/numbers
USER 1000
RUN id > /drop/known-number
ARG name=daemon
USER $name
RUN id > /drop/daemon
COPY a.txt /drop/copied
WORKDIR /made/by/daemon
