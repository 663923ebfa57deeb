FROM alpine AS base
ONBUILD COPY <<EOF /x
hello
EOF
ONBUILD RUN <<EOF
echo $A
EOF
FROM base
ENV A=1
