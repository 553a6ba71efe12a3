"""compose.yaml: as docker compose reads it, and as the brokers and the server need it."""

import base64
import json
import os
import re
import tempfile

import yaml

from support import (DEPLOY, STOP_SECONDS, check, config_problem, finish, image_user, options, run,
                     seconds, skip, text, unknown_variables)

FILE = os.path.join(DEPLOY, "compose", "compose.yaml")
MODEL = yaml.safe_load(text("compose", "compose.yaml"))
NODES = {name: one for name, one in MODEL["services"].items() if name.startswith("coffer-")}
BROKERS = {name: one for name, one in MODEL["services"].items() if name.startswith("kafka-")}
MESSAGE_BYTES_MIN = 17 * 1024 * 1024  # docs/cluster.md


def loader_checks():
    compose = os.environ.get("COMPOSE")
    if not compose:
        return skip("docker compose's loader", "it needs Go")
    done = run([compose, "-format", "json", FILE])
    check("docker compose takes the file", done.stderr)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        file.write(text("compose", "compose.yaml").replace("read_only:", "readonly:"))
        file.flush()
        done = run([compose, file.name])
    check("docker compose would refuse an unknown key", [] if "readonly" in done.stderr else
          done.stderr or "it says nothing")
    return None


def reference_problems():
    problems = []
    for name, service in MODEL["services"].items():
        for other in service.get("depends_on", {}):
            if other not in MODEL["services"]:
                problems.append(f"{name} depends on {other}")
        for network in service.get("networks", []):
            if network not in MODEL["networks"]:
                problems.append(f"{name}: network {network}")
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                if not os.path.exists(os.path.join(DEPLOY, "compose", source)):
                    problems.append(f"{name}: no file {source}")
            elif source not in MODEL["volumes"]:
                problems.append(f"{name}: volume {source}")
    used = {v.split(":")[0] for s in MODEL["services"].values() for v in s.get("volumes", [])}
    return problems + [f"volume {name} is not used" for name in set(MODEL["volumes"]) - used]


def broker_problems(name, broker):
    """Against docs/cluster.md and the server's own defaults."""
    env = broker["environment"]
    table = options()
    session_max = int(table["COFFER_KAFKA_SESSION_TIMEOUT_MS"][1])
    rules = [
        (int(env["KAFKA_MESSAGE_MAX_BYTES"]) >= MESSAGE_BYTES_MIN, "message.max.bytes"),
        (int(env["KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS"]) <= session_max, "group.min.session.timeout.ms"),
        (env["KAFKA_UNCLEAN_LEADER_ELECTION_ENABLE"] == "false", "unclean.leader.election.enable"),
        (int(table["COFFER_KAFKA_REPLICATION"][1]) <= len(BROKERS), "kafka.replication"),
        (int(env["KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR"]) == len(BROKERS), "offsets.topic"),
        (env["KAFKA_ADVERTISED_LISTENERS"] == f"PLAINTEXT://{name}:9092", "advertised.listeners"),
        (f"{env['KAFKA_NODE_ID']}@{name}:9093" in env["KAFKA_CONTROLLER_QUORUM_VOTERS"].split(","),
         "controller.quorum.voters"),
        (len(base64.urlsafe_b64decode(env["CLUSTER_ID"] + "==")) == 16, "CLUSTER_ID"),
        ("kafka" in broker["networks"] and "nodes" not in broker["networks"], "networks"),
        ("ports" not in broker, "ports: brokers without a password are for the nodes only"),
        (env["KAFKA_LOG_DIRS"] in [v.split(":")[1] for v in broker["volumes"]], "log.dirs")]
    return [what for holds, what in rules if not holds]


