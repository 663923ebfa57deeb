FROM scratch
COPY dir /d
COPY dir/ /e/
COPY dir a.txt /x/y/z/
COPY dir/sub /d/
COPY empty /empty
COPY . /all/
