#!/usr/bin/env bash
# hvac's own integration tests, from its source package, against cofferd behind the `vault` shim.
# With COFFER_TEST_KAFKA (brokers) each server is a cluster, and each request goes to a random node
# of it; cluster_conformance_suite.sh runs it so.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

VERSION=2.4.0
SOURCES="$WORK/hvac-$VERSION"
HERE="$ROOT/tests/conformance"
API=tests/integration_tests/api
FILES=("$API/secrets_engines/test_kv_v1.py" "$API/secrets_engines/test_kv_v2.py"
  "$API/auth_methods/test_token.py" "tests/integration_tests/v1/test_system_backend.py")
for name in policy policies mount auth init seal health leader wrapping key lease quota namespace \
  audit; do
  FILES+=("$API/system_backend/test_$name.py")
done

fetch_sources() {
  if [[ -f "$SOURCES/.complete" ]]; then return; fi
  rm -rf "$SOURCES"
  "$1" -m pip download -q --disable-pip-version-check --no-binary :all: --no-deps \
    --dest "$WORK" "hvac==$VERSION" >&2
  tar -xzf "$WORK/hvac-$VERSION.tar.gz" -C "$WORK"
  touch "$SOURCES/.complete"
}

[[ -x "$COFFERD" ]] || {
  fail "server program" "no $COFFERD"
  finish
  exit 1
}
python="$(python_environment)"
fetch_sources "$python"

COFFER_SHIM_DIR="$(mktemp -d)"
export COFFER_SHIM_DIR
# A server outlives a test run that was killed: end those of our folder, then remove it.
clean() {
  local pid file
  for file in "$COFFER_SHIM_DIR"/*/data/cofferd.pid "$COFFER_SHIM_DIR"/*/nodes/*/cofferd.pid; do
    pid="$(cat "$file" 2>/dev/null || true)"
    if [[ -n "$pid" ]] && [[ "$(cat "/proc/$pid/comm" 2>/dev/null)" == cofferd ]] &&
      tr '\0' ' ' <"/proc/$pid/cmdline" | grep -qF "$COFFER_SHIM_DIR/"; then
      kill -KILL "$pid" 2>/dev/null || true
    fi
  done
  rm -rf "$COFFER_SHIM_DIR"
}
trap clean EXIT
trap 'exit 130' INT TERM HUP

RESULTS="$WORK/hvac" SKIP_LISTS=("$HERE/hvac_skips.txt") PROGRAMS=(vault)
if [[ -n "${COFFER_TEST_KAFKA:-}" ]]; then
  RESULTS="$WORK/hvac-cluster"
  PROGRAMS+=(consul)
else
  SKIP_LISTS+=("$HERE/hvac_skips_single.txt")
fi
mkdir -p "$RESULTS/bin"
for program in "${PROGRAMS[@]}"; do
  ln -sf "$HERE/$program" "$RESULTS/bin/$program"
done
export PATH="$RESULTS/bin:$PATH"
cd "$SOURCES"
pytest=("$python" -m pytest -o addopts= -p no:cacheprovider)

# Every id of the skip list must exist, so that the list cannot rot.
mapfile -t skips < <(cat "${SKIP_LISTS[@]}" | sed -n 's/^\([^# ][^ ]*\) : .*/\1/p')
if lines="$(cat "${SKIP_LISTS[@]}" | grep -vE '^(#.*)?$|^[^ ]+ : .+')"; then
  fail "skip list" "not of the form 'test id : reason': $lines"
fi
"${pytest[@]}" --collect-only -q "${FILES[@]}" >"$RESULTS/collected.txt" || {
  cat "$RESULTS/collected.txt"
  fail "collection" "pytest could not collect the tests"
}
options=()
for id in "${skips[@]}"; do
  if grep -qxF "$id" "$RESULTS/collected.txt"; then
    options+=("--deselect=$id")
  else
    fail "skip list" "no such test: $id"
  fi
done
if ((CHECKS_FAILED > 0)); then
  finish || exit 1
fi

# One server per class: keep a class on one worker.
status=0
"${pytest[@]}" -n 2 --dist loadscope --junitxml="$RESULTS/results.xml" "${options[@]}" "${FILES[@]}" ||
  status=$?
if ((status > 1)); then
  for log in "$COFFER_SHIM_DIR"/*/*.log; do
    printf -- '---- %s\n' "$log"
    tail -n 50 "$log" || true
  done
  exit "$status"
fi
if ((status != 0)); then
  for log in "$COFFER_SHIM_DIR"/*/*.log; do
    if [[ -s "$log" ]]; then
      printf -- '---- %s\n' "$log"
      tail -n 20 "$log"
    fi
  done
fi
"$python" "$HERE/junit_counts.py" "$RESULTS/results.xml" "${#skips[@]}"
