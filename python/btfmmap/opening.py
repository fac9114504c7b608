"""`open`: opens the BTF in a file, a buffer or the running kernel."""

from __future__ import annotations

import os
from _operator import index

from ._core import Btf as _CoreBtf
from ._core import File
from .btf import Btf
from .errors import FormatError, MissingBaseError, NotFoundError
from .running_kernel import KERNEL_BTF, open_running

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Literal

    from ._core import Buffer
    from .btf import Origin

    Path = str | bytes | os.PathLike[str] | os.PathLike[bytes]
    Method = Literal["auto", "mmap", "read"]

__all__ = ["KERNEL_BTF"]

_MAX_UNIT = (1 << 31) - 1  # more than the largest file can have

SAMPLE_BTF = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "sample.btf")
"""A small BTF that is part of the package, for examples and for systems without kernel BTF."""


def open(  # noqa: A001 (named like the builtin, as in gzip or tarfile)
    path: Path | IO[bytes] | None = None,
    *,
    data: Buffer | None = None,
    id: int | None = None,  # noqa: A002 (the kernel's word)
    base: Btf | None = None,
    unit: int = 0,
    method: Method = "auto",
) -> Btf:
    """Open BTF from a file, a buffer or the kernel.

    The type of a file or buffer is detected from its contents:

    - raw BTF
    - an ELF file with a `.BTF` section, such as a kernel module, `vmlinux` or a BPF object; only the sections
      that are needed are read
    - a bootable kernel image (`vmlinuz`)
    - what boot loaders read: an Android boot image, a uImage, a FIT image, a unified kernel image
    - a tar archive with one BTF
    - any of these compressed with gzip, xz, lzma or bzip2, or, with the extra `btfmmap[compression]`, with
      zstd or lz4

    All records are validated. A `Btf` is returned only if all of them are valid.

    Args:
        path: A file or a pipe, or a file object that is open for reading bytes, which is read from its
            position to its end. The default is the running kernel's BTF: `KERNEL_BTF`, or if there is none,
            the first `vmlinux` with BTF where libbpf looks for one, such as `/boot/vmlinux-$(uname -r)`, or
            the BTF object of the kernel, which needs CAP_SYS_ADMIN. `Btf.source` says which was opened.
        data: A bytes-like object to open instead of a file. It is not copied, so it must not be changed:
            later changes lead to wrong results or a `BtfError`.
        id: The ID of a BTF object in the kernel, as `loaded` lists them. This needs CAP_SYS_ADMIN.
        base: The BTF that a split BTF, such as a module's, continues. By default, it is the file `vmlinux` in
            the folder of the split BTF, as in `/sys/kernel/btf`, or `ext4` for a file `ext4.inline`; with
            `id`, it is the running kernel's BTF. A module with a distilled base (`.BTF.base`) needs no other
            base. If `base` is given all the same, such a module is relocated onto it, as libbpf does.
        unit: The index, from 0, of one of several BTFs that follow one another. `gcc -gbtf a.c b.c` makes one
            BTF per source file, and the linker concatenates them in `.BTF`. `Btf.source.units` is their
            number. Each is a separate BTF: its type IDs start at 1, and `raw` and the offsets in errors start
            at its header.
        method: "read" reads the file into private memory, so that later changes to the file have no effect.
            "mmap" maps the file, or fails. If a mapped file is truncated, the next access ends the process
            with SIGBUS; if it is rewritten, results may be wrong. "auto" maps files in sysfs, whose contents
            cannot change, and reads all others. It also reads a file in sysfs if the kernel refuses to map it
            (Linux before 6.16).

    Returns:
        The opened BTF.

    Raises:
        FormatError: The file does not contain valid BTF, or decompresses to more than 1 GiB. Or `base` is
            given and the BTF is not a split BTF.
        MissingBaseError: A split BTF was opened without `base`. This is a `FormatError`.
        NotFoundError: There is no such `unit`.
        NotSupportedError: The compression needs a library that is not installed.
        OSError: The operating system's error, with `errno` and `filename`.
        ValueError: More than one of `path`, `data` and `id` is given, `method` is unknown or given with
            `data`, a file object or `id`, or `unit` is negative or given with `id`.
        TypeError: `data` is not bytes-like, a file object yields text, or `base` is not a `Btf`.
        BufferError: `data` is not contiguous.

    Example:
        >>> btfmmap.open(btfmmap.SAMPLE_BTF).names([2, 3])
        ['flow', 'list']
        >>> btfmmap.open(data=btf.raw.tobytes()).source.how
        'buffer'
    """
    if (path is not None) + (data is not None) + (id is not None) > 1:
        raise ValueError("pass only one of path, data and id")
    if method != "auto" and (data is not None or id is not None):
        raise ValueError("method applies only to a path")
    check_base(base)
    unit = check_unit(unit)
    if id is not None:
        if unit:
            raise ValueError("unit applies only to a path or data: a BTF object in the kernel has one unit")
        from .loaded_btf import inline_base, read_loaded

        info, file = read_loaded(id)
        if base is None and info.kernel and info.name != "vmlinux":  # a module
            owner = inline_base(info)
            base = open() if owner is None else open(id=owner.id)
        return Btf(_core_of(file, base, 0), file.name, base=base)
    if isinstance(path, str | bytes | os.PathLike):
        return open_with_holder(path, base, unit, method)[0]
    if path is not None:
        if method != "auto":
            raise ValueError("method applies only to a path")
        data = read_all(path)
    if data is not None:
        return _opened(File.of_buffer(data, "buffer", True), None, base, unit, method)[0]
    return open_running(
        lambda place: open_with_holder(place, base, unit, method)[0],
        lambda name, file: _opened(file, name, base, unit, method, pickled=False)[0],
    )


