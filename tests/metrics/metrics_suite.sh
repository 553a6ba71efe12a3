#!/usr/bin/env bash
# sys/metrics and the log of a running server: metrics.py.
set -euo pipefail
exec python3 -B "$(dirname "${BASH_SOURCE[0]}")/metrics.py"
