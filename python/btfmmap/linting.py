"""`lint`: all that is wrong with a BTF, where `open` stops at the first of it, and what is odd."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, NamedTuple

from . import _core
from .containers import find
from .errors import MissingBaseError
from .opening import KERNEL_BTF, base_beside, check_base, check_unit, open_file, unit_of
from .opening import open as open_btf

if TYPE_CHECKING:
    from ._core import Buffer, File
    from .btf import Btf
    from .opening import Path


class Diagnostic(NamedTuple):
    """One thing that `lint` has to say.

    Attributes:
        severity: "error" for what `open` refuses, and for a "section-entry", which it does not; "note" for
            what is odd, but legal.
        rule: which rule it is about.
            Errors: "header" (a section outside the file, ...; nothing else can be looked at then),
            "reference" (a type id or name offset that is not there, a FUNC whose type is no FUNC_PROTO),
            "record" (one that is cut short or of an unknown kind, after which there is no next one),
            "section-entry" (an entry of a DATASEC that is neither a VAR nor a FUNC: the kernel refuses it,
            `open` as libbpf does not).
            Notes: "header" (unknown flags, bytes that belong to no section), "duplicate" (another struct or
            union of the same name, here or in the base), "cycle" (a type that holds itself, or that refers to
            itself with no struct or union between), "outside" (a member or section entry that ends past its
            parent's size), "overlap" (one that begins, by offset, before the end of another), "order" (a
            member before the one that precedes it in the record: Rust's compiler writes that, Linux does
            not load it), "unaligned" (one that begins within a byte and is no bitfield), "unsized" (one
            whose type has no size), "identifier" (a name that C does not take), "name" (one missing, or too
            long, or where none belongs), "kind-flag", "vlen", "linkage", "encoding", "size" (a value that
            means nothing there), "sign" (an enum without the kind flag that has a value above half of its
            range: it may stand for a negative one), "kind" (one that only the layout section knows),
            "unit" (there are more BTFs than this one).
        message: what is wrong, with the type's id and the values found.
        offset: where, in bytes from the BTF's start, or None.
        type_id: of which record, or None.
    """

    severity: Literal["error", "note"]
    rule: str
    message: str
    offset: int | None
    type_id: int | None


def lint(
    path: Path | None = None,
    *,
    data: Buffer | None = None,
    base: Btf | None = None,
    unit: int = 0,
    limit: int = 10_000,
) -> list[Diagnostic]:
    """Say all that is wrong or odd with a BTF: errors first, then notes, each group in the order of the file.
    Without an error it opens; so it does where "section-entry" is the rule of every error.

    Args:
        path: any file that `open` takes: ELF, compressed, ...; without it (and `data`) the running kernel's.
        data: bytes-like, instead of a path.
        base: what a split BTF continues; a `vmlinux` beside the file is found as by `open`. A module with a
            distilled base is judged on that.
        unit: which of several BTFs that follow one another, as `open` has it; a note of the rule "unit" then
            says how many there are.
        limit: this many errors and this many notes are listed at most, which bounds the memory that a hostile
            file can ask for; one more diagnostic, of the rule "limit", then says how many are left out.

    Raises:
        FormatError: nothing in the file starts as BTF does, or its distilled base does not open.
        NotFoundError: there is no such `unit`.
        MissingBaseError, NotSupportedError, OSError, ValueError, TypeError: as `open`.
    """
    if path is not None and data is not None:
        raise ValueError("one of path and data is looked at, not both")
    check_base(base)
    unit = check_unit(unit)
    if limit < 0:
        raise ValueError(f"limit is {limit}, must not be negative")
    if data is not None:
        return _lint(_core.File.of_buffer(data, "buffer", True), base, unit, limit)
    name = os.fsdecode(KERNEL_BTF if path is None else path)
    try:
        return _lint(open_file(name), base, unit, limit)
    except MissingBaseError:
        beside = None if base is not None else base_beside(name)
        if beside is None:
            raise
        return _lint(open_file(name), open_btf(beside), unit, limit)


def _lint(file: File, base: Btf | None, unit: int, limit: int) -> list[Diagnostic]:
    found = find(file)
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
    if units > 1:
        others = f"this is unit {unit} of {units:,} BTFs that follow one another; only it was looked at"
        listed.append(Diagnostic("note", "unit", others, None, None))
    if errors + notes != len(rows):
        more = f"{max(0, errors - limit)} more errors and {max(0, notes - limit)} more notes are not listed"
        listed.append(Diagnostic("error" if errors > limit else "note", "limit", more, None, None))
    return listed
