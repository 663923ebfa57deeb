FROM alpine AS one
CMD x
RUNN y
