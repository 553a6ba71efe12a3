#!/usr/bin/env python3
"""Three Kafka brokers and three nodes on this machine: `tools/dev cluster`, `tools/dev cluster-down`.

  cluster.py up DATA --cofferd FILE --cache DIR    starts what is not running, then returns
  cluster.py down DATA                             stops all of it; the data stays

DATA/env has the export lines for Vault's tools, DATA/nodes/N/cofferd.pid and DATA/brokers/N/pid the
process ids. A demonstration on one machine: brokers without TLS, one SoftHSM token for all nodes.
"""

import argparse
import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

from brokers import (LASTING_JAVA, Broker, BrokerError, Place, Settings, fetch_jars, free_ports,
                     new_cluster_id)

COUNT = 3
NAMES = [f"n{i + 1}" for i in range(COUNT)]


class ClusterError(BrokerError):
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


class Layout:
    """Addresses and ids, chosen once for a data folder. `hosts` ("node" and "broker" -> one address
    each) is for who wants others than 127.0.0.1."""

    def __init__(self, data, hosts=None):
        self.data = os.path.abspath(data)
        os.makedirs(self.data, mode=0o700, exist_ok=True)
        path = os.path.join(self.data, "layout.json")
        if not os.path.exists(path):
            ports = free_ports(4 * COUNT)
            write(path, json.dumps({
                "kafka": new_cluster_id(), "hosts": hosts or {},
                "broker": ports[:COUNT], "controller": ports[COUNT:2 * COUNT],
                "api": ports[2 * COUNT:3 * COUNT], "peer": ports[3 * COUNT:]}))
        with open(path, encoding="ascii") as file:
            self.chosen = json.load(file)

    def path(self, *parts):
        return os.path.join(self.data, *parts)

    def host(self, kind, number):
        """Of a "node" or a "broker"."""
        return self.chosen.get("hosts", {}).get(kind, ["127.0.0.1"] * COUNT)[number]

    def url(self, number):
        return f"https://{self.host('node', number)}:{self.chosen['api'][number]}"

    def bootstrap(self):
        return ",".join(f"{self.host('broker', i)}:{port}"
                        for i, port in enumerate(self.chosen["broker"]))


# ---------------------------------------------------------------- brokers
def broker(layout, jars, number):
    places = [Place(layout.host("broker", i), layout.chosen["broker"][i],
                    layout.chosen["controller"][i]) for i in range(COUNT)]
    return Broker(jars, layout.path("brokers", str(number + 1)), places, number,
                  Settings(layout.chosen["kafka"], tuple(LASTING_JAVA)))


def start_broker(layout, jars, number, prefix=()):
    """The broker, the number of starts that make it ready, and its process; None: it ran."""
    one = broker(layout, jars, number)
    pid_file = os.path.join(one.folder, "pid")
    if read_pid(pid_file):
        return one, one.starts(), None
    wanted = one.starts() + 1
    process = one.start(prefix)
    write(pid_file, f"{process.pid}\n")
    return one, wanted, process


def await_broker(layout, started):
    one, starts, _ = started
    pid_file = layout.path("brokers", str(one.number + 1), "pid")
    one.await_ready(starts, lambda: read_pid(pid_file) is not None)


# ---------------------------------------------------------------- nodes
def make_certificates(layout, extra_environment=None):
    """An authority of the cluster, and for each node one certificate for clients and peers."""
    folder = layout.path("tls")
    if os.path.exists(os.path.join(folder, NAMES[-1] + ".pem")):
        return
    os.makedirs(folder, mode=0o700, exist_ok=True)
    environment = dict(os.environ, **(extra_environment or {}))

    def openssl(*arguments):
        run(["openssl", *arguments], env=environment)

    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *new_key, "-days", "3650", "-subj", "/CN=Coffer demo CA", "-addext",
            "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign", "-keyout",
            os.path.join(folder, "ca.key"), "-out", os.path.join(folder, "ca.pem"))
    for number, name in enumerate(NAMES):
        base = os.path.join(folder, name)
        openssl("req", *new_key, "-subj", f"/CN={name}", "-keyout", base + ".key", "-out",
                base + ".csr")
        addresses = {"127.0.0.1", layout.host("node", number)}
        names = ",".join([f"DNS:{name}", "DNS:localhost", *(f"IP:{one}" for one in addresses)])
        write(base + ".ext", f"subjectAltName={names}\n"
                             "basicConstraints=CA:FALSE\n"
                             "extendedKeyUsage=serverAuth,clientAuth\n")
        openssl("x509", "-req", "-in", base + ".csr", "-days", "3650", "-CA",
                os.path.join(folder, "ca.pem"), "-CAkey", os.path.join(folder, "ca.key"),
                "-CAcreateserial", "-extfile", base + ".ext", "-out", base + ".pem")
    for file in os.listdir(folder):
        os.chmod(os.path.join(folder, file), 0o600)


def node_config(layout, number):
    name, tls = NAMES[number], layout.path("tls")
    nodes = " ".join(f"{NAMES[i]}={layout.url(i)}={layout.host('node', i)}:{layout.chosen['peer'][i]}"
                     for i in range(COUNT))
    return f"""data_dir = "{layout.path('nodes', name)}"
[listener]
address = "{layout.host('node', number)}"
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
listen_address = "{layout.host('node', number)}"
"""


def prepare_hsm(layout):
    tokens = layout.path("hsm", "tokens")
    os.makedirs(tokens, mode=0o700, exist_ok=True)
    write(layout.path("hsm", "softhsm2.conf"),
          f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")


def start_node(layout, cofferd, number, prefix=(), extra_environment=None):
    """Its process; None: it ran. `prefix` goes in front of the command and ends in exec."""
    folder = layout.path("nodes", NAMES[number])
    if read_pid(os.path.join(folder, "cofferd.pid")):
        return None
    os.makedirs(folder, mode=0o700, exist_ok=True)
    config = os.path.join(folder, "cofferd.toml")
    write(config, node_config(layout, number))
    command = [*prefix, cofferd, "--config", config] + (["--allow-root"] if os.geteuid() == 0 else [])
    environment = dict(os.environ, SOFTHSM2_CONF=layout.path("hsm", "softhsm2.conf"),
                       **(extra_environment or {}))
    with open(os.path.join(folder, "log"), "ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
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
    for started in [start_broker(layout, jars, number) for number in range(COUNT)]:
        await_broker(layout, started)
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
    except BrokerError as error:
        print(f"cluster: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
