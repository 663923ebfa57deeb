FROM scratch
LABEL a=b \
  c=d
COPY a.txt /
COPY <<EOF /heredoc
line
EOF
