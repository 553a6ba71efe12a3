"""A namespace's key is rotated on a cluster under load, and the active node is killed -9 on the way."""

import random
import threading
import time
from collections import Counter

from cluster_under_test import COUNT, NODES, cluster
from record import NO_ANSWER
from rotation import (TENANT_KEY_BYTES, BLOB_BYTES, is_finished, keyring_events, value_of)
from wrapped_keys import remains, written_keys

NAMESPACE = "team"
SECRETS = 150
VERSIONS = 2
ROTATION_LIMIT = 90.0
REPEAT_LIMIT = 30.0


class PatientClient:
    """Repeats a request, through another node, only

    - when it is refused with 503 (nobody is active, or the one that was is going);
    - when the connection could not be made, or broke before the answer;
    - when a write is answered with 500 that says that its outcome is not known, which is what a node
      says when its connection to the active one broke.

    Everything else, and what is not answered in REPEAT_LIMIT, is a failed request.
    """

    def __init__(self, vault, repeats):
        self.vault, self.repeats = vault, repeats
        self._client = None

    def need(self, method, path, body=None):
        deadline = time.monotonic() + REPEAT_LIMIT
        while True:
            why, answer = self._once(method, path, body)
            if not why:
                return answer
            self.repeats[why] += 1
            self._client = None
            if time.monotonic() > deadline:
                raise RuntimeError(f"{method} {path} got no answer in {REPEAT_LIMIT} s, last: {why}")
            time.sleep(0.05)

    def _once(self, method, path, body):
        try:
            if self._client is None:
                self._client = self.vault.client()
                self._client.namespace = NAMESPACE
            answer = self._client.call(method, path, body)
        except NO_ANSWER:
            return "connection lost", None
        if answer.status == 503:
            return "503", None
        if answer.status == 500 and method != "GET" and b"is not known" in answer.body:
            return "500, outcome not known", None
        if answer.status not in (200, 204):
            raise RuntimeError(f"{method} {path} answered {answer}")
        return "", answer


class Load:
    def __init__(self, vault):
        self.failures, self.done, self.repeats = [], 0, Counter()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._guard, args=(run, vault))
                         for run in (self._write, self._write, self._read, self._read)]
        for thread in self._threads:
            thread.start()

    def _guard(self, run, vault):
        client = PatientClient(vault, self.repeats)
        try:
            while not self._stop.is_set():
                run(client)
                self.done += 1
        except Exception as error:  # noqa: BLE001: any failure is the finding
            self.failures.append(f"{run.__name__}: {error!r}")

    def _write(self, client):
        client.need("POST", f"kv/data/w{random.randrange(20)}", {"data": {"x": 1}})

    def _read(self, client):
        name, version = f"s{random.randrange(SECRETS)}", random.randrange(1, VERSIONS + 1)
        answer = client.need("GET", f"kv/data/{name}?version={version}")
        if answer.data["data"] != value_of(name, version):
            raise RuntimeError(f"{name} version {version} reads {answer}")

    def end(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        return self.failures + ([] if self.done > 100 else [f"only {self.done} requests were made"])


def fill(vault):
    vault.client().need("POST", f"sys/namespaces/{NAMESPACE}", {})
    client = vault.client()
    client.namespace = NAMESPACE
    client.need("POST", "sys/mounts/kv", {"type": "kv", "options": {"version": "2"}})
    for version in range(1, VERSIONS + 1):
        for number in range(SECRETS):
            client.need("POST", f"kv/data/s{number}", {"data": value_of(f"s{number}", version)})
    return client


def status(vault):
    """None while nobody can tell."""
    try:
        answer = vault.client().call("GET", f"sys/namespaces/{NAMESPACE}/rotate")
        return answer.data if answer.status == 200 else None
    except NO_ANSWER:
        return None


def await_status(vault, wanted):
    deadline, now = time.monotonic() + ROTATION_LIMIT, None
    while time.monotonic() < deadline:
        if (now := status(vault)) and "rotation" in now and wanted(now):
            return now
        time.sleep(0.05)
    raise RuntimeError(f"the rotation stands at {now}")


def old_blobs(vault, client):
    """What the first key is and wraps: keys of the namespace and a sample of data keys."""
    created = next(body for name, body in keyring_events(client) if name == "keyring.created")
    blobs = [vault.locate(bytes.fromhex(created[name]["id"]), created[name]["blob_hash"], size)
             for name, size in (("tenant_key", TENANT_KEY_BYTES), ("log_key", BLOB_BYTES),
                                ("index_key", BLOB_BYTES))]
    for number in random.sample(range(SECRETS), 6):
        blobs += [vault.locate(*key) for key in written_keys(client, f"s{number}").values()]
    return blobs


def check_rotation(checks, vault):
    under_test = vault.under_test
    client = fill(vault)
    blobs = old_blobs(vault, client)
    load = Load(vault)
    time.sleep(0.5)
    vault.client().need("POST", f"sys/namespaces/{NAMESPACE}/rotate", status=(204,))
    await_status(vault, lambda now: now["rotation"]["rewrapped"] > 0)
    killed = under_test.active()
    before = status(vault)
    under_test.kill(NODES[killed])
    time.sleep(1)
    under_test.start(NODES[killed])
    now = await_status(vault, is_finished)
    ended = time.monotonic()
    time.sleep(0.5)
    failures = load.end()
    checks.check(f"no request failed during the rotation: {load.done} requests, repeated "
                 f"{dict(load.repeats)}", failures)
    in_the_middle = before and before["rotation"]["state"] == "rewrapping"
    checks.check(f"the next active node finished the rotation; when {cluster.NAMES[killed]} was killed "
                 f"{before and before['rotation']['rewrapped']} of {SECRETS * VERSIONS} were done",
                 [] if in_the_middle and now["term"] == 2 else [before, now])
    times = []
    problems = under_test.settle() + vault.await_gone(blobs, range(COUNT), ended, times)
    checks.check("the old key and what it wrapped are in no node's files"
                 + (f", last node after {max(times):.1f} s" if times else ""), problems)
    checks.check("every version is readable", unreadable(vault))
    problem = PatientClient(vault, Counter()).need("GET", "sys/events/verify").data["problem"]
    checks.check("the hash chain holds", [problem] if problem else [])


def unreadable(vault):
    client, problems = PatientClient(vault, Counter()), []
    for number in range(SECRETS):
        for version in range(1, VERSIONS + 1):
            name = f"s{number}"
            answer = client.need("GET", f"kv/data/{name}?version={version}")
            if answer.data["data"] != value_of(name, version):
                problems.append(f"{name} version {version}: {answer}")
    return problems
