"""Many small secrets in a cluster, s-0 .. s-(N-1), spread over folders; what is there is counted."""

import os
import shutil
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))

from live_server import Client  # noqa: E402

FOLDERS = 512
CHUNK = 25_000
THREADS = 2
CONNECTIONS = 64


def path_of(number):
    return f"fill/{number % FOLDERS:03d}/s-{number:07d}"


def value_of(number):
    return {"value": f"secret number {number}"}


def fill_some(node, token, numbers, clients=8):
    """One by one, with a few connections; what fails is an error."""
    numbers, errors = list(numbers), []

    def work(part):
        try:
            client = Client(node, token)
            for number in part:
                client.need("POST", f"secret/data/{path_of(number)}", {"data": value_of(number)})
        except Exception as error:  # pylint: disable=broad-except
            errors.append(repr(error))

    threads = [threading.Thread(target=work, args=(numbers[i::clients],)) for i in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise RuntimeError(f"filling failed: {errors[0]}")


def fill_chunk(node, token, first, last):
    """With wrk; what it did not get through is found by missing()."""
    wrk = subprocess.Popen(
        ["wrk", "-t", str(THREADS), "-c", str(CONNECTIONS), "-d", "240s", "--timeout", "30s", "-s",
         os.path.join(HERE, "fill.lua"), f"https://127.0.0.1:{node.port}", "--", str(first),
         str(last), str(THREADS), str(CONNECTIONS)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=dict(os.environ, FILL_TOKEN=token))
    with wrk:
        done = 0
        for line in wrk.stdout:
            done += line == b"DONE\n"
            if done == THREADS:
                wrk.kill()


def missing(node, token, count):
    """Numbers below `count` that are not listed."""
    client, found = Client(node, token), set()
    for folder in range(min(FOLDERS, count)):
        answer = client.call("LIST", f"secret/metadata/fill/{folder:03d}")
        if answer.status == 200:
            found.update(int(name[2:]) for name in answer.data["keys"])
    return sorted(set(range(count)) - found)


def fill(active, token, count, progress_file, limit_s):
    """Goes on where a former call stopped; True when all are there. `active` names the node."""
    done = 0
    if os.path.exists(progress_file):
        with open(progress_file, encoding="ascii") as file:
            done = int(file.read())
    began = time.monotonic()
    while done < count:
        if time.monotonic() - began > limit_s:
            return False
        last = min(count, done + CHUNK)
        if shutil.which("wrk") and last - done > 5_000:
            fill_chunk(active(), token, done, last)
        else:
            fill_some(active(), token, range(done, last))
        done = last
        with open(progress_file, "w", encoding="ascii") as file:
            file.write(str(done))
        print(f"{done} secrets after {time.monotonic() - began:.0f} s", flush=True)
    fill_some(active(), token, missing(active(), token, count))
    return not missing(active(), token, count)
