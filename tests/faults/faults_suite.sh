#!/usr/bin/env bash
# Nodes and brokers of a cluster die, freeze, are cut off from each other and get other clocks, under a
# load whose history is checked: faults.py. `tools/dev jepsen` runs the long form.
# COFFER_FAULTS (default 6), COFFER_FAULTS_SEED, COFFER_FAILOVERS and COFFER_DRAINS (default 2 each),
# COFFER_FAULTS_CLIENTS (default 8).
set -euo pipefail
exec python3 -B "$(dirname "${BASH_SOURCE[0]}")/faults.py" "$@"
