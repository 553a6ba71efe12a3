#!/usr/bin/env bash
# hvac's own integration tests, from its source package, against cofferd behind the `vault` shim.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

VERSION=2.4.0
SOURCES="$WORK/hvac-$VERSION"
HERE="$ROOT/tests/conformance"
API=tests/integration_tests/api
FILES=("$API/secrets_engines/test_kv_v1.py" "$API/secrets_engines/test_kv_v2.py"
  "$API/auth_methods/test_token.py")
for name in policy policies mount auth init seal health leader wrapping; do
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
  for file in "$COFFER_SHIM_DIR"/*/data/cofferd.pid; do
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

mkdir -p "$WORK/bin"
ln -sf "$HERE/vault" "$WORK/bin/vault"
export PATH="$WORK/bin:$PATH"
cd "$SOURCES"
pytest=("$python" -m pytest -o addopts= -p no:cacheprovider)

# Every id of the skip list must exist, so that the list cannot rot.
mapfile -t skips < <(sed -n 's/^\([^# ][^ ]*\) : .*/\1/p' "$HERE/hvac_skips.txt")
if lines="$(grep -vE '^(#.*)?$|^[^ ]+ : .+' "$HERE/hvac_skips.txt")"; then
  fail "skip list" "not of the form 'test id : reason': $lines"
fi
"${pytest[@]}" --collect-only -q "${FILES[@]}" >"$WORK/hvac-collected.txt" || {
  cat "$WORK/hvac-collected.txt"
  fail "collection" "pytest could not collect the tests"
}
options=()
for id in "${skips[@]}"; do
  if grep -qxF "$id" "$WORK/hvac-collected.txt"; then
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
"${pytest[@]}" -n 2 --dist loadscope --junitxml="$WORK/hvac.xml" "${options[@]}" "${FILES[@]}" ||
  status=$?
if ((status > 1)); then
  for log in "$COFFER_SHIM_DIR"/*/cofferd.log; do
    printf -- '---- %s\n' "$log"
    tail -n 50 "$log" || true
  done
  exit "$status"
fi
if ((status != 0)); then
  for log in "$COFFER_SHIM_DIR"/*/cofferd.log; do
    if [[ -s "$log" ]]; then
      printf -- '---- %s\n' "$log"
      tail -n 20 "$log"
    fi
  done
fi
"$python" "$HERE/junit_counts.py" "$WORK/hvac.xml" "${#skips[@]}"
