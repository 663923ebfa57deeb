FROM scratch
ARG who=world
ENV mark="in env"
COPY <<ONE /one
hello $who ${mark} ${none:-nothing} "quoted" 'single' \$kept \\
ONE
COPY <<'TWO' /two
hello $who
TWO
COPY <<-THREE /three
	tabs	are cut
	  blanks are not
	THREE
COPY --chmod=0750 --chown=5:6 <<first.txt <<"second.txt" a.txt /several/
1 $who
first.txt
2 $who
second.txt
ADD <<EOF /added
#!/bin/sh
# not a comment
EOF
COPY <<EOF /empty
EOF
