ARG REGISTRY
FROM $REGISTRY/toolbox AS parent
ARG who=parent
ONBUILD RUN echo "trigger $who" > /trigger
ONBUILD COPY a.txt /triggered
ONBUILD ENV triggered=yes
ONBUILD RUN <<EOF
echo heredoc > /heredoc
EOF
RUN echo parent > /parent
FROM parent AS child
ARG who=child
RUN echo "$triggered" > /child
FROM child
RUN test -e /trigger && echo grandchild > /grandchild
