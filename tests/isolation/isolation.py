#!/usr/bin/env python3
"""Nothing of tenant alpha is returned, counted or hinted to tenant beta.

Two servers get the same requests of beta's callers in the same order. In one alpha is full of marked
things and at work, in the other it is empty. Beta's answers must be the same, and hold nothing of
alpha but what the request itself, or a write of beta's before it, had named.
"""

import base64
import http.client
import os
import random
import re
import sys
import threading
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "support"), HERE]

from live_server import Checks, Client, Server, end_on_signals, seed_of, work_folder  # noqa: E402
from requests_of_b import Names, Requests, random_policy  # noqa: E402

KV2 = {"type": "kv", "options": {"version": "2"}}
EVERYTHING = 'path "*" { capabilities = ["create", "read", "update", "patch", "delete", "list", "sudo"] }'

# What differs between two servers that were told the same: identifiers, times, tokens.
MASKS = [(re.compile(pattern), mask) for pattern, mask in (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uuid>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
    (r"hvs\.[A-Za-z0-9]{32}", "<token>"),
    (r'"[A-Za-z0-9]{24}"', '"<accessor>"'),
    (r"\b[0-9a-f]{32,64}\b", "<hex>"),
    (r"\.[0-9a-f]{12}\b", ".<namespace>"),  # what ends a chosen token in a namespace
    (r"\b(kv|ns_\w+|system|identity|cubbyhole|token)_[0-9a-f]{8}\b", r"\1_<hex>"),
    (r'"(ttl|creation_time|last_renewal|lease_duration)":\d+', r'"\1":0'))]


class Place:
    """One of the two servers, with what placeholders stand for there."""

    def __init__(self, folder):
        self.server = Server(folder)
        self.server.start()
        self.values = {}
        self.client = Client(self.server)

    def text(self, template):
        return re.sub(r"<<([ab]:\w+)>>", lambda m: self.values[m.group(1)], template)

    def send(self, request):
        method, target, headers, body = request
        try:
            return self.client.send(method, self.text(target), self.text(body).encode(),
                                    [(name, self.text(value)) for name, value in headers])
        except (OSError, http.client.HTTPException) as error:
            self.client = Client(self.server)
            return type(error).__name__


def make_token(client, values, name, **fields):
    auth = client.need("POST", "auth/token/create", {"ttl": "1h", **fields}).json["auth"]
    values[f"{name}"], values[f"{name}_accessor"] = auth["client_token"], auth["accessor"]


def fill_beta(place, policies):
    """The same on both servers."""
    place.server.root().need("POST", "sys/namespaces/alpha", {})
    place.server.root().need("POST", "sys/namespaces/beta", {})
    beta = place.server.root("beta")
    for mount in ("secret", "kv", "ownmount"):
        beta.need("POST", f"sys/mounts/{mount}", KV2)
        for path in ("ownpath", "app/ownpath"):
            beta.need("POST", f"{mount}/data/{path}", {"data": {"v": 1}})
    beta.need("POST", "sys/namespaces/ownchild", {})
    beta.need("PUT", "sys/policies/acl/admin", {"policy": EVERYTHING})
    beta.need("PUT", "sys/policies/acl/ownpolicy", {"policy": EVERYTHING})
    for number, policy in enumerate(policies):
        beta.need("PUT", f"sys/policies/acl/p{number}", {"policy": policy})
        make_token(beta, place.values, f"b:p{number}", policies=[f"p{number}"])
    for name in ("admin", "second", "revoked", "expired", "parent"):
        make_token(beta, place.values, f"b:{name}", policies=["admin"],
                   ttl="1s" if name == "expired" else "1h")
    make_token(Client(place.server, place.values["b:parent"], "beta"), place.values, "b:orphaned")
    for name in ("revoked", "parent"):  # the parent takes its child along
        beta.need("POST", "auth/token/revoke", {"token": place.values[f"b:{name}"]})


