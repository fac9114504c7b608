"""The examples in the package's docstrings run, and every public function and method has one."""

from __future__ import annotations

import ast
import doctest
import inspect
from collections.abc import Iterator
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import requirements

import btfmmap

PACKAGE = Path(btfmmap.__file__).parent

# Public functions and methods without an example, and why.
WITHOUT_EXAMPLE = {
    "Btf.relocate": "needs a module with a distilled base",
    "loaded": "needs CAP_SYS_ADMIN",
}
# Packages that an example needs.
OPTIONAL = {
    "btfmmap.arrow_export.ArrowExport.to_arrow": "pyarrow",
    "btfmmap.arrow_export.ArrowExport.to_polars": "polars",
    "btfmmap.graph.Graph.to_arrow": "pyarrow",
    "btfmmap.graph.Graph.to_pandas": "pandas",
    "btfmmap.graph.Graph.to_polars": "polars",
    "btfmmap.tables.Table.to_arrow": "pyarrow",
    "btfmmap.tables.Table.to_pandas": "pandas",
    "btfmmap.tables.Table.to_polars": "polars",
    "btfmmap.pictures.histories.appearances": "matplotlib",
    "btfmmap.pictures.offsets.member_offsets": "matplotlib",
    "btfmmap.pictures.statuses.relocations": "matplotlib",
    "btfmmap.pictures.statuses.verdicts": "matplotlib",
    "btfmmap.pictures.structs.struct_map": "matplotlib",
    "btfmmap.pictures.wasted.waste": "matplotlib",
}


def modules() -> Iterator[ModuleType]:
    """All modules of the package that can be imported without side effects."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        if parts[-1] != "__main__":
            yield import_module(".".join(parts).removesuffix(".__init__"))


def examples(module: ModuleType) -> list[doctest.DocTest]:
    """The examples of a module. Older versions of Python do not find those of cached properties."""
    finder = doctest.DocTestFinder()
    found = {test.name: test for test in finder.find(module, globs={})}
    for class_ in vars(module).values():
        if inspect.isclass(class_) and class_.__module__ == module.__name__:
            for name, attribute in vars(class_).items():
                if isinstance(attribute, cached_property):
                    full_name = f"{module.__name__}.{class_.__qualname__}.{name}"
                    for test in finder.find(attribute.func, full_name, globs={}):
                        found.setdefault(test.name, test)
    return [test for test in found.values() if test.examples]


EXAMPLES = [test for module in modules() for test in examples(module)]


def corpus_of(example: doctest.DocTest, btf: btfmmap.Btf, folder: Path) -> dict[str, Any]:
    """A corpus of the sample, for the examples of its methods."""
    if not example.name.startswith("btfmmap.corpus.opened."):
        return {}
    btfmmap.corpus.build(folder, btf)
    return {"corpus": btfmmap.corpus.open(folder)}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_example(example: doctest.DocTest, tmp_path: Path) -> None:
    if example.name in OPTIONAL:
        requirements.package(OPTIONAL[example.name])
    if example.name.startswith("btfmmap.corpus."):
        requirements.package("pyarrow")
    output: list[str] = []
    with btfmmap.open(btfmmap.SAMPLE_BTF) as btf:
        kernel = btfmmap.open_kernel(base=btf, modules=False)
        test = doctest.DocTest(
            example.examples,
            {"btfmmap": btfmmap, "np": np, "btf": btf, "kernel": kernel, **corpus_of(example, btf, tmp_path)},
            example.name,
            example.filename,
            example.lineno,
            example.docstring,
        )
        doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=output.append)
    assert not output, "".join(output)


def public() -> Iterator[tuple[str, str, str | None]]:
    """The public functions, and the public methods of public classes: name, module and docstring."""
    for name in btfmmap.__all__:
        value = getattr(btfmmap, name)
        if inspect.isroutine(value):
            yield name, value.__module__, value.__doc__
        elif inspect.isclass(value):
            owners = [owner for owner in value.__mro__ if owner.__module__.startswith("btfmmap.")]
            for member in dir(value):
                owner = next((owner for owner in owners if member in vars(owner)), None)
                if owner is not None and not member.startswith("_"):
                    attribute = vars(owner)[member]
                    if isinstance(attribute, property) or inspect.isroutine(attribute):
                        yield f"{name}.{member}", owner.__module__, attribute.__doc__


def test_every_public_function_has_an_example() -> None:
    without = {name for name, module, text in public() if ">>> " not in (text or "")}
    assert without == WITHOUT_EXAMPLE.keys()


def test_raises_is_a_section() -> None:
    """Errors are listed, not hidden in prose."""
    for module in modules():
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                assert "Raises `" not in (ast.get_docstring(node) or ""), f"{module}: {node.name}"
