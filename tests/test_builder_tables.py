"""`Builder.add_tables`: the inverse of the tables, for real files and random type graphs."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import requirements
from btf_writer import BtfWriter, every_kind
from found_types import id_of, target
from stored_files import KERNELS, MODULES, stored

import btfmmap
from btfmmap import Btf, Builder, Kind

NAMES = ("types", "members", "params", "enumerators", "arrays", "ints", "funcs", "vars", "secinfos")
TABLES = (*NAMES, "decl_tags")


def tables_of(btf: Btf) -> dict[str, Any]:
    return {name: getattr(btf, name) for name in TABLES}


def rebuilt(btf: Btf, tables: dict[str, Any] | None = None, **options: Any) -> Btf:
    builder = Builder(byte_order=btf.source.byte_order, base=btf.base)
    builder.add_tables(**(tables_of(btf) if tables is None else tables), **options)
    return builder.build()


@pytest.fixture(scope="module")
def kernel() -> Btf:
    return btfmmap.open(data=stored("7.2-amd64.btf"))


@pytest.fixture(scope="module", params=[*KERNELS, *MODULES])
def real(request: pytest.FixtureRequest, kernel: Btf) -> Btf:
    if request.param in MODULES:
        return btfmmap.open(data=stored(f"{request.param}.ko"), base=kernel)
    return btfmmap.open(data=stored(f"{request.param}.btf"))


class TestRealFiles:
    def test_all_bytes(self, real: Btf) -> None:
        assert bytes(rebuilt(real, strings=real.string_section).raw) == bytes(real.raw)

    def test_without_strings(self, real: Btf) -> None:
        """The same content, and each string of the section is used, once."""
        made = rebuilt(real)
        assert made.dump() == real.dump()
        section = made.string_section.tobytes()
        parts = section.split(b"\0")[:-1]
        assert len({*parts}) == len(parts)
        start = 0 if made.base is None else sum(len(level.string_section) for level in [made.base])
        used = {0}
        for name in ("types", "members", "params", "enumerators"):
            used |= {*(np.unique(getattr(made, name).name_off).astype(np.int64) - start).tolist()}
        starts = np.cumsum([0, *(len(part) + 1 for part in parts)])[:-1]
        assert {*starts.tolist()} <= used

    def test_other_byte_order(self, real: Btf) -> None:
        if real.base is not None:
            pytest.skip("a split BTF has the byte order of its base")
        other = {"little": "big", "big": "little"}[real.source.byte_order]
        builder = Builder(byte_order=other)  # type: ignore[arg-type]
        builder.add_tables(**tables_of(real), strings=real.string_section)
        made = builder.build()
        assert made.source.byte_order == other
        assert made.type_section.tobytes() == real.type_section.byteswap().tobytes()


def every(order: str = "<") -> Btf:
    return btfmmap.open(data=every_kind(order).build())


class TestColumns:
    @pytest.mark.parametrize("order", "<>")
    def test_names_as_texts(self, order: str) -> None:
        btf = every(order)
        tables = {name: dict(table) for name, table in tables_of(btf).items()}
        for name in ("types", "members", "params", "enumerators"):
            tables[name]["name"] = btf.strings(tables[name].pop("name_off"))
        made = rebuilt(btf, tables)
        assert made.dump() == btf.dump()
        # In the order of first use: that of the record before those of its elements.
        assert made.string_section.tobytes().startswith(
            b"\0int\0long unsigned int\0_Bool\0char\0pair\0left\0"
        )

    def test_only_what_is_needed(self) -> None:
        """vlen, kind_flag, IDs and names follow from the rest."""
        builder = Builder()
        ids = builder.add_tables(
            types={
                "kind": [Kind.INT, Kind.STRUCT, Kind.PTR],
                "size_or_type": [4, 4, 2],
                "name": ["int", "s", ""],
            },
            members={
                "parent": [2, 2],
                "type": [1, 1],
                "bit_offset": [0, 3],
                "bitfield_size": [3, 29],
                "name": ["low", "high"],
            },
            ints={"encoding": [1], "bit_offset": [0], "nr_bits": [32]},
        )
        assert ids.tolist() == [1, 2, 3]
        writer = BtfWriter()
        writer.add_int("int")
        writer.add_struct("s", 4, [("low", 1, 3 << 24), ("high", 1, 29 << 24 | 3)], kind_flag=True)
        writer.add(2, size_or_type=2)
        assert builder.build().dump() == btfmmap.open(data=writer.build()).dump()

    def test_functions_without_their_table(self) -> None:
        btf = every()
        tables = tables_of(btf)
        del tables["funcs"]
        assert bytes(rebuilt(btf, tables, strings=btf.string_section).raw) == bytes(btf.raw)

    def test_linkage_without_vlen(self) -> None:
        btf = every()
        tables = tables_of(btf)
        tables["types"] = {name: column for name, column in dict(btf.types).items() if name != "vlen"}
        assert bytes(rebuilt(btf, tables, strings=btf.string_section).raw) == bytes(btf.raw)

    def test_pandas(self) -> None:
        requirements.package("pandas")
        btf = every()
        tables = {name: table.to_pandas() for name, table in tables_of(btf).items()}
        assert bytes(rebuilt(btf, tables, strings=btf.string_section).raw) == bytes(btf.raw)

    def test_rows_in_any_order(self) -> None:
        """The elements of a record keep theirs."""
        btf = every()
        chosen = np.random.default_rng(1)
        tables: dict[str, Any] = {"types": btf.types}
        for name, table in tables_of(btf).items():
            if name != "types":
                order = chosen.permutation(len(table))
                if name in ("members", "params", "enumerators", "secinfos"):
                    order = np.argsort(chosen.permutation(len(btf.types))[table.parent], kind="stable")
                tables[name] = table[order]
        assert bytes(rebuilt(btf, tables, strings=btf.string_section).raw) == bytes(btf.raw)

    def test_selected_types(self) -> None:
        """Types with their IDs, some of them and in another order, after others: references follow."""
        btf = every()
        builder = Builder(byte_order="little")
        first = builder.int("first", 4)
        chosen = [
            id_of(btf, "pair"),
            5,
            6,
            id_of(btf, "char"),
            id_of(btf, "int"),
            id_of(btf, "long unsigned int"),
        ]
        types = btf.types[[0, *chosen]]
        tables = {
            "members": btf.members[np.isin(btf.members.parent, chosen)],
            "arrays": btf.arrays[np.isin(btf.arrays.id, chosen)],
            "ints": btf.ints[np.isin(btf.ints.id, chosen)],
        }
        ids = builder.add_tables(types=types, **tables, strings=btf.string_section)
        assert ids.tolist() == [0, *range(first + 1, first + 7)]
        made = builder.build()
        assert made.dump("c", roots=["pair"]) == btf.dump("c", roots=["pair"])
        assert made.string_section.tobytes().startswith(b"\0first\0pair\0left\0right\0")

    def test_references_to_the_builder(self) -> None:
        builder = Builder()
        number = builder.int("int", 4)
        ids = builder.add_tables(types={"kind": [Kind.PTR, Kind.CONST], "size_or_type": [number, number + 1]})
        assert ids.tolist() == [2, 3]
        assert target(builder.build()[3]).id == 2

    def test_values(self) -> None:
        """64 bits of either sign, as arrays of any integers or as lists."""
        columns = {"kind": [Kind.ENUM64, Kind.ENUM64, Kind.ENUM], "size_or_type": [8, 8, 4]}
        builder = Builder()
        builder.add_tables(
            types=columns,
            enumerators={
                "parent": [1, 2, 3],
                "value": np.array([2**64 - 1, 1, 2**32 - 1], np.uint64),
                "signed": [False, False, False],
            },
        )
        builder.add_tables(
            types=columns, enumerators={"parent": [4, 5, 6], "value": [-(2**63), 2**63 - 1, -1]}
        )
        objects = np.array([2**64 - 1, 1, 7], object)
        builder.add_tables(types=columns, enumerators={"parent": [7, 8, 9], "value": objects})
        made = builder.build()
        assert made.enumerators.value.tolist()[:6] == [-1, 1, 2**32 - 1, -(2**63), 2**63 - 1, 2**32 - 1]
        assert made.enumerators.value.tolist()[6:] == [-1, 1, 7]


def changed(table: str, **columns: Any) -> dict[str, Any]:
    """All tables of `every`, one of them with other columns; None leaves one out."""
    tables = tables_of(every())
    new = {**dict(tables[table]), **columns}
    return {**tables, table: {name: column for name, column in new.items() if column is not None}}


def altered(table: str, column: str, row: int, value: int) -> dict[str, Any]:
    copied = getattr(every(), table)[column].copy()
    copied[row] = value
    return changed(table, **{column: copied})


REFUSED = [
    (changed("types", kind=None), "types: the column 'kind' is missing"),
    (changed("members", parent=None), "members: the column 'parent' is missing"),
    (changed("ints", nr_bits=None), "ints: the column 'nr_bits' is missing"),
    (changed("members", type=[1]), "members: the columns have different lengths"),
    (altered("members", "parent", 0, 99), "members.parent: row 0 has the type [99], which is not among"),
    (altered("members", "parent", 1, 1), "members.parent: row 1 has the type [1], which is a INT"),
    (
        altered("types", "vlen", 7, 2),
        "type [7] STRUCT 'pair': has 2 elements by its vlen, but 3 in their table",
    ),
    (altered("types", "kind", 5, 77), "type [5] UNKNOWN_77: tables do not have the contents of this kind"),
    (altered("types", "kind", 5, 200), "types: row 5 has the kind 200, the last one is 127"),
    (altered("types", "size_or_type", 5, 1000), "type [5] PTR: refers to type [1000], which is not among"),
    (altered("members", "type", 0, 1000), "type [7] STRUCT 'pair': refers to type [1000]"),
    (altered("ints", "encoding", 0, 16), "ints.encoding has the value 16, must be 0 to 15"),
    (altered("ints", "size", 0, 8), "ints: row 0 of type [1] has the size 8, but types has 4"),
    (altered("ints", "id", 0, 2), "ints: row 0 of type [2] has the size 4, but types has 8"),
    (altered("funcs", "linkage", 0, 2), "has the linkage 1 by its vlen, but 2 in the table of functions"),
    (
        altered("types", "kind_flag", 8, 0),
        "type [8] STRUCT 'flags': member 0 is a bitfield, but the kind flag",
    ),
    (altered("members", "bit_offset", 4, 1 << 24), "type [8] STRUCT 'flags': member 1 is at bit 16777216"),
    (altered("types", "id", 3, 4), "types: the ID 4 is there twice"),
    (changed("types", size_or_type=[2**32] * 28), "types.size_or_type has the value 4294967296"),
    (changed("members", bit_offset=[-1] * 8), "members.bit_offset has the value -1, must be 0 to"),
    (changed("types", kind=np.zeros((2, 2), np.uint8)), "types.kind has 2 dimensions, must have 1"),
    (
        {**tables_of(every()), "ints": every().ints[:2]},
        "type [3] INT '_Bool': has no row in the table of its kind",
    ),
    (
        {**tables_of(every()), "members": every().members[:0]},
        "type [7] STRUCT 'pair': has 3 elements by its vlen, but 0 in their table",
    ),
]


@pytest.mark.parametrize(("tables", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_refused(tables: dict[str, Any], message: str) -> None:
    """Contradictions are errors that name the record or the row, and nothing is added."""
    builder = Builder(byte_order="little")
    with pytest.raises(ValueError, match=re.escape(message)):
        builder.add_tables(**tables)
    assert builder.next_id == 1


def test_wrong_types() -> None:
    for tables, message in [
        (changed("types", size_or_type=[1.5] * 28), "types.size_or_type is of float64, must be of integers"),
        (changed("types", size_or_type=["x"] * 28), "types.size_or_type is of <U1, must be of integers"),
        (changed("types", size_or_type=[None] * 28), "types.size_or_type is not of integers"),
        (changed("types", name=[7] * 28), "types.name has 7, must be of str"),
        ({"types": 7}, "types is 7, must be a table or a mapping of columns"),
    ]:
        with pytest.raises(TypeError, match=message):
            Builder().add_tables(**tables)


def test_strings_must_end() -> None:
    with pytest.raises(ValueError, match="strings: the section does not end with a NUL byte"):
        Builder().add_tables(**tables_of(every()), strings=b"\0x")


def test_name_offsets() -> None:
    """Those into other strings are checked at once, those into the builder's own with the rest."""
    wrong = changed("types", name_off=[2**20] * 28)
    builder = Builder(byte_order="little")
    builder.fwd("before")
    with pytest.raises(ValueError, match=r"type \[2\] INT: has the name offset 1048576, past the \d+ bytes"):
        builder.add_tables(**wrong, strings=every().string_section)
    assert builder.next_id == 2
    builder.add_tables(**wrong)
    with pytest.raises(btfmmap.FormatError, match=r"type \[2\] has the name offset 1048576, past the"):
        builder.build()


