"""The wrapped data key of a secret version, found in the store's files by its hash.

The event of a write names the key's id and the SHA-256 of the wrapped key. The key family is not
compressed, so the id stands before the wrapped key in the write-ahead log and in the tables.
"""

import hashlib
import os
import struct

import needles

BLOB_BYTES = 12 + 32 + 16  # nonce, key, tag
PIECE_BYTES = 20           # of the blob; each of them must be gone
GAP_MAX = 64               # between the end of the id and the blob
BLOCK_BYTES = 32 * 1024    # of RocksDB's log format
FRAME_BYTES = 7            # crc, length, type before each fragment


def joined_fragments(content):
    """A write-ahead log without the frames that may cut a blob in two."""
    out = bytearray()
    for start in range(0, len(content), BLOCK_BYTES):
        block, at = content[start:start + BLOCK_BYTES], 0
        while at + FRAME_BYTES <= len(block):
            length, kind = struct.unpack_from("<HB", block, at + 4)
            if kind == 0:
                break
            out += block[at + FRAME_BYTES:at + FRAME_BYTES + length]
            at += FRAME_BYTES + length
    return bytes(out)


def store_contents(server):
    """(name, bytes) of every file of the data folder, also of files that are only held open."""
    paths = list(needles.files_below(server.data))
    if server.process.poll() is None:
        paths += needles.unlinked_but_open(server.process.pid)
    for path in paths:
        content, name = needles.read(path), os.path.relpath(path, server.data)
        yield name, content
        if path.endswith(".log"):
            yield name + " (joined)", joined_fragments(content)


def written_keys(client, path):
    """version -> (key id, blob hash) of the secret, from its namespace's events."""
    keys, stream, start = {}, None, 1
    while True:
        events = client.need("GET", f"sys/events?from={start}&limit=1000").data["events"]
        for record in events:
            start = record["sequence"] + 1
            for event in record["events"]:
                body = event["json"]
                if event["name"] == "secret.created" and body["path"] == path:
                    stream, keys = record["stream"], {}
                elif event["name"] == "secret.version_written" and record["stream"] == stream:
                    keys[body["version"]] = (bytes.fromhex(body["data_key"]), body["data_key_blob_hash"])
        if not events:
            return keys


def find_blob(server, key_id, blob_hash, size=BLOB_BYTES):
    """(the wrapped key, where it is); (None, []) when no file holds it."""
    anchor = key_id[4:]  # tables leave out what a key shares with the one before it
    blob, places = None, []
    for name, content in store_contents(server):
        at = content.find(anchor)
        while at >= 0 and (blob is None or blob not in content):
            start = at + len(anchor)
            for begin in range(start, min(start + GAP_MAX, len(content) - size + 1)):
                window = content[begin:begin + size]
                if hashlib.sha256(window).hexdigest() == blob_hash:
                    blob = window
                    break
            at = content.find(anchor, at + 1)
        if blob is not None and blob in content:
            places.append(name)
    return blob, places


def remains(server, blobs):
    """One text per file that still holds a piece of one of the wrapped keys."""
    found = []
    for name, content in store_contents(server):
        for number, blob in enumerate(blobs):
            pieces = [blob[at:at + PIECE_BYTES] for at in range(0, len(blob) - PIECE_BYTES + 1, PIECE_BYTES)]
            if any(piece in content for piece in pieces):
                found.append(f"wrapped key {number + 1} of {len(blobs)} is in {name}")
    return found
