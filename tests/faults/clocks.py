"""Wall clocks of nodes that jump when the test wants it: clock_shim.c, compiled and preloaded."""

import mmap
import os
import shutil
import struct
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def why_not():
    return "" if shutil.which("cc") else "there is no C compiler"


class Clocks:
    """One clock a name. The folder is the test's own."""

    def __init__(self, folder, names):
        os.makedirs(folder, exist_ok=True)
        self._library = os.path.join(folder, "clock_shim.so")
        subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-o",
                        self._library, os.path.join(HERE, "clock_shim.c"), "-ldl"], check=True,
                       stdin=subprocess.DEVNULL)
        self._files, self._maps = {}, {}
        for name in names:
            self._files[name] = os.path.join(folder, f"{name}.offset")
            with open(self._files[name], "w+b") as file:
                file.write(struct.pack("=q", 0))
                file.flush()
                self._maps[name] = mmap.mmap(file.fileno(), 8)

    def environment(self, name):
        return {"LD_PRELOAD": self._library, "CLOCK_SHIM_OFFSET": self._files[name]}

    def offset(self, name):
        return struct.unpack("=q", self._maps[name][:8])[0] / 1e9

    def jump(self, name, seconds):
        """The clock is so far ahead of (behind) the system's from now on."""
        self._maps[name][:8] = struct.pack("=q", int(seconds * 1e9))

    def now(self, name):
        return time.time() + self.offset(name)
