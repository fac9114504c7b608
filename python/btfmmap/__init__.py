"""Type information of the Linux kernel (BTF): memory-mapped, indexed, and available as numpy arrays.

`open` opens a BTF and returns a `Btf`, whose methods and properties are most of the API.

Example:
    >>> import btfmmap
    >>> btf = btfmmap.open(btfmmap.SAMPLE_BTF)  # btfmmap.open() opens the running kernel's
    >>> btf.find("flow")
    2
    >>> btf["struct flow"].size
    112
    >>> btf.members.bit_offset[:3].tolist()
    [0, 128, 256]

Several IDs are returned as an integer array: `int64` if -1 may occur, otherwise `uint32`. `find_all`, `match`
and `candidates` return `list[int]`, so that they work without numpy. Several texts are returned as a
`list[str]`. The texts of table rows and records (`Btf.ext`, `Records.enum_names`) are arrays of `str`
objects, one per row.

A parameter for several IDs takes any iterable of integers, including arrays of any integer dtype. A parameter
for one ID takes any integer.
"""

from __future__ import annotations

from .btf import Btf
from .errors import BtfError, ExpressionError, FormatError, MissingBaseError, NotFoundError, NotSupportedError
from .opening import KERNEL_BTF, SAMPLE_BTF, open  # noqa: A004 (named like the builtin, as in gzip or tarfile)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import corpus, pages, pictures
    from ._version import __version__
    from .checking.check import check
    from .checking.paths import PathResult, check_paths
    from .checking.problems import Place, Problem
    from .checking.result import CheckResult
    from .checking.verdicts import Verdict
    from .contract import Finding, doctor
    from .decoder import Decoder
    from .diffing.changes import Changes
    from .diffing.comparison import Change, ChangeCounts, ChangedEntity
    from .diffing.diff import diff
    from .diffing.kinds import ChangeKind, EntityKind
    from .diffing.report import DiffReport
    from .diffing.result import DiffMember, DiffResult
    from .fields import Field, MemberAt
    from .graph import Graph
    from .kernel import Kernel, open_kernel
    from .kernels.identity import Identity
    from .kernels.inputs import KernelInput, find_kernels
    from .kernels.opened import OpenKernel
    from .kinds import IntEncoding, Kind
    from .linting import KERNEL_RULES_VERSION, Diagnostic, lint
    from .loaded_btf import LoadedBtf, loaded
    from .paths.plans import Hop, Plan
    from .records import Records
    from .relocation_kinds import CoreReloKind, InstructionUse, RelocationStatus
    from .requirements import Need, RequirementStatus
    from .roles import Role
    from .source import Source
    from .struct_layout import LayoutMember, StructLayout
    from .types import Enumerator, Member, Param, Secinfo, Type
    from .users import User
    from .writing.builder import Builder
    from .writing.min_core import MinCoreFailure, MinCoreResult, min_core_btf
    from .writing.transformations import (
        Merged,
        Rewritten,
        distill,
        merge,
        permute,
        sorted,  # noqa: A004 (what it returns)
        subset,
        swapped,
    )

