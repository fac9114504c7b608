"""Loads BPF objects by libbpf on the running kernel, as a reference. Needs root.

BTFMMAP_LIBBPF names the libbpf.so to use.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import requirements
from guarded import compile_bpf, program


class Loader:
    """Loads objects by libbpf, and says whether a poisoned instruction was reached."""

    def __init__(self) -> None:
        try:
            self.library = ctypes.CDLL(os.environ.get("BTFMMAP_LIBBPF", "libbpf.so.1"))
        except OSError as error:
            pytest.skip(f"no libbpf: {error}")
        pointer = ctypes.c_void_p
        self.library.bpf_object__open_file.restype = pointer
        self.library.bpf_object__open_file.argtypes = [ctypes.c_char_p, pointer]
        self.library.bpf_object__load.argtypes = [pointer]
        self.library.bpf_object__close.argtypes = [pointer]
        self.library.libbpf_set_print.argtypes = [pointer]
        self.libc = ctypes.CDLL(None)
        self.libc.vsnprintf.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, pointer]
        self.log = b""
        self.line = ctypes.create_string_buffer(1 << 16)
        callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p, pointer)
        self.callback = callback(self.print)
        self.library.libbpf_set_print(ctypes.cast(self.callback, pointer))

    def print(self, _level: int, form: bytes, arguments: int) -> int:
        self.libc.vsnprintf(self.line, len(self.line), form, arguments)
        self.log += self.line.value
        return 0

    def load(self, path: Path) -> str:
        """ "loads", "poison", or why else the object does not load."""
        self.log = b""
        opened_object = self.library.bpf_object__open_file(bytes(path), None)
        assert opened_object, self.log
        try:
            if self.library.bpf_object__load(opened_object) == 0:
                return "loads"
        finally:
            self.library.bpf_object__close(opened_object)
        if b"195896080" in self.log or b"<invalid CO-RE relocation>" in self.log:
            return "poison"
        return self.log.decode(errors="replace")


def loader_of_this_kernel(folder: Path) -> Iterator[Loader]:
    """Yield a loader, for a fixture; skip the test where programs cannot be loaded."""
    if os.geteuid() != 0:
        pytest.skip("only root may load programs")
    requirements.kernel_btf()
    made = Loader()
    result = made.load(compile_bpf(program("return 1;"), folder))
    if result != "loads":
        pytest.skip(f"this kernel loads no programs: {result}")
    yield made
    made.library.libbpf_set_print(None)
