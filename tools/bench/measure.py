"""One figure at a time: a wrk run against a server, and what the disk can do at all."""

import os
import re
import resource
import subprocess
import time
from dataclasses import dataclass, field

from servers import BenchError

HERE = os.path.dirname(os.path.abspath(__file__))
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Cell:
    load: str  # "nginx", "read" or "write"
    connections: int
    per_second: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    cpu_us: float    # server's user and system time for one request
    rss_mb: float
    foreign: float   # share of the machine that neither server nor generator used, but somebody did
    body_bytes: float
    others_us: dict = field(default_factory=dict)  # CPU time for one request of server.others


@dataclass
class Fsync:
    per_second: float
    p50_ms: float
    p99_ms: float


def process_seconds(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def rss_mb(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
            total += int(re.search(r"^VmRSS:\s+(\d+)", status.read(), re.MULTILINE).group(1))
    return total / 1024


def machine_seconds():
    """(busy, stolen by the hypervisor) of all cores together."""
    with open("/proc/stat", encoding="ascii") as stat:
        fields = [int(f) for f in stat.readline().split()[1:9]]
    user, nice, system, _, _, irq, softirq, steal = fields
    return (user + nice + system + irq + softirq) / TICKS, steal / TICKS


def children_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_load(server, load, connections, seconds, keys, value_bytes, token, nodes=()):
    """Fails when a single answer was not 2xx or a single connection broke. `nodes` (host:port)
    spreads the connections, whose number must be a multiple of theirs."""
    kind = "fixed" if load == "nginx" else load
    threads = len(nodes) or min(connections, os.cpu_count())
    others = getattr(server, "others", {})
    command = ["wrk", "-t", str(threads), "-c", str(connections), "-d", f"{seconds}s",
               "--timeout", "10s", "-s", os.path.join(HERE, "load.lua"), server.url, "--",
               kind, str(keys), str(value_bytes)]
    before = process_seconds(server.pids), machine_seconds(), children_seconds()
    others_before = {name: process_seconds(pids) for name, pids in others.items()}
    began = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False,
                              timeout=seconds + 60, env={**os.environ, "BENCH_TOKEN": token,
                                                         "BENCH_NODES": " ".join(nodes)})
    except subprocess.TimeoutExpired:
        raise BenchError(f"wrk did not end: {load} at {connections}") from None
    elapsed = time.monotonic() - began
    cpu = process_seconds(server.pids) - before[0]
    others_used = {name: process_seconds(pids) - others_before[name]
                   for name, pids in others.items()}
    busy, steal = (now - then for now, then in zip(machine_seconds(), before[1]))
    generator = children_seconds() - before[2]
    found = re.search(r"^RESULT (.*)$", done.stdout, re.MULTILINE)
    if done.returncode != 0 or not found:
        raise BenchError(f"wrk failed: {load} at {connections}:\n{done.stdout}{done.stderr}")
    result = {k: int(v) for k, v in (pair.split("=") for pair in found.group(1).split())}
    wrong = {k: result[k] for k in ("status", "connect", "read", "write", "timeout") if result[k]}
    if wrong or result["requests"] == 0:
        raise BenchError(f"{load} at {connections}: {result['requests']} requests, errors {wrong}")
    foreign = max(0.0, busy + steal - cpu - generator - sum(others_used.values())) / (elapsed * os.cpu_count())
    return Cell(load, connections, result["requests"] / result["duration_us"] * 1e6,
                result["p50_us"] / 1e3, result["p99_us"] / 1e3, result["max_us"] / 1e3,
                cpu / result["requests"] * 1e6, rss_mb(server.pids), foreign,
                result["bytes"] / result["requests"],
                {name: used / result["requests"] * 1e6 for name, used in others_used.items()})


def raw_fsync(folder, seconds, record_bytes=1200):
    """Appends records to one file, each followed by fdatasync, one after the other."""
    path = os.path.join(folder, "fsync-probe")
    record = os.urandom(record_bytes)
    times = []
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        end = time.perf_counter() + seconds
        now = time.perf_counter()
        while now < end:
            os.write(file, record)
            os.fdatasync(file)
            after = time.perf_counter()
            times.append(after - now)
            now = after
    finally:
        os.close(file)
        os.unlink(path)
    times.sort()
    return Fsync(len(times) / sum(times), times[len(times) // 2] * 1e3,
                 times[min(len(times) - 1, len(times) * 99 // 100)] * 1e3)
