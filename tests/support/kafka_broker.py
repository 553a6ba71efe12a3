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
import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools",
                                "cluster"))
from brokers import (Broker, BrokerError, Place, Settings, die_with_parent,  # noqa: E402
                     fetch_jars, free_ports, new_cluster_id)


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


class Cluster:
    def __init__(self, jars, work, count):
        self.certificates = os.path.join(work, "certificates")
        make_certificates(self.certificates)
        with open(os.path.join(self.certificates, "keystore.pem"), "w", encoding="ascii") as out:
            for part in ("server.key", "server.pem"):
                with open(os.path.join(self.certificates, part), encoding="ascii") as text:
                    out.write(text.read())
        ports = free_ports(3 * count)
        self.places = [Place("127.0.0.1", *ports[3 * i:3 * i + 3]) for i in range(count)]
        settings = Settings(new_cluster_id(), session_ms=1500, heartbeat_ms=300,
                            certificates=self.certificates)
        self.brokers = [Broker(jars, os.path.join(work, f"broker-{i + 1}"), self.places, i, settings)
                        for i in range(count)]
        self.processes = [None] * count
        self.starts = [0] * count
        for number in range(count):
            self.spawn(number)
        for number in range(count):
            self.await_ready(number)

    def environment(self):
        return {"COFFER_TEST_KAFKA": ",".join(f"{p.host}:{p.port}" for p in self.places),
                "COFFER_TEST_KAFKA_TLS": ",".join(f"{p.host}:{p.tls_port}" for p in self.places),
                "COFFER_TEST_KAFKA_CERTIFICATES": self.certificates}

    def spawn(self, number):
        self.starts[number] += 1
        self.processes[number] = self.brokers[number].start(preexec_fn=die_with_parent)

    def await_ready(self, number):
        process = self.processes[number]
        self.brokers[number].await_ready(self.starts[number], lambda: process.poll() is None)

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
            for log in sorted(glob.glob(os.path.join(work, "*", "log"))):
                with open(log, encoding="utf-8", errors="replace") as text:
                    name = os.path.basename(os.path.dirname(log))
                    print(f"---- {name}, its end\n" + text.read()[-2000:])
        return status
    except BrokerError as error:
        raise SystemExit(str(error)) from error
    finally:
        if cluster:
            cluster.stop()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
