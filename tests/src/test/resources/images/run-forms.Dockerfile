ARG REGISTRY
FROM $REGISTRY/toolbox
RUN echo "shell $HOME $0" > /shell
RUN ["/bin/sh", "-c", "echo \"exec $0 $1\" > /exec", "zero", "one"]
RUN echo a \
    && echo b \
    # a comment between
    > /continued
RUN mkdir -p /a/b && touch /a/b/c && chmod 1777 /a && ln -s b /a/link && mkfifo /a/fifo && ln /a/b/c /a/hard
RUN rm -r /a/b && rm /shell
RUN env | grep -v '^HOSTNAME=' | grep -v '^OTEL_' | grep -v '^TRACEPARENT=' | sort > /env
SHELL ["/bin/busybox", "ash", "-ec"]
RUN echo $0 > /other-shell
CMD echo in other shell
