#!/usr/bin/env python3
"""The rules of this repository as code: who may include whom, what is forbidden and what to use
instead, sizes, and golden files that never change.

Prints `file:line: rule: what to do` per finding and closes with the counts that tools/dev reads.
Warnings do not fail. `--base REF` compares the golden files with REF instead of HEAD.
"""

import argparse
import fnmatch
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

LINE_COLUMNS_MAX = 100
FILE_LINES_WARN = 500
FILE_LINES_MAX = 800

AGGREGATES = ("secret", "tenant", "keyring", "token", "policy", "rotation", "audit", "identity",
              "quota")

# Folder -> patterns of our headers that its files may include besides those of the folder itself.
# The longest matching folder counts. A folder that is not listed may include events/base only.
EVERYTHING = ["events/*", "hsm/*", "projections/*", "actors/*", "net/*"]
INCLUDES = {
    "events/base": [],
    "events/json": ["events/base/*"],
    "events/api": ["events/base/*", "events/json/*"] + [f"events/{a}/*" for a in AGGREGATES],
    "events/codec": ["events/base/*", "events/json/*", "events/schema/*", "hsm/*"]
    + [f"events/{a}/*" for a in AGGREGATES],
    "events/log": ["events/base/*", "events/json/*", "events/codec/*", "events/schema/*", "hsm/*"],
    "events/log/kafka": ["events/base/*", "events/codec/*", "events/log/*", "hsm/*"],
    "hsm": ["events/base/*"],
    "projections": ["events/*", "hsm/*"],
    "actors": ["events/*", "projections/*", "hsm/*"],
    "net/http": ["events/base/*", "events/json/*"],
    "net/cluster": ["events/base/*", "net/http/*"],
    "net/authn": ["events/base/*", "events/json/*", "hsm/envelope_cipher.h"],
    "net": ["events/*", "hsm/*", "net/*"],
    "tools/pch": [],
    "events/log/migration": ["events/base/*", "events/codec/*", "events/log/*", "hsm/*"],
    "tools/coffer": ["events/*", "hsm/*", "tools/cofferd/config.h", "tools/cofferd/data_folder.h",
                     "tools/cofferd/kafka_settings.h"],
    "tools/cofferd": EVERYTHING,
    "tests": EVERYTHING + ["tests/*"],
    "tests/cli": EVERYTHING + ["tests/*", "tools/coffer/*"],
    "tests/server": EVERYTHING + ["tests/*", "tools/cofferd/*"],
}
for aggregate in AGGREGATES:
    # Of another aggregate only its facts, never its state or its rules.
    INCLUDES[f"events/{aggregate}"] = ["events/base/*", "events/json/*"] + [
        f"events/{other}/{other}_events.h" for other in AGGREGATES
    ]
# A tenant keeps these two by their text and numbers; what they allow is theirs to say.
INCLUDES["events/tenant"] += ["events/policy/password_policy.h", "events/quota/rate_limit.h"]

# Outside library (pattern of the include) -> where it may be used, and what the others use.
LIBRARIES = [
    ("caf/*", ["actors/*", "tests/*", "tools/cofferd/*"], "talk to actors through their ports"),
    ("rocksdb/*", ["events/log/*", "projections/*rocksdb*", "tests/*"],
     "use the log and view-store interfaces"),
    ("librdkafka/*", ["events/log/kafka/*", "projections/*kafka*", "tests/*"], "use the log interface"),
    # All of Boost but its containers, which are vocabulary like the standard library's.
    ("boost/[!c]*", ["net/*", "tests/http/*"], "use net/http"),
    ("*pkcs11*", ["hsm/*", "tests/hsm/*", "tests/support/softhsm_fixture.h", "tools/cofferd/*"], "use hsm/key_service.h"),
    ("*gfshare*", ["hsm/*", "tests/hsm/*"], "use hsm/shamir.h"),
    ("openssl/*", ["hsm/*", "net/*", "tools/*", "tests/*"], "use the ports of events/base/ports.h"),
    ("simdjson*", ["events/json/*", "tests/*"], "use events/json"),
    ("prometheus/*", ["tools/cofferd/*", "tests/*"], "count with events/base/instruments.h"),
    ("google/protobuf/*", ["events/codec/*", "events/log/*", "tests/*"], "use events/codec"),
    ("spdlog/*", ["actors/*", "hsm/*", "net/*", "projections/*", "tools/*", "tests/*"],
     "return the error; the shell logs it"),
    ("fstream", ["events/log/*", "hsm/*", "net/*", "projections/*", "actors/*", "tools/*",
                 "tests/*"], "no file access in the core: take the content as a value"),
    ("filesystem", ["events/log/*", "hsm/*", "net/*", "projections/*", "actors/*", "tools/*",
                    "tests/*"], "no file access in the core: take the content as a value"),
]

