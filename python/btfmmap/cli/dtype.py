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
            code = btf.dtype_code(found, bitfields="omit" if args.omit_bitfields else "error")
        except NotSupportedError as error:
            what, advice, _ = str(error).partition(": use records()")
            if not advice:
                raise
            raise NotSupportedError(f"{what}: --omit-bitfields omits them") from None
    print(code)
