FROM scratch
COPY a.txt /
ONBUILD COPY . /src/
onbuild run --mount=type=cache,target=/c make all
ONBUILD LABEL a=b
