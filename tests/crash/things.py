"""What the load changes and the oracle remembers: secrets, policies, tokens, mounts, namespaces.

A thing is changed by one thread, one request at a time. `state` is what the acknowledged requests
made of it, `pending` the request that has no answer yet. After a crash the server must show either
the state or the state with the pending request done, nothing in between and nothing else.
"""

import copy
import json
import random
import string

VERSIONS_MAX = 10  # the server's default


class Problem(Exception):
    """What the server shows contradicts itself."""


def text(rng, length):
    return "".join(rng.choices(string.ascii_letters, k=length))


def demand(condition, message):
    if not condition:
        raise Problem(message)


class Thing:
    def __init__(self, namespace, name):
        self.namespace, self.name = namespace, name
        self.state = None
        self.pending = None

    def __str__(self):
        return f"{type(self).__name__.lower()} {self.namespace}/{self.name}"

    def step(self, client, rng):
        """One request, from choice to acknowledgement. An exception leaves it pending."""
        operation = self.choose(rng)
        status, after = self.apply(copy.deepcopy(self.state), operation)
        self.pending = operation
        answer = self.send(client, operation)
        demand(answer.status == status, f"{self}: {operation[0]} answered {answer}, not {status}; "
                                        f"known state {self.state}")
        self.state = self.acknowledge(after, operation, answer)
        self.pending = None
        return after is not None

    def acknowledge(self, after, _operation, _answer):
        return after

    def settle(self, client):
        """After a crash: compares, then takes what is there as the new state."""
        seen = self.observe(client)
        allowed = [self.state]
        if self.pending is not None:
            allowed.append(self.apply(copy.deepcopy(self.state), self.pending)[1])
        known = f"in flight was {self.pending}, acknowledged {self.state}"
        self.state, self.pending = seen, None  # one problem is told once
        demand(any(self.same(seen, state) for state in allowed), f"{self}: {known}, but it is {seen}")

    def same(self, seen, expected):
        return seen == expected


