# check=experimental=all
FROM scratch
COPY a /x
