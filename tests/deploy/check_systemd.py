"""The unit: as systemd reads it, hardened, and in step with the server."""

import os
import re
import shutil
import tempfile

from support import COFFERD, STOP_SECONDS, check, finish, run, seconds, skip, text

UNIT = text("systemd", "cofferd.service")
EXPOSURE_MAX = 2.0  # of systemd's 0 (safest) to 10


def setting(name):
    return re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)


def verify(unit, folder):
    """What systemd says about the unit, with the program that is there."""
    path = os.path.join(folder, "cofferd.service")
    with open(path, "w", encoding="utf-8") as file:
        file.write(unit.replace("/usr/bin/cofferd", COFFERD))
    done = run(["systemd-analyze", "verify", "--man=no", path])
    return "\n".join(line for line in done.stderr.splitlines() if "cofferd.service" in line)


def system_calls(name):
    out = run(["systemd-analyze", "syscall-filter", name]).stdout.splitlines()
    found = set()
    for line in (line.strip() for line in out[1:]):
        if line and not line.startswith("#"):
            found |= system_calls(line) if line.startswith("@") else {line}
    return found


def systemd_checks():
    with tempfile.TemporaryDirectory() as folder:
        check("systemd takes the unit", verify(UNIT, folder))
        said = verify(UNIT.replace("ProtectHome", "ProtectHouse"), folder)
        check("systemd would name an unknown setting",
              [] if "ProtectHouse" in said else said or "it says nothing")
        security = run(["systemd-analyze", "security", "--offline=true", "--no-pager",
                        os.path.join(folder, "cofferd.service")]).stdout
    level = re.search(r"exposure level for \S+: ([\d.]+)", security)
    check(f"exposure of at most {EXPOSURE_MAX}",
          [] if level and float(level.group(1)) <= EXPOSURE_MAX else security[-200:])
    # harden_process, LockedPages, the store and the network, by what a run was seen to call.
    needed = {"prctl", "prlimit64", "mlock", "madvise", "mprotect", "fallocate", "fdatasync",
              "rename", "clone3", "futex", "epoll_wait", "eventfd2", "socket", "accept4", "bind",
              "rt_sigtimedwait", "getrandom", "fcntl", "sched_getaffinity"}
    allowed = system_calls("@system-service") - system_calls("@privileged")
    check("the system calls of the server are allowed", sorted(needed - allowed))


def main():
    if shutil.which("systemd-analyze"):
        systemd_checks()
    else:
        skip("systemd-analyze", "this machine has no systemd")
    stop = seconds(setting("TimeoutStopSec")[0])
    check("the time to stop is enough", [] if stop >= STOP_SECONDS else stop)
    credential = re.match(r"([^:]+):", setting("LoadCredential")[0]).group(1)
    for name in ("embedded.toml", "cluster.toml"):
        used = re.search(r'pin_file = "credential:(.*)"', text("examples", name)).group(1)
        check(f"the PIN of {name} is a credential of the unit", [] if used == credential else used)
    state = "/var/lib/" + setting("StateDirectory")[0]
    check("the examples store in the unit's folder",
          [name for name in ("embedded.toml", "cluster.toml")
           if f'data_dir = "{state}"' not in text("examples", name)])
    users = re.findall(r"^u (\S+)", text("systemd", "coffer.sysusers.conf"), re.MULTILINE)
    check("the unit's user is made", [] if users == setting("User") else users)
    finish()


main()
