#!/usr/bin/env python3
"""`coffer migrate` with real servers: an embedded vault goes into a cluster and comes back. Every
secret, token, policy, list and chain is as before; a key that was destroyed is in no file of any
place; what is damaged, in use or unfinished is refused."""

import hashlib
import os
import re
import shutil
import ssl
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path[:0] = [os.path.join(TESTS, "support"), os.path.join(TESTS, "canary"),
                os.path.join(os.path.dirname(TESTS), "tools", "cluster")]

import cluster  # noqa: E402
import needles  # noqa: E402
from live_server import (  # noqa: E402
    Checks, Client, Server, _die_with_parent, end_on_signals, server_program, work_folder)
from wrapped_keys import find_blob, written_keys  # noqa: E402

SECRETS = 30
BROKER_DATA = os.path.join(os.path.dirname(os.environ["COFFER_TEST_KAFKA_CONTROL"]), "broker-1", "data")
COFFER = os.path.join(os.path.dirname(server_program()), "coffer")


def until(what, limit, ready):
    deadline = time.monotonic() + limit
    while not (result := ready()):
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {limit} s: {what}")
        time.sleep(0.05)
    return result


# ---------------------------------------------------------------- servers
class Node:
    """A node with a data folder and a token of its own. `host`, `port` and `tls` are what Client asks
    for."""

    def __init__(self, layout, number, prefix):
        self.name, self.data = cluster.NAMES[number], layout.path("nodes", cluster.NAMES[number])
        self.host, self.port = layout.host("node", number), layout.chosen["api"][number]
        self.ca, self.process = layout.path("tls", "ca.pem"), None
        os.makedirs(self.data, mode=0o700)
        text = re.sub(r'\[seal\]\npin_file = ".*"', "", cluster.node_config(layout, number))
        text = text.replace("auto_init = true", "auto_init = false")
        text = re.sub(r'bootstrap = ".*"', f'bootstrap = "{os.environ["COFFER_TEST_KAFKA"]}"\n'
                      f'topic_prefix = "{prefix}"\nreplication = 1\nin_sync_replicas_min = 1\n'
                      "session_timeout_ms = 6000", text)
        self.config, self.log = self.data + ".toml", self.data + ".log"
        cluster.write(self.config, text)

    def tls(self):
        return ssl.create_default_context(cafile=self.ca)

    def start(self):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("COFFER_")}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [server_program(), "--config", self.config, "--allow-root"], env=environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_die_with_parent)

    def stop(self):
        self.process.terminate()
        return self.process.wait(timeout=30)

    def health(self):
        try:
            return Client(self).send("GET", "/v1/sys/health").status
        except OSError:
            return 0

    def messages(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()


def migrate(*arguments):
    done = subprocess.run([COFFER, "migrate", *arguments], capture_output=True, text=True,
                          check=False, stdin=subprocess.DEVNULL, timeout=60)
    return done.returncode, done.stdout, done.stderr


def refused(text, *arguments):
    status, out, error = migrate(*arguments)
    return [] if status == 1 and text in error and not out else [
        f"status {status}, not refused with {text!r}: {out} {error}"]


def verify(server, ca, token, namespace):
    environment = dict(os.environ, VAULT_ADDR=f"https://127.0.0.1:{server.port}", VAULT_CACERT=ca,
                       VAULT_TOKEN=token, VAULT_NAMESPACE=namespace)
    done = subprocess.run([COFFER, "events", "verify", "--json"], capture_output=True, text=True,
                          check=False, env=environment, stdin=subprocess.DEVNULL, timeout=60)
    return done.stdout if done.returncode == 0 else f"{done.returncode}: {done.stdout} {done.stderr}"


# ---------------------------------------------------------------- the vault
def wait_for_rotation(root):
    until("the rotation", 30, lambda: root.need("GET", "sys/namespaces/team/rotate").data.get(
        "rotation", {}).get("state") == "finished")


def fill(server):
    """Two namespaces with everything; (tokens, key id and hash and bytes of destroyed and live)."""
    root = server.root()
    root.need("PUT", "sys/policies/acl/reader", {"policy": 'path "secret/*" { capabilities=["read"] }'})
    root.need("PUT", "sys/namespaces/team")
    team = server.root("team")
    team.need("POST", "sys/mounts/kv", {"type": "kv", "options": {"version": "2"}})
    for client, mount in ((root, "secret"), (team, "kv")):
        for i in range(SECRETS):
            for version in range(1 + i % 3):
                client.need("POST", f"{mount}/data/d{i % 3}/s{i}", {"data": {"i": i, "v": version}})
        client.need("DELETE", f"{mount}/data/d0/s0")
        client.need("DELETE", f"{mount}/metadata/d1/s1")
        client.need("POST", f"{mount}/metadata/d0/s3", {"custom_metadata": {"a": "b"},
                                                        "max_versions": 5})
    live = written_keys(team, "d2/s5")[1]
    live_blob, _ = find_blob(server, *live)
    team.need("POST", "sys/rotate")
    wait_for_rotation(root)
    root.need("POST", "secret/data/victim", {"data": {"gone": "soon"}})
    victim = written_keys(root, "victim")[1]
    blob, _ = find_blob(server, *victim)
    kept = written_keys(root, "d2/s5")[1]
    kept_blob, _ = find_blob(server, *kept)
    root.need("POST", "secret/destroy/victim", {"versions": [1]})
    until("the destroyed key's end", 20, lambda: not find_blob(server, *victim)[1])
    tokens = [c.need("POST", "auth/token/create", {"policies": p, "ttl": "2h", "meta": {"m": "x"}})
              .json["auth"]["client_token"] for c, p in ((root, ["reader"]), (team, ["default"]))]
    return tokens, [blob, live_blob], kept_blob


def walk(client, mount, folder=""):
    answer = client.call("LIST", f"{mount}/metadata/{folder}")
    for key in answer.data["keys"] if answer.status == 200 else []:
        if key.endswith("/"):
            yield from walk(client, mount, folder + key)
        else:
            yield folder + key


def observe(server, root_token, tokens):
    """Everything that a client can see, as (what, answer)."""
    seen = {}
    for namespace, mount in ((None, "secret"), ("team", "kv")):
        client = Client(server, root_token, namespace)
        for path in walk(client, mount):
            metadata = client.need("GET", f"{mount}/metadata/{path}").data
            seen[namespace, path] = metadata
            for version in metadata["versions"]:
                answer = client.call("GET", f"{mount}/data/{path}?version={version}")
                seen[namespace, path, version] = answer.status, answer.data
        for name in client.need("LIST", "sys/policies/acl").data["keys"]:
            seen[namespace, "policy", name] = client.call("GET", f"sys/policies/acl/{name}").data
        seen[namespace, "mounts"] = client.need("GET", "sys/mounts").data
        seen[namespace, "key"] = client.need("GET", "sys/key-status").data["term"]
    seen["namespaces"] = Client(server, root_token).need("LIST", "sys/namespaces").data
    for token, namespace in zip(tokens, (None, "team")):
        found = dict(Client(server, token, namespace).need("GET", "auth/token/lookup-self").data)
        del found["ttl"]
        seen["token", namespace] = found
    return seen


def differences(before, after):
    return [f"{key}: {before.get(key)} became {after.get(key)}"
            for key in sorted(set(before) | set(after), key=str)
            if before.get(key) != after.get(key)]


# ---------------------------------------------------------------- files
def digest(folder):
    return {path: hashlib.sha256(needles.read(path)).hexdigest()
            for path in needles.files_below(folder)}


def in_files(blob, *places):
    return [path for path in needles.files_below(*places) if blob in needles.read(path)]


def flip(data, needle):
    """Changes one byte of the tables where they hold the needle."""
    for path in needles.files_below(os.path.join(data, "store")):
        at = needles.read(path).find(needle)
        if path.endswith(".sst") and at >= 0:
            with open(path, "r+b") as file:
                file.seek(at)
                file.write(bytes([needle[0] ^ 1]))
            return True
    return False


class Run:
    def __init__(self, folder, checks):
        self.checks, self.folder = checks, folder
        self.layout = cluster.Layout(os.path.join(folder, "cluster"))
        cluster.make_certificates(self.layout)
        self.nodes = [Node(self.layout, i, "moved") for i in range(2)]
        self.other = Node(self.layout, 2, "other")
        self.source = Server(os.path.join(folder, "source"))

    def chains(self, server, ca):
        return [verify(server, ca, self.root_token, name) for name in ("", "team")]

    def make_source(self):
        self.source.start()
        self.tokens, self.dead, self.live = fill(self.source)
        self.root_token = self.source.root_token()
        self.before = observe(self.source, self.root_token, self.tokens)
        self.heads = self.chains(self.source, os.path.join(self.source.data, "ca.pem"))
        records = self.source.root().need("GET", "sys/events?from=1&limit=20").data["events"]
        self.hash = bytes.fromhex(records[9]["previous_hash"])
        self.checks.check("the vault to move is worth it", [] if len(self.before) > 4 * SECRETS
                          and all('"ok":true' in h or '"head_hash"' in h for h in self.heads)
                          else [len(self.before), self.heads])
        self.checks.check("a running server's vault is refused", refused(
            "stop the embedded server first", *self.way_in()))
        self.source.stop()

    def way_in(self, source=None, node=None):
        return ("to-kafka", "--config", source or self.source.config, "--to",
                (node or self.nodes[0]).config)

    def way_back(self, target):
        return "to-embedded", "--config", self.nodes[0].config, "--to", target.config

    def refuse_damage(self):
        copy = Server(os.path.join(self.folder, "damaged"))
        shutil.copytree(self.source.data, copy.data)
        problems = [] if flip(copy.data, self.hash) else ["found nothing to damage"]
        status, _, error = migrate(*self.way_in(copy.config, self.other))
        if status != 1 or not re.search(r"record \d+ of the tenant [0-9a-f-]{36} .*damaged", error):
            problems.append(f"status {status}: {error}")
        self.checks.check("a flipped byte is refused with tenant and record", problems)
        self.checks.check("and nothing was written", [
            d for d in os.listdir(BROKER_DATA) if d.startswith("other-")])

    def move(self):
        before = digest(self.source.data)
        status, out, error = migrate(*self.way_in())
        self.checks.check("the vault moves into the topics", [] if status == 0 and
                          "moved and verified: 2 tenants" in out else [status, out, error])
        print(out.splitlines()[0] if out else "", flush=True)
        self.checks.check("the embedded folder is as it was", differences(
            before, digest(self.source.data)))
        self.checks.check("topics with a vault are refused", refused(
            "moved-events is not empty", *self.way_in()))

    def serve_from_nodes(self):
        for node in self.nodes:
            shutil.copytree(os.path.join(self.source.data, "hsm"), os.path.join(node.data, "hsm"))
            node.start()
        until("one node active, one standing by", 60,
              lambda: sorted(n.health() for n in self.nodes) == [200, 429])
        for node in self.nodes:
            self.checks.check(f"{node.name} serves all of it", differences(
                self.before, observe(node, self.root_token, self.tokens)))
        self.checks.check("the chains are the same", [] if self.chains(
            self.nodes[0], self.nodes[0].ca) == self.heads else ["another head"])
        client = Client(self.nodes[1], self.root_token)
        client.need("POST", "secret/data/further", {"data": {"written": "in the cluster"}})
        Client(self.nodes[1], self.root_token, "team").need("DELETE", "kv/data/d2/s5")
        self.in_cluster = observe(self.nodes[1], self.root_token, self.tokens)
        self.checks.check("writes go on", [] if differences(self.before, self.in_cluster) else [
            "nothing changed"])

    def search(self, *places):
        found = [p for blob in self.dead for p in in_files(blob, *places)]
        if not in_files(self.live, *places):
            found.append("a key in use was not found either: the search finds nothing")
        return found

    def move_back(self):
        target = Server(os.path.join(self.folder, "target"))
        self.checks.check("a vault with an active node is refused", refused(
            "has not released the vault", *self.way_back(target)))
        standby = next(n for n in self.nodes if n.health() == 429)
        for node in sorted(self.nodes, key=lambda n: n is not standby):
            node.stop()
        sealed = Server(os.path.join(self.folder, "sealed"))
        with open(sealed.config, encoding="utf-8") as file:
            text = file.read().replace('"auto"', '"shamir"').replace("auto_init = true", "")
        cluster.write(sealed.config, text)
        self.checks.check("a target with another seal is refused", refused(
            'initialised with seal.type = "auto"', *self.way_back(sealed)))
        status, out, error = migrate(*self.way_back(target))
        self.checks.check("the vault moves back", [] if status == 0 and
                          "moved and verified: 2 tenants" in out else [status, out, error])
        self.checks.check("destroyed keys are in no topic and no store", self.search(
            BROKER_DATA, target.data) + self.search(*(n.data for n in self.nodes)))
        return target

    def serve_embedded(self, target):
        shutil.copytree(os.path.join(self.nodes[0].data, "hsm"), os.path.join(target.data, "hsm"))
        target.start()
        self.checks.check("the embedded server serves all of it", differences(
            self.in_cluster, observe(target, self.root_token, self.tokens)))
        target.root_token = lambda: self.root_token
        target.root().need("POST", "secret/data/home", {"data": {"again": "here"}})
        broken = [h for h in self.chains(target, os.path.join(target.data, "ca.pem"))
                  if "head_hash" not in h]
        self.checks.check("the chains hold with a further write", broken)
        self.nodes[0].start()
        until("the node's refusal", 30, lambda: "the vault was moved to the embedded one" in
              self.nodes[0].messages())
        self.checks.check("a node does not serve a vault that has left", [] if
                          self.nodes[0].health() != 200 else ["it is active"])
        self.nodes[0].process.kill()
        self.nodes[0].process.wait()
        target.stop()


def main():
    end_on_signals()
    folder = work_folder("migrate")
    checks = Checks()
    run = Run(folder, checks)
    try:
        run.make_source()
        run.refuse_damage()
        run.move()
        run.serve_from_nodes()
        run.serve_embedded(run.move_back())
    except Exception as error:  # noqa: BLE001: the run's end is a finding too
        checks.fail("the run", repr(error))
    return checks.finish(folder)


if __name__ == "__main__":
    sys.exit(main())
