"""Three nodes of a cluster behind one address, where each request goes to a random node.

What an operator does to every node by itself is done so here: sys/unseal and sys/seal go to all of
them, the active one last, since it judges the token of the others' sys/seal.
"""

import http.client
import http.server
import os
import random
import ssl
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(ROOT, "tools", "cluster"), os.path.join(ROOT, "tests", "support")]

import cluster  # noqa: E402
from kafka_broker import die_with_parent  # noqa: E402

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "te", "trailer",
              "upgrade", "proxy-connection"}
EVERY_NODE = {"/v1/sys/unseal", "/v1/sys/seal"}


class Layout(cluster.Layout):
    """Nodes on the brokers of tests/support/kafka_broker.py."""

    def bootstrap(self):
        return os.environ["COFFER_TEST_KAFKA"]


def environment(layout, **options):
    """Of a node: options override what cluster.node_config() writes."""
    brokers = len(layout.bootstrap().split(","))
    values = {"kafka_topic_prefix": "t" + os.path.basename(layout.data), "kafka_replication":
              min(brokers, 3), "kafka_in_sync_replicas_min": min(brokers, 2),
              "kafka_session_timeout_ms": 6000, **options}
    kept = {k: v for k, v in os.environ.items() if not k.startswith("COFFER")}
    return dict(kept, SOFTHSM2_CONF=layout.path("hsm", "softhsm2.conf"),
                **{f"COFFER_{name.upper()}": str(value) for name, value in values.items()})


def prepare(folder):
    layout = Layout(folder)
    cluster.make_certificates(layout)
    cluster.prepare_hsm(layout)
    return layout


def command_of(layout, cofferd, number):
    folder = layout.path("nodes", cluster.NAMES[number])
    os.makedirs(folder, mode=0o700, exist_ok=True)
    config = os.path.join(folder, "cofferd.toml")
    cluster.write(config, cluster.node_config(layout, number))
    return [cofferd, "--config", config] + (["--allow-root"] if os.geteuid() == 0 else [])


def start_nodes(layout, cofferd, **options):
    """They end with this process."""
    started = []
    for number in range(cluster.COUNT):
        with open(os.path.join(layout.data, f"{cluster.NAMES[number]}.log"), "ab") as log:
            started.append(subprocess.Popen(
                command_of(layout, cofferd, number), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env=environment(layout, **options), preexec_fn=die_with_parent))
    deadline = time.monotonic() + 60
    for number, process in enumerate(started):
        while cluster.health(layout, number) == 0:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"node {number + 1} did not start: see {layout.data}")
            time.sleep(0.05)
    return started


class Front(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address, certificate, key, layout):
        super().__init__(address, Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        # The handshake belongs to the connection's thread, not to the one that accepts.
        self.socket = context.wrap_socket(self.socket, server_side=True,
                                          do_handshake_on_connect=False)
        self.ports = layout.chosen["api"]
        self.upstream = ssl.create_default_context(cafile=layout.path("tls", "ca.pem"))
        self.served = [0] * len(self.ports)

    def handle_error(self, request, client_address):
        """A client that goes away is no news."""

    def ask(self, number, method, target, headers, body):
        connection = http.client.HTTPSConnection("127.0.0.1", self.ports[number], timeout=60,
                                                 context=self.upstream)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            if body or method in ("POST", "PUT", "PATCH"):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            self.served[number] += 1
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def active_last(self):
        def is_active(number):
            return self.ask(number, "GET", "/v1/sys/health", [("Host", "localhost")], b"")[0] == 200
        return sorted(range(len(self.ports)), key=is_active)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120

    def log_message(self, *_):
        pass

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = [(k, v) for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP]
        front = self.server
        one = random.randrange(len(front.ports))
        nodes = [one]
        try:
            if self.command in ("PUT", "POST") and self.path in EVERY_NODE:
                nodes = front.active_last()
            answers = [front.ask(node, self.command, self.path, headers, body) for node in nodes]
        except (OSError, http.client.HTTPException) as error:
            # Of a node, not of the client: it is to be seen in the test.
            answers = [(502, [], f"a node does not answer: {error!r}\n".encode())]
        # Nodes that were asked the same and do not agree: the worst is what the client must see.
        status, back, content = max(answers, key=lambda answer: answer[0])
        self.send_response_only(status)
        length = len(content)
        for name, value in back:
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
            elif name.lower() == "content-length" and self.command == "HEAD":
                length = int(value)
        if status != 204:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_PATCH = serve
    do_LIST = do_SCAN = do_OPTIONS = serve


def main(folder):
    """A cluster that unseals itself, behind a front; FOLDER/env says how to use it. Until killed."""
    layout = prepare(folder)
    start_nodes(layout, os.environ["COFFERD"])
    cluster.await_nodes(layout)
    tls = layout.path("tls", cluster.NAMES[0])
    front = Front(("127.0.0.1", 0), tls + ".pem", tls + ".key", layout)
    cluster.write(layout.path("env"), "".join(
        f"export {name}='{value}'\n" for name, value in
        {"VAULT_ADDR": f"https://127.0.0.1:{front.server_port}",
         "VAULT_CACERT": layout.path("tls", "ca.pem"),
         "VAULT_TOKEN": cluster.root_token(layout)}.items()))
    front.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
