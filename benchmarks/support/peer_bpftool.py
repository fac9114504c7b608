"""bpftool's JSON dump, read back into Python."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

from support.processes import find_program

PROGRAM = os.environ.get("BTFMMAP_BPFTOOL") or "bpftool"


class Bpftool:
    """The bpftool that BTFMMAP_BPFTOOL names, else the one on the path. Raises OSError if none runs."""

    def __init__(self) -> None:
        program = find_program(PROGRAM)
        if program is None:
            raise FileNotFoundError(f"{PROGRAM} is not installed")
        self._program = program
        try:
            self.version: str = self._json("version")["version"]
        except (subprocess.CalledProcessError, ValueError) as error:
            # Ubuntu installs a wrapper, which fails without a bpftool of the running kernel.
            raise OSError(f"{PROGRAM} does not run: {error}") from error

    def load(self, path: str) -> object:
        """The types of a file, as dicts and lists."""
        return self._json("btf", "dump", "file", path)

    def _json(self, *arguments: str) -> Any:
        dump = subprocess.run([self._program, "-j", *arguments], stdout=subprocess.PIPE, check=True)
        return json.loads(dump.stdout)
