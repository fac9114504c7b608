"""bpftool's JSON dump, read back into Python."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any


class Bpftool:
    """The bpftool on the path; `OSError` where there is none that runs."""

    def __init__(self) -> None:
        # Debian keeps it in a directory that is only on root's path.
        program = shutil.which("bpftool") or shutil.which("/usr/sbin/bpftool")
        if program is None:
            raise FileNotFoundError("bpftool is not installed")
        self._program = program
        try:
            self.version: str = self._json("version")["version"]
        except subprocess.CalledProcessError as error:
            # Ubuntu's is a wrapper, which fails where there is no bpftool for the running kernel.
            raise OSError(f"bpftool does not run: {error}") from error

    def load(self, path: str) -> object:
        """The types of a file, as dicts and lists."""
        return self._json("btf", "dump", "file", path)

    def _json(self, *arguments: str) -> Any:
        dump = subprocess.run([self._program, "-j", *arguments], stdout=subprocess.PIPE, check=True)
        return json.loads(dump.stdout)
