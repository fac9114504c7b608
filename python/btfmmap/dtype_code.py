"""Python code that builds a dtype. Made without numpy, whose import takes longer than all else."""

from __future__ import annotations

from .dtype import check_bitfields, described

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, NamedTuple

    from .types import Type
else:
    from .named_tuples import NamedTuple

_MAX_SIZE = 2**31 - 1  # numpy counts the bytes of a dtype with a C int


class Described(NamedTuple):
    """A dtype as `numpy.dtype` would make it.

    Attributes:
        code: The `str` of the dtype of a number or of bytes; empty for others.
        itemsize: Its size in bytes.
        fields: The description of a struct, as `numpy.dtype` takes it.
        base: The dtype of the elements of an array.
        shape: The dimensions of an array.
    """

    code: str
    itemsize: int
    fields: dict[str, Any] | None = None
    base: Described | None = None
    shape: tuple[int, ...] = ()


def describe(description: Any) -> Described:
    """Describe what `numpy.dtype(description)` would make.

    Raises:
        ValueError: It would be too large.
    """
    if isinstance(description, str):
        return _scalar(description)
    if isinstance(description, dict):
        return _limited(Described("", description["itemsize"], description))
    base, shape = description
    base = _scalar(base) if isinstance(base, str) else base
    size = base.itemsize
    for count in shape:
        size *= count
    return _limited(Described("", size, None, base, shape))


def _scalar(text: str) -> Described:
    if text == "?":
        return Described("|b1", 1)
    order, rest = (text[0], text[1:]) if text[0] in "<>" else ("|", text)
    size = int(rest[1:])
    return _limited(Described(f"{'|' if size == 1 else order}{rest}", size))


def _limited(described: Described) -> Described:
    if described.itemsize > _MAX_SIZE:
        raise ValueError(f"{described.itemsize:,} bytes are more than {_MAX_SIZE:,}")
    return described


def dtype_code(type_: Type, bitfields: Literal["error", "omit"]) -> str:
    """Implement `Btf.dtype_code`."""
    check_bitfields(bitfields)
    return _program(described(type_, bitfields, describe))


def _program(dtype: Described) -> str:
    """Code that assigns a dtype to `dtype`. Nested structs are defined before it, each once."""
    names: dict[int, str] = {}
    lines = ["import numpy as np"]

    def expression(part: Described) -> str:
        if part.base is not None:
            return f"({names.get(id(part.base)) or repr(part.base.code)}, {part.shape})"
        return names.get(id(part)) or repr(part.code)

    pending = [dtype.base or dtype]
    while pending:
        struct = pending[-1]
        if struct.fields is None or id(struct) in names:
            pending.pop()
            continue
        parts: list[Described] = struct.fields["formats"]
        bases = [part.base or part for part in parts]
        missing = [part for part in bases if part.fields is not None and id(part) not in names]
        if missing:
            pending += reversed(missing)
            continue
        formats = "".join(f"        {expression(part)},\n" for part in parts)
        names[id(struct)] = f"struct_{len(names)}"
        lines.append(
            f"{names[id(struct)]} = np.dtype({{\n"
            f"    'names': {struct.fields['names']!r},\n"
            f"    'formats': [\n{formats}    ],\n"
            f"    'offsets': {struct.fields['offsets']!r},\n"
            f"    'itemsize': {struct.itemsize},\n"
            "})"
        )
    lines.append(f"dtype = np.dtype({expression(dtype)})")
    return "\n".join(lines)
