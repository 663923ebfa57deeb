ARG REGISTRY
FROM $REGISTRY/rich
COPY a.txt /
RUN echo b > b
ENV c=d
WORKDIR /e
