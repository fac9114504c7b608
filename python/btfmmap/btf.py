"""`Btf`: one BTF, and what can be asked of it."""

from __future__ import annotations

import os

from .errors import FormatError, NotFoundError, NotSupportedError
from .iteration import release
from .table_properties import HasTables, table_class

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from types import TracebackType
    from typing import IO, Any, Literal, SupportsIndex

    import numpy as np
    import numpy.typing as npt

    from ._core import Btf as CoreBtf
    from ._core import Buffer, File
    from ._core import Graph as CoreGraph
    from ._core import Sizes as CoreSizes
    from .ext import Ext
    from .fields import Field
    from .graph import Graph
    from .layouts import Layouts
    from .records import Records
    from .source import Source
    from .struct_layout import StructLayout
    from .types import Enumerator, Member, Type
    from .users import User

    # How to open it again: `open`, path, method, unit, base, and the base that it was relocated onto.
    Origin = tuple[Callable[..., "Btf"], str, str, int, "Btf | None", "Btf | None"]


class Btf(HasTables):
    """The types of one kernel, module or program; made by `btfmmap.open`.

    Immutable, and usable from several threads. Type ids are the kernel's: 0 is void, then 1 to
    `len(btf) - 1`. A split BTF (a module's) continues its `base`: its own ids start at `first_id`. Questions
    by name or id span both; `len`, iteration, the tables, the sections and `names()` are its own records.

    A context manager: `close` (or the end of `with`) ends its use, while arrays already handed out stay
    valid; the mapping goes when the last of them does. Keep a base open as long as what stands on it.
    """

    __slots__ = (
        "__weakref__",
        "_base",
        "_core_or_none",
        "_ext",
        "_origin",
        "_path",
        "_tables",
        "_unit",
        "_views",
    )

    def __init__(
        self,
        core: CoreBtf,
        path: str | None,
        *,
        base: Btf | None = None,
        ext: File | None = None,
        origin: Origin | None = None,
        unit: tuple[int, int] = (0, 1),
    ) -> None:
        self._core_or_none: CoreBtf | None = core
        self._path = path
        self._ext = ext
        self._origin = origin
        self._unit = unit  # which, and of how many
        self._base = base
        self._views: dict[str, dict[str, memoryview[Any]]] = {}
        self._tables: dict[object, Any] = {}

    # -- for the other modules of this package, which use no other names with an underscore
    #    (tests/test_architecture.py lists these)

    # What is built on demand is kept by dict.setdefault: of threads that build the same at once, all get what
    # the first of them kept. A dict is looked up before `_core`, so that what is built while another thread
    # closes the Btf goes with the dict that `close` drops.

    @property
    def _core(self) -> CoreBtf:
        """The core's object. Raises `ValueError` once this one is closed."""
        if self._core_or_none is None:
            raise ValueError("this Btf is closed")
        return self._core_or_none

    @property
    def _core_layout(self) -> CoreSizes:
        """The core's sizes, alignments and struct layouts."""
        layout: CoreSizes | None = self._tables.get("core layout")
        return self._built_layout() if layout is None else layout

    def _built_layout(self) -> CoreSizes:
        """After those of its bases, the lowest first."""
        from . import _core

        layout: CoreSizes | None = None
        level: Btf | None = self
        missing: list[Btf] = []
        while level is not None:
            layout = level._tables.get("core layout")
            if layout is not None:
                break
            missing.append(level)
            level = level._base
        for level in reversed(missing):
            tables, core = level._tables, level._core
            layout = tables.setdefault("core layout", _core.Sizes(core, layout))
        assert layout is not None
        return layout

    @property
    def _core_graph(self) -> CoreGraph:
        """The core's reference graph."""
        from . import _core

        tables, core = self._tables, self._core
        graph: CoreGraph | None = tables.get(_core.Graph)
        return tables.setdefault(_core.Graph, _core.Graph(core)) if graph is None else graph

    def _columns(self, table: str) -> dict[str, memoryview[Any]]:
        """A table's columns without numpy; `indptr` is among them where there is one."""
        kept, core = self._views, self._core
        views = kept.get(table)
        if views is None:
            views = {name: memoryview(view) for name, view in core.column_views(table).items()}
            views = kept.setdefault(table, views)
        return views

    def _layout_columns(self) -> dict[str, memoryview[Any]]:
        """The columns of `layouts` without numpy."""
        kept, layout = self._views, self._core_layout
        views = kept.get("layouts")
        if views is None:
            views = kept.setdefault(
                "layouts", {name: memoryview(view) for name, view in layout.column_views().items()}
            )
        return views

    def _size(self, type_id: int) -> int:
        """What `sizeof` gives for one."""
        size: int = memoryview(self._core_layout.sizeof([type_id]))[0]
        return size

    def _type(self, type_id: int) -> Type:
        """A `Type` of whichever BTF, this or one of its bases, has the id: one from a column, so valid unless
        the bytes changed after `open`."""
        from .types import Type

        core = self._core
        if type_id >= core.first_id + core.rows:
            raise NotFoundError(f"no type [{type_id}]: the bytes of this BTF changed after it was opened")
        return Type(self if type_id >= core.first_id else self._base_with(type_id), type_id)

    def _base_with(self, type_id: int) -> Btf:
        """The base whose own types include one below `first_id`."""
        from bisect import bisect_right

        base = self._base
        assert base is not None
        if type_id >= base.first_id:
            return base
        tables = self._tables
        bases: list[Btf] | None = tables.get("bases")
        if bases is None:
            bases = tables.setdefault("bases", base._levels())
        return bases[bisect_right(bases, type_id, key=lambda level: level.first_id) - 1]

    def _levels(self) -> list[Btf]:
        """Its bases, the lowest first, and itself: in the order of their type ids."""
        levels = [self]
        while levels[-1]._base is not None:
            levels.append(levels[-1]._base)
        return levels[::-1]

    # -- its life

    def close(self) -> None:
        """End the use of this object: every further question raises `ValueError`. May be called twice."""
        self._core_or_none = None
        self._views = {}
        self._tables = {}

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._core_or_none is None

    def __del__(self, release: Callable[[list[object]], None] = release) -> None:
        # Each of a chain of bases would end the next from within its own end, on one stack.
        if (base := getattr(self, "_base", None)) is not None:
            references: list[object] = [base, self._origin]
            self._base = self._origin = base = None
            release(references)

    def __enter__(self) -> Btf:
        _ = self._core
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        number, units = self._unit
        name = (self._path or "buffer") + (f" unit {number}" if units > 1 else "")
        if self._core_or_none is None:
            return f"<Btf {name} closed>"
        return f"<Btf {name} {self._core.how} {self._core.rows} types>"

    def __reduce__(self) -> tuple[Any, ...]:
        from .pickling import MAX_LEVELS, digest, reopen

        core = self._core
        if self._origin is None:
            raise NotSupportedError(
                f"{self._path or 'bytes in memory'}: cannot be pickled, for there is no file to open again"
            )
        if not os.path.isfile(self._origin[1]):
            raise NotSupportedError(f"{self._path}: no regular file, so it cannot be pickled")
        if len(self._levels()) > MAX_LEVELS:
            raise NotSupportedError(
                f"{self._path}: more than {MAX_LEVELS} levels of split BTF, too many to pickle"
            )
        return reopen, (*self._origin, digest(core))

    # -- what it stands on, and what comes with it

    @property
    def base(self) -> Btf | None:
        """What a split BTF continues; None for one that stands alone."""
        _ = self._core
        return self._base

    @property
    def distilled(self) -> bool:
        """Whether this is a distilled base (`.BTF.base`): the names, kinds and sizes of what a module needs
        of its kernel, structs and unions without members. Told by the types, not by where they are from."""
        return self._core.distilled

    @property
    def first_id(self) -> int:
        """The type id of row 0 of `types`: 0, or for a split BTF one past its base's last."""
        return self._core.first_id

    def relocate(self, base: Btf) -> Btf:
        """A split BTF that stands on a distilled base (`.BTF.base`), on a full one: a copy whose ids are the
        ones that libbpf's `btf__relocate` gives.

        Raises:
            FormatError: a type of the distilled base has no counterpart in `base`, or more than one; the
                message says what `base` has of that name, with sizes.
            NotSupportedError: this one does not stand on a distilled base.
        """
        core = self._core.relocate(base._core, self._path or "buffer", base._path or "the base")
        origin = None if self._origin is None else (*self._origin[:-1], base)
        return Btf(core, self._path, base=base, ext=self._ext, origin=origin, unit=self._unit)

    @property
    def ext(self) -> Ext | None:
        """The `.BTF.ext` section of a BPF object: what its instructions have to do with these types. None
        where there is none, or where several BTFs follow one another without as many `.BTF.ext`. Checked when
        first asked for: `FormatError`."""
        from .ext import Ext

        tables, core = self._tables, self._core
        if self._ext is None:
            return None
        ext: Ext | None = tables.get(Ext)
        return tables.setdefault(Ext, Ext(self, self._ext, core)) if ext is None else ext

    # -- its bytes

    @property
    def source(self) -> Source:
        """Where it came from and how it was opened."""
        from .source import Source

        core = self._core
        return Source(self._path, core.how, core.size, core.byte_order, core.pointer_size, *self._unit)

    @property
    def header(self) -> dict[str, int]:
        """The fields of `struct btf_header` except magic, by the kernel's names (the layout section's
        are 0 in a header of 24 bytes). Offsets count from the header's end."""
        return self._core.header

    @property
    def raw(self) -> npt.NDArray[np.uint8]:
        """The whole BTF blob, `uint8[size]`: a read-only view, no copy."""
        return _array(self._core.raw)  # type: ignore[no-any-return]

    @property
    def type_section(self) -> npt.NDArray[np.uint32]:
        """The type section, `uint32[type_len / 4]` in the file's byte order: a read-only view, no copy."""
        return _array(self._core.type_section)  # type: ignore[no-any-return]

    @property
    def string_section(self) -> npt.NDArray[np.uint8]:
        """The string section, `uint8[str_len]`: a read-only view, no copy."""
        return _array(self._core.string_section)  # type: ignore[no-any-return]

    # -- its tables: built on first use, kept

    def _table(self, name: str) -> Any:
        tables, core = self._tables, self._core
        built = tables.get(name)
        if built is None:
            built = tables.setdefault(name, table_class(name)(core.column_arrays(name)))
        return built

    # -- its names

    def name(self, type_id: SupportsIndex) -> str:
        """The name of a type, "" if it has none; type id 0 is "void". Bytes that are no UTF-8 come with
        surrogateescape. Raises `NotFoundError` where there is no such id."""
        return self._core.name(type_id)

    def names(self, type_ids: Iterable[int] | npt.NDArray[Any] | None = None) -> list[str]:
        """The names of many types at once, or of all in the rows of `types`. Those at the same `name_off` are
        the same `str`. Raises `NotFoundError`, and `NotSupportedError` for more than 1 GiB of text."""
        return self._core.all_names() if type_ids is None else self._core.names(type_ids)

    def kind_names(self, type_ids: Iterable[int] | npt.NDArray[Any]) -> list[str]:
        """The names of the kinds of many types, as `Kind` has them: "STRUCT". Raises `NotFoundError`."""
        return self._core.kind_names(type_ids)

    def string(self, offset: SupportsIndex) -> str:
        """The string at an offset of the string section: what a `name_off` stands for. A split BTF's
        offsets continue after its base's. Raises `NotFoundError` past the end."""
        return self._core.string(offset)

    def strings(self, offsets: Iterable[int] | npt.NDArray[Any]) -> list[str]:
        """The same for many, say `btf.strings(btf.members.name_off)`. Equal offsets give the same `str`.
        Raises `NotSupportedError` for more than 1 GiB of text."""
        return self._core.strings(offsets)

    def find(self, name: str, kind: int | None = None) -> int | None:
        """The lowest type id of that name, and of that `Kind` if one is given; None where there is none.

        A name may begin with a keyword: "struct task_struct" finds only a STRUCT, "union x" a UNION,
        "enum x" an ENUM or ENUM64, "func x" a FUNC, "typedef x" a TYPEDEF, "var x" a VAR. "void" is type id
        0, as in libbpf. A base's types come before those of what continues it.

        Several types may have one name: `find_all` gives all of them, `candidates` those that a question may
        mean.

        Raises:
            ValueError: the keyword and `kind` disagree, or there is no such kind.
        """
        return self._core.find(name, kind)

    def find_all(self, name: str, kind: int | None = None) -> list[int]:
        """Every type id that `find` would accept, ascending."""
        return self._core.find_all(name, kind)

    def candidates(
        self,
        name: str,
        question: Literal[
            "layout", "records", "find_member", "at", "at_each", "dtype", "ctypes", "format", "users"
        ]
        | None = None,
    ) -> list[int]:
        """The ids of the types that a name may stand for in a question. The first one is what the question
        takes when it is asked by name; the rest are what else could be meant.

        Each method has suitable kinds: a struct or union for `layout`, `records` and `find_member`; those and
        arrays for `at` and `at_each`; anything that has values for `dtype`, `ctypes` and `users`, and for
        `format` variables as well; typedefs of all these. Types of other kinds, FUNC and FWD among them, are
        no candidates then. Structs and unions come first, next typedefs of them, other typedefs, other types
        with values, and variables, each group in the order of ids.

        For methods without suitable kinds (`dump`, `to_c`, `c_declaration`), and where no type of the name is
        of one, the order is that of ids; forward declarations and tags (FWD, DECL_TAG, TYPE_TAG) are
        candidates only where nothing else has the name.

        A typedef of a candidate that comes before it is left out: `typedef struct x x` after `struct x`. So
        is what resolves to the same type as that, except for `users` and without a question.

        Args:
            name: as `find` takes it, "struct x" too.
            question: the method that is asked; None for one without suitable kinds.

        Returns:
            Type ids; empty where there is no type of that name.

        Raises:
            ValueError: `question` is none of these methods.
        """
        from .candidates import candidates

        return candidates(self, name, question)

    def lookup(self, names: Iterable[str], kind: int | None = None) -> npt.NDArray[np.int64]:
        """`find` for many names: `int64[len(names)]`, -1 where there is no such type. Raises `TypeError` for
        a single one."""
        return _array(self._core.lookup(many(names), kind))  # type: ignore[no-any-return]

    def match(self, pattern: str, kind: int | None = None, *, regex: bool = False) -> list[int]:
        """The ids of all types whose name matches, ascending. A pattern is a glob ("tcp_*"), or with `regex`
        a regular expression that is found anywhere in the name; keywords ("struct tcp_*") and `kind` are as
        in `find`. Types without a name match nothing. Raises `ValueError` as `find`, and for what is no
        regular expression; `NotSupportedError` for names of more than 1 GiB."""
        from .matching import match

        return match(self, pattern, kind, regex=regex)

    def find_members(self, name: str) -> list[tuple[Type, Member]]:
        """Which structs and unions have a member of that name, in id order, with the member."""
        return [
            (parent, children[position])
            for parent, positions in self._children_named("members", name)
            for children in [parent.members]
            for position in positions
        ]

    def find_enumerators(self, name: str) -> list[tuple[Type, Enumerator]]:
        """Which enums have a value of that name, in id order, with the value."""
        return [
            (parent, children[position])
            for parent, positions in self._children_named("enumerators", name)
            for children in [parent.enumerators]
            for position in positions
        ]

    def _children_named(self, table: str, name: str) -> Iterator[tuple[Type, list[int]]]:
        """Each type that has such children, with their positions."""
        for level in self._levels():
            columns, first_id = level._columns(table), level.first_id
            positions: dict[int, list[int]] = {}
            for row in memoryview(level._core.rows_named(table, name)):
                parent = columns["parent"][row]
                positions.setdefault(parent, []).append(row - columns["indptr"][parent - first_id])
            for parent, found in positions.items():
                yield level._type(parent), found

    def find_member(self, path: str) -> Field | None:
        """A member at a dotted path from a type's name, "task_struct.se.vruntime": its type, and where it is
        from the first type's start. Anonymous structs are left out; an array's element has its index,
        "sk_buff.cb[8]". Of several types of the name structs and unions come first (see `candidates`). None
        where there is no such member; `NotFoundError` where there is no such type, `ValueError` for a type of
        another kind, and for an index that is no number, or of what is no array."""
        from .fields import composite, find_field

        name, _, rest = path.partition(".")
        return find_field(composite(self._meant(name, "find_member")), rest)

    # -- how types refer to one another

    @property
    def graph(self) -> Graph:
        """Which type refers to which, as what; with those of its bases."""
        from .graph import Graph

        # Not kept: it refers to this object, which would then wait for the garbage collector.
        return Graph(self, self._core_graph)

    def users(
        self,
        type_: SupportsIndex | str | Type,
        *,
        roles: Collection[int] | None = None,
        through: Collection[str] | None = None,
    ) -> list[User]:
        """Who uses a type: which structs embed it or point to it, which functions take or return it, and
        where. Sorted by the user's id.

        Args:
            type_: a name (of several types, see `candidates`), an id or a `Type`.
            roles: as what, `Role` numbers; None for any.
            through: what may stand between the type and its user: some of "typedef", "const", "volatile",
                "restrict", "type_tag", "pointer", "array" and "anonymous" (structs); None for any, which is
                `THROUGH` of the module `btfmmap.users`. `EMBEDDED`, there too, leaves out pointers.

        Raises `NotFoundError`; `ValueError` for what is no role or none of those words, and for more than
        2^20 users; `TypeError` for a single one that is in no collection.
        """
        from .users import THROUGH, users

        return users(self, self._id_of(type_, "users"), roles, THROUGH if through is None else through)

    def resolve(self, type_ids: Iterable[int] | npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """What types are without TYPEDEF, CONST, VOLATILE, RESTRICT and TYPE_TAG: `int64[n]` of ids, -1 where
        they go round in circles, and for an id that is not there."""
        return _array(self._core_layout.resolve(type_ids))  # type: ignore[no-any-return]

    # -- how types lie in memory

    def sizeof(self, type_ids: Iterable[int] | npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """The sizes of types in bytes, `int64[n]`, as libbpf's `btf__resolve_size` has them: arrays multiply,
        pointers have the BTF's pointer size. -1 for what has none (void, functions, variables, tags of
        declarations, forward declarations, circles), for more than 2^32 - 1 bytes, and for an id that is
        not there."""
        return _array(self._core_layout.sizeof(type_ids))  # type: ignore[no-any-return]

    def alignof(self, type_ids: Iterable[int] | npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """The alignments of types in bytes, `int64[n]`, as libbpf's `btf__align_of` has them: 1 for packed
        structs. -1 for what has none."""
        return _array(self._core_layout.alignof(type_ids))  # type: ignore[no-any-return]

    @property
    def layouts(self) -> Layouts:
        """How every struct and union uses its bytes: holes, padding, cache lines; see `layouts.Layouts`."""
        from .layouts import Layouts

        tables, columns = self._tables, self._layout_columns()
        layouts: Layouts | None = tables.get(Layouts)
        if layouts is None:
            built = Layouts({name: _array(view) for name, view in columns.items()})
            layouts = tables.setdefault(Layouts, built)
        return layouts

    def wasteful(self, top: int = 20) -> list[dict[str, int | str]]:
        """The `top` structs and unions that waste most bytes in holes and padding, worst first: rows of
        `layouts` as dicts, with `name` and `waste` (bytes); none of a distilled base, whose members are not
        recorded. Raises `ValueError` for a negative number."""
        from .waste import wasteful

        return wasteful(self, top)

    def layout(self, type_: SupportsIndex | str | Type) -> StructLayout:
        """One struct or union member by member: offsets, sizes, holes. `print` shows it as pahole does.
        By name, structs and unions come first (see `candidates`). Raises `NotFoundError`, and `ValueError`
        for any other kind."""
        from .fields import composite
        from .struct_layout import StructLayout

        return StructLayout(composite(self._meant(type_, "layout")))

    def at(self, type_: SupportsIndex | str | Type, offset: int) -> list[str]:
        """The paths of the members at a byte of a type, say "headers.transport_header": several where unions
        or bitfields share it, none in a hole. The type is a struct, union or array, or a typedef of one; by
        name, structs and unions come first (see `candidates`). Raises `NotFoundError`, and `ValueError` for
        any other kind."""
        from .fields import at

        return at(self._meant(type_, "at"), offset)

    def at_each(
        self, type_: SupportsIndex | str | Type, offsets: Iterable[int] | npt.NDArray[Any]
    ) -> list[list[str]]:
        """`at` for many offsets."""
        from .fields import at_each

        return at_each(self._meant(type_, "at_each"), offsets)

    def dtype(
        self, type_: SupportsIndex | str | Type, *, bitfields: Literal["error", "omit"] = "error"
    ) -> np.dtype[Any]:
        """A type as a numpy dtype of the same size and offsets, in the file's byte order, for
        `np.frombuffer`: structs nest, arrays have shapes, members of anonymous structs and unions are lifted,
        pointers are unsigned integers, enums integers, `char[n]` is `S{n}` (numpy drops NULs at its end),
        and what numpy has no number for (`__int128`) is `V16`.

        Args:
            type_: a name (of several types, see `candidates`), an id or a `Type`.
            bitfields: "omit" leaves them out; `records` reads them.

        Raises:
            NotSupportedError: a member cannot be expressed exactly; says which and why. And for more than
                262,144 members, with those of members but not of arrays' elements: numpy goes through all.
        """
        from .dtype import dtype_of

        return dtype_of(self._meant(type_, "dtype"), bitfields)

    def records(
        self, type_: SupportsIndex | str | Type, buffer: Buffer | npt.NDArray[Any], *, size: int | None = None
    ) -> Records:
        """Bytes as records of a struct or union, each field an array, bitfields too.

        Args:
            type_: a name (structs and unions come first, see `candidates`), an id or a `Type`, through
                typedefs.
            buffer: bytes-like, a whole number of records; read in place.
            size: how many bytes a record has, where that is more than the type has: padding comes after it,
                or what is in the flexible array at its end, which has all elements that are whole
                (`size=len(sample)` for one record of its own length, as in a BPF ring buffer).

        Raises:
            FormatError: no whole number of records.
            NotSupportedError: as `dtype`; and a type that ends in a flexible array, without `size`.
            ValueError: `size` is less than the type has; a type of another kind.
        """
        from .fields import composite
        from .records import records_of

        return records_of(composite(self._meant(type_, "records")), buffer, size)

    def ctypes(self, type_: SupportsIndex | str | Type) -> Any:
        """A struct or union as a class of `ctypes`, its members at the same offsets, bitfields too; a
        struct's `_fields_` are in the order of those. Raises `NotSupportedError` where ctypes cannot."""
        from .ctypes_types import ctype_of

        return ctype_of(self._meant(type_, "ctypes"))

    # -- as text

    def dump(
        self,
        format: Literal["raw", "json", "c"] = "raw",  # noqa: A002 (bpftool's word)
        *,
        file: str | os.PathLike[str] | IO[Any] | None = None,
        roots: Iterable[SupportsIndex | str | Type] | None = None,
        pretty: bool = False,
        sort: bool = True,
    ) -> str | None:
        """Types as text, identical to that of bpftool 7.8 (`bpftool btf dump file`, `-j`, `format c`). Of a
        split BTF its own types, as C those of its bases too. A stream, in pieces: memory stays bounded.

        Args:
            format: "raw", a line a record; "json", one object; "c", a header that compiles.
            file: where to write: a path (written beside and renamed, so whole or not at all) or an open
                file, binary or text; None returns the text.
            roots: only these types, or this one by name; as C with what they need.
            pretty: JSON on many lines, as `bpftool -p`.
            sort: C by kind and name, as bpftool does since 7.5; else in the order of ids (`unsorted`).

        Raises:
            NotFoundError: a root that is not there.
            FormatError, NotSupportedError: as C, types that hold themselves, that nest too deeply, or of a
                kind that only the layout section knows.
            OSError: the file cannot be written.
            ValueError: no roots, or another format.
        """
        from .dumping import dump

        if roots is not None:
            roots = [roots] if isinstance(roots, str) else list(roots)
            if not roots:
                raise ValueError("roots is empty; None stands for all types")
        ids = [self._id_of(root) for root in roots or ()]
        return dump(self, format, file, ids, pretty=pretty, sort=sort)

    def to_c(self, *types: SupportsIndex | str | Type) -> str:
        """A C header with these types and what they need; with all types where none is given. It is
        `dump("c")`, but where a compiler would make something else of that than the BTF has: members are in
        the order of their offsets, and enums have their size and sign. Raises what `dump` does, and
        `NotSupportedError` for a struct or enum that C cannot say: members that overlap, say."""
        from .dumping import to_c

        return to_c(self, [self._id_of(type_) for type_ in types])

    def c_declaration(self, type_: SupportsIndex | str | Type) -> str:
        """One type as C for people: a struct with its members, an enum with its values, what a typedef stands
        for, a function's prototype. As in the header that `to_c` gives, but without what it needs, and under
        its own name. Raises `NotFoundError`, and `NotSupportedError` for what C has nothing for (DATASEC) or
        cannot lay out as the BTF does: members that overlap, or lie within a byte; one of a union past its
        start; one without a name that is neither struct nor union; an enum whose values its size does not
        hold."""
        from .dumping import c_declaration

        return c_declaration(self, self._id_of(type_))

    def format(
        self,
        type_: SupportsIndex | str | Type,
        data: Buffer,
        *,
        compact: bool = False,
        skip_names: bool = False,
        emit_zeroes: bool = False,
        emit_strings: bool = False,
        indent: str = "\t",
        indent_level: int = 0,
    ) -> str:
        """Bytes of a type as C initialisers: `(struct flow){\\n\\t.port = (u16)443,\\n}`. Enums by name,
        bitfields and pointers in hexadecimal. The text is that of libbpf's `btf_dump__dump_type_data`, whose
        options these are, without its faults (docs/dumps.md lists them).

        Args:
            type_: a name (of several types, see `candidates`), an id or a `Type`; also a VAR, or a DATASEC
                with all of its.
            data: bytes-like, in the file's byte order, the type's size or more, of which the rest is ignored.
            compact: all on one line.
            skip_names: neither names of members nor casts.
            emit_zeroes: members that are zero, too. Without it they are left out, but for the elements of
                arrays; nothing else is.
            emit_strings: arrays of one-byte integers that hold a NUL as "text" up to that.
            indent: of one level.
            indent_level: of the outermost one.

        Raises:
            NotFoundError: there is no such type.
            FormatError: fewer bytes than the type has, or members outside of it.
            ValueError: a type without a size.
            NotSupportedError: floats of other than 2, 4 or 8 bytes; types that nest too deeply.
        """
        from .formatting import format_data

        return format_data(
            self._meant(type_, "format"),
            data,
            compact=compact,
            skip_names=skip_names,
            emit_zeroes=emit_zeroes,
            emit_strings=emit_strings,
            indent=indent,
            indent_level=indent_level,
        )

    # -- its types as objects

    def _meant(self, type_: SupportsIndex | str | Type, question: str) -> Type:
        return self._type(self._id_of(type_, question))

    def _id_of(self, type_: SupportsIndex | str | Type, question: str | None = None) -> int:
        """Which type a question is about; a name stands for the first of its `candidates`."""
        if isinstance(type_, str):
            from .candidates import candidates

            ids = candidates(self, type_, question)
            if not ids:
                raise _not_named(type_)
            return ids[0]
        if hasattr(type_, "__index__"):
            return self._checked_id(type_)
        from .types import Type

        if not isinstance(type_, Type):
            raise TypeError(f"a name, an id or a Type is wanted, not {type(type_).__name__}")
        if type_ not in self:
            raise NotFoundError(f"{type_!r} is of another BTF")
        return type_.id

    def __getitem__(self, key: SupportsIndex | str) -> Type | Any:
        """A `Type`, by its id or by a name as `find` takes it; a `Field`, by a path as `find_member` takes
        it: `btf["task_struct.se.vruntime"]`. A type whose whole name has dots comes first (".maps"). Type
        checkers take what it gives for a `Type`: `find_member` is annotated with `Field`.

        Raises:
            NotFoundError, a `KeyError`: there is no such type or member.
            FormatError: as `find_member`.
        """
        if not isinstance(key, str):
            return self._type(self._checked_id(key))
        type_id = self.find(key)
        if type_id is not None:
            return self._type(type_id)
        if "." in key[1:]:
            return self._member(key)
        raise _not_named(key)

    def _checked_id(self, type_id: SupportsIndex) -> int:
        self._core.name(type_id)  # refuses an id that is not there
        return type_id.__index__()

    def _member(self, path: str) -> Field:
        """What `find_member` finds, and `NotFoundError` wherever that is nothing."""
        try:
            field = self.find_member(path)
        except FormatError:
            raise
        except ValueError as error:
            raise NotFoundError(str(error)) from None
        if field is None:
            name, _, rest = path.partition(".")
            raise NotFoundError(f"no member {rest!r} in {name!r}")
        return field

    def __contains__(self, key: object) -> bool:
        if isinstance(key, str):
            if self.find(key) is not None:
                return True
            try:
                return "." in key[1:] and self._member(key) is not None
            except NotFoundError:
                return False
        if hasattr(key, "__index__"):
            return 0 <= int(key) < self.first_id + len(self)
        owner = getattr(key, "btf", None)
        btf: Btf | None = self
        while btf is not None and btf is not owner:
            btf = btf._base
        return btf is not None

    def __len__(self) -> int:
        """How many types there are: void included, those of a base not."""
        return self._core.rows

    def __iter__(self) -> Iterator[Type]:
        """Its own types in id order, void first where it has no base."""
        from .types import Type

        first = self.first_id
        return (Type(self, type_id) for type_id in range(first, first + len(self)))


def many(names: Iterable[str]) -> Iterable[str]:
    """The names, unless they are a single one, whose letters would be looked up."""
    if isinstance(names, str):
        raise TypeError(f"lookup takes many names: [{names!r}]; find takes one")
    return names


def _not_named(name: str) -> NotFoundError:
    return NotFoundError(f"no type named {name!r}")


def _array(view: Any) -> Any:
    import numpy as np

    return np.asarray(view)
