"""The layout section (Linux 7.1 and later): records of unknown kinds are skipped."""

from __future__ import annotations

import json
import pickle
import random
import re
from collections.abc import Callable
from pathlib import Path

import btf_writer
import numpy as np
import pytest
from btf_writer import BtfWriter, every_kind
from layout_writer import (
    KINDS,
    KNOWN,
    LOCSEC,
    NEXT,
    NEXT_NAMES,
    Entries,
    extended,
    layout,
    next_kernel,
    with_layout,
)
from libbpf import libbpf
from mutants import mutant
from split_writer import SplitWriter
from table_rows import COLUMNS, rows
from type_questions import ask_about_types

import btfmmap
from btfmmap import Btf, FormatError, Kind, NotSupportedError
from btfmmap.cli import main


def with_unknown_kinds(order: str, header_size: int = 32) -> BtfWriter:
    """Every known kind, and between them kind 20 with one word, kind 21 with 8 bytes per element, kind 22
    with both."""
    writer = every_kind(order, header_size)
    known = writer.records
    writer.records = known[:3]
    writer.add(20, "word", size_or_type=2**32 - 1, extra=(2**32 - 1,))
    writer.add(21, "elements", vlen=3, kind_flag=True, extra=(2**32 - 1,) * 6)
    # Keep the references of the other records, whose ids have moved.
    writer.records += known[3:]
    writer.add(22, "both", vlen=2, size_or_type=7, extra=(1, 2, 3))
    writer.add(21, "", vlen=0)
    return writer


UNKNOWN_KINDS: Entries = [(4, 0), (0, 8), (4, 4)]


def without_funcs(writer: BtfWriter) -> BtfWriter:
    """Remove FUNCs: they have to refer to a prototype, and the unknown kinds have moved its id."""
    writer.records = [r for r in writer.records if kind_of(writer, r) != btf_writer.FUNC]
    return writer


def kind_of(writer: BtfWriter, record: bytes) -> int:
    return int.from_bytes(record[4:8], "little" if writer.order == "<" else "big") >> 24 & 0x7F


@pytest.fixture(params=["<", ">"])
def order(request: pytest.FixtureRequest) -> str:
    order: str = request.param
    return order


class TestUnknownKinds:
    @pytest.fixture
    def btf(self, order: str) -> Btf:
        return btfmmap.open(data=extended(without_funcs(with_unknown_kinds(order)), UNKNOWN_KINDS))

    def test_in_types(self, btf: Btf, order: str) -> None:
        records = without_funcs(with_unknown_kinds(order)).records
        writer = BtfWriter(order)
        assert len(btf) == len(records) + 1
        assert btf.types.kind.tolist() == [0] + [kind_of(writer, record) for record in records]
        assert btf.types.offset[1:].tolist() == np.cumsum([0, *map(len, records[:-1])]).tolist()
        unknown = btf.types[btf.types.kind >= KINDS]
        assert unknown.kind.tolist() == [20, 21, 22, 21]
        assert unknown.vlen.tolist() == [0, 3, 2, 0]
        assert unknown.kind_flag.tolist() == [False, True, False, False]
        assert unknown.size_or_type.tolist() == [2**32 - 1, 0, 7, 0]
        assert btf.strings(unknown.name_off) == ["word", "elements", "both", ""]

    def test_tables_of_known_kinds(self, btf: Btf, order: str) -> None:
        """Records of known kinds give the same rows as without the unknown kinds."""
        plain = btfmmap.open(data=without_funcs(every_kind(order)).build())
        moved = {0: 0} | {
            old.id: new
            for old, new in zip(
                list(plain)[1:], btf.types.id[(btf.types.kind > 0) & (btf.types.kind < KINDS)], strict=True
            )
        }
        for table in COLUMNS:
            if table == "types":
                continue
            places = ("id", "parent")
            expected = [
                tuple(moved[x] if name in places else x for name, x in zip(COLUMNS[table], row, strict=True))
                for row in rows(plain, table)
            ]
            assert rows(btf, table) == expected
        for table, counts in (("members", "vlen"), ("params", "vlen")):
            indptr = getattr(btf, table).indptr
            wanted = (Kind.STRUCT, Kind.UNION) if table == "members" else (Kind.FUNC_PROTO,)
            is_parent = np.isin(btf.types.kind, wanted)
            assert np.diff(indptr).tolist() == np.where(is_parent, btf.types[counts], 0).tolist()

    def test_by_name(self, btf: Btf) -> None:
        found = btf["word"]
        assert found.id == btf.find("word") == 4
        assert btf.find("word", 20) == 4
        assert btf.find("word", 21) is None
        assert btf.find_all("elements", Kind(21)) == [5]
        assert btf.find("pair") == 9
        assert btf.name(4) == "word"

    def test_as_objects(self, btf: Btf) -> None:
        both = btf["both"]
        assert isinstance(both.kind, Kind)
        assert (both.kind, both.kind.name, both.kind.value) == (22, "UNKNOWN_22", 22)
        assert (both.vlen, both.kind_flag) == (2, False)
        assert btf["elements"].kind_flag
        assert repr(both) == f"<Type [{both.id}] UNKNOWN_22 both>"
        nothing = (both.size, both.type, both.index_type, both.nelems, both.encoding, both.linkage)
        assert nothing == (None,) * 6
        assert (both.members, both.params, both.enumerators, both.secinfos) == ((), (), (), ())

    def test_libbpf_agrees(self) -> None:
        blob = extended(without_funcs(with_unknown_kinds("<")), UNKNOWN_KINDS)
        assert libbpf().type_count(blob) == len(btfmmap.open(data=blob))


