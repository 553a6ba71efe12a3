#!/usr/bin/env python3
"""Rotation of a namespace's key in a real server: no request fails meanwhile, kill -9 only delays
it, nothing destroyed comes back, and afterwards the old wrapped tenant key and everything that was
wrapped by it are in no file."""

import os
import random
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [os.path.join(TESTS, "support"), os.path.join(TESTS, "canary"), HERE]

from live_server import (  # noqa: E402
    Checks, Server, end_on_signals, seed_of, work_folder)
from wrapped_keys import BLOB_BYTES, find_blob, remains, written_keys  # noqa: E402

SECRETS = 250
VERSIONS = 2
TERM_BYTES = 4         # in front of a blob of a later term
TENANT_KEY_BYTES = 40  # a tenant key wrapped by the root key
SLOW = "[keys]\nrewraps_per_second = 150\n"
SOON = 10.0


def value_of(name, version):
    return {"of": name, "version": version}


class Load:
    """Writers, readers and destroyers of secrets of their own and of the common ones."""

    def __init__(self, server, rng):
        self.server, self.stop, self.failures, self.done = server, threading.Event(), [], 0
        self.destroyed, self.written, self.lock = set(), {}, threading.Lock()
        victims = [f"s{i}" for i in range(0, SECRETS, 5)]
        rng.shuffle(victims)
        self.threads = [threading.Thread(target=self.guard, args=(run, *args)) for run, *args in (
            (self.write, "w0"), (self.write, "w1"), (self.read,), (self.read,),
            (self.destroy, victims))]
        for thread in self.threads:
            thread.start()

    def guard(self, run, *args):
        client = self.server.root("team")
        try:
            while not self.stop.is_set() and run(client, *args):
                self.done += 1
        except Exception as error:  # noqa: BLE001: any failure is the finding
            self.failures.append(f"{run.__name__}: {error!r}")

    def write(self, client, prefix):
        name = f"{prefix}-{random.randrange(20)}"
        answer = client.need("POST", f"kv/data/{name}", {"data": value_of(name, 0)})
        with self.lock:
            self.written[name] = answer.data["version"]
        return True

    def read(self, client):
        name = f"s{random.randrange(SECRETS)}"
        if name in self.destroyed or int(name[1:]) % 5 == 0:
            return True
        version = random.randrange(1, VERSIONS + 1)
        answer = client.need("GET", f"kv/data/{name}?version={version}")
        if answer.data["data"] != value_of(name, version):
            raise RuntimeError(f"{name} version {version} reads {answer}")
        return True

    def destroy(self, client, victims):
        if not victims:
            time.sleep(0.05)
            return True
        name = victims.pop()
        client.need("POST", f"kv/destroy/{name}", {"versions": list(range(1, VERSIONS + 1))})
        self.destroyed.add(name)
        return True

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        return self.failures + ([] if self.done > 100 else [f"only {self.done} requests were made"])


def status(server):
    return server.root().need("GET", "sys/namespaces/team/rotate").data


def wait_until(server, wanted, limit=90):
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        now = status(server)
        if wanted(now):
            return now
        time.sleep(0.02)
    raise RuntimeError(f"the rotation stands at {status(server)}")


def is_finished(now):
    return "rotation" in now and now["rotation"]["state"] == "finished"


def keyring_events(client):
    found, start = [], 1
    while True:
        page = client.need("GET", f"sys/events?from={start}&limit=1000").data["events"]
        if not page:
            return found
        for record in page:
            start = record["sequence"] + 1
            found += [(e["name"], e["json"]) for e in record["events"]
                      if e["name"].startswith("keyring.")]


def locate(server, key_id, blob_hash, size):
    """find_blob, again when a compaction moved it while the files were being read."""
    for _ in range(5):
        blob, _ = find_blob(server, key_id, blob_hash, size)
        if blob is not None:
            return blob
        time.sleep(0.5)
    return None


def own_blobs(server, keys):
    """The wrapped tenant, log and index key that a keyring event names."""
    blobs, problems = [], []
    for name, size in (("tenant_key", TENANT_KEY_BYTES), ("log_key", BLOB_BYTES),
                       ("index_key", BLOB_BYTES)):
        blob = locate(server, bytes.fromhex(keys[name]["id"]), keys[name]["blob_hash"], size)
        if blob is None:
            problems.append(f"control: the wrapped {name} is in no file")
        else:
            blobs.append(blob)
    return blobs, problems


def data_key_blobs(server, client, names, size):
    blobs, problems = [], []
    for name in names:
        for version, (key_id, blob_hash) in written_keys(client, name).items():
            blob = locate(server, key_id, blob_hash, size)
            if blob is None:
                problems.append(f"control: the wrapped key of {name} version {version} is in no file")
            else:
                blobs.append(blob)
    return blobs, problems


def gone(server, blobs):
    """Looks twice in a row: a compaction may move what is read."""
    deadline, clean = time.monotonic() + SOON, 0
    while True:
        found = remains(server, blobs)
        clean = 0 if found else clean + 1
        if clean == 2 or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


def fill(server):
    server.root().need("POST", "sys/namespaces/team", {})
    client = server.root("team")
    client.need("POST", "sys/mounts/kv", {"type": "kv", "options": {"version": "2"}})
    for version in range(1, VERSIONS + 1):
        for number in range(SECRETS):
            client.need("POST", f"kv/data/s{number}", {"data": value_of(f"s{number}", version)})
    return client


