from alpine AS x
run a
RUN b
Run c
copy a b
