"""The Helm chart: rendered with many values, refused with wrong ones, and no value without effect."""

import copy
import filecmp
import os
import tempfile

import yaml

from manifests import Manifests, problems, schema_problems
from support import DEPLOY, check, finish, run, skip, text

HELM = os.environ.get("HELM")
CHART = os.path.join(DEPLOY, "helm", "coffer")
CLUSTER = yaml.safe_load(text("kubernetes", "cluster.values.yaml"))
EMBEDDED = {"mode": "embedded"}

SASL = {"kafka": {"sasl": {"mechanism": "SCRAM-SHA-512", "user": "coffer",
                           "passwordSecret": "kafka-password"}}}
MONITOR = {"metrics": {"serviceMonitor": {"enabled": True, "tokenSecret": "scrape", "caSecret": "ca"}}}
MONITOR_OFF = {"metrics": {"serviceMonitor": {**MONITOR["metrics"]["serviceMonitor"],
                                              "enabled": False}}}
OPEN_MONITOR = {"metrics": {"serviceMonitor": {"enabled": True, "caSecret": "ca"}},
                "config": {"telemetry": {"unauthenticated_metrics_access": True}}}
# Further values over those of a mode -> what must be in the result.
VARIANTS = [
    ("embedded, as it is", EMBEDDED, {}, []),
    ("embedded with a certificate and a PIN", EMBEDDED,
     {"tls": {"secretName": "web"}, "pin": {"secretName": "pin"}},
     ['certificate_file = "/etc/coffer/tls/tls.crt"', 'pin_file = "/etc/coffer/pin/pin"']),
    ("cluster, as it is", CLUSTER, {}, ["replicas: 3", 'engine = "kafka"']),
    ("five nodes", CLUSTER, {"replicas": 5}, ["coffer-4=https://"]),
    ("certificates from a Secret", CLUSTER,
     {"tls": {"secretName": "nodes", "certManager": {"issuerName": ""}}},
     ["subPathExpr: $(POD_NAME)", "path: coffer-2/tls.key"]),
    ("PIN from a provider", CLUSTER,
     {"pin": {"secretName": "", "secretProviderClass": "vendor", "key": "hsm-pin"}},
     ["driver: secrets-store.csi.k8s.io", 'pin_file = "/etc/coffer/pin/hsm-pin"']),
    ("a password for Kafka", CLUSTER, SASL,
     ['sasl_password_file = "/etc/coffer/kafka-sasl/password"', 'sasl_user = "coffer"']),
    ("a shared SoftHSM", CLUSTER,
     {"hsm": {"module": "/usr/lib/softhsm/libsofthsm2.so", "softhsmClaim": "token", "volumes": [],
              "volumeMounts": []}},
     ["directories.tokendir = /var/lib/coffer-hsm", "SOFTHSM2_CONF"]),
    ("a monitor with a token", CLUSTER, MONITOR,
     ["kind: ServiceMonitor", 'name: "scrape"', "serverName: coffer.coffer.svc"]),
    ("a monitor without one", EMBEDDED, OPEN_MONITOR,
     ["kind: ServiceMonitor", "unauthenticated_metrics_access = true"]),
    ("no network policy", CLUSTER, {"networkPolicy": {"enabled": False}}, ["kind: StatefulSet"]),
    ("large and odd options", CLUSTER,
     {"config": {"access_log": {"bytes_max": 8589934592}, "tokens": {"max_ttl": "24h"},
                 "log": {"level": "debug"}}},
     ["bytes_max = 8589934592", 'max_ttl = "24h"', 'level = "debug"']),
]
# Values -> words of the refusal.
REFUSED = [
    ("no brokers", CLUSTER, {"kafka": {"bootstrap": ""}}, "kafka.bootstrap"),
    ("brokers without a port", CLUSTER, {"kafka": {"bootstrap": "kafka"}}, "kafka"),
    ("no PIN", CLUSTER, {"pin": {"secretName": ""}}, "pin.secretName"),
    ("two PINs", CLUSTER, {"pin": {"secretProviderClass": "x"}}, "not both"),
    ("no certificates", CLUSTER, {"tls": {"certManager": {"issuerName": ""}}}, "issuerName"),
    ("two certificates", CLUSTER, {"tls": {"secretName": "x"}}, "not both"),
    ("a SoftHSM for each node", CLUSTER, {"hsm": {"module": "/usr/lib/softhsm/libsofthsm2.so"}},
     "one HSM token"),
    ("an option of the chart", CLUSTER, {"config": {"listener": {"port": 9}}}, "set by the chart"),
    ("the node's id", CLUSTER, {"config": {"cluster": {"node": "n"}}}, "set by the chart"),
    ("half an option", CLUSTER, {"config": {"limits": {"mailbox_max": 1.5}}}, "whole number"),
    ("a list as an option", CLUSTER, {"config": {"limits": {"mailbox_max": [1]}}}, "neither"),
    ("a misspelt value", CLUSTER, {"replica": 3}, "replica"),
    ("a misspelt inner value", CLUSTER, {"pin": {"secret": "x"}}, "secret"),
    ("one node of a cluster", CLUSTER, {"replicas": 1}, "replicas"),
    ("a mode that is none", CLUSTER, {"mode": "single"}, "mode"),
    ("too little time to stop", CLUSTER, {"preStopSeconds": 20}, "terminationGracePeriodSeconds"),
    ("a mechanism without a user", CLUSTER, {"kafka": {"sasl": {"mechanism": "PLAIN"}}}, "needs user"),
    ("a monitor without a token", CLUSTER,
     {"metrics": {"serviceMonitor": {"enabled": True, "caSecret": "ca"}}}, "tokenSecret"),
    ("a monitor without an authority", CLUSTER,
     {"metrics": {"serviceMonitor": {"enabled": True, "tokenSecret": "t"}}}, "caSecret"),
    ("a client certificate from nowhere", CLUSTER, {"kafka": {"tls": {"secretName": ""}}},
     "kafka.tls.secretName"),
]
# For a value whose type says too little of what it may be.
OTHER = {"mode": "embedded", "replicas": 4, "image.pullPolicy": "Always", "kafka.bootstrap": "k:1",
         "service.type": "NodePort", "persistence.size": "9Gi", "updateStrategy": "OnDelete",
         "terminationGracePeriodSeconds": 90, "topologySpread.host": "ScheduleAnyway",
         "topologySpread.zone": "DoNotSchedule", "networkPolicy.kafka.ports": [19093],
         "networkPolicy.clients": [{"podSelector": {}}], "networkPolicy.kafka.to": [{"podSelector": {}}],
         "tls.dnsNames": ["vault.example.com"], "preStopSeconds": 7,
         "resources": {"limits": {"memory": "3Gi"}}, "pin.secretProviderClass": "x",
         "kafka.tls.clientCertificate": False, "metrics.serviceMonitor.interval": "7s"}


