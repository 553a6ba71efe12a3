"""What clients saw of one versioned secret, and whether it can be explained by an order in which
every operation happens at one moment between its call and its answer (linearizability).

The store numbers the writes of a secret, and reads say the number that they saw. So the order of
the writes is known, and checking is a sweep: an operation that begins after another one has ended
must not be older. This is complete for registers whose reads name the write they saw. Every write
has a value of its own.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Operation:
    kind: str          # "write" or "read"
    key: str
    value: str         # written, or read; "" when a read found nothing
    version: int       # 0: unknown (a write without an answer), or nothing was there yet
    called: float
    answered: float    # infinite: no answer, so it may take effect at any later time
    client: int = 0


def violations(operations):
    """Texts, empty when the history is linearizable. Reads without an answer are left out."""
    found = []
    by_key = {}
    for one in operations:
        by_key.setdefault(one.key, []).append(one)
    for key, ops in sorted(by_key.items()):
        found += _of_key(key, ops)
    return found


def _of_key(key, ops):
    found = []
    written = {}   # version -> value of the acknowledged write
    open_writes = {}   # value -> when that write without an answer was called
    for one in ops:
        if one.kind != "write":
            continue
        if one.answered == float("inf"):
            open_writes[one.value] = one.called
        elif one.version in written:
            found.append(f"{key}: version {one.version} was acknowledged twice: "
                         f"{written[one.version]} and {one.value}")
        else:
            written[one.version] = one.value
    seen = {}      # version -> value that reads have shown
    for one in ops:
        if one.kind != "read" or one.version == 0:
            continue
        if written.get(one.version, one.value) != one.value:
            found.append(f"{key}: version {one.version} was {written[one.version]} and is read as "
                         f"{one.value}")
        elif one.version not in written and one.answered < open_writes.get(one.value, float("inf")):
            found.append(f"{key}: a read shows {one.value}, which nobody wrote as version "
                         f"{one.version} by then")
        if seen.setdefault(one.version, one.value) != one.value:
            found.append(f"{key}: two reads show version {one.version} as {seen[one.version]} and "
                         f"{one.value}")
    versions = {}  # value -> the version that it has
    for version, value in [*written.items(), *seen.items()]:
        if versions.setdefault(value, version) != version:
            found.append(f"{key}: {value} was written once and is versions {versions[value]} and "
                         f"{version}")
    return found + _real_time(key, ops)


def _real_time(key, ops):
    """No operation is older than one that had ended before it began."""
    found = []
    answered = sorted((one for one in ops if one.answered != float("inf")),
                      key=lambda one: one.answered)
    newest = None
    at = 0
    for one in sorted(answered, key=lambda one: one.called):
        while at < len(answered) and answered[at].answered < one.called:
            if newest is None or answered[at].version > newest.version:
                newest = answered[at]
            at += 1
        if newest is None:
            continue
        stale = one.version < newest.version
        repeated = one.kind == "write" and one.version <= newest.version
        if stale or repeated:
            found.append(f"{key}: {one.kind} of client {one.client} at version {one.version} began "
                         f"{one.called - newest.answered:.3f} s after {newest.kind} of client "
                         f"{newest.client} had ended at version {newest.version}")
    return found
