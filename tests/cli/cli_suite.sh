#!/usr/bin/env bash
# The operator tool `coffer`: against a stub that misbehaves, then against a real server.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../conformance/lib.sh"
unset VAULT_CLIENT_TIMEOUT HTTPS_PROXY https_proxy ALL_PROXY all_proxy

HERE="$ROOT/tests/cli"
COFFER="${COFFER:-$BUILD/release/coffer}"
HOME_DIR="$(mktemp -d)"
export HOME="$HOME_DIR/home"
mkdir -p "$HOME"
DATA="$HOME_DIR/data"
OUT="$HOME_DIR/out" ERR="$HOME_DIR/err" ALL="$HOME_DIR/all"
CANARY="canary-$(printf '%s' "$HOME_DIR" | sha256sum | head -c 24)"
STUB_PID= FOLLOW_PID=
: >"$ALL"

clean() {
  if [[ -n "$FOLLOW_PID" ]]; then kill "$FOLLOW_PID" 2>/dev/null || true; fi
  if [[ -n "$STUB_PID" ]]; then kill "$STUB_PID" 2>/dev/null || true; fi
  stop_vault || true
  rm -rf "$HOME_DIR"
}
trap clean EXIT
trap 'exit 130' INT TERM HUP

# run NAME STATUS ARGUMENT...: one check of the exit status; the output is in OUT and ERR.
run() {
  local name="$1" wanted="$2" status=0
  shift 2
  timeout 60 "$COFFER" "$@" >"$OUT" 2>"$ERR" </dev/null || status=$?
  cat "$OUT" "$ERR" >>"$ALL"
  if [[ "$status" == "$wanted" ]]; then ok "$name"; else
    fail "$name" "exit status $status, not $wanted: $(head -c 600 "$ERR" "$OUT")"
  fi
}

# says NAME FILE TEXT; silent NAME FILE TEXT: whether a file holds a text.
says() {
  if grep -qF -- "$3" "$2"; then ok "$1"; else fail "$1" "no '$3' in: $(head -c 600 "$2")"; fi
}
silent() {
  if grep -qaF -- "$3" "$2"; then fail "$1" "'$3' is there"; else ok "$1"; fi
}

# holds NAME PATH VALUE: what the last JSON output says at a dotted path.
holds() {
  local found
  found="$(json "$OUT" "$2" 2>&1 || true)"
  if [[ "$found" == "$3" ]]; then ok "$1"; else fail "$1" "$2 is '$found', not '$3'"; fi
}

# python_check NAME: a program on standard input whose assertions hold for the last output.
python_check() {
  local name="$1" output
  shift
  if output="$(python3 - "$OUT" "$@" 2>&1)"; then ok "$name"; else
    fail "$name" "$(tail -n 3 <<<"$output") in: $(head -c 600 "$OUT")"
  fi
}

# ---------------------------------------------------------------------------------------------
usage_checks() {
  local words
  for words in "" "status" "key" "actors" "actors tree" "actors top" "actors show" "events" "events tail" \
    "events replay" "events verify"; do
    # shellcheck disable=SC2086
    run "help of 'coffer $words'" 0 $words --help
    case "$words" in '' | actors | events) ;; *) says "'coffer $words' shows examples" "$OUT" "Example" ;; esac
  done
  run "version" 0 --version
  run "no command" 64
  run "unknown command" 64 bogus
  says "unknown command is named" "$ERR" 'what is "bogus"?'
  run "unknown option" 64 status --bogus
  run "actors without a command" 64 actors
  run "show without an id" 64 actors show
  run "show of no number" 64 actors show x
  run "stream that is none" 64 events replay --stream 'a&from=1'
  run "record 0" 64 events tail --from 0
  run "once and count" 64 actors top --once --count 3
  run "plain http" 64 status --address http://127.0.0.1:8200
  run "user in the address" 64 status --address https://a:b@127.0.0.1:8200
  VAULT_SKIP_VERIFY=perhaps run "broken VAULT_SKIP_VERIFY" 64 status
  run "broken namespace" 64 events tail -n $'a\nX-Evil: 1' --token t
  run "unreachable server" 1 status --address https://127.0.0.1:1
  says "unreachable server: what to look at" "$ERR" VAULT_ADDR
  run "no token" 1 actors tree --address https://127.0.0.1:1
  says "no token: what to do" "$ERR" VAULT_TOKEN
}

