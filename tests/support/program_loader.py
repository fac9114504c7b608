"""Loads single programs of BPF objects by libbpf, and reads what it and the verifier say of relocations."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import libbpf_core_relo
from loader import Loader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from libbpf_core_relo import Result

# Types of maps whose number of entries libbpf, the kernel or nothing determines.
_RINGBUF, _LOCAL_STORAGE = 27, {19, 21, 24, 28, 29, 32}
_STACK_TRACE = 7
_PAGE_ENTRIES = 4096
_STACK_BYTES = 8 * 16

_POISONED = re.compile(r"^(\d+): (?:<invalid CO-RE relocation>|\(85\) call unknown#195896080)", re.MULTILINE)
_RELOCATION = re.compile(r"failed to resolve CO-RE relocation <\w+> \[\d+\] \w+ ([^\s.]+)\S* \(([\d:]+)")
_LINE = re.compile(r"^; .* @ (\S+):(\d+)$", re.MULTILINE)
_SECTION = re.compile(r"sec '(.*)': found \d+ CO-RE relocations")


class Poisoned(NamedTuple):
    """The instruction that the verifier stopped at.

    Attributes:
        instruction: Its number in the program, to whose end libbpf appends the functions that it calls.
        root, access: The root type and the access string of its relocation; None from an old libbpf.
        line: Its source line; None from an old kernel.
    """

    instruction: int
    root: str | None
    access: str | None
    line: int | None


class ProgramLoader(Loader):
    """Loads one program at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.line = ctypes.create_string_buffer(1 << 22)  # whole logs of the verifier
        pointer, number = ctypes.c_void_p, ctypes.c_uint32
        signatures: dict[str, tuple[Any, list[Any]]] = {
            "bpf_object__next_program": (pointer, [pointer, pointer]),
            "bpf_program__name": (ctypes.c_char_p, [pointer]),
            "bpf_program__set_autoload": (ctypes.c_int, [pointer, ctypes.c_bool]),
            "bpf_object__next_map": (pointer, [pointer, pointer]),
            "bpf_map__type": (number, [pointer]),
            "bpf_map__max_entries": (number, [pointer]),
            "bpf_map__set_max_entries": (ctypes.c_int, [pointer, number]),
            "bpf_map__value_size": (number, [pointer]),
            "bpf_map__set_value_size": (ctypes.c_int, [pointer, number]),
        }
        for name, (result, arguments) in signatures.items():
            function = getattr(self.library, name)
            function.restype, function.argtypes = result, arguments

    def load_program(self, path: Path, program: str) -> bool:
        """Load an object with one of its programs; `log` has the messages."""
        self.log = b""
        opened = self.library.bpf_object__open_file(bytes(path), None)
        assert opened, self.log
        try:
            for one in self._each("bpf_object__next_program", opened):
                name = self.library.bpf_program__name(one).decode()
                self.library.bpf_program__set_autoload(one, name == program)
            for one in self._each("bpf_object__next_map", opened):
                self._size_map(one)
            return bool(self.library.bpf_object__load(opened) == 0)
        finally:
            self.library.bpf_object__close(opened)

    def relocated(self) -> dict[tuple[str, int], Result]:
        """What libbpf made of relocations in the last load, by section and number in the section."""
        found = {}
        pieces = _SECTION.split(self.log.decode(errors="replace"))
        for section, text in zip(pieces[1::2], pieces[2::2], strict=True):
            for number, result in libbpf_core_relo.results(text.splitlines()).items():
                found[section, number] = result
        return found

    def poisoned(self) -> Poisoned | None:
        """The poisoned instruction because of which the last load failed."""
        log = self.log.decode(errors="replace")
        match = _POISONED.search(log)
        if match is None:
            return None
        relocation = _RELOCATION.search(log, match.start())
        lines = _LINE.findall(log, 0, match.start())
        return Poisoned(
            int(match[1]),
            relocation and relocation[1],
            relocation and relocation[2],
            int(lines[-1][1]) if lines else None,
        )

    def _each(self, following: str, opened: int) -> Iterator[int]:
        one = None
        while one := getattr(self.library, following)(opened, one):
            yield one

    def _size_map(self, one: int) -> None:
        """Set what tools set when they start."""
        kind = self.library.bpf_map__type(one)
        if not self.library.bpf_map__max_entries(one) and kind not in _LOCAL_STORAGE:
            self.library.bpf_map__set_max_entries(one, _PAGE_ENTRIES if kind == _RINGBUF else 1)
        if kind == _STACK_TRACE and not self.library.bpf_map__value_size(one):
            self.library.bpf_map__set_value_size(one, _STACK_BYTES)
