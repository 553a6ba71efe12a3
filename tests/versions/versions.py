#!/usr/bin/env python3
"""Nodes of two versions side by side: a cluster of the older one is upgraded node by node while
clients write and read, without a failed request; the newer records are written when all nodes read
them; then a node of the older version refuses to go on."""

import os
import random
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), folder) for folder in ("support", "faults")]

from cluster_under_test import COUNT, ClusterUnderTest, cluster  # noqa: E402
from live_server import Checks, Client, end_on_signals, server_program, work_folder  # noqa: E402

OLDER = {"COFFER_CLUSTER_PROTOCOL_VERSION_MAX": "1"}
RAISED = "all nodes read records of version 2"
REFUSED = "the log holds records of version 2 and cluster.protocol_version_max lets this node read"
CLIENTS = 6


class Upgraded(ClusterUnderTest):
    """Nodes are of the older version until they are started anew."""

    def __init__(self, folder, cofferd, jars):
        super().__init__(folder, cofferd, jars)
        self.older = set(range(COUNT))

    def start(self, thing):
        self.options = OLDER if thing[0] == "node" and thing[1] in self.older else {}
        super().start(thing)

    def log_of(self, number):
        with open(self.log_file(("node", number)), encoding="utf-8", errors="replace") as log:
            return log.read()

    def says(self, text):
        return any(text in self.log_of(number) for number in range(COUNT))


class Load:
    """Each client writes a secret of its own and reads it back, through all nodes but those that are
    `away`, as a load balancer in front of them does."""

    def __init__(self, under_test):
        self.nodes, self.token = under_test.nodes, under_test.root_token()
        self.away, self.problems, self.requests = set(), [], 0
        self._stopping, self._lock = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._client, args=(i,), daemon=True)
                         for i in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        return self.problems

    def _call(self, rng, method, path, body=None):
        node = rng.choice([node for node in self.nodes if node.number not in self.away])
        client = Client(node, self.token)
        try:
            answer = client.call(method, path, body)
        finally:
            client.close()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path} through {node.name}: {answer}")
        return answer

    def _client(self, number):
        rng, count = random.Random(number), 0
        while not self._stopping.is_set():
            count += 1
            try:
                self._call(rng, "POST", f"secret/data/load/{number}", {"data": {"count": count}})
                read = self._call(rng, "GET", f"secret/data/load/{number}")
                if read.data["data"]["count"] != count:
                    raise RuntimeError(f"wrote {count}, read {read}")
            except (OSError, RuntimeError) as error:
                with self._lock:
                    self.problems.append(repr(error))
            with self._lock:
                self.requests += 2
            time.sleep(0.01)


def restart(under_test, load, number):
    """As an operator upgrades a node behind a load balancer."""
    load.away.add(number)
    problems = under_test.terminate(("node", number))
    under_test.older.discard(number)
    under_test.start(("node", number))
    problems += under_test.settle()
    load.away.discard(number)
    return problems


def await_text(under_test, text, limit=20):
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        if under_test.says(text):
            return []
        time.sleep(0.1)
    return [f"no node says `{text}` within {limit} s"]


def check_upgrade(checks, under_test, load):
    active = under_test.active()
    for number in [one for one in range(COUNT) if one != active] + [active]:
        time.sleep(2)  # traffic between the nodes as they are
        problems = ["records of version 2 are written already"] if under_test.says(RAISED) else []
        problems += restart(under_test, load, number)
        checks.check(f"{cluster.NAMES[number]} of the newer version in its place", problems)
    checks.check("the newer records are written when all nodes read them",
                 await_text(under_test, RAISED))
    time.sleep(2)
    requests = load.requests
    checks.check(f"not one of {requests} requests has failed", load.stop()[:5])
    checks.check("they were enough to say so", [] if requests > 500 else [str(requests)])


def check_refusal(checks, under_test):
    number = (under_test.active() + 1) % COUNT
    problems = under_test.terminate(("node", number))
    under_test.older.add(number)
    under_test.start(("node", number))
    process = under_test.wanted.pop(("node", number))
    try:
        if process.wait(30) == 0:
            problems.append("it ended without an error")
    except Exception as error:  # pylint: disable=broad-except
        process.kill()
        process.wait()
        problems.append(repr(error))
    if REFUSED not in under_test.log_of(number):
        problems.append(f"it does not say why: {under_test.log_of(number)[-800:]}")
    checks.check("a node of the older version refuses a log that it cannot read", problems)
    under_test.older.discard(number)
    under_test.start(("node", number))
    checks.check("and goes on as a newer one", under_test.settle())


def main():
    end_on_signals()
    checks = Checks()
    build = os.environ.get("COFFER_BUILD") or os.path.join(
        os.path.dirname(os.path.dirname(HERE)), "build")
    jars = cluster.fetch_jars(os.path.join(build, "kafka"))
    folder = work_folder("versions")
    program = server_program()
    # What is left in the environment goes to the nodes, and there it would be configuration.
    for name in [name for name in os.environ if name.startswith("COFFER")]:
        del os.environ[name]
    under_test = Upgraded(os.path.join(folder, "cluster"), program, jars)
    try:
        under_test.up()
        check_upgrade(checks, under_test, Load(under_test))
        check_refusal(checks, under_test)
        checks.check("no process ended by itself", under_test.deaths())
    except (cluster.ClusterError, RuntimeError, OSError) as error:
        checks.fail("the run itself", repr(error))
    finally:
        under_test.end()
    return checks.finish(folder)


if __name__ == "__main__":
    sys.exit(main())