# ---------------------------------------------------------------------------------------------
start_stub() {
  local deadline=$((SECONDS + 20))
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=stub \
    -addext subjectAltName=IP:127.0.0.1 -keyout "$HOME_DIR/stub.key" -out "$HOME_DIR/stub.pem" 2>/dev/null
  python3 "$HERE/stub_server.py" "$HOME_DIR/stub.pem" "$HOME_DIR/stub.key" >"$HOME_DIR/stub.port" &
  STUB_PID=$!
  while [[ ! -s "$HOME_DIR/stub.port" ]]; do
    if ((SECONDS > deadline)) || ! kill -0 "$STUB_PID" 2>/dev/null; then
      fail "stub server" "it did not start"
      return 1
    fi
    sleep 0.05
  done
}

stub_checks() {
  start_stub || return 0
  local -x VAULT_ADDR VAULT_CACERT="$HOME_DIR/stub.pem" VAULT_TOKEN="stub-token-$CANARY"
  VAULT_ADDR="https://127.0.0.1:$(cat "$HOME_DIR/stub.port")"
  local kind
  run "verify: a whole chain" 0 events verify
  says "verify: says so" "$OUT" "The chain holds."
  run "verify: the log may grow meanwhile" 0 events verify -n grown
  for kind in gap relinked short other-head found loop; do
    run "verify: $kind" 2 events verify -n "$kind"
    says "verify: $kind is a problem" "$OUT" "The chain has a problem."
    run "verify --json: $kind" 2 events verify --json -n "$kind"
    holds "verify --json: $kind is not ok" ok false
  done
  run "verify: a failing server is no broken chain" 1 events verify -n broken
  says "verify: the server's own text" "$ERR" "internal error"
  run "redirects are not followed" 1 events tail -n redirect
  says "redirect: its status" "$ERR" "answered 307"
  run "a slow server" 1 events tail -n slow --timeout 0.5
  run "no JSON" 1 events tail -n no-json
  run "no data" 1 events tail -n no-data
  run "hostile error text" 1 events tail -n escapes
  says "hostile error text is shown escaped" "$ERR" '\u001b]0;title\u0007bad'
  run "hostile event" 0 events tail
  says "hostile event is shown escaped" "$OUT" '\u001b[2J\u009b31m'
  run "hostile event as JSON" 0 events tail --json
  says "hostile event as JSON is shown escaped" "$OUT" '\u001b[2J\u009b31m'
  run "event of a later version" 1 events replay -n unknown-event
  says "event of a later version is named" "$ERR" "record 1: event policy.praised is not known"
  run "no actors" 0 actors tree --json
  run "sys/seal-status is missing" 1 status
  kill "$STUB_PID" 2>/dev/null || true
  wait "$STUB_PID" 2>/dev/null || true
  STUB_PID=
}

