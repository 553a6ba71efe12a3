"""The cluster's benchmark, `tools/dev bench --cluster`: three brokers, three nodes, an embedded vault
beside them for comparison, and the generator, all on this machine."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.parse
from types import SimpleNamespace

import measure
import report
from servers import BenchError, Client, Cofferd, Vault

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(HERE, "..", "cluster", "cluster.py")
WRITES_PER_SECOND = 3_000
READ_SHARE_OF_EMBEDDED = 0.85
OWNER_SECONDS_MAX = 60
# The brokers' virtual machines compile what is used often, for minutes: that belongs to no figure.
WARM_UP_SECONDS = 10
WARM_UPS_MAX = 12
COMPILING_SHARE_MAX = 0.1  # of the brokers' CPU time
CONNECTIONS = 64
SPREAD_CONNECTIONS = 66  # 22 at each of three nodes


class Cluster(Vault):
    """Three brokers and three nodes, started and stopped as `tools/dev cluster` does. As a server
    of the benchmark it is its active node; standbys and brokers are its `others`."""

    def __init__(self, program, folder, cache):
        self.folder = os.path.join(folder, "cluster")
        # Nothing of the caller's own vault may leak into the benchmark.
        self._environment = {k: v for k, v in os.environ.items()
                             if not k.startswith(("COFFER", "VAULT_", "SOFTHSM2_"))}
        try:
            self._run("up", "--cofferd", program, "--cache", cache)
        except BenchError:
            self.stop()
            raise
        with open(os.path.join(self.folder, "env"), encoding="ascii") as env:
            found = dict(re.findall(r"^export (\w+)='(.*)'$", env.read(), re.MULTILINE))
        self.ca_file, self.root_token = found["VAULT_CACERT"], found["VAULT_TOKEN"]
        urls = found["COFFER_NODES"].split()
        self.url = self._active(urls)
        self.port = urllib.parse.urlsplit(self.url).port
        self.standby_urls = [url for url in urls if url != self.url]
        nodes = dict(zip(urls, self._pids("nodes", "cofferd.pid")))
        self.pids = [nodes[self.url]]
        self.others = {"standbys": [nodes[url] for url in self.standby_urls],
                       "brokers": self._pids("brokers", "pid")}

    def _run(self, command, *arguments):
        done = subprocess.run(
            [sys.executable, "-B", PROGRAM, command, self.folder, *arguments], check=False,
            capture_output=True, text=True, stdin=subprocess.DEVNULL, env=self._environment)
        if done.returncode != 0:
            raise BenchError(f"the cluster: {done.stderr.strip()[-2000:]}")

    def _pids(self, kind, file):
        """In the order of their names, which is that of the addresses."""
        folder = os.path.join(self.folder, kind)
        pids = []
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name, file), encoding="ascii") as pid:
                pids.append(int(pid.read()))
        return pids

    def _active(self, urls):
        deadline = time.monotonic() + OWNER_SECONDS_MAX
        while time.monotonic() < deadline:
            client = Client(urllib.parse.urlsplit(urls[0]).port, self.ca_file, self.root_token)
            leader = client.call("GET", "sys/leader").get("leader_address")
            client.close()
            if leader in urls:
                return leader
            time.sleep(0.1)
        raise BenchError("the cluster has no active node")

    def nodes_of(self, urls):
        return [urllib.parse.urlsplit(url).netloc for url in urls]

    def stop(self):
        self._run("down")


def loads(cluster, embedded):
    """(name, server, kind, connections, nodes): neighbours in time are compared with each other."""
    everywhere = cluster.nodes_of([cluster.url, *cluster.standby_urls])
    standbys = cluster.nodes_of(cluster.standby_urls)
    return [
        ("embedded, reads", embedded, "read", CONNECTIONS, ()),
        ("active node, reads", cluster, "read", CONNECTIONS, ()),
        ("embedded, reads", embedded, "read", 4 * CONNECTIONS, ()),
        ("active node, reads", cluster, "read", 4 * CONNECTIONS, ()),
        ("two standbys, reads", cluster, "read", CONNECTIONS, standbys),
        ("embedded, writes", embedded, "write", CONNECTIONS, ()),
        ("active node, writes", cluster, "write", CONNECTIONS, ()),
        ("three nodes, writes", cluster, "write", SPREAD_CONNECTIONS, everywhere),
    ]


def thread_ticks(pids):
    """CPU time of the processes' threads: of those that compile, and of all."""
    compiling = everything = 0
    for pid in pids:
        for thread in os.listdir(f"/proc/{pid}/task"):
            try:
                with open(f"/proc/{pid}/task/{thread}/stat", encoding="utf-8") as stat:
                    name, _, numbers = stat.read().partition("(")[2].rpartition(") ")
            except FileNotFoundError:
                continue  # it ended
            ticks = sum(int(n) for n in numbers.split()[11:13])
            everything += ticks
            if re.match(r"C[12] Compiler", name):
                compiling += ticks
    return compiling, everything


