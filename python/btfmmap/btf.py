"""`Btf`: the types of one BTF, and the queries on them."""

from __future__ import annotations

import os

from .column_views import ColumnViews
from .errors import FormatError, NotFoundError, NotSupportedError
from .iteration import release
from .table_properties import HasTables, table_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from types import TracebackType
    from typing import IO, Any, Literal, SupportsIndex, TypeVar

    import numpy as np
    import numpy.typing as npt

    from ._core import Btf as CoreBtf
    from ._core import Buffer, CoreReloTarget, File, View
    from ._core import Fingerprints as CoreFingerprints
    from ._core import Graph as CoreGraph
    from ._core import Sizes as CoreSizes
    from .bounded_cache import BoundedCache
    from .decoder import Decoder
    from .ext import Ext
    from .fields import Field, MemberAt
    from .fingerprints import Fingerprints
    from .graph import Graph
    from .layouts import Layouts
    from .paths.plans import Plan
    from .records import Records
    from .source import Source
    from .struct_layout import StructLayout
    from .types import Enumerator, Member, Type
    from .users import User

    # Arguments of `pickling.reopen`: `open`, path, method, unit, base, and the base that the BTF was
    # relocated onto.
    Made = TypeVar("Made")
    Option = TypeVar("Option")
    Origin = tuple[Callable[..., "Btf"], str, str, int, "Btf | None", "Btf | None"]

_MAX_KEPT_NAMES = 1024  # whose types are known
_MAX_KEPT_NAME = 256  # characters of such a name
_MAX_KEPT_FIELDS = 1 << 14  # of dtypes, records and ctypes classes
_MAX_KEPT_EXPRESSIONS = 1 << 16  # characters


