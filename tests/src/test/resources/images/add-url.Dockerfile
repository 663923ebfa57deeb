FROM scratch
ARG REGISTRY
ADD http://$REGISTRY/files/a.txt /
ADD http://${REGISTRY}/files/a.txt /named
ADD --chmod=0755 --chown=31:32 http://${REGISTRY}/files/a.txt /dir/
ADD --checksum=sha256:87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7 http://${REGISTRY}/files/a.txt /checked
ADD http://${REGISTRY}/files/archive.tar.gz /packed/
