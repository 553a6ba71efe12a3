"""Prometheus' text format 0.0.4, read strictly: every deviation is an error.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

import math
import re

SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
SUFFIXES = ("_bucket", "_sum", "_count")


class Family:
    def __init__(self, name, kind):
        self.name, self.kind = name, kind
        self.samples = []  # (name, labels, value)

    def value(self, **labels):
        """The one sample with these labels; None when there is none."""
        found = [value for _, own, value in self.samples if own == labels]
        assert len(found) <= 1, f"{self.name} {labels} twice"
        return found[0] if found else None


def parse_labels(text):
    labels, at = {}, 0
    while at < len(text):
        found = LABEL.match(text, at)
        assert found, f"labels: {text}"
        assert found.group(1) not in labels, f"label twice: {text}"
        labels[found.group(1)] = found.group(2)
        at = found.end()
    return labels


def check_histogram(family):
    """Buckets rise with their bounds and end with all observations."""
    series = {}
    for name, labels, value in family.samples:
        key = tuple(sorted((k, v) for k, v in labels.items() if k != "le"))
        series.setdefault(key, {}).setdefault(name[len(family.name):], []).append((labels, value))
    for parts in series.values():
        assert set(parts) == set(SUFFIXES), f"{family.name}: {sorted(parts)}"
        buckets = [(float(labels["le"]), value) for labels, value in parts["_bucket"]]
        assert buckets == sorted(buckets), f"{family.name}: buckets fall"
        assert buckets[-1][0] == math.inf and buckets[-1][1] == parts["_count"][0][1], family.name


def parse(text):
    """{name: Family}."""
    families, current = {}, None
    assert text.endswith("\n"), "no newline at the end"
    for line in text.splitlines():
        if line.startswith("# HELP "):
            continue
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in families, f"{name} twice"
            current = families[name] = Family(name, kind)
            continue
        found = SAMPLE.fullmatch(line)
        assert found, f"line: {line}"
        name, labels, value = found.groups()
        allowed = ([current.name + suffix for suffix in SUFFIXES]
                   if current.kind == "histogram" else [current.name])
        assert name in allowed, f"{name} below {current.name}"
        number = float(value)
        assert current.kind == "gauge" or number >= 0, line
        current.samples.append((name, parse_labels(labels or ""), number))
    for family in families.values():
        assert family.samples, f"{family.name} has no sample"
        if family.kind == "histogram":
            check_histogram(family)
    return families
