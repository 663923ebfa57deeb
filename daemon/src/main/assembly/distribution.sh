#!/bin/sh
# Completes target/kiln, the distribution: launchers, the runtime it was built with, JVM arguments, and the AOT cache, made by
# one training run of the daemon. Called by Maven in the package phase.
# usage: distribution.sh BASEDIR JAVA_HOME VERSION
set -eu
basedir=$1 java_home=$2 version=$3
home=$basedir/target/kiln
lib=$home/lib
mkdir -p "$home/bin" "$lib"
cp "$basedir/src/main/dist/bin/"* "$home/bin/"
chmod 755 "$home/bin/"*
# One jar: to open a hundred and to read their manifests takes longer than the rest of the start. An older one, and its parts,
# would stay otherwise.
rm -f "$lib"/*.jar
"$java_home/bin/java" "$basedir/src/main/assembly/OneJar.java" "$lib/kiln.jar" "$version" "$lib/licenses" \
  "$basedir/target/daemon-$version.jar" "$basedir/target/libraries"
printf '%s\n' "$java_home" >"$lib/jdk"
# SQLite's native library is unpacked once here, not at every start.
(cd "$lib" && "$java_home/bin/jar" xf "$basedir"/target/libraries/sqlite-jdbc-*.jar "org/sqlite/native/Linux/$(uname -m)/libsqlitejdbc.so" &&
  mv "org/sqlite/native/Linux/$(uname -m)/libsqlitejdbc.so" . && rm -r org)
# The compilers' threads start a step behind the builds that they compile for (niceness 1; needs root, as the daemon does): see Compilers.
cat >"$lib/kiln.args" <<'ARGS'
-XX:+UseSerialGC -Xms40m -Xmn24m -XX:-ShrinkHeapInSteps -XX:MaxHeapFreeRatio=50 -XX:MinHeapFreeRatio=20 -Xss512k
-XX:ThreadPriorityPolicy=1 -XX:CompilerThreadPriority=1
-Djdk.nio.maxCachedBufferSize=262144
--enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow
ARGS
train=$(mktemp -d)
trap 'rm -rf "$train"' EXIT
# What the first compiler compiled here without profiling is compiled so at once, and for good, in every run: all but hashing, which
# only the second one has instructions for (ADR 0007).
KILN_WARM_UP=off "$java_home/bin/java" "-XX:AOTCacheOutput=$lib/kiln.aot" "@$lib/kiln.args" "-Dkiln.home=$home" "-Dorg.sqlite.lib.path=$lib" \
  -XX:TieredStopAtLevel=1 -XX:CompileCommand=quiet '-XX:CompileCommand=exclude,sun/security/provider/*.*' \
  -cp "$lib/kiln.jar" dev.kiln.daemon.Training "$train" >"$basedir/target/training.log" 2>&1 || true
[ -s "$lib/kiln.aot" ] || { cat "$basedir/target/training.log" >&2; echo "no AOT cache was made" >&2; exit 1; }
# A daemon of root's maps these as code, and the training daemon wrote one of them.
chmod -R u+rwX,go+rX,go-w "$home"
