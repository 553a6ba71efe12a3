#!/usr/bin/env bash
# Thousands of random tokens, signed and judged by Python's JOSE libraries: Coffer must agree.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../conformance/lib.sh"

HERE="$ROOT/tests/authn_oracle"
PYTHON="$(python_environment "$HERE/requirements.txt" "$WORK/venv-authn")"
LINES="$WORK/authn_oracle.log"

if ! "$PYTHON" -B "$HERE/oracle.py" "$BUILD/release/authn_verify_lines" 300 >"$LINES" 2>&1; then
  fail "oracle" "it ended early: $(tail -n 5 "$LINES")"
fi
add_lines "$LINES"
finish
