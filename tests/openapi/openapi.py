#!/usr/bin/env python3
"""schemathesis against a running server: every operation of sys/internal/specs/openapi is called with
made-up and with broken values; no answer may be a 5xx or one that the document does not know."""

import os
import subprocess
import sys
import xml.etree.ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))

from live_server import Checks, Server, end_on_signals, seed_of, work_folder  # noqa: E402

SECONDS = int(os.environ.get("COFFER_OPENAPI_SECONDS") or 40)
CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance",
          "response_schema_conformance")
# What would end the run for all others -> why.
EXCLUDED = {
    "/sys/seal": "seals the server",
    "/sys/step-down": "gives up being the active node",
    "/auth/token/revoke-self": "revokes the run's own token",
}
OWN = "/sys/internal/specs/openapi"  # read to begin with; the run does not list it
METHODS = {"get", "post", "patch", "delete"}


def operations(document):
    return {f"{method.upper()} {path}" for path, item in document["paths"].items()
            for method in item if method in METHODS and path not in EXCLUDED and path != OWN}


def run(server, folder, seed):
    """(exit status, what it said, path of the report)."""
    report = os.path.join(folder, "junit.xml")
    command = [os.path.join(os.path.dirname(sys.executable), "schemathesis"), "run",
               f"https://{server.host}:{server.port}/v1/sys/internal/specs/openapi",
               "--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing",
               "--max-time", str(SECONDS), "--seed", str(seed), "--no-shrink",
               "--continue-on-failure", "--max-redirects", "0", "--warnings", "off",
               "--suppress-health-check", "all", "--request-timeout", "10",
               "--tls-verify", os.path.join(server.data, "ca.pem"),
               "--header", f"X-Vault-Token:{server.root_token()}",
               "--report-junit-path", report]
    for path in EXCLUDED:
        command += ["--exclude-path", path]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=SECONDS * 4 + 120, check=False,
                          cwd=folder)
    with open(os.path.join(folder, "schemathesis.log"), "w", encoding="utf-8") as file:
        file.write(done.stdout)
    return done.returncode, done.stdout, report


def results(report):
    """{operation: problems} of the JUnit report."""
    found = {}
    for case in xml.etree.ElementTree.parse(report).getroot().iter("testcase"):
        problems = [bad.get("message") or bad.text or "" for kind in ("failure", "error")
                    for bad in case.iter(kind)]
        found.setdefault(case.get("name"), []).extend(problems)
    return found


def main():
    end_on_signals()
    checks = Checks()
    seed = seed_of("COFFER_OPENAPI_SEED")
    folder = work_folder("openapi")
    # Refused requests that nobody reads need not all be kept.
    server = Server(os.path.join(folder, "server"))
    server.start()
    root = server.root()
    root.need("POST", "secret/data/example", {"data": {"user": "app"}})
    wanted = operations(root.need("GET", "sys/internal/specs/openapi").json)
    status, said, report = run(server, folder, seed)
    if not os.path.exists(report):
        checks.fail("schemathesis", f"it ended with {status}: {said[-1500:]}")
        return checks.finish(folder)
    found = results(report)
    for name in sorted(wanted & found.keys()):
        checks.check(name, found[name])
    # What the run found fault with besides, such as a document that cannot be read.
    others = [f"{name}: {problem}" for name in found.keys() - wanted for problem in found[name]]
    checks.check("nothing else", others)
    checks.check("every operation was called", sorted(wanted - found.keys()))
    checks.check("the server lives and is unsealed",
                 [] if root.call("GET", "sys/health").status == 200 else [server.messages()])
    checks.check("it ends in order", [] if server.stop() == 0 else [server.messages()])
    for path, reason in EXCLUDED.items():
        checks.skip(path, reason)
    return checks.finish(folder)


sys.exit(main())
