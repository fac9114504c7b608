"""The pages of the API reference: which public names are on which page."""

from __future__ import annotations

import inspect
from importlib import import_module

import btfmmap


def _all_of(module: str) -> str:
    """The public names of a module."""
    return " ".join(f"{module}.{name}" for name in import_module(f"btfmmap.{module}").__all__)


# For each page its title, an introduction, and the names, which are those of the package or of a module.
REFERENCE = {
    "opening": (
        "Opening",
        "Functions that open BTF, and what they say about it.",
        "open open_kernel find_kernels loaded Source KernelInput OpenKernel Identity LoadedBtf SAMPLE_BTF "
        "KERNEL_BTF __version__ kernels.listing.KernelTable",
    ),
    "btf": ("Btf", "One BTF. Most of the API are its methods and properties.", "Btf"),
    "kernel": ("Kernel", "A kernel with its modules.", "Kernel"),
    "types": (
        "Types",
        "What `btf[...]` and the methods that look at single types return.",
        "Type Member Param Enumerator Secinfo Field MemberAt User Role Kind IntEncoding types.NamedItems",
    ),
    "tables": (
        "Tables",
        "Records as columns of numpy arrays, with the dtype and unit of each.",
        "tables.Table tables.Types tables.Members tables.Params tables.Enumerators tables.Arrays tables.Ints "
        "tables.Funcs tables.Vars tables.Secinfos tables.DeclTags fingerprints.Fingerprints arrow.ArrowTable",
    ),
    "layouts": ("Layouts", "How structs use their bytes.", "StructLayout LayoutMember layouts.Layouts"),
    "values": ("Values", "Bytes as records.", "Records Decoder"),
    "graph": ("Graph", "References between types.", "Graph edges.Edges"),
    "paths": ("Paths", "Paths through pointers.", "Plan Hop check_paths PathResult"),
    "check": (
        "BPF objects on kernels",
        "Whether objects load, and their sections.",
        "check CheckResult Problem Place Verdict Need RequirementStatus RelocationStatus InstructionUse "
        "CoreReloKind ext.Ext ext.FuncInfo ext.LineInfo ext.CoreRelo relocations.Relocations",
    ),
    "diff": (
        "Differences between kernels",
        "What changed, and what follows from it.",
        "diff DiffResult DiffReport Change ChangeCounts ChangedEntity ChangeKind EntityKind Changes "
        "DiffMember diffing.changes.Causes diffing.tables.Entities diffing.tables.Versions "
        "diffing.tables.MemberHistory diffing.tables.Offsets",
    ),
    "writing": (
        "Writing",
        "New BTF from records, columns or other BTFs.",
        "Builder subset permute sorted swapped distill merge Merged Rewritten min_core_btf MinCoreResult "
        "MinCoreFailure",
    ),
    "judging": (
        "Lint and doctor",
        "Faults of a BTF, and promises of the kernel.",
        "lint Diagnostic doctor Finding KERNEL_RULES_VERSION",
    ),
    "corpus": ("Corpora", "Many kernels in Parquet files, with pyarrow.", _all_of("corpus")),
    "pictures": ("Pictures", "With matplotlib.", _all_of("pictures")),
    "pages": ("Pages", "Results as HTML.", _all_of("pages")),
    "errors": (
        "Errors",
        "What is raised for bad input.",
        "BtfError FormatError MissingBaseError NotFoundError NotSupportedError ExpressionError",
    ),
}


# Values, whose type has a docstring and they have none.
_VALUES = {
    "KERNEL_BTF": "The path of the running kernel's BTF.",
    "SAMPLE_BTF": "The path of a small BTF that comes with the package.",
    "KERNEL_RULES_VERSION": "The version of Linux whose rules `lint` applies.",
    "__version__": "The version of the package.",
    "corpus.TABLES": "The columns of each table of a corpus, with their types in Arrow; `?` may be null.",
    "corpus.VERSION": "The version of the schema.",
}


def _found(name: str) -> object:
    module, _, last = name.rpartition(".")
    return getattr(import_module(f"btfmmap.{module}") if module else btfmmap, last)


def _directive(name: str) -> str:
    value = _found(name)
    if name in _VALUES:
        return f".. py:data:: {name}\n\n   {_VALUES[name]}\n"
    kind = "class" if inspect.isclass(value) else "function"
    if kind == "class" and issubclass(value, Exception):  # type: ignore[arg-type]
        kind = "exception"
    return f".. auto{kind}:: btfmmap.{name}\n"


def _titled(title: str, text: str) -> str:
    return f"{title}\n{'=' * len(title)}\n\n.. currentmodule:: btfmmap\n\n{text}\n\n"


def reference_page(name: str) -> str:
    """The reStructuredText of a page.

    Args:
        name: A key of `REFERENCE`, or "index".
    """
    if name == "index":
        pages = "\n   ".join(REFERENCE)
        described = (inspect.getdoc(btfmmap) or "").replace("\n    ", "\n")
        described = described.replace("Example:\n", ".. rubric:: Example\n\n", 1)
        text = f"In examples, ``btf`` is the sample that comes with the package.\n\n{described}"
        return _titled("Python reference", text) + f".. toctree::\n\n   {pages}\n"
    title, text, names = REFERENCE[name]
    return _titled(title, text) + "\n".join(map(_directive, names.split()))
