FROM alpine
COPY "a b" c\ d /e/
COPY ["a b", "c d", "/e f/"]
ENV A="it's" B='say "x"' C=a\ b D="a\"b"
LABEL "multi word"="x y" z=\$A
RUN echo "$A" '$B' \$C
USER "my user"
WORKDIR "/with space"
