"""`lint`: lists all errors of a BTF, and what is invalid or unusual in it."""

from __future__ import annotations

import os

from . import _core
from .containers import Contents, find, is_candidate, is_elf
from .errors import FormatError, MissingBaseError
from .opening import base_beside, check_base, check_unit, open_file, read_all, unit_of
from .opening import open as open_btf
from .running_kernel import open_running

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO, Literal, NamedTuple

    from ._core import Buffer, File
    from .btf import Btf
    from .opening import Path
else:
    from .named_tuples import NamedTuple

KERNEL_RULES_VERSION = _core.kernel_rules_version()
"""The version of Linux whose rules `lint` knows."""

_MACHINE_BPF = 247  # of ELF files


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
    - "kernel": the kernel refuses the BTF, for the reason stated.
    - those of the kernel, below, where nothing else is noted.
    - "limit": there are more notes than `limit`.

    The rules of the kernel, which are errors with `rules="kernel"`, are those of its `kernel/bpf/btf.c`;
    docs/lint.md lists them.

    Attributes:
        severity: "error" if `open` refuses such a BTF, and for the rule "section-entry"; otherwise "note".
            With `rules="kernel"`, always "error".
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
    rules: Literal["open", "kernel"] = "open",
    raw: bool = False,
) -> list[Diagnostic]:
    """List what keeps `open` from opening a BTF (errors), and what is invalid or unusual in it (notes).

    `open` raises on the first error; this function continues. If there are no errors, or only errors of the
    rule "section-entry", the BTF can be opened. A note of the rule "kernel" says that Linux 6.18 refuses it.

    With `rules="kernel"`, lists what Linux 6.18 refuses the BTF for, all of it. The first error is the
    kernel's own reason; an empty list means that the kernel takes the BTF. This needs no privilege, and
    judges a file of any byte order and pointer size as a kernel of its own would. A standalone BTF is judged
    as that of a program, like `bpf(BPF_BTF_LOAD)` does; split BTF as that of a module on its base. A BPF
    object is judged as libbpf loads it: compilers leave out sizes and offsets, and libbpf adds them.

    Args:
        path: any file or file object that `open` accepts: raw, ELF, compressed, ... The default is the
            running kernel's BTF, where `open` finds it.
        data: a bytes-like object, instead of a path.
        base: the base of a split BTF. If it is None, a `vmlinux` beside the file is used, as by `open`. A
            module with a distilled base is checked against its distilled base. If it has no errors and
            `base` is given, it is then relocated onto `base`.
        unit: index of the BTF to check if the file has several, as for `open`. A note of the rule "unit" then
            reports their number; the kernel takes only one.
        limit: maximum number of errors, and of notes, to list. It bounds the memory that a hostile file can
            cause to be used. An additional diagnostic of the rule "limit" reports how many were omitted.
        rules: "open" or "kernel".
        raw: judge the BTF of a BPF object as it is in the file. Applies only to the rules of the kernel.

    Returns:
        The errors, then the notes, each in the order of the file. With the kernel's rules, the errors are in
        the order in which it looks for them.

    Raises:
        FormatError: the file does not contain BTF, or its distilled base cannot be opened. With the kernel's
            rules, bytes that are neither BTF nor a file that may contain it break the rule "magic" instead.
        NotFoundError: there is no such `unit`.
        MissingBaseError: a split BTF is given without its base. With the kernel's rules, only that of an ELF
            file; other bytes are judged as standalone.
        NotSupportedError: a library for decompression is not installed.
        OSError: the file cannot be read.
        ValueError: both `path` and `data` are given, `limit` or `unit` is negative, `rules` is unknown, or
            `raw` is given without the kernel's rules.
        TypeError: an argument is not of the stated type.

    Example:
        >>> [diagnostic.rule for diagnostic in btfmmap.lint(btfmmap.SAMPLE_BTF)][:2]
        ['sign', 'func-linkage']
        >>> found = btfmmap.lint(btfmmap.SAMPLE_BTF, rules="kernel")
        >>> found[0].rule, found[0].type_id, btf.name(found[0].type_id)
        ('func-linkage', 40, 'now')
    """
    if path is not None and data is not None:
        raise ValueError("path and data are both given, only one is allowed")
    check_base(base)
    unit = check_unit(unit)
    if limit < 0:
        raise ValueError(f"limit is {limit}, must not be negative")
    if rules not in ("open", "kernel"):
        raise ValueError(f"rules is {rules!r}, must be 'open' or 'kernel'")
    if raw and rules != "kernel":
        raise ValueError("raw applies only to rules='kernel'")
    if rules == "kernel":
        check: Callable[[File, Btf | None, str | None], list[Diagnostic]] = _Judge(unit, limit, raw)
    else:
        check = _Lint(unit, limit)
    if isinstance(path, str | bytes | os.PathLike):
        name = os.fsdecode(path)
        return check(open_file(name), base, name)
    if path is not None:
        data = read_all(path)
    if data is not None:
        return check(_core.File.of_buffer(data, "buffer", True), base, None)
    return open_running(
        lambda place: check(open_file(place), base, place),
        lambda _, file: check(file, base, None),
    )


