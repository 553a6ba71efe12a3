"""What an operator does to the nodes of a running cluster, under a load that must not notice:
`coffer cluster ...`, sys/step-down and sys/seal at single nodes. Prints `ok NAME` or
`FAIL NAME: reason`.

  cluster_operations.py FOLDER      of a cluster that cluster_front.py runs; ends with sealed nodes
"""

import http.client
import json
import os
import ssl
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import cluster_front  # noqa: E402
from cluster_front import cluster  # noqa: E402

NAMES = cluster.NAMES


class Cluster:
    def __init__(self, folder):
        self.layout = cluster_front.Layout(folder)
        self.token = cluster.root_token(self.layout)
        self.ca = self.layout.path("tls", "ca.pem")
        self.tls = ssl.create_default_context(cafile=self.ca)

    def ask(self, node, method, path, body=None, token=None):
        """Status and the JSON of the answer."""
        port = self.layout.chosen["api"][NAMES.index(node)]
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=self.tls)
        try:
            connection.request(method, "/v1/" + path, json.dumps(body) if body else None,
                               {"X-Vault-Token": token or self.token})
            answer = connection.getresponse()
            content = answer.read()
            return answer.status, json.loads(content) if content else None
        finally:
            connection.close()

    def coffer(self, *words, node="n1"):
        """Exit status, output and errors of the operator's tool."""
        environment = dict(os.environ, VAULT_TOKEN=self.token, VAULT_CACERT=self.ca,
                           VAULT_ADDR=self.layout.url(NAMES.index(node)))
        done = subprocess.run([os.environ["COFFER"], "cluster", *words], env=environment,
                              capture_output=True, text=True, check=False, timeout=60,
                              stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout, done.stderr

    def nodes(self, through="n1"):
        status, answer = self.ask(through, "GET", "sys/ha-status")
        return {node["hostname"]: node for node in answer["data"]["nodes"]} if status == 200 else {}

    def active(self, through="n1"):
        for name, node in self.nodes(through).items():
            if node["active_node"]:
                return name
        return None


def until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    return None


class Load(threading.Thread):
    """Writes and reads its own secret through one node after the other; every answer must be right."""

    def __init__(self, servers, nodes):
        super().__init__(daemon=True)
        self.servers, self.nodes = servers, nodes
        self.ending = threading.Event()
        self.wrong, self.done = [], 0

    def run(self):
        while not self.ending.is_set():
            node = self.nodes[self.done % len(self.nodes)]
            other = self.nodes[(self.done + 1) % len(self.nodes)]
            data = {"data": {"n": str(self.done)}}
            try:
                written = self.servers.ask(node, "POST", "secret/data/load", data)
                read = self.servers.ask(other, "GET", "secret/data/load")
            except OSError as error:
                self.wrong.append(f"{node}, {other}: {error!r}")
            else:
                if written[0] != 200 or read[0] != 200 or read[1]["data"]["data"] != data["data"]:
                    self.wrong.append(f"{node}: {written}, {other}: {read}")
            self.done += 1

    def end(self):
        self.ending.set()
        self.join()


def check(name, reason):
    """`reason`: why it is not so; nothing when it is."""
    print(f"FAIL cluster: {name}: {reason}" if reason else f"ok cluster: {name}", flush=True)


def differs(found, wanted):
    return None if found == wanted else f"wanted {wanted!r}, found {found!r}"


def lagging(servers):
    """Nothing when every node has applied all of the log."""
    for node in servers.ask("n1", "GET", "sys/cluster/partitions")[1]["data"]["partitions"][0]["nodes"]:
        if node["replication_lag"] != 0:
            return node
    return None


def watch(servers):
    first = servers.active()
    check("one node is active", None if first else "nobody is")
    until(lambda: all(node["applied"] for node in servers.nodes().values()))
    states = sorted(node["state"] for node in servers.nodes().values())
    check("states", differs(states, ["active", "standby", "standby"]))
    check("every node catches up", None if until(lambda: not lagging(servers)) else lagging(servers))
    status, out, _ = servers.coffer("partitions", "--json")
    partition = json.loads(out)["partitions"][0] if status == 0 else {}
    check("partitions names the owner", differs(partition.get("owner"), first))
    return first, partition.get("epoch", 0)


def hand_over(servers, first, epoch):
    load = Load(servers, NAMES)
    load.start()
    check("drain", differs(servers.coffer("drain", first)[0], 0))
    second = until(lambda: servers.active() not in (None, first) and servers.active())
    check("another node takes over", None if second else f"{first} is still active")
    check("the drained node says so",
          None if until(lambda: servers.nodes()[first]["state"] == "drained") else
          servers.nodes()[first])
    status, _, errors = servers.coffer("move", "0", first)
    check("nothing moves to a drained node",
          differs((status, "its state is drained" in errors), (1, True)))
    check("undrain", differs(servers.coffer("undrain", "--self", node=first)[0], 0))
    third = next(name for name in NAMES if name not in (first, second))
    for target in (third, first, second):
        status, _, errors = servers.coffer("move", "0", target)
        check(f"move to {target}",
              differs((status, errors, servers.active()), (0, "", target)))
    check("move to the owner changes nothing", differs(servers.coffer("move", "0", second)[0], 0))
    check("no such partition", differs(servers.coffer("move", "1", second)[0], 1))
    check("no such node", differs(servers.coffer("drain", "n9")[0], 1))
    check("step-down through a standby",
          differs(servers.ask(first, "PUT", "sys/step-down")[0], 204))
    check("step-down moves",
          None if until(lambda: servers.active() not in (None, second)) else "nothing moved")
    partition = servers.ask("n1", "GET", "sys/cluster/partitions")[1]["data"]["partitions"][0]
    check("each owner has a higher epoch",
          None if partition["epoch"] >= epoch + 5 else f"{epoch}, then {partition['epoch']}")
    load.end()
    check(f"no request failed meanwhile ({load.done} rounds)",
          "; ".join(load.wrong[:3]) or (None if load.done > 10 else "hardly any ran"))


def seal(servers):
    for name in NAMES:  # the one that has stepped down, too
        servers.coffer("undrain", name)
    active = servers.active()
    standby, last = [name for name in NAMES if name != active]
    servers.ask(active, "PUT", "sys/policies/acl/none", {"policy": ""})
    token = servers.ask(active, "POST", "auth/token/create", {"policies": ["none"]})[1]
    token = token["auth"]["client_token"]
    for path in ("sys/seal", "sys/step-down", "sys/cluster/drain", "sys/cluster/undrain"):
        check(f"{path} needs sudo", differs(servers.ask(standby, "PUT", path, token=token)[0], 403))
    until(lambda: servers.nodes()[standby]["state"] == "standby", seconds=3)
    check("and did nothing", differs((servers.active(), servers.nodes()[standby]["state"]),
                                     (active, "standby")))
    check("a standby is sealed", differs(servers.ask(standby, "PUT", "sys/seal")[0], 204))
    health = servers.ask(standby, "GET", "sys/health")
    check("it says so", differs((health[0], health[1]["sealed"], health[1]["standby"]),
                                (503, True, True)))
    check("it serves nothing",
          differs(servers.ask(standby, "GET", "secret/data/load"),
                  (503, {"errors": ["Vault is sealed"]})))
    check("the others serve", differs(servers.ask(last, "GET", "secret/data/load")[0], 200))
    check("its state is known",
          None if until(lambda: servers.nodes(last)[standby]["state"] == "sealed") else
          servers.nodes(last)[standby])
    check("the active node is sealed", differs(servers.ask(active, "PUT", "sys/seal")[0], 204))
    check("at once", differs(servers.ask(active, "GET", "secret/data/load")[0], 503))
    check("the last one takes over",
          None if until(lambda: servers.active(last) == last) else servers.nodes(last))
    check("and serves", differs(servers.ask(last, "GET", "secret/data/load")[0], 200))


def main(folder):
    servers = Cluster(folder)
    first, epoch = watch(servers)
    hand_over(servers, first, epoch)
    seal(servers)


if __name__ == "__main__":
    main(sys.argv[1])
