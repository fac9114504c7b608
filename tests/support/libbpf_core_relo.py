"""What libbpf makes of the CO-RE relocations of an object: its own debug messages while it prepares one."""

from __future__ import annotations

import ctypes
import os
import re
from dataclasses import dataclass
from errno import errorcode
from functools import cache
from typing import Any

import pytest

_Print = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)


class _OpenOpts(ctypes.Structure):
    """The start of `struct bpf_object_open_opts`."""

    _fields_ = (
        ("sz", ctypes.c_size_t),
        ("object_name", ctypes.c_char_p),
        ("relaxed_maps", ctypes.c_bool),
        ("pin_root_path", ctypes.c_char_p),
        ("reserved", ctypes.c_long),
        ("kconfig", ctypes.c_char_p),
        ("btf_custom_path", ctypes.c_char_p),
    )


@dataclass
class Result:
    """One relocation: poisoned, a value and perhaps a new size of the access, or an error number."""

    poisoned: bool = False
    value: int | None = None
    access_size: int | None = None
    error: str | None = None


_PATCHED = re.compile(r"relo #(\d+): patched insn #\d+ \(\S+\) \w+ (-?\d+) -> (-?\d+)")
_RESIZED = re.compile(r"relo #(\d+): patched insn #\d+ \(\S+\) mem_sz \d+ -> (\d+)")
_POISONED = re.compile(r"relo #(\d+): substituting insn")
_FAILED = re.compile(r"relo #(\d+): failed to (?:relocate|patch insn #\d+): -?(\w+)")


def results(lines: list[str]) -> dict[int, Result]:
    """The relocations of one section, by their numbers, from libbpf's debug messages."""
    found: dict[int, Result] = {}
    for line in lines:
        if match := _RESIZED.search(line):
            found[int(match[1])].access_size = int(match[2])
        elif match := _PATCHED.search(line):
            found[int(match[1])] = Result(value=int(match[3]))
        elif match := _POISONED.search(line):
            found[int(match[1])] = Result(poisoned=True)
        elif match := _FAILED.search(line):
            number = match[2]  # a name since libbpf 1.6
            found[int(match[1])] = Result(error=errorcode[int(number)] if number.isdigit() else number)
    return found


class Preparer:
    """libbpf, with the messages that it prints."""

    def __init__(self, path: str) -> None:
        self.library = ctypes.CDLL(path)
        libc = ctypes.CDLL(None)
        self.lines: list[str] = []

        def collect(_level: int, text: bytes, arguments: int) -> int:
            buffer = ctypes.create_string_buffer(1 << 14)
            libc.vsnprintf(buffer, ctypes.c_size_t(len(buffer)), text, ctypes.c_void_p(arguments))
            self.lines.append(buffer.value.decode(errors="replace"))
            return 0

        self._collect = _Print(collect)  # libbpf does not keep it alive
        pointer = ctypes.c_void_p
        self.library.bpf_object__open_mem.restype = pointer
        self.library.bpf_object__open_mem.argtypes = [ctypes.c_char_p, ctypes.c_size_t, pointer]
        # Before libbpf 1.6, only loading relocates. The kernel then refuses the programs, after the messages.
        self.prepare = getattr(self.library, "bpf_object__prepare", self.library.bpf_object__load)
        self.prepare.argtypes = [pointer]
        self.library.bpf_object__close.argtypes = [pointer]
        self.library.libbpf_set_print.argtypes = [_Print]

    def relocate(self, content: bytes, kernel_path: str) -> list[Result] | None:
        """The relocations of one section, up to the first error; None if libbpf does not open the object."""
        self.lines.clear()
        self.library.libbpf_set_print(self._collect)
        opts: Any = _OpenOpts(object_name=b"tested", btf_custom_path=os.fsencode(kernel_path))
        opts.sz = ctypes.sizeof(opts)
        made = self.library.bpf_object__open_mem(content, len(content), ctypes.byref(opts))
        if not made:
            return None
        try:
            self.prepare(made)
        finally:
            self.library.bpf_object__close(made)
        found = results(self.lines)
        return [found[number] for number in sorted(found)]


@cache
def preparer() -> Preparer:
    """The libbpf that `BTFMMAP_LIBBPF` names, or the system's, as root; otherwise the test is skipped."""
    path = os.environ.get("BTFMMAP_LIBBPF", "libbpf.so.1")
    if os.geteuid() != 0:
        pytest.skip("libbpf prepares objects only for root")
    try:
        return Preparer(path)
    except (OSError, AttributeError) as error:
        pytest.skip(f"{path}: {error}")
