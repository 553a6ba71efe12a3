#!/usr/bin/env bash
# Two tenants through the unmodified Go client (tests/conformance/go_client).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

SOURCES="$ROOT/tests/conformance/go_client"
PROGRAM="$WORK/go_client"
NEEDED="$(sed -n 's/^go //p' "$SOURCES/go.mod")"

if ! go_is "$NEEDED"; then
  skip "Go client" "it needs Go $NEEDED, which this machine has not (Debian 12 has 1.19)"
  finish
  exit
fi

HOME_DIR="$(mktemp -d)"
clean() {
  stop_vault || true
  rm -rf "$HOME_DIR"
}
trap clean EXIT
trap 'exit 130' INT TERM HUP

(cd "$SOURCES" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly go build -o "$PROGRAM" .)
PORT="$(free_port)"
if ! start_vault "$HOME_DIR/data" "$PORT" "$HOME_DIR/server.log"; then
  fail "server" "it did not start"
  finish
  exit 1
fi
# shellcheck disable=SC1091
source "$HOME_DIR/data/env"
"$PROGRAM" >"$HOME_DIR/go.txt" 2>&1 ||
  if ! grep -q '^FAIL ' "$HOME_DIR/go.txt"; then
    fail "Go client" "it ended early: $(tail -n 5 "$HOME_DIR/go.txt")"
  fi
add_lines "$HOME_DIR/go.txt"
finish
