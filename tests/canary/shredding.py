"""After a destroy is acknowledged, the version's wrapped data key is in no file.

Each case first proves that the search finds the wrapped key while it lives.
"""

import http.client
import threading
import time

from live_server import Client
from wrapped_keys import find_blob, remains, written_keys

SOON = 5.0  # for what is not answered after the shredding: pruned versions, removed mounts


class Case:
    """A secret with living versions whose wrapped keys are known."""

    def __init__(self, server, client, path, versions=1, mount="kv"):
        self.server, self.client, self.path, self.mount = server, client, path, mount
        for number in range(versions):
            client.need("POST", f"{mount}/data/{path}", {"data": {"n": number}})
        self.keys = written_keys(client, path)
        self.blobs, self.problems = {}, []
        self.locate()

    def locate(self, where=""):
        """Control: the wrapped key of every version is in a file (whose name ends so)."""
        for version, (key_id, blob_hash) in self.keys.items():
            blob, places = find_blob(self.server, key_id, blob_hash)
            if blob is None or not any(p.removesuffix(" (joined)").endswith(where) for p in places):
                self.problems.append(f"control: wrapped key of {self.path} version {version} not found "
                                     f"in a file '{where}', only in {places}")
            else:
                self.blobs[version] = blob

    def destroy(self, versions, client=None):
        return (client or self.client).need("POST", f"{self.mount}/destroy/{self.path}",
                                            {"versions": versions})

    def gone(self, versions, soon=False):
        blobs = [self.blobs[v] for v in versions if v in self.blobs]
        deadline = time.monotonic() + (SOON if soon else 0)
        while True:
            found = remains(self.server, blobs)
            if not found or time.monotonic() >= deadline:
                break
            time.sleep(0.1)
        self.problems += found
        return self.problems


def in_write_ahead_log(server, client):
    case = Case(server, client, "wal")
    case.locate(".log")
    case.destroy([1])
    return case.gone([1])


def in_table_file(server, client):
    case = Case(server, client, "table", versions=3)
    Case(server, client, "other").destroy([1])  # flushes everything
    case.locate(".sst")
    case.destroy([1, 3])
    problems = case.gone([1, 3])
    blob, _ = find_blob(server, *case.keys[2])
    alive = client.call("GET", "kv/data/table?version=2")
    if blob is None or alive.status != 200:
        problems.append(f"the version that was not destroyed: {alive}")
    return problems


def metadata_removed(server, client):
    case = Case(server, client, "removed", versions=3)
    client.need("DELETE", "kv/metadata/removed")
    return case.gone([1, 2, 3])


def under_load(server, client):
    stop = threading.Event()

    def write(index):
        own = server.root("shred")
        while not stop.is_set():
            own.call("POST", f"kv/data/load/{index}", {"data": {"pad": "x" * 1000}})
            own.call("LIST", "kv/metadata/load")

    threads = [threading.Thread(target=write, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    problems = []
    try:
        for number in range(5):
            case = Case(server, client, f"loaded{number}")
            case.destroy([1])
            problems += case.gone([1])
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return problems


def killed_after_the_answer(server, client):
    case = Case(server, client, "killed")
    case.destroy([1])
    server.kill()
    case.gone([1])
    server.start()
    return case.gone([1])


def second_request(server, client):
    """Two callers destroy the same version: the answer of either means that it is gone."""
    case = Case(server, client, "twice")
    first = threading.Thread(target=case.destroy, args=([1], server.root("shred")))
    first.start()
    watcher = server.root("shred")
    wait_destroyed(watcher, "twice")
    case.destroy([1])
    problems = list(case.gone([1]))
    first.join()
    return problems


def is_destroyed(client, path):
    answer = client.call("GET", f"kv/metadata/{path}")
    return answer.status == 200 and answer.data["versions"]["1"]["destroyed"]


def wait_destroyed(client, path):
    """Returns as soon as readers see it, which is before the answer of the destroy."""
    deadline = time.monotonic() + 10
    while not is_destroyed(client, path):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{path} is not shown as destroyed")


def killed_before_the_answer(server, client):
    """The destroy is in the log, its answer is not out when the server dies. The repeated request
    is acknowledged: then the wrapped key has to be gone too."""
    case = Case(server, client, "unanswered")
    Case(server, client, "another").destroy([1])  # flushes everything: a restart reads no log
    case.locate(".sst")

    def destroy():
        try:
            case.destroy([1], server.root("shred"))
        except (OSError, http.client.HTTPException):
            pass  # killed, as meant

    thread = threading.Thread(target=destroy)
    thread.start()
    watcher = server.root("shred")
    wait_destroyed(watcher, "unanswered")
    server.kill()
    thread.join()
    server.start()
    again = server.root("shred")
    if not is_destroyed(again, "unanswered"):
        case.problems.append("the destroy that was visible is lost")
    found = remains(server, case.blobs.values())
    print(f"after the restart and before the repeated destroy: {found or 'gone'}")
    case.destroy([1], again)
    return case.gone([1])


def pruned(server, client):
    client.need("POST", "kv/metadata/pruned", {"max_versions": 1})
    client.need("POST", "kv/config", {"max_versions": 1})
    case = Case(server, client, "pruned")
    client.need("POST", "kv/data/pruned", {"data": {"n": 2}})
    client.need("POST", "kv/config", {"max_versions": 0})
    return case.gone([1], soon=True)


def mount_disabled(server, client):
    client.need("POST", "sys/mounts/brief", {"type": "kv", "options": {"version": "2"}})
    case = Case(server, client, "in-a-mount", mount="brief")
    client.need("DELETE", "sys/mounts/brief")
    return case.gone([1], soon=True)


def namespace_deleted(server, _client):
    server.root().need("POST", "sys/namespaces/brief", {})
    inside = server.root("brief")
    inside.need("POST", "sys/mounts/kv", {"type": "kv", "options": {"version": "2"}})
    case = Case(server, inside, "in-a-namespace")
    server.root().need("DELETE", "sys/namespaces/brief")
    return case.gone([1], soon=True)


CASES = (
    ("destroyed while in the write-ahead log", in_write_ahead_log),
    ("destroyed while in a table file", in_table_file),
    ("metadata removed", metadata_removed),
    ("destroyed under a writing load", under_load),
    ("killed after the answer", killed_after_the_answer),
    ("destroyed by two callers at once", second_request),
    ("killed before the answer, then repeated", killed_before_the_answer),
    ("version pushed out by max_versions", pruned),
    ("mount disabled", mount_disabled),
    ("namespace deleted", namespace_deleted),
)


def run(checks, server, _rng):
    server.start()
    server.root().need("POST", "sys/namespaces/shred", {})
    server.root("shred").need("POST", "sys/mounts/kv", {"type": "kv", "options": {"version": "2"}})
    for name, case in CASES:
        client = Client(server, server.root_token(), "shred")
        try:
            checks.check(f"wrapped key gone: {name}", case(server, client))
        except (RuntimeError, OSError, http.client.HTTPException) as error:
            checks.fail(f"wrapped key gone: {name}", repr(error))
            server.kill()
            server.start()
    server.stop()
