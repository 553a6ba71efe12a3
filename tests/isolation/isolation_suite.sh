#!/usr/bin/env bash
# Nothing of one tenant is returned, counted or hinted to another: isolation.py.
# COFFER_ISOLATION_REQUESTS (default 3000), COFFER_ISOLATION_SEED.
set -euo pipefail
exec python3 -B "$(dirname "${BASH_SOURCE[0]}")/isolation.py"
