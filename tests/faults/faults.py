#!/usr/bin/env python3
"""Nodes and brokers of a cluster are killed, frozen, drained and cut off from each other, and their
wall clocks jump, while clients write and read.

What the clients saw has to be linearizable, no acknowledged write may be lost, the cluster has to
serve again after every group of faults, and a node that is stopped in an orderly way costs nobody a
request.
"""

import argparse
import os
import random
import statistics
import sys
import time
from collections import Counter

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "support"), HERE]

import clocks as wall_clocks  # noqa: E402
import network  # noqa: E402
from cluster_under_test import ROOT, ClusterUnderTest, cluster, name_of, own_network  # noqa: E402
from injector import Injector  # noqa: E402
from live_server import (Checks, Client, end_on_signals, seed_of, server_program,  # noqa: E402
                         work_folder)
from load import Load, SteadyClients  # noqa: E402
from plan import KINDS, make_plan  # noqa: E402
from planted_test import check_clocks, check_network, check_the_checker  # noqa: E402
from record import Record, Verifier  # noqa: E402

RECOVERY_LIMIT = 60.0
BACKLOG_MAX = 6      # generations that wait to be checked


def options_of():
    def setting(name, otherwise):
        return int(os.environ.get(name) or otherwise)

    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("faults", nargs="?", type=int, help="how many")
    parser.add_argument("--failovers", type=int, help="kill -9 of the active node, one at a time")
    parser.add_argument("--drains", type=int, help="SIGTERM of the active node")
    parser.add_argument("--clients", type=int, default=setting("COFFER_FAULTS_CLIENTS", 8))
    parser.add_argument("--seed", type=int)
    parser.add_argument("--only", choices=[kind.name for kind in KINDS], metavar="KIND",
                        help="nothing but this kind, one at a time")
    parser.add_argument("--plan", action="store_true", help="only print what a seed would do")
    options = parser.parse_args()
    given = options.faults is not None or options.failovers is not None or options.drains is not None
    for name, variable, otherwise in (("faults", "COFFER_FAULTS", 6),
                                      ("failovers", "COFFER_FAILOVERS", 2),
                                      ("drains", "COFFER_DRAINS", 2)):
        if getattr(options, name) is None:
            setattr(options, name, 0 if given else setting(variable, otherwise))
    if options.seed is not None:
        os.environ["COFFER_FAULTS_SEED"] = str(options.seed)
    return options


def wall_clock():
    now = time.time()
    return time.strftime("%H:%M:%S", time.gmtime(now)) + f"{now % 1:.3f}"[1:] + "Z"


def spread_of(times):
    return f"median {statistics.median(times):.3f} s, max {max(times):.3f} s"


# ---------------------------------------------------------------- random faults
class Campaign:
    """Groups of faults, one after the other; the cluster is whole between them."""

    def __init__(self, cluster_, load, verifier, checks, skipped):
        self.cluster, self.load, self.verifier, self.checks = cluster_, load, verifier, checks
        self.skipped = skipped    # action -> why it cannot be done here
        self.injector = Injector(cluster_)
        self.done = Counter()     # kind -> how often
        self.recoveries, self.pauses = [], []

    def run(self, plan):
        total, began = sum(len(group) for group in plan), time.monotonic()
        for group in plan:
            if not self._group(group):
                return
            number = sum(self.done.values())
            print(f"{time.monotonic() - began:6.0f} s  {number} of {total} faults, "
                  f"{self.load.record.operations} operations, "
                  f"{self.load.record.acknowledged} acknowledged, "
                  f"{self.load.record.checked} read back", flush=True)

    def _group(self, group):
        """False when the cluster did not recover, so that nothing more can be learnt."""
        for fault in group:
            if reason := self.skipped.get(fault.kind.action):
                self.checks.skip(f"fault {fault}", reason)
        group = [fault for fault in group if fault.kind.action not in self.skipped]
        if not group:
            return True
        at, moment = wall_clock(), time.monotonic()
        results, healed = self.injector.run(group)
        problems, seen = [], None
        try:
            deadline = time.monotonic() + RECOVERY_LIMIT
            while (seen := self.load.record.first_after(healed)) is None:
                if time.monotonic() > deadline:
                    problems.append(f"no write succeeded within {RECOVERY_LIMIT} s")
                    break
                time.sleep(0.02)
            problems += self.cluster.deaths()
            problems += self.cluster.settle()
        except cluster.BrokerError as error:
            problems.append(str(error))
        for fault, (text, found) in zip(group, results):
            self.done[fault.kind.name] += 1
            self.checks.check(f"fault {sum(self.done.values())}: {text}", found)
        after = "no write"
        if seen:
            self.recoveries.append(seen - healed)
            self.pauses.append(self.load.record.longest_pause(moment))
            after = (f"first write {self.recoveries[-1]:.3f} s after the last repair, longest pause "
                     f"{self.pauses[-1]:.3f} s")
        self.checks.check(f"served again after the {len(group)} faults at {at}: {after}", problems)
        self.load.next_generation()
        while self.verifier.backlog() > BACKLOG_MAX:
            time.sleep(0.1)
        return seen is not None and not problems

    def summary(self):
        if not self.done:
            return
        print(f"{sum(self.done.values())} faults: " + ", ".join(
            f"{count} {name}" for name, count in sorted(self.done.items())))
        if self.recoveries:
            print(f"first write after the last repair of a group: {spread_of(self.recoveries)}; "
                  f"longest pause of a group: {spread_of(self.pauses)}")