# ---------------------------------------------------------------------------------------------
# vault METHOD PATH [BODY]: a request of the preparation; NAMESPACE is used.
vault() {
  local -a options=(-sS --fail-with-body --max-time 20 --cacert "$VAULT_CACERT" -X "$1" -o "$HOME_DIR/body.json"
    -H "X-Vault-Token: $VAULT_TOKEN")
  if [[ -n "$NAMESPACE" ]]; then options+=(-H "X-Vault-Namespace: $NAMESPACE"); fi
  if (($# > 2)); then options+=(-d "$3"); fi
  if ! curl "${options[@]}" "$VAULT_ADDR/v1/$2" 2>>"$ERR"; then
    fail "preparation: $1 $2" "$(cat "$HOME_DIR/body.json" 2>/dev/null)"
  fi
}

# A secret with a history, and things with control characters in them.
prepare() {
  NAMESPACE=
  vault POST sys/namespaces/red '{}'
  NAMESPACE=red
  vault POST sys/mounts/secret '{"type":"kv","description":"a\u001b[31mred","options":{"version":"2"}}'
  vault POST sys/policies/acl/hostile '{"policy":"# \u001b[2J\u009b31m\npath \"secret/*\" { capabilities = [\"read\"] }"}'
  vault POST secret/data/app/db "{\"data\":{\"password\":\"$CANARY-1\"}}"
  vault POST secret/data/app/db "{\"data\":{\"password\":\"$CANARY-2\"}}"
  vault POST secret/metadata/app/db '{"max_versions":7,"custom_metadata":{"owner":"alice"}}'
  vault POST secret/data/app/db "{\"data\":{\"password\":\"$CANARY-3\"}}"
  vault POST secret/delete/app/db '{"versions":[2]}'
  vault PUT secret/destroy/app/db '{"versions":[1]}'
}

status_checks() {
  run "status" 0 status
  says "status: unsealed" "$OUT" "sealed           false"
  run "status --json" 0 status --json
  holds "status --json: initialized" initialized true
  holds "status --json: sealed" sealed false
  holds "status --json: type" type pkcs11
  python_check "status --json: version and time" <<'PY'
import json, sys, datetime
s = json.load(open(sys.argv[1]))
assert s["version"] and s["cluster_id"], s
age = datetime.datetime.now(datetime.timezone.utc) - datetime.datetime.fromisoformat(s["server_time"].replace("Z", "+00:00"))
assert abs(age.total_seconds()) < 60, age
PY
  run "status with a wrong token needs none" 0 status --token wrong
  VAULT_TOKEN='' run "status without a token" 0 status
  VAULT_CACERT="$HOME_DIR/stub.pem" run "status with another CA" 1 status
  says "another CA: what to look at" "$ERR" VAULT_CACERT
  run "status with a CA file that is missing" 1 status --cacert "$HOME_DIR/none.pem"
  VAULT_CACERT='' VAULT_SKIP_VERIFY=true run "status without a check of the certificate" 0 status
  says "that is warned about" "$ERR" "VAULT_SKIP_VERIFY is set"
}

token_checks() {
  run "wrong token" 1 actors tree --token "wrong-$CANARY"
  says "wrong token: the server's text" "$ERR" "permission denied"
  run "wrong token, events" 1 events tail -n red --token "wrong-$CANARY"
  says "wrong token, events: the server's text" "$ERR" "permission denied"
  VAULT_TOKEN='' run "no token at all" 1 events verify
  run "--token" 0 actors tree --token "$VAULT_TOKEN"
  printf '%s\n' "$VAULT_TOKEN" >"$HOME/.vault-token"
  VAULT_TOKEN='' run "~/.vault-token" 0 actors tree
  VAULT_TOKEN="wrong-$CANARY" run "VAULT_TOKEN goes before ~/.vault-token" 1 actors tree
  rm "$HOME/.vault-token"
  run "unknown namespace" 1 events tail -n no-such
}

# The policy that docs/cli.md gives to an operator who may only look.
onlooker_checks() {
  local token policy
  policy="$(sed -n '/^```$/,/^```$/p' "$ROOT/docs/cli.md" | grep '^path ' |
    python3 -c 'import json, sys; print(json.dumps({"policy": sys.stdin.read()}))')"
  NAMESPACE=
  vault POST sys/policies/acl/onlooker "$policy"
  vault POST auth/token/create '{"policies":["onlooker"]}'
  token="$(json "$HOME_DIR/body.json" auth.client_token)"
  run "onlooker: actors" 0 actors tree --token "$token"
  run "onlooker: tail" 0 events tail --token "$token"
  run "onlooker: verify" 0 events verify --token "$token"
  vault POST auth/token/create '{"policies":["default"]}'
  token="$(json "$HOME_DIR/body.json" auth.client_token)"
  run "ordinary token: actors" 1 actors tree --token "$token"
  run "ordinary token: tail" 1 events tail --token "$token"
  run "ordinary token: verify" 1 events verify --token "$token"
}

actor_checks() {
  run "actors tree" 0 actors tree
  says "actors tree: titles" "$OUT" "LAST ERROR"
  run "actors tree --json" 0 actors tree --json
  python_check "actors tree --json: parents come first, ids are unique" <<'PY'
import json, sys
actors = json.load(open(sys.argv[1]))["actors"]
assert actors, "no actors"
seen = set()
for a in actors:
    assert a["id"] not in seen, a
    assert a["depth"] == 0 or a["parent"] in seen, a
    seen.add(a["id"])
    assert set(a) == {"depth", "id", "parent", "kind", "tenant", "name", "state", "mailbox", "processed", "busy_ns", "last_error"}, a
kinds = {a["kind"] for a in actors}
assert {"tenant", "secret"} <= kinds, kinds
assert any(a["tenant"].strip("/") == "red" for a in actors), actors
assert not any("app/db" in json.dumps(a) for a in actors), "a path"
PY
  local id
  id="$(json "$OUT" actors.0.id 2>/dev/null || true)"
  run "actors show" 0 actors show "$id"
  says "actors show: the kind" "$OUT" "kind"
  run "actors show --json" 0 actors show "$id" --json
  holds "actors show --json: the id" id "$id"
  run "actors show of none" 1 actors show 999999999
  run "actors in a namespace are the server's" 0 actors tree -n red
  run "actors top --once" 0 actors top --once --interval 0.3
  says "actors top: titles" "$OUT" "MSG/S"
  run "actors top --json" 0 actors top --json --count 2 --interval 0.3 --rows 3
  python_check "actors top --json: two samples, the busiest first" <<'PY'
import json, sys
samples = [json.loads(line) for line in open(sys.argv[1])]
assert len(samples) == 2, len(samples)
for s in samples:
    assert 0.2 < s["interval_s"] < 10, s["interval_s"]
    rates = [a["busy_ns_per_s"] for a in s["actors"]]
    assert 0 < len(rates) <= 3 and rates == sorted(rates, reverse=True), rates
PY
}

stream_of_secret() {
  "$COFFER" events tail -n red --from 1 --json | python3 -c '
import json, sys
for line in sys.stdin:
    record = json.loads(line)
    for event in record["events"]:
        if event["name"] == "secret.created" and event["json"]["path"] == "app/db":
            print(record["stream"])'
}

tail_checks() {
  run "tail --from 1 --json" 0 events tail -n red --from 1 --json
  cp "$OUT" "$HOME_DIR/whole.jsonl"
  python_check "tail: every record once, in order" <<'PY'
import json, sys
records = [json.loads(line) for line in open(sys.argv[1])]
assert [r["sequence"] for r in records] == list(range(1, len(records) + 1))
names = [e["name"] for r in records for e in r["events"]]
for wanted in ("tenant.created", "tenant.mount_enabled", "policy.written", "secret.created", "secret.version_written",
               "secret.metadata_changed", "secret.versions_deleted", "secret.versions_destroyed"):
    assert wanted in names, (wanted, names)
assert all("sealed_bytes" in e["json"]["sealed_value"] for r in records for e in r["events"] if e["name"] == "secret.version_written")
PY
  run "tail --limit 2" 0 events tail -n red --limit 2 --json
  python_check "tail --limit 2: the last two" "$HOME_DIR/whole.jsonl" <<'PY'
import sys
assert open(sys.argv[1]).readlines() == open(sys.argv[2]).readlines()[-2:]
PY
  run "tail --from 2 --limit 3" 0 events tail -n red --from 2 --limit 3 --json
  python_check "tail --from 2 --limit 3: those three" "$HOME_DIR/whole.jsonl" <<'PY'
import sys
assert open(sys.argv[1]).readlines() == open(sys.argv[2]).readlines()[1:4]
PY
  run "tail" 0 events tail -n red
  says "tail: titles" "$OUT" "SEQUENCE"
  says "tail: events" "$OUT" "secret.versions_destroyed"
  silent "tail: no control character" "$OUT" $'\x1b'
  run "tail --from the future" 0 events tail -n red --from 100000 --json
  check "tail --from the future: nothing" test ! -s "$OUT"
  STREAM="$(stream_of_secret)"
  check "the secret's stream is found" test "${#STREAM}" -eq 32
  run "tail --stream" 0 events tail -n red --stream "$STREAM" --limit 4 --json
  python_check "tail --stream: the last four of the secret" "$HOME_DIR/whole.jsonl" "$STREAM" <<'PY'
import json, sys
whole = [line for line in open(sys.argv[2]) if json.loads(line)["stream"] == sys.argv[3]]
assert open(sys.argv[1]).readlines() == whole[-4:] and len(whole) > 4
PY
}

stream_name_checks() {
  run "tail --stream 0" 0 events tail -n red --stream 0 --json
  python_check "tail --stream 0: the namespace's own records" <<'PY'
import json, sys
records = [json.loads(line) for line in open(sys.argv[1])]
assert records and all(r["stream"] == "0" * 32 for r in records), records
PY
  local dashed="${STREAM:0:8}-${STREAM:8:4}-${STREAM:12:4}-${STREAM:16:4}-${STREAM:20}"
  run "a stream in capitals and with dashes" 0 events replay -n red --stream "${dashed^^}" --json
  holds "a stream in capitals and with dashes: is that stream" stream "$STREAM"
}

follow_checks() {
  local follow="$HOME_DIR/follow" deadline=$((SECONDS + 20)) token="$VAULT_TOKEN"
  VAULT_TOKEN='' "$COFFER" events tail --token "$token" -n red -f --limit 1 --interval 0.2 --json \
    --stream "$STREAM" >"$follow" 2>"$ERR" &
  FOLLOW_PID=$!
  while [[ ! -s "$follow" ]] && ((SECONDS < deadline)); do sleep 0.1; done
  silent "the token is not in the list of processes" "/proc/$FOLLOW_PID/cmdline" "$token"
  NAMESPACE=red
  vault POST secret/data/app/other "{\"data\":{\"password\":\"$CANARY-5\"}}"
  vault POST secret/data/app/db "{\"data\":{\"password\":\"$CANARY-4\"}}"
  while (($(wc -l <"$follow") < 2)) && ((SECONDS < deadline)); do sleep 0.1; done
  kill "$FOLLOW_PID" 2>/dev/null || true
  wait "$FOLLOW_PID" 2>/dev/null || true
  FOLLOW_PID=
  cat "$follow" "$ERR" >>"$ALL"
  cp "$follow" "$OUT"
  python_check "tail --follow: the new version, and nothing of another stream" "$STREAM" <<'PY'
import json, sys
records = [json.loads(line) for line in open(sys.argv[1])]
assert len(records) == 2, len(records)
assert all(r["stream"] == sys.argv[2] for r in records)
assert records[1]["events"][0]["json"]["version"] == 4, records[1]
PY
}

replay_checks() {
  NAMESPACE=red
  run "replay a secret" 0 events replay -n red --stream "$STREAM"
  says "replay a secret: its versions" "$OUT" "VERSION"
  run "replay a secret --json" 0 events replay -n red --stream "$STREAM" --json
  vault GET secret/metadata/app/db
  python_check "replay agrees with the server's metadata" "$HOME_DIR/body.json" <<'PY'
import json, sys
mine, server = json.load(open(sys.argv[1]))["secret"], json.load(open(sys.argv[2]))["data"]
for key in ("current_version", "oldest_version", "max_versions", "cas_required", "custom_metadata", "created_time", "updated_time"):
    assert mine[key] == server[key] or key.endswith("time") and mine[key][:23] == server[key][:23], (key, mine, server)
assert set(mine["versions"]) == set(server["versions"]), (mine, server)
for number, version in server["versions"].items():
    assert mine["versions"][number]["destroyed"] == version["destroyed"]
    assert bool(mine["versions"][number]["deletion_time"]) == bool(version["deletion_time"])
assert mine["versions"]["1"]["destroyed"] and mine["versions"]["2"]["deletion_time"]
PY
  local at
  at="$(python3 - "$HOME_DIR/whole.jsonl" <<'PY'
import json, sys
for line in open(sys.argv[1]):
    record = json.loads(line)
    if any(e["name"] == "secret.version_written" and e["json"]["version"] == 2 for e in record["events"]):
        print(record["sequence"])
PY
  )"
  run "replay at an earlier record" 0 events replay -n red --stream "$STREAM" --at "$at" --json
  holds "replay at an earlier record: its number" sequence "$at"
  holds "replay at an earlier record: the version of then" secret.current_version 2
  holds "replay at an earlier record: not yet destroyed" secret.versions.1.destroyed false
  run "replay beyond the end" 1 events replay -n red --at 100000
  run "replay of no stream" 1 events replay -n red --stream 00000000000000000000000000000001
  run "replay a namespace" 0 events replay -n red
  says "replay a namespace: its mount" "$OUT" "secret/"
  says "replay a namespace: escapes" "$OUT" '\u001b[31mred'
  run "replay a namespace --json" 0 events replay -n red --json
  holds "replay a namespace --json: its name" tenant.name red
  holds "replay a namespace --json: options of its mount" tenant.mounts.secret/.options.version 2
  python_check "replay a namespace --json: policies and keys" <<'PY'
import json, sys
s = json.load(open(sys.argv[1]))
assert s["policies"]["hostile"].startswith("# \x1b[2J\x9b31m\n"), s["policies"]
assert len(s["keyring"]["tenant_key"]["id"]) == 32
PY
  run "replay the root namespace" 0 events replay --json
}