def all_readable(server, destroyed):
    """Every version, from a server that has just started and holds no data key in memory."""
    client, problems = server.root("team"), []
    for number in range(SECRETS):
        name = f"s{number}"
        for version in range(1, VERSIONS + 1):
            answer = client.call("GET", f"kv/data/{name}?version={version}")
            if name in destroyed:
                if answer.status != 404:
                    problems.append(f"{name} version {version} was destroyed and answers {answer}")
            elif answer.status != 200 or answer.data["data"] != value_of(name, version):
                problems.append(f"{name} version {version}: {answer}")
    return problems


def restart(server):
    server.stop()
    server.start()


def under_load(checks, server, rng):
    client = fill(server)
    created = next(body for name, body in keyring_events(client) if name == "keyring.created")
    old, problems = own_blobs(server, created)
    sample = [f"s{n}" for n in rng.sample(range(SECRETS), 12)] + ["s0", "s5"]
    data_keys, more = data_key_blobs(server, client, sample, BLOB_BYTES)
    checks.check("control: what the first key wraps is in the files", problems + more)

    load = Load(server, rng)
    time.sleep(0.3)
    server.root().need("POST", "sys/namespaces/team/rotate", status=(204,))
    second = server.root().call("POST", "sys/namespaces/team/rotate")
    checks.check("a second rotation is refused while the first runs",
                 [] if second.status == 400 and b"in progress" in second.body else [second])
    running = wait_until(server, lambda now: now["rotation"]["rewrapped"] > 0)
    finished = wait_until(server, is_finished)
    time.sleep(0.3)
    checks.check("no request failed during the rotation", load.end())
    checks.check("the progress was to be seen",
                 [] if running["rotation"]["state"] == "rewrapping" and finished["term"] == 2 and
                 finished["rotation"]["rewrapped"] > 0 else [running, finished])
    checks.check("the old tenant key and what it wrapped are in no file",
                 gone(server, old + data_keys))
    restart(server)
    checks.check("every version is readable after a restart, the destroyed ones are not",
                 all_readable(server, load.destroyed))
    verified = server.root("team").need("GET", "sys/events/verify").data
    checks.check("the hash chain holds", [] if not verified.get("problem") else [verified])
    return load.destroyed


def through_kills(checks, server, rng, destroyed):
    client = server.root("team")
    for number in range(20):
        client.need("POST", f"kv/data/t{number}", {"data": value_of(f"t{number}", 1)})
    rotated = [body for name, body in keyring_events(client)
               if name == "keyring.tenant_key_rotated"][-1]
    old, problems = own_blobs(server, rotated)
    data_keys, more = data_key_blobs(server, client, [f"t{n}" for n in (1, 7, 19)],
                                     TERM_BYTES + BLOB_BYTES)
    checks.check("control: what the second key wraps is in the files", problems + more)

    server.root().need("POST", "sys/namespaces/team/rotate", status=(204,))
    kills = 0
    for _ in range(4):
        time.sleep(rng.uniform(0.05, 0.6))
        if is_finished(status(server)) and status(server)["term"] == 3:
            break
        server.kill()
        kills += 1
        server.start()
    now = wait_until(server, lambda now: is_finished(now) and now["term"] == 3)
    checks.check("a rotation goes on after kill -9",
                 [] if kills > 0 and now["rotation"]["from_term"] == 2 else [kills, now])
    retired = [name for name, _ in keyring_events(server.root("team"))
               if name == "keyring.tenant_key_retired"]
    checks.check("each old key was retired once", [] if len(retired) == 2 else [retired])
    checks.check("the second key and what it wrapped are in no file", gone(server, old + data_keys))
    restart(server)
    checks.check("every version is readable after kills, the destroyed ones are not",
                 all_readable(server, destroyed))


def by_wraps(checks, folder):
    server = Server(os.path.join(folder, "wraps"),
                    options="[keys]\ntenant_key_wraps_max = 1000\n")
    server.start()
    client = server.root()
    for number in range(1010):
        client.need("POST", f"secret/data/x{number % 50}", {"data": {"n": number}})
    deadline, now = time.monotonic() + 40, {}
    while time.monotonic() < deadline:
        now = client.need("GET", "sys/key-status").data
        if now["term"] == 2 and is_finished(now):
            break
        time.sleep(0.5)
    checks.check("a key is rotated by the number of its wraps",
                 [] if now.get("term") == 2 and is_finished(now) else [now])
    rotated = [body for name, body in keyring_events(client)
               if name == "keyring.tenant_key_rotated"]
    checks.check("and the event says so",
                 [] if len(rotated) == 1 and rotated[0]["automatic"] else [rotated])
    server.stop()


def main():
    end_on_signals()
    rng = random.Random(seed_of("COFFER_ROTATION_SEED"))
    folder = work_folder("rotation")
    checks = Checks()
    server = Server(os.path.join(folder, "server"), options=SLOW)
    try:
        server.start()
        destroyed = under_load(checks, server, rng)
        through_kills(checks, server, rng, destroyed)
        server.stop()
        by_wraps(checks, folder)
    except (RuntimeError, OSError) as error:
        checks.fail("the run", repr(error))
    finally:
        server.kill()
    return checks.finish(folder)


if __name__ == "__main__":
    sys.exit(main())
