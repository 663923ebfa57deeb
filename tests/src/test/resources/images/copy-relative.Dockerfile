FROM scratch
WORKDIR /work/deep
COPY a.txt .
COPY a.txt ./
COPY a.txt name
COPY a.txt sub/
COPY b.txt ../up
WORKDIR ..
COPY dir/one.txt ""
ADD b.txt .