key_checks() {
  run "key" 0 key -n red
  says "key: the first one" "$OUT" "none yet"
  NAMESPACE=
  vault POST sys/namespaces/red/rotate
  local tries
  for tries in {1..50}; do
    run "key --json" 0 key -n red --json
    if [[ "$(json "$OUT" rotation.state 2>/dev/null)" == finished ]]; then break; fi
    sleep 0.2
  done
  holds "key --json: the second key" term 2
  holds "key --json: the rotation has ended" rotation.state finished
  run "key after a rotation" 0 key -n red
  says "key after a rotation: from which term" "$OUT" "from term    1"
  run "key of another namespace" 0 key --json
  holds "key of another namespace: not rotated" term 1
  run "replay after a rotation" 0 events replay -n red --json
  holds "replay after a rotation: the second key" keyring.term 2
  run "verify after a rotation" 0 events verify -n red
}

verify_checks() {
  run "verify" 0 events verify -n red
  says "verify: says so" "$OUT" "The chain holds."
  run "verify the root namespace" 0 events verify
  run "verify --json" 0 events verify -n red --json
  holds "verify --json: ok" ok true
  python_check "verify --json: both ways agree" <<'PY'
import json, sys
report = json.load(open(sys.argv[1]))
assert report["server"] == report["client"] and report["client"]["records"] > 5, report
PY
}

