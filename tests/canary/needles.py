"""Looking for a text in files, in every form it may have taken on its way there."""

import base64
import os


def base64_inner(content, shift):
    """What base64 makes of the content behind `shift` unknown bytes, without what depends on the
    neighbours."""
    encoded = base64.b64encode(b"\0" * shift + content)
    return encoded[(0, 2, 3)[shift]:(shift + len(content)) * 8 // 6]


def forms(marker):
    """Name of the form -> bytes. Markers are letters and digits: escaping leaves them as they are."""
    raw = marker.encode()
    found = {
        "raw": raw,
        "hex": raw.hex().encode(),
        "hex upper": raw.hex().upper().encode(),
        "UTF-16LE": marker.encode("utf-16-le"),
        "UTF-16BE": marker.encode("utf-16-be"),
        "UTF-32LE": marker.encode("utf-32-le"),
        "JSON escapes": "".join(f"\\u{ord(c):04x}" for c in marker).encode(),
        "percent": "".join(f"%{ord(c):02X}" for c in marker).encode(),
        "C escapes": "".join(f"\\x{ord(c):02x}" for c in marker).encode(),
        "reversed": raw[::-1],
    }
    for shift in range(3):
        found[f"base64 +{shift}"] = base64_inner(raw, shift)
    return found


def files_below(*places):
    for place in places:
        if os.path.isfile(place):
            yield place
        for folder, _, names in os.walk(place):
            for name in sorted(names):
                yield os.path.join(folder, name)


def unlinked_but_open(pid):
    """Files that have no name any more but still exist because the server holds them."""
    folder = f"/proc/{pid}/fd"
    try:
        numbers = os.listdir(folder)
    except OSError:
        return
    for number in numbers:
        path = os.path.join(folder, number)
        try:
            if os.readlink(path).endswith(" (deleted)") and os.path.isfile(path):
                yield path
        except OSError:
            continue


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:  # gone since it was listed
        return b""


def find(needles, contents):
    """needles: name -> bytes; contents: (place, bytes). One text per finding."""
    found = []
    for place, content in contents:
        for name, needle in needles.items():
            at = content.find(needle)
            if at >= 0:
                around = content[max(0, at - 24):at + len(needle) + 24]
                found.append(f"{name} in {place} at {at}: {around!r}")
    return found
