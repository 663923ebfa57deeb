ARG REGISTRY
FROM $REGISTRY/toolbox
ARG owner=daemon
COPY --chown=12:34 a.txt /numbers
COPY --chown=12 a.txt /number
COPY --chown=worker a.txt /name
COPY --chown=worker:staff a.txt /name-group
COPY --chown=$owner:34 dir /made/below/dir
COPY --chown=:staff a.txt /group