class Secret(Thing):
    """state: None or {current, oldest, custom, versions: {number: [value, deleted, destroyed]}}."""

    count = 0

    def __init__(self, namespace, name):
        super().__init__(namespace, name)
        self.written = 0  # a counter that only grows, whatever becomes of the versions

    def value(self, rng):
        self.written += 1
        return {"n": self.written, "key": str(self), "pad": text(rng, rng.choice((0, 10, 200, 3000)))}

    def choose(self, rng):
        kind = rng.choices(
            ("write", "cas", "stale", "patch", "delete", "delete_versions", "undelete", "destroy",
             "remove", "custom"), (30, 8, 4, 14, 8, 6, 8, 5, 3, 6))[0]
        known = sorted(self.state["versions"]) if self.state else []
        some = rng.sample(known, min(len(known), rng.randint(1, 3))) or [1]
        if kind in ("write", "patch"):
            return kind, self.value(rng)
        if kind == "cas":
            return kind, self.value(rng), self.state["current"] if self.state else 0
        if kind == "stale":
            return kind, self.value(rng), (self.state["current"] if self.state else 0) + 7
        if kind in ("delete_versions", "undelete", "destroy"):
            return kind, some
        if kind == "custom":
            return kind, {"label": text(rng, 12)}
        return (kind,)

    def apply(self, state, operation):
        kind = operation[0]
        if kind in ("write", "cas"):
            return 200, self.with_version(state, operation[1])
        if kind == "stale":
            return 400, state
        if kind == "patch":
            current = state["versions"].get(state["current"]) if state else None
            if current is None or current[1] or current[2]:
                return 404, state
            return 200, self.with_version(state, {**current[0], **operation[1]})
        if kind == "remove":
            return 204, None
        if kind == "custom":
            state = state or {"current": 0, "oldest": 0, "custom": None, "versions": {}}
            state["custom"] = operation[1]
            return 204, state
        numbers = operation[1] if len(operation) > 1 else [state["current"]] if state else []
        for number in numbers:
            version = state["versions"].get(number) if state else None
            if version is None or version[2]:
                continue
            if kind == "destroy":
                version[:] = [None, version[1], True]
            else:
                version[1] = kind != "undelete"
        return 204, state

    @staticmethod
    def with_version(state, value):
        state = state or {"current": 0, "oldest": 0, "custom": None, "versions": {}}
        state["current"] += 1
        state["versions"][state["current"]] = [value, False, False]
        for number in [n for n in state["versions"] if n <= state["current"] - VERSIONS_MAX]:
            del state["versions"][number]
            state["oldest"] = number + 1
        return state

    def send(self, client, operation):
        kind = operation[0]
        data, metadata = f"kv/data/{self.name}", f"kv/metadata/{self.name}"
        if kind == "write":
            return client.call("POST", data, {"data": operation[1]})
        if kind in ("cas", "stale"):
            return client.call("POST", data, {"data": operation[1], "options": {"cas": operation[2]}})
        if kind == "patch":
            return client.call("PATCH", data, {"data": operation[1]},
                               {"Content-Type": "application/merge-patch+json"})
        if kind == "delete":
            return client.call("DELETE", data)
        if kind == "remove":
            return client.call("DELETE", metadata)
        if kind == "custom":
            return client.call("POST", metadata, {"custom_metadata": operation[1]})
        verb = "delete" if kind == "delete_versions" else kind
        return client.call("POST", f"kv/{verb}/{self.name}", {"versions": operation[1]})

    def acknowledge(self, after, operation, answer):
        if answer.status == 200:
            got = answer.data["version"]
            demand(got == after["current"], f"{self}: acknowledged as version {got}, not "
                                            f"{after['current']}")
        return after

    def observe(self, client):
        answer = client.call("GET", f"kv/metadata/{self.name}")
        if answer.status == 404:
            read = client.call("GET", f"kv/data/{self.name}")
            demand(read.status == 404 and read.json == {"errors": []},
                   f"{self}: no metadata, but data: {read}")
            return None
        demand(answer.status == 200, f"{self}: metadata: {answer}")
        seen = answer.data
        numbers = sorted(int(n) for n in seen["versions"])
        first = seen["oldest_version"] or 1
        demand(numbers == list(range(first, seen["current_version"] + 1)),
               f"{self}: versions {numbers} up to {seen['current_version']} are not dense")
        state = {"current": seen["current_version"], "oldest": seen["oldest_version"],
                 "custom": seen["custom_metadata"], "versions": {}}
        for number in numbers:
            entry = seen["versions"][str(number)]
            state["versions"][number] = self.observe_version(client, number, entry)
        return state

    def observe_version(self, client, number, entry):
        read = client.call("GET", f"kv/data/{self.name}?version={number}")
        deleted, destroyed = entry["deletion_time"] != "", entry["destroyed"]
        demand(read.status == (404 if deleted or destroyed else 200) and read.data,
               f"{self}: version {number} has metadata {entry}, but data: {read}")
        for member in ("created_time", "deletion_time", "destroyed"):
            demand(read.data["metadata"][member] == entry[member],
                   f"{self}: version {number}: {member} of data and metadata differ")
        value = read.data["data"]
        if deleted and not destroyed:  # still there, only hidden: what was written stays known
            value = next((s["versions"][number][0] for s in self.candidates()
                          if s and number in s["versions"] and not s["versions"][number][2]), None)
        return [value, deleted, destroyed]

    def candidates(self):
        yield self.state
        if self.pending is not None:
            yield self.apply(copy.deepcopy(self.state), self.pending)[1]


class Policy(Thing):
    """state: None or the text."""

    def choose(self, rng):
        if rng.random() < 0.25:
            return ("remove",)
        return "write", f'path "kv/data/{text(rng, 8)}/*" {{ capabilities = ["read"] }}'

    def apply(self, state, operation):
        return 204, operation[1] if operation[0] == "write" else None

    def send(self, client, operation):
        path = f"sys/policies/acl/{self.name}"
        if operation[0] == "remove":
            return client.call("DELETE", path)
        return client.call("PUT", path, {"policy": operation[1]})

    def observe(self, client):
        answer = client.call("GET", f"sys/policies/acl/{self.name}")
        demand(answer.status in (200, 404), f"{self}: {answer}")
        listed = self.name in client.need("LIST", "sys/policies/acl").data["keys"]
        demand(listed == (answer.status == 200), f"{self}: listed is {listed}, read says {answer}")
        return answer.data["policy"] if answer.status == 200 else None


