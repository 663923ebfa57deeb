FROM scratch
ADD archive.tar /tar/
ADD archive.tar.gz /gz
ADD archive.tar.gz archive.tar a.txt /both/
ADD --chown=21:22 archive.tar.xz /xz/
COPY archive.tar /copied
ADD archive*.gz /wild/
