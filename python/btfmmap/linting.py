"""`lint`: lists all errors of a BTF, and what is legal but unusual in it."""

from __future__ import annotations

import os

from . import _core
from .containers import find
from .errors import FormatError, MissingBaseError
from .opening import base_beside, check_base, check_unit, open_file, read_all, unit_of
from .opening import open as open_btf
from .running_kernel import open_running

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Literal, NamedTuple

    from ._core import Buffer, File
    from .btf import Btf
    from .opening import Path
else:
    from .named_tuples import NamedTuple


class Diagnostic(NamedTuple):
    """An error or note found by `lint`.

    Rules of errors:

    - "header": for example a section outside the file. Nothing else is checked then.
    - "record": a record is truncated or its kind is unknown. Later records cannot be found then.
    - "reference": a type id or name offset does not exist, or the type of a FUNC is not a FUNC_PROTO.
    - "section-entry": an entry of a DATASEC is neither a VAR nor a FUNC. The kernel refuses it, but `open`
      accepts it, as libbpf does.
    - "relocation": a type of the module's distilled base has no counterpart in `base`.
    - "limit": there are more errors than `limit`.

    Rules of notes:

    - "header": unknown flags, or bytes that do not belong to a section.
    - "duplicate": another struct or union has the same name, in this BTF or its base.
    - "cycle": a type contains itself, or refers to itself without a struct or union between.
    - "outside": a member or section entry ends past its parent's size.
    - "overlap": in the order of offsets, a member or section entry begins before the end of an earlier one.
    - "order": a member's offset is lower than that of the previous one in the record. Rust's compiler writes
      such records, and Linux does not load them.
    - "unaligned": a member begins within a byte and is not a bitfield.
    - "unsized": the type of a member or section entry does not have a size.
    - "identifier": a name is not valid in C.
    - "name": a name is missing, too long, or not allowed for the kind.
    - "kind-flag", "vlen", "linkage", "encoding", "size": the value of this field has no meaning for the kind.
    - "sign": an enum without the kind flag has a value above half of its range, which may represent a
      negative one.
    - "kind": a kind is known only from the layout section.
    - "unit": the file has more BTFs than the one that was checked.
    - "limit": there are more notes than `limit`.

    Attributes:
        severity: "error" if `open` refuses such a BTF, and for the rule "section-entry"; otherwise "note".
        rule: name of the rule, see above.
        message: what is wrong, with the type id and the values found.
        offset: position in bytes from the start of the BTF, or None.
        type_id: type id of the record, or None.

    Example:
        >>> diagnostic = btfmmap.lint(btfmmap.SAMPLE_BTF)[0]
        >>> diagnostic.severity, diagnostic.rule, diagnostic.offset, diagnostic.type_id
        ('note', 'sign', 524, 15)
    """

    severity: Literal["error", "note"]
    rule: str
    message: str
    offset: int | None
    type_id: int | None


def lint(
    path: Path | IO[bytes] | None = None,
    *,
    data: Buffer | None = None,
    base: Btf | None = None,
    unit: int = 0,
    limit: int = 10_000,
) -> list[Diagnostic]:
    """List all errors of a BTF, and what is legal but unusual in it.

    `open` raises on the first error; this function continues. If there are no errors, or only errors of the
    rule "section-entry", the BTF can be opened.

    Args:
        path: any file or file object that `open` accepts: raw, ELF, compressed, ... The default is the
            running kernel's BTF, where `open` finds it.
        data: a bytes-like object, instead of a path.
        base: the base of a split BTF. If it is None, a `vmlinux` beside the file is used, as by `open`. A
            module with a distilled base is checked against its distilled base. If it has no errors and
            `base` is given, it is then relocated onto `base`.
        unit: index of the BTF to check if the file has several, as for `open`. A note of the rule "unit" then
            reports their number.
        limit: maximum number of errors, and of notes, to list. It bounds the memory that a hostile file can
            cause to be used. An additional diagnostic of the rule "limit" reports how many were omitted.

    Returns:
        The errors, then the notes, each in the order of the file.

    Raises:
        FormatError: the file does not contain BTF, or its distilled base cannot be opened.
        NotFoundError: there is no such `unit`.
        MissingBaseError: a split BTF is given without its base.
        NotSupportedError: a library for decompression is not installed.
        OSError: the file cannot be read.
        ValueError: both `path` and `data` are given, or `limit` or `unit` is negative.
        TypeError: an argument is not of the stated type.

    Example:
        >>> [diagnostic.rule for diagnostic in btfmmap.lint(btfmmap.SAMPLE_BTF)]
        ['sign']
    """
    if path is not None and data is not None:
        raise ValueError("path and data are both given, only one is allowed")
    check_base(base)
    unit = check_unit(unit)
    if limit < 0:
        raise ValueError(f"limit is {limit}, must not be negative")
    if isinstance(path, str | bytes | os.PathLike):
        return _lint_path(os.fsdecode(path), base, unit, limit)
    if path is not None:
        data = read_all(path)
    if data is not None:
        return _lint(_core.File.of_buffer(data, "buffer", True), base, unit, limit)
    return open_running(
        lambda place: _lint_path(place, base, unit, limit),
        lambda _, file: _lint(file, base, unit, limit),
    )


def _lint_path(name: str, base: Btf | None, unit: int, limit: int) -> list[Diagnostic]:
    try:
        return _lint(open_file(name), base, unit, limit)
    except MissingBaseError:
        beside = None if base is not None else base_beside(name)
        if beside is None:
            raise
        return _lint(open_file(name), open_btf(beside), unit, limit)


def _lint(file: File, base: Btf | None, unit: int, limit: int) -> list[Diagnostic]:
    found = find(file)
    full_base = None if found.base is None else base
    if found.base is not None:
        base = open_btf(data=bytes(found.base.whole()))
    btf, units = unit_of(found.btf, unit)
    layout = None if base is None else base._core_layout
    try:
        rows, errors, notes = _core.lint(btf, layout, found.pointer_size, limit)
    except MissingBaseError as error:
        raise MissingBaseError(f"{btf.name}: {error}") from None
    listed = [
        Diagnostic("error" if is_error else "note", rule, message, offset, type_id)
        for is_error, rule, message, offset, type_id in rows
    ]
    if full_base is not None and base is not None and not errors:
        listed += _relocation_error(btf, base, found.pointer_size, full_base)
    if units > 1:
        others = f"this is unit {unit} of {units:,} concatenated BTFs; only this one was checked"
        listed.append(Diagnostic("note", "unit", others, None, None))
    if errors + notes != len(rows):
        more = f"{max(0, errors - limit)} more errors and {max(0, notes - limit)} more notes are not listed"
        listed.append(Diagnostic("error" if errors > limit else "note", "limit", more, None, None))
    return listed


def _relocation_error(file: File, distilled: Btf, pointer_size: int, full_base: Btf) -> list[Diagnostic]:
    """The error that relocating a module onto a full base raises, if any."""
    core = _core.Btf(file, distilled._core, pointer_size)
    try:
        core.relocate(full_base._core, file.name, full_base.source.path or "the base")
    except FormatError as error:
        message = str(error).removeprefix(f"{file.name}: ")
        return [Diagnostic("error", "relocation", message, error.offset, error.type_id)]
    return []
