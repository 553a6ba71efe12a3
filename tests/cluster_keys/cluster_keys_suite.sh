#!/usr/bin/env bash
# Destroyed keys leave the files of every node of a cluster, and a namespace's key is rotated while its
# owner is killed: cluster_keys.py. COFFER_CLUSTER_KEYS_SEED repeats a run's choices.
set -euo pipefail
exec python3 -B "$(dirname "${BASH_SOURCE[0]}")/cluster_keys.py"
