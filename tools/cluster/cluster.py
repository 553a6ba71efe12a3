#!/usr/bin/env python3
"""Three Kafka brokers and three nodes on this machine: `tools/dev cluster`, `tools/dev cluster-down`.

  cluster.py up DATA --cofferd FILE --cache DIR    starts what is not running, then returns
  cluster.py down DATA                             stops all of it; the data stays

DATA/env has the export lines for Vault's tools, DATA/nodes/N/cofferd.pid and DATA/brokers/N/pid the
process ids. A demonstration on one machine: brokers without TLS, one SoftHSM token for all nodes.
"""

import argparse
import base64
import json
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests",
                                "support"))
from kafka_broker import fetch_jars  # noqa: E402

# Unlike the tests' brokers these live long enough for the optimising compiler to pay.
JAVA = ["java", "-Xmx256m", "-XX:+UseSerialGC"]

COUNT = 3
NAMES = [f"n{i + 1}" for i in range(COUNT)]


class ClusterError(Exception):
    pass


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        raise ClusterError(f"{command[0]} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def write(path, text, mode=0o600):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w",
              encoding="ascii") as out:
        out.write(text)


def read_pid(path):
    """Of a process that lives, else None."""
    try:
        with open(path, encoding="ascii") as file:
            pid = int(file.read())
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return None if stat.read().rsplit(")", 1)[1].split()[0] == "Z" else pid
    except (OSError, ValueError):
        return None


def free_ports(count):
    """Below the range that outgoing connections take theirs from: one of these could hold a port
    while its broker or node is down."""
    ports = []
    for port in random.sample(range(20000, 32000), 1000):
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
                ports.append(port)
            except OSError:
                pass
        if len(ports) == count:
            return ports
    raise ClusterError("no free ports")


class Layout:
    """Ports and ids, chosen once for a data folder."""

    def __init__(self, data):
        self.data = os.path.abspath(data)
        os.makedirs(self.data, mode=0o700, exist_ok=True)
        path = os.path.join(self.data, "layout.json")
        if not os.path.exists(path):
            ports = free_ports(4 * COUNT)
            write(path, json.dumps({
                "kafka": base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode(),
                "broker": ports[:COUNT], "controller": ports[COUNT:2 * COUNT],
                "api": ports[2 * COUNT:3 * COUNT], "peer": ports[3 * COUNT:]}))
        with open(path, encoding="ascii") as file:
            self.chosen = json.load(file)

    def path(self, *parts):
        return os.path.join(self.data, *parts)

    def url(self, number):
        return f"https://127.0.0.1:{self.chosen['api'][number]}"

    def bootstrap(self):
        return ",".join(f"127.0.0.1:{port}" for port in self.chosen["broker"])


# ---------------------------------------------------------------- brokers
def broker_properties(layout, number):
    quorum = ",".join(f"{i + 1}@127.0.0.1:{port}"
                      for i, port in enumerate(layout.chosen["controller"]))
    return f"""process.roles=broker,controller
node.id={number + 1}
controller.quorum.voters={quorum}
listeners=PLAINTEXT://127.0.0.1:{layout.chosen['broker'][number]},CONTROLLER://127.0.0.1:{layout.chosen['controller'][number]}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={layout.path('brokers', str(number + 1), 'data')}
num.network.threads=2
num.io.threads=2
offsets.topic.num.partitions=1
offsets.topic.replication.factor=3
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=2000
auto.create.topics.enable=false
log.cleaner.dedupe.buffer.size=4194304
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
unclean.leader.election.enable=false
message.max.bytes=20971520
"""


def start_broker(layout, jars, number):
    folder = layout.path("brokers", str(number + 1))
    if read_pid(os.path.join(folder, "pid")):
        return
    os.makedirs(folder, exist_ok=True)
    properties = os.path.join(folder, "server.properties")
    write(properties, broker_properties(layout, number))
    java = JAVA + ["-cp", os.path.join(jars, "*")]
    if not os.path.exists(os.path.join(folder, "data", "meta.properties")):
        run(java + ["kafka.tools.StorageTool", "format", "-t", layout.chosen["kafka"], "-c",
                    properties])
    with open(os.path.join(folder, "log"), "ab") as log:
        process = subprocess.Popen(java + ["kafka.Kafka", properties], stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log, start_new_session=True)
    write(os.path.join(folder, "pid"), f"{process.pid}\n")