def fill_alpha(place, names):
    """Every kind of thing, all marked; random identifiers are noted."""
    alpha, values = place.server.root("alpha"), place.values
    place.server.root().need("POST", "sys/namespaces/alpha", {
        "custom_metadata": {names.hidden["path"][0]: names.hidden["path"][1]}})
    for mount in ["secret", "kv"] + names.all("mount"):
        alpha.need("POST", f"sys/mounts/{mount}", {**KV2, "description": names.hidden["mount"][0]})
        for path in names.all("path"):
            for full in (path, f"app/{path}"):
                alpha.need("POST", f"{mount}/data/{full}", {"data": {names.hidden["path"][0]: full}})
        alpha.need("POST", f"{mount}/metadata/{names.guessed['path'][0]}",
                   {"custom_metadata": {"k": names.hidden["path"][2]}})
    for name in names.all("policy"):
        alpha.need("PUT", f"sys/policies/acl/{name}",
                   {"policy": f"# {names.hidden['policy'][0]}\n{EVERYTHING}"})
    for name in names.all("child"):
        alpha.need("POST", f"sys/namespaces/{name}", {"custom_metadata": {"k": names.hidden["child"][0]}})
        inside = place.server.root(f"alpha/{name}")
        inside.need("POST", "sys/mounts/secret", KV2)
        inside.need("POST", f"secret/data/{names.guessed['path'][0]}", {"data": {"v": 1}})
    for name in names.all("token"):
        make_token(alpha, values, f"a:{name}", id=name, policies=[names.guessed["policy"][0]],
                   display_name=names.hidden["token"][0], meta={"k": names.hidden["token"][1]})
    for number in range(3):
        make_token(alpha, values, f"a:random{number}", policies=[names.hidden["policy"][0]])
    mounts = alpha.need("GET", "sys/mounts").data
    values["a:mount_uuid"] = mounts["secret/"]["uuid"]
    values["a:mount_accessor"] = mounts["secret/"]["accessor"]
    events = alpha.need("GET", "sys/events?limit=1000").data["events"]
    values["a:stream"] = next(e["stream"] for e in events if e["events"][0]["name"] == "secret.created")
    values["a:namespace_id"] = place.server.root().need("GET", "sys/namespaces/alpha").data["id"]


def snapshot_of_alpha(place, names):
    """What alpha holds, to show that beta changed none of it."""
    alpha = place.server.root("alpha")
    seen = [alpha.need("GET", "sys/mounts").data, alpha.need("LIST", "auth/token/accessors").data,
            alpha.need("LIST", "sys/policies/acl").data, alpha.need("LIST", "sys/namespaces").data]
    for mount in ["secret", "kv"] + names.all("mount"):
        for path in names.all("path"):
            seen.append(alpha.need("GET", f"{mount}/metadata/app/{path}").data)
            seen.append(alpha.need("GET", f"{mount}/data/app/{path}").data)
    for name in names.all("policy"):
        seen.append(alpha.need("GET", f"sys/policies/acl/{name}").data)
    for key, value in place.values.items():
        if key.startswith("a:") and f"{key}_accessor" in place.values:
            found = alpha.need("POST", "auth/token/lookup", {"token": value}).data
            seen.append({k: v for k, v in found.items() if k != "ttl"})
    return seen


class AlphaAtWork:
    """Alpha's own traffic during beta's requests, so that shared tables are never empty."""

    def __init__(self, place, names):
        self.place, self.names, self.stop = place, names, threading.Event()
        self.changes, self.problems = 0, []
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        alpha = Client(self.place.server, self.place.values[f"a:{self.names.hidden['token'][0]}"], "alpha")
        path = f"secret/data/{self.names.hidden['path'][0]}"
        try:
            while not self.stop.is_set():
                alpha.need("POST", path, {"data": {"v": self.names.hidden["path"][1]}})
                self.changes += 1
                for read in (path, "sys/mounts", f"sys/policies/acl/{self.names.hidden['policy'][0]}"):
                    alpha.need("GET", read)
                alpha.need("LIST", "secret/metadata/")
                time.sleep(0.01)
        except (RuntimeError, OSError, http.client.HTTPException) as error:
            self.problems.append(repr(error))

    def end(self):
        self.stop.set()
        self.thread.join()


def plain_header(name, value):
    """The state index without the namespace's id and the signature, which are each server's own."""
    if name.lower() != "x-vault-index":
        return value
    version, _, event, rest, _ = base64.b64decode(value).decode("ascii").split(":")
    return f"{version} {event} {rest}"


