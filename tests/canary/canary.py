#!/usr/bin/env python3
"""What was secret or named must be in no file, log line or error text; destroyed keys in no file.

Three marker families, each with a random stem that every marker contains:
  value  secret content and credentials: in no file, no log, no answer but the read that asks for it
  name   paths, mounts, namespaces, policies, metadata: in no file and no log
  echo   what the protocol answers with (a wrong path, a policy's mistake): in no file and no log,
         and in no answer but that of the request which carried it
"""

import gzip
import http.client
import json
import os
import random
import socket
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "support"), HERE]

import needles  # noqa: E402
import shredding  # noqa: E402
from live_server import (  # noqa: E402
    MERGE_PATCH, Checks, Client, Server, end_on_signals, seed_of, work_folder)

ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


class Markers:
    def __init__(self, rng):
        stem = lambda: "".join(rng.choices(ALPHABET, k=14))  # noqa: E731
        self.value_stem, self.name_stem, self.echo_stem = stem(), stem(), stem()
        self.count = 0

    def value(self):
        self.count += 1
        return f"{self.value_stem}{self.count}"

    def name(self, what):
        return f"{self.name_stem}{what}"

    def echo(self):
        self.count += 1
        return f"{self.echo_stem}x{self.count}x"


class Traffic:
    """Sends requests and looks at every answer."""

    def __init__(self, server, markers):
        self.server, self.markers = server, markers
        self.root_token = server.root_token()
        self.leaks, self.statuses, self.tokens = [], {}, []
        self.value_forms = needles.forms(markers.value_stem)
        self.echo_forms = needles.forms(markers.echo_stem)
        self.namespace = None
        self.connection = Client(server)

    def send(self, method, target, body=b"", headers=(), token=None, reads=False, echo=None):
        pairs = list(headers)
        if not any(name == "X-Vault-Token" for name, _ in pairs):
            pairs.append(("X-Vault-Token", token or self.root_token))
        if self.namespace and not any(name == "X-Vault-Namespace" for name, _ in pairs):
            pairs.append(("X-Vault-Namespace", self.namespace))
        try:
            answer = self.connection.send(method, target, body, pairs)
        except (OSError, http.client.HTTPException):
            self.connection = Client(self.server)  # the server may hang up on what it refuses
            self.statuses["hung up"] = self.statuses.get("hung up", 0) + 1
            return None
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        self.inspect(f"{method} {target[:60]}", answer.body, answer.headers, reads, echo)
        return answer

    def inspect(self, what, body, headers, reads=False, echo=None):
        content = body + repr(headers).encode()
        if not reads:
            self.leaks += needles.find(self.value_forms, [(f"the answer to {what}", content)])
        if echo:
            content = content.replace(echo.encode(), b"")
        self.leaks += needles.find(self.echo_forms, [(f"the answer to {what}", content)])

    def call(self, method, path, body=None, **options):
        content = b"" if body is None else json.dumps(body).encode()
        return self.send(method, "/v1/" + path, content, **options)

    def need(self, method, path, body=None, **options):
        answer = self.call(method, path, body, **options)
        if answer is None or answer.status not in (200, 204):
            raise RuntimeError(f"{method} {path} answered {answer}")
        return answer


