"""The cluster of tools/cluster/cluster.py with processes that are killed, frozen and started again,
in a network and with wall clocks of the test's own where that is possible."""

import os
import random
import ssl
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "tools", "cluster"), os.path.join(ROOT, "tests", "support")]

import cluster  # noqa: E402
from kafka_metadata import partition_of  # noqa: E402
from live_server import Client  # noqa: E402
from network import Network  # noqa: E402

COUNT = cluster.COUNT
NODES = [("node", number) for number in range(COUNT)]
BROKERS = [("broker", number) for number in range(COUNT)]
EVENTS_TOPIC = "coffer-events"
HEALTH_LIMIT = 0.7


def name_of(thing):
    return cluster.NAMES[thing[1]] if thing[0] == "node" else f"broker {thing[1] + 1}"


def own_network():
    """Nodes and brokers, each at its own address."""
    return Network({thing: 11 + number for number, thing in enumerate(NODES + BROKERS)})


class Node:
    """Number and address; what live_server.Client needs to know of a server."""

    def __init__(self, layout, number):
        self.number, self.name = number, cluster.NAMES[number]
        self.host, self.port = layout.host("node", number), layout.chosen["api"][number]
        self.data = layout.path("nodes", self.name)
        self._ca = layout.path("tls", "ca.pem")
        self._tls = None

    def tls(self):
        if self._tls is None:
            self._tls = ssl.create_default_context(cafile=self._ca)
        return self._tls


class ClusterUnderTest:
    """`network` (network.py) and `clocks` (clocks.py) may be None. A thing is ("node", 0). `options`:
    environment of the nodes."""

    def __init__(self, folder, cofferd, jars, network=None, clocks=None, options=None):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        hosts = network and {"node": [network.addresses[one] for one in NODES],
                             "broker": [network.addresses[one] for one in BROKERS]}
        self.layout = cluster.Layout(folder, hosts)
        self.cofferd, self.jars, self.network, self.clocks = cofferd, jars, network, clocks
        self.options = options or {}
        self.nodes = [Node(self.layout, number) for number in range(COUNT)]
        self.wanted = {}          # what should be running -> its process
        self._brokers = {}        # number -> what await_broker needs
        self._lock = threading.Lock()

    # -------------------------------------------------------- processes
    def log_file(self, thing):
        return (self.layout.path("nodes", cluster.NAMES[thing[1]], "log") if thing[0] == "node"
                else self.layout.path("brokers", str(thing[1] + 1), "log"))

    def up(self):
        for thing in BROKERS:
            self.start(thing)
        for thing in BROKERS:
            self.await_broker(thing)
        self._make_certificates()
        cluster.prepare_hsm(self.layout)
        for thing in NODES:
            self.start(thing)
        cluster.await_nodes(self.layout)

    def _make_certificates(self):
        """Valid from days ago on: a clock that jumps back is not to find them too young."""
        if not self.clocks:
            return cluster.make_certificates(self.layout)
        self.clocks.jump("certificates", -3 * 86400)
        cluster.make_certificates(self.layout, self.clocks.environment("certificates"))
        return None

    def start(self, thing):
        kind, number = thing
        prefix = self.network.prefix(thing) if self.network else ()
        if kind == "broker":
            self._brokers[number] = cluster.start_broker(self.layout, self.jars, number, prefix)
            process = self._brokers[number][2]
        else:
            clock = self.clocks.environment(cluster.NAMES[number]) if self.clocks else {}
            process = cluster.start_node(self.layout, self.cofferd, number, prefix,
                                         clock | self.options)
        if process is None:
            raise cluster.ClusterError(f"{name_of(thing)} runs already")
        self.wanted[thing] = process

    def await_broker(self, thing):
        cluster.await_broker(self.layout, self._brokers[thing[1]])

    def signal(self, thing, number):
        self.wanted[thing].send_signal(number)

    def kill(self, thing):
        with self._lock:
            process = self.wanted.pop(thing)
        process.kill()
        process.wait()

    def terminate(self, thing, limit=30):
        """As an operator stops it; texts, empty when it ended well. It is dead afterwards."""
        with self._lock:
            process = self.wanted.pop(thing)
        process.terminate()
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return [f"{name_of(thing)} did not end within {limit} s of SIGTERM"]
        return [f"{name_of(thing)} ended with status {status} after SIGTERM"] if status else []

    def deaths(self):
        """What has ended by itself; it is started again."""
        found = []
        with self._lock:
            things = list(self.wanted.items())
        for thing, process in things:
            status = process.poll()
            if status is not None:
                with open(self.log_file(thing), encoding="utf-8", errors="replace") as log:
                    found.append(f"{name_of(thing)} ended by itself, status {status}:\n"
                                 f"{log.read()[-1500:]}")
                self.start(thing)
        return found

    # -------------------------------------------------------- what nodes and brokers say
    def client(self, number, limit=20.0):
        return Client(self.nodes[number], self.root_token(), timeout=limit)

    def health_of(self, number):
        """(status, the node's wall clock in seconds); (0, 0) without an answer."""
        client = Client(self.nodes[number], timeout=HEALTH_LIMIT)
        try:
            answer = client.call("GET", "sys/health")
            return answer.status, answer.json.get("server_time_utc", 0)
        except OSError:
            return 0, 0
        finally:
            client.close()

    def health(self):
        return [self.health_of(number)[0] for number in range(COUNT)]

    def active(self, limit=60):
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            for number in random.sample(range(COUNT), COUNT):
                if self.health_of(number)[0] == 200:
                    return number
            time.sleep(0.05)
        raise cluster.ClusterError(f"no node became active within {limit} s")

    def partition(self):
        """(leader, in-sync replicas) of the topic of events as broker numbers; None: unknown."""
        for number in range(COUNT):
            place = (self.layout.host("broker", number), self.layout.chosen["broker"][number])
            try:
                if found := partition_of(place, EVENTS_TOPIC, HEALTH_LIMIT):
                    return found[0] - 1, [one - 1 for one in found[1]]
            except OSError:
                pass
        return None

    def settle(self, limit=60):
        """One node active, the others standing by, every broker in sync; texts, empty when that
        came about."""
        deadline, seen, brokers = time.monotonic() + limit, [], None
        while time.monotonic() < deadline:
            seen, brokers = self.health(), self.partition()
            if (sorted(seen) == [200] + [429] * (COUNT - 1) and brokers and
                    len(brokers[1]) == COUNT):
                return []
            time.sleep(0.1)
        return [f"not one active, {COUNT - 1} standing by and all brokers in sync within {limit} s: "
                f"sys/health of {', '.join(cluster.NAMES)} is {seen}, brokers in sync "
                f"{brokers and [one + 1 for one in brokers[1]]}"]

    def root_token(self):
        return cluster.root_token(self.layout)

    def end(self):
        """Ends everything. Not gently: nobody will use this cluster again."""
        for process in self.wanted.values():
            process.kill()
        for process in self.wanted.values():
            process.wait()
        self.wanted.clear()
        if self.network:
            self.network.end()
