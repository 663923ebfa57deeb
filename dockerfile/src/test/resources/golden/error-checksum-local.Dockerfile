FROM alpine
ADD --checksum=sha256:x a b
