"""Clients that write and read a few secrets through random nodes and note what they saw."""

import contextlib
import random
import threading
import time

from history import Operation
from live_server import Client
from record import INF, NO_ANSWER

KEYS = 5              # secrets of a generation
TIMEOUT = 20.0        # of a client's request
PROBE_TIMEOUT = 1.0   # of those that look for the end of an outage
PAUSE = 0.04          # at most, between two requests of a client


class Load:
    def __init__(self, nodes, token, seed, clients, record):
        self.nodes, self.token, self.seed, self.clients = nodes, token, seed, clients
        self.record = record
        self.generation = 0
        self._in_use = [0] * (clients + len(nodes))   # client -> generation of its request
        self._stopping = threading.Event()
        self._threads = []

    def start(self):
        self._threads = [threading.Thread(target=self._client, args=(i,), daemon=True)
                         for i in range(self.clients)]
        self._threads += [threading.Thread(target=self._probe, args=(self.clients + node.number,
                                                                     node), daemon=True)
                          for node in self.nodes]
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    # -------------------------------------------------------- secrets
    @staticmethod
    def keys_of(generation):
        return [f"k{generation * KEYS + number}" for number in range(KEYS)]

    def next_generation(self):
        """Other secrets from now on: none gets too many versions, and those left can be checked."""
        self.generation += 1

    def oldest_in_use(self):
        return min(self._in_use)

    def _key(self, rng, number):
        self._in_use[number] = self.generation
        return rng.choice(self.keys_of(self._in_use[number]))

    # -------------------------------------------------------- clients
    def _client(self, number):
        """A new node now and then, and after every error."""
        rng = random.Random(f"{self.seed} client {number}")
        client, count = None, 0
        while not self._stopping.is_set():
            if client is None or rng.random() < 0.02:
                if client:
                    client.close()
                client = Client(rng.choice(self.nodes), self.token, timeout=TIMEOUT)
            count += 1
            key = self._key(rng, number)
            if rng.random() < 0.5:
                good = self.write(client, number, key, f"{number}-{count}")
            else:
                good = self.read(client, number, key)
            if not good:
                client.close()
                client = None
                time.sleep(0.02)
            time.sleep(rng.uniform(0, PAUSE))
        self._in_use[number] = INF

    def _probe(self, number, node):
        """Stays with one node and waits for no answer for long."""
        rng = random.Random(f"{self.seed} client {number}")
        client, count = Client(node, self.token, timeout=PROBE_TIMEOUT), 0
        while not self._stopping.is_set():
            count += 1
            if not self.write(client, number, self._key(rng, number), f"{number}-{count}"):
                client.close()
            time.sleep(0.05)
        self._in_use[number] = INF

    def write(self, client, number, key, value):
        called, version, answered = time.monotonic(), 0, INF
        try:
            answer = client.call("POST", f"secret/data/{key}", {"data": {"v": value}})
            if answer.status == 200:
                version, answered = answer.data["version"], time.monotonic()
            else:
                self.record.refuse(f"write {answer.status} {answer.body[:150].decode()}")
        except NO_ANSWER as error:
            self.record.refuse(f"write {type(error).__name__}")
        self.record.add(Operation("write", key, value, version, called, answered, number))
        return version != 0

    def read(self, client, number, key, wanted=None):
        """(version, value); None when there was no answer to go by. With a wanted version it is no
        operation of the history."""
        called = time.monotonic()
        try:
            suffix = "" if wanted is None else f"?version={wanted}"
            answer = client.call("GET", f"secret/data/{key}{suffix}")
        except NO_ANSWER as error:
            self.record.refuse(f"read {type(error).__name__}")
            return None
        if answer.status not in (200, 404):
            self.record.refuse(f"read {answer.status} {answer.body[:150].decode()}")
            return None
        version, value = 0, ""
        if answer.status == 200:
            version, value = answer.data["metadata"]["version"], answer.data["data"]["v"]
        if wanted is None:
            self.record.add(Operation("read", key, value, version, called, time.monotonic(), number))
        return version, value

    @contextlib.contextmanager
    def reader(self):
        """What Record reads with: each time through another node."""
        clients = [Client(node, self.token, timeout=TIMEOUT) for node in self.nodes]
        count = 0

        def read(key, version):
            nonlocal count
            count += 1
            client = clients[count % len(clients)]
            seen = self.read(client, 1000, key, version)
            if seen is None:
                client.close()
            return seen

        try:
            yield read
        finally:
            for client in clients:
                client.close()


class SteadyClients:
    """Clients that use only certain nodes, repeat nothing, and expect every request to be answered."""

    def __init__(self, nodes, token, clients):
        self.failed, self.times = [], []
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(nodes[i % len(nodes)], token, i),
                                          daemon=True) for i in range(clients)]
        for thread in self._threads:
            thread.start()

    def _run(self, node, token, number):
        client = Client(node, token, timeout=TIMEOUT)
        while not self._stopping.is_set():
            called, wall = time.monotonic(), time.time()
            method = "GET" if len(self.times) % 2 else "POST"
            try:
                answer = client.call(method, f"secret/data/drain{number}",
                                     {"data": {"v": "x"}} if method == "POST" else None)
                good = answer.status == 200 or (method == "GET" and answer.status == 404)
                problem = None if good else repr(answer)
            except NO_ANSWER as error:
                problem = repr(error)
            took = time.monotonic() - called
            if problem:
                moment = time.strftime("%H:%M:%S", time.gmtime(wall)) + f"{wall % 1:.3f}"[1:]
                self.failed.append(f"{moment}Z {method} through {node.name}, after {took:.3f} s: "
                                   f"{problem}")
                client = Client(node, token, timeout=TIMEOUT)
            self.times.append(took)
            time.sleep(0.01)

    def stop(self):
        self._stopping.set()
        for thread in self._threads:
            thread.join()
