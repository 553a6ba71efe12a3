#!/usr/bin/env python3
"""Nodes and brokers of a cluster are killed, frozen and drained while clients write and read.

What the clients saw has to be linearizable, no acknowledged write may be lost, the cluster has to
serve again after every fault, and a node that is stopped in an orderly way costs nobody a request.
"""

import os
import random
import signal
import statistics
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "support"), HERE]

import history_test  # noqa: E402
from cluster_under_test import COUNT, ROOT, ClusterUnderTest, cluster  # noqa: E402
from history import violations  # noqa: E402
from live_server import (Checks, Client, end_on_signals, seed_of, server_program,  # noqa: E402
                         work_folder)
from load import INF, Load, SteadyClients  # noqa: E402

RECOVERY_LIMIT = 60.0
FAULTS_PER_GENERATION = 4


def setting(name, otherwise):
    return int(os.environ.get(name) or otherwise)


def wall_clock():
    now = time.time()
    return time.strftime("%H:%M:%S", time.gmtime(now)) + f"{now % 1:.3f}"[1:] + "Z"


# ---------------------------------------------------------------- faults
class Injector:
    """Each kind does its harm, calls `harm_done`, repairs it and returns texts about trouble."""

    def __init__(self, cluster_, rng):
        self.cluster, self.rng = cluster_, rng
        self.kinds = [self.kill_active, self.kill_node, self.freeze_active, self.kill_broker,
                      self.freeze_broker, self.drain_active]

    def choose(self, number):
        """Every kind once in the first round, in a random order; then at random."""
        if number == 0:
            self.first = self.rng.sample(self.kinds, len(self.kinds))
        return self.first[number] if number < len(self.first) else self.rng.choice(self.kinds)

    def kill_active(self, harm_done):
        return self._kill(("node", self.cluster.active()), harm_done)

    def kill_node(self, harm_done):
        return self._kill(("node", self.rng.randrange(COUNT)), harm_done)

    def kill_broker(self, harm_done):
        number = self.rng.randrange(COUNT)
        self._kill(("broker", number), harm_done)
        self.cluster.await_broker(number)  # never is more than one of them away
        return []

    def freeze_active(self, harm_done):
        return self._freeze(("node", self.cluster.active()), self.rng.uniform(1, 10), harm_done)

    def freeze_broker(self, harm_done):
        return self._freeze(("broker", self.rng.randrange(COUNT)), self.rng.uniform(1, 8),
                            harm_done)

    def drain_active(self, harm_done):
        thing = ("node", self.cluster.active())
        harm_done(thing, "")
        problems = self.cluster.terminate(thing)
        self._start_again(thing)
        return problems

    def _kill(self, thing, harm_done):
        self.cluster.kill(thing)
        harm_done(thing, "")
        self._start_again(thing)
        return []

    def _start_again(self, thing):
        time.sleep(self.rng.uniform(0.5, 3))
        self.cluster.start(thing)

    def _freeze(self, thing, seconds, harm_done):
        self.cluster.signal(thing, signal.SIGSTOP)
        try:
            harm_done(thing, f" for {seconds:.1f} s")
            time.sleep(seconds)
        finally:
            self.cluster.signal(thing, signal.SIGCONT)
        return []


class Campaign:
    def __init__(self, cluster_, load, rng, checks):
        self.cluster, self.load, self.rng, self.checks = cluster_, load, rng, checks
        self.injector = Injector(cluster_, rng)
        self.count = 0
        self.recovered = {}   # kind -> [seconds to the first write that began after the fault]
        self.pauses = {}      # kind -> [longest time without an acknowledged write]

    def one(self, fault):
        """One fault; False when the cluster did not recover, so that nothing more can be learnt."""
        kind = fault.__name__.replace("_", " ")
        self.load.generation = self.count // FAULTS_PER_GENERATION
        self.count += 1
        first, moment, where = len(self.load.operations), time.monotonic(), ""

        def harm_done(thing, how):
            nonlocal moment, where
            moment = time.monotonic()
            name = cluster.NAMES[thing[1]] if thing[0] == "node" else f"broker {thing[1] + 1}"
            where = f"{name}{how} at {wall_clock()}"

        problems, seen = [], None
        try:
            problems += fault(harm_done)
            deadline = max(time.monotonic() + 5, moment + RECOVERY_LIMIT)
            while not (seen := self.load.acknowledged_after(moment, first)):
                if time.monotonic() > deadline:
                    break
                time.sleep(0.02)
            problems += self.cluster.deaths()
            if self.rng.random() < 0.5:  # else the next fault may meet a node that still starts
                problems += self.cluster.settle()
        except cluster.ClusterError as error:
            problems.append(str(error))
        after = "no write"
        if seen:
            seconds = seen.answered - moment
            time.sleep(self.rng.uniform(0.2, 1))
            pause = self.load.longest_pause(first, moment)
            self.recovered.setdefault(kind, []).append(seconds)
            self.pauses.setdefault(kind, []).append(pause)
            after = f"first write after {seconds:.3f} s, longest pause {pause:.3f} s"
        else:
            problems.append(f"no write succeeded within {RECOVERY_LIMIT} s")
        self.checks.check(f"fault {self.count}: {kind}, {where}: {after}", problems)
        return seen is not None and not problems

    def summary(self):
        for kind in sorted(self.recovered):
            times, pauses = self.recovered[kind], self.pauses[kind]
            print(f"{kind:14} {len(times):4} times: first write after median "
                  f"{statistics.median(times):.3f} s, max {max(times):.3f} s; longest pause median "
                  f"{statistics.median(pauses):.3f} s, max {max(pauses):.3f} s", flush=True)


