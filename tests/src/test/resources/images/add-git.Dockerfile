FROM scratch
ARG REGISTRY
ADD http://$REGISTRY/repository.git /whole/
ADD http://$REGISTRY/repository.git#v1 /tag/
ADD http://$REGISTRY/repository.git#v1:folder /folder/
ADD --checksum=@COMMIT@ --chown=41:42 http://$REGISTRY/repository.git#v1 /checked
