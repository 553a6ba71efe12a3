"""Renders a run as Markdown: the machine, the figures, and what was promised against what is."""

import os
import platform
import re
import subprocess

READ_SHARE_OF_NGINX = 0.40
READ_P99_MS = 10
WRITES_PER_SECOND = 15_000
WRITES_OVER_SINGLE = 4
WRITE_P99_MS = 25
SINGLE_WRITE_SHARE_OF_FSYNC = 0.60
DISTURBED = 0.05
NAMES = {"nginx": "nginx, fixed body", "read": "coffer read", "write": "coffer durable write"}


def first_line(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    text = (done.stdout or done.stderr).strip()
    return text.splitlines()[0] if text else "unknown"


def search(pattern, path):
    with open(path, encoding="utf-8", errors="replace") as source:
        found = re.search(pattern, source.read(), re.MULTILINE)
    return found.group(1).strip() if found else "unknown"


def disk_of(folder):
    """File system, its options that matter here, and the kind of device."""
    device = os.stat(folder).st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        for line in mounts:
            fields = line.split()
            if fields[2] == number:
                tail = fields[fields.index("-") + 1:]
                kind = tail[0]
                break
        else:
            return "unknown"
    block = os.path.realpath(f"/sys/dev/block/{number}")
    if not os.path.isdir(block):
        return kind
    if not os.path.isdir(os.path.join(block, "queue")):  # a partition: ask its disk
        block = os.path.dirname(block)

    def of_queue(name):
        try:
            with open(os.path.join(block, "queue", name), encoding="ascii") as value:
                return value.read().strip()
        except OSError:
            return "unknown"

    return (f"{kind} on {os.path.basename(block)} (rotational {of_queue('rotational')}, "
            f"cache {of_queue('write_cache')})")


def machine(folder, program):
    memory = int(search(r"^MemTotal:\s+(\d+)", "/proc/meminfo")) / 1024 / 1024
    return [
        ("CPU", f"{search(r'^model name.*: (.*)$', '/proc/cpuinfo')}, {os.cpu_count()} cores "
                f"(generator and server share them), {memory:.0f} GB memory"),
        ("kernel", platform.release()),
        ("disk", disk_of(folder)),
        ("versions", "; ".join([f"cofferd {first_line(program, '--version')}",
                                first_line("nginx", "-v"),
                                " ".join(first_line("wrk", "-v").split()[:2]),
                                " ".join(first_line("openssl", "version").split()[:2])])),
    ]


def table_row(cell):
    return (f"| {NAMES[cell.load]} | {cell.connections} | {cell.per_second:,.0f} | "
            f"{cell.p50_ms:.2f} | {cell.p99_ms:.2f} | {cell.max_ms:.1f} | {cell.cpu_us:.1f} | "
            f"{cell.rss_mb:.0f} | {cell.foreign * 100:.0f}% |")


def targets(cells, fsync_per_second, single_per_second):
    """(what, wanted, measured, reached) for each promise whose figures were taken."""
    by_place = {(c.load, c.connections): c for c in cells}
    read, nginx = by_place.get(("read", 64)), by_place.get(("nginx", 64))
    write, single = by_place.get(("write", 64)), by_place.get(("write", 1))
    rows = []
    if read and nginx:
        share = read.per_second / nginx.per_second
        rows.append(("reads at 64 connections, share of nginx", f"{READ_SHARE_OF_NGINX:.0%}",
                     f"{share:.1%}", share >= READ_SHARE_OF_NGINX))
        rows.append(("read p99 at 64 connections", f"{READ_P99_MS} ms", f"{read.p99_ms:.2f} ms",
                     read.p99_ms < READ_P99_MS))
    if write:
        wanted = max(WRITES_PER_SECOND, WRITES_OVER_SINGLE * single_per_second)
        rows.append(("durable writes/s at 64 connections",
                     f"{wanted:,.0f}", f"{write.per_second:,.0f}", write.per_second >= wanted))
        rows.append(("write p99 at 64 connections", f"{WRITE_P99_MS} ms",
                     f"{write.p99_ms:.2f} ms", write.p99_ms < WRITE_P99_MS))
    if single:
        share = single.per_second / fsync_per_second
        rows.append(("writes at 1 connection, share of the raw fsync rate",
                     f"{SINGLE_WRITE_SHARE_OF_FSYNC:.0%}", f"{share:.1%}",
                     share >= SINGLE_WRITE_SHARE_OF_FSYNC))
    return rows


def render(run):
    lines = ["# Benchmark", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {text} |" for name, text in run.machine]
    lines += [
        f"| load | {run.seconds} s a cell, best of {run.repeat}; {run.keys:,} random keys, values "
        f"of {run.value_bytes} B; TLS 1.3, P-256; ordinary policy token; every access recorded "
        "durably before its answer |",
        f"| answers | {run.answer_bytes:,} B of JSON a read; nginx {run.nginx_bytes:,} B; no "
        "answer was an error, no connection broke |",
        f"| loading | {run.load_rate:,.0f} secrets/s over 16 connections of the loading program |",
        "",
        "| load | connections | requests/s | p50 ms | p99 ms | max ms | server CPU us/request | "
        "RSS MB | other load |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [table_row(cell) for cell in run.cells]
    lines += ["", "Other load: share of the machine that was used by neither the server nor the "
              f"generator during the cell. Above {DISTURBED:.0%} the cell is disturbed; all CPU "
              "figures include the TLS handshakes of the cell's connections.", ""]
    disturbed = sum(cell.foreign > DISTURBED for cell in run.cells)
    if disturbed:
        lines += [f"**{disturbed} of {len(run.cells)} cells were disturbed by other programs: "
                  "this machine can do better than its figures.**", ""]
    lines += ["| append of 1.2 KB and fdatasync, one after the other | per second | p50 ms | "
              "p99 ms |", "|---|---|---|---|"]
    lines += [f"| {name} | {f.per_second:,.0f} | {f.p50_ms:.3f} | {f.p99_ms:.3f} |"
              for name, f in run.fsyncs]
    if run.single:
        lines += ["", "The same server with `store.commit_writes_max = 1`, that is one sync for "
                  f"every write, reached {run.single:,.0f} writes/s at 64 connections: the writes "
                  f"at 64 connections are asked to reach {WRITES_OVER_SINGLE} times that."]
    lines += ["", "| target | wanted | measured | |", "|---|---|---|---|"]
    doubt = " (disturbed: says nothing)" if disturbed else ""
    for what, wanted, measured, reached in run.targets:
        verdict = ("reached" if reached else "**missed**") + doubt
        lines.append(f"| {what} | {wanted} | {measured} | {verdict} |")
    return "\n".join(lines) + "\n"
