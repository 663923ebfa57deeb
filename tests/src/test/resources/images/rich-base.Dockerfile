ARG REGISTRY
FROM $REGISTRY/rich
RUN pwd > here && id -u > who && echo $BASE_VARIABLE > variable
ENV BASE_VARIABLE=changed
EXPOSE 81
VOLUME /more
