#!/bin/sh
# Installs the Debian packages that the tests and the conformance suites run, as root, or names them; .ci/run calls it.
set -eu
. "$(dirname "$0")/jdk.sh"
find_jdk
need $for_tests skopeo skopeo ca-certificates /etc/ssl/certs/ca-certificates.crt
# No Debian package: its own one is too old.
command -v go >/dev/null || echo "kiln: no go on PATH: conformance suites cannot run, and tests with BuildKit's clients are skipped (https://go.dev/dl, 1.21 or newer)" >&2
