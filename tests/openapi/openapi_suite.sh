#!/usr/bin/env bash
# The server keeps to its own OpenAPI document, with schemathesis: openapi.py.
# COFFER_OPENAPI_SECONDS (default 40), COFFER_OPENAPI_SEED.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../conformance/lib.sh"
HERE="$ROOT/tests/openapi"
mkdir -p "$BUILD/openapi-tools"
python="$(python_environment "$HERE/requirements.txt" "$BUILD/openapi-tools/venv")"
exec "$python" -B "$HERE/openapi.py"
