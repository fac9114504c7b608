"""`open`: from a file or bytes to a `Btf`."""

from __future__ import annotations

import os
from operator import index

from ._core import Btf as _CoreBtf
from ._core import File
from .btf import Btf
from .errors import MissingBaseError, NotFoundError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from ._core import Buffer
    from .btf import Origin

    Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]
    Method = Literal["auto", "mmap", "read"]

KERNEL_BTF = "/sys/kernel/btf/vmlinux"
"""Where Linux shows the BTF of the running kernel."""

_MAX_UNIT = (1 << 31) - 1  # the largest file has fewer

SAMPLE_BTF = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "sample.btf")
"""A small BTF that comes with the package, for trying things where there is no kernel BTF."""


def open(  # noqa: A001 (the package's verb is open)
    path: Path | None = None,
    *,
    data: Buffer | None = None,
    id: int | None = None,  # noqa: A002 (the field's word)
    base: Btf | None = None,
    unit: int = 0,
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
        unit: which of several BTFs that follow one another, counted from 0: `gcc -gbtf a.c b.c` makes one for
            each source file, which the linker puts one after the other into `.BTF`. `Btf.source.units` says
            how many there are. Each is a BTF of its own: type ids start at 1, and `raw` and the offsets in
            errors at its header.
        method: "auto" maps a file that lies on sysfs, whose bytes cannot change, and reads it where the
            kernel refuses to map it (Linux before 6.16); it reads any other file into private memory,
            so what others do to the file later changes nothing. "mmap" maps any file or fails: where an
            ordinary one is truncated while it is mapped, the next look at it ends the process with SIGBUS,
            and where it is rewritten, answers may be wrong. "read" always reads.

    Raises:
        FormatError: the bytes are no valid BTF, or hold none, or decompress to more than 1 GiB; or they stand
            alone, and a `base` was given.
        MissingBaseError: a split BTF without `base`; a FormatError.
        NotFoundError: there is no such `unit`.
        NotSupportedError: compressed in a way that takes a library which is not installed.
        OSError: the operating system's own error, with errno and file name.
        ValueError: more than one of `path`, `data` and `id`, `method` without a path, an unknown `method`, a
            negative `unit`, or one with `id`.
        TypeError, BufferError: `data` is not bytes-like, or not contiguous; `base` is no `Btf`.
    """
    if (path is not None) + (data is not None) + (id is not None) > 1:
        raise ValueError("one of path, data and id is opened, not several")
    if method != "auto" and (data is not None or id is not None):
        raise ValueError("method goes with a path only")
    check_base(base)
    unit = check_unit(unit)
    if id is not None:
        if unit:
            raise ValueError("unit goes with a path or data: what the kernel has loaded is one BTF")
        from .loaded_btf import read_loaded

        info, file = read_loaded(id)
        if base is None and info.kernel and info.name != "vmlinux":  # a module
            base = open(KERNEL_BTF)
        return Btf(_core_of(file, base, 0), file.name, base=base)
    if data is not None:
        return _opened(File.of_buffer(data, "buffer", True), None, base, unit, method)
    name = os.fsdecode(KERNEL_BTF if path is None else path)
    file = open_file(name, method)
    try:
        return _opened(file, name, base, unit, method)
    except MissingBaseError:
        beside = None if base is not None else base_beside(name)
        if beside is None:
            raise
        return _opened(open_file(name, method), name, open(beside), unit, method)


def check_base(base: object) -> None:
    """Refuse what is neither a Btf nor None, such as a path."""
    if base is not None and not isinstance(base, Btf):
        raise TypeError(f"base is {base!r}, must be a Btf: open it first")


def check_unit(unit: int) -> int:
    """Refuse what is no index of a unit."""
    unit = index(unit)
    if unit < 0:
        raise ValueError(f"unit is {unit}, must not be negative")
    return unit


def open_file(path: str, method: Method = "auto") -> File:
    """The bytes of a file, of which parts can be had."""
    if "\0" in path:
        raise ValueError("embedded null character in path")
    return File.open(os.fsencode(path), method)


def base_beside(path: str) -> str | None:
    """The `vmlinux` in the folder of a file, if it is not that file."""
    beside = os.path.join(os.path.dirname(os.path.abspath(path)), "vmlinux")
    return beside if os.path.isfile(beside) and not os.path.samefile(beside, path) else None


def unit_of(file: File, unit: int) -> tuple[File, int]:
    """One of the BTFs that follow one another in a file, and how many there are."""
    found, units = file.unit(min(unit, _MAX_UNIT), False)
    if found is None:
        there = "is one BTF, unit 0" if units == 1 else f"are {units:,} BTFs, units 0 to {units - 1}"
        raise NotFoundError(f"{file.name}: no unit {unit}; there {there}")
    return found, units


def _opened(file: File, path: str | None, base: Btf | None, unit: int, method: Method) -> Btf:
    # Absolute now, since the current folder may change.
    place = None if path is None else (open, os.path.abspath(path), method, unit)
    if file.is_btf():
        btf, ext, pointer_size, distilled = file, None, 0, None
    else:
        from .containers import find

        found = find(file)
        btf, ext, pointer_size, distilled = found.btf, found.ext, found.pointer_size, found.base
    btf, units = unit_of(btf, unit)
    if ext is not None and units > 1:
        ext, exts = ext.unit(min(unit, _MAX_UNIT), True)
        if exts != units:
            ext = None  # which belongs to which is not known

    def made(on: Btf | None, origin: Origin | None) -> Btf:
        return Btf(_core_of(btf, on, pointer_size), path, base=on, ext=ext, origin=origin, unit=(unit, units))

    if distilled is None:
        return made(base, place and (*place, base, None))
    own = made(Btf(_core_of(distilled, None, pointer_size), path), place and (*place, None, None))
    return own if base is None else own.relocate(base)


def _core_of(file: File, base: Btf | None, pointer_size: int) -> _CoreBtf:
    return _CoreBtf(file, None if base is None else base._core, pointer_size)
