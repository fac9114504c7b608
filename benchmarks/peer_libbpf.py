"""libbpf through ctypes: as much of it as the benchmarks call."""

from __future__ import annotations

import ctypes
import os


class Libbpf:
    """The library that BTFMMAP_LIBBPF names, else the system's; `OSError` where there is none."""

    def __init__(self) -> None:
        library = ctypes.CDLL(os.environ.get("BTFMMAP_LIBBPF", "libbpf.so.1"), use_errno=True)
        self._library = library
        library.libbpf_version_string.restype = ctypes.c_char_p
        library.btf__load_vmlinux_btf.restype = ctypes.c_void_p
        library.btf__parse.restype = ctypes.c_void_p
        library.btf__parse.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
        library.btf__free.argtypes = [ctypes.c_void_p]
        library.btf__free.restype = None
        library.libbpf_set_print(None)  # its warnings would land in the report
        self.version: str = library.libbpf_version_string().decode().removeprefix("v")

    def load_vmlinux(self) -> None:
        """Load the running kernel's BTF, and free it."""
        self._free(self._library.btf__load_vmlinux_btf())

    def parse(self, path: str) -> None:
        """Load a file's BTF, and free it."""
        self._free(self._library.btf__parse(os.fsencode(path), None))

    def _free(self, btf: int | None) -> None:
        if btf is None:
            raise OSError(ctypes.get_errno(), "libbpf loads no BTF")
        self._library.btf__free(btf)
