ARG REGISTRY
FROM $REGISTRY/toolbox
ENV old form with  blanks
ENV A=1 B="two words" C=three\ words D='single $A' E="double $A" F=
ENV A=2 G=$A
ENV PATH=/opt/bin:$PATH EMPTY="" QUOTED="\"q\""
ENV A=${A}3
ENV MULTI=line \
    OTHER=next
RUN printf '%s|' "$A" "$B" "$C" "$D" "$E" "$F" "$G" "$old" "$QUOTED" > /env
