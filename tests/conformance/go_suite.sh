#!/usr/bin/env bash
# Two tenants through the unmodified Go client (tests/conformance/go_client).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if go_is_missing >/dev/null; then
  skip "Go client" "$(go_is_missing)"
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

build_go_client
PORT="$(free_port)"
if ! start_vault "$HOME_DIR/data" "$PORT" "$HOME_DIR/server.log"; then
  fail "server" "it did not start"
  finish
  exit 1
fi
# shellcheck disable=SC1091
source "$HOME_DIR/data/env"
run_go_client "$HOME_DIR/go.txt"
add_lines "$HOME_DIR/go.txt"
finish
