#!/usr/bin/env bash
# What the listener offers of TLS, as sslyze sees it: tls.py.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../conformance/lib.sh"
HERE="$ROOT/tests/tls"
mkdir -p "$BUILD/tls-tools"
python="$(python_environment "$HERE/requirements.txt" "$BUILD/tls-tools/venv")"
exec "$python" -B "$HERE/tls_scan.py"