class Token(Thing):
    """state: None or {id, accessor, uses, child}: a living token, its uses left, its child's text."""

    def choose(self, rng):
        if self.state is None:
            return "create", f"token-{text(rng, 24)}", rng.choice((0, 0, 5))
        kinds = ["revoke", "use"]
        if self.state["uses"] == 0 and self.state["child"] is None:
            kinds.append("child")
        return (rng.choice(kinds),)

    def apply(self, state, operation):
        kind = operation[0]
        if kind == "create":
            return 200, {"id": operation[1], "accessor": None, "uses": operation[2], "child": None}
        if kind == "revoke":
            return 204, None
        if kind == "use" and state["uses"] > 0:
            state["uses"] -= 1
            return 200, state if state["uses"] > 0 else None  # the last use ends it
        return 200, state

    def send(self, client, operation):
        if operation[0] == "create":
            return client.call("POST", "auth/token/create", {
                "id": operation[1], "policies": ["maker"], "num_uses": operation[2], "ttl": "2h"})
        if operation[0] == "revoke":
            return client.call("POST", "auth/token/revoke", {"token": self.state["id"]})
        root, client.token = client.token, self.state["id"]
        try:
            if operation[0] == "use":
                return client.call("GET", "kv/config")
            return client.call("POST", "auth/token/create", {"ttl": "1h"})
        finally:
            client.token = root

    def acknowledge(self, after, operation, answer):
        if operation[0] == "create":
            after["id"] = answer.json["auth"]["client_token"]
            after["accessor"] = answer.json["auth"]["accessor"]
        elif operation[0] == "child":
            after["child"] = answer.json["auth"]["client_token"]
        return after

    def look_up(self, client, token):
        answer = client.call("POST", "auth/token/lookup", {"token": token})
        demand(answer.status in (200, 403), f"{self}: lookup: {answer}")
        return answer.data if answer.status == 200 else None

    def observe(self, client):
        wanted = self.state or (
            {"id": self.pending[1], "accessor": None, "child": None} if self.pending else None)
        if wanted is None:
            return None
        seen = self.look_up(client, wanted["id"])
        if wanted["child"]:
            child = self.look_up(client, wanted["child"])
            demand((seen is None) == (child is None),
                   f"{self}: token is {seen}, its child {child}")
        if seen is None:
            if wanted["accessor"]:
                gone = client.call("POST", "auth/token/lookup-accessor", {"accessor": wanted["accessor"]})
                demand(gone.status == 400, f"{self}: dead, but its accessor answers {gone}")
            return None
        demand(seen["policies"] == ["default", "maker"], f"{self}: policies {seen['policies']}")
        listed = client.need("LIST", "auth/token/accessors").data["keys"]
        demand(seen["accessor"] in listed, f"{self}: its accessor is not listed")
        return {"id": wanted["id"], "accessor": seen["accessor"], "uses": seen["num_uses"],
                "child": wanted["child"]}

    def same(self, seen, expected):
        if seen and expected and expected["accessor"] is None:
            expected = {**expected, "accessor": seen["accessor"]}
        return seen == expected