def masked(place, answer):
    """What is compared: without what is random, with beta's own tokens and accessors by name."""
    if isinstance(answer, str):
        return answer
    headers = sorted(f"{n.lower()}: {plain_header(n, v)}" for n, v in answer.headers
                     if n.lower() not in ("date", "content-length"))
    text = "\n".join([str(answer.status), *headers, answer.body.decode("utf-8", "replace")])
    for name, value in place.values.items():
        if name.startswith("b:"):
            text = text.replace(value, "<accessor>" if name.endswith("_accessor") else "<token>")
    for pattern, mask in MASKS:
        text = pattern.sub(mask, text)
    return text


class Judge:
    def __init__(self, full, empty, names):
        self.full, self.empty, self.names = full, empty, names
        self.marker = re.compile(f"{names.stem}[a-z0-9]*", re.IGNORECASE)
        self.written = set()  # markers that beta itself put somewhere
        self.leaks, self.hints, self.statuses = [], {}, {}

    def judge(self, request):
        method, target, headers, body = request
        answers = [place.send(request) for place in (self.full, self.empty)]
        first = answers[0] if isinstance(answers[0], str) else answers[0].status
        self.statuses[first] = self.statuses.get(first, 0) + 1
        caller = next((v for n, v in headers if n in ("X-Vault-Token", "Authorization")), "no token")
        spaces = [v for n, v in headers if n == "X-Vault-Namespace"]
        shown = f"{method} {target} {body} by {caller} in {spaces}"
        a, b = (masked(*pair) for pair in zip((self.full, self.empty), answers))
        if a != b:
            at = next(i for i, (x, y) in enumerate(zip(a + "\0", b + "\0")) if x != y)
            self.hint(f"{a.split(chr(10))[0]}/{b.split(chr(10))[0]} {self.aimed_at(request)}",
                      f"{shown}: with alpha full {around(a, at)}, empty {around(b, at)}")
        sent = urllib.parse.unquote(self.full.text(f"{target}\n{headers}\n{body}"))
        if not isinstance(answers[0], str):
            self.look_for_alpha(shown, sent, answers[0])
        if method in ("POST", "PUT", "PATCH"):
            self.written.update(m.lower() for m in self.marker.findall(sent))

    def hint(self, kind, example):
        """Differences of one kind count once, with the first of them as the example."""
        number, first = self.hints.get(kind, (0, example))
        self.hints[kind] = (number + 1, first)

    def aimed_at(self, request):
        method, target, headers, _body = request
        aims = [v for n, v in headers if n == "X-Vault-Namespace"] + [target]
        if any(child in aim for child in self.names.guessed["child"] for aim in aims):
            return "a namespace below alpha"
        return f"{method} {re.sub(self.names.stem + '[a-z0-9]*', '*', target.split('?')[0])}"

    def hint_problems(self):
        return [f"{kind} ({number} times): {first}" for kind, (number, first) in self.hints.items()]

    def look_for_alpha(self, shown, sent, answer):
        content = repr(answer.headers) + answer.body.decode("utf-8", "replace")
        known = {m.lower() for m in self.marker.findall(sent)} | self.written
        for found in set(self.marker.findall(content)):
            if found.lower() not in known or found.startswith(self.names.secret_stem):
                self.leaks.append(f"{shown}: answers with {found}")
        for name, value in self.full.values.items():
            if name.startswith("a:") and value in content and value not in sent and not (
                    self.marker.fullmatch(value)):
                self.leaks.append(f"{shown}: answers with alpha's {name}")


def around(text, at):
    return repr(text[:3] + " ..." + text[max(0, at - 60):at + 80])


def control(checks, full, names):
    """The judge sees what there is to see: alpha's own answers and the two servers' differences."""
    judge = Judge(full, full, names)
    alpha = Client(full.server, full.values[f"a:{names.hidden['token'][0]}"], "alpha")
    judge.look_for_alpha("LIST", "", alpha.need("LIST", "secret/metadata/"))
    judge.look_for_alpha("accessors", "", alpha.need("LIST", "auth/token/accessors"))
    checks.check("control: alpha's own answers hold its markers and accessors",
                 [] if len(judge.leaks) >= 6 else [f"only {judge.leaks}"])


