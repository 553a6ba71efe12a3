"""Kafka brokers from the jars of Maven Central, started as plain processes: the one module that knows
how. tools/cluster/cluster.py, the fault suites and the tests of the replicated log use it.

A broker is its own controller too; all of them vote.
"""

import base64
import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass

KAFKA = "4.4.0"
POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>coffer</groupId><artifactId>test-broker</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
      <version>{KAFKA}</version><scope>runtime</scope></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version><scope>runtime</scope></dependency>
  </dependencies>
</project>
"""
JAVA = ["java", "-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
# For brokers that live long enough for the optimising compiler to pay.
LASTING_JAVA = ["java", "-Xmx256m", "-XX:+UseSerialGC"]
STARTED = "Kafka Server started"


class BrokerError(Exception):
    pass


def fetch_jars(cache):
    """The folder of the jars; fetched when it is not complete."""
    folder = os.path.join(cache, f"kafka-{KAFKA}")
    if os.path.isdir(folder):
        return folder
    os.makedirs(cache, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as work:
        with open(os.path.join(work, "pom.xml"), "w", encoding="ascii") as pom:
            pom.write(POM)
        subprocess.run(
            ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime",
             "-DoutputDirectory=lib"],
            cwd=work, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)
        os.rename(os.path.join(work, "lib"), folder)
    return folder


def die_with_parent():
    """For preexec_fn. Not for what outlives the command that started it."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def new_cluster_id():
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()


def free_ports(count):
    """Below the range that outgoing connections take theirs from: one of these could hold a port
    while its server is down, or be connected to himself while he tries to reach it."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        end = int(file.read().split()[0])
    chosen, generator = [], random.SystemRandom()
    for _ in range(10000):
        port = generator.randrange(min(10000, end // 2), end)
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in chosen:
            chosen.append(port)
        if len(chosen) == count:
            return chosen
    raise BrokerError("no free ports")


@dataclass(frozen=True)
class Place:
    """Where a broker listens; `tls_port` 0: it has no TLS listener."""
    host: str
    port: int
    controller_port: int
    tls_port: int = 0


@dataclass(frozen=True)
class Settings:
    """Of all brokers of a cluster. The folder of certificates is needed with TLS ports only: it
    holds keystore.pem and ca.pem, and the brokers ask for client certificates."""
    cluster_id: str
    java: tuple = tuple(JAVA)
    session_ms: int = 3000
    heartbeat_ms: int = 500
    certificates: str = ""


class Broker:
    """One of the brokers at `places`. Everything of it is in its folder: properties, data, log."""

    def __init__(self, jars, folder, places, number, settings):
        self.number, self.folder, self.place = number, folder, places[number]
        self.log_file = os.path.join(folder, "log")
        self._data = os.path.join(folder, "data")
        self._properties = os.path.join(folder, "server.properties")
        self._java = [*settings.java, "-cp", os.path.join(jars, "*")]
        self._settings = settings
        os.makedirs(folder, exist_ok=True)
        with open(self._properties, "w", encoding="ascii") as out:
            out.write(self._text(places))
        self._alone = len(places) == 1

    def start(self, prefix=(), preexec_fn=None):
        """The process. `prefix` goes in front of the command; the process is the broker itself, so
        what it starts with must end in exec."""
        if not os.path.exists(os.path.join(self._data, "meta.properties")):
            self._format()
        with open(self.log_file, "ab") as log:
            return subprocess.Popen([*prefix, *self._java, "kafka.Kafka", self._properties],
                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                    start_new_session=True, preexec_fn=preexec_fn)

    def starts(self):
        """How often it has come up so far, as it says itself."""
        try:
            with open(self.log_file, encoding="utf-8", errors="replace") as log:
                return log.read().count(STARTED)
        except FileNotFoundError:
            return 0

    def await_ready(self, starts, is_alive, limit=60):
        """Until it has come up `starts` times and can be reached."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline and is_alive():
            try:
                if self.starts() >= starts:
                    socket.create_connection((self.place.host, self.place.port), 1).close()
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise BrokerError(f"broker {self.number + 1} is not ready: see {self.log_file}")

    def _format(self):
        command = self._java + ["kafka.tools.StorageTool", "format", "-t",
                                self._settings.cluster_id, "-c", self._properties]
        if self._alone:
            command.append("--standalone")
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise BrokerError(f"cannot format {self._data}: {done.stderr.strip()[-500:]}")

    def _text(self, places):
        place, copies, in_sync = self.place, min(len(places), 3), min(len(places), 2)
        quorum = (f"controller.quorum.bootstrap.servers={place.host}:{place.controller_port}"
                  if len(places) == 1 else "controller.quorum.voters=" + ",".join(
                      f"{i + 1}@{one.host}:{one.controller_port}" for i, one in enumerate(places)))
        tls = f"SSL://{place.host}:{place.tls_port}," if place.tls_port else ""
        text = f"""process.roles=broker,controller
node.id={self.number + 1}
{quorum}
listeners=PLAINTEXT://{place.host}:{place.port},{tls}CONTROLLER://{place.host}:{place.controller_port}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={self._data}
num.network.threads=2
num.io.threads=2
offsets.topic.num.partitions=1
offsets.topic.replication.factor={copies}
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr={in_sync}
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=2000
auto.create.topics.enable=false
log.cleaner.dedupe.buffer.size=4194304
broker.session.timeout.ms={self._settings.session_ms}
broker.heartbeat.interval.ms={self._settings.heartbeat_ms}
unclean.leader.election.enable=false
message.max.bytes=20971520
"""
        if tls:
            text += f"""ssl.keystore.type=PEM
ssl.keystore.location={self._settings.certificates}/keystore.pem
ssl.truststore.type=PEM
ssl.truststore.location={self._settings.certificates}/ca.pem
ssl.client.auth=required
"""
        return text
