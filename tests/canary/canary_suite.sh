#!/usr/bin/env bash
# A canary value and everything named stay out of every file, log line and error text; a destroyed
# version's wrapped data key is in no file: canary.py. COFFER_CANARY_SEED repeats a run.
set -euo pipefail
exec python3 -B "$(dirname "${BASH_SOURCE[0]}")/canary.py"
