"""Clients that write and read a few secrets through random nodes and note what they saw."""

import http.client
import random
import threading
import time

from cluster_under_test import COUNT
from history import Operation
from live_server import Client

INF = float("inf")
NO_ANSWER = (OSError, http.client.HTTPException)
KEYS = 5
TIMEOUT = 20.0        # of a client's request
PROBE_TIMEOUT = 1.0   # of those that look for the end of an outage


class Load:
    def __init__(self, nodes, token, seed, clients):
        self.nodes, self.token, self.seed, self.clients = nodes, token, seed, clients
        self.operations = []     # only ever appended to
        self.refused = {}        # answer or error of a request that failed -> how often
        self.generation = 0      # other secrets from time to time, so that none has too many versions
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

    def key(self, rng):
        return f"k{self.generation * KEYS + rng.randrange(KEYS)}"

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
            if rng.random() < 0.5:
                good = self.write(client, number, self.key(rng), f"{number}-{count}")
            else:
                good = self.read(client, number, self.key(rng))
            if not good:
                client.close()
                client = None
                time.sleep(0.02)
            time.sleep(rng.uniform(0, 0.03))

    def _probe(self, number, node):
        """Stays with one node and waits for no answer for long."""
        rng = random.Random(f"{self.seed} client {number}")
        client, count = Client(node, self.token, timeout=PROBE_TIMEOUT), 0
        while not self._stopping.is_set():
            count += 1
            if not self.write(client, number, self.key(rng), f"{number}-{count}"):
                client.close()
            time.sleep(0.05)

    def write(self, client, number, key, value):
        called, version, answered = time.monotonic(), 0, INF
        try:
            answer = client.call("POST", f"secret/data/{key}", {"data": {"v": value}})
            if answer.status == 200:
                version, answered = answer.data["version"], time.monotonic()
            else:
                self._refused(f"write {answer.status} {answer.body[:150].decode()}")
        except NO_ANSWER as error:
            self._refused(f"write {type(error).__name__}")
        self.operations.append(Operation("write", key, value, version, called, answered, number))
        return version != 0

    def read(self, client, number, key, wanted=None):
        """The value read, None when there was no answer to go by."""
        called = time.monotonic()
        try:
            suffix = "" if wanted is None else f"?version={wanted}"
            answer = client.call("GET", f"secret/data/{key}{suffix}")
        except NO_ANSWER as error:
            self._refused(f"read {type(error).__name__}")
            return None
        if answer.status not in (200, 404):
            self._refused(f"read {answer.status} {answer.body[:150].decode()}")
            return None
        version, value = 0, ""
        if answer.status == 200:
            version, value = answer.data["metadata"]["version"], answer.data["data"]["v"]
        if wanted is None:
            self.operations.append(Operation("read", key, value, version, called, time.monotonic(),
                                             number))
        return version, value

    def _refused(self, text):
        self.refused[text] = self.refused.get(text, 0) + 1

    # -------------------------------------------------------- afterwards
    def acknowledged_after(self, moment, first):
        """The first write that began after the moment and was acknowledged; looks from operation
        number `first` on."""
        found = [one for one in self.operations[first:]
                 if one.kind == "write" and one.called > moment and one.answered != INF]
        return min(found, key=lambda one: one.answered, default=None)

    def longest_pause(self, first, moment):
        """Longest time without an acknowledged write since the moment."""
        times = sorted(one.answered for one in self.operations[first:]
                       if one.kind == "write" and moment < one.answered != INF)
        return max((b - a for a, b in zip([moment] + times, times)), default=0.0)

    def lost(self, reader_threads=6):
        """Acknowledged writes that are not there any more, and a last read of every secret."""
        wanted = [one for one in self.operations if one.kind == "write" and one.answered != INF]
        keys = sorted({one.key for one in self.operations})
        found = []

        def look(number):
            client = Client(self.nodes[number % COUNT], self.token, timeout=TIMEOUT)
            for key in keys[number::reader_threads]:
                if self.read(client, 1000 + number, key) is None:
                    found.append(f"{key} cannot be read through {self.nodes[number % COUNT].name}")
            for one in wanted[number::reader_threads]:
                seen = self.read(client, 1000 + number, one.key, one.version)
                if seen != (one.version, one.value):
                    found.append(f"{one.key} version {one.version} was acknowledged to client "
                                 f"{one.client} at {one.answered:.3f} as {one.value!r} and is {seen}")

        threads = [threading.Thread(target=look, args=(i,)) for i in range(reader_threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(wanted), sorted(found)


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
