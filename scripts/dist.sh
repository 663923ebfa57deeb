#!/bin/sh
# Builds the distribution and packs it: build/kiln-VERSION-linux-ARCH.tar.gz, with its sum beside it. See docs/releasing.md.
set -eu
cd "$(dirname "$0")/.."
version=$(sed -n 's|^  <version>\(.*\)</version>$|\1|p' pom.xml | head -n 1)
case $version in
  *-SNAPSHOT) ;;
  *) [ -z "$(git status --porcelain)" ] || { echo "dist: a release is made of what is committed, and this tree has changes" >&2; exit 1; } ;;
esac
./mvnw -q -B clean package -DskipTests
name=kiln-$version-linux-$(uname -m)
mkdir -p build
# Times stay: the AOT cache knows its jar by the time too.
tar -C daemon/target --transform "s|^kiln|$name|" --sort=name --owner=0 --group=0 --numeric-owner -czf "build/$name.tar.gz" kiln
(cd build && sha256sum "$name.tar.gz" | tee "$name.tar.gz.sha256")