class Mount(Thing):
    """state: None or the value of the one secret inside, {} when there is none."""

    def choose(self, rng):
        if self.state is None:
            return ("enable",)
        return ("disable",) if rng.random() < 0.3 else ("write", {"v": text(rng, 20)})

    def apply(self, state, operation):
        if operation[0] == "write":
            return 200, operation[1]
        return 204, {} if operation[0] == "enable" else None

    def send(self, client, operation):
        if operation[0] == "write":
            return client.call("POST", f"{self.name}/data/inside", {"data": operation[1]})
        if operation[0] == "enable":
            return client.call("POST", f"sys/mounts/{self.name}",
                               {"type": "kv", "options": {"version": "2"}})
        return client.call("DELETE", f"sys/mounts/{self.name}")

    def observe(self, client):
        mounts = client.need("GET", "sys/mounts").data
        read = client.call("GET", f"{self.name}/data/inside")
        if f"{self.name}/" not in mounts:
            demand(read.status == 404 and "no handler" in read.json["errors"][0],
                   f"{self}: not mounted, but {read}")
            return None
        demand(read.status in (200, 404), f"{self}: {read}")
        return read.data["data"] if read.status == 200 else {}


class Namespace(Thing):
    """state: None or {}."""

    def choose(self, _rng):
        return ("create",) if self.state is None else ("delete",)

    def apply(self, state, operation):
        return 200, {} if operation[0] == "create" else None

    def send(self, client, operation):
        if operation[0] == "create":
            return client.call("POST", f"sys/namespaces/{self.name}", {})
        return client.call("DELETE", f"sys/namespaces/{self.name}")

    def observe(self, client):
        answer = client.call("GET", f"sys/namespaces/{self.name}")
        inside = client.call("GET", f"{self.name}/sys/mounts")
        demand(answer.status in (200, 404), f"{self}: {answer}")
        demand((answer.status == 200) == (inside.status == 200),
               f"{self}: reads {answer}, its mounts {inside}")
        return {} if answer.status == 200 else None


class Contended:
    """A secret that every thread writes to: acknowledged versions are distinct and keep their value."""

    def __init__(self, namespace, name, lock):
        self.namespace, self.name, self.lock = namespace, name, lock
        self.acknowledged, self.in_flight, self.written = {}, set(), 0

    def __str__(self):
        return f"contended secret {self.namespace}/{self.name}"

    def step(self, client, _rng):
        with self.lock:
            self.written += 1
            value = {"n": self.written}
            self.in_flight.add(json.dumps(value))
        answer = client.call("POST", f"kv/data/{self.name}", {"data": value})
        demand(answer.status == 200, f"{self}: {answer}")
        version = answer.data["version"]
        with self.lock:
            demand(version not in self.acknowledged, f"{self}: version {version} twice")
            self.acknowledged[version] = value
            self.in_flight.discard(json.dumps(value))

    def settle(self, client):
        answer = client.call("GET", f"kv/metadata/{self.name}")
        if answer.status == 404:
            return demand(not self.acknowledged, f"{self}: gone")
        newest = answer.data["current_version"]
        highest = max(self.acknowledged, default=0)
        demand(highest <= newest <= highest + len(self.in_flight),
               f"{self}: current is {newest}, acknowledged {highest}, in flight {len(self.in_flight)}")
        for number in sorted(int(n) for n in answer.data["versions"]):
            value = client.need("GET", f"kv/data/{self.name}?version={number}").data["data"]
            if number in self.acknowledged:
                demand(value == self.acknowledged[number], f"{self}: version {number} is {value}")
            else:
                demand(json.dumps(value) in self.in_flight, f"{self}: version {number}: {value} unknown")
                self.in_flight.discard(json.dumps(value))
                self.acknowledged[number] = value
        self.in_flight.clear()
        return None


def make_things(namespace, thread):
    """What one thread owns in one namespace. A key and a folder share a name on purpose."""
    base = f"t{thread}"
    names = [base, f"{base}/a", f"{base}/a/b", f"{base}/c d/é"]
    things = [Secret(namespace, name) for name in names]
    things += [Policy(namespace, f"{base}-p{i}") for i in range(2)]
    things += [Token(namespace, f"{base}-k{i}") for i in range(3)]
    things += [Mount(namespace, f"{base}-m"), Namespace(namespace, f"{base}-n")]
    return things


def choose_thing(things, rng: random.Random):
    weights = {Secret: 10, Policy: 3, Token: 4, Mount: 1, Namespace: 1}
    return rng.choices(things, [weights[type(t)] for t in things])[0]
