"""libbpf through ctypes: the functions that the benchmarks call."""

from __future__ import annotations

import atexit
import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from support.names import Named


class Libbpf:
    """The library that BTFMMAP_LIBBPF names, else the system's. Raises OSError if it is missing."""

    def __init__(self) -> None:
        name = os.environ.get("BTFMMAP_LIBBPF") or "libbpf.so.1"
        library = ctypes.CDLL(name, use_errno=True)
        if not hasattr(library, "libbpf_version_string"):
            raise OSError(f"{name} is no libbpf 1")
        self._library = library
        library.libbpf_version_string.restype = ctypes.c_char_p
        library.btf__load_vmlinux_btf.restype = ctypes.c_void_p
        library.btf__parse.restype = ctypes.c_void_p
        library.btf__parse.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
        library.btf__new.restype = ctypes.c_void_p
        library.btf__new.argtypes = [ctypes.c_char_p, ctypes.c_uint32]
        library.btf__free.argtypes = [ctypes.c_void_p]
        library.btf__free.restype = None
        library.btf__find_by_name.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        library.libbpf_set_print(None)  # keep its warnings out of the report
        self.version: str = library.libbpf_version_string().decode().removeprefix("v")

    def load_vmlinux(self) -> int:
        """The running kernel's BTF; the caller frees it."""
        return self._checked(self._library.btf__load_vmlinux_btf())

    def parse(self, path: str) -> int:
        """A file's BTF; the caller frees it."""
        return self._checked(self._library.btf__parse(os.fsencode(path), None))

    def new(self, blob: bytes) -> int:
        """The BTF in some bytes, which libbpf copies; the caller frees it."""
        return self._checked(self._library.btf__new(blob, len(blob)))

    def free(self, btf: int) -> None:
        """Free a BTF."""
        self._library.btf__free(btf)

    def find(self, btf: int, name: bytes) -> int:
        """The type id of a name, negative if there is none."""
        found: int = self._library.btf__find_by_name(btf, name)
        return found

    def finder(self, btf: int, names: Sequence[Named], *, by_kind: bool) -> Callable[[], int]:
        """Search for all names in a C loop, and return how many are found. Raises OSError without a C
        compiler."""
        loops = ctypes.CDLL(str(_loops()))
        count = len(names)
        texts = (ctypes.c_char_p * count)(*(os.fsencode(named.name) for named in names))
        kinds = (ctypes.c_uint * count)(*(named.kind for named in names))
        pointer = ctypes.c_void_p(btf)
        if by_kind:
            find = self._library.btf__find_by_name_kind
            return lambda: int(loops.find_each_kind(find, pointer, texts, kinds, count))
        find = self._library.btf__find_by_name
        return lambda: int(loops.find_each(find, pointer, texts, count))

    def formatter(
        self,
        btf: int,
        type_id: int,
        data: bytes,
        records: int,
        *,
        times: int = 1,
        compact: bool = False,
        emit_zeroes: bool = False,
    ) -> Callable[[], int]:
        """Format records with `btf_dump__dump_type_data` in a C loop. Raises OSError without a C compiler.

        The bytes of text are counted and dropped. The result is libbpf's last one, negative for an error.
        """
        loops = ctypes.CDLL(str(_loops()))
        new = self._library.btf_dump__new
        new.argtypes, new.restype = [ctypes.c_void_p] * 4, ctypes.c_void_p
        written = ctypes.c_size_t()
        callback = ctypes.cast(loops.count_text, ctypes.c_void_p)
        dump = ctypes.c_void_p(new(btf, callback, ctypes.addressof(written), None))
        # libbpf checks alignment by the address.
        room = ctypes.create_string_buffer(len(data) + 64)
        start = (ctypes.addressof(room) + 63) & ~63
        ctypes.memmove(start, data, len(data))
        each = ctypes.c_size_t(len(data) // records)
        options = (ctypes.c_size_t(records), times, ctypes.c_bool(compact), ctypes.c_bool(emit_zeroes))
        format_each, dump_type_data = loops.format_each, self._library.btf_dump__dump_type_data

        def run(_kept: object = (room, written)) -> int:
            return int(format_each(dump_type_data, dump, type_id, ctypes.c_void_p(start), each, *options))

        return run

    def _checked(self, btf: int | None) -> int:
        if btf is None:
            raise OSError(ctypes.get_errno(), "libbpf loads no BTF")
        return btf


@cache
def _loops() -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise FileNotFoundError("there is no C compiler to call it in a loop")
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    library = Path(folder.name) / "libbpf_loops.so"
    source = Path(__file__).with_name("libbpf_loops.c")
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
    return library
