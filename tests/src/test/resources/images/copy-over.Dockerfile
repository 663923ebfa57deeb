ARG REGISTRY
FROM $REGISTRY/toolbox
RUN mkdir -p /tree/dir/sub /tree/gone && echo old > /tree/dir/one.txt && echo old > /tree/gone/file && ln /tree/gone/file /tree/hard
COPY dir /tree/dir
RUN rm -r /tree/gone && echo file > /tree/gone
RUN rm /tree/gone && mkdir /tree/gone && echo again > /tree/gone/again
RUN rm -r /tree/dir && mkdir /tree/dir && echo new > /tree/dir/new
RUN chmod 700 /tree && chown 3:4 /tree/hard