def lives_of_a_secret(t, mount, path):
    """Written, read, patched, deleted, undeleted, destroyed, removed."""
    m, data = t.markers, f"{mount}/data/{path}"
    value = {m.value(): m.value(), "nested": {"list": [m.value(), {"deep": m.value()}]},
             "escaped": f'"{m.value()}\\\n\u00e9\u20ac\U0001f511{m.value()}', "bytes": m.value() * 50}
    t.need("POST", data, {"data": value})
    t.need("GET", data, reads=True)
    t.need("GET", f"{mount}/subkeys/{path}", reads=True)  # keys of the value are what it shows
    t.need("PATCH", data, {"data": {"patched": m.value()}}, headers=list(MERGE_PATCH.items()))
    t.need("POST", data, {"data": {"plain": m.value()}, "options": {"cas": 2}})
    t.need("GET", data + "?version=1", reads=True)
    t.need("GET", f"{mount}/metadata/{path}")
    t.need("POST", f"{mount}/metadata/{path}",
           {"custom_metadata": {m.name("label"): m.name("text")}})
    t.need("LIST", f"{mount}/metadata/{path.rpartition('/')[0]}")
    t.need("DELETE", data)
    t.call("GET", data)
    t.need("POST", f"{mount}/undelete/{path}", {"versions": [3]})
    t.need("POST", f"{mount}/destroy/{path}", {"versions": [1]})
    t.call("GET", data + "?version=1")
    t.need("GET", data, reads=True)


def names_everywhere(t):
    """A namespace with a mount, policy, token and secrets that all carry the name marker."""
    m = t.markers
    t.namespace = None
    t.need("POST", f"sys/namespaces/{m.name('ns')}",
           {"custom_metadata": {m.name("owner"): m.name("team")}})
    t.namespace = m.name("ns")
    t.need("POST", f"sys/namespaces/{m.name('child')}", {})
    t.need("POST", f"sys/mounts/{m.name('mount')}",
           {"type": "kv", "options": {"version": "2"}, "description": m.name("words")})
    t.need("PUT", f"sys/policies/acl/{m.name('policy')}",
           {"policy": f'path "{m.name("mount")}/data/{m.name("app")}/*" {{ capabilities = ["read"] }}'})
    made = t.need("POST", "auth/token/create", {
        "policies": [m.name("policy")], "display_name": m.name("display"),
        "meta": {m.name("key"): m.name("meta")}, "ttl": "1h"}).json["auth"]
    own = t.need("POST", "auth/token/create", {"id": m.value(), "policies": [m.name("policy")]},
                 reads=True).json["auth"]
    t.tokens += [made["client_token"], own["client_token"], made["accessor"]]
    for token in (made["client_token"], own["client_token"]):
        t.call("GET", "auth/token/lookup-self", token=token, reads=True)  # answers its own id
        t.call("GET", f"{m.name('mount')}/data/{m.name('app')}/db", token=token, reads=True)
        t.call("POST", f"{m.name('mount')}/data/{m.name('app')}/db", {"data": {"v": m.value()}},
               token=token)
    t.call("POST", "auth/token/renew", {"token": own["client_token"], "increment": "1h"}, reads=True)
    t.need("POST", "auth/token/revoke", {"token": own["client_token"]})
    t.call("GET", "auth/token/lookup-self", token=own["client_token"])
    for path in ("db", "deep/er/db"):
        lives_of_a_secret(t, m.name("mount"), f"{m.name('app')}/{path}")
    t.need("POST", f"sys/mounts/{m.name('mount')}/tune", {"description": m.name("tuned")})
    for path in ("sys/mounts", "sys/policies/acl/" + m.name("policy"), "sys/internal/ui/mounts"):
        t.need("GET", path)
    for path in ("sys/namespaces", "auth/token/accessors", "sys/policies/acl"):
        t.need("LIST", path)
    t.need("GET", "sys/events?limit=1000")
    t.need("GET", "sys/events/verify")
    t.namespace = None
    t.need("GET", "sys/actors")