def node_problems(name, node):
    env = {key: str(value) for key, value in node["environment"].items()}
    problems = [f"no option {one}" for one in unknown_variables(env)]
    problems += [one for one in [config_problem(text("image", "cofferd.toml"), env)] if one]
    mounts = [volume.split(":")[1] for volume in node["volumes"]]
    problems += [f"{key}: {value} is on no volume" for key, value in env.items()
                 if value.startswith("/") and not value.startswith(tuple(mounts))]
    rules = [
        (env["COFFER_CLUSTER_NODE"] == name, "cluster.node"),
        (set(env["COFFER_KAFKA_BOOTSTRAP"].split(",")) == {f"{b}:9092" for b in BROKERS}, "brokers"),
        ({entry.split("=")[0] for entry in env["COFFER_CLUSTER_NODES"].split()} == set(NODES), "nodes"),
        (node["read_only"] is True, "read_only"), (node["cap_drop"] == ["ALL"], "cap_drop"),
        ("no-new-privileges:true" in node["security_opt"], "security_opt"),
        ("user" not in node, "the image's user"),
        (node["ulimits"]["memlock"] >= 4 << 20, "memlock"),
        (seconds(node["stop_grace_period"]) >= STOP_SECONDS, "stop_grace_period"),
        (all(port.startswith("127.0.0.1:") and port.endswith(":8200") for port in node["ports"]),
         "ports: a demonstration serves this machine only"),
        (f"certificates-{name[-1]}:/certificates:ro" in node["volumes"], "its own certificate")]
    return problems + [what for holds, what in rules if not holds]


def certificate_problems(folder):
    problems = []
    for node in NODES:
        path = os.path.join(folder, "certificates", node)
        done = run(["openssl", "verify", "-purpose", "sslclient", "-CAfile",
                    os.path.join(path, "ca.pem"), os.path.join(path, "node.pem")])
        if done.returncode != 0:
            problems.append(done.stderr)
        names = run(["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in",
                     os.path.join(path, "node.pem")]).stdout
        if re.search(r"DNS:([^,\s]+)", names).group(1) != node:
            problems.append(f"{node}: {names}")
        if os.stat(os.path.join(path, "node.key")).st_mode & 0o077:
            problems.append(f"{node}: others can read the key")
    return problems


def setup_checks():
    """The one-shot service's script for real, with other folders, and as the user who runs this."""
    script = text("compose", "setup.sh").replace(
        f"OWNER={image_user()}", f"OWNER={os.getuid()}:{os.getgid()}")
    with tempfile.TemporaryDirectory() as folder:
        for node in NODES:
            os.makedirs(os.path.join(folder, "certificates", node))
        shared = os.path.join(folder, "shared")
        os.mkdir(shared)
        environment = dict(os.environ, SHARED=shared,
                           CERTIFICATES=os.path.join(folder, "certificates"))
        done = run(["sh", "-c", script], env=environment)
        check("setup.sh runs", [] if done.returncode == 0 else done.stderr)
        check("setup.sh makes certificates that the nodes accept", certificate_problems(folder))

        def read(name):
            with open(os.path.join(shared, name), encoding="ascii") as file:
                return file.read()
        check("setup.sh makes a PIN", [] if re.fullmatch("[0-9a-f]{64}\n", read("pin")) else "none")
        token_folder = re.search("tokendir = (.*)", read("softhsm2.conf")).group(1)
        check("setup.sh makes the token's folder", [] if os.path.isdir(token_folder) else token_folder)
        before = read("pin"), read("ca.pem")
        run(["sh", "-c", script], env=environment)
        check("setup.sh changes nothing the second time",
              [] if (read("pin"), read("ca.pem")) == before else "it does")
    check("setup.sh gives to the image's user", [] if f"OWNER={image_user()}\n" in
          text("compose", "setup.sh") else image_user())


def main():
    loader_checks()
    check("what the services refer to is there", reference_problems())
    check("three brokers and three nodes", [] if len(BROKERS) == len(NODES) == 3 else "no")
    for name, broker in BROKERS.items():
        check(f"broker {name}", broker_problems(name, broker))
    for name, node in NODES.items():
        check(f"node {name}", node_problems(name, node))
    setup_checks()
    build = MODEL["services"]["setup"]["build"]
    context = os.path.join(DEPLOY, "compose", build["context"])
    check("the image's Dockerfile", [] if os.path.exists(os.path.join(context, build["dockerfile"]))
          else build)
    finish()


main()
