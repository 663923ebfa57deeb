FROM alpine
ENV v=abcabc e="" p=/usr/local/lib.so.1
ENV a=${v:-x} b=${u:-x} c=${e:-x} d=${e-x} f=${v:+x} g=${u+x} h=${v#a} i=${v##*b} j=${v%c} k=${v%%b*} l=${v/b/X} m=${v//b/X} n=${p##*/} o=${p%/*}
ENV q='$v' r="\$v" s=\$v t="${u:-q w}"
RUN env
EXPOSE ${u:-80}
