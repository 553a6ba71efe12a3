"""The Dockerfile and its scripts against each other and against what the programs need."""

import json
import os
import re
import tomllib

from support import COFFERD, DEPLOY, ROOT, check, finish, image_user, run, text

DOCKERFILE = text("Dockerfile")
PREPARE = text("image", "prepare")
BUILD = text("image", "build")
PACKAGES = {line.strip() for line in text("image", "runtime-packages.txt").splitlines()
            if line.strip() and not line.startswith("#")}
# Needed at run time, but not as a library that a program is linked with.
NOT_LINKED = {"libsofthsm2", "ca-certificates", "curl"}
# Part of every Debian.
ESSENTIAL = {"libc6", "libgcc-s1"}


def instructions(name):
    return re.findall(rf"^{name} (.*)$", DOCKERFILE, re.MULTILINE)


def linked_packages():
    """The packages of the libraries that the programs name themselves, by what is installed here."""
    found, problems = set(), []
    for program in (COFFERD, os.path.join(os.path.dirname(COFFERD), "coffer")):
        needed = re.findall(r"NEEDED.*\[(.*)\]", run(["readelf", "-d", program]).stdout)
        paths = dict(re.findall(r"(\S+) => (\S+)", run(["ldd", program]).stdout))
        for library in needed:
            path = os.path.realpath(paths[library])
            # dpkg knows a file of a merged /usr by one of its two names.
            for name in (path, path.removeprefix("/usr")):
                owner = run(["dpkg-query", "-S", name])
                if owner.returncode == 0:
                    found.add(owner.stdout.split(":")[0])
                    break
            else:
                problems.append(f"no package has {path}")
    return found, problems


def main():
    linked, problems = linked_packages()
    missing = linked - PACKAGES - ESSENTIAL
    check("runtime-packages.txt has every library", problems + sorted(missing))
    check("runtime-packages.txt has nothing else", sorted(PACKAGES - linked - NOT_LINKED))

    numbers = image_user().split(":")
    in_prepare = re.search(r"^ID=(\d+)", PREPARE, re.MULTILINE).group(1)
    check("the user is a number, and the one that is made",
          [] if numbers == [in_prepare, in_prepare] and int(in_prepare) >= 10000
          else f"{numbers}, {in_prepare}")

    port = tomllib.loads(text("image", "cofferd.toml"))["listener"]["port"]
    check("EXPOSE names the port of clients",
          [] if str(port) in instructions("EXPOSE")[0].split() else f"not {port}")
    health = re.search(r"COFFER_LISTENER_PORT:-(\d+)", text("image", "healthcheck")).group(1)
    check("the health check asks that port", [] if health == str(port) else health)

    # An exec form: the server is process 1 and gets the signals itself.
    entry, command = [json.loads(instructions(name)[0]) for name in ("ENTRYPOINT", "CMD")]
    health_command = json.loads(re.search(r"^HEALTHCHECK .*CMD (\[.*\])$", DOCKERFILE,
                                          re.MULTILINE).group(1))
    laid_out = {os.path.join(target, os.path.basename(source))
                for line in re.findall(r"^install .*-t (.*)$", BUILD, re.MULTILINE)
                for target, *sources in [line.replace('"$OUT', "").replace('"', "").split()]
                for source in sources}
    used = [entry[0], command[1], health_command[0]]
    check("what the image starts is laid out by the builder stage",
          [path for path in used if path not in laid_out])
    check("the state's folder is made and is a volume",
          [] if instructions("VOLUME") == ["/var/lib/coffer"] and "/var/lib/coffer\n" in PREPARE
          else "not so")

    scripts = re.findall(r"(?:deploy/image|/image)/(\w+)", DOCKERFILE)
    check("the scripts of the Dockerfile are there",
          [name for name in ["build", "prepare"] if name not in scripts] +
          [name for name in scripts + ["healthcheck", "try"]
           if not os.access(os.path.join(DEPLOY, "image", name), os.X_OK)])
    with open(os.path.join(ROOT, "CMakeLists.txt"), encoding="utf-8") as file:
        version = re.search(r"project\(coffer VERSION (\S+)", file.read()).group(1)
    chart = re.search(r'^appVersion: "(.*)"$', text("helm", "coffer", "Chart.yaml"), re.MULTILINE)
    check("the chart's appVersion is the programs'", [] if chart.group(1) == version else version)
    finish()


main()
