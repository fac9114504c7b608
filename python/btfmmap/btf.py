"""`Btf`: one BTF, and what can be asked of it."""

from __future__ import annotations

import operator
import os

from .errors import NotFoundError, NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType
    from typing import Any, TypeVar

    import numpy as np
    import numpy.typing as npt

    from . import tables
    from ._core import Btf as CoreBtf
    from .source import Source
    from .types import Type

    AnyTable = TypeVar("AnyTable", bound=tables.Table)


class Btf:
    """The types of one kernel, module or program; made by `btfmmap.open`.

    Immutable, and usable from several threads. Type ids are the kernel's: 0 is void, then 1 to
    `len(btf) - 1`. A context manager: `close` (or the end of `with`) ends its use, while arrays already
    handed out stay valid; the mapping goes when the last of them does.
    """

    __slots__ = ("__weakref__", "_core_or_none", "_method", "_path", "_reopen_path", "_tables", "_views")

    def __init__(self, core: CoreBtf, path: str | None, method: str) -> None:
        self._core_or_none: CoreBtf | None = core
        self._path = path
        self._method = method
        # Now, since the current folder may change.
        self._reopen_path = None if path is None else os.path.abspath(path)
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
        if self._reopen_path is None:
            raise NotSupportedError("bytes in memory cannot be pickled: there is no file to open again")
        if not os.path.isfile(self._reopen_path):
            raise NotSupportedError(f"{self._path}: no regular file, so it cannot be pickled")
        return reopen, (self._reopen_path, self._method, digest(core))

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

    @property
    def types(self) -> tables.Types:
        """Every type, row = type id."""
        from .tables import Types

        return self._table(Types)

    @property
    def members(self) -> tables.Members:
        """The members of every STRUCT and UNION."""
        from .tables import Members

        return self._table(Members)

    @property
    def params(self) -> tables.Params:
        """The parameters of every FUNC_PROTO."""
        from .tables import Params

        return self._table(Params)

    @property
    def enumerators(self) -> tables.Enumerators:
        """The values of every ENUM and ENUM64."""
        from .tables import Enumerators

        return self._table(Enumerators)

    @property
    def arrays(self) -> tables.Arrays:
        """Every ARRAY."""
        from .tables import Arrays

        return self._table(Arrays)

    @property
    def ints(self) -> tables.Ints:
        """Every INT."""
        from .tables import Ints

        return self._table(Ints)

    @property
    def funcs(self) -> tables.Funcs:
        """Every FUNC."""
        from .tables import Funcs

        return self._table(Funcs)

    @property
    def vars(self) -> tables.Vars:
        """Every VAR."""
        from .tables import Vars

        return self._table(Vars)

    @property
    def secinfos(self) -> tables.Secinfos:
        """The entries of every DATASEC."""
        from .tables import Secinfos

        return self._table(Secinfos)

    @property
    def decl_tags(self) -> tables.DeclTags:
        """Every DECL_TAG."""
        from .tables import DeclTags

        return self._table(DeclTags)

    # -- its names

    def name(self, type_id: int) -> str:
        """The name of a type, "" if it has none; type id 0 is "void". Bytes that are no UTF-8 come with
        surrogateescape. Raises `NotFoundError` where there is no such id."""
        return self._core.name(type_id)

    def names(self, type_ids: Iterable[int] | npt.NDArray[Any] | None = None) -> list[str]:
        """The names of many types at once, or of all in id order. Raises `NotFoundError`."""
        return self._core.all_names() if type_ids is None else self._core.names(type_ids)

    def string(self, offset: int) -> str:
        """The string at an offset of the string section: what a `name_off` stands for. Raises
        `NotFoundError` past its end."""
        return self._core.string(offset)

    def strings(self, offsets: Iterable[int] | npt.NDArray[Any]) -> list[str]:
        """The same for many, say `btf.strings(btf.members.name_off)`."""
        return self._core.strings(offsets)

    def find(self, name: str, kind: int | None = None) -> int | None:
        """The lowest type id of that name, and of that kind if one is given; None where there is none.

        A name may be written as in C: "struct task_struct" finds only a STRUCT, "union x" a UNION,
        "enum x" an ENUM or ENUM64. "void" is type id 0, as in libbpf.
        """
        return self._core.find(*_query(name, kind))

    def find_all(self, name: str, kind: int | None = None) -> list[int]:
        """Every type id that `find` would accept, ascending."""
        return self._core.find_all(*_query(name, kind))

    # -- its types as objects

    def __getitem__(self, key: int | str) -> Type:
        """A `Type`, by its id or by a name as `find` takes it. Raises `NotFoundError`, a `KeyError`."""
        from .types import Type

        if isinstance(key, str):
            type_id = self.find(key)
            if type_id is None:
                raise NotFoundError(f"no type named {key!r}")
            return Type(self, type_id)
        self._core.name(key)  # refuses an id that is not there
        return Type(self, int(key))

    def __contains__(self, key: object) -> bool:
        if isinstance(key, str):
            return self.find(key) is not None
        if hasattr(key, "__index__"):
            return 0 <= operator.index(key) < len(self)
        return getattr(key, "btf", None) is self

    def __len__(self) -> int:
        """How many types there are, void included."""
        return self._core.rows

    def __iter__(self) -> Iterator[Type]:
        """Every type in id order, void first."""
        from .types import Type

        return (Type(self, type_id) for type_id in range(len(self)))


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
