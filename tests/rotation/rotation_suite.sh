#!/usr/bin/env bash
# A namespace's key is rotated in a real server with SoftHSM, under load and through kill -9:
# rotation.py. COFFER_ROTATION_SEED repeats a run's choices.
set -euo pipefail
exec python3 -B "$(dirname "${BASH_SOURCE[0]}")/rotation.py"