# Forbidden text: name, pattern, where it is allowed all the same, what to use instead.
# Searched in code: comments and the content of string literals are blanked first.
BANS = [
    ("rand", r"\bstd::rand\b|(?<![\w:.>])s?rand\s*\(", [], "the random source of events/base/ports.h"),
    ("localtime", r"\blocaltime(_r)?\b", [], "UTC through events/base/time.h"),
    ("system clock", r"\bsystem_clock::now\b", ["hsm/system_clock.cpp", "tests/*"],
     "the Clock of events/base/ports.h"),
    ("clock in the core", r"\b(steady|high_resolution)_clock::now\b",
     ["events/log/*", "hsm/*", "net/*", "projections/*", "actors/*", "tools/*", "tests/*"],
     "time comes in as a value"),
    ("random device", r"\brandom_device\b",
     ["hsm/*", "net/*", "actors/*", "tools/*", "tests/*"], "the random source of events/base/ports.h"),
    ("getenv", r"\b(secure_)?getenv\b",
     ["hsm/*", "net/*", "projections/*", "actors/*", "tools/*", "tests/*"],
     "configuration comes in as a value"),
]

# Searched in the raw text, comments included.
RAW_BANS = [
    ("open end", r"\b(TODO|FIXME|XXX)\b", [], "file an issue, or do it now"),
    ("tab", r"\t", [], "spaces"),
]


class Findings:
    def __init__(self):
        self.errors = 0
        self.warnings = 0

    def error(self, path, line, rule, instead):
        self.errors += 1
        print(f"{path}:{line}: {rule}: {instead}")

    def warn(self, path, line, rule, instead):
        self.warnings += 1
        print(f"{path}:{line}: warning: {rule}: {instead}")


def git(*arguments):
    return subprocess.run(
        ["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=False
    )


def source_files():
    """Our .h, .cpp and .proto files, tracked or about to be."""
    listed = git("ls-files", "--cached", "--others", "--exclude-standard", "-z")
    if listed.returncode == 0:
        names = [n for n in listed.stdout.split("\0") if n]
    else:
        names = []
        for folder, folders, files in os.walk(ROOT):
            folders[:] = [f for f in folders if f not in (".git", "build", "data")]
            names += [os.path.relpath(os.path.join(folder, f), ROOT) for f in files]
    return sorted(
        n for n in set(names)
        if n.endswith((".h", ".cpp")) and os.path.isfile(os.path.join(ROOT, n))
    )


TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^()\\\s]{0,16})\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL,
)


def code_only(text):
    """The text with comments and literals blanked, line numbers kept. Include lines stay."""
    def blank(match):
        start = text.rfind("\n", 0, match.start()) + 1
        if text[start:match.start()].lstrip().startswith("#include"):
            return match.group(0)
        # A digit separator such as 1'000'000 looks like a character literal.
        if match.group(0).startswith("'") and text[match.start() - 1:match.start()].isalnum():
            return match.group(0)
        return re.sub(r"[^\n]", " ", match.group(0))

    return TOKEN.sub(blank, text)


def matches(path, patterns):
    return any(fnmatch.fnmatchcase(path, p) for p in patterns)


def folder_of(path):
    """The folder a file belongs to in the include table: two levels where the table has two."""
    parts = path.split("/")
    if parts[0] in ("events", "net", "tools", "tests") and len(parts) > 2:
        return "/".join(parts[:2])
    return parts[0]


def allowed_includes(path):
    best = None
    for folder in INCLUDES:
        if path.startswith(folder + "/") and (best is None or len(folder) > len(best)):
            best = folder
    return INCLUDES[best] if best else ["events/base/*"]