# ---------------------------------------------------------------- checks
def check_the_checker(checks):
    suite = unittest.defaultTestLoader.loadTestsFromModule(history_test)
    result = unittest.TestResult()
    suite.run(result)
    bad = result.failures + result.errors
    for test, text in bad:
        checks.fail(f"checker: {test.id()}", text)
    for _ in range(result.testsRun - len(bad)):
        checks.passed += 1
    print(f"the checker's own tests: {result.testsRun} run, {len(bad)} failed", flush=True)


def check_history(checks, load, cluster_):
    """False when the cluster does not serve, so that only what was seen before can be judged."""
    broken = cluster_.settle() + cluster_.deaths()
    checks.check("the cluster is whole again", broken)
    if broken:
        checks.check("the history up to here is linearizable", violations(load.operations))
        return False
    acknowledged, lost = load.lost()
    checks.check(f"{acknowledged} acknowledged writes are there, with their values", lost)
    found = violations(load.operations)
    checks.check(f"{len(load.operations)} operations are linearizable", found)
    chains = [Client(node, load.token).need("GET", "sys/events/verify").data["problem"]
              for node in cluster_.nodes]
    checks.check("the chain of events verifies", [one for one in chains if one])
    still_open = sum(one.kind == "write" and one.answered == INF for one in load.operations)
    print(f"{len(load.operations)} operations, {acknowledged} acknowledged writes, {still_open} "
          f"writes without an answer, {len(lost)} lost, {len(found)} violations", flush=True)
    for text, count in sorted(load.refused.items(), key=lambda pair: -pair[1])[:12]:
        print(f"    {count} x {text}")
    return True


def check_drain(checks, cluster_, number, clients):
    """SIGTERM of the active node; the clients use the other two and notice nothing."""
    problems = cluster_.settle()
    leaving = cluster_.active()
    steady = SteadyClients([node for node in cluster_.nodes if node.number != leaving],
                           cluster_.root_token(), clients)
    time.sleep(1)
    moment, began = wall_clock(), time.monotonic()
    problems += cluster_.terminate(("node", leaving))
    took = time.monotonic() - began
    cluster_.active()
    time.sleep(1)
    steady.stop()
    cluster_.start(("node", leaving))
    times = sorted(steady.times)
    p99 = times[int(len(times) * 0.99)]
    checks.check(f"drain {number} of {cluster.NAMES[leaving]} at {moment}, gone in {took:.3f} s: "
                 f"{len(times)} requests, {len(steady.failed)} failed, p50 "
                 f"{statistics.median(times):.3f} s, p99 {p99:.3f} s, max {times[-1]:.3f} s",
                 problems + steady.failed)


def run(checks, cluster_, rng):
    clients = setting("COFFER_FAULTS_CLIENTS", 8)
    faults, failovers, drains = (setting("COFFER_FAULTS", 6), setting("COFFER_FAILOVERS", 2),
                                 setting("COFFER_DRAINS", 2))
    # What is left in the environment goes to the nodes, and there it would be configuration.
    for name in [name for name in os.environ if name.startswith("COFFER")]:
        del os.environ[name]
    cluster_.up()
    token = cluster_.root_token()
    Client(cluster_.nodes[0], token).need("POST", "secret/config", {"max_versions": 1_000_000})

    load = Load(cluster_.nodes, token, rng.random(), clients)
    load.start()
    try:
        time.sleep(1)
        campaign = Campaign(cluster_, load, rng, checks)
        if all(campaign.one(campaign.injector.choose(number)) for number in range(faults)):
            campaign.summary()
        failover = Campaign(cluster_, load, rng, checks)
        failover.count = campaign.count
        for number in range(failovers):
            if broken := cluster_.settle():
                checks.check(f"fail-over {number + 1}", broken)
                break
            if not failover.one(failover.injector.kill_active):
                break
    finally:
        load.stop()
    print("fail-over after kill -9 of the active node:")
    failover.summary()
    whole = check_history(checks, load, cluster_)
    for number in range(drains if whole else 0):
        check_drain(checks, cluster_, number + 1, clients)
    checks.check("no process ended by itself", cluster_.deaths())


def main():
    end_on_signals()
    began, checks = time.monotonic(), Checks()
    check_the_checker(checks)
    seed = seed_of("COFFER_FAULTS_SEED")
    folder = work_folder("faults")
    build = os.environ.get("COFFER_BUILD") or os.path.join(ROOT, "build")
    under_test = ClusterUnderTest(os.path.join(folder, "cluster"), server_program(),
                                  os.path.join(build, "kafka"))
    try:
        run(checks, under_test, random.Random(seed))
    except (cluster.ClusterError, RuntimeError, OSError) as error:
        checks.fail("the run itself", repr(error))
    finally:
        under_test.end()
    print(f"seed {seed}, {time.monotonic() - began:.0f} s")
    return checks.finish(folder)


if __name__ == "__main__":
    sys.exit(main())
