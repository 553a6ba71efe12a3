#!/usr/bin/env python3
"""kill -9 at random moments under a writing load.

After every restart: no acknowledged change is lost, nothing is half done, lists and metadata agree,
every namespace's chain verifies and never shrinks. Restarts and the first start are killed too.
"""

import http.client
import os
import random
import shutil
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "support"), HERE]

from live_server import Checks, Server, end_on_signals, seed_of, work_folder  # noqa: E402
from things import Contended, Problem, Secret, choose_thing, make_things  # noqa: E402

NAMESPACES = ("", "red", "red/deep", "blue")
THREADS = 4
RESTART_LIMIT = 10.0  # decides; the aim is below 2 s, and the measured maximum is printed
CONNECTION_LOST = (OSError, http.client.HTTPException)
MAKER = """path "auth/token/create" { capabilities = ["update"] }
path "kv/config" { capabilities = ["read"] }"""


class Load:
    """THREADS writers, each with things of its own in every namespace."""

    def __init__(self, rng):
        lock = threading.Lock()
        self.contended = [Contended(n, "shared/counter", lock) for n in NAMESPACES]
        self.owned = [[t for n in NAMESPACES for t in make_things(n, i)] for i in range(THREADS)]
        self.rngs = [random.Random(rng.random()) for _ in range(THREADS)]
        self.problems, self.changes = [], 0

    def things(self):
        return [t for owned in self.owned for t in owned] + self.contended

    def run(self, server, seconds):
        """Writes until the server is killed under it after the given time."""
        self.killed = threading.Event()
        threads = [threading.Thread(target=self.write, args=(server, i), daemon=True)
                   for i in range(THREADS)]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        self.killed.set()
        server.kill()
        for thread in threads:
            thread.join()

    def write(self, server, index):
        rng, clients = self.rngs[index], {}
        try:
            while True:
                shared = rng.random() < 0.15
                thing = rng.choice(self.contended) if shared else choose_thing(self.owned[index], rng)
                if thing.namespace not in clients:
                    clients[thing.namespace] = server.root(thing.namespace)
                thing.step(clients[thing.namespace], rng)
                self.changes += 1
        except CONNECTION_LOST as error:
            if not self.killed.is_set():
                self.problems.append(f"connection lost before the kill: {error!r}")
        except Problem as problem:
            self.problems.append(str(problem))


class Oracle:
    def __init__(self, load):
        self.load = load
        self.records = dict.fromkeys(NAMESPACES, 0)

    def problems(self, server):
        found, self.load.problems = self.load.problems, []
        clients = {n: server.root(n) for n in NAMESPACES}
        for thing in self.load.things():
            try:
                thing.settle(clients[thing.namespace])
            except Problem as problem:
                found.append(str(problem))
        for namespace in NAMESPACES:
            found += self.namespace_problems(clients[namespace], namespace)
        return found

    def namespace_problems(self, client, namespace):
        found = []
        expected = {t.name for t in self.load.things() if t.namespace == namespace and (
            t.state is not None if isinstance(t, Secret) else
            isinstance(t, Contended) and t.acknowledged)}
        listed = set(listing(client, "kv/metadata/", ""))
        if listed != expected:
            found.append(f"namespace '{namespace}': LIST differs from metadata: only listed "
                         f"{sorted(listed - expected)}, not listed {sorted(expected - listed)}")
        report = client.need("GET", "sys/events/verify").data
        if report["problem"]:
            found.append(f"namespace '{namespace}': chain: {report['problem']}")
        if report["records"] < self.records[namespace]:
            found.append(f"namespace '{namespace}': {report['records']} records, there were "
                         f"{self.records[namespace]}")
        self.records[namespace] = report["records"]
        return found


def listing(client, root, folder):
    answer = client.call("LIST", root + folder)
    if answer.status == 404:
        return
    for key in answer.data["keys"]:
        if key.endswith("/"):
            yield from listing(client, root, folder + key)
        else:
            yield folder + key


def set_up(server):
    for namespace in NAMESPACES:
        parent, _, name = namespace.rpartition("/")
        if name:
            server.root(parent).need("POST", f"sys/namespaces/{name}", {})
        client = server.root(namespace)
        client.need("POST", "sys/mounts/kv", {"type": "kv", "options": {"version": "2"}})
        client.need("PUT", "sys/policies/acl/maker", {"policy": MAKER})


def kill_while_starting(server, seconds):
    server.spawn()
    time.sleep(seconds)
    server.kill()


def hsm_files(server):
    """Files of the software token: name -> what shows that they were written anew."""
    found = {}
    for folder, _, names in os.walk(os.path.join(server.data, "hsm", "tokens")):
        for path in (os.path.join(folder, name) for name in names):
            status = os.stat(path)
            if status.st_size > 0:
                found[path] = (status.st_mtime_ns, status.st_ino)
    return found


