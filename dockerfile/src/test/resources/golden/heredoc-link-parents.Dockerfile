FROM alpine
COPY --link <<a <<b /dst/
A
a
B
b
COPY --link --parents --exclude=x a/./b c /d
