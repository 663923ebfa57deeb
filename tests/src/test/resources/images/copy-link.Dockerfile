ARG REGISTRY
FROM $REGISTRY/toolbox AS base
RUN mkdir -p /opt/here && echo kept > /opt/here/kept
FROM base
COPY --link a.txt /opt/here/
COPY --link --chown=3:4 dir /opt/
COPY --link=false b.txt /opt/here/b
COPY --link --chmod=711 exec.sh /opt/
WORKDIR /opt
COPY --link --from=base /etc/passwd passwd
