#!/usr/bin/env python3
"""Destroyed keys in a real cluster: within 10 s of the answer the wrapped key is in no file of any
node's data folder, also of a node that was down meanwhile. A namespace's key is rotated under load
while the active node is killed; at the end what the old key wrapped is in no node's files.

Each case first proves that the search finds the wrapped key while it lives, on every node.
"""

import os
import random
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [os.path.join(TESTS, name) for name in ("support", "canary", "rotation", "faults")]
sys.path.insert(0, HERE)

from cluster_under_test import COUNT, NODES, ROOT, ClusterUnderTest, cluster  # noqa: E402
from live_server import (Checks, Client, end_on_signals, seed_of, server_program,  # noqa: E402
                         work_folder)
from rotation_under_kills import check_rotation  # noqa: E402
from wrapped_keys import BLOB_BYTES, find_blob, remains, written_keys  # noqa: E402

GONE_LIMIT = 10.0    # seconds from the answer, or from when a node that was down follows again
APPLY_LIMIT = 20.0   # for a write to be in the files of every node
MOUNT = "secret"


class Files:
    """What wrapped_keys.py needs to know of a node."""

    def __init__(self, under_test, number):
        self.data, self.process = under_test.nodes[number].data, self
        self._under_test, self._thing = under_test, NODES[number]

    @property
    def pid(self):
        return self._under_test.wanted[self._thing].pid

    def poll(self):
        process = self._under_test.wanted.get(self._thing)
        return "down" if process is None else process.poll()


class Vault:
    """The cluster and the files of its nodes."""

    def __init__(self, under_test):
        self.under_test = under_test
        self.files = [Files(under_test, number) for number in range(COUNT)]

    def client(self, number=None):
        number = random.randrange(COUNT) if number is None else number
        return Client(self.under_test.nodes[number], self.under_test.root_token())

    def standby(self):
        active = self.under_test.active()
        return random.choice([number for number in range(COUNT) if number != active])

    def write(self, path, versions=1):
        """version -> the wrapped key, found in the files of every node."""
        client = self.client()
        for number in range(versions):
            client.need("POST", f"{MOUNT}/data/{path}", {"data": {"n": number}})
        return {version: self.locate(key_id, blob_hash)
                for version, (key_id, blob_hash) in written_keys(client, path).items()}

    def locate(self, key_id, blob_hash, size=BLOB_BYTES):
        """The wrapped key, once the files of every node have it."""
        deadline, found = time.monotonic() + APPLY_LIMIT, []
        while time.monotonic() < deadline:
            found = [find_blob(files, key_id, blob_hash, size)[0] for files in self.files]
            if all(found):
                return found[0]
            time.sleep(0.1)
        raise RuntimeError("control: the wrapped key is not in the files of "
                           f"{[cluster.NAMES[i] for i in range(COUNT) if not found[i]]}")

    def destroy(self, path, versions, number=None):
        self.client(number).need("POST", f"{MOUNT}/destroy/{path}", {"versions": versions})

    def await_gone(self, blobs, numbers, since, times):
        """Texts: what is still there when the time is up."""
        left = {number: None for number in numbers}
        while left:
            for number in list(left):
                left[number] = remains(self.files[number], blobs)
                if not left[number]:
                    times.append(time.monotonic() - since)
                    del left[number]
            if time.monotonic() - since > GONE_LIMIT:
                break
            time.sleep(0.1)
        return [f"{cluster.NAMES[number]}: {text}" for number, texts in left.items()
                for text in texts]


# ---------------------------------------------------------------- cases
def destroyed(vault, times):
    blobs = vault.write("just-written")
    vault.destroy("just-written", [1])
    return vault.await_gone(list(blobs.values()), range(COUNT), time.monotonic(), times)


def destroyed_in_tables(vault, times):
    """Other keys of the secret stay. The first destroy has brought everything into tables."""
    blobs = vault.write("older", versions=3)
    vault.write("another")
    vault.destroy("another", [1])
    time.sleep(3)
    vault.destroy("older", [1, 3])
    problems = vault.await_gone([blobs[1], blobs[3]], range(COUNT), time.monotonic(), times)
    for files in vault.files:
        if not remains(files, [blobs[2]]):
            problems.append("the version that was not destroyed is gone too")
    return problems