class Btf(HasTables):
    """The types of one kernel, module or program, opened with `btfmmap.open`.

    A `Btf` is immutable and can be used from several threads. Type IDs are the kernel's: 0 is void, and the
    recorded types are 1 to `len(btf) - 1`.

    A split BTF, such as a module's, continues its `base`. Its own type IDs start at `first_id`. Queries by
    name or ID cover both. `len`, iteration, the tables, the sections and `names()` cover only its own
    records.

    A `Btf` is a context manager. `close`, or the end of the `with` block, ends its use: everything but
    `closed` and `repr` then raises `ValueError`. Tables and arrays that were obtained before stay valid, and
    the file is unmapped when the last of them is released. Do not close a base while a split BTF that
    continues it is in use.

    Example:
        >>> with btfmmap.open(btfmmap.SAMPLE_BTF) as sample:
        ...     sample["flow"].size
        112
    """

    __slots__ = (
        "__weakref__",
        "_base",
        "_containers",
        "_core_or_none",
        "_elf",
        "_end_id",
        "_ext",
        "_first_id",
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
        elf: File | None = None,
        origin: Origin | None = None,
        unit: tuple[int, int] = (0, 1),
        containers: tuple[str, ...] = (),
    ) -> None:
        self._core_or_none: CoreBtf | None = core
        self._first_id = core.first_id
        self._end_id = self._first_id + core.rows
        self._path = path
        self._ext = ext
        self._elf = elf  # the file that has `ext`, and the instructions that it describes
        self._origin = origin
        self._unit = unit  # its index, and the number of units
        self._containers = containers
        self._base = base
        self._views: dict[str, ColumnViews] = {}
        self._tables: dict[object, Any] = {}

    # -- the interface for other modules of this package, which use no other private names
    #    (tests/test_architecture.py lists these)

    # Objects that are built on demand are cached with dict.setdefault: if several threads build the same
    # object at once, all of them return the one that was stored first. `close`
    # replaces the dicts. Each method reads the dict before it reads `_core`, so an object that is built while
    # another thread closes the Btf is stored in the old dict and discarded with it.

    @property
    def _core(self) -> CoreBtf:
        """The core's object; raises `ValueError` if this `Btf` is closed."""
        if self._core_or_none is None:
            raise ValueError("this Btf is closed")
        return self._core_or_none

    @property
    def _core_layout(self) -> CoreSizes:
        """The core's sizes, alignments and struct layouts."""
        layout: CoreSizes | None = self._tables.get("core layout")
        return self._built_layout() if layout is None else layout

    def _built_layout(self) -> CoreSizes:
        """Build the core's layout."""
        from . import _core

        layout: CoreSizes = self._built_on_bases(
            "core layout", lambda level, base: _core.Sizes(level._core, base)
        )
        return layout

    @property
    def _core_fingerprints(self) -> CoreFingerprints:
        """The core's fingerprints."""
        from . import _core

        fingerprints: CoreFingerprints = self._built_on_bases(
            "core fingerprints", lambda level, base: _core.Fingerprints(level._core_layout, base)
        )
        return fingerprints

    def _built_on_bases(self, key: str, build: Callable[[Btf, Any], Any]) -> Any:
        """Build something from that of the base, for each level that has none yet, lowest base first."""
        made: Any = None
        level: Btf | None = self
        missing: list[Btf] = []
        while level is not None:
            made = level._tables.get(key)
            if made is not None:
                break
            missing.append(level)
            level = level._base
        for level in reversed(missing):
            tables, _ = level._tables, level._core
            made = tables.setdefault(key, build(level, made))
        return made

    @property
    def _core_graph(self) -> CoreGraph:
        """The core's reference graph."""
        from . import _core

        tables, core = self._tables, self._core
        graph: CoreGraph | None = tables.get(_core.Graph)
        return tables.setdefault(_core.Graph, _core.Graph(core)) if graph is None else graph

    @property
    def _core_relo_target(self) -> CoreReloTarget:
        """This BTF as a kernel against which BPF objects are relocated."""
        from . import _core

        tables, core = self._tables, self._core
        target: CoreReloTarget | None = tables.get(_core.CoreReloTarget)
        if target is None:
            target = tables.setdefault(_core.CoreReloTarget, _core.CoreReloTarget(core, []))
        return target

    @property
    def _expressions(self) -> BoundedCache:
        """What the expressions mean that `path` was asked for."""
        tables = self._tables
        kept: BoundedCache | None = tables.get("expressions")
        if kept is None:
            from .bounded_cache import BoundedCache

            _ = self._core  # raises if closed
            kept = tables.setdefault("expressions", BoundedCache(_MAX_KEPT_EXPRESSIONS))
        return kept

    def _columns(self, table: str) -> ColumnViews:
        """Return a table's columns without numpy. Each is built when it is first asked for.

        Those of a child table include `indptr`.
        """
        kept, core = self._views, self._core
        views = kept.get(table)
        if views is None:
            views = kept.setdefault(table, ColumnViews(core, table))
        return views

    def _layout_columns(self) -> dict[str, View]:
        """Return the columns of `layouts` without numpy."""
        tables, layout = self._tables, self._core_layout
        views: dict[str, View] | None = tables.get("layout columns")
        if views is None:
            views = tables.setdefault("layout columns", layout.column_views())
        return views

    def _size(self, type_id: int) -> int:
        """Return the size of one type, as `sizeof` returns it."""
        return self._core_layout.sizeof([type_id])[0]

    def _type(self, type_id: int) -> Type:
        """Return the `Type` with an ID that was read from a column. It may be a type of a base.

        Such an ID is valid, unless the bytes changed after `open`: then this raises `NotFoundError`.
        """
        _ = self._core
        if type_id >= self._end_id:
            raise NotFoundError(f"no type [{type_id}]: the bytes of this BTF changed after it was opened")
        return _type_class()(self if type_id >= self._first_id else self._base_with(type_id), type_id)

    def _types(self, type_ids: list[int]) -> list[Type]:
        """Return the types with these IDs, like `_type`. Makes one object for each distinct ID."""
        of = {type_id: self._type(type_id) for type_id in set(type_ids)}
        return [of[type_id] for type_id in type_ids]

    def _base_with(self, type_id: int) -> Btf:
        """Return the base that records a type with an ID below `first_id`."""
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
        """Return the bases and this BTF in the order of their type IDs: lowest base first, this BTF last."""
        levels = [self]
        while levels[-1]._base is not None:
            levels.append(levels[-1]._base)
        return levels[::-1]

    # What `dtype`, `records` and `ctypes` make for a type is found again by the name or ID that was passed.

    def _kept(self, question: str, type_: SupportsIndex | str | Type, option: object) -> Any:
        """Return what `_keep` has kept, or None. Does not look at the type. `option` is hashable."""
        kept = self._tables.get("kept")
        if kept is None:
            return None
        if type(type_) is str or type(type_) is int:
            return kept.get((question, type_, option))
        type_id = type_.id if getattr(type_, "btf", None) is self else None  # type: ignore[union-attr]
        return kept.get((question, type_id, option))

    def _keep(
        self,
        question: str,
        type_: SupportsIndex | str | Type,
        option: Option,
        make: Callable[[Type, Option], tuple[Made, int]],
        stale: Made | None = None,
    ) -> Made:
        """Make something for a type and keep it, unless it was kept already.

        Args:
            question: As in `candidates`.
            type_: The type.
            option: Passed to `make`, and part of the key.
            make: Returns what is made, and its cost in fields.
            stale: What was kept and is not to be used any more.
        """
        from .bounded_cache import BoundedCache

        tables = self._tables
        meant = self._meant(type_, question)
        kept: BoundedCache | None = tables.get("kept")
        if kept is None:
            kept = tables.setdefault("kept", BoundedCache(_MAX_KEPT_FIELDS))
        if stale is not None:
            kept.drop(stale)
        key = (question, meant.id, option)
        found = kept.get(key)
        if found is None:
            new, cost = make(meant, option)
            found = kept.keep(key, new, cost)
        made: Made = found
        if type(type_) is str and len(type_) <= _MAX_KEPT_NAME:
            kept.keep_also((question, type_, option), made, key)
        return made

    # -- lifetime

    def close(self) -> None:
        """End the use of this object; may be called more than once.

        Example:
            >>> sample = btfmmap.open(btfmmap.SAMPLE_BTF)
            >>> sample.close()
            >>> sample.find("flow")
            Traceback (most recent call last):
                ...
            ValueError: this Btf is closed
        """
        self._core_or_none = None
        self._views = {}
        self._tables = {}

    @property
    def closed(self) -> bool:
        """Whether `close` was called.

        Example:
            >>> btf.closed
            False
        """
        return self._core_or_none is None

    def __del__(self, release: Callable[[list[object]], None] = release) -> None:
        # Releases a chain of bases iteratively: each would otherwise destroy the next one recursively.
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
        types = self._core.rows - (self._base is None)  # void, type ID 0, is not recorded
        return f"<Btf {name} {self._core.how} {types} types>"

    def __reduce__(self) -> tuple[Any, ...]:
        from .pickling import MAX_LEVELS, digest, reopen

        core = self._core
        if self._origin is None:
            raise NotSupportedError(
                f"{self._path or 'bytes in memory'}: cannot be pickled, there is no file to open again"
            )
        if not os.path.isfile(self._origin[1]):
            raise NotSupportedError(f"{self._path}: not a regular file, so it cannot be pickled")
        if len(self._levels()) > MAX_LEVELS:
            raise NotSupportedError(
                f"{self._path}: more than {MAX_LEVELS} levels of split BTF, too many to pickle"
            )
        return reopen, (*self._origin, digest(core))

    # -- base and `.BTF.ext`

    @property
    def base(self) -> Btf | None:
        """The BTF that this split BTF continues, or None.

        Example:
            >>> btf.base is None
            True
        """
        _ = self._core
        return self._base

    @property
    def distilled(self) -> bool:
        """Whether this is a distilled base, as in the ELF section `.BTF.base` of a module.

        A distilled base has the names, kinds and sizes of the kernel types that a module needs. Its structs
        and unions have no members. It is recognized by its types, not by the section that it was read from.

        Example:
            >>> btf.distilled
            False
        """
        return self._core.distilled

    @property
    def units(self) -> int:
        """The number of concatenated BTFs in the file; `open(unit=...)` opens any of them.

        Example:
            >>> btf.units
            1
        """
        _ = self._core
        return self._unit[1]

    @property
    def first_id(self) -> int:
        """The type ID of row 0 of `types`: 0, or the base's last ID plus 1 for a split BTF.

        Example:
            >>> btf.first_id
            0
        """
        return self._core.first_id

    def relocate(self, base: Btf) -> Btf:
        """Return a copy of this split BTF that continues a full base instead of its distilled one.

        The type IDs of the copy are those that libbpf's `btf__relocate` assigns. This BTF must continue a
        distilled base (`.BTF.base`).

        Args:
            base: The full BTF, such as the running kernel's.

        Returns:
            The relocated copy.

        Raises:
            FormatError: A type of the distilled base has no counterpart in `base`, or more than one. The
                message lists the types of that name in `base`, with sizes.
            NotSupportedError: This BTF does not continue a distilled base.
        """
        core = self._core.relocate(base._core, self._path or "buffer", base._path or "the base")
        origin = None if self._origin is None else (*self._origin[:-1], base)
        return Btf(
            core,
            self._path,
            base=base,
            ext=self._ext,
            elf=self._elf,
            origin=origin,
            unit=self._unit,
            containers=self._containers,
        )

    @property
    def ext(self) -> Ext | None:
        """The `.BTF.ext` section of a BPF object, which relates its instructions to these types.

        None if there is no such section. Also None if several BTFs follow one another in the file, but the
        numbers of BTFs and `.BTF.ext` sections differ. The section is validated on first access.

        Raises:
            FormatError: The section is invalid.

        Example:
            >>> btf.ext is None
            True
        """
        tables, core = self._tables, self._core
        if self._ext is None:
            return None
        from .ext import Ext

        ext: Ext | None = tables.get(Ext)
        return tables.setdefault(Ext, Ext(self, self._ext, core, self._elf)) if ext is None else ext

    # -- source and bytes

    @property
    def source(self) -> Source:
        """The file that this BTF was read from, and how it was opened.

        Example:
            >>> btf.source.how, btf.source.size, btf.source.pointer_size
            ('read', 1704, 8)
        """
        from .source import Source

        core = self._core
        sizes = core.how, core.size, core.byte_order, core.pointer_size
        return Source(self._path, *sizes, *self._unit, self._containers)

    @property
    def header(self) -> dict[str, int]:
        """The fields of `struct btf_header` without `magic`, keyed by the kernel's names.

        Offsets are in bytes from the end of the header. The fields of the layout section are 0 if the
        header has 24 bytes.

        Example:
            >>> btf.header["version"], btf.header["hdr_len"], btf.header["str_len"]
            (1, 24, 616)
        """
        return self._core.header

    @property
    def raw(self) -> npt.NDArray[np.uint8]:
        """The whole BTF blob: a read-only `uint8[size]` view, not a copy.

        It is what remains of a file without its containers, which `source.containers` names.

        Example:
            >>> btf.raw.tobytes()[:4].hex()
            '9feb0100'
        """
        return _array(self._core.raw)  # type: ignore[no-any-return]

    @property
    def type_section(self) -> npt.NDArray[np.uint32]:
        """The type section: a read-only `uint32[type_len / 4]` view, not a copy.

        Its numbers are in the file's byte order.

        Example:
            >>> btf.type_section[:3].tolist()
            [0, 33554432, 2]
        """
        return _array(self._core.type_section)  # type: ignore[no-any-return]

    @property
    def string_section(self) -> npt.NDArray[np.uint8]:
        r"""The string section: a read-only `uint8[str_len]` view, not a copy.

        Example:
            >>> btf.string_section.tobytes()[:11]
            b'\x00flow\x00link\x00'
        """
        return _array(self._core.string_section)  # type: ignore[no-any-return]

    # -- tables

    def _table(self, name: str) -> Any:
        tables, core = self._tables, self._core
        built = tables.get(name)
        if built is None:
            built = tables.setdefault(name, table_of(core, name))
        return built

    # -- names

    def name(self, type_id: SupportsIndex) -> str:
        """Return the name of a type.

        Bytes that are not valid UTF-8 are decoded with `surrogateescape`.

        Args:
            type_id: A type ID.

        Returns:
            The name: "" for a type without one, "void" for type ID 0.

        Raises:
            NotFoundError: There is no type with this ID.

        Example:
            >>> btf.name(2)
            'flow'
        """
        return self._core.name(type_id)

    def names(self, type_ids: Iterable[int] | npt.NDArray[Any] | None = None) -> list[str]:
        """Return the names of several types.

        Args:
            type_ids: Type IDs; None for the types in the rows of `types`.

        Returns:
            One string per type. Types with the same `name_off` share one `str` object.

        Raises:
            NotFoundError: There is no type with one of these IDs.
            NotSupportedError: The names have more than 1 GiB of text.

        Example:
            >>> btf.names([0, 2, 3])
            ['void', 'flow', 'list']
        """
        return self._core.all_names() if type_ids is None else self._core.names(type_ids)

    def c_names(self, type_ids: Iterable[int] | npt.NDArray[Any]) -> list[str]:
        """Return several types as C spells them; see `Type.c_name`.

        Args:
            type_ids: Type IDs, such as the column `type` of a table.

        Returns:
            One string per type, such as "struct sock *" or "char[16]". Equal IDs share one `str` object.

        Raises:
            NotFoundError: There is no type with one of these IDs.
            NotSupportedError: The types have more than 1 GiB of text.

        Example:
            >>> btf.c_names(btf.members.type)[:3]
            ['struct list', 'union address', 'union address']
        """
        return self._core.c_names(type_ids)

    def kind_names(self, type_ids: Iterable[int] | npt.NDArray[Any]) -> list[str]:
        """Return the names of the kinds of several types.

        Args:
            type_ids: Type IDs.

        Returns:
            One name of a `Kind` per type.

        Raises:
            NotFoundError: There is no type with one of these IDs.

        Example:
            >>> btf.kind_names([2, 5])
            ['STRUCT', 'UNION']
        """
        return self._core.kind_names(type_ids)

    def string(self, offset: SupportsIndex) -> str:
        """Return the string at an offset of the string section.

        Args:
            offset: A `name_off`, in bytes. The offsets of a split BTF continue after its base's.

        Returns:
            The string, decoded like `name`.

        Raises:
            NotFoundError: The offset is past the end of the section.

        Example:
            >>> btf.string(1)
            'flow'
        """
        return self._core.string(offset)

    def strings(self, offsets: Iterable[int] | npt.NDArray[Any]) -> list[str]:
        """Return the strings at several offsets of the string section.

        Args:
            offsets: Offsets in bytes, such as the column `name_off` of a table.

        Returns:
            One string per offset. Equal offsets share one `str` object.

        Raises:
            NotFoundError: An offset is past the end of the section.
            NotSupportedError: The strings have more than 1 GiB of text.

        Example:
            >>> btf.strings(btf.members.name_off)[:3]
            ['link', 'from', 'to']
        """
        return self._core.strings(offsets)

    def find(self, name: str, kind: int | None = None) -> int | None:
        """Return the lowest ID of a type with this name, or None.

        A name may begin with a keyword that restricts the kind: `struct`, `union`, `enum` (ENUM or ENUM64),
        `func`, `typedef` or `var`. "struct task_struct" finds only a STRUCT. "void" is type ID 0, as in
        libbpf. The types of a base come before those of a split BTF.

        Several types may have the same name. `find_all` returns all of them, and `candidates` those that suit
        a query.

        Args:
            name: The name, with or without a keyword.
            kind: A `Kind`; None for any.

        Returns:
            The type ID, or None if there is no such type.

        Raises:
            ValueError: The keyword and `kind` disagree, or there is no such kind.

        Example:
            >>> btf.find("struct flow")
            2
            >>> btf.find("flow", btfmmap.Kind.FUNC) is None
            True
        """
        return self._core.find(name, kind)

    def find_all(self, name: str, kind: int | None = None) -> list[int]:
        """Return the IDs of all types with this name.

        Args:
            name: A name, with or without a keyword, as in `find`.
            kind: A `Kind`; None for any.

        Returns:
            Type IDs in ascending order.

        Raises:
            ValueError: The keyword and `kind` disagree, or there is no such kind.

        Example:
            >>> btf.find_all("flow")
            [2]
        """
        return self._core.find_all(name, kind)

    def candidates(
        self,
        name: str,
        question: Literal[
            "layout", "records", "find_member", "at", "at_each", "dtype", "ctypes", "format", "users"
        ]
        | None = None,
    ) -> list[int]:
        """Return the IDs of the types that a name may mean in a query.

        A query by name uses the first candidate.

        The queries `layout`, `records` and `find_member` take structs and unions. `at` and `at_each` also
        take arrays. `dtype`, `ctypes` and `users` take all types with values (structs, unions, arrays, enums,
        INT, FLOAT and PTR), and `format` also takes variables. Typedefs of suitable types are suitable too;
        other kinds, such as FUNC and FWD, are not candidates. Structs and unions come first, then typedefs of
        them, other typedefs, other types with values, and variables. Each of these groups is in ID order.

        The queries `dump`, `to_c` and `c_declaration` (`question` None) take all kinds, in ID order. If no
        type with this name suits a query, the query takes all kinds too. Where all kinds are taken, a FWD,
        DECL_TAG or TYPE_TAG is a candidate only if no other kind has the name.

        A typedef of an earlier candidate is left out, such as `typedef struct x x` after `struct x`. Of
        several types that resolve to the same type, only the first is a candidate; the queries "users" and
        None keep them all.

        Args:
            name: A name, with or without a keyword, as in `find`.
            question: The name of the method to query with; None for one that takes all kinds.

        Returns:
            Type IDs; empty if no type has this name.

        Raises:
            ValueError: `question` is not one of these methods, or the keyword of `name` is invalid.

        Example:
            >>> btf.candidates("flow", "layout")
            [2]
        """
        from .candidates import candidates

        return candidates(self, name, question)

    def lookup(self, names: Iterable[str], kind: int | None = None) -> npt.NDArray[np.int64]:
        """Find several types by name.

        Args:
            names: Names, with or without a keyword, as in `find`.
            kind: A `Kind`; None for any.

        Returns:
            An `int64[len(names)]` array of type IDs, -1 for a name that no type has.

        Raises:
            TypeError: `names` is a single string.
            ValueError: A keyword and `kind` disagree, or there is no such kind.

        Example:
            >>> btf.lookup(["flow", "list", "nothing"]).tolist()
            [2, 3, -1]
        """
        return _array(self._core.lookup(many(names), kind))  # type: ignore[no-any-return]

    def match(self, pattern: str, kind: int | None = None, *, regex: bool = False) -> list[int]:
        """Return the IDs of all types whose name matches a pattern.

        Types without a name never match.

        Args:
            pattern: A glob such as "tcp_*", with or without a keyword ("struct tcp_*").
            kind: A `Kind`; None for any.
            regex: Interpret the pattern as a regular expression that may match anywhere in a name.

        Returns:
            Type IDs in ascending order.

        Raises:
            ValueError: The regular expression is invalid, the keyword and `kind` disagree, or there is no
                such kind.
            NotSupportedError: The names have more than 1 GiB of text.

        Example:
            >>> btf.match("struct *")
            [2, 3]
        """
        from .matching import match

        return match(self, pattern, kind, regex=regex)

    def find_members(self, name: str) -> list[tuple[Type, Member]]:
        """Find the members with this name in all structs and unions.

        Args:
            name: The name of a member.

        Returns:
            The struct or union and the member, for each match, in ID order.

        Example:
            >>> [(parent.name, member.bit_offset) for parent, member in btf.find_members("prev")]
            [('list', 64)]
        """
        from .named_children import members

        return members(self, name)

    def find_enumerators(self, name: str) -> list[tuple[Type, Enumerator]]:
        """Find the enumerators with this name in all enums.

        Args:
            name: The name of an enumerator.

        Returns:
            The enum and the enumerator, for each match, in ID order.

        Example:
            >>> btf.find_enumerators("ALLOW")
            [(<Type [14] ENUM verdict>, Enumerator(name='ALLOW', value=1))]
        """
        from .named_children import enumerators

        return enumerators(self, name)

    def find_member(self, path: str) -> Field | None:
        """Find a member by its path, which starts with the name of a type.

        The names of a path are joined by dots: "task_struct.se.vruntime". Anonymous structs and unions are
        left out. An element of an array is selected by its index: "sk_buff.cb[8]". An arrow follows a
        pointer: "task_struct.mm->owner". `path` takes more of C, and returns all steps.

        Args:
            path: The name of a struct or union, or of a typedef of one, and the path in it. If several types
                have this name, the first of its `candidates` is used.

        Returns:
            The member, with its offset from the start of the named type, or from where the last arrow leads.
            None if there is no such member.

        Raises:
            NotFoundError: There is no type with this name.
            ValueError: The type is neither a struct nor a union, an index is not a number, an indexed
                member is not an array, or a member before an arrow is not a pointer.
            FormatError: An anonymous struct or union contains itself or nests too deeply, or the type has too
                many members.

        Example:
            >>> btf.find_member("flow.link.prev").offset
            8
        """
        from .fields import find_field, split_path

        if not isinstance(path, str):
            raise TypeError(f"a path is a str, not {type(path).__name__}")
        name, rest = split_path(path)
        return find_field(self, self._id_of(name, "find_member"), name, rest)

    # -- references between types

    @property
    def graph(self) -> Graph:
        """The references between types, including those of the bases.

        Example:
            >>> btf.graph
            <Graph of 49 nodes and 64 references>
        """
        from .graph import Graph

        # Not cached: it refers to this Btf, and only the garbage collector could free such a cycle.
        return Graph(self, self._core_graph)

    def users(
        self,
        type_: SupportsIndex | str | Type,
        *,
        roles: Collection[int] | None = None,
        through: Collection[str] | None = None,
    ) -> list[User]:
        """Return the uses of a type: structs that embed it or point to it, functions that take or return it.

        Args:
            type_: A name (the first of its `candidates` is used), an ID or a `Type`.
            roles: The `Role` numbers of the uses to return; None for all.
            through: What may lie between the type and its user: some of "typedef", "const", "volatile",
                "restrict", "type_tag", "pointer", "array" and "anonymous" (structs). The default,
                None, stands for all of them (`btfmmap.users.THROUGH`); `btfmmap.users.EMBEDDED` is all but
                "pointer".

        Returns:
            The uses, sorted by the ID of the user.

        Raises:
            NotFoundError: There is no such type.
            ValueError: `roles` or `through` contains an unknown item, or there are more than 2^20 users.
            TypeError: `roles` or `through` is a single item instead of a collection.
            NotSupportedError: The names have more than 1 GiB of text.
            FormatError: The type lies in too many nested anonymous structs.

        Example:
            >>> [(user.type.name, user.name) for user in btf.users("union address")]
            [('flow', 'from'), ('flow', 'to')]
        """
        from .users import THROUGH, users

        return users(self, self._id_of(type_, "users"), roles, THROUGH if through is None else through)

    # -- paths through pointers

    def path(self, expression: str, *, variables: Mapping[str, str] | None = None) -> Plan:
        """Check an expression of C against the types, and return its steps.

        An expression starts with a struct or union ("task_struct.mm->owner->comm"), a parameter of a function
        ("tcp_sendmsg.sk->sk_net.net"), a VAR, or one of `variables` ("skb->cb[4]"). It may contain "*", casts
        ("((struct inet_sock *)sk)->inet_sport") and `container_of(ptr, struct sock, sk_node)`. An operand of
        these may be a variable of unknown type. An index that is a name, or missing, is left open.

        Args:
            expression: The expression.
            variables: The types of variables in C: {"skb": "struct sk_buff *"}.

        Returns:
            The path, which can be spelled in several ways and read from memory.

        Raises:
            ExpressionError: The expression is malformed, or does not agree with the types. The message points
                at the place, and suggests similar names. This is a `ValueError`.
            FormatError: A type is malformed, as in `find_member`.

        Example:
            >>> plan = btf.path("((struct flow *)data)->link.next->prev")
            >>> plan.to_core_read()
            'BPF_CORE_READ((struct flow *)data, link.next, prev)'
        """
        from .paths.keeping import plan_of

        return plan_of(self, expression, variables)

    def paths(
        self,
        start: SupportsIndex | str | Type,
        target: SupportsIndex | str | Type,
        *,
        max_pointers: int = 4,
        limit: int | None = 20,
        up: bool = False,
        avoid: Iterable[str | Type] = (),
    ) -> list[Plan]:
        """Find the shortest paths from a struct to a type.

        Paths lead through members, embedded structs, pointers, arrays (the index is left open) and unions
        (`Plan.unions` has the members that must be active). They visit no struct twice.

        Args:
            start: A struct or union: a name (the first of its `candidates` is used), an ID or a `Type`.
            target: The type that is looked for.
            max_pointers: The most pointers that are read, from 0 to 64. The last one is that to the target.
            limit: The most paths; None for all that a search of 2^18 steps finds.
            up: Also lead from a member to the struct around it, as `container_of` does. Whether it is there
                is not known: a `list_head` is in many structs.
            avoid: Types and members ("task_struct.parent") that paths must not pass.

        Returns:
            The paths, with the fewest pointers first, then with the fewest members. They end at the target or
            at a pointer to it.

        Raises:
            NotFoundError: There is no such type or member.
            ValueError: `start` is neither a struct nor a union, `target` is void, or `max_pointers` or
                `limit` is out of range.
            TypeError: `avoid` is a single string.

        Example:
            >>> [str(path) for path in btf.paths("list", "list", limit=3)]
            ['list.next', 'list.prev']
        """
        from .paths.searching import paths

        return paths(
            self,
            self._id_of(start, "find_member"),
            self._id_of(target, "find_member"),
            max_pointers=max_pointers,
            limit=limit,
            up=up,
            avoid=avoid,
        )

    def closest(
        self,
        target: SupportsIndex | str | Type,
        *,
        from_functions: str | Iterable[str] = "*",
        max_pointers: int = 4,
        limit: int | None = 20,
        up: bool = False,
        avoid: Iterable[str | Type] = (),
    ) -> list[Plan]:
        """Find the parameters of functions from which the fewest pointers lead to a type.

        Args:
            target: The type: a name (the first of its `candidates` is used), an ID or a `Type`.
            from_functions: A glob of the names of functions, or several.
            max_pointers: The most pointers that are read, from 0 to 64. A parameter is at hand, and does not
                count.
            limit: The most parameters; None for all.
            up: As in `paths`.
            avoid: As in `paths`.

        Returns:
            A shortest path from each of the closest parameters, in the order of `paths`, then of IDs.
            A parameter that is a pointer to the target has a path without steps.

        Raises:
            NotFoundError: There is no such type or member, or a glob other than "*" matches no function.
            ValueError: `target` is void, or `max_pointers` or `limit` is out of range.
            TypeError: `avoid` is a single string.

        Example:
            >>> [str(path) for path in btf.closest("list", from_functions="j*")]
            ['judge.flow->link']
        """
        from .paths.searching import closest

        return closest(
            self,
            self._id_of(target, "find_member"),
            from_functions,
            max_pointers=max_pointers,
            limit=limit,
            up=up,
            avoid=avoid,
        )

    def resolve(self, type_ids: Iterable[int] | npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """Resolve types through TYPEDEF, CONST, VOLATILE, RESTRICT and TYPE_TAG.

        Args:
            type_ids: Type IDs.

        Returns:
            An `int64[n]` array of type IDs. It has -1 for a type in a cycle and for an ID that does not
            exist.

        Example:
            >>> btf.resolve([9, 24]).tolist()
            [10, 25]
        """
        return _array(self._core_layout.resolve(type_ids))  # type: ignore[no-any-return]

    # -- sizes and layouts

    def sizeof(self, type_ids: Iterable[int] | npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """Return the sizes of types, as libbpf's `btf__resolve_size` computes them.

        Pointers have the pointer size of the BTF. The size of an array includes all of its dimensions.

        Args:
            type_ids: Type IDs.

        Returns:
            An `int64[n]` array of sizes in bytes. It has -1 for an ID that does not exist, and for types
            without a size: void, functions, variables, declaration tags, forward declarations and cycles. It
            also has -1 for sizes of more than 2^32 - 1 bytes.

        Example:
            >>> btf.sizeof([2, 7, 0]).tolist()
            [112, 16, -1]
        """
        return _array(self._core_layout.sizeof(type_ids))  # type: ignore[no-any-return]

    def alignof(self, type_ids: Iterable[int] | npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """Return the alignments of types, as libbpf's `btf__align_of` computes them.

        Args:
            type_ids: Type IDs.

        Returns:
            An `int64[n]` array of alignments in bytes: 1 for packed structs, -1 for types without an
            alignment.

        Example:
            >>> btf.alignof([2, 7, 0]).tolist()
            [8, 1, -1]
        """
        return _array(self._core_layout.alignof(type_ids))  # type: ignore[no-any-return]

    @property
    def layouts(self) -> Layouts:
        """The use of space by every struct and union: holes, padding and cache lines.

        See `btfmmap.layouts.Layouts` for the columns.

        Example:
            >>> btf.layouts.hole_bytes.tolist()
            [5, 0, 0, 0]
        """
        from .layouts import Layouts

        tables, columns = self._tables, self._layout_columns()
        layouts: Layouts | None = tables.get(Layouts)
        if layouts is None:
            built = Layouts({name: _array(view) for name, view in columns.items()})
            layouts = tables.setdefault(Layouts, built)
        return layouts

    @property
    def fingerprints(self) -> Fingerprints:
        """Hashes of what each struct, union, enum, function, typedef and variable is, in three depths.

        They are equal for equal definitions in different kernels, modules and byte orders. See
        `btfmmap.fingerprints.Fingerprints` for what each depth covers, and for the columns.

        Example:
            >>> btf.fingerprints.id[:4].tolist()
            [2, 3, 5, 9]
        """
        from .fingerprints import Fingerprints

        tables, core = self._tables, self._core_fingerprints
        fingerprints: Fingerprints | None = tables.get(Fingerprints)
        if fingerprints is None:
            built = Fingerprints({name: _array(view) for name, view in core.column_views().items()})
            fingerprints = tables.setdefault(Fingerprints, built)
        return fingerprints

    def summary(self, top: int = 10) -> dict[str, Any]:
        """Count the types, members and strings of this BTF, and return its largest structs.

        Works without numpy. The types of a base are not counted.

        Args:
            top: The number of structs to return.

        Returns:
            A dict of the numbers of "types", "members", "params", "enumerators", "secinfos" and "strings".
            "kinds" is a dict from the name of each kind to the number of its types. "biggest_structs" is a
            list of dicts with "id", "name" and "size" in bytes, largest first.

        Raises:
            ValueError: `top` is negative.

        Example:
            >>> summary = btf.summary(top=1)
            >>> summary["types"], summary["kinds"]["STRUCT"], summary["biggest_structs"]
            (48, 2, [{'id': 2, 'name': 'flow', 'size': 112}])
        """
        from .summaries import summary

        return summary(self, top)

    def wasteful(self, top: int = 20) -> list[dict[str, int | str]]:
        """Return the structs and unions with the most bytes in holes and padding.

        Args:
            top: The number of types to return.

        Returns:
            Rows of `layouts` as dicts, most wasteful first, with `name` and `waste` (in bytes) in addition.
            Empty for a distilled base, which has no members.

        Raises:
            ValueError: `top` is negative.

        Example:
            >>> [(row["name"], row["waste"]) for row in btf.wasteful(1)]
            [('flow', 5)]
        """
        from .waste import wasteful

        return wasteful(self, top)

    def layout(self, type_: SupportsIndex | str | Type) -> StructLayout:
        """Return the layout of a struct or union: the offsets and sizes of its members, and the holes.

        `print` shows it in the format of pahole.

        Args:
            type_: A name (the first of its `candidates` is used), an ID or a `Type`, possibly a typedef.

        Returns:
            The layout.

        Raises:
            NotFoundError: There is no such type.
            ValueError: The type is neither a struct nor a union.

        Example:
            >>> btf.layout("flow")
            <StructLayout flow: 112 bytes>
        """
        from .fields import composite
        from .struct_layout import StructLayout

        return StructLayout(composite(self._meant(type_, "layout")))

    def at(self, type_: SupportsIndex | str | Type, offset: int) -> list[str]:
        """Return the paths of the members at a byte of a type.

        There are several members if unions or bitfields share the byte, and none if it lies in a hole.

        Args:
            type_: A name (the first of its `candidates` is used), an ID or a `Type`: a struct, union or
                array, or a typedef of one.
            offset: The offset of the byte from the start of the type.

        Returns:
            Paths such as "headers.transport_header".

        Raises:
            NotFoundError: There is no such type.
            ValueError: The type is not a struct, union or array.
            FormatError: The type nests too deeply, or has too many members at this byte.

        Example:
            >>> btf.at("flow", 20)
            ['from.bytes[4]', 'from.words[1]']
        """
        type_id = self._id_of(type_, "at")
        return self._core_layout.at(type_id, offset)

    def members_at(self, type_: SupportsIndex | str | Type, offset: int) -> list[MemberAt]:
        """Return the members at a byte of a type, with their types, offsets and sizes.

        Args:
            type_: A type, as in `at`.
            offset: The offset of the byte from the start of the type.

        Returns:
            The members whose paths `at` returns, in the same order.

        Raises:
            NotFoundError: There is no such type.
            ValueError: The type is not a struct, union or array.
            FormatError: The type nests too deeply, or has too many members at this byte.

        Example:
            >>> [(member.path, member.offset) for member in btf.members_at("flow", 20)]
            [('from.bytes[4]', 20), ('from.words[1]', 20)]
        """
        from .fields import members_at

        return members_at(self, self._id_of(type_, "at"), offset)

    def at_each(
        self, type_: SupportsIndex | str | Type, offsets: Iterable[int] | npt.NDArray[Any]
    ) -> list[list[str]]:
        """Return the paths of the members at several bytes of a type.

        Args:
            type_: A type, as in `at`.
            offsets: Offsets in bytes from the start of the type.

        Returns:
            One list of paths per offset.

        Raises:
            NotFoundError: There is no such type.
            ValueError: The type is not a struct, union or array.
            FormatError: The type nests too deeply, or has too many members at one of the bytes.

        Example:
            >>> btf.at_each("flow", [8, 51])
            [['link.prev'], []]
        """
        type_id = self._id_of(type_, "at_each")
        return self._core_layout.at_each(type_id, offsets)

    def dtype(
        self, type_: SupportsIndex | str | Type, *, bitfields: Literal["error", "omit"] = "error"
    ) -> np.dtype[Any]:
        """Return a type as a numpy dtype with the same size and offsets, for `np.frombuffer`.

        Numbers are in the file's byte order. Structs are nested dtypes, and arrays are subarrays. Members of
        anonymous structs and unions become fields of the enclosing struct. Pointers are unsigned integers,
        and enums are integers. `char[n]` is `S{n}`, from which numpy strips trailing NULs. A number that
        numpy lacks, such as `__int128`, is `V16`.

        Args:
            type_: A name (the first of its `candidates` is used), an ID or a `Type`.
            bitfields: "omit" leaves bitfields out, "error" refuses them. `records` reads them.

        Returns:
            The dtype.

        Raises:
            NotFoundError: There is no such type.
            NotSupportedError: A dtype cannot express a member exactly (the message names the member and the
                reason), or the type has more than 262,144 members. Members of nested
                structs are counted too; those of an array of structs are counted once.
            FormatError: An anonymous struct or union contains itself or nests too deeply, or the type has too
                many members.
            ValueError: `bitfields` is neither "error" nor "omit".

        Example:
            >>> btf.dtype("list").fields["prev"]
            (dtype('uint64'), 8)
        """
        from .dtype import dtype_of

        return dtype_of(self, type_, bitfields)

    def dtype_code(
        self, type_: SupportsIndex | str | Type, *, bitfields: Literal["error", "omit"] = "error"
    ) -> str:
        """Return Python code that builds the dtype that `dtype` returns. Works without numpy.

        Args:
            type_: A type, as in `dtype`.
            bitfields: As in `dtype`.

        Returns:
            The code, which imports numpy and assigns to `dtype`. Nested structs are defined before the type.

        Raises:
            NotFoundError: There is no such type.
            NotSupportedError: A dtype cannot express a member exactly, as in `dtype`.
            FormatError: As in `dtype`.
            ValueError: `bitfields` is neither "error" nor "omit".

        Example:
            >>> btf.dtype_code("int").splitlines()
            ['import numpy as np', "dtype = np.dtype('<i4')"]
        """
        from .dtype_code import dtype_code

        return dtype_code(self._meant(type_, "dtype"), bitfields)

    def records(
        self, type_: SupportsIndex | str | Type, buffer: Buffer | npt.NDArray[Any], *, size: int | None = None
    ) -> Records:
        """Interpret bytes as records of a struct or union, with an array per field, including bitfields.

        Args:
            type_: A name (the first of its `candidates` is used), an ID or a `Type`, possibly a typedef.
            buffer: A bytes-like object that holds a whole number of records. It is not copied.
            size: The size of each record in bytes, if that is more than the size of the type. The extra bytes
                are padding, or hold the flexible array at the end of the type: as many whole elements as fit.
                Use `size=len(sample)` for one record of variable length, as in a BPF ring buffer.

        Returns:
            The records.

        Raises:
            NotFoundError: There is no such type.
            FormatError: `buffer` does not hold a whole number of records, or the type is malformed.
            NotSupportedError: A member cannot be expressed, as in `dtype`. Or the type ends in a flexible
                array and `size` is missing.
            ValueError: `size` is less than the size of the type, or the type is neither a struct nor a union.

        Example:
            >>> btf.records("list", bytes(32)).next.tolist()
            [0, 0]
        """
        from .records import records_of

        return records_of(self, type_, buffer, size)

    def decoder(
        self,
        type_: SupportsIndex | str | Type,
        *,
        size: int | None = None,
        enum_names: bool = False,
        text: bool = False,
    ) -> Decoder:
        """Prepare the decoding of many buffers as records of a struct or union.

        In a loop with one record per call, this is faster than `records`, which finds the type each time.

        Args:
            type_: A name (the first of its `candidates` is used), an ID or a `Type`, possibly a typedef.
            size: The size of each record in bytes, as in `records`.
            enum_names: Whether `Decoder.to_dict` and `to_dicts` convert enum values to names.
            text: Whether they convert arrays of `char` to `str`.

        Returns:
            The decoder. It does not need the `Btf` to stay open.

        Raises:
            NotFoundError: There is no such type.
            FormatError: The type is malformed.
            NotSupportedError: A member cannot be expressed, as in `dtype`. Or the type ends in a flexible
                array and `size` is missing. Or a record has more than 262,144 values and more than 16 per
                byte.
            ValueError: `size` is less than the size of the type, or the type is neither a struct nor a union.

        Example:
            >>> decoder = btf.decoder("list")
            >>> [decoder.to_dict(sample)["prev"] for sample in (bytes(16), bytes(range(16)))]
            [0, 1084818905618843912]
        """
        from .decoder import Decoder

        return Decoder(self, type_, size, enum_names=enum_names, text=text)

    def ctypes(self, type_: SupportsIndex | str | Type) -> Any:
        """Return a struct or union as a `ctypes` class, with its members at the same offsets.

        Bitfields are included. The `_fields_` of a struct are in the order of their offsets. Repeated calls
        return the same class while it is among those that are kept, see docs/decoding.md.

        Args:
            type_: A name (the first of its `candidates` is used), an ID or a `Type`.

        Returns:
            A `ctypes.Structure` or `ctypes.Union`; for other kinds the corresponding ctypes type.

        Raises:
            NotFoundError: There is no such type.
            NotSupportedError: ctypes cannot express the type.

        Example:
            >>> btf.ctypes("list").prev.offset
            8
        """
        from .ctypes_types import ctype_of

        return ctype_of(self, type_)

    # -- text

    def dump(
        self,
        format: Literal["raw", "json", "c"] = "raw",  # noqa: A002 (bpftool's word)
        *,
        file: str | os.PathLike[str] | IO[Any] | None = None,
        roots: Iterable[SupportsIndex | str | Type] | None = None,
        pretty: bool = False,
        sort: bool = True,
        dialect: Literal["bpftool", "c11", "c23"] = "bpftool",
        comment: bool = False,
    ) -> str | None:
        """Return or write types as text, in the format of `bpftool btf dump`.

        The text is identical to that of bpftool 7.8: `bpftool btf dump file`, with `-j`, or with `format c`.
        The other dialects of C are laid out by compilers as the BTF says.
        The types of a split BTF are dumped without those of its bases, except as C. The text is written in
        pieces, so that memory use stays bounded.

        Args:
            format: "raw" writes a line per record, "json" a single object, "c" a header that compiles.
            file: A path, an open binary or text file, or None to return the text. A path is written under
                another name and then renamed, so that a partial file is never visible.
            roots: The types to dump, or the name of one; None for all. C output includes the types that they
                need.
            pretty: Indent JSON, like `bpftool -p`.
            sort: Sort C by kind and name, as bpftool 7.5 and later do. False keeps the order of IDs, like
                bpftool's `unsorted`.
            dialect: "bpftool" writes bpftool's C, which compilers read with `-fms-extensions`. "c11" and
                "c23" need no flag besides the standard. Compilers for the kernel's architecture lay out each
                type as the BTF says, and comments name what C cannot express.
            comment: Start C with a comment that names the dialect and the compiler flags that it needs.

        Returns:
            The text, or None if it was written to `file`.

        Raises:
            NotFoundError: A root does not exist.
            FormatError: A type contains itself, and `format` is "c".
            NotSupportedError: `format` is "c", and types nest too deeply, have a kind that only the layout
                section describes, or make too much text.
            OSError: The file cannot be written.
            ValueError: `roots` is empty, or `format` or `dialect` is unknown.
            TypeError: `file` is neither a path nor a file.

        Example:
            >>> print(btf.dump(roots=["bool", "_Bool"]), end="")
            [12] TYPEDEF 'bool' type_id=13
            [13] INT '_Bool' size=1 bits_offset=0 nr_bits=8 encoding=BOOL
        """
        from .dumping import dump

        if roots is not None:
            roots = [roots] if isinstance(roots, str) else list(roots)
            if not roots:
                raise ValueError("roots is empty; pass None for all types")
        ids = [self._id_of(root) for root in roots or ()]
        return dump(self, format, file, ids, pretty=pretty, sort=sort, dialect=dialect, comment=comment)

    def to_c(self, *types: SupportsIndex | str | Type) -> str:
        """Return a C header with these types and the types that they need.

        The header equals `dump("c")`, except for types that a compiler would lay out differently from the
        BTF. Members are in the order of their offsets, and enums have their recorded size
        and sign.

        Args:
            *types: Names, IDs or `Type` objects; none for all types.

        Returns:
            The header.

        Raises:
            NotFoundError: There is no such type.
            FormatError: A type contains itself.
            NotSupportedError: C cannot express a struct or enum, for example because its members overlap. Or
                types nest too deeply, have a kind that only the layout section describes, or make too much
                text.

        Example:
            >>> [line for line in btf.to_c("__u64").splitlines() if line.startswith("typedef")]
            ['typedef unsigned long long __u64;']
        """
        from .dumping import to_c

        return to_c(self, [self._id_of(type_) for type_ in types])

    def c_declaration(self, type_: SupportsIndex | str | Type) -> str:
        """Return the declaration of one type in C, for people to read.

        A struct is shown with its members, an enum with its values, a typedef with its target and a function
        with its prototype. The declaration is the one in the header from `to_c`, without the types that it
        needs. It has the type's own name, even where the header appends a number (`x___2`) because several
        types share the name.

        Args:
            type_: A name (the first of its `candidates` is used), an ID or a `Type`.

        Returns:
            The declaration.

        Raises:
            NotFoundError: There is no such type.
            NotSupportedError: C cannot declare the type: it is a DATASEC, or it has no name and is neither a
                struct nor a union. Or C cannot reproduce its layout: members overlap or start within a byte,
                a member of a union is not at its start, or an enum's size cannot hold its values.

        Example:
            >>> btf.c_declaration("judge")
            'enum verdict judge(struct flow *flow, long size);'
        """
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
        r"""Format the bytes of a value as a C initializer.

        Enums are shown by name, bitfields and pointers in hexadecimal. The text and the options are those of
        libbpf's `btf_dump__dump_type_data`, except for its faults, which docs/dumps.md lists.

        Args:
            type_: A name (the first of its `candidates` is used), an ID or a `Type`. May also be a VAR, or a
                DATASEC to format all of its variables.
            data: A bytes-like object in the file's byte order, at least as long as the type. The rest is
                ignored, also the elements of a flexible array.
            compact: Write everything on one line.
            skip_names: Leave out the names of members, and casts.
            emit_zeroes: Include members that are zero. By default these are left out; elements of arrays
                never are.
            emit_strings: If an array of one-byte integers holds a NUL, show it as a string in quotes, up to
                the NUL.
            indent: The indentation of one level.
            indent_level: The level of the outermost value.

        Returns:
            The initializer.

        Raises:
            NotFoundError: There is no such type.
            FormatError: `data` is shorter than the type, or a member lies outside of its struct or union.
            ValueError: The type has no size.
            NotSupportedError: A float does not have 2, 4 or 8 bytes, or types nest too deeply.

        Example:
            >>> btf.format("verdict", b"\1\0\0\0")
            '(enum verdict)ALLOW'
            >>> btf.format("list", b"\1" + bytes(15), compact=True)
            '(struct list){.next = (struct list *)0x1,}'
        """
        from .formatting import format_data

        return format_data(
            self,
            self._id_of(type_, "format"),
            data,
            compact=compact,
            skip_names=skip_names,
            emit_zeroes=emit_zeroes,
            emit_strings=emit_strings,
            indent=indent,
            indent_level=indent_level,
        )

    def format_each(
        self,
        type_: SupportsIndex | str | Type,
        buffer: Buffer,
        *,
        file: str | os.PathLike[str] | IO[Any] | None = None,
        end: str = "\n",
        size: int | None = None,
        compact: bool = False,
        skip_names: bool = False,
        emit_zeroes: bool = False,
        emit_strings: bool = False,
        indent: str = "\t",
        indent_level: int = 0,
    ) -> list[str] | None:
        r"""Format records that follow one another, each one as `format` does.

        Use `compact=True` for one record per line. The types are read once for all records, so this is
        several times as fast as a call of `format` per record. Text for a `file` is written in pieces, so
        that memory use stays bounded. Signals such as Ctrl-C interrupt it.

        Args:
            type_: A name (the first of its `candidates` is used), an ID or a `Type`.
            buffer: A bytes-like object in the file's byte order that holds a whole number of records.
            file: A path, an open binary or text file, or None to return the texts. A path is written under
                another name and then renamed, so that a partial file is never visible.
            end: Written to the file after each record.
            size: The size of each record in bytes, if that is more than the size of the type. The rest of a
                record is ignored, also the elements of a flexible array.
            compact: Write each record on one line.
            skip_names: As in `format`, like the options below.
            emit_zeroes: Include members that are zero.
            emit_strings: Show arrays of one-byte integers that hold a NUL as strings.
            indent: The indentation of one level.
            indent_level: The level of the outermost values.

        Returns:
            The texts in the order of the records, or None if they were written to `file`.

        Raises:
            NotFoundError: There is no such type.
            FormatError: `buffer` does not hold a whole number of records, or a member lies outside of its
                struct or union.
            ValueError: The type has no size, or `size` is less than it.
            NotSupportedError: As in `format`. The message has the number of the record, from 0. The records
                before it are written to an open file, but not to a path.
            OSError: The file cannot be written.
            TypeError: `file` is neither a path nor a file.

        Example:
            >>> btf.format_each("list", b"\1" + bytes(31), compact=True)
            ['(struct list){.next = (struct list *)0x1,}', '(struct list){}']
        """
        from .formatting import format_each

        return format_each(
            self,
            self._id_of(type_, "format"),
            buffer,
            file=file,
            end=end,
            size=size,
            compact=compact,
            skip_names=skip_names,
            emit_zeroes=emit_zeroes,
            emit_strings=emit_strings,
            indent=indent,
            indent_level=indent_level,
        )

    # -- types as objects

    def _meant(self, type_: SupportsIndex | str | Type, question: str) -> Type:
        return self._type(self._id_of(type_, question))

    def _id_of(self, type_: SupportsIndex | str | Type, question: str | None = None) -> int:
        """Return the ID of the type that a query is about: for a name, the first of its `candidates`."""
        if isinstance(type_, str):
            names = self._tables.get("meant")
            if names is not None and type(type_) is str:
                found: int | None = names.get((type_, question))
                if found is not None:
                    return found
            return self._first_candidate(type_, question)
        if hasattr(type_, "__index__"):
            return self._checked_id(type_)
        from .types import Type

        if not isinstance(type_, Type):
            raise TypeError(f"expected a name, an id or a Type, not {type(type_).__name__}")
        if type_ not in self:
            raise NotFoundError(f"{type_!r} belongs to another BTF")
        return type_.id

    def _first_candidate(self, name: str, question: str | None) -> int:
        """Return the first of a name's `candidates`, and keep it for `_id_of`."""
        from .bounded_cache import BoundedCache
        from .candidates import candidates

        tables = self._tables
        ids = candidates(self, name, question)
        if not ids:
            raise _not_named(name)
        if type(name) is not str or len(name) > _MAX_KEPT_NAME:
            return ids[0]
        names: BoundedCache | None = tables.get("meant")
        if names is None:
            names = tables.setdefault("meant", BoundedCache(_MAX_KEPT_NAMES))
        return names.keep((name, question), ids[0])

    def __getitem__(self, key: SupportsIndex | str) -> Type | Any:
        """Return a type by its ID or name, or a member by its path.

        A name may have a keyword, as in `find`. A path has the form that `find_member` takes:
        `btf["task_struct.se.vruntime"]`. A type whose whole name has dots, such as ".maps", takes precedence.
        Type checkers always see a `Type`. For a path, `find_member` has the exact annotation, `Field`.

        Args:
            key: A type ID, the name of a type, or the path of a member.

        Returns:
            A `Type`, or a `Field` for a path.

        Raises:
            NotFoundError: There is no such type or member. This is a `KeyError`.
            FormatError: The type of the path is malformed, as in `find_member`.

        Example:
            >>> btf["struct flow"]
            <Type [2] STRUCT flow>
            >>> btf["flow.packets"].offset
            64
        """
        if not isinstance(key, str):
            return self._type(self._checked_id(key))
        type_id = self.find(key)
        if type_id is not None:
            return self._type(type_id)
        if "." in key[1:] or "->" in key[1:]:
            return self._member(key)
        raise _not_named(key)

    def _ipython_key_completions_(self) -> list[str]:
        return [*dict.fromkeys(name for level in self._levels() for name in level.names() if name)]

    def _checked_id(self, type_id: SupportsIndex) -> int:
        self._core.name(type_id)  # raises if the ID does not exist
        return type_id.__index__()

    def _member(self, path: str) -> Field:
        """Return the member at a path, or raise `NotFoundError` if there is none or the path is invalid."""
        from .fields import required_field, split_path

        name, rest = split_path(path)
        return required_field(self, self._id_of(name, "find_member"), name, rest)

    def __contains__(self, key: object) -> bool:
        if isinstance(key, str):
            if self.find(key) is not None:
                return True
            try:
                return ("." in key[1:] or "->" in key[1:]) and self.find_member(key) is not None
            except FormatError:
                raise
            except (NotFoundError, ValueError):
                return False
        if hasattr(key, "__index__"):
            return 0 <= int(key) < self.first_id + len(self)
        owner = getattr(key, "btf", None)
        btf: Btf | None = self
        while btf is not None and btf is not owner:
            btf = btf._base
        return btf is not None

    def __len__(self) -> int:
        """Return the number of types: void is included, the types of a base are not."""
        return self._core.rows

    def __iter__(self) -> Iterator[Type]:
        """Iterate over its own types in ID order, starting with void if there is no base."""
        from itertools import repeat

        first = self.first_id
        return map(_type_class(), repeat(self), range(first, first + len(self)))


_class_of_types: type[Type] | None = None


def _type_class() -> type[Type]:
    """Import `Type` on first use. An import statement in each call would take longer than the call."""
    global _class_of_types
    if _class_of_types is None:
        from .types import Type

        _class_of_types = Type
    return _class_of_types


def many(names: Iterable[str]) -> Iterable[str]:
    """Return the names; refuse a single string, whose characters would be looked up."""
    if isinstance(names, str):
        raise TypeError(f"names is a single string; pass [{names!r}], or use find")
    return names


def _not_named(name: str) -> NotFoundError:
    return NotFoundError(f"no type named {name!r}")


def _array(view: Any) -> Any:
    import numpy as np

    return np.asarray(view)
