#!/usr/bin/env bash
# A cluster is upgraded node by node under load, from nodes that are pinned to the older version of
# the log's records: versions.py.
set -euo pipefail
exec python3 -B "$(dirname "${BASH_SOURCE[0]}")/versions.py"
