"""`open`: from a file or bytes to a `Btf`."""

from __future__ import annotations

import os

from ._core import Btf as _CoreBtf
from ._core import File
from .btf import Btf
from .errors import MissingBaseError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from ._core import Buffer

    Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]
    Method = Literal["auto", "mmap", "read"]

KERNEL_BTF = "/sys/kernel/btf/vmlinux"
"""Where Linux shows the BTF of the running kernel."""

SAMPLE_BTF = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "sample.btf")
"""A small BTF that comes with the package, for trying things where there is no kernel BTF."""


def open(  # noqa: A001 (the package's verb is open)
    path: Path | None = None,
    *,
    data: Buffer | None = None,
    id: int | None = None,  # noqa: A002 (the field's word)
    base: Btf | None = None,
    method: Method = "auto",
) -> Btf:
    """Open a BTF: the running kernel's, a file's, one in memory, or one that the kernel has loaded.

    What a file is, its content decides: raw BTF; an ELF file with a `.BTF` section (a kernel module,
    `vmlinux`, a BPF object, ...); a kernel to boot (`vmlinuz`); a tar archive of one BTF; any of these
    compressed (gzip, xz, lzma, bzip2; zstd and lz4 with the extra `btfmmap[compression]`). Of an ELF file
    only the sections that matter are read. Every record is checked; a `Btf` opens whole or not at all.

    Args:
        path: a file or a pipe; without it (and without `data` and `id`) the running kernel's, `KERNEL_BTF`.
        data: bytes-like, instead of a path; borrowed without a copy, so leave it unchanged: what changes
            gives wrong answers or a `BtfError`.
        id: the number of a BTF object in the kernel, as `loaded` lists them; needs CAP_SYS_ADMIN.
        base: what a split BTF (a module's) continues. A file without one whose folder has a `vmlinux`, as
            in `/sys/kernel/btf`, finds it there. A module with a distilled base (`.BTF.base`) stands on
            that alone, and is relocated onto `base` where one is given, as libbpf does.
        method: "auto" maps a file that lies on sysfs, whose bytes cannot change, and reads it where the
            kernel refuses to map it (Linux before 6.16); it reads any other file into private memory,
            so what others do to the file later changes nothing. "mmap" maps any file or fails: where an
            ordinary one is truncated while it is mapped, the next look at it ends the process with SIGBUS,
            and where it is rewritten, answers may be wrong. "read" always reads.

    Raises:
        FormatError: the bytes are no valid BTF, or hold none, or decompress to more than 1 GiB.
        MissingBaseError: a split BTF without `base`; a FormatError.
        NotSupportedError: compressed in a way that takes a library which is not installed.
        OSError: the operating system's own error, with errno and file name.
        ValueError: more than one of `path`, `data` and `id`, `method` without a path, or an unknown `method`.
        TypeError, BufferError: `data` is not bytes-like, or not contiguous; `base` is no `Btf`.
    """
    if (path is not None) + (data is not None) + (id is not None) > 1:
        raise ValueError("one of path, data and id is opened, not several")
    if method != "auto" and (data is not None or id is not None):
        raise ValueError("method goes with a path only")
    check_base(base)
    if id is not None:
        from .loaded_btf import open_loaded

        return open_loaded(id, base)
    if data is not None:
        return _opened(File.of_buffer(data, "buffer", True), None, base, method)
    name = os.fsdecode(KERNEL_BTF if path is None else path)
    file = open_file(name, method)
    try:
        return _opened(file, name, base, method)
    except MissingBaseError:
        beside = None if base is not None else base_beside(name)
        if beside is None:
            raise
        return _opened(open_file(name, method), name, open(beside), method)


def check_base(base: object) -> None:
    """Refuse what is neither a Btf nor None, such as a path."""
    if base is not None and not isinstance(base, Btf):
        raise TypeError(f"base is {base!r}, must be a Btf: open it first")


def open_file(path: str, method: Method = "auto") -> File:
    """The bytes of a file, of which parts can be had."""
    if "\0" in path:
        raise ValueError("embedded null character in path")
    return File.open(os.fsencode(path), method)


def base_beside(path: str) -> str | None:
    """The `vmlinux` in the folder of a file, if it is not that file."""
    beside = os.path.join(os.path.dirname(os.path.abspath(path)), "vmlinux")
    return beside if os.path.isfile(beside) and not os.path.samefile(beside, path) else None


def _opened(file: File, path: str | None, base: Btf | None, method: Method) -> Btf:
    # Absolute now, since the current folder may change.
    place = None if path is None else (os.path.abspath(path), method)
    origin = place and (*place, base, None)
    if file.is_btf():
        return Btf(_core_of(file, base), path, base=base, origin=origin)
    from .containers import find

    found = find(file)
    if found.base is None:
        core = _core_of(found.btf, base, found.pointer_size)
        return Btf(core, path, base=base, ext=found.ext, origin=origin)
    distilled = Btf(_core_of(found.base, None, found.pointer_size), path)
    core = _core_of(found.btf, distilled, found.pointer_size)
    btf = Btf(core, path, base=distilled, ext=found.ext, origin=place and (*place, None, None))
    return btf if base is None else btf.relocate(base)


def _core_of(file: File, base: Btf | None, pointer_size: int = 0) -> _CoreBtf:
    return _CoreBtf(file, None if base is None else base._core, pointer_size)
