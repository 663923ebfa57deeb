FROM scratch
ADD https://example.com/dir/file.tar.gz?x=1 /f
ADD --chmod=700 http://example.com/ /g/
ADD --checksum=sha256:2222222222222222222222222222222222222222222222222222222222222222 https://example.com/z /z
ADD https://github.com/moby/buildkit.git#v0.22.0:docs /git
ADD --keep-git-dir=true --checksum=abcdef git@github.com:moby/buildkit.git#main /ssh
