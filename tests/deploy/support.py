"""What the checks of deploy/ share: reading the files, counting results, asking the real server."""

import functools
import os
import re
import subprocess
import sys
import tempfile

import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEPLOY = os.path.join(ROOT, "deploy")
COFFERD = os.environ["COFFERD"]
FAILURES = 0


def check(name, problems):
    """ok when `problems` (a text or a list of texts) is empty."""
    global FAILURES
    found = [problems] if isinstance(problems, str) and problems else list(problems or [])
    if found:
        FAILURES += 1
        print(f"FAIL {name}: " + "; ".join(str(one).replace("\n", " ") for one in found))
    else:
        print(f"ok {name}")


def skip(name, why):
    print(f"skip {name}: {why}")


def finish():
    sys.exit(1 if FAILURES else 0)


def text(*parts):
    with open(os.path.join(DEPLOY, *parts), encoding="utf-8") as file:
        return file.read()


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, timeout=120, **options)


@functools.cache
def options():
    """{environment name: (option name, default)} of the server's own table."""
    table = run([COFFERD, "--print-options"]).stdout
    found = {}
    for line in table.splitlines()[2:]:
        name, variable, default = [cell.strip().strip("`") for cell in line.split("|")[1:4]]
        found[variable] = (name, default)
    assert len(found) > 40, "the table of options could not be read"
    return found


def unknown_variables(names):
    """Those that look like options of the server and are none."""
    known = options()
    return [name for name in names if name.startswith("COFFER_") and name not in known]


def config_problem(toml, environment=None):
    """What the server says about a configuration; empty when it is valid."""
    with tempfile.NamedTemporaryFile("w", suffix=".toml", encoding="utf-8") as file:
        file.write(toml)
        file.flush()
        clean = {key: value for key, value in os.environ.items() if not key.startswith("COFFER_")}
        clean.update(environment or {})
        done = run([COFFERD, "--config", file.name, "--check-config"], env=clean)
    return "" if done.returncode == 0 else done.stderr.strip() or f"status {done.returncode}"


def toml_paths(toml):
    """Every absolute path that is a value of the configuration."""
    return re.findall(r'^\w+ = "(/[^"]*)"$', toml, re.MULTILINE)


def documents(source):
    return [one for one in yaml.safe_load_all(source) if one]


def image_user():
    return re.search(r"^USER (\S+)$", text("Dockerfile"), re.MULTILINE).group(1)


def seconds(value):
    """Of a compose or systemd span: 30s, 30."""
    return int(re.fullmatch(r"(\d+)s?", str(value)).group(1))


# A stop: 3 s to hand over, 3 s for what is under way, 10 s for a broker that does not answer
# (kafka.delivery_timeout_ms), and as much again to be safe.
STOP_SECONDS = 30