def metadata_removed(vault, times):
    blobs = vault.write("removed", versions=2)
    vault.client().need("DELETE", f"{MOUNT}/metadata/removed")
    return vault.await_gone(list(blobs.values()), range(COUNT), time.monotonic(), times)


def while_down(vault, times):
    """A standby that is killed before the destroy and comes back later."""
    return _with_a_node_down(vault, vault.standby(), "down", times)


def while_active_down(vault, times):
    """The active node is killed, and the next one destroys."""
    return _with_a_node_down(vault, vault.under_test.active(), "was-active", times)


def _with_a_node_down(vault, down, path, times):
    blobs = vault.write(path)
    vault.under_test.kill(NODES[down])
    others = [number for number in range(COUNT) if number != down]
    vault.under_test.active()
    vault.destroy(path, [1], random.choice(others))
    problems = vault.await_gone(list(blobs.values()), others, time.monotonic(), times)
    if not remains(vault.files[down], list(blobs.values())):
        problems.append("control: the files of the node that was down have lost the key")
    vault.under_test.start(NODES[down])
    problems += vault.under_test.settle()
    return problems + vault.await_gone(list(blobs.values()), [down], time.monotonic(), times)


def killed_after_the_answer(vault, times):
    """The active node dies with the answer; nobody else has shredded by then."""
    active, blobs = vault.under_test.active(), vault.write("answered")
    vault.destroy("answered", [1], active)
    vault.under_test.kill(NODES[active])
    since = time.monotonic()
    others = [number for number in range(COUNT) if number != active]
    problems = vault.await_gone(list(blobs.values()), others, since, times)
    vault.under_test.start(NODES[active])
    problems += vault.under_test.settle()
    return problems + vault.await_gone(list(blobs.values()), [active], time.monotonic(), times)


def standby_killed_after_the_answer(vault, times):
    """A standby dies when it has applied the destroy, or not yet, and has not shredded."""
    down, blobs = vault.standby(), vault.write("standby")
    vault.destroy("standby", [1], down)
    time.sleep(random.uniform(0, 0.3))
    vault.under_test.kill(NODES[down])
    vault.under_test.start(NODES[down])
    problems = vault.under_test.settle()
    return problems + vault.await_gone(list(blobs.values()), range(COUNT), time.monotonic(), times)


CASES = (
    ("destroyed just after its write", destroyed),
    ("destroyed while in table files", destroyed_in_tables),
    ("metadata removed", metadata_removed),
    ("destroyed while a standby is down", while_down),
    ("destroyed while the former active node is down", while_active_down),
    ("active node killed after the answer", killed_after_the_answer),
    ("standby killed after the answer", standby_killed_after_the_answer),
)


def run(checks, under_test):
    for name in [name for name in os.environ if name.startswith("COFFER")]:
        del os.environ[name]
    under_test.up()
    vault = Vault(under_test)
    for name, case in CASES:
        times = []
        try:
            problems = case(vault, times) + under_test.deaths()
        except (RuntimeError, OSError, cluster.BrokerError) as error:
            problems = [repr(error)]
            for thing in NODES:
                if thing not in under_test.wanted:
                    under_test.start(thing)
        slowest = f", last node after {max(times):.1f} s" if times else ""
        checks.check(f"wrapped key gone from every node: {name}{slowest}", problems)
        under_test.settle()
    check_rotation(checks, vault)


def main():
    end_on_signals()
    random.seed(seed_of("COFFER_CLUSTER_KEYS_SEED"))
    folder, checks = work_folder("cluster_keys"), Checks()
    build = os.environ.get("COFFER_BUILD") or os.path.join(ROOT, "build")
    jars = cluster.fetch_jars(os.path.join(build, "kafka"))
    under_test = ClusterUnderTest(os.path.join(folder, "cluster"), server_program(), jars,
                                  options={"COFFER_KEYS_REWRAPS_PER_SECOND": "60"})
    try:
        run(checks, under_test)
    except (cluster.BrokerError, RuntimeError, OSError) as error:
        checks.fail("the run itself", repr(error))
    finally:
        under_test.end()
    return checks.finish(folder)


if __name__ == "__main__":
    sys.exit(main())
