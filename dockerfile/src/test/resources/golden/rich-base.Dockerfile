FROM rich
RUN x
ENTRYPOINT y
HEALTHCHECK --interval=1m30s --timeout=2.5s --retries=4 CMD curl -f http://x || exit 1
STOPSIGNAL SIGTERM
ONBUILD RUN trigger
MAINTAINER me <me@x>
SHELL ["/bin/zsh","-c"]
CMD run it
