"""Functions of libbpf as a reference.

BTFMMAP_LIBBPF names a libbpf.so with btf__relocate (libbpf 1.5 or later); tests are skipped without one.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from typing import Any

import pytest


class Libbpf:
    """A loaded libbpf.so."""

    def __init__(self, path: str) -> None:
        self.library = ctypes.CDLL(path)
        pointer = ctypes.c_void_p
        signatures: dict[str, tuple[Any, list[Any]]] = {
            "btf__new": (pointer, [ctypes.c_char_p, ctypes.c_uint32]),
            "btf__new_split": (pointer, [ctypes.c_char_p, ctypes.c_uint32, pointer]),
            "btf__raw_data": (pointer, [pointer, ctypes.POINTER(ctypes.c_uint32)]),
            "btf__relocate": (ctypes.c_int, [pointer, pointer]),
            "btf__dedup": (ctypes.c_int, [pointer, pointer]),
            "btf__distill_base": (ctypes.c_int, [pointer, pointer, pointer]),
            "btf__type_cnt": (ctypes.c_uint32, [pointer]),
            "btf__free": (None, [pointer]),
            "bpf_object__open_mem": (pointer, [ctypes.c_char_p, ctypes.c_size_t, pointer]),
            "bpf_object__btf": (pointer, [pointer]),
            "bpf_object__close": (None, [pointer]),
            "libbpf_set_print": (pointer, [pointer]),
        }
        for name, (result, arguments) in signatures.items():
            function = getattr(self.library, name)
            function.restype, function.argtypes = result, arguments
        self.library.libbpf_set_print(None)

    def relocated(self, split: bytes, distilled: bytes, base: bytes) -> bytes | None:
        """The bytes of the split BTF on its new base; None where libbpf refuses."""
        library = self.library
        distilled_btf = library.btf__new(distilled, len(distilled))
        base_btf = library.btf__new(base, len(base))
        btf = library.btf__new_split(split, len(split), distilled_btf)
        assert distilled_btf
        assert base_btf
        assert btf
        try:
            if library.btf__relocate(btf, base_btf) != 0:
                return None
            size = ctypes.c_uint32()
            data = library.btf__raw_data(btf, ctypes.byref(size))
            return ctypes.string_at(data, size.value)
        finally:
            for one in (btf, base_btf, distilled_btf):
                library.btf__free(one)

    def object_btf(self, content: bytes) -> bytes | None:
        """The BTF of a BPF object, as it is mended for the kernel; None where libbpf refuses the object."""
        opened = self.library.bpf_object__open_mem(content, len(content), None)
        if not opened:
            return None
        try:
            size = ctypes.c_uint32()
            data = self.library.btf__raw_data(self.library.bpf_object__btf(opened), ctypes.byref(size))
            return ctypes.string_at(data, size.value)
        finally:
            self.library.bpf_object__close(opened)

    def deduplicated(self, blob: bytes) -> bytes:
        """The bytes of a BTF in which each type is once."""
        btf = self.library.btf__new(blob, len(blob))
        assert btf
        try:
            assert self.library.btf__dedup(btf, None) == 0
            return self._content(btf)
        finally:
            self.library.btf__free(btf)

    def distilled(self, split: bytes, base: bytes) -> tuple[bytes, bytes] | None:
        """The bytes of a distilled base and of the split BTF on it; None where libbpf refuses."""
        library = self.library
        base_btf = library.btf__new(base, len(base))
        btf = library.btf__new_split(split, len(split), base_btf)
        assert btf
        made = [ctypes.c_void_p(), ctypes.c_void_p()]
        try:
            if library.btf__distill_base(btf, *map(ctypes.byref, made)) != 0:
                return None
            return self._content(made[0].value), self._content(made[1].value)
        finally:
            for one in (*(each.value for each in reversed(made)), btf, base_btf):
                library.btf__free(one)

    def _content(self, btf: int | None) -> bytes:
        size = ctypes.c_uint32()
        return ctypes.string_at(self.library.btf__raw_data(btf, ctypes.byref(size)), size.value)

    def type_count(self, blob: bytes) -> int | None:
        """How many types it sees in a BTF, void included; None where it refuses."""
        btf = self.library.btf__new(blob, len(blob))
        if not btf:
            return None
        count: int = self.library.btf__type_cnt(btf)
        self.library.btf__free(btf)
        return count


@cache
def libbpf() -> Libbpf:
    """The library that BTFMMAP_LIBBPF names; without it the test is skipped."""
    path = os.environ.get("BTFMMAP_LIBBPF")
    if path is None:
        pytest.skip("BTFMMAP_LIBBPF names no libbpf.so")
    try:
        return Libbpf(path)
    except (OSError, AttributeError) as error:
        pytest.skip(f"BTFMMAP_LIBBPF={path}: {error}")