def existence_hints(place, callers):
    """Whether beta's callers, and nobody, can tell a namespace that exists from one that does not."""
    found = {}
    for caller in callers:
        for path in ("secret/data/x", "sys/mounts", "auth/token/lookup-self", "sys/internal/ui/mounts",
                     "sys/internal/ui/mounts/secret", "sys/health", "nothing/here"):
            for headers, prefix in ((("?",), ""), ((), "?/")):
                answers = []
                for name in ("alpha", "gamma"):
                    pairs = [("X-Vault-Namespace", h.replace("?", name)) for h in headers]
                    pairs += [("X-Vault-Token", caller)] if caller is not None else []
                    answer = place.send(("GET", f"/v1/{prefix.replace('?', name)}{path}", pairs, ""))
                    answers.append(masked(place, answer).replace(name, "?"))
                if answers[0] != answers[1]:
                    what = (f"GET {prefix}{path} in {headers}: {answers[0][:3]} when there is such a namespace, "
                            f"{answers[1][:3]} when not")
                    found.setdefault(what, set()).add(str(caller))
    return [f"{what}; asked by {', '.join(sorted(who))}" for what, who in found.items()]


def main():
    end_on_signals()
    count = int(os.environ.get("COFFER_ISOLATION_REQUESTS") or 3000)
    rng = random.Random(seed_of("COFFER_ISOLATION_SEED"))
    folder, checks, names = work_folder("isolation"), Checks(), Names(rng)
    policies = [random_policy(rng) for _ in range(8)]
    full, empty = Place(os.path.join(folder, "full")), Place(os.path.join(folder, "empty"))
    for place in (full, empty):
        fill_beta(place, policies)
    fill_alpha(full, names)
    empty.values.update({k: v for k, v in full.values.items() if k.startswith("a:")})
    time.sleep(1.1)  # the token of one second has expired
    control(checks, full, names)

    before = snapshot_of_alpha(full, names)
    records = [place.server.root("alpha").need("GET", "sys/events/verify").data["records"]
               for place in (full, empty)]
    callers = [f"<<b:p{i}>>" for i in range(len(policies))] + 3 * ["<<b:admin>>"] + [
        "<<b:second>>", "<<b:revoked>>", "<<b:expired>>", "<<b:orphaned>>", None, "", "hvs.unknown"]
    hidden = names.hidden["token"]  # nobody guesses those
    identifiers = [k for k in full.values if not any(h in k for h in hidden)]
    generator, judge = Requests(rng, names, callers, identifiers), Judge(full, empty, names)
    work = AlphaAtWork(full, names)
    started = time.monotonic()
    for _ in range(count):
        judge.judge(generator.make())
    seconds = time.monotonic() - started
    work.end()

    checks.check(f"{count} requests: nothing of alpha in an answer", judge.leaks)
    checks.check(f"{count} paired requests: same answers whether alpha has it or not",
                 judge.hint_problems())
    checks.check("a namespace that is there and one that is not look the same",
                 existence_hints(full, callers))
    checks.check("alpha worked meanwhile", work.problems or ([] if work.changes else ["no change"]))
    checks.check("alpha is unchanged", [] if snapshot_of_alpha(full, names) == before else ["it differs"])
    for place, name, had, own in ((full, "full", records[0], work.changes), (empty, "empty", records[1], 0)):
        report = place.server.root("alpha").need("GET", "sys/events/verify").data
        wrong = report["problem"] or report["records"] != had + own
        checks.check(f"beta left no event in alpha's log ({name})",
                     [f"{had} records and {own} own changes became {report}"] if wrong else [])
    good = sum(n for s, n in judge.statuses.items() if s in (200, 204))
    checks.check("beta's requests are of all kinds",
                 [] if good > count / 20 and judge.statuses.get(403, 0) > count / 10 else ["too few"])
    internal = [f"{n} answers {s}" for s, n in judge.statuses.items() if isinstance(s, int) and s >= 500]
    checks.check("no internal error", internal)
    print(f"{count} requests to each of two servers in {seconds:.1f} s; answers {judge.statuses}")
    for place in (full, empty):
        place.server.stop()
    return checks.finish(folder)


if __name__ == "__main__":
    sys.exit(main())