def warm_up(cluster, load, say):
    """Until the brokers compile next to nothing under that load."""
    for round_number in range(WARM_UPS_MAX):
        compiled, used = thread_ticks(cluster.others["brokers"])
        load()
        after = thread_ticks(cluster.others["brokers"])
        share = (after[0] - compiled) / max(after[1] - used, 1)
        say(f"warm-up {round_number + 1}: {share:.0%} of the brokers' CPU time compiles")
        if share < COMPILING_SHARE_MAX:
            return


def take_cells(options, cluster, embedded, say):
    def take(server, kind, connections, nodes, seconds):
        return measure.run_load(server, kind, connections, seconds, options.keys,
                                options.value_bytes, server.token, nodes)

    warm_up(cluster, lambda: take(cluster, "write", CONNECTIONS, (), WARM_UP_SECONDS), say)
    cells = []
    for name, server, kind, connections, nodes in loads(cluster, embedded):
        best = max((take(server, kind, connections, nodes, options.seconds)
                    for _ in range(options.repeat)), key=lambda cell: cell.per_second)
        best.load = name
        say(f"{name:20} {connections:4} {best.per_second:9,.0f}/s  p99 {best.p99_ms:8.2f} ms  cpu "
            f"{best.cpu_us:6.1f} us  others {json.dumps({k: round(v) for k, v in best.others_us.items()})}"
            f"  other load {best.foreign:.0%}")
        cells.append(best)
    return cells


def targets(cells):
    by_place = {(c.load, c.connections): c for c in cells}
    writes = by_place[("three nodes, writes", SPREAD_CONNECTIONS)]
    rows = [(f"durable writes/s at {SPREAD_CONNECTIONS} connections to three nodes",
             f"{WRITES_PER_SECOND:,}", f"{writes.per_second:,.0f}",
             writes.per_second >= WRITES_PER_SECOND)]
    for connections in (CONNECTIONS, 4 * CONNECTIONS):
        embedded = by_place[("embedded, reads", connections)]
        active = by_place[("active node, reads", connections)]
        share = active.per_second / embedded.per_second
        rows.append((f"reads/s of the active node at {connections} connections, share of embedded",
                     f"{READ_SHARE_OF_EMBEDDED:.0%}", f"{share:.1%}",
                     share >= READ_SHARE_OF_EMBEDDED))
        cpu = embedded.cpu_us / active.cpu_us
        rows.append((f"the same by CPU time of the server, at {connections} connections",
                     f"{READ_SHARE_OF_EMBEDDED:.0%}", f"{cpu:.1%}", cpu >= READ_SHARE_OF_EMBEDDED))
    return rows


def render(run):
    lines = ["# Benchmark of the cluster", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {text} |" for name, text in run.machine]
    lines += [
        f"| load | {run.seconds} s a cell, best of {run.repeat}; {run.keys:,} random keys, values "
        f"of {run.value_bytes} B; TLS 1.3, P-256; ordinary policy token; three brokers, three "
        "replicas, two in sync; brokers, three nodes, the embedded vault and the generator share "
        "the machine |", "",
        "| load | connections | requests/s | p50 ms | p99 ms | max ms | server CPU us/request | "
        "standbys | brokers | other load |", "|---|---|---|---|---|---|---|---|---|---|"]
    for cell in run.cells:
        others = [f"{cell.others_us[name]:.1f}" if cell.others_us else "-"
                  for name in ("standbys", "brokers")]
        lines.append(f"| {cell.load} | {cell.connections} | {cell.per_second:,.0f} | "
                     f"{cell.p50_ms:.2f} | {cell.p99_ms:.2f} | {cell.max_ms:.1f} | "
                     f"{cell.cpu_us:.1f} | {others[0]} | {others[1]} | {cell.foreign:.0%} |")
    lines += ["", "Server: the embedded vault, or the active node. Standbys and brokers: CPU time of "
              "all of them for one request. While the embedded vault is measured the cluster is idle.",
              "", "| target | wanted | measured | |", "|---|---|---|---|"]
    disturbed = any(cell.foreign > report.DISTURBED for cell in run.cells)
    doubt = " (disturbed: says nothing)" if disturbed else ""
    for what, wanted, measured, reached in run.targets:
        lines.append(f"| {what} | {wanted} | {measured} | "
                     f"{'reached' if reached else '**missed**'}{doubt} |")
    return "\n".join(lines) + "\n"


def bench(options, program, folder, cache, running, say):
    """Prints the report; whether every target was reached."""
    embedded = Cofferd(program, folder, {})
    running.append(embedded)
    cluster = Cluster(program, folder, cache)
    running.append(cluster)
    for server in (embedded, cluster):
        rate = server.prepare(options.keys, options.value_bytes)
        say(f"stored {options.keys} secrets, {rate:,.0f}/s")
    run = SimpleNamespace(machine=report.machine(folder, program), seconds=options.seconds,
                          repeat=options.repeat, keys=options.keys,
                          value_bytes=options.value_bytes,
                          cells=take_cells(options, cluster, embedded, say))
    for server in (embedded, cluster):
        server.check(options.keys, options.value_bytes)
    run.targets = targets(run.cells)
    text = render(run)
    print(text, end="", flush=True)
    if options.out:
        with open(options.out, "w", encoding="utf-8") as out:
            out.write(text)
    return all(reached for *_, reached in run.targets)
