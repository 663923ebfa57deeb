FROM scratch
ENV set=value empty= path=/usr/lib/file.tar.gz star=a*b
LABEL plain=$set braces=${set} none=[$none] mid=x${set}y
LABEL d1=${none:-word} d2=${empty:-word} d3=${empty-word} d4=${set:-word} d5=${none:-${set}}
LABEL p1=${set:+word} p2=${empty:+word} p3=${empty+word} p4=${none:+word}
LABEL q1=${set:?needed} q2=${set?needed}
LABEL h1=${path#*/} h2=${path##*/} h3=${path%.*} h4=${path%%.*} h5=${path#nothing}
LABEL s1=${path/lib/LIB} s2=${path//l/L} s3=${path//\//-} s4=${star/\*/+} s5=${path/.*/}
LABEL single='$set' double="$set" escaped=\$set "in key $set"=yes
LABEL nested=${none:-${also:-${empty:-deep}}}
