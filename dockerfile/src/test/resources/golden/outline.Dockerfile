# base is the base
ARG BASEIMG=alpine
ARG UNUSED=1
FROM ${BASEIMG} AS base
# KEY is a key
ARG KEY=v
RUN --mount=type=secret,id=s1,required --mount=type=ssh x
# out is what comes out
FROM base AS out
ARG OTHER
COPY --from=busybox:1.36 a b
