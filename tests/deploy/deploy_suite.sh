#!/usr/bin/env bash
# What is below deploy/: manifests against their schemas, and all of it against the real server: that
# the options exist, the probes answer as meant, ports, users and paths agree with each other.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../conformance/lib.sh"
HERE="$ROOT/tests/deploy"
WORK="$BUILD/deploy"
HELM_VERSION=v3.22.0 COMPOSE_VERSION=v2.16.2
mkdir -p "$WORK/bin"

[[ -x "$COFFERD" ]] || {
  fail "server program" "no $COFFERD"
  finish
  exit 1
}

# go_program NAME MODULE PACKAGE VERSION: built once into the work folder; nothing when that fails.
go_program() {
  local name="$1" package="$2/$3" version="$4"
  local program="$WORK/bin/$name-$version"
  if [[ ! -x "$program" ]]; then
    local folder
    folder="$(mktemp -d "$WORK/go.XXXXXX")"
    GOBIN="$folder" GOTOOLCHAIN=local GOFLAGS=-mod=mod nice go install "$package@$version" >&2
    mv "$folder/$(basename "$3")" "$program"
    rmdir "$folder"
  fi
  printf '%s\n' "$program"
}

HELM='' COMPOSE=''
if go_is 1.26; then
  HELM="$(go_program helm helm.sh/helm/v3 cmd/helm "$HELM_VERSION")"
  # The loader of docker compose itself.
  COMPOSE="$(go_program compose github.com/compose-spec/compose-go/v2 cmd "$COMPOSE_VERSION")"
else
  skip "helm: the chart and that its rendered YAML is up to date" "it needs Go 1.26"
  skip "compose: its loader" "it needs Go 1.26"
fi
export HELM COMPOSE
python="$(python_environment "$HERE/requirements.txt" "$WORK/venv")"

for part in image examples systemd compose kubernetes chart probes; do
  status=0
  "$python" -B "$HERE/check_$part.py" >"$WORK/$part.txt" 2>&1 || status=$?
  add_lines "$WORK/$part.txt"
  # A program that ends early has not said what failed.
  if ((status != 0)) && ! grep -q '^FAIL ' "$WORK/$part.txt"; then
    fail "$part" "it ended early, with exit status $status"
  fi
done
finish
