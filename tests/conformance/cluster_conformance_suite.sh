#!/usr/bin/env bash
# The suites of unmodified clients once more, against clusters of three nodes on a real broker, with
# every request through a random node (cluster_front.py). Clusters that hvac starts are initialised,
# unsealed and sealed with key shares; the Go client's unseals itself, and serves for what an
# operator does to single nodes afterwards (cluster_operations.py).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
HERE="$ROOT/tests/conformance"
export COFFER="${COFFER:-$BUILD/release/coffer}"
if [[ -z "${COFFER_TEST_KAFKA:-}" ]]; then
  exec python3 -B "$ROOT/tests/support/kafka_broker.py" --cache "$BUILD/kafka" -- \
    bash "$HERE/cluster_conformance_suite.sh"
fi

HOME_DIR="$(mktemp -d)"
FRONT_PID=
clean() {
  if [[ -n "$FRONT_PID" ]]; then
    kill -KILL "$FRONT_PID" 2>/dev/null || true  # the nodes end with it
    wait "$FRONT_PID" 2>/dev/null || true
  fi
  rm -rf "$HOME_DIR"
}
trap clean EXIT
trap 'exit 130' INT TERM HUP

# add_suite NAME LOG STATUS: the counts of a suite that has run.
add_suite() {
  local passed failed skipped
  cat "$2"
  if ! read -r passed failed skipped < <(sed -nE \
    's/^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' "$2" | tail -n 1); then
    fail "$1" "exit status $3 and no summary"
    return
  fi
  CHECKS_PASSED=$((CHECKS_PASSED + passed))
  CHECKS_FAILED=$((CHECKS_FAILED + failed))
  CHECKS_SKIPPED=$((CHECKS_SKIPPED + skipped))
  if (($3 != 0 && failed == 0)); then fail "$1" "exit status $3"; fi
}

status=0
bash "$HERE/hvac_suite.sh" >"$HOME_DIR/hvac.txt" 2>&1 || status=$?
add_suite hvac "$HOME_DIR/hvac.txt" "$status"

start_front() {
  local deadline=$((SECONDS + 90))
  python3 -B "$HERE/cluster_front.py" "$HOME_DIR/cluster" >"$HOME_DIR/front.txt" 2>&1 </dev/null &
  FRONT_PID=$!
  until [[ -s "$HOME_DIR/cluster/env" ]]; do
    if ! kill -0 "$FRONT_PID" 2>/dev/null || ((SECONDS > deadline)); then
      cat "$HOME_DIR/front.txt" "$HOME_DIR"/cluster/*.log
      return 1
    fi
    sleep 0.1
  done
}

if ! start_front; then
  fail "cluster" "it did not start"
  finish
  exit 1
fi
if go_is_missing >/dev/null; then
  skip "Go client" "$(go_is_missing)"
else
  build_go_client
  # shellcheck disable=SC1091
  (source "$HOME_DIR/cluster/env" && run_go_client "$HOME_DIR/go.txt")
  add_lines "$HOME_DIR/go.txt"
fi
python3 -B "$HERE/cluster_operations.py" "$HOME_DIR/cluster" >"$HOME_DIR/operations.txt" 2>&1 ||
  printf 'FAIL cluster operations: they ended early\n' >>"$HOME_DIR/operations.txt"
add_lines "$HOME_DIR/operations.txt"
if grep -q '^FAIL' "$HOME_DIR/operations.txt"; then
  for log in "$HOME_DIR"/cluster/*.log; do
    printf -- '---- %s\n' "$log"
    tail -n 60 "$log"
  done
fi
finish
