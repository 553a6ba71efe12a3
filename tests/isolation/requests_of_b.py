"""Random requests of a caller who belongs to namespace beta, or to nobody, often aimed at alpha.

A request is made of text with placeholders `<<...>>`: `<<b:NAME>>` is a token or accessor of beta
(each of the two servers has its own), `<<a:NAME>>` an identifier of the server where alpha is full
(sent to both).
"""

import json
import random

CAPABILITIES = ("create", "read", "update", "patch", "delete", "list", "sudo")
PATTERNS = ("*", "+/*", "secret/*", "secret/data/*", "secret/metadata/*", "secret/+/app/*", "kv/*",
            "alpha/*", "/alpha/*", "alpha/secret/*", "../alpha/*", "beta/../alpha/*", "beta/*", "sys/*",
            "sys/mounts/*", "sys/policies/acl/*", "sys/internal/ui/mounts/*", "auth/*", "auth/token/*",
            "sys/namespaces/*", "sys/events", "sys/events/verify", "sys/capabilities-self")

# Values of X-Vault-Namespace (more than one: the header is repeated) and what stands before the path.
AT_ALPHA = ((("alpha",), ""), ((), "alpha/"), (("alpha/",), ""), (("/alpha/",), ""), (("root",), "alpha/"),
            (("",), "alpha/"), (("alpha/<<child>>",), ""), ((), "alpha/<<child>>/"),
            (("alpha",), "<<child>>/"), (("alpha/<<child>>/<<child>>",), ""))
CRAFTED = ((("beta/../alpha",), ""), (("beta",), "../alpha/"), (("beta",), "%2e%2e/alpha/"),
           (("beta",), "..%2falpha/"), ((), "beta/../alpha/"), ((), "beta/%2e%2e/alpha/"), (("beta",), "alpha/"),
           (("alpha",), "beta/"), (("alpha", "beta"), ""), (("beta", "alpha"), ""), (("Alpha",), ""),
           ((), "ALPHA/"), ((), "al%70ha/"), (("al%70ha",), ""), ((), "alpha%2f"), (("alpha%2f",), ""),
           (("beta/alpha",), ""), (("alpha//",), ""), ((), "alpha//"), ((), "/alpha/"), ((), "./alpha/"),
           (("./alpha",), ""), ((" alpha ",), ""), (("alpha;",), ""), (("alpha,beta",), ""), (("beta,alpha",), ""),
           (("alpha?",), ""), (("alpha#",), ""), ((), "alpha;/"), (("alph",), ""), (("alphabet",), ""),
           (("beta/",), "/alpha/"), (("*",), ""), (("+",), ""), (("root/alpha",), ""), ((), "root/alpha/"))
AT_BETA = ((("beta",), ""), ((), "beta/"), (("beta/",), ""), (("/beta",), ""))


class Names:
    """What alpha holds. B guesses some of it; of the rest nothing may ever show."""

    def __init__(self, rng):
        stem = "".join(rng.choices("bcdfghjkmnpqrstvwxz23456789", k=12))
        self.stem = stem
        self.secret_stem = stem + "s"  # never sent by B
        self.guessed = {kind: [f"{stem}g{kind}{i}" for i in range(3)]
                        for kind in ("mount", "path", "policy", "child", "token")}
        self.hidden = {kind: [f"{self.secret_stem}{kind}{i}" for i in range(3)] for kind in self.guessed}

    def all(self, kind):
        return self.guessed[kind] + self.hidden[kind]


