#!/usr/bin/env bash
# Holds a daemon to all lists (expected/SUITE.txt, which only grow): every listed test passes, at most three of them only when
# run once more, alone. Prints FLAKY or FAILED with the name of each that did not pass at once; a flaky test is a bug (ADR 0003).
#
# usage: all.sh DAEMON_DIR [SUITE...]     (all suites but services, which needs npm and servers that take minutes to build)
# Exit status: 0 if the daemon holds, 1 if not, 2 if nothing could be run. Logs: LOG/SUITE.log (build/ci).
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
daemon=${1:?usage: all.sh DAEMON_DIR [SUITE...]}; shift
suites=("$@"); [ $# -gt 0 ] || suites=(buildctl client dockerfile dockerfile-client dockerfile-gateway)
log=${LOG:-build/ci}; mkdir -p "$log"
# In groups, so that one test that hangs or one client that crashes takes no more results with it than its group's.
group=32
most_flaky=3

OUT=$PWD/build/conformance "$here/run.sh" "$daemon" prepare || exit 2

# missing SUITE NAMES OUT SECONDS: runs the tests whose names the regular expression matches, and prints those listed that did
# not pass.
missing() {
  rm -f "$3/$1.missing"
  OUT=$3 SUITE_TIMEOUT=$4 "$here/run.sh" "$daemon" "$1" -- "$2" >>"$log/$1.log" 2>&1
  if [ -f "$3/$1.missing" ]; then cat "$3/$1.missing"; else grep -E "/($2)/" "$here/expected/$1.txt"; fi
}

status=0 flaky=0
for suite in "${suites[@]}"; do
  list=$here/expected/$suite.txt
  [ -s "$list" ] || { echo "conformance: CANNOT RUN: no list of suite $suite" >&2; exit 2; }
  echo "== conformance: $suite"
  rm -f "$log/$suite.log"
  mapfile -t names < <(cut -d/ -f2 "$list" | sort -u)
  failed=()
  for ((first = 0; first < ${#names[@]}; first += group)); do
    regex=$(IFS='|'; echo "${names[*]:first:group}")
    mapfile -t -O "${#failed[@]}" failed < <(missing "$suite" "$regex" "$PWD/build/conformance" 600)
  done
  echo "$suite: $(($(wc -l <"$list") - ${#failed[@]})) of $(wc -l <"$list") listed tests pass"
  for name in "${failed[@]}"; do
    # More than a group's is no accident: those are not run again.
    if [ ${#failed[@]} -le $group ] && [ -z "$(PARALLEL=1 missing "$suite" "$(cut -d/ -f2 <<<"$name")" "$PWD/build/again" 300)" ]; then
      echo "FLAKY $suite $name"
      flaky=$((flaky + 1))
    else
      echo "FAILED $suite $name"
      status=1
    fi
  done
done
echo "conformance: $flaky flaky"
[ $flaky -le $most_flaky ] || { echo "conformance: more than $most_flaky flaky tests are a failure"; status=1; }
exit $status
