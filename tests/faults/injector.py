"""Does to a cluster what a plan says, and repairs it."""

import signal
import threading
import time

from cluster_under_test import BROKERS, COUNT, NODES, cluster, name_of

CLOCK_ERROR = 3.0  # seconds: sys/health tells whole ones, and the answer takes its time


class Injector:
    def __init__(self, cluster_):
        self.cluster = cluster_
        self._busy = set()    # things that another fault of the group has
        self._lock = threading.Lock()

    # -------------------------------------------------------- one group
    def run(self, group):
        """All faults of a group at once. For each (what was done, problems); and when the last one
        was repaired."""
        results = [None] * len(group)

        def one(number, fault):
            time.sleep(fault.delay)
            notes, problems = [], []
            try:
                self._one(fault, notes, problems)
            except (cluster.BrokerError, OSError, RuntimeError) as error:
                problems.append(repr(error))
            results[number] = (f"{fault}: {', '.join(notes)}", problems)

        threads = [threading.Thread(target=one, args=pair) for pair in enumerate(group)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results, time.monotonic()

    def _one(self, fault, notes, problems):
        act = {"kill": self._kill, "freeze": self._freeze, "drain": self._drain, "cut": self._cut,
               "jump": self._jump}[fault.kind.action]
        thing = self._take(fault)
        notes.append(name_of(thing))
        try:
            act(fault, thing, notes, problems)
        finally:
            with self._lock:
                self._busy.discard(thing)

    def _take(self, fault):
        """The target; when another fault of the group has it, another one of its sort."""
        of_brokers = fault.kind.of_brokers
        things, first = (BROKERS if of_brokers else NODES), None
        if of_brokers:
            # Known to the cluster, if anybody knows; in the middle of an election nobody does.
            if found := self.cluster.partition():
                first = BROKERS[found[0]]
        else:
            first = NODES[self.cluster.active()]
        with self._lock:
            free = [one for one in things if one not in self._busy]
            others = [one for one in free if one != first]
            wants_first = fault.kind.target in ("active", "leader")
            choice = [first] if wants_first and first in free else others or free
            thing = choice[int(fault.pick * len(choice))]
            if fault.kind.action != "jump":  # a clock may jump whatever else happens
                self._busy.add(thing)
        return thing

    # -------------------------------------------------------- processes
    def _kill(self, fault, thing, _notes, _problems):
        self.cluster.kill(thing)
        time.sleep(fault.length)
        self.cluster.start(thing)
        if thing in BROKERS:
            self.cluster.await_broker(thing)

    def _drain(self, fault, thing, _notes, problems):
        problems += self.cluster.terminate(thing)
        time.sleep(fault.length)
        self.cluster.start(thing)

    def _freeze(self, fault, thing, notes, problems):
        self.cluster.signal(thing, signal.SIGSTOP)
        try:
            time.sleep(fault.length)
            with open(f"/proc/{self.cluster.wanted[thing].pid}/stat", encoding="ascii") as stat:
                state = stat.read().rsplit(")", 1)[1].split()[0]
            if state != "T":
                problems.append(f"the frozen process is in state {state}")
        finally:
            self.cluster.signal(thing, signal.SIGCONT)
        notes.append(f"state {state}")

    # -------------------------------------------------------- network
    def _peers(self, fault, thing):
        peers = fault.kind.peers
        others = [one for one in NODES + BROKERS if one != thing]
        if peers == "leader":
            found = self.cluster.partition()
            return [BROKERS[found[0] if found else int(fault.pick * COUNT)]]
        if peers == "standby":
            return [one for one in others if one in NODES][:1]
        wanted = {"everything": NODES + BROKERS, "brokers": BROKERS, "nodes": NODES}[peers]
        return [one for one in others if one in wanted]

    def _cut(self, fault, thing, notes, problems):
        network, peers = self.cluster.network, self._peers(fault, thing)
        ways = []
        if fault.direction in ("both", "out"):
            ways += [(thing, peer) for peer in peers]
        if fault.direction in ("both", "in"):
            ways += [(peer, thing) for peer in peers]
        began = time.monotonic()
        done = []
        try:
            for way in ways:
                network.cut(*way)
                done.append(way)
            problems += self._check_cut(thing, peers[0])
            time.sleep(max(0.0, began + fault.length - time.monotonic()))
        finally:
            for way in done:
                network.heal(*way)
        notes.append("from " + " ".join(name_of(peer) for peer in peers))

    def _check_cut(self, thing, peer):
        """What was cut is cut, what was not is not."""
        network, problems = self.cluster.network, []
        for way in ((thing, peer), (peer, thing)):
            wanted = not network.is_cut(*way)
            if network.reaches(*way) != wanted:
                problems.append(f"{name_of(way[0])} {'does not reach' if wanted else 'reaches'} "
                                f"{name_of(way[1])}")
        return problems

    # -------------------------------------------------------- clocks
    def _jump(self, fault, thing, notes, problems):
        """The clock stays where it is afterwards, until the next jump."""
        clocks, name = self.cluster.clocks, name_of(thing)
        clocks.jump(name, fault.jump)
        status, seen = self.cluster.health_of(thing[1])
        if not status:
            notes.append("asked in vain")
        elif abs(seen - clocks.now(name)) > CLOCK_ERROR:
            problems.append(f"the clock of {name} is {seen - clocks.now(name):+.0f} s off its jump")
        else:
            notes.append("seen")
        time.sleep(fault.length)