class _Lint:
    """The rules by which `open` refuses BTF, and notes."""

    def __init__(self, unit: int, limit: int) -> None:
        self.unit: int = unit
        self.limit: int = limit

    def __call__(self, file: File, base: Btf | None, path: str | None) -> list[Diagnostic]:
        found = find(file)
        full_base = None if found.base is None else base
        if found.base is not None:
            base = open_btf(data=bytes(found.base.whole()))
        btf, units = unit_of(found.btf, self.unit)
        if base is None:
            base = _base_beside(btf, path)
        layout = None if base is None else base._core_layout
        try:
            rows, errors, notes, reason = _core.lint(
                btf, layout, found.pointer_size, self.limit, _bpf_object(found) if base is None else None
            )
        except MissingBaseError as error:
            raise MissingBaseError(f"{btf.name}: {error}") from None
        listed = [_diagnostic(row) for row in rows]
        if full_base is not None and base is not None and not errors:
            listed += _relocation_error(btf, base, found.pointer_size, full_base)
        if units > 1:
            others = f"this is unit {self.unit} of {units:,} concatenated BTFs; only this one was checked"
            listed.append(Diagnostic("note", "unit", others, None, None))
        listed += _omitted(rows, errors, notes, self.limit)
        if reason is not None:
            _, rule, message, offset, type_id = reason
            refused = f"Linux {KERNEL_RULES_VERSION} refuses this BTF: {message} ({rule})"
            listed.append(Diagnostic("note", "kernel", refused, offset, type_id))
        return listed


class _Judge:
    """The rules of the kernel."""

    def __init__(self, unit: int, limit: int, raw: bool) -> None:
        self.unit: int = unit
        self.limit: int = limit
        self.raw: bool = raw

    def __call__(self, file: File, base: Btf | None, path: str | None) -> list[Diagnostic]:
        found = find(file) if is_candidate(file) else Contents(file)
        btf, units = unit_of(found.btf, self.unit)
        listed: list[Diagnostic] = []
        if units > 1:
            others = f"there are {units:,} concatenated BTFs, this is unit {self.unit}; the kernel takes one"
            listed.append(Diagnostic("error", "sections", others, None, None))
        full_base = None if found.base is None else base
        if found.base is not None:
            listed += self.base_errors(found.base)
            if listed:
                return listed
            base = open_btf(data=bytes(found.base.whole()))
        if base is None:
            base = _base_beside(btf, path)
        if base is None and found.holder is not None and btf.needs_base():
            raise MissingBaseError(f"{btf.name}: a split BTF, which the kernel takes on its base")
        layout = None if base is None else base._core_layout
        object_file = None if self.raw or base is not None else _bpf_object(found)
        rows, errors, notes = _core.judge(btf, layout, False, found.pointer_size, self.limit, object_file)
        listed += [_diagnostic(row) for row in rows]
        if full_base is not None and base is not None and not errors:
            listed += _relocation_error(btf, base, found.pointer_size, full_base)
        return listed + _omitted(rows, errors, notes, self.limit)

    def base_errors(self, base: File) -> list[Diagnostic]:
        """What the kernel refuses a distilled base for."""
        rows, errors, notes = _core.judge(base, None, True, 0, self.limit, None)
        listed = [each._replace(message=f".BTF.base: {each.message}") for each in map(_diagnostic, rows)]
        return listed + _omitted(rows, errors, notes, self.limit)


def _base_beside(btf: File, path: str | None) -> Btf | None:
    """The `vmlinux` beside a split BTF, or None."""
    beside = base_beside(path) if path is not None and btf.needs_base() else None
    return None if beside is None else open_btf(beside)


def _bpf_object(found: Contents) -> File | None:
    """The BPF object that contains a BTF, or None."""
    holder = found.holder
    if holder is None or found.base is not None or not is_elf(holder):
        return None
    try:
        elf = _core.Elf(holder)
    except FormatError:  # without section headers: it was searched as an image is
        return None
    return holder if elf.machine == _MACHINE_BPF and elf.pointer_size == 8 else None


def _diagnostic(row: _core.DiagnosticRow) -> Diagnostic:
    is_error, rule, message, offset, type_id = row
    return Diagnostic("error" if is_error else "note", rule, message, offset, type_id)


def _omitted(rows: list[_core.DiagnosticRow], errors: int, notes: int, limit: int) -> list[Diagnostic]:
    """The diagnostic of the rule "limit", if it is needed."""
    if errors + notes == len(rows):
        return []
    more = f"{max(0, errors - limit)} more errors and {max(0, notes - limit)} more notes are not listed"
    return [Diagnostic("error" if errors > limit else "note", "limit", more, None, None)]


def _relocation_error(file: File, distilled: Btf, pointer_size: int, full_base: Btf) -> list[Diagnostic]:
    """The error that relocating a module onto a full base raises, if any."""
    core = _core.Btf(file, distilled._core, pointer_size)
    try:
        core.relocate(full_base._core, file.name, full_base.source.path or "the base")
    except FormatError as error:
        message = str(error).removeprefix(f"{file.name}: ")
        return [Diagnostic("error", "relocation", message, error.offset, error.type_id)]
    return []
