#!/usr/bin/env bash
# Nodes and brokers of a cluster die and freeze under a load whose history is checked: faults.py.
# COFFER_FAULTS (default 6; 300 is the long form), COFFER_FAULTS_SEED, COFFER_FAILOVERS and
# COFFER_DRAINS (default 2 each; 10 and more are the long form), COFFER_FAULTS_CLIENTS (default 8).
set -euo pipefail
exec python3 -B "$(dirname "${BASH_SOURCE[0]}")/faults.py"
