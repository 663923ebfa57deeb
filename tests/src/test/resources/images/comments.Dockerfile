# syntax is not named here
#   comment

FROM scratch
# description
LABEL a=1 \
      # inside
      b=2 \

      c=3

   COPY   a.txt    /indented   
copy b.txt /lower
COPY --chmod=0600 \
  # between flags and words
  a.txt \
  /continued
