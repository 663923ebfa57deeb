FROM scratch
MAINTAINER Some Body <some@example.com>
ARG signal=SIGUSR1
STOPSIGNAL $signal
SHELL ["/bin/sh", "-exc"]
CMD last words
USER 1:2
COPY a.txt /
STOPSIGNAL 9
