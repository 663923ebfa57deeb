ARG REGISTRY
FROM $REGISTRY/toolbox
COPY link /followed
COPY dirlink /dir-followed
COPY dirlink/one.txt /through
COPY links /links
RUN mkdir /real && ln -s /real /alias && ln -s real/file /dangling && ln -s /etc/passwd /to-file
COPY a.txt /alias/
COPY a.txt /alias/sub/new
COPY b.txt /to-file
COPY dir /alias
