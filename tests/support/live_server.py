"""A real cofferd for the Python suites: start, kill, stop; a keep-alive HTTPS client; counting.

Standard library only. A server dies with the program that started it.
"""

import ctypes
import http.client
import json
import os
import random
import re
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}
SERVING = re.compile(rb"serving on https://\S+:(\d+)")


def server_program():
    build = os.environ.get("COFFER_BUILD") or os.path.join(ROOT, "build")
    return os.environ.get("COFFERD") or os.path.join(build, "release", "cofferd")


def work_folder(name):
    """An empty folder below the build folder. It stays when a check failed."""
    build = os.environ.get("COFFER_BUILD") or os.path.join(ROOT, "build")
    folder = os.path.join(build, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder, mode=0o700)
    return folder


def seed_of(variable):
    """The seed of a run, from the environment or fresh; it is printed, so a run can be repeated."""
    seed = int(os.environ.get(variable) or random.SystemRandom().randrange(1 << 32))
    print(f"seed {seed}   (repeat with {variable}={seed})", flush=True)
    return seed


class Checks:
    """Counts checks, prints them, and closes with the line that tools/dev reads."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def ok(self, name):
        self.passed += 1
        print(f"ok {name}", flush=True)

    def fail(self, name, reason):
        self.failed += 1
        print(f"FAIL {name}: {reason}", flush=True)

    def skip(self, name, reason):
        self.skipped += 1
        print(f"skip {name}: {reason}", flush=True)

    def check(self, name, problems):
        """One check; `problems` is a list of texts, empty when all is well."""
        if not problems:
            return self.ok(name)
        return self.fail(name, "".join(f"\n    {str(p)[:1500]}" for p in problems[:40]) + (
            f"\n    and {len(problems) - 40} more" if len(problems) > 40 else ""))

    def finish(self, folder):
        if self.failed == 0:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"left for inspection: {os.path.relpath(folder)}")
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        return 1 if self.failed else 0


def end_on_signals():
    """SIGTERM unwinds like an exception, so that servers and folders are cleaned up."""
    def leave(number, _frame):
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, leave)


def _die_with_parent():
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body) if self.body else None

    @property
    def data(self):
        content = self.json
        return content.get("data") if isinstance(content, dict) else None

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


class Client:
    """One keep-alive connection. It never repeats a request: an error is an unknown outcome."""

    def __init__(self, server, token=None, namespace=None, timeout=30):
        self.token, self.namespace = token, namespace
        self.connection = http.client.HTTPSConnection(
            server.host, server.port, timeout=timeout, context=server.tls())

    def send(self, method, target, body=b"", headers=()):
        """A request as it stands: `target` and `headers` (pairs) go out untouched."""
        c = self.connection
        try:
            c.putrequest(method, target, skip_accept_encoding=True)
            for name, value in headers:
                c.putheader(name, value)
            if body or method in ("POST", "PUT", "PATCH"):
                c.putheader("Content-Length", str(len(body)))
            c.endheaders(body or None)
            response = c.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        except BaseException:
            c.close()
            raise

    def call(self, method, path, body=None, headers=None):
        """A request as this client's user: path below /v1/, JSON body."""
        pairs = list((headers or {}).items())
        if self.token is not None:
            pairs.append(("X-Vault-Token", self.token))
        if self.namespace:
            pairs.append(("X-Vault-Namespace", self.namespace))
        content = b"" if body is None else json.dumps(body).encode()
        return self.send(method, "/v1/" + urllib.parse.quote(path, safe="/?=&%"), content, pairs)

    def need(self, method, path, body=None, headers=None, status=(200, 204)):
        """As call, for steps that have to work."""
        answer = self.call(method, path, body, headers)
        if answer.status not in status:
            raise RuntimeError(f"{method} {path} answered {answer}")
        return answer

    def close(self):
        self.connection.close()


class Server:
    """One cofferd with its data folder, started and killed as often as wanted."""

    host = "127.0.0.1"

    def __init__(self, folder, log_level="info", options=""):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self.folder = folder
        self.data = os.path.join(folder, "data")
        self.log = os.path.join(folder, "server.log")  # every start appends
        self.config = os.path.join(folder, "cofferd.toml")
        self.process = self.port = None
        self._tls = None
        self._log_start = self._spawned = 0
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f'data_dir = "{self.data}"\n[listener]\naddress = "127.0.0.1"\nport = 0\n'
                       "connections_per_address_max = 4096\n"
                       '[seal]\ntype = "auto"\n[embedded]\nauto_init = true\n'
                       f'[log]\nlevel = "{log_level}"\n{options}')

    def spawn(self):
        """Starts the program and returns at once."""
        self.port = self._tls = None
        with open(self.log, "ab") as log:
            self._log_start = log.tell()
            self._spawned = time.monotonic()
            environment = {k: v for k, v in os.environ.items() if not k.startswith("COFFER_")}
            self.process = subprocess.Popen(
                [server_program(), "--config", self.config, "--allow-root"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                preexec_fn=_die_with_parent)

    def wait_ready(self, limit=60):
        """Waits for the first answer of an unsealed server; seconds since the start."""
        deadline = self._spawned + limit
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"cofferd ended with {self.process.returncode}: {self.messages()}")
            found = SERVING.search(self.messages_raw())
            if found:
                self.port = int(found.group(1))
                answer = Client(self).send("GET", "/v1/sys/health")
                if answer.status != 200:
                    raise RuntimeError(f"sys/health answered {answer}: {self.messages()}")
                return time.monotonic() - self._spawned
            time.sleep(0.002)
        raise RuntimeError(f"cofferd did not answer within {limit} s: {self.messages()}")

    def start(self):
        self.spawn()
        return self.wait_ready()

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self):
        """As an operator stops it; the exit status."""
        self.process.terminate()
        return self.process.wait(timeout=30)

    def messages_raw(self):
        with open(self.log, "rb") as log:
            log.seek(self._log_start)
            return log.read()

    def messages(self):
        return self.messages_raw().decode(errors="replace")[-2000:].strip()

    def tls(self):
        if self._tls is None:
            self._tls = ssl.create_default_context(cafile=os.path.join(self.data, "ca.pem"))
        return self._tls

    def root_token(self):
        with open(os.path.join(self.data, "root-token"), encoding="ascii") as file:
            return file.read().strip()

    def root(self, namespace=None):
        return Client(self, self.root_token(), namespace)