__all__ = [
    "KERNEL_BTF",
    "KERNEL_RULES_VERSION",
    "SAMPLE_BTF",
    "Btf",
    "BtfError",
    "Builder",
    "Change",
    "ChangeCounts",
    "ChangeKind",
    "ChangedEntity",
    "Changes",
    "CheckResult",
    "CoreReloKind",
    "Decoder",
    "Diagnostic",
    "DiffMember",
    "DiffReport",
    "DiffResult",
    "EntityKind",
    "Enumerator",
    "ExpressionError",
    "Field",
    "Finding",
    "FormatError",
    "Graph",
    "Hop",
    "Identity",
    "InstructionUse",
    "IntEncoding",
    "Kernel",
    "KernelInput",
    "Kind",
    "LayoutMember",
    "LoadedBtf",
    "Member",
    "MemberAt",
    "Merged",
    "MinCoreFailure",
    "MinCoreResult",
    "MissingBaseError",
    "Need",
    "NotFoundError",
    "NotSupportedError",
    "OpenKernel",
    "Param",
    "PathResult",
    "Place",
    "Plan",
    "Problem",
    "Records",
    "RelocationStatus",
    "RequirementStatus",
    "Rewritten",
    "Role",
    "Secinfo",
    "Source",
    "StructLayout",
    "Type",
    "User",
    "Verdict",
    "__version__",
    "check",
    "check_paths",
    "corpus",
    "diff",
    "distill",
    "doctor",
    "find_kernels",
    "lint",
    "loaded",
    "merge",
    "min_core_btf",
    "open",
    "open_kernel",
    "pages",
    "permute",
    "pictures",
    "sorted",
    "subset",
    "swapped",
]

# Imported on first use: importing enum, typing and numpy takes longer than the rest of the package.
_LAZY = {
    "__version__": "_version",
    "Change": "diffing.comparison",
    "ChangeKind": "diffing.kinds",
    "ChangeCounts": "diffing.comparison",
    "DiffReport": "diffing.report",
    "ChangedEntity": "diffing.comparison",
    "Changes": "diffing.changes",
    "DiffMember": "diffing.result",
    "DiffResult": "diffing.result",
    "EntityKind": "diffing.kinds",
    "diff": "diffing.diff",
    "Builder": "writing.builder",
    "MinCoreFailure": "writing.min_core",
    "MinCoreResult": "writing.min_core",
    "min_core_btf": "writing.min_core",
    "Merged": "writing.transformations",
    "distill": "writing.transformations",
    "merge": "writing.transformations",
    "Rewritten": "writing.transformations",
    "permute": "writing.transformations",
    "sorted": "writing.transformations",
    "subset": "writing.transformations",
    "swapped": "writing.transformations",
    "CheckResult": "checking.result",
    "InstructionUse": "relocation_kinds",
    "Need": "requirements",
    "PathResult": "checking.paths",
    "Place": "checking.problems",
    "Problem": "checking.problems",
    "RelocationStatus": "relocation_kinds",
    "RequirementStatus": "requirements",
    "Verdict": "checking.verdicts",
    "check": "checking.check",
    "check_paths": "checking.paths",
    "CoreReloKind": "relocation_kinds",
    "Decoder": "decoder",
    "Diagnostic": "linting",
    "Enumerator": "types",
    "Field": "fields",
    "Graph": "graph",
    "Hop": "paths.plans",
    "LayoutMember": "struct_layout",
    "Member": "types",
    "MemberAt": "fields",
    "Param": "types",
    "Plan": "paths.plans",
    "Records": "records",
    "Role": "roles",
    "Secinfo": "types",
    "StructLayout": "struct_layout",
    "User": "users",
    "Finding": "contract",
    "Identity": "kernels.identity",
    "IntEncoding": "kinds",
    "KERNEL_RULES_VERSION": "linting",
    "Kernel": "kernel",
    "KernelInput": "kernels.inputs",
    "Kind": "kinds",
    "LoadedBtf": "loaded_btf",
    "OpenKernel": "kernels.opened",
    "Source": "source",
    "Type": "types",
    "doctor": "contract",
    "find_kernels": "kernels.inputs",
    "lint": "linting",
    "loaded": "loaded_btf",
    "open_kernel": "kernel",
}
_MODULES = ("corpus", "pages", "pictures")


def __getattr__(name: str) -> object:
    if name in _LAZY:
        from importlib import import_module

        value = getattr(import_module(f".{_LAZY[name]}", __name__), name)
        globals()[name] = value
        return value
    if name in _MODULES:
        return __import__(f"{__name__}.{name}", fromlist=[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    names = [*__all__]
    names.sort()  # `sorted` is a function of this module
    return names