class Requests:
    def __init__(self, rng: random.Random, names, callers, identifiers):
        self.rng, self.names, self.callers, self.identifiers = rng, names, callers, identifiers

    def name(self, kind):
        """A guess that alpha has, one that nobody has, or a name of beta's own."""
        return self.rng.choices((self.rng.choice(self.names.guessed[kind]),
                                 self.rng.choice(("absent", "other")) + kind, f"own{kind}"), (6, 2, 3))[0]

    def identifier(self):
        return f"<<{self.rng.choice(self.identifiers)}>>"

    def make(self):
        rng = self.rng
        places = rng.choices((AT_ALPHA, CRAFTED, AT_BETA), (5, 4, 5))[0]
        headers, prefix = rng.choice(places)
        method, path, body = rng.choice((self.kv, self.kv, self.kv, self.mounts, self.policies,
                                         self.tokens, self.tokens, self.namespaces, self.system))()
        caller = rng.choice(self.callers)
        pairs = [("X-Vault-Namespace", self.children(value)) for value in headers]
        if caller is not None:
            bearer = rng.random() < 0.1
            pairs.append(("Authorization", f"Bearer {caller}") if bearer else ("X-Vault-Token", caller))
        if method == "PATCH":
            pairs.append(("Content-Type", "application/merge-patch+json"))
        if rng.random() < 0.05:
            path = path.rstrip("/") + rng.choice(("/", "//", "/..", "/%2e%2e/x", "?list=true", "?help=1"))
        target = f"/v1/{self.children(prefix)}{path}"
        return method, target, pairs, "" if body is None else json.dumps(body)

    def children(self, text):
        return text.replace("<<child>>", self.name("child"))

    def kv(self):
        rng = self.rng
        mount = rng.choice(("secret", "secret", "kv", self.name("mount")))
        path = rng.choice((self.name("path"), "app/" + self.name("path"), "app/", ""))
        data = {"data": {"v": rng.randrange(100)}}
        return rng.choice((
            ("GET", f"{mount}/data/{path}", None), ("GET", f"{mount}/metadata/{path}", None),
            ("LIST", f"{mount}/metadata/{path}", None), ("GET", f"{mount}/metadata/{path}?list=true", None),
            ("LIST", f"{mount}/metadata/", None), ("GET", f"{mount}/subkeys/{path}", None),
            ("POST", f"{mount}/data/{path}", data),
            ("POST", f"{mount}/data/{path}", {**data, "options": {"cas": rng.randrange(3)}}),
            ("PATCH", f"{mount}/data/{path}", data), ("DELETE", f"{mount}/data/{path}", None),
            ("POST", f"{mount}/undelete/{path}", {"versions": [1]}),
            ("POST", f"{mount}/delete/{path}", {"versions": [1]}),
            ("POST", f"{mount}/metadata/{path}", {"custom_metadata": {"k": "v"}}),
            ("PATCH", f"{mount}/metadata/{path}", {"max_versions": 5}),
            ("GET", f"{mount}/config", None), ("GET", f"{mount}/{path}", None), ("GET", mount, None),
            ("HEAD", f"{mount}/data/{path}", None), ("SCAN", f"{mount}/metadata/", None)))

    def mounts(self):
        mount = self.rng.choice((self.name("mount"), "secret"))
        return self.rng.choice((
            ("GET", "sys/mounts", None), ("GET", f"sys/mounts/{mount}", None),
            ("GET", f"sys/mounts/{mount}/tune", None), ("GET", "sys/auth", None),
            ("POST", f"sys/mounts/{self.name('mount')}", {"type": "kv", "options": {"version": "2"}}),
            ("POST", f"sys/mounts/{self.name('mount')}/tune", {"description": "words"}),
            ("DELETE", f"sys/mounts/{self.rng.choice(self.names.guessed['mount'])}", None),
            ("GET", "sys/internal/ui/mounts", None), ("GET", f"sys/internal/ui/mounts/{mount}", None),
            ("GET", f"sys/internal/ui/mounts/{mount}/data/{self.name('path')}", None)))

    def policies(self):
        policy = self.name("policy")
        text = f'path "{self.rng.choice(PATTERNS)}" {{ capabilities = ["read", "list"] }}'
        return self.rng.choice((
            ("LIST", "sys/policies/acl", None), ("GET", "sys/policy", None),
            ("GET", f"sys/policies/acl/{policy}", None), ("GET", f"sys/policy/{policy}", None),
            ("PUT", f"sys/policies/acl/{policy}", {"policy": text}),
            ("DELETE", f"sys/policies/acl/{policy}", None)))

    def tokens(self):
        identifier, rng = self.identifier(), self.rng
        verb = rng.choice(("lookup", "renew"))
        return rng.choice((
            ("POST", f"auth/token/{verb}", {"token": identifier}),
            ("POST", f"auth/token/{verb}-accessor", {"accessor": identifier}),
            ("POST", "auth/token/revoke", {"token": f"<<{rng.choice(self.foreign())}>>"}),
            ("POST", "auth/token/revoke-accessor", {"accessor": f"<<{rng.choice(self.foreign())}>>"}),
            ("POST", "auth/token/revoke-orphan", {"token": f"<<{rng.choice(self.foreign())}>>"}),
            ("LIST", "auth/token/accessors", None), ("GET", "auth/token/lookup-self", None),
            ("POST", "auth/token/lookup", {"token": self.name("token")}),
            ("POST", "auth/token/create", {"policies": [self.name("policy")], "ttl": "1h"}),
            ("POST", "auth/token/create", {"id": self.name("token"), "ttl": "1h"}),
            ("POST", "auth/token/create", {"id": identifier, "ttl": "1h"}),
            ("POST", "auth/token/create-orphan", {"policies": [self.name("policy")]}),
            ("POST", f"auth/token/create/{self.name('policy')}", {}),
            ("POST", "sys/capabilities", {"token": identifier, "paths": ["secret/data/x"]}),
            ("POST", "sys/capabilities-accessor", {"accessor": identifier, "paths": ["secret/data/x"]}),
            ("POST", "sys/capabilities-self", {"paths": [f"secret/data/{self.name('path')}", "sys/mounts"]})))

    def foreign(self):
        return [i for i in self.identifiers if i.startswith("a:")]

    def namespaces(self):
        child = self.rng.choice((self.name("child"), "alpha", "beta", "alpha/" + self.name("child")))
        mine = self.rng.choice(("ownchild", self.name("child")))
        return self.rng.choice((
            ("LIST", "sys/namespaces", None), ("GET", f"sys/namespaces/{child}", None),
            ("POST", f"sys/namespaces/{mine}", {}), ("DELETE", f"sys/namespaces/{mine}", None),
            ("PATCH", f"sys/namespaces/{child}", {"custom_metadata": {"k": "v"}})))

    def system(self):
        return self.rng.choice((
            ("GET", "sys/health", None), ("GET", "sys/seal-status", None), ("GET", "sys/leader", None),
            ("GET", "sys/init", None), ("GET", "sys/actors", None), ("GET", "sys/events", None),
            ("GET", f"sys/events?stream={self.identifier()}", None), ("GET", "sys/events?from=1&limit=1000", None),
            ("GET", "sys/events/verify", None), ("PUT", "sys/unseal", {"reset": True}),
            ("OPTIONS", "sys/mounts", None), ("GET", f"sys/{self.name('path')}", None),
            ("GET", f"{self.name('mount')}", None), ("LIST", "", None), ("GET", "cubbyhole/x", None)))


def random_policy(rng):
    rules = []
    for pattern in rng.sample(PATTERNS, rng.randint(1, 5)):
        granted = rng.sample(CAPABILITIES, rng.randint(1, len(CAPABILITIES)))
        if rng.random() < 0.1:
            granted = ["deny"]
        rules.append(f'path "{pattern}" {{ capabilities = {json.dumps(granted)} }}')
    return "\n".join(rules)
