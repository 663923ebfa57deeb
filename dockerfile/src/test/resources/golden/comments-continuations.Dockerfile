# a comment

FROM alpine
# note
RUN a \

  b \
# in between
  c
