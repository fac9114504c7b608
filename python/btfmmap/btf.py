"""`Btf`: one BTF, and what can be asked of it."""

from __future__ import annotations

import operator
import os

from .errors import NotFoundError, NotSupportedError
from .has_tables import HasTables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType
    from typing import Any

    import numpy as np
    import numpy.typing as npt

    from ._core import Btf as CoreBtf
    from ._core import File
    from .ext import Ext
    from .has_tables import AnyTable
    from .source import Source
    from .types import Type

    # How to open it again: path, method, base, and the base that it was relocated onto.
    Origin = tuple[str, str, "Btf | None", "Btf | None"]


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
    ) -> None:
        self._core_or_none: CoreBtf | None = core
        self._path = path
        self._base = base
        self._ext = ext
        self._origin = origin
        self._views: dict[str, dict[str, memoryview[Any]]] = {}
        self._tables: dict[type, Any] = {}

    @property
    def _core(self) -> CoreBtf:
        if self._core_or_none is None:
            raise ValueError("this Btf is closed")
        return self._core_or_none

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
        name = self._path or "buffer"
        if self._core_or_none is None:
            return f"<Btf {name} closed>"
        return f"<Btf {name} {self._core.how} {self._core.rows} types>"

    def __reduce__(self) -> tuple[Any, ...]:
        from .pickling import digest, reopen

        core = self._core
        if self._origin is None:
            raise NotSupportedError(
                f"{self._path or 'bytes in memory'}: cannot be pickled, for there is no file to open again"
            )
        if not os.path.isfile(self._origin[0]):
            raise NotSupportedError(f"{self._path}: no regular file, so it cannot be pickled")
        return reopen, (*self._origin, digest(core))

    # -- what it stands on, and what comes with it

    @property
    def base(self) -> Btf | None:
        """What a split BTF continues; None for one that stands alone."""
        _ = self._core
        return self._base

    @property
    def first_id(self) -> int:
        """The type id of row 0 of `types`: 0, or for a split BTF one past its base's last."""
        return self._core.first_id

    def relocate(self, base: Btf) -> Btf:
        """A split BTF that stands on a distilled base (`.BTF.base`), on a full one: a copy whose ids are the
        ones that libbpf's `btf__relocate` gives.

        Raises:
            FormatError: a type of the distilled base has no counterpart in `base`, or more than one.
            NotSupportedError: this one does not stand on a distilled base.
        """
        core = self._core.relocate(base._core, self._path or "buffer")
        origin = None if self._origin is None else (*self._origin[:3], base)
        return Btf(core, self._path, base=base, ext=self._ext, origin=origin)

    @property
    def ext(self) -> Ext | None:
        """The `.BTF.ext` section of a BPF object: what its instructions have to do with these types. None
        where there is none. Checked when first asked for: `FormatError`."""
        from .ext import Ext

        core = self._core
        if self._ext is None:
            return None
        ext: Ext | None = self._tables.get(Ext)
        if ext is None:
            ext = self._tables[Ext] = Ext(self, self._ext, core)
        return ext

    # -- its bytes

    @property
    def source(self) -> Source:
        """Where it came from and how it was opened."""
        from .source import Source

        core = self._core
        return Source(self._path, core.how, core.size, core.byte_order, core.pointer_size)

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

    def _columns(self, table: str) -> dict[str, memoryview[Any]]:
        """A table's columns without numpy; `indptr` is among them where there is one."""
        core = self._core
        views = self._views.get(table)
        if views is None:
            views = {name: memoryview(view) for name, view in core.table(table).items()}
            self._views[table] = views
        return views

    def _table(self, table: type[AnyTable]) -> AnyTable:
        views = self._columns(table.native_name)
        built: AnyTable | None = self._tables.get(table)
        if built is None:
            built = table(**{name: _array(view) for name, view in views.items()})
            self._tables[table] = built
        return built

    # -- its names

    def name(self, type_id: int) -> str:
        """The name of a type, "" if it has none; type id 0 is "void". Bytes that are no UTF-8 come with
        surrogateescape. Raises `NotFoundError` where there is no such id."""
        return self._core.name(type_id)

    def names(self, type_ids: Iterable[int] | npt.NDArray[Any] | None = None) -> list[str]:
        """The names of many types at once, or of all in the rows of `types`. Raises `NotFoundError`."""
        return self._core.all_names() if type_ids is None else self._core.names(type_ids)

    def string(self, offset: int) -> str:
        """The string at an offset of the string section: what a `name_off` stands for. A split BTF's
        offsets continue after its base's. Raises `NotFoundError` past the end."""
        return self._core.string(offset)

    def strings(self, offsets: Iterable[int] | npt.NDArray[Any]) -> list[str]:
        """The same for many, say `btf.strings(btf.members.name_off)`."""
        return self._core.strings(offsets)

    def find(self, name: str, kind: int | None = None) -> int | None:
        """The lowest type id of that name, and of that kind if one is given; None where there is none.

        A name may be written as in C: "struct task_struct" finds only a STRUCT, "union x" a UNION,
        "enum x" an ENUM or ENUM64. "void" is type id 0, as in libbpf. A base's types come before those of
        what continues it.
        """
        return self._core.find(*_query(name, kind))

    def find_all(self, name: str, kind: int | None = None) -> list[int]:
        """Every type id that `find` would accept, ascending."""
        return self._core.find_all(*_query(name, kind))

    def lookup(self, names: Iterable[str], kind: int | None = None) -> npt.NDArray[np.int64]:
        """`find` for many names: `int64[len(names)]`, -1 where there is no such type."""
        import numpy as np

        found = (self.find(name, kind) for name in names)
        return np.array([-1 if type_id is None else type_id for type_id in found], np.int64)

    # -- its types as objects

    def _type(self, type_id: int) -> Type:
        """A `Type` of whichever BTF, this or one of its bases, has the id."""
        from .types import Type

        owner = self
        while type_id < owner.first_id:
            assert owner._base is not None
            owner = owner._base
        return Type(owner, type_id)

    def __getitem__(self, key: int | str) -> Type:
        """A `Type`, by its id or by a name as `find` takes it. Raises `NotFoundError`, a `KeyError`."""
        if isinstance(key, str):
            type_id = self.find(key)
            if type_id is None:
                raise NotFoundError(f"no type named {key!r}")
            return self._type(type_id)
        self._core.name(key)  # refuses an id that is not there
        return self._type(int(key))

    def __contains__(self, key: object) -> bool:
        if isinstance(key, str):
            return self.find(key) is not None
        if hasattr(key, "__index__"):
            return 0 <= operator.index(key) < self.first_id + len(self)
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


# Kinds by number, so that a search does not import enum.
_C_KEYWORDS = {"struct": b"\x04", "union": b"\x05", "enum": b"\x06\x13"}


def _query(name: str, kind: int | None) -> tuple[str, bytes]:
    """The bare name and the kinds to look for (none given: all)."""
    keyword, space, bare = name.partition(" ")
    if space and keyword in _C_KEYWORDS:
        kinds = _C_KEYWORDS[keyword]
        if kind is not None and kind not in kinds:
            raise ValueError(f"{name!r} says {keyword}, but kind is {kind!r}")
        return bare.strip(), kinds if kind is None else bytes([kind])
    return name, b"" if kind is None else bytes([kind])


def _array(view: Any) -> Any:
    import numpy as np

    return np.asarray(view)
