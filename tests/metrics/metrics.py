#!/usr/bin/env python3
"""sys/metrics of a running server: the format, the table, what counts, and that no name is in it.

And the log in JSON: every line is an object with the members that are promised.
"""

import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "support"), HERE]

import exposition  # noqa: E402
from live_server import Checks, Client, Server, end_on_signals, server_program, work_folder  # noqa: E402

PROMETHEUS = "sys/metrics?format=prometheus"
CANARY = "canary7k2q"
# Only where there is a cluster.
CLUSTER = re.compile("coffer_cluster_|coffer_kafka_")
SERIES_MAX = 3000


def table():
    """{name: (type, labels)} of the server's own table."""
    printed = subprocess.run([server_program(), "--print-metrics"], capture_output=True, text=True,
                             check=True).stdout
    rows = [[cell.strip().strip("`") for cell in line.split("|")[1:4]]
            for line in printed.splitlines()[2:]]
    return {name: (kind, [one for one in labels.split(",") if one]) for name, kind, labels in rows}


def scrape(client):
    return exposition.parse(client.need("GET", PROMETHEUS).body.decode())


def format_problems(families, known):
    problems = []
    for name, family in families.items():
        if name not in known:
            problems.append(f"{name} is not in the table")
            continue
        kind, labels = known[name]
        if kind != family.kind:
            problems.append(f"{name} is a {family.kind}")
        for sample, own, _ in family.samples:
            names = [one for one in own if one != "le"]
            if names != labels:
                problems.append(f"{sample} has the labels {names}")
    problems += [f"{name} is missing" for name in known
                 if name not in families and not CLUSTER.match(name)]
    samples = sum(len(family.samples) for family in families.values())
    if samples > SERIES_MAX:
        problems.append(f"{samples} samples")
    return problems


def work(server, root):
    """Something of every kind, with a canary wherever a name or a value may be."""
    root.need("PUT", f"sys/namespaces/{CANARY}")
    inside = server.root(CANARY)
    inside.need("POST", "sys/mounts/kv", {"type": "kv", "options": {"version": "2"}})
    for client, mount in ((root, "secret"), (inside, "kv")):
        client.need("POST", f"{mount}/data/{CANARY}", {"data": {"v": CANARY}})
        client.need("GET", f"{mount}/data/{CANARY}")
        client.call("GET", f"{mount}/data/{CANARY}none")
    root.need("PUT", f"sys/policies/acl/{CANARY}", {"policy": 'path "sys/metrics" { capabilities = ["read"] }'})
    token = root.need("POST", "auth/token/create", {"policies": [CANARY]}).json["auth"]["client_token"]
    Client(server, CANARY).call("GET", f"secret/data/{CANARY}")
    root.call("GET", f"{CANARY}/{CANARY}")
    return token


def growth_problems(before, after):
    """The counts after work() against those before."""
    problems = []

    def grew(name, least, **labels):
        old = before[name].value(**labels) or 0 if name in before else 0
        new = after[name].value(**labels) if name in after else None
        if new is None or new - old < least:
            problems.append(f"{name}{labels} went from {old} to {new}")

    route = {"route": "{mount}/data/{path}", "operation": "read"}
    for tenant in ("root", "namespace"):
        grew("coffer_requests_total", 1, **route, status="2xx", tenant=tenant)
        grew("coffer_requests_total", 1, **route, status="4xx", tenant=tenant)
    grew("coffer_log_records_total", 5, log="events")
    grew("coffer_log_records_total", 10, log="access")
    grew("coffer_log_bytes_total", 1000)
    grew("coffer_http_requests_total", 10, listener="api")
    grew("coffer_tls_handshakes_total", 2, listener="api", result="full")
    grew("coffer_secret_actors_woken_total", 2)
    grew("coffer_namespaces", 1)
    grew("coffer_cache_hits_total", 1, cache="tokens")
    wraps = [value for name, labels, value in
             after["coffer_hsm_operation_duration_seconds"].samples
             if name.endswith("_count") and labels["operation"] == "wrap"]
    if wraps[0] < 2:
        problems.append(f"{wraps} wraps")
    for name, value in (("coffer_unsealed", 1), ("vault_core_unsealed", 1), ("coffer_initialized", 1),
                        ("coffer_requests_in_flight", 1)):
        if after[name].value() != value:
            problems.append(f"{name} is {after[name].value()}")
    return problems


def access_problems(server, token):
    rows = [("no token", Client(server), PROMETHEUS, 403),
            ("a wrong token", Client(server, "s.wrong"), PROMETHEUS, 403),
            ("a token that may", Client(server, token), PROMETHEUS, 200),
            ("no format", server.root(), "sys/metrics", 400),
            ("in a namespace", server.root(CANARY), PROMETHEUS, 400)]
    return [f"{name}: {got.status}" for name, client, path, status in rows
            for got in [client.call("GET", path)] if got.status != status]


def log_problems(server, members):
    """Every line is one object with exactly these members."""
    problems, lines = [], server.messages_raw().decode().splitlines()
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            problems.append(f"not JSON: {line}")
            continue
        if list(entry) != members or not re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", entry["time"]):
            problems.append(f"members of {line}")
        if CANARY in line:
            problems.append(f"a name: {line}")
    return problems or ([] if len(lines) >= 3 else ["hardly any line"])


def main():
    end_on_signals()
    checks = Checks()
    folder = work_folder("metrics")
    server = Server(os.path.join(folder, "token"), options='format = "json"\n')
    server.start()
    root = server.root()
    known = table()
    before = scrape(root)
    token = work(server, root)
    page = root.need("GET", PROMETHEUS)
    after = exposition.parse(page.body.decode())
    checks.check("every metric of the table, in the format, and no other", format_problems(after, known))
    checks.check("what was done is counted", growth_problems(before, after))
    checks.check("no name and no value is in it", [CANARY] if CANARY in page.body.decode() else [])
    checks.check("who may see it", access_problems(server, token))
    text = root.send("GET", "/v1/sys/metrics", headers=[
        ("X-Vault-Token", root.token), ("Accept", "application/openmetrics-text; version=1.0.0")])
    checks.check("as Prometheus asks", [] if text.status == 200 and dict(text.headers)[
        "Content-Type"].startswith("text/plain; version=0.0.4") else [text, text.headers])
    root.need("PUT", "sys/seal")
    checks.check("a sealed vault asks for a token that it cannot judge",
                 [] if root.call("GET", PROMETHEUS).status == 503 else ["not 503"])
    server.stop()
    checks.check("the log is JSON", log_problems(server, ["time", "level", "component", "message"]))

    opened = Server(os.path.join(folder, "open"),
                    options="[telemetry]\nunauthenticated_metrics_access = true\n")
    opened.start()
    checks.check("open metrics", [] if scrape(Client(opened))["coffer_unsealed"].value() == 1 else ["no"])
    opened.root().need("PUT", "sys/seal")
    checks.check("open metrics of a sealed vault",
                 [] if scrape(Client(opened))["coffer_unsealed"].value() == 0 else ["no"])
    opened.stop()
    return checks.finish(folder)


sys.exit(main())
