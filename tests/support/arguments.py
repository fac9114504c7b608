"""Arguments for what the public API takes: for each parameter a way to draw one, by its name and annotation.

A parameter that is not listed here, and is neither a bool nor a Literal, raises `NoGenerator`: whoever adds
one says here what may be passed.
"""

from __future__ import annotations

import ast
import io
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from inspect import Parameter
from pathlib import Path
from typing import Any

import numpy as np
from bpf_object import BpfObject
from btf_writer import BtfWriter
from mutants import mutant
from public_api import Attribute, own_classes

import btfmmap

# What an answer may be instead of an answer.
TYPED_ERRORS = (btfmmap.BtfError, ValueError)

_NUMBERS = (0, 1, 2, 3, 4, 7, 8, 63, 64, 255, 4096, 2**31, 2**32 - 1, 2**32, 2**40)
_NAMES = (
    "int",
    "void",
    "char",
    "struct flow",
    "struct pair",
    "union either",
    "enum small",
    "flow",
    "pair",
    "left",
)
_PATTERNS = ("*a*", "struct *", "[a-c]?*", "union *", "*")
_EXPRESSIONS = ("struct .*", "^f", "(", "a|b", "")
_WORDS = ("typedef", "const", "volatile", "restrict", "type_tag", "pointer", "array", "anonymous")
_MOST_BYTES = 1 << 16  # of data that stands for a type's


class NoGenerator(Exception):  # noqa: N818 (says what is missing)
    """A parameter that nobody has said how to draw."""


