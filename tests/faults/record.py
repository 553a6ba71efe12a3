"""What clients saw, checked secret by secret while the run goes on, so that the memory does not grow
with it.

Clients use a few secrets at a time, a generation. When nobody uses a generation any more, each of its
acknowledged writes is read back, its history is checked, and only a sample stays, which is read again
at the end of the run.
"""

import http.client
import random
import threading
import time
from collections import Counter, deque

from history import violations

INF = float("inf")
NO_ANSWER = (OSError, http.client.HTTPException)
SAMPLE = 12           # acknowledged writes of a secret that are read again at the very end
RECENT = 200_000      # acknowledgements kept for finding the end of an outage
READ_LIMIT = 120.0    # for reading back, which goes on during faults


class Record:
    """Thread-safe."""

    def __init__(self):
        self.operations = self.acknowledged = self.unanswered = 0
        self.refused = Counter()     # answer or error of a request that failed
        self.lost, self.violations = [], []
        self.checked = 0             # acknowledged writes that were read back
        self._lock = threading.Lock()
        self._histories = {}         # secret -> operations
        self._acks = deque(maxlen=RECENT)   # (called, answered) of writes
        self._samples = {}           # secret -> acknowledged writes

    def add(self, operation):
        with self._lock:
            self.operations += 1
            self._histories.setdefault(operation.key, []).append(operation)
            if operation.kind != "write":
                return
            if operation.answered == INF:
                self.unanswered += 1
            else:
                self.acknowledged += 1
                self._acks.append((operation.called, operation.answered))

    def refuse(self, text):
        with self._lock:
            self.refused[text] += 1

    # -------------------------------------------------------- outages
    def first_after(self, moment):
        """When the first write was acknowledged that began after the moment; None: none yet."""
        return min((answered for called, answered in self._since(moment) if called > moment),
                   default=None)

    def longest_pause(self, moment):
        """Longest time without an acknowledged write since the moment."""
        times = [moment] + sorted(answered for _, answered in self._since(moment))
        return max((b - a for a, b in zip(times, times[1:])), default=0.0)

    def _since(self, moment):
        found = []
        with self._lock:
            for called, answered in reversed(self._acks):
                if answered < moment - 1:  # threads add theirs a little out of order
                    break
                if answered > moment:
                    found.append((called, answered))
        return found

    # -------------------------------------------------------- checks
    def check_secret(self, key, read, rng):
        """`read(key, version)` is a Load's: (version, value), None when there was no answer.
        `version` None: the latest, and it is recorded as an operation."""
        self._need(read, key, None)
        with self._lock:
            history = self._histories.pop(key, [])
        wanted = [one for one in history if one.kind == "write" and one.answered != INF]
        lost = [text for one in wanted if (text := self._missing(read, one))]
        found = violations(history)
        with self._lock:
            self.checked += len(wanted)
            self.lost += lost
            self.violations += found
            self._samples[key] = rng.sample(wanted, min(SAMPLE, len(wanted))) + wanted[-1:]

    def check_samples(self, read):
        """Number of writes that were read again."""
        count = 0
        for sample in list(self._samples.values()):
            for one in sample:
                count += 1
                if text := self._missing(read, one):
                    with self._lock:
                        self.lost.append("at the end of the run: " + text)
        return count

    def _missing(self, read, one):
        seen = self._need(read, one.key, one.version)
        if seen == (one.version, one.value):
            return ""
        return (f"{one.key} version {one.version} was acknowledged to client {one.client} at "
                f"{one.answered:.3f} as {one.value!r} and is {seen}")

    def _need(self, read, key, version):
        deadline = time.monotonic() + READ_LIMIT
        while (seen := read(key, version)) is None:
            if time.monotonic() > deadline:
                return "not readable"
            time.sleep(0.1)
        return seen


class Verifier:
    """Checks finished generations in the background. `load` is load.py's."""

    def __init__(self, record, load, seed):
        self.record, self.load = record, load
        self._rng = random.Random(f"{seed} verifier")
        self._next = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()

    def backlog(self):
        return self.load.generation - self._next

    def finish(self):
        """After the load has stopped: checks what is left, and the samples of everything; their
        number."""
        self._ending.set()
        self._thread.join()
        with self.load.reader() as read:
            return self.record.check_samples(read)

    def _run(self):
        with self.load.reader() as read:
            while True:
                ending = self._ending.is_set()
                now = self.load.generation
                end = now + 1 if ending else min(now, self.load.oldest_in_use())
                while self._next < end:
                    for key in self.load.keys_of(self._next):
                        self.record.check_secret(key, read, self._rng)
                    self._next += 1
                if ending:
                    return
                self._ending.wait(0.2)
