ARG REGISTRY
FROM scratch AS files
COPY dir /dir
COPY a.txt /a
FROM $REGISTRY/toolbox
RUN --mount=target=/context cp -r /context/dir /context/exec.sh /
RUN --mount=type=bind,from=files,target=/f,ro cat /f/a /f/dir/one.txt > /read
RUN --mount=type=bind,from=files,source=/dir/sub,dst=/f cp /f/three.txt /three
RUN --mount=type=bind,from=files,target=/f,rw echo changed > /f/a && cat /f/a > /discarded
WORKDIR /work
ENV place=here
RUN --mount=from=files,source=a,target=$place cp here there
RUN --mount=type=bind,from=extra,target=/x cat /x/extra.txt > /extra
