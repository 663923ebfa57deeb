FROM alpine
ENV A=1 B="two words" C=$A
ENV D ${A} legacy
LABEL x=$D "y z"="1 2"
RUN env
LABEL legacy one two