# ---------------------------------------------------------------- measures
def check_failover(checks, cluster_, load, rng, number, times):
    """kill -9 of the active node until the first write succeeded that began afterwards."""
    problems = cluster_.settle()
    thing = ("node", cluster_.active())
    cluster_.kill(thing)
    moment, at, seen = time.monotonic(), wall_clock(), None
    while (seen := load.record.first_after(moment)) is None:
        if time.monotonic() > moment + RECOVERY_LIMIT:
            problems.append(f"no write succeeded within {RECOVERY_LIMIT} s")
            break
        time.sleep(0.01)
    time.sleep(rng.uniform(0.5, 3))
    cluster_.start(thing)
    problems += cluster_.deaths()
    if seen:
        times.append(seen - moment)
    after = f"first write after {seen - moment:.3f} s" if seen else "no write"
    checks.check(f"fail-over {number}: kill -9 of {name_of(thing)} at {at}: {after}", problems)
    load.next_generation()
    return seen is not None and not problems


def check_drain(checks, cluster_, number, clients, p99s):
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
    p99s.append(times[int(len(times) * 0.99)])
    checks.check(f"drain {number} of {cluster.NAMES[leaving]} at {moment}, gone in {took:.3f} s: "
                 f"{len(times)} requests, {len(steady.failed)} failed, p50 "
                 f"{statistics.median(times):.3f} s, p99 {p99s[-1]:.3f} s, max {times[-1]:.3f} s",
                 problems + steady.failed)


# ---------------------------------------------------------------- the run
def check_record(checks, cluster_, load, verifier):
    """False when the cluster does not serve, so that only what was seen before can be judged."""
    record = load.record
    broken = cluster_.settle() + cluster_.deaths()
    checks.check("the cluster is whole again", broken)
    if not broken:
        sampled = verifier.finish()
        checks.check(f"all {record.acknowledged} acknowledged writes are there, with their values "
                     f"({record.checked} read back, {sampled} once more at the end)",
                     record.lost + ([] if record.checked == record.acknowledged else
                                    [f"only {record.checked} were read back"]))
        chains = [Client(node, load.token).need("GET", "sys/events/verify").data["problem"]
                  for node in cluster_.nodes]
        checks.check("the chain of events verifies", [one for one in chains if one])
    checks.check(f"{record.operations} operations are linearizable", record.violations)
    print(f"{record.operations} operations: {record.acknowledged} acknowledged writes, "
          f"{record.unanswered} writes of unknown outcome, {len(record.lost)} lost, "
          f"{len(record.violations)} violations", flush=True)
    for text, count in record.refused.most_common(12):
        print(f"    {count} x {text}")
    return not broken


def run(checks, cluster_, rng, options, skipped):
    # What is left in the environment goes to the nodes, and there it would be configuration.
    for name in [name for name in os.environ if name.startswith("COFFER")]:
        del os.environ[name]
    cluster_.up()
    token = cluster_.root_token()
    Client(cluster_.nodes[0], token).need("POST", "secret/config", {"max_versions": 1_000_000})
    plan = make_plan(rng, options.faults, options.only)
    load = Load(cluster_.nodes, token, rng.random(), options.clients, Record())
    verifier = Verifier(load.record, load, rng.random())
    load.start()
    verifier.start()
    campaign, failovers, p99s = Campaign(cluster_, load, verifier, checks, skipped), [], []
    try:
        time.sleep(1)
        campaign.run(plan)
        for number in range(options.failovers):
            if not check_failover(checks, cluster_, load, rng, number + 1, failovers):
                break
    finally:
        load.stop()
    if check_record(checks, cluster_, load, verifier):
        for number in range(options.drains):
            check_drain(checks, cluster_, number + 1, options.clients, p99s)
    checks.check("no process ended by itself", cluster_.deaths())
    campaign.summary()
    if failovers:
        print(f"{len(failovers)} fail-overs after kill -9 of the active node: "
              f"{spread_of(failovers)}")
    if p99s:
        print(f"{len(p99s)} drains: highest p99 of a request {max(p99s):.3f} s")


def print_plan(options):
    seed = seed_of("COFFER_FAULTS_SEED")
    for number, group in enumerate(make_plan(random.Random(seed), options.faults, options.only)):
        for fault in group:
            print(f"{number + 1:4}  +{fault.delay:.1f} s  {fault}")
    return 0


def main():
    options = options_of()
    if options.plan:
        return print_plan(options)
    build = os.environ.get("COFFER_BUILD") or os.path.join(ROOT, "build")
    jars = cluster.fetch_jars(os.path.join(build, "kafka"))  # needs the network of the machine
    skipped = {"cut": network.enter_own(), "jump": wall_clocks.why_not()}
    skipped = {action: f"no {thing} of the test's own: {skipped[action]}"
               for action, thing in (("cut", "networks"), ("jump", "clocks")) if skipped[action]}
    end_on_signals()
    began, checks = time.monotonic(), Checks()
    check_the_checker(checks)
    seed = seed_of("COFFER_FAULTS_SEED")
    folder = work_folder("faults")
    own_clocks = None
    if "jump" not in skipped:
        own_clocks = wall_clocks.Clocks(os.path.join(folder, "clocks"),
                                        [*cluster.NAMES, "certificates"])
        check_clocks(checks, own_clocks, cluster.NAMES[0])
    own = None if "cut" in skipped else own_network()
    if own:
        check_network(checks, own)
    under_test = ClusterUnderTest(os.path.join(folder, "cluster"), server_program(), jars, own,
                                  own_clocks)
    try:
        run(checks, under_test, random.Random(seed), options, skipped)
    except (cluster.BrokerError, RuntimeError, OSError) as error:
        checks.fail("the run itself", repr(error))
    finally:
        under_test.end()
    print(f"seed {seed}, {time.monotonic() - began:.0f} s")
    return checks.finish(folder)


if __name__ == "__main__":
    sys.exit(main())