def test_kinds() -> None:
    assert Kind(20) == 20
    assert Kind(20) == Kind(20)
    assert len({Kind(20), Kind(20), Kind(21)}) == 2
    assert repr(Kind(127)) == "<Kind.UNKNOWN_127: 127>"
    assert pickle.loads(pickle.dumps(Kind(127))) == Kind(127)
    assert len(list(Kind)) == KINDS
    for number in (-1, 128, 1000):
        with pytest.raises(ValueError, match="not a valid Kind"):
            Kind(number)


def test_highest_kind(order: str) -> None:
    """Kind 127, the last that seven bits hold, with the largest possible sizes."""
    writer = BtfWriter(order, 32)
    writer.add(127, "last", vlen=2, extra=(7,) * (63 * 3))
    writer.add_int("int")
    entries = [*KNOWN, *[(0, 0)] * (127 - KINDS), (252, 252)]
    btf = btfmmap.open(data=with_layout(writer, layout(entries, order)))
    assert btf.types.kind.tolist() == [0, 127, 1]
    assert btf[1].kind.name == "UNKNOWN_127"
    assert btf["int"].id == 2
    assert btf.find("last", 127) == 1


@pytest.mark.parametrize("section", [layout([(0, 0)] * 200), layout([*KNOWN, (4, 0)], flags=0xFFFF)])
def test_more_entries_than_kinds_and_flags(order: str, section: bytes) -> None:
    """Entries past 127 belong to no kind; flags do not affect sizes."""
    writer = BtfWriter(order, 32)
    extra = (5,) if len(section) < 200 * 4 else ()
    writer.add(20, "unknown", extra=extra)
    writer.add_int("int")
    assert btfmmap.open(data=with_layout(writer, section)).names() == ["void", "unknown", "int"]


def test_longer_header(order: str) -> None:
    writer = without_funcs(with_unknown_kinds(order, header_size=44))
    btf = btfmmap.open(data=extended(writer, UNKNOWN_KINDS))
    assert (btf.header["hdr_len"], btf.header["layout_len"]) == (44, 4 * (KINDS + 3))
    assert btf.find("both") == len(writer.records) - 1


def test_known_kinds_ignore_the_layout(order: str) -> None:
    """The layout is used only for unknown kinds, as in libbpf's btf_type_size."""
    writer = every_kind(order, 32)
    for lie in ([(0, 0)] * KINDS, [(252, 252)] * KINDS, [(3, 5)] * KINDS):
        btf = btfmmap.open(data=with_layout(writer, layout(lie, order)))
        plain = btfmmap.open(data=every_kind(order, 32).build())
        for table in COLUMNS:
            assert rows(btf, table) == rows(plain, table)


