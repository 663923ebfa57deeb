FROM nolayer
COPY a b
