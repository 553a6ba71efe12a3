"""What is done to a cluster, in which order and at the same time: drawn from one seed, before anything
runs. Whom "active" or "leader" names is found out when the moment comes."""

import math
from dataclasses import dataclass

FREEZE_NODE, FREEZE_OTHER, CUT, RESTART = (1, 30), (1, 8), (1, 15), (0.5, 3)
DIRECTIONS = ("both", "out", "in")  # as seen from the target
JUMPS = (-12 * 3600, 12 * 3600)


@dataclass(frozen=True)
class Kind:
    action: str        # kill, freeze, drain, cut, jump
    target: str        # active, standby, leader, follower (of the brokers)
    weight: int
    length: tuple      # seconds until it is repaired
    peers: str = ""    # of a cut: from whom

    @property
    def name(self):
        target = f"broker {self.target}" if self.of_brokers else self.target
        return f"{self.action} {target}" + (f" from {self.peers}" if self.peers else "")

    @property
    def of_brokers(self):
        return self.target in ("leader", "follower")


KINDS = (
    Kind("kill", "active", 4, RESTART),
    Kind("kill", "standby", 2, RESTART),
    Kind("kill", "leader", 2, RESTART),
    Kind("kill", "follower", 2, RESTART),
    Kind("freeze", "active", 4, FREEZE_NODE),
    Kind("freeze", "standby", 1, FREEZE_OTHER),
    Kind("freeze", "leader", 2, FREEZE_OTHER),
    Kind("freeze", "follower", 1, FREEZE_OTHER),
    Kind("drain", "active", 2, RESTART),
    Kind("cut", "active", 3, CUT, "everything"),
    Kind("cut", "active", 3, CUT, "brokers"),
    Kind("cut", "active", 2, CUT, "leader"),
    Kind("cut", "active", 2, CUT, "nodes"),
    Kind("cut", "standby", 1, CUT, "brokers"),
    Kind("cut", "standby", 1, CUT, "standby"),
    Kind("cut", "leader", 2, CUT, "brokers"),
    Kind("cut", "follower", 1, CUT, "brokers"),
    Kind("jump", "active", 3, RESTART),
    Kind("jump", "standby", 1, RESTART),
)
BY_NAME = {kind.name: kind for kind in KINDS}
# A short run is to have one of each family.
FIRST = ("kill active", "freeze active", "cut active from everything", "jump active", "kill broker leader",
         "drain active")


@dataclass(frozen=True)
class Fault:
    kind: Kind
    delay: float        # seconds after the group's begin
    length: float
    direction: str = ""
    jump: float = 0.0   # seconds ahead of the system's clock
    pick: float = 0.0   # 0 to 1: which one, when several are the target

    def __str__(self):
        text = self.kind.name
        if self.direction:
            text += f" ({self.direction})"
        if self.jump:
            return f"{text} by {self.jump:+.0f} s"
        return f"{text}, {self.length:.1f} s"


def spread(rng, bounds):
    """More short times than long ones."""
    return math.exp(rng.uniform(math.log(bounds[0]), math.log(bounds[1])))


def draw(rng, kind):
    return Fault(kind, rng.uniform(0, 2), spread(rng, kind.length),
                 rng.choice(DIRECTIONS) if kind.action == "cut" else "",
                 rng.choice((1, -1)) * spread(rng, (2, JUMPS[1])) if kind.action == "jump" else 0.0,
                 rng.random())


def fits(group, kind):
    """Two brokers in trouble would be two of three: nothing is acknowledged then, and with both dead
    Kafka may have no leader to elect any more. Two drains would be one."""
    return not (kind.of_brokers and any(one.of_brokers for one in group) or
                kind.action == "drain" and any(one.action == "drain" for one in group))


def make_plan(rng, count, only=None):
    """Groups of faults; those of a group overlap. `only`: nothing but this kind, one at a time."""
    if only:
        return [[draw(rng, BY_NAME[only])] for _ in range(count)]
    waiting = [BY_NAME[name] for name in rng.sample(FIRST, len(FIRST))]
    waiting += rng.sample([kind for kind in KINDS if kind not in waiting], len(KINDS) - len(waiting))
    waiting, groups = waiting[:count], []
    while count > 0:
        size, kinds = min(count, rng.choice((1, 2, 2, 2, 3))), []
        while len(kinds) < size:
            old = next((kind for kind in waiting if fits(kinds, kind)), None)
            if old:
                waiting.remove(old)
            new = old or rng.choices(KINDS, [kind.weight for kind in KINDS])[0]
            if fits(kinds, new):
                kinds.append(new)
        groups.append([draw(rng, kind) for kind in kinds])
        count -= size
    return groups
