"""Starts and stops the two servers of a benchmark: an embedded cofferd and the nginx that we
compare with. Both listen on loopback only and keep everything in the benchmark's temporary
folder."""

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import threading
import time

START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 10
POLICY = "bench"


class BenchError(Exception):
    """Said to the user without a trace."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def stop(process, name):
    """Ends a child as an operator would; what does not end is killed."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        print(f"{name} did not stop within {STOP_SECONDS_MAX} s; killed")
        process.kill()
        process.wait()


def tail(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as log:
            return log.read()[-4000:]
    except OSError:
        return ""


class Client:
    """One keep-alive connection to the vault."""

    def __init__(self, port, ca_file, token):
        self._context = ssl.create_default_context(cafile=ca_file)
        self._connection = http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=30, context=self._context)
        self._headers = {"X-Vault-Token": token, "Content-Type": "application/json"}

    def call(self, method, path, body=None):
        text = None if body is None else json.dumps(body)
        self._connection.request(method, "/v1/" + path, text, self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status not in (200, 204):
            raise BenchError(f"{method} {path}: {answer.status} {content[:300]!r}")
        return json.loads(content) if content else {}

    def close(self):
        self._connection.close()


class Vault:
    """What a benchmark does with a vault, whoever started it: `port`, `ca_file` and `root_token` are
    set by then."""
    port = 0
    ca_file = ""
    root_token = ""
    token = ""

    def prepare(self, keys, value_bytes, writers=16):
        """An ordinary policy with its token, and the secrets. Returns secrets a second."""
        root = Client(self.port, self.ca_file, self.root_token)
        rule = 'path "secret/data/*" { capabilities = ["create", "read", "update"] }'
        root.call("PUT", f"sys/policies/acl/{POLICY}", {"policy": rule})
        made = root.call("POST", "auth/token/create", {"policies": [POLICY], "ttl": "1h"})
        self.token = made["auth"]["client_token"]
        root.close()
        failures = []

        def write(first):
            try:
                client = Client(self.port, self.ca_file, self.token)
                for key in range(first, keys, writers):
                    value = os.urandom(value_bytes // 2).hex()
                    client.call("POST", f"secret/data/bench/key-{key:05d}",
                                {"data": {"value": value}})
                client.close()
            except Exception as error:  # reported by the main thread
                failures.append(error)

        began = time.monotonic()
        threads = [threading.Thread(target=write, args=(i,), daemon=True) for i in range(writers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise BenchError(f"writing the secrets failed: {failures[0]}")
        return keys / (time.monotonic() - began)

    def check(self, keys, value_bytes):
        """What the load asks for is there and is answered with 200. Returns bytes of an answer."""
        client = Client(self.port, self.ca_file, self.token)
        size = 0
        for key in (0, keys // 2, keys - 1):
            answer = client.call("GET", f"secret/data/bench/key-{key:05d}")
            if len(answer["data"]["data"]["value"]) != value_bytes:
                raise BenchError(f"key {key} does not hold a value of {value_bytes} bytes")
            size = len(json.dumps(answer, separators=(",", ":")))
        client.close()
        return size


class Cofferd(Vault):
    """An embedded vault."""

    def __init__(self, program, folder, settings):
        self.folder = os.path.join(folder, "vault")
        os.makedirs(self.folder, mode=0o700)
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.ca_file = os.path.join(self.folder, "ca.pem")
        self.log = os.path.join(folder, "cofferd.log")
        self._process = None
        self._start(program, settings)

    def _start(self, program, settings):
        config = os.path.join(self.folder, "cofferd.toml")
        with open(config, "w", encoding="utf-8") as out:
            out.write(f'data_dir = "{self.folder}"\n'
                      f'[listener]\naddress = "127.0.0.1"\nport = {self.port}\n'
                      '[seal]\ntype = "auto"\n[embedded]\nauto_init = true\n')
        # Nothing of the caller's own vault may leak into the benchmark.
        environment = {k: v for k, v in os.environ.items()
                       if not k.startswith(("COFFER", "VAULT_", "SOFTHSM2_"))}
        environment.update(settings)
        command = [program, "--config", config]
        if os.geteuid() == 0:
            command.append("--allow-root")
        with open(self.log, "wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise BenchError("cofferd did not become ready:\n" + tail(self.log))
            time.sleep(0.05)
        with open(os.path.join(self.folder, "root-token"), encoding="utf-8") as token:
            self.root_token = token.read().strip()

    def _is_ready(self):
        if not os.path.exists(self.ca_file):
            return False
        try:
            client = Client(self.port, self.ca_file, "")
            client.call("GET", "sys/health")
            client.close()
            return True
        except (OSError, http.client.HTTPException, BenchError):
            return False

    @property
    def pids(self):
        return [self._process.pid]

    def stop(self):
        stop(self._process, "cofferd")


class Nginx:
    """`return` of a fixed body: nothing but TLS, HTTP and one buffer."""

    def __init__(self, folder, body_bytes):
        self.folder = os.path.join(folder, "nginx")
        os.makedirs(self.folder)
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.log = os.path.join(self.folder, "error.log")
        self._process = None
        self._make_certificate()
        self._write_config(body_bytes)
        self._start()

    def _make_certificate(self):
        made = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", "key.pem", "-out", "certificate.pem", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
            cwd=self.folder, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise BenchError("openssl made no certificate:\n" + made.stderr)

    def _write_config(self, body_bytes):
        folder, body = self.folder, "x" * body_bytes
        temporary = "".join(
            f"  {kind}_temp_path {folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(os.path.join(folder, "nginx.conf"), "w", encoding="utf-8") as out:
            out.write(
                f"daemon off;\nworker_processes {os.cpu_count()};\npid {folder}/nginx.pid;\n"
                f"error_log {self.log} error;\nevents {{ worker_connections 4096; }}\n"
                f"http {{\n{temporary}  access_log off;\n  keepalive_requests 1000000000;\n"
                f"  server {{\n    listen 127.0.0.1:{self.port} ssl reuseport;\n"
                f"    ssl_certificate {folder}/certificate.pem;\n"
                f"    ssl_certificate_key {folder}/key.pem;\n"
                "    ssl_protocols TLSv1.3;\n    ssl_ecdh_curve X25519:prime256v1;\n"
                "    default_type application/json;\n"
                f'    location / {{ return 200 "{body}"; }}\n  }}\n}}\n')

    def _start(self):
        with open(os.path.join(self.folder, "output.log"), "wb") as log:
            self._process = subprocess.Popen(
                ["nginx", "-p", self.folder, "-e", self.log, "-c",
                 os.path.join(self.folder, "nginx.conf")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                pass
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise BenchError("nginx did not start:\n" + tail(self.log) +
                                 tail(os.path.join(self.folder, "output.log")))
            time.sleep(0.05)

    @property
    def pids(self):
        master = self._process.pid
        with open(f"/proc/{master}/task/{master}/children", encoding="ascii") as children:
            return [master] + [int(pid) for pid in children.read().split()]

    def stop(self):
        stop(self._process, "nginx")
