"""The cluster of tools/cluster/cluster.py with processes that are killed, frozen and started again."""

import base64
import json
import os
import random
import signal
import socket
import ssl
import sys
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "tools", "cluster"), os.path.join(ROOT, "tests", "support")]

import cluster  # noqa: E402

COUNT = cluster.COUNT
STARTED = "Kafka Server started"


def listening_ports(count):
    """Below the ports of outgoing connections: while a server is down nobody else may get its port,
    and nobody who tries to reach it may be connected to himself."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        end = int(file.read().split()[0])
    found = []
    while len(found) < count:
        port = random.SystemRandom().randrange(min(10000, end // 2), end)
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


class Node:
    """Number and address; what live_server.Client needs to know of a server."""

    def __init__(self, layout, number):
        self.number, self.name = number, cluster.NAMES[number]
        self.port = layout.chosen["api"][number]
        self._ca = layout.path("tls", "ca.pem")
        self._tls = None

    def tls(self):
        if self._tls is None:
            self._tls = ssl.create_default_context(cafile=self._ca)
        return self._tls


def wait_for(pid, options=0):
    """The exit status of a process of ours, None while it runs (with os.WNOHANG)."""
    try:
        ended, status = os.waitpid(pid, options)
        return os.waitstatus_to_exitcode(status) if ended else None
    except ChildProcessError:  # the subprocess module was there first
        return "unknown"


class ClusterUnderTest:
    def __init__(self, folder, cofferd, cache):
        os.makedirs(folder, mode=0o700)
        ports = listening_ports(4 * COUNT)
        cluster.write(os.path.join(folder, "layout.json"), json.dumps({
            "kafka": base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode(),
            **{kind: ports[i * COUNT:(i + 1) * COUNT]
               for i, kind in enumerate(("broker", "controller", "api", "peer"))}}))
        self.layout = cluster.Layout(folder)
        self.cofferd, self.cache = cofferd, cache
        self.nodes = [Node(self.layout, number) for number in range(COUNT)]
        self.wanted = {}          # what should be running -> process id
        self.broker_starts = [0] * COUNT

    # -------------------------------------------------------- processes; a thing is ("node", 0)
    def pid_file(self, thing):
        kind, number = thing
        return (self.layout.path("nodes", cluster.NAMES[number], "cofferd.pid") if kind == "node"
                else self.layout.path("brokers", str(number + 1), "pid"))

    def log_file(self, thing):
        return os.path.join(os.path.dirname(self.pid_file(thing)), "log")

    def up(self):
        self.jars = cluster.fetch_jars(self.cache)
        for number in range(COUNT):
            self.start(("broker", number))
        for number in range(COUNT):
            self.await_broker(number)
        cluster.make_certificates(self.layout)
        cluster.prepare_hsm(self.layout)
        for number in range(COUNT):
            self.start(("node", number))
        cluster.await_nodes(self.layout)

    def start(self, thing):
        kind, number = thing
        if kind == "broker":
            self.broker_starts[number] += 1
            cluster.start_broker(self.layout, self.jars, number)
        else:
            cluster.start_node(self.layout, self.cofferd, number)
        deadline = time.monotonic() + 60  # a node that waits for Kafka writes its pid file late
        while (pid := cluster.read_pid(self.pid_file(thing))) is None:
            if time.monotonic() > deadline:
                raise cluster.ClusterError(f"{thing} did not start: see {self.log_file(thing)}")
            time.sleep(0.01)
        self.wanted[thing] = pid

    def await_broker(self, number):
        cluster.await_broker(self.layout, number)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with open(self.log_file(("broker", number)), encoding="utf-8", errors="replace") as log:
                if log.read().count(STARTED) >= self.broker_starts[number]:
                    return
            time.sleep(0.1)
        raise cluster.ClusterError(f"broker {number + 1} is not ready again")

    def signal(self, thing, number):
        os.kill(self.wanted[thing], number)

    def kill(self, thing):
        pid = self.wanted.pop(thing)
        os.kill(pid, signal.SIGKILL)
        wait_for(pid)

    def terminate(self, thing, limit=30):
        """As an operator stops it; texts, empty when it ended well. It is dead afterwards."""
        pid = self.wanted.pop(thing)
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            status = wait_for(pid, os.WNOHANG)
            if status is not None:
                return [f"{thing} ended with status {status} after SIGTERM"] if status else []
            time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)
        wait_for(pid)
        return [f"{thing} did not end within {limit} s of SIGTERM"]

    def deaths(self):
        """What has ended by itself; it is started again."""
        found = []
        for thing, pid in list(self.wanted.items()):
            status = wait_for(pid, os.WNOHANG)
            if status is not None:
                del self.wanted[thing]
                with open(self.log_file(thing), encoding="utf-8", errors="replace") as log:
                    found.append(f"{thing} ended by itself, status {status}:\n{log.read()[-1500:]}")
                self.start(thing)
        return found

    # -------------------------------------------------------- what the nodes say
    def health(self):
        return [cluster.health(self.layout, number) for number in range(COUNT)]

    def active(self, limit=60):
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            for number in random.sample(range(COUNT), COUNT):
                if cluster.health(self.layout, number) == 200:
                    return number
            time.sleep(0.05)
        raise cluster.ClusterError(f"no node became active within {limit} s")

    def settle(self, limit=60):
        """One node active and the others standing by; texts, empty when that came about."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            if sorted(seen := self.health()) == [200] + [429] * (COUNT - 1):
                return []
            time.sleep(0.1)
        return [f"not one active and {COUNT - 1} standing by within {limit} s: sys/health of "
                f"{', '.join(cluster.NAMES)} is {seen}"]

    def root_token(self):
        return cluster.root_token(self.layout)

    def end(self):
        """Ends everything. Not gently: nobody will use this cluster again."""
        for thing, pid in self.wanted.items():
            try:
                os.kill(pid, signal.SIGKILL)
                wait_for(pid)
            except OSError as error:
                print(f"ending {thing}: {error}")
        self.wanted.clear()