class _Index:
    """Stands for an integer, and is none."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __index__(self) -> int:
        return self.number

    def __repr__(self) -> str:
        return f"_Index({self.number})"


@dataclass
class Context:
    """What arguments are drawn from.

    Attributes:
        btf: whose ids and names.
        random: where all chance comes from.
        folder: for files.
        data: bytes that hold a BTF, or nearly.
        base: of a split BTF, or just another one.
        type_ids: ids to prefer; none may be there.
    """

    btf: btfmmap.Btf
    random: random.Random
    folder: Path
    data: bytes
    base: btfmmap.Btf
    type_ids: list[int]

    def of(self, btf: btfmmap.Btf) -> Context:
        end = 0
        with suppress(*TYPED_ERRORS):
            end = btf.first_id + len(btf)
        return replace(self, btf=btf, type_ids=[self.random.randrange(end + 1) for _ in range(3)])

    def type_id(self) -> int:
        if self.random.random() < 0.05:
            return self.random.choice((-1, 0, 2**32 - 1, 2**40))
        return self.random.choice(self.type_ids)

    def index(self, number: int) -> Any:
        """An integer, or what stands for one."""
        return self.random.choice((number, number, np.int64(number), np.array(number), _Index(number)))

    def name(self, type_id: int | None = None) -> str:
        if type_id is None and self.random.random() < 0.5:
            return self.random.choice(_NAMES)
        with suppress(*TYPED_ERRORS):
            return self.btf.name(self.type_id() if type_id is None else type_id)
        return "no such name"

    def integers(self, draw: Callable[[], int]) -> Any:
        found = [draw() for _ in range(self.random.randrange(6))]
        return self.random.choice((list, tuple, lambda items: np.array(items, np.int64)))(found)

    def member(self) -> tuple[str, str]:
        """The names of a struct and of one of its members."""
        with suppress(*TYPED_ERRORS):
            table = self.btf.members
            if len(table):
                row = self.random.randrange(len(table))
                return self.btf.name(int(table.parent[row])), self.btf.string(int(table.name_off[row]))
        return self.name(), self.random.choice(("next", "left", ""))

    def member_name(self) -> str:
        return self.member()[1]

    def bytes_of(self, type_: Any, records: int) -> bytes:
        """As many as that many of a type have, often."""
        size = -1
        with suppress(*TYPED_ERRORS):
            type_id = type_ if isinstance(type_, int) else self.btf[getattr(type_, "id", type_)].id
            size = int(self.btf.sizeof([type_id])[0])
        if not 0 < size * records <= _MOST_BYTES:
            size = self.random.randrange(64)
        count = size * records
        return self.random.choice((bytes(count), self.random.randbytes(count), b"a" * count))

    def file(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path


Draw = Callable[[Context, Any, dict[str, Any]], Any]


def _type(context: Context, _subject: Any, _bound: dict[str, Any]) -> Any:
    type_id = context.type_id()
    chance = context.random.random()
    if chance < 0.15:
        return context.name(type_id)
    if chance < 0.3:
        with suppress(*TYPED_ERRORS):
            owner = context.base if chance < 0.17 else context.btf
            return owner[type_id]
    return context.index(type_id)


def _roots(context: Context, subject: Any, bound: dict[str, Any]) -> Any:
    return context.random.choice((None, [_type(context, subject, bound) for _ in range(3)], []))


def _kind(context: Context, _subject: Any, _bound: dict[str, Any]) -> Any:
    return context.random.choice((None, *btfmmap.Kind, 4, 77))


def _key(context: Context, _subject: Any, _bound: dict[str, Any]) -> Any:
    return context.random.choice(
        (context.index(context.type_id()), context.name(), _path(context, _subject, _bound))
    )


def _item(context: Context, subject: Any, _bound: dict[str, Any]) -> Any:
    """What selects some of the members, parameters or enumerators of a type."""
    choices = ["", "no such name", 0, -1, len(subject), slice(1, None, 2), slice(0)]
    if subject:
        choices.append(context.random.choice(subject).name)
    return context.random.choice(choices)


def _path(context: Context, _subject: Any, _bound: dict[str, Any]) -> str:
    path = ".".join(context.member())
    return path + context.random.choice(
        ("", "", "[0]", "[1][2]", "[", "[x]", ".", ".next", f".{context.member_name()}")
    )


def _expression(context: Context, subject: Any, bound: dict[str, Any]) -> str:
    """A path in C, often one that there is."""
    path, name = _path(context, subject, bound), context.name()
    pointer = context.random.choice(("x", path))
    return context.random.choice(
        (
            path,
            path.replace(".", "->"),
            f"{path}->{context.member_name()}",
            f"(*{path}).{context.member_name()}",
            f"(({name} *){pointer})->{context.member_name()}",
            f"container_of({pointer}, {name}, {context.member_name()})",
            f"{path}[i]",
            "(" * 40,
        )
    )


def _memory(context: Context, _subject: Any, _bound: dict[str, Any]) -> Callable[[int, int], bytes]:
    """Of a kernel that answers anything: NULL pointers, others, and too few bytes."""
    kind = context.random.randrange(4)
    return lambda _, size: (bytes(size), b"a" * size, context.random.randbytes(size), b"")[kind]


def _avoid(context: Context, subject: Any, bound: dict[str, Any]) -> list[Any]:
    some = (_type(context, subject, bound), context.name(), _path(context, subject, bound))
    return context.random.sample(some, context.random.randrange(2))


def _rows(context: Context, subject: Any, _bound: dict[str, Any]) -> Any:
    """What selects rows of a table or records."""
    names = subject.columns if isinstance(subject, btfmmap.tables.Table) else subject.fields
    count = len(subject) if getattr(subject, "shape", True) else 0
    mask = np.array([context.random.random() < 0.5 for _ in range(min(count, 1 << 12))], bool)
    choices = [*names[:9], slice(1, None, 2), slice(0), mask, "no such name"]
    if count:
        row = context.random.randrange(count)
        choices += [row, -1, row, [row, 0], np.array([0, row])]
    return context.random.choice(choices)


def _sample(context: Context, subject: Any, _bound: dict[str, Any]) -> bytes:
    """Bytes for a decoder: some records, most often one, or not a whole number."""
    count = min(context.random.choice((0, 1, 1, 1, 3)) * subject.size, _MOST_BYTES // 2)
    return context.random.randbytes(count + context.random.choice((0, 0, 0, 1)))


def _input(context: Context, _subject: Any, _bound: dict[str, Any]) -> Any:
    path = context.file("input", context.data)
    return context.random.choice((path, str(path), bytes(path)))


def _kernel_folder(context: Context, _subject: Any, _bound: dict[str, Any]) -> Path:
    kernel, module = context.base.raw.tobytes(), context.data
    if context.random.random() < 0.2:
        kernel, module = module, kernel
    context.file("kernel/module", module)
    return context.file("kernel/vmlinux", kernel).parent


def _kernels(context: Context, subject: Any, bound: dict[str, Any]) -> Any:
    """One, several, or names of some."""
    path, folder = _input(context, subject, bound), _kernel_folder(context, subject, bound)
    files = f"{context.folder}/in*"
    kernel = btfmmap.Kernel(context.btf, {}, {}, owns_base=False)
    some = [path, context.btf, folder, files, kernel, context.folder / "absent"]
    several = context.random.sample(some, context.random.randrange(4))
    return context.random.choice((*some, several, iter(several), {"first": path, "second": context.btf}, 7))


def _small_object(context: Context) -> bytes:
    """A BPF object that reads a field that few kernels have, and attaches to a function that none has."""
    order = context.random.choice("<>")
    types = BtfWriter(order)
    root = types.add_struct("flow", 4, [("absent", types.add_int("int", 4), 0)])
    written = BpfObject(types, section=context.random.choice(("fentry/absent", "?socket")))
    written.add_load(root, "0:0", 0)
    return written.build()


def _objects(context: Context, subject: Any, bound: dict[str, Any]) -> Any:
    """One or several of them, and files that are none."""
    written = _small_object(context)
    broken = mutant(written, context.random)
    path = context.file("program", b"prefix" + written)
    some = [written, broken, context.data, path, f"{path}*", _input(context, subject, bound), context.btf]
    return context.random.choice((*some, some, [], 7))


def _output(context: Context, _subject: Any, _bound: dict[str, Any]) -> Any:
    return context.random.choice((None, io.BytesIO(), io.StringIO(), context.folder / "output"))


def _small(context: Context) -> Any:
    """A number for a record of a builder, most often one that fits."""
    return context.index(context.random.choice((0, 1, 1, 2, 2, 4, 8, 32, 63, 2**24, 2**32 - 1, 2**32, -1)))


def _rows_of(*parts: Callable[[Context], Any]) -> Draw:
    """A few tuples of such parts."""
    return lambda context, _subject, _bound: [
        tuple(part(context) for part in parts) for _ in range(context.random.randrange(4))
    ]


def _columns(name: str) -> Draw:
    """A table of the BTF, or a dict of its columns without some of them."""

    def draw(context: Context, _subject: Any, _bound: dict[str, Any]) -> Any:
        with suppress(*TYPED_ERRORS):
            table = getattr(context.btf, name)
            if len(table) > 1 << 12:
                table = table[: 1 << 12]
            chance = context.random.random()
            if chance < 0.7:
                return table
            columns = dict(table)
            columns.pop(context.random.choice([*columns]))
            if chance < 0.8:
                columns["name"] = ["x"] * len(table)
            return columns
        return {}

    return draw


def _any(items: tuple[Any, ...]) -> Draw:
    return lambda context, _subject, _bound: context.random.choice(items)


def _some(items: tuple[Any, ...]) -> Draw:
    """A few of them, or None."""
    return lambda context, _subject, _bound: context.random.choice(
        (None, context.random.sample(items, context.random.randrange(1, len(items) + 1)))
    )


def _of(draw: Callable[[Context], Any]) -> Draw:
    return lambda context, _subject, _bound: draw(context)


# By the parameter's name and annotation; or before that by the class, function and parameter.
def _source(context: Context, subject: Any, _bound: dict[str, Any]) -> Any:
    """What a table is from, or another of the kind."""
    if "module" in subject.columns:
        return btfmmap.open_kernel(base=context.btf, modules=False)
    return context.btf


GENERATORS: dict[str, Draw] = {
    "type_: SupportsIndex | str | Type": _type,
    "types: SupportsIndex | str | Type": _type,
    "type_id: SupportsIndex": _of(lambda context: context.index(context.type_id())),
    "value: int": _any((*range(20), 127, 128, 255, -1)),
    "type_ids: Iterable[int] | npt.NDArray[Any]": _of(lambda context: context.integers(context.type_id)),
    "requested_schema: object": _any((None, 7)),
    "source: Btf | Kernel": _source,
    "names: Btf | Kernel | None": _source,
    "Graph.with_names.source": _of(lambda context: context.btf),
    "names: Btf | None": _of(lambda context: context.btf),
    "type_ids: Iterable[int] | npt.NDArray[Any] | None": _of(
        lambda context: context.integers(context.type_id)
    ),
    "ids: Iterable[int] | npt.NDArray[Any]": _of(lambda context: context.integers(context.type_id)),
    "offset: int": _any(_NUMBERS),
    "offset: SupportsIndex": _of(lambda context: context.index(context.random.choice(_NUMBERS))),
    "offsets: Iterable[int] | npt.NDArray[Any]": _of(
        lambda context: context.integers(lambda: context.random.choice(_NUMBERS[:11]))
    ),
    "name: str": _of(Context.name),
    "Btf.find_members.name": _of(Context.member_name),
    "Btf.find_enumerators.name": _any(("LOW", "TOP", "WIDE_TOP", "")),
    "names: Iterable[str]": _of(lambda context: [context.name() for _ in range(context.random.randrange(5))]),
    "kind: int | None": _kind,
    "pattern: str": _any(_PATTERNS + _EXPRESSIONS),
    "path: str": _path,
    "roles: Collection[int] | None": _some(tuple(btfmmap.Role)),
    "through: Collection[str] | None": _some(_WORDS),
    "top: int": _any((0, 1, 20, 10**6, -1)),
    "line: int": _any((0, 1, 32, 64, 128)),
    "limit: int": _any((0, 1, 10_000, -1)),
    "limit: int | None": _any((0, 1, 20, None, -1)),
    "max_pointers: int": _any((0, 1, 3, 64, 65, -1)),
    "start: SupportsIndex | str | Type": _type,
    "target: SupportsIndex | str | Type": _type,
    "from_functions: str | Iterable[str]": _any(("*", "p*", ["*", "x"], [])),
    "avoid: Iterable[str | Type]": _avoid,
    "expression: str": _expression,
    "expressions: str | Iterable[str]": lambda context, subject, bound: context.random.choice(
        (_expression(context, subject, bound), [_expression(context, subject, bound) for _ in range(3)])
    ),
    "variables: Mapping[str, str] | None": _any((None, {}, {"x": "struct pair *"}, {"x": "int"})),
    "name: str | None": _any((None, "p", "")),
    "memory: Callable[[int, int], Buffer]": _memory,
    "address: int": _any(_NUMBERS),
    "Plan.read.indices": lambda context, subject, _bound: [
        context.random.randrange(5) for _ in range(subject.open_indices)
    ],
    "expression: int": _any((0, 0, 1, -1)),
    "buffer: Buffer | npt.NDArray[Any]": lambda context, _subject, bound: context.bytes_of(
        bound["type_"], context.random.randrange(4)
    ),
    "Decoder.records.buffer": _sample,
    "Decoder.to_dict.buffer": _sample,
    "Decoder.to_dicts.buffer": _sample,
    "buffer: Buffer": lambda context, _subject, bound: context.bytes_of(
        bound["type_"], context.random.randrange(4)
    ),
    "end: str": _any(("\n", "", "\0")),
    "data: Buffer": lambda context, _subject, bound: context.bytes_of(bound["type_"], 1),
    "size: int | None": lambda context, _subject, bound: context.random.choice(
        (None, len(bound["buffer"]), 1, 64)
    ),
    "Btf.decoder.size": _any((None, None, 1, 64, 4096)),
    "indent: str": _any(("", " ", "\t")),
    "indent_level: int": _any((0, 1, 3)),
    "file: str | os.PathLike[str] | IO[Any] | None": _output,
    "roots: Iterable[SupportsIndex | str | Type] | None": _roots,
    "key: SupportsIndex | str": _key,
    "Btf.__contains__.key": lambda context, subject, bound: context.random.choice(
        (_key(context, subject, bound), _type(context, subject, bound), None)
    ),
    "Kernel.__contains__.key": _key,
    "NamedItems.__getitem__.key": _item,
    "NamedItems.__contains__.key": lambda context, subject, bound: context.random.choice(
        (_item(context, subject, bound), *subject[:1])
    ),
    "Kernel.module_of.type_": lambda context, subject, _bound: next(
        iter(context.random.choice((subject.base, context.base)))
    ),
    "Kernel.strings.module": _of(lambda _: np.zeros(2, np.uint32)),
    "Kernel.strings.offsets": _of(lambda context: np.array([0, context.random.randrange(9)])),
    "Table.__getitem__.key": _rows,
    "Table.__getattr__.name": lambda context, subject, _: context.random.choice((*subject.columns, "absent")),
    "Table.__setattr__.name": _any(("id", "new")),
    "Table.__setattr__.value": _any((0,)),
    "Table.__delattr__.name": _any(("id", "new")),
    "Records.__getitem__.key": _rows,
    "Records.__getattr__.name": lambda context, subject, _: context.random.choice(
        (*subject.fields, "absent")
    ),
    "Records.__contains__.name": lambda context, subject, _: context.random.choice(
        (*subject.fields, "absent")
    ),
    "Records.enum_names.name": lambda context, subject, _: context.random.choice((*subject.fields, "absent")),
    "other: object": _of(lambda context: context.random.choice((next(iter(context.base)), 0))),
    "base: Btf | None": _of(lambda context: context.random.choice((None, context.base, context.btf))),
    "base: Btf": _of(lambda context: context.random.choice((context.base, context.btf))),
    "id: int | None": _any((-1, 2**32)),
    "path: Path | IO[bytes] | None": _input,
    "folder: Path": _kernel_folder,
    "kernels: Kernels": _kernels,
    "kernels: Kernels | None": _kernels,
    "objects: Objects": _objects,
    "diff.kernels": lambda context, subject, bound: context.random.choice(
        ([context.btf, context.base], [context.btf, context.btf], _kernels(context, subject, bound))
    ),
    "diff.others": _of(lambda context: context.random.choice((context.btf, context.base))),
    "kind: EntityKind": _any((*btfmmap.EntityKind, 77)),
    "limit: SupportsIndex | None": _any((0, 1, 20, None, -1)),
    "width: SupportsIndex": _any((0, 1, 80, 10**6, -1)),
    "to: Callable[[str], object]": _any((len,)),
    "names: Names": _any((None, None, "*", "struct *", ["flow", "union *"], [], "absent")),
    "kinds: Kinds": _any((None, None, "struct", ["functions", btfmmap.EntityKind.ENUM], 4, 77, "absent")),
    "kind: Kinds": _any((None, None, "structs", [btfmmap.EntityKind.ENUM, "typedef"], 77, "absent")),
    "DiffResult.offsets.pattern": _any(("*.*", "flow.*", "struct *.[a-m]*", "*.a.*", "flow")),
    "DiffResult.history.path": _of(
        lambda context: context.random.choice((".".join(context.member()), context.name()))
    ),
    "a: SupportsIndex": _of(lambda context: context.index(context.random.choice((0, 0, 0, 1, 2, -1)))),
    "b: SupportsIndex": _of(lambda context: context.index(context.random.choice((1, 1, 1, 0, 2, -1)))),
    "depth: Depth": _any(("layout", "declaration", "deep", "other")),
    "entity: SupportsIndex": _of(
        lambda context: context.index(context.random.choice((*range(9), -1, 2**40)))
    ),
    "kernel: SupportsIndex": _of(lambda context: context.index(context.random.choice((0, 0, 1, -1, 9)))),
    "cause: SupportsIndex": _of(lambda context: context.index(context.random.choice((*range(9), -1, 2**40)))),
    "cause: int": _any((*range(9), -1, 2**40)),
    "semantics: Semantics": _any(("libbpf", "independent", "other")),
    "programs: Patterns": _any((None, "*", ["prog*"], [], "absent")),
    "skip_programs: Patterns": _any((None, "*", ["absent"])),
    "executor: Executor | None": _any((None,)),
    "progress: Progress | None": _any((None, lambda *_: None)),
    "kernel: int": _any((0, 0, 1, -1)),
    "relocation: int": _any((0, 0, 1, -1)),
    "requirement: int": _any((0, 0, 1, -1)),
    "data: Buffer | None": _of(
        lambda context: context.random.choice(
            (context.data, bytearray(context.data), memoryview(context.data))
        )
    ),
    "btf: Btf": _of(lambda context: context.random.choice((context.base, context.btf))),
    "btfs: Kernel | Iterable[Btf]": _of(
        lambda context: context.random.choice(
            (
                [context.btf],
                [context.base, context.btf],
                [],
                btfmmap.Kernel(context.btf, {}, {}, owns_base=False),
            )
        )
    ),
    "type_ids: Ids": _of(lambda context: context.integers(context.type_id)),
    "order: Ids": _of(
        lambda context: (
            range(context.btf.first_id or 1, context.btf.first_id + len(context.btf))
            if context.random.random() < 0.8
            else context.integers(context.type_id)
        )
    ),
    "closure: Closure": _any(("deep", "pointers", "none", "other")),
    "byte_order: ResultOrder": _any(("kernel", "host", "little", "big", "other")),
    "members: Members": _rows_of(Context.name, Context.type_id, _small, _small),
    "params: Params": _rows_of(Context.name, Context.type_id),
    "values: Values": _rows_of(Context.name, _small),
    "entries: Entries": _rows_of(Context.type_id, _small, _small),
    "value: str": _of(Context.name),
    **{
        f"{name}: Integer": _of(Context.type_id) for name in ("type_id", "index_type", "return_type", "proto")
    },
    **{
        f"{name}: Integer": _of(_small)
        for name in ("size", "encoding", "bit_offset", "nelems", "linkage", "component_idx")
    },
    "bits: Integer | None": _of(_small),
    "types: Columns": _columns("types"),
    **{
        f"{name}: Columns | None": _columns(name)
        for name in (
            *("members", "params", "enumerators", "arrays", "ints", "funcs", "vars", "secinfos"),
            "decl_tags",
        )
    },
    "strings: Buffer | npt.NDArray[Any] | None": _of(
        lambda context: context.random.choice((None, context.btf.string_section, b"\0some\0", b""))
    ),
    "path: str | os.PathLike[str]": _of(lambda context: context.folder / "written"),
    "folder: str | os.PathLike[str]": _of(lambda context: context.folder / "written below"),
    "order: Order": _any(("arguments", "version", "other")),
    "method: Method": _any(("auto", "mmap", "read", "other")),
    "unit: int": _any((0, 0, 1, 2, -1, 2**32, 2**64)),
}
"""How to draw an argument, given the context, whose method is called, and the arguments drawn before it."""

ONE_OF = ("path", "data", "id")
"""Of these `open` and `lint` take one, and without it the running kernel."""


@cache
def choices(annotation: str) -> tuple[Any, ...]:
    """All values of a bool or a Literal, or None. Cached: in threads, `ast.parse` of Python 3.11 may raise
    SystemError."""
    if annotation == "bool":
        return (False, True)
    other, _, none = annotation.rpartition(" | ")
    if none == "None" and (values := choices(other)):
        return (*values, None)
    tree = ast.parse(annotation, mode="eval").body
    if isinstance(tree, ast.Subscript) and ast.unparse(tree.value) == "Literal":
        values = ast.literal_eval(tree.slice)
        return values if isinstance(values, tuple) else (values,)
    return ()


def generator(attribute: Attribute, parameter: Parameter, class_: type | None) -> Draw:
    owners = [each.__name__ for each in own_classes(class_)] if class_ else [""]
    keys = [f"{owner}.{attribute.name}.{parameter.name}".lstrip(".") for owner in owners]
    for key in (*keys, f"{parameter.name}: {parameter.annotation}"):
        if key in GENERATORS:
            return GENERATORS[key]
    if values := choices(parameter.annotation):
        return _any(values)
    raise NoGenerator(f"no argument generator for {keys[0]}: {parameter.annotation}")


def draw(
    attribute: Attribute, parameters: list[Parameter], subject: Any, context: Context
) -> tuple[list[Any], dict[str, Any]]:
    """Positional and keyword arguments. One with a default is often left out, but not a bool or Literal."""
    positional: list[Any] = []
    bound: dict[str, Any] = {}
    several = [each.name for each in parameters if each.name in ONE_OF and each.default is None]
    chosen = context.random.choice(several) if several else ""
    for parameter in parameters:
        make = generator(attribute, parameter, type(subject) if attribute.owner else None)
        optional = parameter.default is not Parameter.empty and not choices(parameter.annotation)
        if several and parameter.name in ONE_OF:
            if parameter.name != chosen:
                continue
        elif optional and parameter.name != "folder" and context.random.random() < 0.5:
            continue
        if parameter.kind == Parameter.VAR_POSITIONAL:
            positional += bound.values()  # what precedes it
            bound.clear()
            positional += [make(context, subject, bound) for _ in range(context.random.randrange(3))]
            continue
        bound[parameter.name] = make(context, subject, bound)
        if parameter.kind == Parameter.POSITIONAL_ONLY:
            positional.append(bound.pop(parameter.name))
    return positional, bound