def await_broker(layout, number):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if not read_pid(layout.path("brokers", str(number + 1), "pid")):
            break
        try:
            socket.create_connection(("127.0.0.1", layout.chosen["broker"][number]), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise ClusterError(f"broker {number + 1} did not start: see "
                       f"{layout.path('brokers', str(number + 1), 'log')}")


# ---------------------------------------------------------------- nodes
def make_certificates(layout):
    """An authority of the cluster, and for each node one certificate for clients and peers."""
    folder = layout.path("tls")
    if os.path.exists(os.path.join(folder, NAMES[-1] + ".pem")):
        return
    os.makedirs(folder, mode=0o700, exist_ok=True)
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    run(["openssl", "req", "-x509", *new_key, "-days", "3650", "-subj", "/CN=Coffer demo CA",
         "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign",
         "-keyout", os.path.join(folder, "ca.key"), "-out", os.path.join(folder, "ca.pem")])
    for name in NAMES:
        base = os.path.join(folder, name)
        run(["openssl", "req", *new_key, "-subj", f"/CN={name}", "-keyout", base + ".key", "-out",
             base + ".csr"])
        write(base + ".ext", f"subjectAltName=DNS:{name},DNS:localhost,IP:127.0.0.1\n"
                             "basicConstraints=CA:FALSE\n"
                             "extendedKeyUsage=serverAuth,clientAuth\n")
        run(["openssl", "x509", "-req", "-in", base + ".csr", "-days", "3650", "-CA",
             os.path.join(folder, "ca.pem"), "-CAkey", os.path.join(folder, "ca.key"),
             "-CAcreateserial", "-extfile", base + ".ext", "-out", base + ".pem"])
    for file in os.listdir(folder):
        os.chmod(os.path.join(folder, file), 0o600)


def node_config(layout, number):
    name, tls = NAMES[number], layout.path("tls")
    nodes = " ".join(f"{NAMES[i]}={layout.url(i)}=127.0.0.1:{layout.chosen['peer'][i]}"
                     for i in range(COUNT))
    return f"""data_dir = "{layout.path('nodes', name)}"
[listener]
address = "127.0.0.1"
port = {layout.chosen['api'][number]}
certificate_file = "{tls}/{name}.pem"
key_file = "{tls}/{name}.key"
[seal]
pin_file = "{layout.path('hsm', 'pin')}"
[embedded]
auto_init = true
[store]
engine = "kafka"
[kafka]
bootstrap = "{layout.bootstrap()}"
[cluster]
node = "{name}"
nodes = "{nodes}"
ca_file = "{tls}/ca.pem"
certificate_file = "{tls}/{name}.pem"
key_file = "{tls}/{name}.key"
listen_address = "127.0.0.1"
"""


def prepare_hsm(layout):
    tokens = layout.path("hsm", "tokens")
    os.makedirs(tokens, mode=0o700, exist_ok=True)
    write(layout.path("hsm", "softhsm2.conf"),
          f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")


def start_node(layout, cofferd, number):
    folder = layout.path("nodes", NAMES[number])
    if read_pid(os.path.join(folder, "cofferd.pid")):
        return
    os.makedirs(folder, mode=0o700, exist_ok=True)
    config = os.path.join(folder, "cofferd.toml")
    write(config, node_config(layout, number))
    command = [cofferd, "--config", config] + (["--allow-root"] if os.geteuid() == 0 else [])
    environment = dict(os.environ, SOFTHSM2_CONF=layout.path("hsm", "softhsm2.conf"))
    with open(os.path.join(folder, "log"), "ab") as log:
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                         env=environment, start_new_session=True)


def health(layout, number):
    context = ssl.create_default_context(cafile=layout.path("tls", "ca.pem"))
    try:
        with urllib.request.urlopen(layout.url(number) + "/v1/sys/health", timeout=2,
                                    context=context) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def await_nodes(layout):
    """One is active and unsealed, the others stand by."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        seen = sorted(health(layout, number) for number in range(COUNT))
        if seen == [200] + [429] * (COUNT - 1):
            return
        time.sleep(0.1)
    raise ClusterError(f"the nodes did not come up, sys/health says {seen}: see "
                       f"{layout.path('nodes')}/*/log")


def root_token(layout):
    for name in NAMES:
        path = layout.path("nodes", name, "root-token")
        if os.path.exists(path):
            with open(path, encoding="ascii") as file:
                return file.read().strip()
    return None


def write_env(layout):
    urls = " ".join(layout.url(number) for number in range(COUNT))
    lines = [f"export COFFER_NODES='{urls}'", f"export VAULT_ADDR='{layout.url(0)}'",
             f"export VAULT_CACERT='{layout.path('tls', 'ca.pem')}'"]
    token = root_token(layout)
    if token:
        lines.append(f"export VAULT_TOKEN='{token}'")
    write(layout.path("env"), "\n".join(lines) + "\n")


# ---------------------------------------------------------------- commands
def up(layout, cofferd, cache):
    jars = fetch_jars(cache)
    for number in range(COUNT):
        start_broker(layout, jars, number)
    for number in range(COUNT):
        await_broker(layout, number)
    make_certificates(layout)
    prepare_hsm(layout)
    for number in range(COUNT):
        start_node(layout, cofferd, number)
    await_nodes(layout)
    write_env(layout)
    for number in range(COUNT):
        print(f"{NAMES[number]}  {layout.url(number)}")
    env = layout.path("env")
    print(f"\nsource {env}\n"
          'curl --cacert "$VAULT_CACERT" -H "X-Vault-Token: $VAULT_TOKEN" '
          '-d \'{"data":{"password":"s3cr3t"}}\' "$VAULT_ADDR/v1/secret/data/first"')


def stop_process(path, number):
    """SIGTERM, and SIGKILL when that is not enough."""
    pid = read_pid(path)
    if pid is None:
        return
    os.kill(pid, number)
    deadline = time.monotonic() + 15
    while read_pid(path) and time.monotonic() < deadline:
        time.sleep(0.05)
    if read_pid(path):
        os.kill(pid, signal.SIGKILL)


def down(layout):
    for name in NAMES:
        stop_process(layout.path("nodes", name, "cofferd.pid"), signal.SIGTERM)
    for number in range(COUNT):
        path = layout.path("brokers", str(number + 1), "pid")
        stop_process(path, signal.SIGTERM)
        if os.path.exists(path):
            os.unlink(path)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    arguments.add_argument("command", choices=["up", "down"])
    arguments.add_argument("data")
    arguments.add_argument("--cofferd")
    arguments.add_argument("--cache")
    options = arguments.parse_args()
    layout = Layout(options.data)
    try:
        if options.command == "up":
            up(layout, options.cofferd, options.cache)
        else:
            down(layout)
    except ClusterError as error:
        print(f"cluster: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
