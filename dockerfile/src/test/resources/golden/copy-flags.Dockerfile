FROM alpine
COPY --chown=1:2 --chmod=755 a b
COPY --chown=user c /d/
COPY --chmod=u=rwX,go-w e f
ADD --chown=user:group --chmod=0644 t.tar.gz /x
COPY --exclude=*.md --exclude=foo/** src /src
COPY --parents a/b/./c/*.txt d/ /p/
