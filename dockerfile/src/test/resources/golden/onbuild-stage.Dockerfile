FROM alpine AS base
ONBUILD RUN from base
ONBUILD ENV A=b
FROM base AS two
RUN own
FROM two
RUN last
