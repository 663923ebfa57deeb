FROM --platform=linux/amd64 alpine As Foo
MAINTAINER x
env K v
ENV API_TOKEN=x PUBLIC_KEY=y
WORKDIR rel
RUN echo $nope
COPY $undefd /x
CMD a
CMD b
ENTRYPOINT c
FROM alpine AS scratch
from alpine AS foo
# not a description
ARG SECRET_KEY=$undef2
RUN x
