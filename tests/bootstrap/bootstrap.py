#!/usr/bin/env python3
"""A node of a cluster loses its store and gets it back from another node, chains verified, while it
goes on forwarding; then it alone serves everything. Once more from the topics, to compare."""

import os
import random
import re
import shutil
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), folder) for folder in ("support", "faults")]
sys.path.insert(0, HERE)

import fill  # noqa: E402
from cluster_under_test import COUNT, ClusterUnderTest, Node, cluster  # noqa: E402
from live_server import Checks, Client, end_on_signals, server_program, work_folder  # noqa: E402

INSTALLED = re.compile(r"snapshot from (\w+) installed: (\d+) bytes in (\d+) files, fetched in "
                       r"(\d+) ms; chains of (\d+) events .* verified in (\d+) ms; (\d+) keys")
WARM = re.compile(r"warm at offset (\d+), (\d+) ms after the start")
FALLBACK = "reading the topics from their beginning"
SAMPLE = 200


class KeptCluster(ClusterUnderTest):
    """As the other, in a folder that may hold one already."""

    def __init__(self, folder, cofferd, cache):
        if not os.path.exists(os.path.join(folder, "layout.json")):
            super().__init__(folder, cofferd, cache)
            return
        self.layout = cluster.Layout(folder)
        self.cofferd, self.cache = cofferd, cache
        self.nodes = [Node(self.layout, number) for number in range(COUNT)]
        self.wanted, self.broker_starts = {}, []
        for number in range(COUNT):
            with open(self.log_file(("broker", number)), encoding="utf-8", errors="replace") as log:
                self.broker_starts.append(log.read().count("Kafka Server started"))

    def stop(self):
        """Gently: it is to be started again."""
        for kind in ("node", "broker"):
            for number in range(COUNT):
                if (kind, number) in self.wanted:
                    self.terminate((kind, number), 60)


def log_since(under_test, number, position):
    with open(under_test.log_file(("node", number)), "rb") as file:
        file.seek(position)
        return file.read().decode("utf-8", "replace")


def store_of(under_test, number):
    return under_test.layout.path("nodes", cluster.NAMES[number], "store")


def size_of(folder):
    return sum(os.path.getsize(os.path.join(where, name))
               for where, _, names in os.walk(folder) for name in names)


def rejoin(under_test, number, limit, token, count, problems):
    """Wipes a standby and starts it. What its log says until it is warm."""
    problems += under_test.terminate(("node", number))
    shutil.rmtree(store_of(under_test, number))
    position = os.path.getsize(under_test.log_file(("node", number)))
    under_test.start(("node", number))
    client, served = None, 0
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        text = log_since(under_test, number, position)
        if WARM.search(text):
            print(f"    {served} reads through it meanwhile", flush=True)
            return text
        # It forwards what it cannot serve, also without a store.
        if "serving on" in text:
            client = client or Client(under_test.nodes[number], token)
            one = random.randrange(count)
            answer = client.call("GET", f"secret/data/{fill.path_of(one)}")
            if answer.status == 200:
                served += 1
            elif "taking a snapshot" in text:
                problems.append(f"a read through the node that has no store: {answer}")
        time.sleep(0.05)
    problems.append(f"not warm within {limit} s:\n{log_since(under_test, number, position)[-1500:]}")
    return log_since(under_test, number, position)


def check_rejoin(checks, under_test, number, limit, token, count):
    problems = []
    text = rejoin(under_test, number, limit, token, count, problems)
    installed, warm = INSTALLED.search(text), WARM.search(text)
    if FALLBACK in text or not installed:
        problems.append(f"it did not take a snapshot:\n{text[-1500:]}")
    for suffix in (".incoming", ".outgoing"):
        if os.path.exists(store_of(under_test, number) + suffix):
            problems.append(f"a folder is left behind: store{suffix}")
    figures = ""
    if installed and warm:
        source, size, files, fetched, events, verified, keys = installed.groups()
        if int(keys) < count or int(events) < count:
            problems.append(f"{events} events and {keys} keys, not {count}")
        figures = (f": {int(warm[2]) / 1000:.1f} s to warm with {count} secrets, from {source}: "
                   f"{int(size) / 1e6:.0f} MB in {files} files in {int(fetched) / 1000:.1f} s, "
                   f"chains of {events} events verified in {int(verified) / 1000:.1f} s, "
                   f"{keys} keys; store {size_of(store_of(under_test, number)) / 1e6:.0f} MB")
    checks.check(f"a wiped node takes a snapshot and is warm{figures}", problems)


