ARG REGISTRY
FROM $REGISTRY/toolbox AS base
COPY a.txt /seed/a
FROM base
RUN --mount=type=cache,target=/c,id=golden-one echo 1 >> /c/log && cat /c/log > /first
RUN --mount=type=cache,target=/other,id=golden-one,sharing=locked cat /other/log > /second
RUN --mount=type=cache,target=/c,id=golden-two,mode=0741,uid=51,gid=52,sharing=private stat -c '%a %u %g' /c > /owner
RUN --mount=type=cache,target=/c,id=golden-three,from=base,source=/seed cp /c/a /seeded
RUN --mount=type=tmpfs,target=/t touch /t/x && ls /t > /tmpfs
RUN --mount=type=tmpfs,target=/t,size=4m df -k /t | awk 'NR == 2 { print $2 }' > /size
