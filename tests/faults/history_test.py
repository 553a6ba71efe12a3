"""The checker itself: histories that are fine, and planted violations that it must find."""

import random
import unittest

from history import Operation, violations

INF = float("inf")


def write(version, called, answered, value=None, client=0):
    return Operation("write", "k", value or f"v{version}", version, called, answered, client)


def read(version, called, answered, value=None, client=1):
    value = value if value is not None else (f"v{version}" if version else "")
    return Operation("read", "k", value, version, called, answered, client)


class Fine(unittest.TestCase):
    def check(self, *operations):
        self.assertEqual(violations(operations), [])

    def test_one_after_the_other(self):
        self.check(read(0, 0, 1), write(1, 2, 3), read(1, 4, 5), write(2, 6, 7), read(2, 8, 9))

    def test_a_read_beside_a_write_may_see_either(self):
        self.check(write(1, 0, 1), write(2, 2, 10), read(1, 3, 4), read(2, 5, 6))

    def test_a_write_without_an_answer_may_show_or_not(self):
        open_write = write(0, 2, INF, "lost")
        self.check(write(1, 0, 1), open_write, read(1, 3, 4))
        self.check(write(1, 0, 1), open_write, read(2, 3, 4, "lost"), write(3, 5, 6))

    def test_writes_at_the_same_time_in_either_order(self):
        self.check(write(2, 0, 5, "a"), write(1, 1, 4, "b", 2), read(2, 6, 7, "a"))


class Planted(unittest.TestCase):
    def check(self, part, *operations):
        found = violations(operations)
        self.assertTrue(any(part in one for one in found), found)

    def test_lost_write(self):
        self.check("had ended", write(1, 0, 1), write(2, 2, 3), read(1, 4, 5))

    def test_stale_read(self):
        self.check("had ended", write(1, 0, 1), write(2, 2, 9), read(2, 3, 4), read(1, 5, 6))

    def test_nothing_after_something(self):
        self.check("had ended", write(1, 0, 1), read(0, 2, 3))

    def test_version_given_twice(self):
        self.check("twice", write(1, 0, 1, "a"), write(1, 2, 3, "b"))

    def test_void_write_acknowledged(self):
        self.check("is read as", write(1, 0, 1), write(2, 2, 3, "void"), read(2, 4, 5, "other"))

    def test_value_from_nowhere(self):
        self.check("nobody wrote", write(1, 0, 1), read(2, 2, 3, "odd"))

    def test_value_read_before_it_was_written(self):
        self.check("by then", read(1, 0, 1, "early"), write(0, 2, INF, "early"))
        self.check("had ended", read(1, 0, 1), write(1, 2, 3))

    def test_write_that_took_effect_twice(self):
        self.check("written once", write(1, 0, 1, "a"), write(0, 2, INF, "b"), read(2, 3, 4, "a"))
        self.check("written once", write(0, 0, INF, "b"), read(1, 1, 2, "b"), read(2, 3, 4, "b"))

    def test_two_values_of_one_version(self):
        self.check("two reads", write(0, 0, INF, "a"), write(0, 0, INF, "b"), read(1, 2, 3, "a"),
                   read(1, 4, 5, "b"))

    def test_any_swap_in_a_long_history(self):
        """A sequential history with one read set back is always found."""
        for seed in range(200):
            rng = random.Random(seed)
            history, version = [], 0
            for step in range(50):
                if version == 0 or rng.random() < 0.4:
                    version += 1
                    history.append(write(version, step, step + 0.5))
                else:
                    history.append(read(version, step, step + 0.5))
            reads = [i for i, one in enumerate(history) if one.kind == "read" and one.version > 1]
            if not reads:
                continue
            at = rng.choice(reads)
            old = history[at]
            history[at] = read(rng.randrange(1, old.version), old.called, old.answered)
            self.assertTrue(violations(history), seed)


if __name__ == "__main__":
    unittest.main()