def check_serves_alone(checks, under_test, number, token, count):
    problems = []
    for other in range(COUNT):
        if other != number:
            problems += under_test.terminate(("node", other))
    if under_test.active() != number:
        problems.append("another node is active")
    client = Client(under_test.nodes[number], token)
    for one in random.sample(range(count), min(count, SAMPLE)):
        answer = client.call("GET", f"secret/data/{fill.path_of(one)}")
        if answer.status != 200 or answer.data["data"] != fill.value_of(one):
            problems.append(f"secret {one}: {answer}")
    client.need("POST", "secret/data/after", {"data": {"a": 1}})
    client.need("PUT", "secret/destroy/after", {"versions": [1]})
    for other in range(COUNT):
        if other != number:
            under_test.start(("node", other))
    problems += under_test.settle()
    checks.check(f"{cluster.NAMES[number]} alone serves what it took", problems)


def check_from_topics(checks, under_test, number, limit, token, count):
    problems = []
    os.environ["COFFER_CLUSTER_SNAPSHOT_EVENTS_MIN"] = "0"
    text = rejoin(under_test, number, limit, token, count, problems)
    del os.environ["COFFER_CLUSTER_SNAPSHOT_EVENTS_MIN"]
    if INSTALLED.search(text):
        problems.append("it took a snapshot")
    warm = WARM.search(text)
    figures = f": {int(warm[2]) / 1000:.1f} s" if warm else ""
    checks.check(f"the same from the topics{figures}", problems)


def standby_of(under_test):
    return (under_test.active() + 1) % COUNT


def run(checks, under_test, count, limit, load_s, progress_file):
    under_test.up()
    token = under_test.root_token()
    if not fill.fill(lambda: under_test.nodes[under_test.active()], token, count, progress_file,
                     load_s):
        print("not all loaded yet: run again to go on")
        under_test.stop()
        return False
    os.environ["COFFER_CLUSTER_SNAPSHOT_EVENTS_MIN"] = "1"
    number = standby_of(under_test)
    check_rejoin(checks, under_test, number, limit, token, count)
    check_serves_alone(checks, under_test, number, token, count)
    check_from_topics(checks, under_test, standby_of(under_test), 3 * limit, token, count)
    checks.check("no process ended by itself", under_test.deaths())
    return True


def main():
    end_on_signals()
    checks = Checks()
    count = int(os.environ.get("COFFER_BOOTSTRAP_SECRETS") or 3_000)
    limit = float(os.environ.get("COFFER_BOOTSTRAP_LIMIT_S") or 180)
    load_s = float(os.environ.get("COFFER_BOOTSTRAP_LOAD_S") or 3_600)
    kept = os.environ.get("COFFER_BOOTSTRAP_FOLDER")
    cache = os.path.join(os.environ.get("COFFER_BUILD") or
                         os.path.join(os.path.dirname(os.path.dirname(HERE)), "build"), "kafka")
    jars = cluster.fetch_jars(cache)
    folder = os.path.abspath(kept) if kept else work_folder("bootstrap")
    # What is left in the environment goes to the nodes, and there it would be configuration.
    program = server_program()
    for name in [name for name in os.environ if name.startswith("COFFER")]:
        del os.environ[name]
    under_test = KeptCluster(os.path.join(folder, "cluster"), program, jars)
    try:
        if not run(checks, under_test, count, limit, load_s, os.path.join(folder, "filled")):
            print("0 passed, 0 failed, 1 skipped")
            return 0
    except (cluster.ClusterError, RuntimeError, OSError) as error:
        checks.fail("the run itself", repr(error))
    finally:
        under_test.end()
    return checks.finish(folder)


if __name__ == "__main__":
    sys.exit(main())
