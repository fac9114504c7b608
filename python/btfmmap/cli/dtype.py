"""Print Python code that creates the numpy dtype of a type.

The code does not need btfmmap. Nested structs are defined before the type, as struct_0 and so on. A dtype
cannot express bitfields; Btf.records reads them.

    btfmmap dtype list_head
    btfmmap dtype tcp_info --omit-bitfields
"""

from __future__ import annotations

from .. import NotSupportedError
from .common import add_source, add_type, find_type, open_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    import numpy as np


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_type(parser)
    parser.add_argument(
        "--omit-bitfields", action="store_true", help="omit bitfields, which a dtype cannot express"
    )
    add_source(parser)


def run(args: argparse.Namespace) -> None:
    with open_source(args) as btf:
        found = find_type(btf, args.type, "dtype")
        try:
            dtype = btf.dtype(found, bitfields="omit" if args.omit_bitfields else "error")
        except NotSupportedError as error:
            what, advice, _ = str(error).partition(": use records()")
            if not advice:
                raise
            raise NotSupportedError(f"{what}: --omit-bitfields omits them") from None
    print(program(dtype))


def program(dtype: np.dtype[Any]) -> str:
    """Python code that assigns a dtype to `dtype`. Nested structs are defined before it, each once."""
    names: dict[int, str] = {}
    lines = ["import numpy as np"]

    def expression(part: np.dtype[Any]) -> str:
        if part.subdtype is not None:
            base, shape = part.subdtype
            return f"({names.get(id(base)) or repr(base.str)}, {shape})"
        return names.get(id(part)) or repr(part.str)

    pending = [dtype.base]
    while pending:
        struct = pending[-1]
        fields: Any = struct.fields
        members = [fields[name][:2] for name in struct.names or ()]
        parts = [part for part, _ in members]
        missing = [part.base for part in parts if part.base.names is not None and id(part.base) not in names]
        if id(struct) in names or struct.names is None:
            pending.pop()
        elif missing:
            pending += reversed(missing)
        else:
            formats = "".join(f"        {expression(part)},\n" for part in parts)
            offsets = [offset for _, offset in members]
            names[id(struct)] = f"struct_{len(names)}"
            lines.append(
                f"{names[id(struct)]} = np.dtype({{\n"
                f"    'names': {list(struct.names)!r},\n"
                f"    'formats': [\n{formats}    ],\n"
                f"    'offsets': {offsets!r},\n"
                f"    'itemsize': {struct.itemsize},\n"
                "})"
            )
    lines.append(f"dtype = np.dtype({expression(dtype)})")
    return "\n".join(lines)
