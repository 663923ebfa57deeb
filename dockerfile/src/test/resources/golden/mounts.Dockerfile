FROM busybox:1.36 AS tool
FROM alpine
ARG T=/cache
RUN --mount=type=cache,target=$T --mount=type=bind,source=src,target=/src,rw --mount=type=tmpfs,target=/tmp,size=64m --mount=type=secret,id=tok,mode=0440,uid=3 --mount=type=secret,id=envs,env=TOK --mount=type=ssh echo $TOK
RUN --mount=from=tool,target=/tool --mount=type=cache,id=c,sharing=locked,uid=5,target=rel --mount=type=cache,target=/ro,ro,sharing=private,from=tool,source=/x true
RUN --mount=type=ssh,id=k,target=/sock,required --mount=type=secret,source=foo,target=/run/foo,required=true true
RUN --mount=target=/ctx true
