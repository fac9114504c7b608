"""The type information of a Linux kernel (BTF), mapped, indexed, and as numpy arrays.

    >>> import btfmmap
    >>> btf = btfmmap.open()                 # the running kernel
    >>> btf.find("task_struct")              # a type id
    >>> btf["struct task_struct"].size       # one type, as an object
    >>> btf.members.bit_offset               # every struct member of the kernel, as arrays

`open` gives a `Btf`; everything else hangs on it.

Many ids are an integer array, `int64` where -1 may be among them and `uint32` otherwise; many texts are a
`list[str]`. `find_all`, `match` and `candidates` give `list[int]`, so that they work without numpy. The texts
of table rows and records (`Btf.ext`, `Records.enum_names`) are arrays of `str` objects, as long as those.
A parameter for many ids takes any iterable of integers, such as an array of any integer dtype; one for an id
takes any integer.
"""

from __future__ import annotations

from ._version import __version__
from .btf import Btf
from .errors import BtfError, FormatError, MissingBaseError, NotFoundError, NotSupportedError
from .opening import KERNEL_BTF, SAMPLE_BTF, open  # noqa: A004 (the package's verb is open)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .contract import Finding, doctor
    from .fields import Field
    from .graph import Graph, Role
    from .kernel import Kernel, open_kernel
    from .kinds import IntEncoding, Kind
    from .linting import Diagnostic, lint
    from .loaded_btf import LoadedBtf, loaded
    from .records import Records
    from .source import Source
    from .struct_layout import StructLayout
    from .types import Type
    from .users import User

__all__ = [
    "KERNEL_BTF",
    "SAMPLE_BTF",
    "Btf",
    "BtfError",
    "Diagnostic",
    "Field",
    "Finding",
    "FormatError",
    "Graph",
    "IntEncoding",
    "Kernel",
    "Kind",
    "LoadedBtf",
    "MissingBaseError",
    "NotFoundError",
    "NotSupportedError",
    "Records",
    "Role",
    "Source",
    "StructLayout",
    "Type",
    "User",
    "__version__",
    "doctor",
    "lint",
    "loaded",
    "open",
    "open_kernel",
]

# Imported on first use: enum, typing and numpy cost more than the rest of the package.
_LAZY = {
    "Diagnostic": "linting",
    "Field": "fields",
    "Graph": "graph",
    "Records": "records",
    "Role": "graph",
    "StructLayout": "struct_layout",
    "User": "users",
    "Finding": "contract",
    "IntEncoding": "kinds",
    "Kernel": "kernel",
    "Kind": "kinds",
    "LoadedBtf": "loaded_btf",
    "Source": "source",
    "Type": "types",
    "doctor": "contract",
    "lint": "linting",
    "loaded": "loaded_btf",
    "open_kernel": "kernel",
}


def __getattr__(name: str) -> object:
    if name in _LAZY:
        from importlib import import_module

        value = getattr(import_module(f".{_LAZY[name]}", __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