def test_strings_that_are_not_the_files() -> None:
    """A section that no BTF may have is refused, and the builder can be used afterwards."""
    builder = Builder()
    for strings in (b"x\0", b""):
        with pytest.raises(ValueError, match="does not start with a NUL byte"):
            builder.add_tables(types={"kind": [Kind.PTR], "size_or_type": [0]}, strings=strings)
    assert len(builder.build()) == 1


def test_random_graphs() -> None:
    """What hypothesis makes, by its tables: the same bytes with the strings, the same rows without."""
    hypothesis = requirements.package("hypothesis")
    from type_graphs import TypeGraph, type_graphs

    def check(graph: TypeGraph) -> None:
        blob = graph.writer.build()
        btf = btfmmap.open(data=blob)
        assert bytes(rebuilt(btf, strings=btf.string_section).raw) == blob
        made = rebuilt(btf)
        assert made.dump() == btf.dump()
        for name in TABLES:
            own, other = getattr(made, name), getattr(btf, name)
            for column in {*own.columns} - {"name_off"}:
                assert own[column].tolist() == other[column].tolist(), (name, column)

    hypothesis.settings(max_examples=300, deadline=None)(hypothesis.given(type_graphs())(check))()


def test_names_as_texts_on_a_base() -> None:
    builder = btfmmap.Builder()
    builder.int("int", 4)
    base = builder.build()
    split = btfmmap.Builder(base=base)
    columns = {"kind": [Kind.PTR, Kind.STRUCT], "size_or_type": [1, 8], "name": ["", "own"]}
    split.add_tables(types=columns)
    assert split.build().names([2, 3]) == ["", "own"]
