"""Makes a `Btf` of the types that a kernel has in a corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..errors import FormatError
from ..kinds import Kind
from ..writing.builder import Builder
from .words import ELEMENTS, refers

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..btf import Btf
    from ..writing.builder import ByteOrder
    from .lineage import Lineage

    Array = npt.NDArray[Any]


class Restored(NamedTuple):
    """A BTF that was restored.

    Attributes:
        btf: The BTF. Its types are those of the original in another order.
        ids: By number in the lineage, the type ID; 0 for types that it does not have.
        keys: By key in the lineage, likewise.
    """

    btf: Btf
    ids: Array
    keys: Array


def restored(lineage: Lineage, numbers: Array, byte_order: ByteOrder, base: Restored | None) -> Restored:
    """Restore a BTF.

    Args:
        lineage: The types.
        numbers: Those of the BTF, ascending.
        byte_order: "little" or "big".
        base: The base of a split BTF.

    Raises:
        FormatError: The tables contradict each other.
    """
    first = 1 if base is None else base.btf.first_id + len(base.btf.types)
    size, key_count = len(lineage.ids), int(lineage.keys.max(initial=0)) + 1
    ids = np.zeros(size, np.uint32) if base is None else base.ids.copy()
    keys = np.zeros(key_count, np.uint32) if base is None else base.keys.copy()
    own = np.arange(first, first + len(numbers), dtype=np.uint32)
    ids[numbers] = own
    has_key = (lineage.records.types["name"][numbers - 1] != 0) | (
        lineage.records.types["ordinal"][numbers - 1] >= 1 << 31
    )
    keys[lineage.keys[numbers[has_key]]] = own[has_key]

    def resolved(types: Array) -> Array:
        defined = np.concatenate([[True], lineage.records.types["defined"]])[types]
        found = np.where(defined, ids[types], keys[lineage.keys[types]])
        if ((found == 0) & (types != 0)).any():
            missing = types[np.argmax((found == 0) & (types != 0))]
            raise FormatError(f"the type {lineage.ids[missing]} is referred to by a kernel that lacks it")
        return found

    tables = _tables(lineage, numbers, own, resolved, _Names(lineage, verbatim=base is None))
    try:
        builder = Builder(byte_order=None if base is not None else byte_order, base=base and base.btf)
        builder.add_tables(**tables)
        btf = builder.build()
    except (ValueError, TypeError) as error:
        raise FormatError(f"the tables of the corpus contradict each other: {error}") from None
    return Restored(btf, ids, keys)


def _tables(lineage: Lineage, numbers: Array, own: Array, resolved: Any, names: _Names) -> dict[str, Any]:
    records = lineage.records
    rows = numbers - 1
    types = {name: column[rows] for name, column in records.types.items()}
    kinds = types["kind"]
    refer = refers(kinds)
    is_array = kinds == Kind.ARRAY
    value = types["value"].copy()
    value[refer] = resolved(value[refer])
    is_func = kinds == Kind.FUNC
    tables: dict[str, Any] = {
        "types": {
            "id": own,
            "kind": kinds,
            "kind_flag": types["flag"],
            "vlen": np.where(is_func, types["extra"], types["elements"]).astype(np.uint32),
            "size_or_type": np.where(is_array, 0, value).astype(np.uint32),
            **names.column(types["name"]),
        },
        "arrays": {
            "type": value[is_array],
            "index_type": resolved(types["index_type"][is_array]),
            "nelems": types["extra"][is_array],
        },
        "strings": names.section,
    }
    ints = types["extra"][kinds == Kind.INT]
    tables["ints"] = {
        "encoding": (ints >> 24).astype(np.uint32),
        "bit_offset": ints >> 16 & 0xFF,
        "nr_bits": ints & 0xFF,
    }
    tables["funcs"] = {"linkage": types["extra"][is_func]}
    tables["vars"] = {"linkage": types["extra"][kinds == Kind.VAR]}
    tables["decl_tags"] = {"component_idx": types["extra"][kinds == Kind.DECL_TAG].view(np.int32)}
    new_ids = np.zeros(len(lineage.ids), np.uint32)
    new_ids[numbers] = own
    for table in ELEMENTS:
        element = records.elements[table]
        parents = new_ids[element["row"] + 1]
        kept = parents != 0
        columns: dict[str, Any] = {"parent": parents[kept]}
        for name, column in element.items():
            if name == "name":
                columns |= names.column(column[kept])
            elif name == "type":
                columns["type"] = resolved(column[kept])
            elif name not in ("row", "number"):
                columns[name] = column[kept]
        if table == "members":
            columns["bitfield_size"] = columns.pop("bits")
        elif table == "enumerators":
            columns["signed"] = types["signed"][columns["parent"] - (own[0] if len(own) else 0)]
        tables[table] = columns
    return tables


class _Names:
    """Columns of names for `Builder.add_tables`.

    Attributes:
        section: A string section; None for a split BTF, whose names are few and given as texts.
    """

    def __init__(self, lineage: Lineage, *, verbatim: bool) -> None:
        self._names = lineage.names
        self.section: bytes | None = None
        if verbatim:
            texts = [name.encode(errors="surrogateescape") for name in lineage.names]
            self._offsets = np.zeros(len(texts) + 1, np.int64)
            np.cumsum([len(text) + 1 for text in texts], out=self._offsets[1:])
            self.section = b"\0".join(texts) + b"\0"

    def column(self, numbers: Array) -> dict[str, Any]:
        """The column of names with these numbers."""
        if self.section is None:
            return {"name": [self._names[number] for number in numbers.tolist()]}
        return {"name_off": self._offsets[numbers].astype(np.uint32)}