def test_void_is_refused_in_a_file(order: str) -> None:
    """Kind 0 is refused whatever the layout says."""
    writer = BtfWriter(order, 32)
    writer.add(0, "nothing")
    with pytest.raises(FormatError, match=r"type \[1\] has the unknown kind 0"):
        btfmmap.open(data=with_layout(writer, layout([(0, 0)] * 30, order)))


class TestEnumsOfManyValues:
    """vlen has 24 bits since the layout section came, 16 before."""

    def test_values(self, order: str) -> None:
        count = 70_000
        writer = BtfWriter(order, 32)
        name = writer.string("V")
        values = np.stack([np.full(count, name), np.arange(count)], axis=1).astype(f"{order}u4").tobytes()
        for kind, signed in ((btf_writer.ENUM, 0), (btf_writer.ENUM, 1)):
            writer.records.append(writer.words(name, signed << 31 | kind << 24 | count, 4) + values)
        writer.add_int("after")
        btf = btfmmap.open(data=writer.build())
        assert btf.types.vlen.tolist() == [0, count, count, 0]
        assert btf.types.kind_flag.tolist() == [False, False, True, False]
        assert btf.enumerators.value.tolist() == [*range(count)] * 2
        assert btf.enumerators.indptr.tolist() == [0, 0, count, 2 * count, 2 * count]
        assert btf.find("after") == 3
        assert btf[2].enumerators[-1] == ("V", count - 1)


class TestRefused:
    @pytest.mark.parametrize("entry", [(1, 0), (2, 4), (4, 6), (0, 3), (255, 255)])
    def test_sizes_that_are_no_words(self, order: str, entry: tuple[int, int]) -> None:
        """An invalid entry is an error only if a record has its kind."""
        writer = BtfWriter(order, 32)
        writer.add_int("int")
        assert len(btfmmap.open(data=extended(writer, [entry]))) == 2
        writer.add(20, "unknown", extra=(0,) * 64)
        with pytest.raises(FormatError, match=r"type \[2\] has the unknown kind 20") as caught:
            btfmmap.open(data=extended(writer, [entry]))
        assert caught.value.type_id == 2
        assert caught.value.offset == 32 + 16

    @pytest.mark.parametrize("kind", [20, 25, 127])
    def test_kinds_beyond_the_layout(self, order: str, kind: int) -> None:
        writer = BtfWriter(order, 32)
        writer.add(kind, "unknown")
        for entries in (KNOWN, [*KNOWN, *[(0, 0)] * (kind - KINDS)]):
            with pytest.raises(FormatError, match=f"has the unknown kind {kind}, and no layout section says"):
                btfmmap.open(data=with_layout(writer, layout(entries, order)))
        with pytest.raises(FormatError, match=f"has the unknown kind {kind}, and no layout section says"):
            btfmmap.open(data=writer.build())
        assert len(btfmmap.open(data=extended(writer, [(0, 0)] * (kind - KINDS + 1)))) == 2

    def test_name_past_the_strings(self, order: str) -> None:
        writer = BtfWriter(order, 32)
        writer.records.append(writer.words(1000, 20 << 24, 0))
        with pytest.raises(
            FormatError, match=r"type \[1\] has the name offset 1000, past the 1 bytes"
        ) as caught:
            btfmmap.open(data=extended(writer, [(0, 0)]))
        assert (caught.value.type_id, caught.value.offset) == (1, 32)

    @pytest.mark.parametrize(
        ("entry", "vlen", "size"),
        [((4, 0), 0, 16), ((0, 252), 2**24 - 1, 12 + 252 * (2**24 - 1)), ((252, 4), 1, 12 + 252 + 4)],
    )
    def test_past_the_section(self, order: str, entry: tuple[int, int], vlen: int, size: int) -> None:
        """2^24 - 1 elements of 252 bytes have nearly 2^32 bytes together."""
        writer = BtfWriter(order, 32)
        writer.add(20, "unknown", vlen=vlen)
        with pytest.raises(
            FormatError, match=rf"type \[1\] is cut short: its record has {size} bytes, 12 are"
        ):
            btfmmap.open(data=extended(writer, [entry]))

    @pytest.mark.parametrize(
        ("field", "change", "message"),
        [
            ("layout_off", lambda right: right + 2, "is not a multiple of 4"),
            ("layout_len", lambda right: right - 1, "is not a multiple of 4"),
            ("layout_off", lambda right: right - 4, "does not lie between"),
            ("layout_len", lambda right: right + 4, "does not lie between"),
            ("layout_off", lambda _: 2**32 - 4, "does not lie between"),
            ("layout_len", lambda _: 2**32 - 4, "does not lie between"),
        ],
    )
    def test_place(self, order: str, field: str, change: Callable[[int], int], message: str) -> None:
        writer = every_kind(order, 32)
        right = btfmmap.open(data=extended(writer, UNKNOWN_KINDS)).header[field]
        with pytest.raises(FormatError, match=rf"layout section \(offset \d+, \d+ bytes\) {message}"):
            btfmmap.open(data=extended(writer, UNKNOWN_KINDS, **{field: change(right)}))

    def test_a_short_header_has_none(self) -> None:
        """A header of 24 bytes ends before the layout fields, whatever follows it."""
        writer = BtfWriter("<", 24)
        writer.add(20, "unknown")
        section = layout([*KNOWN, (0, 0)])
        types = writer.type_section
        blob = writer.build(types=types + section, type_len=len(types))
        with pytest.raises(FormatError, match="unknown kind 20"):
            btfmmap.open(data=blob)


