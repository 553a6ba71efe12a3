#!/usr/bin/env bash
# A wiped node of a cluster takes another node's store and catches up: bootstrap.py.
# COFFER_BOOTSTRAP_SECRETS (default 3000; 1000000 is the long form, bounded by
# COFFER_BOOTSTRAP_LIMIT_S, default 180). COFFER_BOOTSTRAP_FOLDER keeps a loaded cluster between
# runs: with COFFER_BOOTSTRAP_LOAD_S a run stops loading after so long and the next one goes on.
set -euo pipefail
exec python3 -B "$(dirname "${BASH_SOURCE[0]}")/bootstrap.py"