def torn_token_files(server):
    """SoftHSM rewrites files of its token in place at a start, so a kill leaves them cut short. The
    kill is rarely in that moment: here the files that a start rewrites are cut short by hand."""
    before = hsm_files(server)
    server.start()
    server.kill()
    after = hsm_files(server)
    rewritten = [path for path in before if after.get(path) != before[path]]
    for path in rewritten:
        for size in (0, os.path.getsize(path) // 2):
            with open(path, "rb") as file:
                content = file.read()
            os.truncate(path, size)
            try:
                server.start()
                server.root().need("GET", "auth/token/lookup-self")
                server.kill()
            except RuntimeError as error:
                with open(path, "wb") as file:
                    file.write(content)
                return [f"{os.path.relpath(path, server.data)} cut to {size} bytes: {error}"]
    return []


def lost_root_token_file(folder):
    """The first start ends between its last two steps: the vault exists, the token file does not."""
    server = Server(folder)
    obstacle = os.path.join(server.data, "root-token")
    os.makedirs(obstacle)
    try:
        server.spawn()
        server.process.wait(timeout=30)
        os.rmdir(obstacle)
        server.start()
        server.root().need("GET", "auth/token/lookup-self")
        return []
    except (RuntimeError, OSError) as error:
        return [f"after a first start that could not write root-token: {error!r}"]
    finally:
        server.kill()


def first_start_killed(folder, moments):
    """Kills the first initialisation at these moments; then it has to come up and work."""
    server = Server(folder)
    try:
        for moment in moments:
            kill_while_starting(server, moment)
        seconds = server.start()
        root = server.root()
        root.need("GET", "auth/token/lookup-self")
        root.need("POST", "secret/data/a", {"data": {"v": 1}})
        if root.need("GET", "secret/data/a").data["data"] != {"v": 1}:
            return ["the first secret reads back differently"]
        problem = root.need("GET", "sys/events/verify").data["problem"]
        late = seconds > RESTART_LIMIT
        return ([problem] if problem else []) + ([f"took {seconds:.1f} s"] if late else [])
    except (RuntimeError, OSError, http.client.HTTPException) as error:
        return [f"killed at {', '.join(f'{m * 1000:.1f} ms' for m in moments)}: {error}"]
    finally:
        server.kill()


def restarts_killed(server, oracle, rng, checks, count, longest):
    """Restarts killed all along their length, then everything is still there; then a clean stop."""
    problems = []
    try:
        server.kill()
        for number in range(count):
            kill_while_starting(server, longest * (number + rng.random()) / count)
        server.start()
        problems = oracle.problems(server)
        status = server.stop()
        checks.check("clean stop", [f"exit status {status}"] if status else [])
        checks.check("token files cut short by a kill", torn_token_files(server))
    except (RuntimeError, *CONNECTION_LOST) as error:
        problems.append(repr(error))
    checks.check(f"{count} restarts killed one after the other", problems)
    return count


def main():
    end_on_signals()
    rounds = int(os.environ.get("COFFER_CRASH_ROUNDS") or 8)
    rng = random.Random(seed_of("COFFER_CRASH_SEED"))
    folder, checks = work_folder("crash"), Checks()
    server = Server(os.path.join(folder, "main"))
    first = server.start()
    set_up(server)
    load, restarts, startup_kills = Load(rng), [], 0
    oracle = Oracle(load)
    for number in range(1, rounds + 1):
        seconds = rng.uniform(0, 0.05) if rng.random() < 0.25 else rng.uniform(0.05, 1.0)
        load.run(server, seconds)
        for _ in range(rng.randint(1, 3) if rng.random() < 0.4 else 0):
            kill_while_starting(server, rng.uniform(0, 1.2 * max(restarts or [first])))
            startup_kills += 1
        try:
            restarts.append(server.start())
            problems = oracle.problems(server)
        except (RuntimeError, *CONNECTION_LOST) as error:
            checks.fail(f"round {number}", repr(error))
            break  # nothing that follows would mean anything
        if restarts[-1] > RESTART_LIMIT:
            problems.append(f"first answer after {restarts[-1]:.1f} s")
        checks.check(f"round {number}: killed after {seconds:.3f} s, back in {restarts[-1]:.3f} s",
                     problems)
    else:
        startup_kills += restarts_killed(server, oracle, rng, checks, max(12, rounds), max(restarts))
    checks.check("first start that ends before the root token's file",
                 lost_root_token_file(os.path.join(folder, "no-token")))

    starts = max(4, rounds // 2)
    for number in range(starts):
        moments = [first * 1.05 * (number + rng.random()) / starts]
        if rng.random() < 0.3:
            moments.append(rng.uniform(0, first))
        place = os.path.join(folder, f"first-{number}")
        problems = first_start_killed(place, moments)
        checks.check(f"first start killed at {moments[0] * 1000:.1f} ms", problems)
        if not problems:
            shutil.rmtree(place)
    print(f"{len(restarts)} rounds, {startup_kills} kills during start-up, {starts} of the first "
          f"start, {load.changes} acknowledged changes, first start {first:.3f} s, restart to the "
          f"first answer at most {max(restarts, default=0):.3f} s (aim: below 2 s)")
    return checks.finish(folder)


if __name__ == "__main__":
    sys.exit(main())