class TestSplit:
    def base(self, order: str, entries: Entries) -> tuple[BtfWriter, Btf]:
        writer = BtfWriter(order, 32)
        writer.add_int("int")
        return writer, btfmmap.open(data=extended(writer, entries))

    def with_unknown_kind(
        self, base: BtfWriter, header_size: int = 24, extra: tuple[int, ...] = (1,)
    ) -> SplitWriter:
        writer = SplitWriter(base, header_size)
        writer.add(20, "unknown", extra=extra)
        writer.add(btf_writer.CONST, size_or_type=1)
        return writer

    def test_the_base_has_it(self, order: str) -> None:
        """The base's layout also serves a split BTF on a split BTF without one."""
        low, base = self.base(order, [(4, 0)])
        middle = self.with_unknown_kind(low)
        between = btfmmap.open(data=middle.build(), base=base)
        assert between.types.kind.tolist() == [20, btf_writer.CONST]
        top = btfmmap.open(data=self.with_unknown_kind(middle).build(), base=between)
        assert top.types.kind.tolist() == [20, btf_writer.CONST]
        assert top.find_all("unknown") == [2, 4]
        assert top[4].kind.name == "UNKNOWN_20"

    def test_its_own_comes_first(self, order: str) -> None:
        low, base = self.base(order, [(8, 0)])
        writer = self.with_unknown_kind(low, 32)
        assert len(btfmmap.open(data=extended(writer, [(4, 0)]), base=base)) == 2
        with pytest.raises(FormatError):
            btfmmap.open(data=writer.build(), base=base)

    def test_its_own_is_all(self, order: str) -> None:
        """libbpf does not consult the base for kinds missing in a split BTF's own layout."""
        low, base = self.base(order, [(4, 0)])
        with pytest.raises(FormatError, match="unknown kind 20"):
            btfmmap.open(data=with_layout(self.with_unknown_kind(low, 32), layout(KNOWN, order)), base=base)

    def test_the_base_has_none(self, order: str) -> None:
        low = BtfWriter(order)
        low.add_int("int")
        with pytest.raises(FormatError, match=r"type \[2\] has the unknown kind 20"):
            btfmmap.open(data=self.with_unknown_kind(low).build(), base=btfmmap.open(data=low.build()))


