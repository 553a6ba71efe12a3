#!/usr/bin/env bash
# First use as a stranger would: `tools/dev run` on an empty folder, then curl, then hvac, then a
# second start. Two tenants; what belongs to one is refused to the other.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

HERE="$ROOT/tests/conformance"
HOME_DIR="$(mktemp -d)"
DATA="$HOME_DIR/data"
BODY="$HOME_DIR/body.json"
clean() {
  stop_vault || true
  rm -rf "$HOME_DIR"
}
trap clean EXIT
trap 'exit 130' INT TERM HUP

STATUS=
# request METHOD PATH [BODY] [HEADER...]: STATUS and the file BODY. NAMESPACE and TOKEN are used.
request() {
  local method="$1" path="$2" body="${3:-}"
  shift $(($# < 3 ? $# : 3))
  local -a options=(-sS --max-time 20 --cacert "$VAULT_CACERT" -X "$method" -o "$BODY" -w '%{http_code}'
    -H "X-Vault-Token: $TOKEN")
  if [[ -n "$NAMESPACE" ]]; then options+=(-H "X-Vault-Namespace: $NAMESPACE"); fi
  if [[ -n "$body" ]]; then options+=(-d "$body"); fi
  local header
  for header in "$@"; do options+=(-H "$header"); done
  : >"$BODY"
  STATUS="$(curl "${options[@]}" "$VAULT_ADDR/v1/$path" || true)"
}

# expect NAME STATUS METHOD PATH [BODY] [HEADER...]
expect() {
  local name="$1" wanted="$2"
  shift 2
  request "$@"
  if [[ "$STATUS" == "$wanted" ]]; then ok "curl: $name"; else
    fail "curl: $name" "$1 $2 answered $STATUS, not $wanted: $(head -c 400 "$BODY")"
  fi
}

# holds NAME PATH VALUE: what the last answer says at a JSON path.
holds() {
  local found
  found="$(json "$BODY" "$2" 2>&1 || true)"
  if [[ "$found" == "$3" ]]; then ok "curl: $1"; else fail "curl: $1" "$2 is '$found', not '$3'"; fi
}

curl_flow() {
  local tenant other
  TOKEN="$VAULT_TOKEN" NAMESPACE=
  expect "health" 200 GET sys/health
  for tenant in red blue; do
    NAMESPACE=
    expect "create namespace $tenant" 200 POST "sys/namespaces/$tenant" '{}'
    NAMESPACE="$tenant"
    expect "enable kv v2 in $tenant" 204 POST sys/mounts/secret '{"type":"kv","options":{"version":"2"}}'
    expect "write in $tenant" 200 POST secret/data/app/db "{\"data\":{\"user\":\"$tenant\",\"port\":5432}}"
    holds "first version in $tenant" data.version 1
    expect "read in $tenant" 200 GET secret/data/app/db
    holds "value of $tenant" data.data.user "$tenant"
    expect "list in $tenant" 200 LIST secret/metadata/app
    holds "keys of $tenant" data.keys '["db"]'
    expect "patch in $tenant" 200 PATCH secret/data/app/db '{"data":{"port":6432}}' \
      'Content-Type: application/merge-patch+json'
    expect "read patched in $tenant" 200 GET secret/data/app/db
    holds "patched value of $tenant" data.data "{\"port\": 6432, \"user\": \"$tenant\"}"
    expect "delete in $tenant" 204 DELETE secret/data/app/db
    expect "deleted is not found in $tenant" 404 GET secret/data/app/db
    expect "undelete in $tenant" 204 POST secret/undelete/app/db '{"versions":[2]}'
    expect "undeleted is back in $tenant" 200 GET secret/data/app/db
    expect "destroy in $tenant" 204 PUT secret/destroy/app/db '{"versions":[1]}'
    expect "destroyed is not found in $tenant" 404 GET "secret/data/app/db?version=1"
    expect "metadata in $tenant" 200 GET secret/metadata/app/db
    holds "destroyed flag in $tenant" data.versions.1.destroyed true
    expect "policy in $tenant" 204 PUT sys/policies/acl/app \
      '{"policy":"path \"secret/data/app/*\" { capabilities = [\"read\"] }"}'
    expect "token in $tenant" 200 POST auth/token/create '{"policies":["app"],"ttl":"1h"}'
    json "$BODY" auth.client_token >"$HOME_DIR/token-$tenant"
  done
  for tenant in red blue; do
    other=blue
    if [[ "$tenant" == blue ]]; then other=red; fi
    TOKEN="$(cat "$HOME_DIR/token-$tenant")"
    NAMESPACE="$tenant"
    expect "token of $tenant reads at home" 200 GET secret/data/app/db
    expect "token of $tenant may not write" 403 POST secret/data/app/db '{"data":{}}'
    NAMESPACE="$other"
    expect "token of $tenant is refused in $other" 403 GET secret/data/app/db
    NAMESPACE=
    expect "token of $tenant is refused at the root" 403 GET sys/mounts
  done
  TOKEN="no-such-token" NAMESPACE=red
  expect "unknown token" 403 GET secret/data/app/db
}

# Folder permissions are the umask's, secrets are 0600.
mode_is() { [[ "$(stat -c %a "$1")" == "$2" ]] || { stat -c '%a %n' "$1"; return 1; }; }

server_runs() { kill -0 "$(cat "$DATA/cofferd.pid")"; }

begin() {
  local log="$HOME_DIR/$1.log" line number=0
  if ! start_vault "$DATA" "$PORT" "$log"; then
    fail "$1" "the server did not start"
    finish
    exit 1
  fi
  ok "$1"
  # shellcheck disable=SC1091
  source "$DATA/env"
  while read -r line; do
    number=$((number + 1))
    check "$1: printed curl line $number works" bash -c "set -o pipefail; $line -fsS -o /dev/null --max-time 20"
  done < <(sed -n 's/^  \(curl .*\)$/\1/p' "$log")
  if ((number == 0)); then fail "$1: printed curl line" "none was printed"; fi
  check "$1: process file" server_runs
}

end() {
  local status=0
  stop_vault || status=$?  # not through check: only this shell may wait for its child
  if ((status == 0)); then ok "$1"; else fail "$1" "exit status $status"; fi
  if [[ -e "$DATA/cofferd.pid" ]]; then fail "$1: process file removed" "it is still there"; else
    ok "$1: process file removed"
  fi
}

PORT="$(free_port)"
begin "first start"
check "env file is private" mode_is "$DATA/env" 600
check "root token is private" mode_is "$DATA/root-token" 600
first_token="$VAULT_TOKEN"
curl_flow

python="$(python_environment)"
# A private copy of the variables: the program reads them as any Vault tool does.
"$python" "$HERE/quickstart_hvac.py" >"$HOME_DIR/hvac.txt" 2>&1 ||
  if ! grep -q '^FAIL ' "$HOME_DIR/hvac.txt"; then
    fail "hvac program" "it ended early: $(tail -n 5 "$HOME_DIR/hvac.txt")"
  fi
add_lines "$HOME_DIR/hvac.txt"

end "clean stop"
begin "second start"
check "second start keeps the root token" test "$VAULT_TOKEN" = "$first_token"
TOKEN="$VAULT_TOKEN" NAMESPACE=red
expect "the secret is still there" 200 GET secret/data/app/db
holds "with its value" data.data.user red
TOKEN="$(cat "$HOME_DIR/token-red")"
expect "the tenant's token still works" 200 GET secret/data/app/db
end "second stop"
finish