sealed_checks() {
  NAMESPACE=
  vault PUT sys/seal
  run "status of a sealed server" 2 status
  says "status of a sealed server: says so" "$OUT" "sealed           true"
  run "status --json of a sealed server" 2 status --json
  holds "status --json of a sealed server: sealed" sealed true
  holds "status --json of a sealed server: initialized" initialized true
  run "actors of a sealed server" 1 actors tree
  says "actors of a sealed server: the server's text" "$ERR" "Vault is sealed"
  run "events of a sealed server" 1 events tail -n red
}

[[ -x "$COFFER" ]] || {
  fail "operator tool" "no $COFFER"
  finish
  exit 1
}
usage_checks
stub_checks
if ! start_vault "$DATA" "$(free_port)" "$HOME_DIR/server.log"; then
  fail "server" "it did not start"
  finish
  exit 1
fi
# shellcheck disable=SC1091
source "$DATA/env"
prepare
status_checks
token_checks
onlooker_checks
actor_checks
tail_checks
stream_name_checks
follow_checks
replay_checks
key_checks
verify_checks
sealed_checks
silent "no output holds a secret value or a wrong token" "$ALL" "$CANARY"
silent "no output holds the token" "$ALL" "$VAULT_TOKEN"
silent "no output holds an escape character" "$ALL" $'\x1b'
finish
