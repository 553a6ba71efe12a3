"""A network of the test's own: each thing (a node, a broker) in a network namespace, joined by a veth
pair to a bridge in the namespace of the test. Connections can be cut in one direction.

A cut is a permanent neighbour entry with a hardware address that nobody has, in the sender's
namespace: packets leave and reach nobody, as when a cable is cut, and the sender learns of it only
by time. (A blackhole route would tell the sender at once.) Nothing but iproute2 is needed.

Everything is gone when the processes are: no namespace has a name.
"""

import ctypes
import os
import socket
import subprocess
import sys
import threading

PREFIX = "10.77.0."
TEST = PREFIX + "1"
NOBODY = "02:00:00:00:00:01"
CLONE_NEWNET = 0x40000000
MARK = "COFFER_OWN_NETWORK"


def ip(*arguments, pid=None):
    enter = [] if pid is None else ["nsenter", f"--net=/proc/{pid}/ns/net"]
    done = subprocess.run([*enter, "ip", *arguments], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


def why_not():
    """Why this process cannot have networks of its own; empty when it can."""
    try:
        done = subprocess.run(["unshare", "--net", "ip", "link", "add", "probe", "type", "bridge"],
                              capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL)
    except FileNotFoundError as error:
        return f"{error.filename} is not installed"
    return "" if done.returncode == 0 else (done.stderr.strip() or "not permitted")


def enter_own():
    """Starts this program again in a network namespace of its own; returns there. Elsewhere the
    reason why it cannot be."""
    if os.environ.pop(MARK, None):
        ip("link", "set", "lo", "up")
        return ""
    reason = why_not()
    if reason:
        return reason
    sys.stdout.flush()
    os.environ[MARK] = "1"
    os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.orig_argv[1:]])
    return ""  # never


class Network:
    """`hosts`: thing -> last number of its address."""

    def __init__(self, hosts):
        self.addresses = {thing: f"{PREFIX}{number}" for thing, number in hosts.items()}
        self._holders = {}
        self._cuts = {}  # (sender, receiver) -> how many faults want it cut
        self._lock = threading.Lock()
        ip("link", "add", "bridge", "type", "bridge")
        ip("addr", "add", TEST + "/24", "dev", "bridge")
        ip("link", "set", "bridge", "up")
        for thing, number in hosts.items():
            self._join(thing, number)

    def _join(self, thing, number):
        holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec cat"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        holder.stdout.readline()  # it is in its namespace now, and ends when this process does
        self._holders[thing] = holder
        pid = str(holder.pid)
        ip("link", "add", f"veth{number}", "type", "veth", "peer", "name", "eth0", "netns", pid)
        ip("link", "set", f"veth{number}", "master", "bridge", "up")
        ip("addr", "add", self.addresses[thing] + "/24", "dev", "eth0", pid=pid)
        ip("link", "set", "lo", "up", pid=pid)
        ip("link", "set", "eth0", "up", pid=pid)

    def prefix(self, thing):
        """In front of a command that is to run there."""
        return ["nsenter", f"--net=/proc/{self._holders[thing].pid}/ns/net", "--"]

    def cut(self, sender, receiver):
        """From now on nothing of the sender's reaches the receiver."""
        with self._lock:
            count = self._cuts[sender, receiver] = self._cuts.get((sender, receiver), 0) + 1
            if count == 1:
                ip("neigh", "replace", self.addresses[receiver], "lladdr", NOBODY, "dev", "eth0",
                   "nud", "permanent", pid=self._holders[sender].pid)

    def heal(self, sender, receiver):
        with self._lock:
            self._cuts[sender, receiver] -= 1
            if self._cuts[sender, receiver] == 0:
                ip("neigh", "del", self.addresses[receiver], "dev", "eth0",
                   pid=self._holders[sender].pid)

    def is_cut(self, sender, receiver):
        with self._lock:
            return self._cuts.get((sender, receiver), 0) > 0

    def reaches(self, sender, receiver, limit=0.3):
        """Whether a datagram of the sender's arrives. The limit is waited for when it does not."""
        with self._socket_in(receiver) as inbox, self._socket_in(sender) as outbox:
            inbox.bind((self.addresses[receiver], 0))
            inbox.settimeout(limit)
            outbox.sendto(b"x", inbox.getsockname())
            try:
                return inbox.recv(1) == b"x"
            except TimeoutError:
                return False

    def _socket_in(self, thing):
        """A socket stays in the namespace of the thread that made it."""
        made = []

        def make():
            with open(f"/proc/{self._holders[thing].pid}/ns/net", "rb") as namespace:
                if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET) == 0:
                    made.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        if not made:
            raise RuntimeError(f"cannot enter the network of {thing}")
        return made[0]

    def end(self):
        for holder in self._holders.values():
            holder.kill()
            holder.wait()
