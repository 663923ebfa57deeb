FROM scratch
ARG mode=0640
COPY --chmod=600 a.txt /octal
COPY --chmod=4755 exec.sh /setuid
COPY --chmod=$mode b.txt /variable
COPY --chmod=u+x,go-r a.txt /symbolic
COPY --chmod=go=u exec.sh /copied
COPY --chmod=a+X,o-rwx dir /dir
COPY --chmod=0700 dir /private
ADD --chmod=0444 --chown=7:8 a.txt /added
