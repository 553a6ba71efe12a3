#!/usr/bin/env python3
"""An HTTPS server that misbehaves in ways the real one never should.

  stub_server.py CERTIFICATE KEY     prints its port, serves until it is killed

The namespace header chooses the behaviour of /v1/sys/events and /v1/sys/events/verify; other paths
have one of their own. Requests that carry a token after a redirect are answered with 299.
"""

import http.server
import json
import ssl
import sys
import time
import urllib.parse


def sha(number):
    return f"{number:064x}" if number else ""


def chain(count):
    return [
        {
            "sequence": i, "time": "2026-01-01T00:00:00Z", "epoch": 1, "hash": sha(i),
            "previous_hash": sha(i - 1), "stream": "0" * 32,
            "events": [{"name": "policy.removed", "json": {"name": "\u001b[2J\u009b31m"}}],
        }
        for i in range(1, count + 1)
    ]


def log_of(kind):
    records, report = chain(5), {"records": 5, "head_hash": sha(5), "problem": None}
    if kind == "gap":
        del records[2]
    elif kind == "relinked":
        records[3]["previous_hash"] = sha(9)
    elif kind == "short":
        records = records[:3]
    elif kind == "other-head":
        report["head_hash"] = sha(9)
    elif kind == "grown":
        report = {"records": 3, "head_hash": sha(3), "problem": None}
    elif kind == "found":
        report = {"records": 2, "head_hash": "", "problem": "record 3: does not open"}
        records = records[:2]
    elif kind == "unknown-event":
        records[0]["events"][0]["name"] = "policy.praised"
    return records, report


class Stub(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, headers=()):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        kind = self.headers.get("X-Vault-Namespace", "")
        if url.path == "/stolen":
            self.answer(299 if self.headers.get("X-Vault-Token") else 298, {})
        elif url.path == "/v1/sys/actors":
            self.answer(200, {"data": {"actors": []}})
        elif kind == "redirect":
            self.answer(307, {}, [("Location", "/stolen")])
        elif kind == "slow":
            time.sleep(5)
        elif kind == "no-json":
            self.answer(200, b"<html>\x1b[2J</html>")
        elif kind == "no-data":
            self.answer(200, {"data": None})
        elif kind == "escapes":
            self.answer(400, {"errors": ["\u001b]0;title\u0007bad\n\t* \u009b2J"]})
        elif kind == "broken":
            self.answer(500, {"errors": ["internal error"]})
        elif kind == "loop":
            self.answer(200, {"data": {"events": chain(2), **log_of(kind)[1]}})
        elif url.path == "/v1/sys/events/verify":
            self.answer(200, {"data": log_of(kind)[1]})
        elif url.path == "/v1/sys/events":
            start, limit = int(query.get("from", 1)), int(query.get("limit", 100))
            records = [r for r in log_of(kind)[0] if r["sequence"] >= start][:limit]
            self.answer(200, {"data": {"events": records}})
        else:
            self.answer(404, {"errors": []})


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_address[1], flush=True)
    server.serve_forever()


main()