def refused_bodies(t, mount):
    """Values where they do not belong: every one of these is refused, or taken as something else."""
    m, v = t.markers, t.markers.value
    wrong = [
        ("POST", f"{mount}/data/x", {"data": v()}), ("POST", f"{mount}/data/x", {"data": [v()]}),
        ("POST", f"{mount}/data/x", {v(): {"a": v()}}),
        ("POST", f"{mount}/data/x", {"data": {"a": v()}, "options": v()}),
        ("POST", f"{mount}/data/x", {"data": {"a": v()}, "options": [v()]}),
        ("POST", f"{mount}/data/x", {"data": {"a": v()}, "options": {"cas": v()}}),
        ("POST", f"{mount}/data/x", {"data": {"a": v()}, "options": {"cas": {"a": v()}}}),
        ("POST", f"{mount}/data/x", {"data": {"a": v()}, "options": {"cas": 99}}),
        ("POST", f"{mount}/data/x", {"data": {"a": v() * 100000}}),
        ("POST", f"{mount}/data/x", {"data": {str(i): v() for i in range(2000)}}),
        ("POST", f"{mount}/data/", {"data": {"a": v()}}), ("POST", f"{mount}/nothing", {"data": v()}),
        ("POST", f"{mount}/delete/x", {"versions": v()}),
        ("POST", f"{mount}/undelete/x", {"versions": [v()]}),
        ("POST", f"{mount}/destroy/x", {"versions": {"a": v()}}),
        ("POST", f"{mount}/metadata/x", {"max_versions": v()}),
        ("POST", f"{mount}/metadata/x", {"delete_version_after": v()}),
        ("POST", f"{mount}/metadata/x", {"cas_required": v()}),
        ("POST", f"{mount}/metadata/x", {"custom_metadata": v()}),
        ("POST", f"{mount}/metadata/x", {"custom_metadata": {"a": v() * 100}}),
        ("POST", f"{mount}/metadata/x", {"custom_metadata": {"a": v() + "\u0001"}}),
        ("POST", f"{mount}/metadata/x", {"custom_metadata": {"a": {"b": v()}}}),
        ("POST", f"{mount}/config", {"max_versions": v()}),
        ("POST", f"{mount}/config", {"delete_version_after": v()}),
        ("POST", "sys/mounts/y", {"type": "kv", "options": v()}),
        ("POST", "sys/mounts/y", {"type": "kv", "config": {"default_lease_ttl": v()}}),
        ("POST", "sys/namespaces/y", {"custom_metadata": {"a": [v()]}}),
        ("POST", "sys/namespaces/y", {"custom_metadata": v()}),
        ("PUT", "sys/policies/acl/y", {"policy": {"a": v()}}),
        ("POST", "auth/token/create", {"ttl": v()}), ("POST", "auth/token/create", {"meta": v()}),
        ("POST", "auth/token/create", {"num_uses": v()}), ("POST", "auth/token/create", {"id": v() + "."}),
        ("POST", "auth/token/create", {"id": [v()]}), ("POST", "auth/token/create", {"type": [v()]}),
        ("POST", "auth/token/create", {"period": v()}), ("POST", "auth/token/create", {"no_parent": v()}),
        ("POST", "auth/token/lookup", {"token": v()}), ("POST", "auth/token/renew", {"token": v()}),
        ("POST", "auth/token/revoke", {"token": v()}), ("POST", "auth/token/revoke-orphan", {"token": v()}),
        ("POST", "auth/token/lookup-accessor", {"accessor": v()}),
        ("POST", "auth/token/renew-self", {"increment": v()}),
        ("POST", "sys/capabilities", {"token": v(), "paths": [mount]}),
        ("PUT", "sys/unseal", {"key": v()}), ("PUT", "sys/init", {"secret_shares": v()}),
        ("POST", "no/such/mount", {"data": {"a": v()}}),
    ]
    for method, path, body in wrong:
        t.call(method, path, body)
    t.call("PATCH", f"{mount}/data/x", {"data": v()}, headers=list(MERGE_PATCH.items()))
    t.call("PATCH", f"{mount}/data/absent", {"data": {"a": v()}}, headers=list(MERGE_PATCH.items()))
    t.call("PATCH", f"{mount}/data/x", {"data": {"a": v()}}, headers=[("Content-Type", "text/plain")])
    t.call("POST", f"{mount}/data/x", {"data": {"a": v()}}, token=v())
    t.call("POST", f"{mount}/data/x", {"data": {"a": v()}}, headers=[("X-Vault-Namespace", "nowhere")])
    t.need("DELETE", "sys/namespaces/y")

    def broken(template):
        return template.replace("@", v()).encode()

    for template in ('{"data": {"a": "@', '{"data": {"a": @}}', '{"data": {"a": "@"}} @', '["@"]', '"@"',
                     '{"data": {"a": "@"}, "data": {"a": "@"}}', '@', '{@}', '{"data": {"a": "@\\q"}}',
                     '\ufeff{"data": {"a": "@"}}', '{"data": {"a": "@\\ud800"}}', '{"a": "@", }',
                     "[" * 5000 + '"@"', '{"data": {"a": "@", "n": 1e999999}}'):
        t.send("POST", f"/v1/{mount}/data/broken", broken(template))
        t.send("PUT", "/v1/sys/policies/acl/broken", broken(template))
    t.send("POST", f"/v1/{mount}/data/broken", b'{"data":{"a":"' + v().encode() + b'\xff\xfe"}}')
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    t.send("POST", f"/v1/{mount}/data/broken", f"data={v()}&%zz={v()}".encode(), form)
    t.send("POST", "/v1/auth/token/lookup", f"token={v()}".encode(), form)
    t.send("POST", f"/v1/{mount}/data/broken", gzip.compress(broken('{"data":{"a":"@"}}')),
           [("Content-Encoding", "gzip")])
    for name in ("Cookie", "Authorization", "X-Other", "X-Vault-Request", "X-Vault-Token", "User-Agent"):
        t.send("GET", f"/v1/{mount}/data/x", headers=[(name, v())], reads=True)
    t.send("GET", f"/v1/{mount}/data/x", headers=[("X-Vault-Token", ""), ("Authorization", f"Bearer {v()}")])


