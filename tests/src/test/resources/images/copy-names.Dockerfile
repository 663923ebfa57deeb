FROM scratch
COPY ["with space.txt", "a.txt", "/json form/"]
COPY ["with space.txt", "/renamed file"]
COPY "ünï.txt" /unicode/
COPY setuid /modes/
COPY exec.sh /modes/
ADD ["[[]x].txt", "/brackets"]
