# Sourced by kiln, mvnw and scripts/setup.sh: finds the JDK, and the Debian packages that a machine lacks.

jdk_is_new_enough() {
  [ -x "$1/bin/javac" ] && [ -f "$1/release" ] || return 1
  major=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release")
  [ -n "$major" ] && [ "$major" -ge 25 ]
}

# find_jdk: sets JAVA_HOME to a JDK 25 or newer, or ends with one line that says what to install.
find_jdk() {
  on_path=$(command -v javac 2>/dev/null) && on_path=$(dirname "$(dirname "$(readlink -f "$on_path")")")
  for candidate in "${JAVA_HOME:-}" "${on_path:-}" /usr/lib/jvm/* "$HOME"/.sdkman/candidates/java/*; do
    if [ -n "$candidate" ] && jdk_is_new_enough "$candidate"; then
      JAVA_HOME=$candidate
      export JAVA_HOME
      return 0
    fi
  done
  echo "kiln: no JDK 25 or newer in JAVA_HOME, PATH, /usr/lib/jvm or ~/.sdkman: install one (Temurin 25, say) or set JAVA_HOME" >&2
  return 1
}

# lacks PACKAGE COMMAND ...: prints the Debian packages whose command, or file, is not there.
lacks() {
  missing=
  while [ $# -gt 0 ]; do
    command -v "$2" >/dev/null 2>&1 || [ -e "$2" ] || missing="$missing $1"
    shift 2
  done
  printf %s "$missing"
}

# need PACKAGE COMMAND ...: installs what lacks, as root, or names it.
need() {
  missing=$(lacks "$@")
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "kiln: installing$missing" >&2
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >/dev/null 2>&1 && return 0
    echo "kiln: installing failed; try: apt-get install$missing" >&2
  else
    echo "kiln: missing packages; as root: apt-get install$missing" >&2
  fi
  return 1
}

# for_tests: what the tests run beside Maven; gcc makes the disk that fails, openssl the certificates.
for_tests="runc runc git git busybox-static /bin/busybox docker-registry docker-registry python3 python3 openssl openssl
  containernetworking-plugins /usr/lib/cni/bridge iptables iptables gcc cc libc6-dev /usr/include/stdio.h"

name_lacks_of_tests() {
  missing=$(lacks $for_tests)
  [ -z "$missing" ] || echo "kiln: tests will be skipped for want of$missing; to install them: sudo scripts/setup.sh" >&2
}