OURS = ("events/", "hsm/", "projections/", "actors/", "net/", "tools/", "tests/")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def check_includes(path, code, findings, edges):
    for number, line in enumerate(code.split("\n"), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quoted, target = match.group(1) == '"', match.group(2)
        if target.startswith(OURS) and quoted:
            own = os.path.dirname(path) == os.path.dirname(target)
            generated = target.startswith("events/schema/") and target.endswith(".pb.h")
            if not generated and not os.path.isfile(os.path.join(ROOT, target)):
                findings.error(path, number, "missing header", f"no file {target}")
            if not own and not matches(target, allowed_includes(path)):
                findings.error(
                    path, number, "include table",
                    f"{folder_of(path)} may not include {target}; see INCLUDES in tools/tidy/tidy.py",
                )
            here, there = folder_of(path), folder_of(target)
            if here != there and not here.startswith("tests"):
                edges.setdefault((here, there), (path, number))
        elif quoted:
            findings.error(path, number, "include path", f'write "{target}" from the repository root')
        for pattern, places, instead in LIBRARIES:
            if fnmatch.fnmatchcase(target, pattern) and not matches(path, places):
                findings.error(path, number, f"library {target}", instead)


def check_cycles(edges, findings):
    graph = {}
    for here, there in edges:
        graph.setdefault(here, set()).add(there)
    done, trail, reported = set(), [], set()

    def visit(node):
        if node in trail:
            cycle = trail[trail.index(node):] + [node]
            key = frozenset(cycle)
            if key not in reported:
                reported.add(key)
                path, line = edges[(cycle[-2], cycle[-1])]
                findings.error(path, line, "cycle", "folders depend on each other: " + " -> ".join(cycle))
            return
        if node in done:
            return
        trail.append(node)
        for following in sorted(graph.get(node, ())):
            visit(following)
        trail.pop()
        done.add(node)

    for node in sorted(graph):
        visit(node)


def check_text(path, text, code, findings):
    for rules, body in ((BANS, code), (RAW_BANS, text)):
        for number, line in enumerate(body.split("\n"), 1):
            for name, pattern, places, instead in rules:
                if re.search(pattern, line) and not matches(path, places):
                    findings.error(path, number, name, instead)
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_COLUMNS_MAX:
            findings.error(path, number, "line length", f"at most {LINE_COLUMNS_MAX} columns")
    count = len(lines) - (1 if lines[-1] == "" else 0)
    if count > FILE_LINES_MAX:
        findings.error(path, count, "file length", f"{count} lines; split it, {FILE_LINES_MAX} is the bound")
    elif count > FILE_LINES_WARN:
        findings.warn(path, count, "file length", f"{count} lines; look for a split")
    if path.endswith(".h") and "#pragma once" not in text:
        findings.error(path, 1, "include guard", "#pragma once")


def check_golden(base, findings):
    """Files under tests/golden may be added, never changed, renamed or removed. The registry's list
    may grow."""
    changes = git("diff", "--name-status", "--no-renames", base, "--", "tests/golden")
    if changes.returncode != 0:
        return  # no repository, or no commit yet
    for line in changes.stdout.splitlines():
        status, path = line.split("\t", 1)
        lost = git("diff", "--numstat", base, "--", path).stdout.split("\t")[1:2]
        if path == "tests/golden/events/registry.txt" and status == "M" and lost == ["0"]:
            continue
        if status != "A":
            findings.error(path, 1, "golden file", "stored formats are promises: add a new version beside it")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--base", default="HEAD", help="compare the golden files with this commit")
    options = arguments.parse_args()

    findings, edges = Findings(), {}
    files = source_files()
    for path in files:
        with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as stream:
            text = stream.read()
        code = code_only(text)
        check_includes(path, code, findings, edges)
        check_text(path, text, code, findings)
    check_cycles(edges, findings)
    check_golden(options.base, findings)

    print(f"tidy: {len(files)} files, {findings.errors} errors, {findings.warnings} warnings")
    print("0 passed, 1 failed, 0 skipped" if findings.errors else "1 passed, 0 failed, 0 skipped")
    return 1 if findings.errors else 0


if __name__ == "__main__":
    sys.exit(main())
