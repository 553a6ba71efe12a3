"""A token issuer over HTTPS: OpenID metadata and a key set, as its owner says on standard input.

usage: issuer_server.py CERTIFICATE KEY
Prints its port. Then reads one JSON object a line, whose members replace those of the state below,
and answers each with a line of the requests seen so far: {"/path": count}.
"""

import http.server
import json
import ssl
import sys
import threading

state = {
    "issuer": "",       # as the metadata names it; empty: this server's own address
    "jwks_uri": "",     # the same
    "keys": "",         # the text of the key set
    "status": 200,      # of every answer
    "location": "",     # header of a redirect
    "hold": False,      # answers wait until this is false again
    "chunked": False,   # no Content-Length, so that the size is only seen as it arrives
    "padding": 0,       # bytes of white space behind a document
}
changed = threading.Condition()
counts = {}


class Issuer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        with changed:
            counts[self.path] = counts.get(self.path, 0) + 1
            changed.notify_all()
            changed.wait_for(lambda: not state["hold"])
            answer = dict(state)
        body = self.document(answer).encode() + b" " * answer["padding"]
        try:
            self.send_response(answer["status"])
            if answer["location"]:
                self.send_header("Location", answer["location"])
            if answer["chunked"]:
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for at in range(0, len(body), 4096):
                    part = body[at:at + 4096]
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                self.wfile.write(b"0\r\n\r\n")
            else:
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
        except OSError:
            self.close_connection = True  # the client had enough

    def document(self, answer):
        here = f"https://localhost:{self.server.server_port}"
        if self.path.endswith("/.well-known/openid-configuration"):
            return json.dumps({
                "issuer": answer["issuer"] or here,
                "jwks_uri": answer["jwks_uri"] or here + "/keys",
                "authorization_endpoint": here + "/authorize",
                "token_endpoint": here + "/token",
            })
        return answer["keys"]

    def log_message(self, *arguments):
        pass


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Issuer)
    server.daemon_threads = True
    server.handle_error = lambda request, address: None  # clients that distrust it leave early
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True,
                                        do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    for line in sys.stdin:
        wanted = json.loads(line)
        with changed:
            if "await" in wanted:
                path, count = wanted.pop("await")
                changed.wait_for(lambda: counts.get(path, 0) >= count, timeout=20)
            state.update(wanted)
            changed.notify_all()
            print(json.dumps(counts), flush=True)


main()
