FROM alpine AS one
CMD x
FROM busybox:1.36 as Two
MAINTAINER y
