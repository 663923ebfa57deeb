FROM scratch
COPY *.txt /texts/
COPY dir/*/three.txt /three/
COPY d?r/one.txt /renamed
COPY [[]x].txt /
COPY dir/*.none a.txt /some/
COPY di[a-z]/sub/* /sub/
