#!/usr/bin/env bash
# Runs BuildKit's published v0.22.0 test suites, with its real Go clients, against a buildkitd-compatible daemon, and holds
# what passed against the tests that must (expected/SUITE.txt). all.sh does so for every suite, in groups, as .ci/run does.
#
# usage: run.sh DAEMON_DIR [SUITE...] [-- TEST_REGEX]
#   DAEMON_DIR   folder with an executable named buildkitd ("reference" for BuildKit's own, which is built)
#   SUITE        client | dockerfile | buildctl   (these three where none is named), and
#                dockerfile-client   the dockerfile suite with the Go frontend in the client: only the gateway API of the daemon
#                dockerfile-gateway  the same with the published Go frontend in a container (what "# syntax=" runs)
#                services            the client tests that need a real S3 and Azure Blob server (built on first use: slow)
#                prepare             no suite: only builds what the suites need
#   TEST_REGEX   only tests whose name matches as a whole, e.g. 'TestMerge.*'
# The Dockerfile suites are built with the labs channel's features (tags below), and so is the reference.
#
# The last line is "N passed, M failed" over the listed tests. Exit status: 0 if M is 0, 1 if not, 2 if nothing could be run.
# In OUT (build/conformance): SUITE.log, what passed in SUITE.passed, what is listed and did not in SUITE.missing.
# PARALLEL: tests at a time (4). SUITE_TIMEOUT: seconds for one suite (3000).
# CONFORMANCE_KIT: where clients, suites and base images are built once (/var/cache/conformance-kit).
# Needs root, go, and what scripts/setup.sh installs; for services npm. No network but the Go module proxy, and npm's registry.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cannot() { echo "conformance: CANNOT RUN: $1" >&2; exit 2; }

