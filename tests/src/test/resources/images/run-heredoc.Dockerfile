ARG REGISTRY
FROM $REGISTRY/toolbox
ARG who=world
RUN <<EOF
echo "hello $who" > /one
  echo 'indented' >> /one
EOF
RUN <<'EOF'
echo "still the shell's $who" > /two
EOF
RUN <<-EOF
	cat > /three <<INNER
	inner $who
	INNER
	EOF
RUN cat <<A > /four && cat <<B >> /four
from a $who
A
from b
B
RUN <<script
#!/bin/busybox ash
echo "$0 $who" > /five
script
RUN <<EOF cat > /six
ignored command
EOF
RUN <<EOF
EOF
