"""libbpf's typed dump, the reference of `Btf.format`."""

from __future__ import annotations

import ctypes
import re
import struct
from pathlib import Path
from typing import Any

import requirements


class TypedDump:
    """The installed libbpf's `btf_dump__dump_type_data`."""

    def __init__(self, path: Path) -> None:
        try:
            library: Any = ctypes.CDLL("libbpf.so.1")
        except OSError:
            requirements.absent("libbpf.so.1")
        self._library, self._libc = library, ctypes.CDLL(None)
        library.libbpf_set_print.argtypes = [ctypes.c_void_p]
        library.libbpf_set_print(None)
        library.btf__parse.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
        library.btf_dump__new.argtypes = [ctypes.c_void_p] * 4
        library.btf__parse.restype = library.btf_dump__new.restype = ctypes.c_void_p
        library.btf_dump__dump_type_data.argtypes = [
            ctypes.c_void_p,
            ctypes.c_uint32,
            ctypes.c_void_p,
            ctypes.c_size_t,
            ctypes.c_void_p,
        ]
        self._libc.open_memstream.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        self._libc.open_memstream.restype = ctypes.c_void_p
        self._libc.fflush.argtypes = self._libc.rewind.argtypes = [ctypes.c_void_p]
        self._text, self._size = ctypes.c_void_p(), ctypes.c_size_t()
        self._stream = self._libc.open_memstream(ctypes.byref(self._text), ctypes.byref(self._size))
        btf = library.btf__parse(str(path).encode(), None)
        vfprintf = ctypes.cast(self._libc.vfprintf, ctypes.c_void_p)
        self._dump = library.btf_dump__new(btf, vfprintf, self._stream, None)
        assert self._dump is not None

    def __call__(
        self,
        type_id: int,
        data: bytes,
        *,
        compact: bool = False,
        skip_names: bool = False,
        emit_zeroes: bool = False,
        emit_strings: bool = False,
        indent: str = "\t",
        indent_level: int = 0,
    ) -> str | None:
        """Return the text, or None if libbpf refuses."""
        indentation = ctypes.create_string_buffer(indent.encode())
        flags = (compact, skip_names, emit_zeroes, emit_strings)
        options = struct.pack(
            "NPi4?", struct.calcsize("NPi4?"), ctypes.addressof(indentation), indent_level, *flags
        )
        # libbpf checks alignment by the address.
        room = ctypes.create_string_buffer(len(data) + 64)
        start = (ctypes.addressof(room) + 63) & ~63
        ctypes.memmove(start, data, len(data))
        self._libc.rewind(self._stream)
        done = self._library.btf_dump__dump_type_data(self._dump, type_id, start, len(data), options)
        self._libc.fflush(self._stream)
        text = ctypes.string_at(self._text.value or 0, self._size.value).decode()
        return text if done >= 0 else None


def normal(text: str) -> str:
    """Normalize libbpf's text. It prints an aligned null pointer with %p as (nil), any other as 0x0, which is
    valid C. It numbers namesakes, and older versions write () for (void)."""
    return re.sub(r"___\d+\b", "", text.replace("(nil)", "0x0").replace("()", "(void)"))