def open_with_holder(
    path: Path, base: Btf | None = None, unit: int = 0, method: Method = "auto"
) -> tuple[Btf, File | None]:
    """Open a file, and return also the ELF file or kernel image in it, or None for raw BTF."""
    name = os.fsdecode(path)
    file = open_file(name, method)
    try:
        return _opened(file, name, base, unit, method)
    except MissingBaseError:
        beside = None if base is not None else base_beside(name)
        if beside is None:
            raise
    try:
        found = open(beside)
    except FormatError as error:
        raise _explained(error, f"taken as the base of {name}") from None
    try:
        return _opened(open_file(name, method), name, found, unit, method)
    except FormatError as error:
        raise _explained(error, f"opened on {beside}, found beside it") from None


def _explained(error: FormatError, what: str) -> FormatError:
    """The error with what was done about the base, which the caller did not name."""
    message = f"{error} ({what}; pass another base)"
    return type(error)(message, offset=error.offset, type_id=error.type_id)


def open_part(file: File) -> Btf:
    """Open a file that was found inside another one, or bytes that are one. Its errors name `file`."""
    return _opened(file, None, None, 0, "auto")[0]


def read_all(file: IO[bytes]) -> bytes:
    """Read a file object to its end.

    Raises:
        TypeError: It is not a file object, or yields text.
    """
    if not hasattr(file, "read"):
        raise TypeError(f"path is {file!r}, must be a path or a file object")
    contents = file.read()
    if not isinstance(contents, bytes):
        raise TypeError(f"{file!r} yields {type(contents).__name__}, not bytes: open it in mode 'rb'")
    return contents


def check_base(base: object) -> None:
    """Raise `TypeError` if the base is neither a `Btf` nor None, for example if it is a path."""
    if base is not None and not isinstance(base, Btf):
        raise TypeError(f"base is {base!r}, must be a Btf: open it first")


def check_unit(unit: int) -> int:
    """Return the index of a unit, or raise `ValueError` if it is negative."""
    unit = index(unit)
    if unit < 0:
        raise ValueError(f"unit is {unit}, must not be negative")
    return unit


def open_file(path: str, method: Method = "auto") -> File:
    """Open a file so that parts of it can be read."""
    if "\0" in path:
        raise ValueError("embedded null character in path")
    return File.open(os.fsencode(path), method)


def base_beside(path: str) -> str | None:
    """Return the path of the base of a split BTF in its folder, or None if there is none.

    That is `vmlinux`, or for a file such as `ext4.inline`, `ext4`.
    """
    from .inline_files import base_paths

    for beside in base_paths(path):
        if os.path.isfile(beside) and not os.path.samefile(beside, path):
            return beside
    return None


def unit_of(file: File, unit: int) -> tuple[File, int]:
    """Return one of the BTFs that follow one another in a file, and their number."""
    found, units = file.unit(min(unit, _MAX_UNIT), False)
    if found is None:
        there = "is one BTF, unit 0" if units == 1 else f"are {units:,} BTFs, units 0 to {units - 1}"
        raise NotFoundError(f"{file.name}: no unit {unit}; there {there}")
    return found, units


def _opened(
    file: File, path: str | None, base: Btf | None, unit: int, method: Method, *, pickled: bool = True
) -> tuple[Btf, File | None]:
    # Stored as an absolute path, because the current folder may change.
    place = None if path is None or not pickled else (open, os.path.abspath(path), method, unit)
    containers: tuple[str, ...] = ()
    if file.is_btf():
        btf, ext, pointer_size, distilled, holder = file, None, 0, None, None
    else:
        from .containers import find

        found = find(file)
        btf, ext, pointer_size, distilled = found.btf, found.ext, found.pointer_size, found.base
        holder, containers = found.holder, found.containers
    btf, units = unit_of(btf, unit)
    if ext is not None and units > 1:
        ext, exts = ext.unit(min(unit, _MAX_UNIT), True)
        if exts != units:
            ext = None  # cannot be matched to the units
    elf = None
    if ext is not None and holder is not None:
        # Read now: the file may be replaced before its instructions are asked for.
        elf = holder.part(0, holder.size, "")

    def made(on: Btf | None, origin: Origin | None) -> Btf:
        core = _core_of(btf, on, pointer_size)
        return Btf(
            core, path, base=on, ext=ext, elf=elf, origin=origin, unit=(unit, units), containers=containers
        )

    if distilled is None:
        return made(base, place and (*place, base, None)), holder
    bases = Btf(_core_of(distilled, None, pointer_size), path, containers=containers)
    own = made(bases, place and (*place, None, None))
    return own if base is None else own.relocate(base), holder


def _core_of(file: File, base: Btf | None, pointer_size: int) -> _CoreBtf:
    return _CoreBtf(file, None if base is None else base._core, pointer_size)