def merged(base, over):
    result = copy.deepcopy(base)
    for key, value in over.items():
        inner = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if inner else value
    return result


def render(values):
    """The manifests, or None and what helm says."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        yaml.safe_dump(values, file)
        file.flush()
        done = run([HELM, "template", "coffer", CHART, "--namespace", "coffer", "--kube-version",
                    "1.30.0", "--values", file.name])
    return (done.stdout, "") if done.returncode == 0 else (None, done.stderr)


def variant_problems(base, over, words):
    source, said = render(merged(base, over))
    if source is None:
        return said
    return problems(source) + schema_problems(source, "1.30") + [
        f"no '{one}'" for one in words if one not in source]


def leaves(values, path=()):
    for key, value in values.items():
        if isinstance(value, dict) and value and path + (key,) not in [("config",), ("resources",)]:
            yield from leaves(value, path + (key,))
        else:
            yield path + (key,), value


def other_than(path, value):
    name = ".".join(path)
    if name in OTHER:
        return OTHER[name]
    if name == "config":
        return {"log": {"level": "warn"}}
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value + "other"
    return [{"name": "other"}] if isinstance(value, list) else {"other": "other"}


def unused_values():
    """Values of values.yaml that change nothing, whatever else is set."""
    settings = [merged(CLUSTER, SASL), merged(CLUSTER, MONITOR),
                merged(CLUSTER, MONITOR_OFF),
                merged(CLUSTER, {"tls": {"secretName": "x", "certManager": {"issuerName": ""}}}),
                EMBEDDED]
    before = [render(one)[0] for one in settings]
    unused = []
    for path, value in leaves(yaml.safe_load(text("helm", "coffer", "values.yaml"))):
        change = other_than(path, value)
        for step in reversed(path):
            change = {step: change}
        after = [render(merged(one, change))[0] for one in settings]
        if not any(new and new != old for new, old in zip(after, before)):
            unused.append(".".join(path))
    return unused


def rendered_problems():
    with tempfile.TemporaryDirectory() as folder:
        done = run([os.path.join(DEPLOY, "kubernetes", "render"), folder], env=dict(os.environ))
        if done.returncode != 0:
            return done.stderr
        return [f"{name}: run deploy/kubernetes/render" for name in sorted(os.listdir(folder))
                if not filecmp.cmp(os.path.join(folder, name),
                                   os.path.join(DEPLOY, "kubernetes", name), shallow=False)]


def restart_problems():
    """A changed option changes the pods, so that they restart."""
    one = Manifests(render(CLUSTER)[0])
    other = Manifests(render(merged(CLUSTER, {"config": {"log": {"level": "warn"}}}))[0])
    key = "checksum/config"
    same = [m.template["metadata"]["annotations"][key] for m in (one, other)]
    return [] if same[0] != same[1] else key


def main():
    if not HELM:
        skip("the chart", "no helm")
        return finish()
    for values in ("cluster", "embedded"):
        done = run([HELM, "lint", "--strict", CHART, "--values",
                    os.path.join(DEPLOY, "kubernetes", f"{values}.values.yaml")])
        check(f"helm lint: {values}", [] if done.returncode == 0 else done.stdout + done.stderr)
    check("deploy/kubernetes is what the chart renders", rendered_problems())
    for name, base, over, words in VARIANTS:
        check(f"rendered: {name}", variant_problems(base, over, words))
    for name, base, over, words in REFUSED:
        source, said = render(merged(base, over))
        check(f"refused: {name}", [] if source is None and words in said else said or "it renders")
    check("a changed option restarts the nodes", restart_problems())
    check("no value is without effect", unused_values())
    return finish()


main()