[ $# -gt 0 ] || cannot "no daemon named; usage: run.sh DAEMON_DIR [SUITE...] [-- TEST_REGEX]"
OUT=${OUT:-build/conformance}; mkdir -p "$OUT"; OUT=$(cd "$OUT" && pwd)
kit=${CONFORMANCE_KIT:-/var/cache/conformance-kit}
expected=$here/expected
tags="dfrunsecurity dfparents dfexcludepatterns dfrundevice"
daemon=$1; shift
suites=(); regex='[^/]*'
while [ $# -gt 0 ]; do case $1 in --) regex=$2; shift 2 ;; *) suites+=("$1"); shift ;; esac; done
[ ${#suites[@]} -gt 0 ] || suites=(client dockerfile buildctl)

[ "$(id -u)" = 0 ] || cannot "daemons that run containers need root"
for tool in runc busybox skopeo docker-registry git python3 iptables; do
  command -v $tool >/dev/null || cannot "no $tool; scripts/setup.sh installs it"
done
command -v go >/dev/null || cannot "no go on PATH; 1.21 or newer builds BuildKit's clients (https://go.dev/dl)"
[ "$daemon" = reference ] || [ -x "$daemon/buildkitd" ] || cannot "no buildkitd in $daemon; ./mvnw package -DskipTests makes daemon/target/kiln/bin"

# build PATH WHAT...: makes what the kit lacks.
src=$kit/src; mkdir -p "$src" "$kit/bin"; cp -f "$here/go.mod" "$here/go.sum" "$src/"
build() {
  [ -x "$kit/$1" ] && return
  echo "building $1" >&2
  (cd "$src" && shift && "$@") || cannot "building $1 failed"
}
build bin/buildctl env CGO_ENABLED=0 go build -o "$kit/bin/" github.com/moby/buildkit/cmd/buildctl
for s in client frontend/dockerfile cmd/buildctl; do
  build "${s##*/}.test" go test -tags "$tags" -c -o "$kit/${s##*/}.test" "github.com/moby/buildkit/$s"
done
ln -sf "$(command -v docker-registry)" "$kit/bin/registry"
build frontend/dockerfile-frontend env CGO_ENABLED=0 go build -tags "$tags" -o "$kit/frontend/" github.com/moby/buildkit/frontend/dockerfile/cmd/dockerfile-frontend
if [ ! -f "$kit/mirror/data/.done4" ]; then
  rm -rf "$kit/mirror"
  python3 "$here/base_images.py" "$kit/mirror" "$kit/frontend/dockerfile-frontend" || cannot "making the base images failed"
  touch "$kit/mirror/data/.done4"
fi
case " ${suites[*]} " in *" services "*)
  command -v npm >/dev/null || cannot "no npm, which brings the Azure Blob server"
  build bin/minio env CGO_ENABLED=0 GOFLAGS=-mod=mod GOBIN="$kit/bin" go install github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c
  build bin/mc env CGO_ENABLED=0 GOFLAGS=-mod=mod GOBIN="$kit/bin" go install github.com/minio/mc@v0.0.0-20250313080218-cf909e1063a9
  mkdir -p "$kit/azurite"
  build azurite/node_modules/.bin/azurite-blob npm --prefix "$kit/azurite" install --silent azurite@3.37.0
  ln -sf "$kit/azurite/node_modules/.bin/azurite-blob" "$kit/bin/azurite-blob"
esac
if [ "$daemon" = reference ]; then
  mkdir -p "$kit/reference"
  build reference/buildkitd env CGO_ENABLED=0 go build -tags "$tags" -o "$kit/reference/" github.com/moby/buildkit/cmd/buildkitd
  daemon=$kit/reference
fi
[ "${suites[*]}" != prepare ] || exit 0

# Only the daemon goes on the path: the clients are the kit's.
daemon=$(cd "$daemon" && pwd); mkdir -p "$OUT/daemon"
printf '#!/bin/sh\nexec "%s/buildkitd" "$@"\n' "$daemon" >"$OUT/daemon/buildkitd"; chmod +x "$OUT/daemon/buildkitd"
export PATH=$OUT/daemon:$kit/bin:$PATH BUILDKIT_REGISTRY_MIRROR_DIR=$kit/mirror

passed=0; failed=0
for suite in "${suites[@]}"; do
  bin=$suite; only=$regex; frontend=FRONTEND_BUILTIN_ONLY=1
  case $suite in
    client) pkg=client ;;
    dockerfile) pkg=frontend/dockerfile ;;
    buildctl) pkg=cmd/buildctl ;;
    dockerfile-client) pkg=frontend/dockerfile; bin=dockerfile; frontend=FRONTEND_CLIENT_ONLY=1 ;;
    dockerfile-gateway) pkg=frontend/dockerfile; bin=dockerfile; frontend=FRONTEND_GATEWAY_ONLY=local:$kit/mirror/frontend.tar ;;
    services) pkg=client; bin=client; [ "$regex" != '[^/]*' ] || only='.*(S3|Azblob).*' ;;
    *) cannot "unknown suite: $suite" ;;
  esac
  # The tests are run in the module's own folder, where they find their fixtures.
  dir=$(cd "$src" && go list -f '{{.Dir}}' "github.com/moby/buildkit/$pkg")
  (cd "$dir" && env $frontend timeout "${SUITE_TIMEOUT:-3000}" "$kit/$bin.test" -test.v -test.parallel "${PARALLEL:-4}" -test.timeout 0 \
     -test.run "/($only)/worker=oci\$" >"$OUT/$suite.log" 2>&1) || true
  grep -oE '^    --- PASS: [^ ]+' "$OUT/$suite.log" | sed 's/^    --- PASS: //' | sort >"$OUT/$suite.passed" || true
  grep -E "/($only)/worker=oci" "$expected/$suite.txt" | sort >"$OUT/$suite.expected" || true
  comm -13 "$OUT/$suite.passed" "$OUT/$suite.expected" >"$OUT/$suite.missing"
  sed "s/^/MISSING $suite: /" "$OUT/$suite.missing"
  p=$(comm -12 "$OUT/$suite.passed" "$OUT/$suite.expected" | wc -l); m=$(wc -l <"$OUT/$suite.missing")
  echo "$suite: $p of $((p + m)) expected tests pass"
  passed=$((passed + p)); failed=$((failed + m))
done
[ $((passed + failed)) -gt 0 ] || cannot "no listed test is named by '$regex'"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
