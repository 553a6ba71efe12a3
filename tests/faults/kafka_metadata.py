"""Who leads a topic's first partition and who is in sync: one Metadata request (version 4) of Kafka's
protocol to any broker, with nothing but the standard library."""

import socket
import struct

METADATA, VERSION = 3, 4
ANSWER_BYTES_MAX = 1 << 20


class _Reader:
    def __init__(self, content):
        self.content, self.at = content, 0

    def number(self, form):
        (value,) = struct.unpack_from(">" + form, self.content, self.at)
        self.at += struct.calcsize(form)
        return value

    def text(self):
        size = self.number("h")
        if size < 0:
            return None
        self.at += size
        return self.content[self.at - size:self.at].decode()

    def list(self, read):
        return [read() for _ in range(self.number("i"))]


def _receive(connection, size):
    content = b""
    while len(content) < size:
        more = connection.recv(size - len(content))
        if not more:
            raise ConnectionError("the broker closed the connection")
        content += more
    return content


def partition_of(address, topic, limit=2.0):
    """(leader, in-sync replicas) as broker ids, or None when the broker does not know a leader.
    Errors: OSError."""
    name = topic.encode()
    body = struct.pack(">hhih4sih", METADATA, VERSION, 1, 4, b"test", 1, len(name)) + name + b"\0"
    with socket.create_connection(address, limit) as connection:
        connection.sendall(struct.pack(">i", len(body)) + body)
        (size,) = struct.unpack(">i", _receive(connection, 4))
        if not 0 < size <= ANSWER_BYTES_MAX:
            raise ConnectionError(f"an answer of {size} bytes")
        answer = _Reader(_receive(connection, size))
    answer.number("i")  # correlation
    answer.number("i")  # throttle
    answer.list(lambda: (answer.number("i"), answer.text(), answer.number("i"), answer.text()))
    answer.text()       # cluster
    answer.number("i")  # controller

    def partition():
        error, index, leader = answer.number("h"), answer.number("i"), answer.number("i")
        answer.list(lambda: answer.number("i"))
        return error, index, leader, answer.list(lambda: answer.number("i"))

    for _, _, _, partitions in answer.list(lambda: (answer.number("h"), answer.text(),
                                                    answer.number("b"), answer.list(partition))):
        for error, index, leader, in_sync in partitions:
            if index == 0 and error == 0 and leader >= 0:
                return leader, in_sync
    return None
