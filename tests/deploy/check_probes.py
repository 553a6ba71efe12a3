"""The probes of the pods and of the image, asked of the real server in each of its states."""

import os
import re
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from manifests import Manifests
from support import COFFERD, DEPLOY, check, finish, run, text

PROBES = ["startupProbe", "livenessProbe", "readinessProbe"]
# State -> what each probe gets, and the health check's verdict. Kubernetes takes 200 to 399.
EXPECTED = {"without a vault": ([200, 200, 501], False), "sealed": ([200, 200, 503], False),
            "active": ([200, 200, 200], True)}
INSECURE = ssl._create_unverified_context()  # as the kubelet does


class Server:
    """One cofferd on a free port."""

    def __init__(self, folder, **settings):
        self.log_path = os.path.join(folder, "log")
        environment = {key: value for key, value in os.environ.items()
                       if not key.startswith("COFFER") and key != "SOFTHSM2_CONF"}
        environment.update(COFFER_DATA_DIR=os.path.join(folder, "data"), COFFER_LISTENER_PORT="0")
        environment.update({f"COFFER_{key}": value for key, value in settings.items()})
        command = [COFFERD] + (["--allow-root"] if os.geteuid() == 0 else [])
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=environment)
        deadline = time.monotonic() + 60
        self.port = None
        while self.port is None:
            served = re.search(r"serving on https://\S+:(\d+)", self.log())
            self.port = served and served.group(1)
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the server did not start: {self.log()}")
            time.sleep(0.02)

    def log(self):
        with open(self.log_path, encoding="utf-8") as file:
            return file.read()

    def ask(self, path, body=None):
        """The status of a GET, or of a PUT of `body`."""
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}{path}", data=body,
                                         method="PUT" if body else "GET")
        try:
            with urllib.request.urlopen(request, timeout=20, context=INSECURE) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


def state_problems(server, state):
    container = Manifests(text("kubernetes", "cluster.yaml")).container
    wanted, healthy = EXPECTED[state]
    found = [server.ask(container[probe]["httpGet"]["path"]) for probe in PROBES]
    problems = [] if found == wanted else [f"{dict(zip(PROBES, found))}, not {wanted}"]
    done = run([os.path.join(DEPLOY, "image", "healthcheck")],
               env=dict(os.environ, COFFER_LISTENER_PORT=server.port))
    if (done.returncode == 0) != healthy:
        problems.append(f"the health check ends with {done.returncode}")
    return problems


def in_folder(states, **settings):
    """A server with the settings, and the states that it passes: (name, what leads there)."""
    folder = tempfile.mkdtemp()
    server = None
    try:
        server = Server(folder, **settings)
        for state, lead in states:
            if lead:
                lead(server)
            check(f"probes of a server that is {state}", state_problems(server, state))
        status = server.stop()
        check(f"{states[-1][0]}: SIGTERM ends it", [] if status == 0 else f"{status}: {server.log()}")
        done = run([os.path.join(DEPLOY, "image", "healthcheck")],
                   env=dict(os.environ, COFFER_LISTENER_PORT=server.port))
        check(f"{states[-1][0]}: the health check notices its end",
              [] if done.returncode != 0 else "it does not")
    finally:
        if server and server.process.poll() is None:
            server.process.kill()
            server.process.wait()
        shutil.rmtree(folder)


def initialise(server):
    status = server.ask("/v1/sys/init", b'{"secret_shares":1,"secret_threshold":1}')
    assert status == 200, f"sys/init: {status}"


def main():
    in_folder([("without a vault", None), ("sealed", initialise)], SEAL_TYPE="shamir")
    in_folder([("active", None)], EMBEDDED_AUTO_INIT="true")
    finish()


main()
