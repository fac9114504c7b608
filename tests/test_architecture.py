"""Layers, friend names and public names are those of the code."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import btfmmap
import setup
from btfmmap import _core
from btfmmap.ext import Ext
from btfmmap.ext_tables import ExtTable
from btfmmap.tables import Table

ROOT = Path(__file__).parent.parent
CORE = ROOT / "csrc" / "core"
PACKAGE = ROOT / "python" / "btfmmap"

# The folders of the core, and which others each may include.
FOLDERS = {
    "base": set(),
    "simd": {"base"},
    "input": {"base"},
    "format": {"base"},
    "index": {"base", "simd", "format"},
    "names": {"base", "simd", "format", "index"},
    "tables": {"base", "simd", "format", "index"},
    "btf": {"base", "input", "format", "index", "names", "tables"},
    "analysis": {"base", "format", "index", "names", "tables", "btf"},
    "fingerprint": {"base", "simd", "format", "index", "names", "tables", "analysis"},
    "diff": {"base", "format", "index", "names", "tables", "btf", "analysis", "fingerprint"},
    "diff_report": {"base", "format", "diff"},
    "corpus": {
        *("base", "format", "index", "names", "tables", "btf", "analysis", "fingerprint", "diff"),
    },
    "arrow": {"base", "names", "btf"},
    "decode": {"base", "format", "index", "btf", "analysis"},
    "text": {"base", "simd"},
    "dump": {"base", "format", "index", "btf", "analysis", "text"},
    "pahole": {"base", "format", "index", "btf", "analysis", "text", "dump"},
    "core_relo": {"base", "simd", "format", "index", "names", "tables", "btf", "program"},
    "lint": {"base", "format", "index", "names", "btf", "analysis"},
    "kernel_rules": {"base", "format", "index", "names", "btf"},
    "loading": {"base", "input", "format", "index", "btf", "analysis"},
    "paths": {"base", "btf", "analysis"},
    "program": {"base", "input"},
    "writing": {"base", "format", "index", "names", "btf", "core_relo"},
}
# The layers of the package: their modules, and which other layers those may import at run time, inside of
# functions too. A module may import others of its own layer.
LAYERS = {
    "base": (
        "_core _version arrow arrow_export bounded_cache close_names errors frames html iteration "
        "kind_numbers kinds labels named_tuples optional relocation_kinds replacing roles",
        set(),
    ),
    "files": (
        "banner boot_containers compression containers inline_files kernel_files kernel_images loaded_btf "
        "running_kernel",
        {"base"},
    ),
    "tables": (
        "column_views ext ext_tables fingerprints layouts relocations table_properties tables",
        {"base"},
    ),
    "programs": ("programs requirements section_names", {"base"}),
    "types": (
        "candidates edges fields graph matching named_children outlines types users waste",
        {"base", "tables"},
    ),
    "values": (
        "ctypes_types decoder dtype dtype_code dumping formatting record_readers record_sizes records "
        "struct_layout summaries",
        {"base", "types"},
    ),
    "paths": ("paths", {"base", "types"}),
    "btf": ("btf pickling source", {"base", "tables", "types", "values", "paths"}),
    "opening": ("kernel linting opening", {"base", "files", "tables", "btf"}),
    "kernels": ("kernels", {"base", "files", "tables", "btf", "opening"}),
    "checking": (
        "checking",
        {"base", "files", "tables", "programs", "paths", "btf", "opening", "kernels"},
    ),
    "diffing": ("diffing", {"base", "tables", "btf", "opening", "kernels"}),
    "writing": ("writing", {"base", "tables", "btf", "opening", "kernels", "checking"}),
    "corpus": (
        "corpus",
        {"base", "tables", "btf", "opening", "kernels", "checking", "diffing", "writing"},
    ),
    "pictures": (
        "pages pictures",
        {"base", "tables", "types", "values", "btf", "opening", "kernels", "checking", "diffing"},
    ),
    "doctor": ("contract", {"base", "files", "opening"}),
    "package": (
        "__init__",
        {
            *("base", "files", "programs", "types", "values", "paths", "btf", "opening", "kernels"),
            *("checking", "diffing", "writing", "corpus", "doctor", "pictures"),
        },
    ),
    "cli": ("__main__ cli", {"package"}),
}
# Underscored names of a class that other modules of the package may use.
FRIEND_NAMES = {
    btfmmap.Builder: {"_draft"},
    btfmmap.DiffResult: {"_size"},
    btfmmap.Kernel: {"_btfs"},
    btfmmap.Btf: {
        "_columns",
        "_core",
        "_core_fingerprints",
        "_core_graph",
        "_core_layout",
        "_core_relo_target",
        "_expressions",
        "_id_of",
        "_keep",
        "_kept",
        "_layout_columns",
        "_levels",
        "_size",
        "_type",
        "_types",
    },
    btfmmap.Type: {"_children", "_kind"},
    Table: {"_built_on_demand", "_words"},
    Ext: {"_object", "_prepared"},
    ExtTable: {"_resolved"},
}
# Underscored names that are public in the standard library.
PUBLIC_UNDERSCORED = {"_asdict", "_exit", "_fields", "_fields_", "_make", "_name_", "_replace", "_value_"}

CORE_FILES = sorted(path for path in CORE.rglob("*") if path.is_file())

PUBLIC_NAMES = {
    "Btf",
    "BtfError",
    "Change",
    "ChangeKind",
    "ChangeCounts",
    "ChangedEntity",
    "Changes",
    "Builder",
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
    "KERNEL_BTF",
    "KERNEL_RULES_VERSION",
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
    "SAMPLE_BTF",
    "Secinfo",
    "Source",
    "StructLayout",
    "Type",
    "User",
    "Verdict",
    "__version__",
    "check",
    "corpus",
    "diff",
    "distill",
    "check_paths",
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
}

BTF_NAMES = [
    "alignof",
    "arrays",
    "at",
    "at_each",
    "base",
    "c_declaration",
    "c_names",
    "candidates",
    "close",
    "closed",
    "closest",
    "ctypes",
    "decl_tags",
    "decoder",
    "distilled",
    "dtype",
    "dtype_code",
    "dump",
    "enumerators",
    "ext",
    "find",
    "find_all",
    "find_enumerators",
    "find_member",
    "find_members",
    "fingerprints",
    "first_id",
    "format",
    "format_each",
    "funcs",
    "graph",
    "header",
    "ints",
    "kind_names",
    "layout",
    "layouts",
    "lookup",
    "match",
    "members",
    "members_at",
    "name",
    "names",
    "params",
    "path",
    "paths",
    "raw",
    "records",
    "relocate",
    "resolve",
    "secinfos",
    "sizeof",
    "source",
    "string",
    "string_section",
    "strings",
    "summary",
    "to_c",
    "type_section",
    "types",
    "units",
    "users",
    "vars",
    "wasteful",
]


def includes(path: Path) -> list[str]:
    return re.findall(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', path.read_text(), re.MULTILINE)


def test_folders_of_the_core() -> None:
    assert {path.name for path in CORE.iterdir()} == set(FOLDERS)
    assert {path.parent.parent for path in CORE_FILES} == {CORE}
    TopologicalSorter(FOLDERS).prepare()  # raises CycleError


@pytest.mark.parametrize("path", CORE_FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_core_includes(path: Path) -> None:
    """A file includes only folders that are allowed to it, and nothing of Python."""
    folder = path.parent.name
    for name in includes(path):
        if name.endswith(".hpp"):
            core, used, _ = name.split("/")
            assert core == "core"
            assert used == folder or used in FOLDERS[folder], name
        assert not re.search("ython|pybind11|numpy", name)


def test_core_headers_form_no_cycle() -> None:
    headers = [path for path in CORE_FILES if path.suffix == ".hpp"]
    uses = {f"core/{path.parent.name}/{path.name}": includes(path) for path in headers}
    TopologicalSorter(uses).prepare()  # raises CycleError


def names_in_design(heading: str) -> dict[str, set[str]]:
    """Returns a table of docs/design.md: which others each folder or layer may use."""
    section = (ROOT / "docs" / "design.md").read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([^|]*)\|$", section, re.MULTILINE)
    return {name: set(used.replace(",", " ").split()) for name, used in rows}


def test_design_has_the_folders_and_layers() -> None:
    assert names_in_design("Folders of the core") == FOLDERS
    layers = {name: used for name, (_, used) in LAYERS.items()}
    assert names_in_design("Layers of the Python package") == layers


def imported_names(path: Path) -> Iterator[str]:
    """The modules that a file imports anywhere, including by `import_module` of a literal."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield module
                yield from (f"{module}.{alias.name}" for alias in names)
            case ast.Call(
                func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                yield module


@pytest.mark.parametrize("folder", ["tests", "benchmarks"])
def test_shared_code_lives_in_support(folder: str) -> None:
    """No test module or benchmark imports another, nor does anything in `support`."""
    entries = {path.stem for path in (ROOT / folder).glob("*.py")}
    files = [*(ROOT / folder).glob("*.py"), *(ROOT / folder / "support").glob("*.py")]
    assert len(files) > len(entries) > 10
    for path in files:
        used = {part for name in imported_names(path) for part in name.split(".")}
        assert not used & entries, path.name


def test_module_only_registers() -> None:
    assert "def(" not in (ROOT / "csrc" / "bindings" / "module.cpp").read_text()


FOLDERS_OF_MODULES = (
    *(
        "",
        "checking",
        "cli",
        "contract",
        "corpus",
        "diffing",
        "html",
        "kernels",
        "pages",
        "paths",
        "pictures",
    ),
    "writing",
)
MODULES = {".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}


def nodes_at_run_time(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below one, without those that only type checkers read."""
    for child in ast.iter_child_nodes(node):
        if (
            isinstance(child, ast.If)
            and isinstance(child.test, ast.Name)
            and child.test.id == "TYPE_CHECKING"
        ):
            continue
        yield child
        yield from nodes_at_run_time(child)


def imported_modules(name: str) -> set[str]:
    """The modules of the package that a module imports at run time."""
    found: set[str] = set()
    for node in nodes_at_run_time(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            module = [*name.split(".")[: -node.level], *(node.module or "").split(".")]
            for alias in node.names:
                path = ".".join(filter(None, (*module, alias.name)))
                found.add(path if path in {*MODULES, "_core"} else ".".join(filter(None, module)))
    if name == "__init__":
        found.update((*btfmmap._LAZY.values(), *btfmmap._MODULES))
    packages = {package: ".".join(filter(None, (package, "__init__"))) for package in FOLDERS_OF_MODULES}
    return {packages.get(module, module) for module in found}


def test_layers_of_the_package() -> None:
    layer_of = {module: layer for layer, (modules, _) in LAYERS.items() for module in modules.split()}
    tops = {name.partition(".")[0] for name in MODULES} - {"data"}
    assert layer_of.keys() == tops | {"_core"}
    TopologicalSorter({layer: allowed for layer, (_, allowed) in LAYERS.items()}).prepare()
    for name in MODULES:
        own = layer_of[name.partition(".")[0]]
        for target in imported_modules(name):
            used = layer_of[target.partition(".")[0]]
            assert used == own or used in LAYERS[own][1], f"{name} imports {target}"


def test_modules_import_one_another_in_no_cycle() -> None:
    imports = {name: imported_modules(name) for name in MODULES}
    assert {"errors", "candidates", "fields"} <= imports["btf"]  # at the top, and in functions
    assert "_core" in imports["contract.target"]
    assert imports["cli.at"] == {"__init__", "cli.common", "cli.member_text"}
    assert "contract.__init__" in imports["__init__"]
    TopologicalSorter(imports).prepare()  # raises CycleError


def test_modules_keep_to_the_friend_names() -> None:
    """Underscored names are used only in their own module, friend names excepted."""
    friends = set().union(*FRIEND_NAMES.values())
    for name, path in MODULES.items():
        tree = ast.parse(path.read_text())
        own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        own |= {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and getattr(node.value, "id", "") in ("self", "made")
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and re.match("_[a-z]", node.attr):
                assert node.attr in own | friends | PUBLIC_UNDERSCORED, f"{name}:{node.lineno}"
    for owner, names in FRIEND_NAMES.items():
        assert all(hasattr(owner, name) for name in names)


def test_who_imports_the_core() -> None:
    # Others may name the core's types for the type checker.
    importers = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ImportFrom)
        and (node.module == "_core" or "_core" in [alias.name for alias in node.names])
    }
    files = (
        "arrow banner checking/objects checking/sources containers contract/target corpus/building "
        "corpus/collecting diffing/diff diffing/report diffing/result dtype dumping ext fingerprints "
        "formatting kernel linting "
        "loaded_btf matching opening "
        "paths/expressions paths/reading paths/searching programs record_readers records relocations "
        "writing/builder writing/columns writing/min_core writing/results writing/transformations"
    )
    assert importers == {f"{name}.py" for name in files.split()}


def test_commands_use_only_the_public_api() -> None:
    for path in (PACKAGE / "cli").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == 2:
                assert node.module is None
                assert {alias.name for alias in node.names} <= set(btfmmap.__all__)


def test_public_names() -> None:
    assert set(btfmmap.__all__) == PUBLIC_NAMES
    assert set(dir(btfmmap)) == PUBLIC_NAMES
    for name in PUBLIC_NAMES:
        assert getattr(btfmmap, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = btfmmap.no_such_name


def test_names_of_a_btf() -> None:
    assert sorted(name for name in dir(btfmmap.Btf) if not name.startswith("_")) == BTF_NAMES


def test_stub_matches_the_module() -> None:
    tree = ast.parse((PACKAGE / "_core.pyi").read_text())
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    names = [name for name in dir(_core) if not name.startswith("_")]
    native = {name: value for name in names if isinstance(value := getattr(_core, name), type)}
    assert classes.keys() == native.keys()
    for name, node in classes.items():
        stub = {item.name for item in node.body if isinstance(item, ast.FunctionDef)}
        assert {item for item in stub if not item.startswith("_")} == {
            item for item in vars(native[name]) if not item.startswith("_")
        }
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert {name for name in functions if not name.startswith("_")} == {*names} - native.keys()


def test_kinds_are_the_kernels() -> None:
    numbers = {kind.name: int(kind) for kind in btfmmap.Kind}
    assert numbers.pop("VOID") == 0
    words = "INT PTR ARRAY STRUCT UNION ENUM FWD TYPEDEF VOLATILE CONST RESTRICT FUNC FUNC_PROTO VAR"
    expected = f"{words} DATASEC FLOAT DECL_TAG TYPE_TAG ENUM64".split()
    assert numbers == {name: number for number, name in enumerate(expected, 1)}


@pytest.mark.parametrize(
    "code",
    [
        "import btfmmap",
        "import btfmmap._core",
        "import btfmmap as b; b.open(b.SAMPLE_BTF).find('flow')",
        "import btfmmap as b; b.open(b.SAMPLE_BTF).names()",
        "import btfmmap as b; b.open(b.SAMPLE_BTF)['struct flow'].members",
    ],
)
def test_starts_without_numpy(code: str) -> None:
    check = f"{code}; import sys; assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", check], check=True)


def test_a_changed_header_rebuilds(monkeypatch: pytest.MonkeyPatch) -> None:
    """distutils rebuilds the module if it is older than its sources or any header."""
    monkeypatch.chdir(ROOT)
    headers = {str(path.relative_to(ROOT)) for path in (ROOT / "csrc").rglob("*.hpp")}
    assert set(setup.core_extension().depends) == headers