class TestKindsOfLinuxNext:
    """LOC_PARAM, LOC_PROTO and LOCSEC: skipped by their layout, counted, and named in messages."""

    def test_opened(self, order: str) -> None:
        writer = next_kernel(order)
        btf = btfmmap.open(data=extended(writer, NEXT))
        assert btf.types.kind[1:].tolist() == [kind_of(writer, record) for record in writer.records]
        plain = btfmmap.open(data=every_kind(order).build())
        for table in COLUMNS:
            if table != "types":
                assert rows(btf, table) == rows(plain, table)
        kinds = btf.summary()["kinds"]
        assert [kinds[f"UNKNOWN_{kind}"] for kind in (20, 21, 22)] == [5, 3, 2]
        assert btf.find(".loc", LOCSEC) == btf.find(".loc")

    def test_as_bpftool_dumps_an_unknown_kind(self, order: str) -> None:
        btf = btfmmap.open(data=extended(next_kernel(order), NEXT))
        found = [line for line in str(btf.dump()).splitlines() if "UNKNOWN" in line]
        new = [btf[type_id] for type_id in np.flatnonzero(btf.types.kind >= KINDS)]
        assert found == [f"[{each.id}] UNKNOWN '{each.name or '(anon)'}'" for each in new]
        assert [each.name for each in new if each.name] == [".loc", ".empty"]

    @pytest.mark.parametrize("kind", NEXT_NAMES)
    def test_refused_without_a_layout(self, order: str, kind: int) -> None:
        named = rf"no layout section says how long its records are \(linux-next names it {NEXT_NAMES[kind]}\)"
        writer = BtfWriter(order)
        writer.add(kind, extra=(0,))
        with pytest.raises(FormatError, match=rf"type \[1\] has the unknown kind {kind}, and {named}"):
            btfmmap.open(data=writer.build())
        assert re.search(named, btfmmap.lint(data=writer.build())[0].message)
        writer = BtfWriter(order)
        writer.add(kind + 3)
        with pytest.raises(FormatError, match=r"are$"):
            btfmmap.open(data=writer.build())

    def test_lint(self, order: str) -> None:
        found = btfmmap.lint(data=extended(next_kernel(order), NEXT))
        unknown = [each for each in found if each.rule == "kind"]
        assert len(unknown) == 10
        btf = btfmmap.open(data=extended(next_kernel(order), NEXT))
        for each in unknown:
            assert each.severity == "note"
            assert each.type_id is not None
            assert each.message.endswith(
                f"only from the layout section (linux-next names it {NEXT_NAMES[btf[each.type_id].kind]})"
            )

    def test_info(self, tmp_path: Path, capsys: pytest.CaptureFixture[str], order: str) -> None:
        path = tmp_path / "next.btf"
        path.write_bytes(extended(next_kernel(order), NEXT))
        assert main(["info", str(path)]) == 0
        text = capsys.readouterr().out
        for (kind, name), count in zip(NEXT_NAMES.items(), (5, 3, 2), strict=True):
            assert re.search(rf"^  UNKNOWN_{kind} \({name}\) +{count}$", text, re.MULTILINE)
        assert main(["info", "--json", str(path)]) == 0
        assert json.loads(capsys.readouterr().out)["kinds"]["UNKNOWN_20"] == 5

    def test_libbpf_agrees(self) -> None:
        blob = extended(next_kernel("<"), NEXT)
        assert libbpf().type_count(blob) == len(btfmmap.open(data=blob))

    def test_no_declarations_in_c(self, order: str) -> None:
        btf = btfmmap.open(data=extended(next_kernel(order), NEXT))
        with pytest.raises(NotSupportedError, match=r"unknown kind 20, .* \(linux-next names it LOC_PARAM\)"):
            btf.dump("c")


@pytest.mark.parametrize(
    "writer",
    [
        without_funcs(with_unknown_kinds("<")),
        without_funcs(with_unknown_kinds(">")),
        next_kernel("<"),
        next_kernel(">"),
    ],
    ids=["any <", "any >", "next <", "next >"],
)
def test_mutations(writer: BtfWriter) -> None:
    """Mutants, of the layout section too, open completely or are refused."""
    blob = extended(writer, NEXT if kind_of(writer, writer.records[-1]) == LOCSEC else UNKNOWN_KINDS)
    ask_about_types(btfmmap.open(data=blob))
    generator = random.Random(writer.order)
    opened = unknown = 0
    for _ in range(1500):
        try:
            btf = btfmmap.open(data=mutant(blob, generator))
        except FormatError:
            continue
        ask_about_types(btf)
        opened += 1
        unknown += bool((btf.types.kind >= KINDS).any())
    assert opened > 100
    assert unknown > 100
