ARG REGISTRY
ARG global=from-global
ARG composed=${global}-more
ARG unused
FROM $REGISTRY/toolbox AS base
ARG local=default
ARG global
ARG given=default many="several words" undefined
ARG REDEFINED=1
ARG REDEFINED=2
RUN echo "$local $global $composed $given $many $undefined $REDEFINED" > /args
ENV local=env-wins
RUN echo "$local" > /env-wins
FROM base
RUN echo "$local $global $given" > /inherited
ARG composed
ARG given
RUN echo "$composed $given $HTTP_PROXY" > /second
LABEL given=$given
