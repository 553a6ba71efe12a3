"""The tools of the fault suite themselves: the checker of histories finds planted violations, a cut
cuts what it says and nothing else, a clock jumps alone, a plan comes back from its seed."""

import os
import random
import subprocess
import sys
import unittest

import history_test
from plan import FIRST, make_plan
from record import INF, Record
from history import Operation

ASK = "import time; print(time.time(), time.monotonic())"
# Waits with the function of this name until 20 s later on the wall clock; prints how long it took.
WAIT = """
import ctypes, sys, time
libc, room, until = ctypes.CDLL(None), ctypes.create_string_buffer(256), (ctypes.c_long * 2)()
condition, mutex = ctypes.byref(room), ctypes.byref(room, 128)
until[0], began = int(time.time()) + 20, time.monotonic()
print("waiting", flush=True)
libc.pthread_mutex_lock(mutex)
while getattr(libc, sys.argv[1])(condition, mutex, ctypes.byref(until)) == 0:
    pass
print(time.monotonic() - began)
"""
WAITS = ("pthread_cond_timedwait", "cnd_timedwait")


def check_the_checker(checks):
    suite = unittest.TestSuite([unittest.defaultTestLoader.loadTestsFromModule(history_test),
                                unittest.defaultTestLoader.loadTestsFromTestCase(RecordTest),
                                unittest.defaultTestLoader.loadTestsFromTestCase(PlanTest)])
    result = unittest.TestResult()
    suite.run(result)
    bad = result.failures + result.errors
    for test, text in bad:
        checks.fail(f"checker: {test.id()}", text)
    for _ in range(result.testsRun - len(bad)):
        checks.passed += 1
    print(f"the suite's own tests: {result.testsRun} run, {len(bad)} failed", flush=True)


class RecordTest(unittest.TestCase):
    """A store that answers what the test wants."""

    def checked(self, store):
        record = Record()
        for version, value in ((1, "a"), (2, "b"), (3, "c")):
            record.add(Operation("write", "k", value, version, version, version + 0.5))
        record.add(Operation("write", "k", "open", 0, 3, INF))
        record.check_secret("k", lambda _key, version: store[version], random.Random(1))
        return record

    def test_all_there(self):
        store = {None: (3, "c"), 1: (1, "a"), 2: (2, "b"), 3: (3, "c")}
        record = self.checked(store)
        self.assertEqual((record.lost, record.violations, record.checked), ([], [], 3))
        self.assertEqual((record.acknowledged, record.unanswered), (3, 1))
        store[3] = (0, "")
        record.check_samples(lambda _key, version: store[version])
        self.assertIn("at the end of the run", record.lost[0])

    def test_lost(self):
        record = self.checked({None: (3, "c"), 1: (1, "a"), 2: (0, ""), 3: (3, "c")})
        self.assertIn("version 2 was acknowledged", record.lost[0])

    def test_void(self):
        record = self.checked({None: (3, "c"), 1: (1, "a"), 2: (2, "b"), 3: (3, "other")})
        self.assertIn("is (3, 'other')", record.lost[0])

    def test_outage(self):
        record = Record()
        for called, answered in ((0, 1), (1.5, 4), (2.5, 6), (7, 8)):
            record.add(Operation("write", "k", str(called), 1, called, answered))
        self.assertEqual(record.first_after(2), 6)
        self.assertEqual(record.longest_pause(2), 2)
        self.assertIsNone(record.first_after(7.5))


class PlanTest(unittest.TestCase):
    def test_same_seed_same_plan(self):
        self.assertEqual(make_plan(random.Random(7), 60), make_plan(random.Random(7), 60))

    def test_rules(self):
        for seed in range(50):
            plan = make_plan(random.Random(seed), 40)
            self.assertEqual(sum(len(group) for group in plan), 40)
            for group in plan:
                self.assertLessEqual(sum(one.kind.of_brokers for one in group), 1)
            short = {one.kind.name for group in make_plan(random.Random(seed), len(FIRST))
                     for one in group}
            self.assertTrue(any("cut" in name for name in short), short)
            self.assertTrue(any("jump" in name for name in short), short)


def check_network(checks, network):
    """`network` None: not possible here, and said so elsewhere."""
    a, b, c = list(network.addresses)[:3]

    def reached():
        return [network.reaches(*way) for way in ((a, b), (b, a), (a, c), (c, a))]

    problems = []
    for step, wanted in (((None, None), [1, 1, 1, 1]), ((network.cut, (a, b)), [0, 1, 1, 1]),
                         ((network.cut, (b, a)), [0, 0, 1, 1]), ((network.heal, (a, b)), [1, 0, 1, 1]),
                         ((network.heal, (b, a)), [1, 1, 1, 1])):
        action, way = step
        if action:
            action(*way)
        if (seen := reached()) != [bool(one) for one in wanted]:
            problems.append(f"after {action and action.__name__} of {way}: {seen}, not {wanted}")
    checks.check("a cut cuts one direction between two and nothing else, and heals", problems)


def check_clocks(checks, clocks, name):
    problems = []

    def ask(environment):
        return map(float, subprocess.run([sys.executable, "-c", ASK], env=environment, check=True,
                                         capture_output=True, text=True).stdout.split())

    for jump in (0, 7200, -7200):
        clocks.jump(name, jump)
        wall, monotonic = ask(dict(os.environ))
        shifted, same = ask(dict(os.environ, **clocks.environment(name)))
        if abs(shifted - wall - jump) > 2 or not 0 <= same - monotonic < 2:
            problems.append(f"a jump of {jump} s: wall {shifted - wall:+.1f} s, monotonic "
                            f"{same - monotonic:+.1f} s")
    for function in WAITS:
        clocks.jump(name, 0)
        with subprocess.Popen([sys.executable, "-c", WAIT, function], stdout=subprocess.PIPE,
                              env=dict(os.environ, **clocks.environment(name))) as waiting:
            waiting.stdout.readline()
            clocks.jump(name, 3600)
            took = float(waiting.stdout.readline())
        if took > 5:
            problems.append(f"{function} waited {took:.1f} s although the clock jumped over its end")
    clocks.jump(name, 0)
    checks.check("a wall clock jumps, waits for it follow, the monotonic one stays", problems)
