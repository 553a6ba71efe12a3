#!/usr/bin/env bash
# A vault with SoftHSM is moved into a cluster and back: migrate.py against a broker of its own.
set -euo pipefail
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
exec python3 -B "$ROOT/tests/support/kafka_broker.py" --cache "${COFFER_BUILD:-$ROOT/build}/kafka" -- \
  python3 -B "$ROOT/tests/migrate/migrate.py"
