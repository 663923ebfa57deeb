ARG REGISTRY
FROM $REGISTRY/triggers
RUN echo "$triggered" > /after