def refused_texts(t, mount):
    """What answers may repeat to their sender, but no file and no log."""
    for make in (
            lambda e: ("GET", f"/v1/{e}/data/x", b"", ()), lambda e: ("GET", f"/{e}", b"", ()),
            lambda e: ("GET", f"/v1/a//{e}", b"", ()), lambda e: ("GET", f"/v1/%zz{e}", b"", ()),
            lambda e: ("GET", f"/v1/sys/{e}", b"", ()), lambda e: ("GET", f"/v1/{mount}/{e}", b"", ()),
            lambda e: ("GET", f"/v1/{mount}/data/x?version={e}", b"", ()),
            lambda e: ("GET", f"/v1/{mount}/data/x?{e}={e}&list={e}", b"", ()),
            lambda e: ("GET", f"/v1/sys/internal/ui/mounts/{e}", b"", ()),
            lambda e: ("LIST", f"/v1/{mount}/metadata/{e}", b"", ()),
            lambda e: ("DELETE", f"/v1/sys/mounts/{e}", b"", ()),
            lambda e: ("POST", f"/v1/sys/mounts/{e}", json.dumps({"type": e}).encode(), ()),
            lambda e: ("POST", f"/v1/sys/namespaces/{e}+", b"{}", ()),
            lambda e: ("DELETE", f"/v1/sys/namespaces/{e}", b"", ()),
            lambda e: ("GET", "/v1/sys/mounts", b"", [("X-Vault-Namespace", e)]),
            lambda e: ("GET", "/v1/sys/mounts", b"", [("X-Vault-Wrap-TTL", e)]),
            lambda e: ("PATCH", f"/v1/{mount}/data/x", b"{}", [("Content-Type", f"{e}/{e}")]),
            lambda e: (e.upper(), f"/v1/{mount}/data/x", b"", ()),
            lambda e: ("PUT", "/v1/sys/policies/acl/z", policy(e), ()),
            lambda e: ("PUT", "/v1/sys/policies/acl/z", policy(f'path "x" {{ capabilities = ["{e}"] }}'), ()),
            lambda e: ("PUT", "/v1/sys/policies/acl/z", policy(f'path "x" {{ {e} = 1 }}'), ()),
            lambda e: ("PUT", "/v1/sys/policies/acl/z", policy(f'path "{e}+*" {{ }}'), ()),
            lambda e: ("PUT", "/v1/sys/policies/acl/z", policy(f'{{"path": {{"{e}": 7}}}}'), ()),
            lambda e: ("PUT", f"/v1/sys/policies/acl/{e}", policy('path "x" {'), ()),
            lambda e: ("POST", "/v1/auth/token/create", json.dumps({"policies": [e]}).encode(), ()),
            lambda e: ("POST", f"/v1/auth/token/create/{e}", b"{}", ()),
            lambda e: ("POST", "/v1/auth/token/create", json.dumps({"type": e}).encode(), ())):
        echo = t.markers.echo()
        method, target, body, headers = make(echo)
        t.send(method, target, body, headers, echo=echo.upper() if method == echo.upper() else echo)


