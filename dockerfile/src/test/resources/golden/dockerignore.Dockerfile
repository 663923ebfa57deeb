FROM scratch
COPY a b /x/
COPY secret /y
