"""`Builder`: makes a BTF of records, columns, or types of other BTFs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex, TypeAlias

import numpy as np

from .._core import Draft
from ..btf import Btf
from .closures import closure_number
from .columns import written_tables
from .record_methods import RecordMethods
from .results import opened, save

if TYPE_CHECKING:
    import numpy.typing as npt

    from .._core import Buffer
    from .closures import Closure
    from .columns import Columns

Ids: TypeAlias = "Iterable[SupportsIndex] | npt.NDArray[Any]"
ByteOrder: TypeAlias = Literal["little", "big"]

_ORDERS = ("little", "big")


class Builder(RecordMethods):
    """Makes a BTF: takes types, and builds a `Btf` of them or saves it.

    Each method that is named like a kind adds one record and returns its type ID. IDs follow one another, so
    a record can refer to one that is added later: `next_id` is the ID of the next one. `build` and `save`
    validate all references.

    Strings are stored once, in the order of first use. The limits are the kernel's: type IDs up to 1,048,575,
    name offsets and numbers of elements up to 16,777,215. What exceeds a limit raises a `ValueError` that
    names the record, and is not added.

    Args:
        byte_order: The byte order of the BTF; by default that of the base, or else the host's.
        base: The BTF that a split BTF continues.
        layout: Whether to write the layout section of Linux 7.1, which describes the records of each kind. It
            needs a header of 32 bytes, which older readers refuse. Without it, the header has 24 bytes.

    Raises:
        ValueError: `byte_order` is unknown, or not that of the base, or the base is closed.
        TypeError: `base` is not a `Btf`.

    Example:
        >>> builder = btfmmap.Builder()
        >>> int_id = builder.int("int", 4, encoding=btfmmap.IntEncoding.SIGNED)
        >>> node = builder.next_id
        >>> builder.struct("node", 16, [("next", node + 1, 0), ("value", int_id, 64)])
        2
        >>> builder.ptr(node)
        3
        >>> builder.build()["struct node"].size
        16
    """

    __slots__ = ("_base", "_byte_order")

    def __init__(
        self, *, byte_order: ByteOrder | None = None, base: Btf | None = None, layout: bool = False
    ) -> None:
        if base is not None and not isinstance(base, Btf):
            raise TypeError(f"base is {base!r}, must be a Btf: open it first")
        if byte_order is None:
            byte_order = sys.byteorder if base is None else base._core.byte_order
        if byte_order not in _ORDERS:
            raise ValueError(f"byte_order is {byte_order!r}, must be 'little' or 'big'")
        self._base = base
        self._byte_order: ByteOrder = byte_order
        super().__init__(Draft(byte_order == "big", None if base is None else base._core, layout))

    @property
    def base(self) -> Btf | None:
        """The BTF that the new one continues; None if it stands alone.

        Example:
            >>> btfmmap.Builder(base=btf).base is btf
            True
        """
        return self._base

    @property
    def byte_order(self) -> ByteOrder:
        """The byte order of the BTF, "little" or "big".

        Example:
            >>> btfmmap.Builder(byte_order="big").byte_order
            'big'
        """
        return self._byte_order

    # -- types of other BTFs, and columns

    def add(self, btf: Btf, type_ids: Ids, *, closure: Closure = "deep") -> npt.NDArray[np.uint32]:
        """Add types of another BTF, of either byte order, in the order of their IDs.

        A type of a `Btf` is added once, by whichever call. Types of a base that both have in common are not
        added: they keep their IDs.

        Args:
            btf: Whose types are added.
            type_ids: Their IDs.
            closure: Which others are added with them. "deep": all that they refer to, directly or not.
                "pointers": the same, except what only pointers refer to; such a pointer then refers to a FWD
                if its type is, below typedefs and qualifiers, a struct or union with a name, and otherwise to
                void. "none": no others; what they refer to must be among them, or have been added before.

        Returns:
            Their IDs in this builder, `uint32[n]`.

        Raises:
            NotFoundError: There is no such type.
            ValueError: `closure` is unknown, "none" leaves a reference without a type, or a limit of the
                format is exceeded.
            NotSupportedError: A type is of a kind that only the layout section describes.

        Example:
            >>> builder = btfmmap.Builder()
            >>> builder.add(btf, btf.find_all("list"))
            array([1], dtype=uint32)
            >>> builder.build().names()
            ['void', 'list', '']
        """
        number = closure_number(closure)
        if not isinstance(btf, Btf):
            raise TypeError(f"btf is {btf!r}, must be a Btf")
        return np.asarray(self._draft.add_types(btf._core, type_ids, number))

    def add_tables(
        self,
        *,
        types: Columns,
        members: Columns | None = None,
        params: Columns | None = None,
        enumerators: Columns | None = None,
        arrays: Columns | None = None,
        ints: Columns | None = None,
        funcs: Columns | None = None,
        vars: Columns | None = None,  # noqa: A002 (the name of the table)
        secinfos: Columns | None = None,
        decl_tags: Columns | None = None,
        strings: Buffer | npt.NDArray[Any] | None = None,
    ) -> npt.NDArray[np.uint32]:
        """Add types as columns: the inverse of the tables of a `Btf`.

        Each table is a mapping from names to columns, such as a table of a `Btf`, a dict of arrays or a
        `pandas.DataFrame`. The columns are those of `btfmmap.tables`.

        - `types` needs `kind` and `size_or_type`. Without `id`, the types get the next IDs. Without `vlen` or
          `kind_flag`, these follow from the other tables. A row of kind VOID is skipped, and `offset` is not
          used.
        - The rows of `members`, `params`, `enumerators` and `secinfos` belong to the type with the ID
          `parent`, in their order.
        - The rows of the other tables belong to the type with their `id`; without that column, they are in
          the order of the types. What they repeat of `types` must be the same there. `funcs` may be left out.

        References to IDs of `types.id` are to these types. All others are to types of this builder or its
        base. So any selection of rows can be added, in any order.

        Each table has its names as a column `name` of `str`, or as `name_off`: an offset into `strings`; or,
        without `strings`, into the strings of the `Btf` whose table it is, or else of this builder.

        Args:
            types: The types.
            members: The members of STRUCT and UNION types.
            params: The parameters of FUNC_PROTO types.
            enumerators: The values of ENUM and ENUM64 types.
            arrays: Element type, index type and length of ARRAY types.
            ints: Encoding, bit offset and number of bits of INT types.
            funcs: The linkage of FUNC types.
            vars: The linkage of VAR types.
            secinfos: The entries of DATASEC types.
            decl_tags: The components of DECL_TAG types.
            strings: A string section, such as `Btf.string_section`. If this builder has no strings yet, the
                section is taken as it is; otherwise, and without `strings`, only the strings that are used
                are stored, each once.

        Returns:
            The ID in this builder of each row of `types`, `uint32[n]`; 0 for VOID.

        Raises:
            ValueError: A column is missing or has another length, a value does not fit, or tables contradict
                each other. Names the record or the row.
            TypeError: A column is not of integers, or a name not a `str`.

        Example:
            >>> names = ("types", "members", "params", "enumerators", "arrays", "ints", "funcs", "vars")
            >>> tables = {name: getattr(btf, name) for name in (*names, "secinfos", "decl_tags")}
            >>> builder = btfmmap.Builder(byte_order=btf.source.byte_order)
            >>> ids = builder.add_tables(**tables, strings=btf.string_section)
            >>> bytes(builder.build().raw) == bytes(btf.raw)
            True
        """
        tables = {
            "types": types,
            "members": members,
            "params": params,
            "enumerators": enumerators,
            "arrays": arrays,
            "ints": ints,
            "funcs": funcs,
            "vars": vars,
            "secinfos": secinfos,
            "decl_tags": decl_tags,
        }
        given = {name: table for name, table in tables.items() if table is not None}
        return written_tables(self._draft, given, strings, self._base)

    # -- the result

    def build(self) -> Btf:
        """Return the BTF. The builder can be used further.

        References to types and strings are validated, as when a BTF is opened. Whether the types make sense
        to the kernel is for `btfmmap.lint(..., rules="kernel")`: it finds members past the end of a struct,
        invalid names and loops.

        Returns:
            The opened BTF.

        Raises:
            FormatError: A record refers to a type or string that does not exist. Names the record.

        Example:
            >>> builder = btfmmap.Builder()
            >>> builder.ptr(7)
            1
            >>> builder.build()
            Traceback (most recent call last):
                ...
            btfmmap.errors.FormatError: buffer: type [1] refers to type [7], the last one is [1]
        """
        return opened(self._draft.build("buffer"), self._base)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Validate the BTF and write it to a file, which is replaced as a whole.

        Args:
            path: The file.

        Raises:
            FormatError: A record refers to a type or string that does not exist. Names the record.
            OSError: The file cannot be written. What was there before is unchanged.

        Example:
            >>> import tempfile
            >>> builder = btfmmap.Builder()
            >>> _ = builder.int("int", 4)
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     builder.save(f"{folder}/one.btf")
            ...     len(btfmmap.open(f"{folder}/one.btf"))
            2
        """
        save(path, self.build().raw.data)

    def __repr__(self) -> str:
        return f"<Builder of {self._byte_order}-endian BTF, next ID {self.next_id}>"
