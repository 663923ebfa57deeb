ARG REGISTRY
FROM $REGISTRY/toolbox
RUN --mount=type=secret,id=word wc -c < /run/secrets/word > /length
RUN --mount=type=secret,id=word,target=/etc/word,mode=0440,uid=61,gid=62 stat -c '%a %u %g' /etc/word > /owner
RUN --mount=type=secret,id=word,env=WORD [ "${WORD%?}" = kept ] && echo seen > /env
RUN --mount=type=secret,id=absent ls /run/secrets > /none || true
RUN --mount=type=secret,id=absent,target=/a,required=false test ! -e /a && echo none > /optional
