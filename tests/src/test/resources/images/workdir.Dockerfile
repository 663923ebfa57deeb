ARG REGISTRY
FROM $REGISTRY/toolbox
WORKDIR relative
WORKDIR /absolute/deep
WORKDIR next
RUN pwd > pwd
WORKDIR ../up
ENV place=/from/env
WORKDIR $place/more
WORKDIR /etc
WORKDIR /trailing/
USER worker
WORKDIR /home/made
WORKDIR /
RUN pwd > /tmp/pwd
