FROM scratch
COPY foo bar /dst/