def policy(text):
    return json.dumps({"policy": text}).encode()


def broken_http(t):
    """Below HTTP: what is no request, or only half of one."""
    v = t.markers.value
    head = f"POST /v1/secret/data/x HTTP/1.1\r\nHost: x\r\nX-Vault-Token: {t.root_token}\r\n"
    for text in (
            f"{v()}\r\n\r\n", f"GET /v1/{v()} HTTP/9.9\r\n\r\n", f"{head}{v()}\r\n\r\n",
            f"{head}Content-Length: {v()}\r\n\r\n", f"{head}Content-Length: 99999999999\r\n\r\n{v()}",
            f"{head}Content-Length: 500\r\n\r\n{{\"data\": {{\"a\": \"{v()}",
            f"{head}Transfer-Encoding: chunked\r\n\r\n{v()}\r\n",
            f"{head}Transfer-Encoding: chunked\r\n\r\n10;{v()}\r\n{v()}",
            f"{head}X-Big: {v() * 4000}\r\n\r\n", f"GET /v1/{v() * 4000} HTTP/1.1\r\nHost: x\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", t.server.port), timeout=5) as plain:
            with t.server.tls().wrap_socket(plain, server_hostname="127.0.0.1") as tls:
                try:
                    tls.sendall(text.encode())
                    tls.settimeout(0.5)
                    t.inspect(f"broken HTTP {text[:40]!r}", tls.recv(65536), [])
                except OSError:
                    pass  # no answer, or hung up: nothing told
    with socket.create_connection(("127.0.0.1", t.server.port), timeout=5) as plain:
        plain.sendall(f"GET /v1/secret/data/{v()} HTTP/1.1\r\n\r\n".encode())  # no TLS
        plain.settimeout(0.5)
        try:
            t.inspect("plain HTTP", plain.recv(65536), [])
        except OSError:
            pass


