FROM alpine
ARG NAME=world
COPY <<EOF <<"RAW" <<-TABS /dst/
hello $NAME "quoted" \$x
EOF
raw $NAME
RAW
		indented $NAME
	TABS
RUN <<EOF
echo one
echo two
EOF
RUN <<-EOF
	echo tab
EOF
RUN <<SCRIPT
#!/bin/python
print(1)
SCRIPT
RUN cat <<A && cat <<B
a
A
b
B
