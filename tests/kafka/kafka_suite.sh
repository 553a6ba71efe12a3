#!/usr/bin/env bash
# The replicated log against a real broker: tests/support/kafka_broker.py starts one, kafka_tests
# uses it. The jars come from Maven Central once and stay in the build folder. By hand: more brokers
# with COFFER_KAFKA_BROKERS (3), more random workloads with COFFER_KAFKA_SEEDS, one case with
# -tc=NAME.
set -euo pipefail
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
BUILD="${COFFER_BUILD:-$ROOT/build}"
exec python3 -B "$ROOT/tests/support/kafka_broker.py" --cache "$BUILD/kafka" \
  --brokers "${COFFER_KAFKA_BROKERS:-1}" -- \
  "${KAFKA_TESTS:-$BUILD/release/kafka_tests}" --no-colors=true "$@"
