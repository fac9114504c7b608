"""Print Python that builds a type's numpy dtype, for reading bytes without btfmmap at hand.

btfmmap dtype tcp_info
btfmmap dtype "struct sk_buff" --omit-bitfields
"""

from __future__ import annotations

from .common import add_source, find_type, open_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    import numpy as np


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("type", metavar="TYPE", help="a name, or a type id")
    parser.add_argument(
        "--omit-bitfields", action="store_true", help="leave out bitfields, which a dtype cannot have"
    )
    add_source(parser)


def run(args: argparse.Namespace) -> None:
    with open_source(args) as btf:
        found = find_type(btf, args.type)
        dtype = btf.dtype(found, bitfields="omit" if args.omit_bitfields else "error")
    print(f"import numpy as np\n\ndtype = {rebuild(dtype, 0)}")


def rebuild(dtype: np.dtype[Any], indent: int) -> str:
    """The expression that makes a dtype."""
    if dtype.shape:
        return f"np.dtype(({rebuild(dtype.base, indent)}, {dtype.shape}))"
    if dtype.fields is None or dtype.names is None:
        return f"np.dtype({dtype.str!r})"
    inner = "    " * (indent + 2)
    formats = "".join(f"{inner}{rebuild(dtype.fields[name][0], indent + 2)},\n" for name in dtype.names)
    offsets = [dtype.fields[name][1] for name in dtype.names]
    outer = "    " * (indent + 1)
    return (
        "np.dtype({\n"
        f"{outer}'names': {list(dtype.names)!r},\n"
        f"{outer}'formats': [\n{formats}{outer}],\n"
        f"{outer}'offsets': {offsets!r},\n"
        f"{outer}'itemsize': {dtype.itemsize},\n"
        f"{'    ' * indent}}})"
    )
