#!/usr/bin/env python3
"""Real Kafka brokers for a test program: fetches the jars once, starts one or more brokers on free
ports, runs a command with their addresses in its environment, and ends them whatever happens.

  kafka_broker.py --cache DIR [--brokers N] -- COMMAND...   exit status: the command's
  kafka_broker.py --control SOCKET ACTION NUMBER            from within the command

The command finds COFFER_TEST_KAFKA (host:port,host:port), COFFER_TEST_KAFKA_TLS (the same brokers
where they ask for a client certificate), COFFER_TEST_KAFKA_CERTIFICATES (a folder with ca.pem,
client.pem, client.key) and COFFER_TEST_KAFKA_CONTROL (the socket).
Actions: kill (-9), start (returns when the broker serves again), pause, resume.
"""

import argparse
import base64
import ctypes
import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid

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
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def make_certificates(folder):
    """An authority, a server for 127.0.0.1 and a client, all good for a day."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    os.mkdir(folder)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    openssl("req", "-x509", *key, "-subj", "/CN=test authority", "-keyout", "ca.key",
            "-out", "ca.pem")
    for name in ("server", "client"):
        openssl("req", "-x509", *key, "-CA", "ca.pem", "-CAkey", "ca.key", "-subj", f"/CN={name}",
                "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE",
                "-keyout", f"{name}.key", "-out", f"{name}.pem")


def free_ports(count):
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


class Cluster:
    def __init__(self, jars, work, count):
        self.jars, self.work = jars, work
        ports = free_ports(3 * count)
        self.ports, self.tls_ports = ports[:count], ports[count:2 * count]
        self.controllers = ports[2 * count:]
        self.certificates = os.path.join(work, "certificates")
        make_certificates(self.certificates)
        with open(os.path.join(self.certificates, "keystore.pem"), "w", encoding="ascii") as out:
            for part in ("server.key", "server.pem"):
                with open(os.path.join(self.certificates, part), encoding="ascii") as text:
                    out.write(text.read())
        self.processes = [None] * count
        self.starts = [0] * count
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        formats = [self.format(number, count, cluster) for number in range(count)]
        for one in formats:
            if one.wait() != 0:
                raise SystemExit(f"cannot format a broker's folder: see {work}")
        for number in range(count):
            self.spawn(number)
        for number in range(count):
            self.await_ready(number)

    def environment(self):
        def addresses(ports):
            return ",".join(f"127.0.0.1:{port}" for port in ports)
        return {"COFFER_TEST_KAFKA": addresses(self.ports),
                "COFFER_TEST_KAFKA_TLS": addresses(self.tls_ports),
                "COFFER_TEST_KAFKA_CERTIFICATES": self.certificates}

    def log(self, number):
        return open(os.path.join(self.work, f"broker-{number + 1}.log"), "ab")

    def config(self, number):
        return os.path.join(self.work, f"broker-{number + 1}.properties")

    def classpath(self):
        return ["-cp", os.path.join(self.jars, "*")]

    def format(self, number, count, cluster):
        copies, in_sync = min(count, 3), min(count, 2)
        quorum = (
            f"controller.quorum.bootstrap.servers=127.0.0.1:{self.controllers[0]}" if count == 1
            else "controller.quorum.voters=" + ",".join(
                f"{i + 1}@127.0.0.1:{port}" for i, port in enumerate(self.controllers)))
        with open(self.config(number), "w", encoding="ascii") as out:
            out.write(f"""process.roles=broker,controller
node.id={number + 1}
{quorum}
listeners=PLAINTEXT://127.0.0.1:{self.ports[number]},SSL://127.0.0.1:{self.tls_ports[number]},\
  CONTROLLER://127.0.0.1:{self.controllers[number]}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL
ssl.keystore.type=PEM
ssl.keystore.location={self.certificates}/keystore.pem
ssl.truststore.type=PEM
ssl.truststore.location={self.certificates}/ca.pem
ssl.client.auth=required
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={self.work}/data-{number + 1}
offsets.topic.num.partitions=1
offsets.topic.replication.factor={copies}
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr={in_sync}
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
log.cleaner.dedupe.buffer.size=4194304
broker.session.timeout.ms=1500
broker.heartbeat.interval.ms=300
unclean.leader.election.enable=false
message.max.bytes=20971520
""")
        command = JAVA + self.classpath() + ["kafka.tools.StorageTool", "format", "-t", cluster,
                                             "-c", self.config(number)]
        if count == 1:
            command.insert(command.index("format") + 1, "--standalone")
        with self.log(number) as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                    preexec_fn=die_with_parent)

    def spawn(self, number):
        self.starts[number] += 1
        with self.log(number) as log:
            self.processes[number] = subprocess.Popen(
                JAVA + self.classpath() + ["kafka.Kafka", self.config(number)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent)

    def await_ready(self, number):
        """Ready: it has said so as often as it was started."""
        deadline = time.monotonic() + 60
        path = os.path.join(self.work, f"broker-{number + 1}.log")
        while time.monotonic() < deadline:
            if self.processes[number].poll() is not None:
                raise SystemExit(f"broker {number + 1} ended: see {path}")
            try:
                socket.create_connection(("127.0.0.1", self.ports[number]), timeout=1).close()
                with open(path, encoding="utf-8", errors="replace") as log:
                    if log.read().count("Kafka Server started") >= self.starts[number]:
                        return
            except OSError:
                pass
            time.sleep(0.05)
        raise SystemExit(f"broker {number + 1} is not ready: see {path}")

    def kill(self, number):
        process = self.processes[number]
        if process and process.poll() is None:
            process.kill()
            process.wait()

    def restart(self, number):
        self.spawn(number)
        self.await_ready(number)

    def pause(self, number):
        self.processes[number].send_signal(signal.SIGSTOP)

    def resume(self, number):
        self.processes[number].send_signal(signal.SIGCONT)

    def stop(self):
        for number in range(len(self.processes)):
            self.kill(number)


def serve_control(server, cluster):
    while True:
        connection, _ = server.accept()
        with connection:
            action, number = connection.recv(64).decode().split()
            {"kill": cluster.kill, "start": cluster.restart, "pause": cluster.pause,
             "resume": cluster.resume}[action](int(number) - 1)
            connection.sendall(b"done")


def control(path, action, number):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        client.sendall(f"{action} {number}".encode())
        return 0 if client.recv(16) == b"done" else 1


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    arguments.add_argument("--cache", help="folder where the jars are kept")
    arguments.add_argument("--brokers", type=int, default=1)
    arguments.add_argument("--control", help="socket of a running instance")
    arguments.add_argument("command", nargs=argparse.REMAINDER)
    options = arguments.parse_args()
    command = [word for word in options.command if word != "--"]
    if options.control:
        return control(options.control, command[0], int(command[1]))

    jars = fetch_jars(options.cache)
    work = tempfile.mkdtemp(prefix="coffer-kafka-")
    cluster = None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        cluster = Cluster(jars, work, options.brokers)
        path = os.path.join(work, "control")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
            server.listen()
            threading.Thread(target=serve_control, args=(server, cluster), daemon=True).start()
            environment = dict(os.environ, **cluster.environment(),
                               COFFER_TEST_KAFKA_CONTROL=path)
            with subprocess.Popen(command, env=environment, preexec_fn=die_with_parent) as program:
                status = program.wait()
        if status != 0:
            for log in sorted(glob.glob(os.path.join(work, "*.log"))):
                with open(log, encoding="utf-8", errors="replace") as text:
                    print(f"---- {os.path.basename(log)}, its end\n" + text.read()[-2000:])
        return status
    finally:
        if cluster:
            cluster.stop()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
