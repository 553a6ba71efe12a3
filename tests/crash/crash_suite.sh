#!/usr/bin/env bash
# kill -9 under a writing load, and what the vault still knows afterwards: crash.py.
# COFFER_CRASH_ROUNDS (default 8; 200 is the long form), COFFER_CRASH_SEED.
set -euo pipefail
exec python3 -B "$(dirname "${BASH_SOURCE[0]}")/crash.py"
