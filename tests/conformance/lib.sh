# Shared helpers of the conformance suites; sourced, not run.
# shellcheck shell=bash

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
BUILD="${COFFER_BUILD:-$ROOT/build}"
WORK="$BUILD/conformance"
export COFFERD="${COFFERD:-$BUILD/release/cofferd}"
mkdir -p "$WORK"
# Nothing of the caller's own vault may leak into a suite.
unset VAULT_ADDR VAULT_TOKEN VAULT_CACERT VAULT_CAPATH VAULT_NAMESPACE VAULT_CLIENT_CERT \
  VAULT_CLIENT_KEY VAULT_SKIP_VERIFY VAULT_FORMAT

CHECKS_PASSED=0 CHECKS_FAILED=0 CHECKS_SKIPPED=0

ok() {
  CHECKS_PASSED=$((CHECKS_PASSED + 1))
  printf 'ok %s\n' "$1"
}

fail() {
  CHECKS_FAILED=$((CHECKS_FAILED + 1))
  printf 'FAIL %s: %s\n' "$1" "$2"
}

skip() {
  CHECKS_SKIPPED=$((CHECKS_SKIPPED + 1))
  printf 'skip %s: %s\n' "$1" "$2"
}

# check NAME COMMAND...: ok when the command succeeds.
check() {
  local name="$1" output
  shift
  if output="$("$@" 2>&1)"; then ok "$name"; else fail "$name" "${output:-not so}"; fi
}

# add_lines FILE: count the `ok` and `FAIL` lines that a client program printed.
add_lines() {
  cat "$1"
  CHECKS_PASSED=$((CHECKS_PASSED + $(grep -c '^ok ' "$1" || true)))
  CHECKS_FAILED=$((CHECKS_FAILED + $(grep -c '^FAIL ' "$1" || true)))
}

# finish: the closing line that tools/dev reads; fails when a check failed.
finish() {
  printf '%d passed, %d failed, %d skipped\n' "$CHECKS_PASSED" "$CHECKS_FAILED" "$CHECKS_SKIPPED"
  ((CHECKS_FAILED == 0))
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# json FILE PATH: the value at a dotted path; nothing when absent. Objects and lists as JSON.
json() {
  python3 - "$1" "$2" <<'PY'
import json, sys
value = json.load(open(sys.argv[1]))
for step in sys.argv[2].split("."):
    if isinstance(value, dict) and step in value:
        value = value[step]
    elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
        value = value[int(step)]
    else:
        sys.exit(0)
print(value if isinstance(value, str) else json.dumps(value, sort_keys=True))
PY
}

VAULT_PID=

# start_vault DATA PORT LOG: `tools/dev run` in the background, ready when this returns 0.
start_vault() {
  local data="$1" port="$2" log="$3" deadline=$((SECONDS + 120))
  rm -f "$data/env"
  COFFER_DATA="$data" COFFER_LISTEN="127.0.0.1:$port" "$ROOT/tools/dev" run >"$log" 2>&1 </dev/null &
  VAULT_PID=$!
  while ((SECONDS < deadline)); do
    if [[ -s "$data/env" ]] && grep -q '^Coffer is ready' "$log"; then return 0; fi
    if ! kill -0 "$VAULT_PID" 2>/dev/null; then break; fi
    sleep 0.1
  done
  printf 'the server did not become ready; its messages:\n'
  cat "$log"
  return 1
}

# stop_vault: as Ctrl-C does; its exit status.
stop_vault() {
  local status=0
  if [[ -n "$VAULT_PID" ]]; then
    kill -TERM "$VAULT_PID" 2>/dev/null || true
    wait "$VAULT_PID" || status=$?
    VAULT_PID=
  fi
  return "$status"
}

# python_environment: a virtual environment with requirements.txt, made once per content.
python_environment() {
  local wanted="$ROOT/tests/conformance/requirements.txt" venv="$WORK/venv"
  if ! cmp -s "$wanted" "$venv/requirements.txt"; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install -q --disable-pip-version-check -r "$wanted" >&2
    cp "$wanted" "$venv/requirements.txt"
  fi
  printf '%s\n' "$venv/bin/python"
}

GO_SOURCES="$ROOT/tests/conformance/go_client"
GO_CLIENT="$WORK/go_client"

# go_is_missing: succeeds and says why when there is no Go toolchain that can build the client.
go_is_missing() {
  local needed found
  needed="$(sed -n 's/^go //p' "$GO_SOURCES/go.mod")"
  if ! command -v go >/dev/null; then
    printf 'no Go toolchain on this machine; the client needs Go %s (Debian 12 has 1.19)\n' "$needed"
    return 0
  fi
  found="$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null | sed 's/^go//')"
  if [[ "$(printf '%s\n%s\n' "$found" "$needed" | sort -V | head -n 1)" == "$needed" ]]; then
    return 1
  fi
  printf 'Go %s is too old; the client needs Go %s\n' "$found" "$needed"
}

build_go_client() {
  (cd "$GO_SOURCES" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly go build -o "$GO_CLIENT" .)
}

# run_go_client FILE: its `ok` and `FAIL` lines, one FAIL at least when it ended early.
run_go_client() {
  "$GO_CLIENT" >"$1" 2>&1 ||
    if ! grep -q '^FAIL ' "$1"; then
      printf 'FAIL Go client: it ended early: %s\n' "$(tail -n 5 "$1")" >>"$1"
    fi
}