def many_at_once(t, mount):
    """Several clients, so that errors of overload and conflict are among the answers."""
    def write(index):
        client = Client(t.server, t.root_token)
        for number in range(25):
            client.call("POST", f"{mount}/data/busy", {"data": {"a": t.markers.value_stem + str(number)},
                                                       "options": {"cas": index * number}})

    threads = [threading.Thread(target=write, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def sealed(t):
    t.need("PUT", "sys/seal")
    t.call("POST", "secret/data/x", {"data": {"a": t.markers.value()}})
    t.call("GET", "secret/data/x")


def scan(checks, server, markers, traffic, when):
    """Every file of the data folder, and the log, for every form of every marker."""
    contents = [(os.path.relpath(p, server.folder), needles.read(p))
                for p in needles.files_below(server.data, server.log)]
    total = sum(len(content) for _, content in contents)
    for family, stem in (("value", markers.value_stem), ("name", markers.name_stem),
                         ("echo", markers.echo_stem)):
        checks.check(f"{when}: no {family} marker in {len(contents)} files, {total} bytes",
                     needles.find(needles.forms(stem), contents))
    found = []
    for token in [t for t in traffic.tokens if markers.value_stem not in t]:
        found += needles.find({"a token or accessor": token.encode()}, contents)
    secrets = {"root-token": traffic.root_token.encode(), "hsm/pin": needles.read(
        os.path.join(server.data, "hsm", "pin")).strip()}
    for home, secret in secrets.items():
        found += needles.find({home: secret}, [c for c in contents if c[0] != f"data/{home}"])
    checks.check(f"{when}: no token, accessor or PIN but in its own file", found)


def control(checks, markers, folder):
    """The search finds what it is for: each form, planted in a file, is found."""
    missed = []
    for stem in (markers.value_stem, markers.name_stem, markers.echo_stem):
        for name, needle in needles.forms(stem).items():
            path = os.path.join(folder, "planted")
            with open(path, "wb") as file:
                file.write(b"\x00head" + needle + b"tail\xff")
            contents = [(p, needles.read(p)) for p in needles.files_below(path)]
            if not any(f.startswith(name + " in") for f in needles.find(needles.forms(stem), contents)):
                missed.append(name)
            os.unlink(path)
    checks.check("control: planted markers are found in every form", missed)


def core_limit(server):
    with open(f"/proc/{server.process.pid}/limits", encoding="ascii") as file:
        line = next(line for line in file if line.startswith("Max core file size"))
    return [] if line.split()[4:6] == ["0", "0"] else [line.strip()]


def drive(t):
    names_everywhere(t)
    lives_of_a_secret(t, "secret", "plain/db")
    for namespace, mount in ((None, "secret"), (t.markers.name("ns"), t.markers.name("mount"))):
        t.namespace = namespace
        refused_bodies(t, mount)
        refused_texts(t, mount)
    t.namespace = None
    broken_http(t)
    many_at_once(t, "secret")


def main():
    end_on_signals()
    rng = random.Random(seed_of("COFFER_CANARY_SEED"))
    folder, checks, markers = work_folder("canary"), Checks(), Markers(rng)
    control(checks, markers, folder)
    server = Server(os.path.join(folder, "vault"), log_level="debug")
    server.start()
    checks.check("no core file is written", core_limit(server))
    traffic = Traffic(server, markers)
    drive(traffic)
    server.kill()
    scan(checks, server, markers, traffic, "after kill -9")

    server.start()
    traffic.connection = Client(server)
    # Everything out of the memory tables into table files; the rest of the lives end here.
    for path in ("plain/db",):
        traffic.need("DELETE", f"secret/metadata/{path}")
    traffic.namespace = markers.name("ns")
    traffic.need("DELETE", f"{markers.name('mount')}/metadata/{markers.name('app')}/db")
    scan(checks, server, markers, traffic, "while it runs")
    traffic.need("DELETE", f"sys/mounts/{markers.name('mount')}")
    traffic.need("DELETE", f"sys/policies/acl/{markers.name('policy')}")
    traffic.namespace = None
    sealed(traffic)
    checks.check("clean stop", [] if server.stop() == 0 else ["exit status"])
    scan(checks, server, markers, traffic, "after a clean stop")
    checks.check(f"no value in an answer that did not ask for it, no foreign echo "
                 f"(answers: {traffic.statuses})", traffic.leaks)
    unexpected = [f"{n} answers {s}" for s, n in traffic.statuses.items()
                  if isinstance(s, int) and s >= 500 and s != 503]
    checks.check("no internal error", unexpected)

    started = time.monotonic()
    # Pruned versions are shredded at an interval, which a test does not wait a minute for.
    shredding.run(checks, Server(os.path.join(folder, "shredding"),
                                 options='[store]\nshred_interval = "1s"\n'), rng)
    print(f"shredding took {time.monotonic() - started:.1f} s")
    return checks.finish(folder)


if __name__ == "__main__":
    sys.exit(main())
