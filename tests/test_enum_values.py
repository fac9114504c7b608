"""Values of enums of every size, byte order and sign: all readers and writers agree with a rule in plain
Python, with compilers and with bpftool."""

from __future__ import annotations

import itertools
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import bpftool_json as bpftool
import numpy as np
import pytest
import requirements
from btf_writer import ENUM, ENUM64, BtfWriter

import btfmmap
from btfmmap import Kind, NotSupportedError


class Case(NamedTuple):
    kind: int
    size: int
    flag: bool
    words: tuple[int, ...]  # values as the record has them, 32 or 64 bits

    @property
    def bits(self) -> int:
        return 64 if self.kind == ENUM64 else 32

    @property
    def signed(self) -> bool:
        return self.flag or any(word >= 256**self.size for word in self.words)

    @property
    def values(self) -> list[int]:
        half = 2 ** (self.bits - 1)
        return [word - 2 * half if self.signed and word >= half else word for word in self.words]


def cases() -> list[Case]:
    made = []
    for kind, size, flag in itertools.product((ENUM, ENUM64), (1, 2, 4, 8), (False, True)):
        top = 2 ** (64 if kind == ENUM64 else 32)
        most = min(top, 256**size)
        low, half = top - 1, most // 2
        sets = [(0, 1), (0, half - 1), (1, low), (half - 1, top - min(half, top // 2)), (5, top - 2, 3)]
        if not flag:
            sets += [(0, half), (1, most - 1), (most - 1, half - 1)]
        made += [Case(kind, size, flag, words) for words in sets]
    return made


CASES = cases()


def written(order: str = "<", long_size: int = 8) -> bytes:
    """Enums e0, e1, ..., and structs s0, s1, ... with each enum after a byte and in an array. The size of
    long gives the pointer size."""
    writer = BtfWriter(order)
    writer.add_int("long unsigned int", long_size, encoding=0)
    u8 = writer.add_int("u8", 1, encoding=0)
    for number, (kind, size, flag, words) in enumerate(CASES):
        extra: tuple[int, ...] = ()
        for i, word in enumerate(words):
            high = (word >> 32,) if kind == ENUM64 else ()
            extra += (writer.string(f"V{number}_{i}"), word & 0xFFFFFFFF, *high)
        enum = writer.add(kind, f"e{number}", size_or_type=size, vlen=len(words), kind_flag=flag, extra=extra)
        array = writer.add_array(enum, u8, 2)
        members = [("tag", u8, 0), ("value", enum, 8 * size), ("many", array, 16 * size)]
        writer.add_struct(f"s{number}", 4 * size, members)
    return writer.build()


@pytest.mark.parametrize("order", "<>")
def test_values_and_bytes(order: str) -> None:
    btf = btfmmap.open(data=written(order))
    byte_order = "little" if order == "<" else "big"
    table = btf.enumerators
    for number, case in enumerate(CASES):
        enum = btf[f"e{number}"]
        assert enum.signed == case.signed, case
        assert [each.value for each in enum.enumerators] == case.values, case
        own = np.flatnonzero(table.parent == enum.id)
        assert table.signed[own].tolist() == [case.signed] * len(own)
        column = table.value[own]
        assert (column if case.signed else column.view("u8")).tolist() == case.values
        dtype = btf.dtype(f"e{number}")
        assert (dtype.kind, dtype.itemsize) == ("i" if case.signed else "u", case.size)
        bits = 8 * case.size
        for i, value in enumerate(case.values):
            fits = -(2 ** (bits - 1)) <= value < 2 ** (bits - 1) if case.signed else value < 2**bits
            assert fits
            raw = (value % 2**bits).to_bytes(case.size, byte_order)
            assert np.frombuffer(raw, dtype)[0] == value
            data = b"\1".ljust(case.size, b"\0") + raw + raw + raw
            record = btf.records(f"s{number}", data)[0]
            assert record.value == value
            assert record.enum_names("value") == f"V{number}_{i}"
            assert record.enum_names("many").tolist() == [f"V{number}_{i}"] * 2
            assert btf.format(f"e{number}", raw) == f"(enum e{number})V{number}_{i}"
            made = btf.ctypes(f"s{number}").from_buffer_copy(data)
            assert (made.value, list(made.many)) == (value, [value] * 2)
        # A value without a name prints as the same number everywhere.
        raw = (0x5D % 2**bits).to_bytes(case.size, byte_order)
        shown = btf.format(f"e{number}", raw)
        assert re.sub("U?LL$", "", shown) == f"(enum e{number})93"


@pytest.mark.parametrize(
    ("long_size", "command"),
    [
        (8, ["gcc"]),
        (8, ["clang"]),
        (8, ["clang", "-target", "bpf"]),
        (8, ["clang", "-target", "bpfeb"]),
        (4, ["gcc", "-m32"]),
        (4, ["clang", "-target", "i686-linux-gnu"]),
    ],
)
def test_c_has_the_size_and_values(long_size: int, command: list[str], tmp_path: Path) -> None:
    btf = btfmmap.open(data=written(long_size=long_size))
    assert btf.source.pointer_size == long_size
    lines = ["typedef unsigned char u8;"]
    for number, case in enumerate(CASES):
        lines.append(btf.c_declaration(f"e{number}"))
        lines.append(f'_Static_assert(sizeof(enum e{number}) == {case.size}, "{number}");')
        lines += [
            f'_Static_assert(V{number}_{i} == {value + 1}LL - 1, "{number} {i}");'
            for i, value in enumerate(case.values)
            if value < 2**63 - 1
        ]
        if long_size == 8:
            tag = f"struct s{number}"
            lines.append(btf.c_declaration(tag))
            lines.append(f'_Static_assert(sizeof({tag}) == {4 * case.size}, "{number}");')
            lines.append(f'_Static_assert(__builtin_offsetof({tag}, value) == {case.size}, "{number}");')
    source = tmp_path / "enums.c"
    source.write_text("\n".join(lines))
    words = [requirements.tool(command[0]), *command[1:], "-w", "-fsyntax-only", str(source)]
    assert subprocess.run(words, capture_output=True, text=True, check=False).stderr == ""


PACKED = """
enum two { TWO_A = 300, TWO_B = -1 } __attribute__((packed));
enum two_unsigned { TU_A = 1, TU_B = 65535 } __attribute__((packed));
enum two_small { TS_A = 1, TS_B = 2 } __attribute__((mode(HI)));
enum one { ONE_A = 3, ONE_B = -128 } __attribute__((packed));
enum eight { EIGHT_A = 1, EIGHT_B = 2 } __attribute__((mode(DI)));
enum eight_signed { ES_A = -1, ES_B = 2 } __attribute__((mode(DI)));
struct holder {
    char c; enum two two; enum two_unsigned two_unsigned; enum two_small two_small[3]; enum one one;
    enum eight eight; enum eight_signed eight_signed;
    enum { INNER_A = 1000, INNER_B = -5 } __attribute__((packed)) in;
    char end;
};
"""
USE = """
struct holder variable = {
    1, TWO_B, TU_B, {TS_A, TS_B, TS_A}, ONE_B, EIGHT_B, ES_A, INNER_B, 9,
};
"""
COMPILERS = {
    "gcc": ["gcc", "-gbtf", "-c", "-w"],
    "clang": ["clang", "-target", "bpf", "-g", "-c", "-Wno-everything"],
    "clang, big-endian": ["clang", "-target", "bpfeb", "-g", "-c", "-Wno-everything"],
}


@pytest.mark.parametrize("compiler", COMPILERS)
def test_of_compilers(compiler: str, tmp_path: Path) -> None:
    """A stored -1 reads as -1, and C made from the BTF has the same layout."""
    source, path = tmp_path / "packed.c", tmp_path / "packed.o"
    source.write_text(PACKED + USE)
    program, *flags = COMPILERS[compiler]
    subprocess.run([requirements.tool(program), *flags, source, "-o", path], check=True)
    data = tmp_path / "data"
    subprocess.run([requirements.tool("llvm-objcopy"), "--dump-section", f".data={data}", path], check=True)
    btf = btfmmap.open(path)
    record = btf.records("holder", data.read_bytes())[0]
    assert {name: record.enum_names(name) for name in ("two", "two_unsigned", "one", "in")} == {
        "two": "TWO_B",
        "two_unsigned": "TU_B",
        "one": "ONE_B",
        "in": "INNER_B",
    }
    assert record.enum_names("two_small").tolist() == ["TS_A", "TS_B", "TS_A"]
    assert (int(record.two), int(record.two_unsigned), int(record.one), int(record["in"])) == (
        -1,
        65535,
        -128,
        -5,
    )
    shown = btf.format("holder", data.read_bytes())
    for name in ("TWO_B", "TU_B", "ONE_B", "EIGHT_B", "INNER_B"):
        assert f"){name}," in shown
    asserts = [f'_Static_assert(sizeof(struct holder) == {btf["holder"].size}, "");']
    asserts += [
        f'_Static_assert(__builtin_offsetof(struct holder, {each.name}) == {each.offset}, "{each.name}");'
        for each in btf["holder"].members
    ]
    header = btf.to_c("holder")
    alone = "\n".join(
        [
            *(btf.c_declaration(t) for t in btf if t.kind in (Kind.ENUM, Kind.ENUM64) and t.name),
            btf.c_declaration("holder"),
        ]
    )
    for text in (header, alone):
        source.write_text("\n".join([text, *asserts]))
        words = [requirements.tool(program), *flags, str(source), "-o", str(tmp_path / "again.o")]
        assert subprocess.run(words, capture_output=True, text=True, check=False).stderr == ""


@pytest.mark.parametrize("order", "<>")
def test_dumps_stay_bpftools(order: str, tmp_path: Path) -> None:
    path = tmp_path / "enums.btf"
    path.write_bytes(written(order))
    for flags, options in (([], {}), (["-j"], {"format": "json"})):
        words = [requirements.tool("bpftool"), *flags, "btf", "dump", "file", str(path)]
        expected = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        assert btfmmap.open(path).dump(**options).strip() == expected.strip()  # type: ignore[arg-type, union-attr]
    text = btfmmap.open(path).dump("c", sort=False)
    assert text is not None
    words = [requirements.tool("bpftool"), "btf", "dump", "file", str(path), "format", "c"]
    expected = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    # Later versions of bpftool than Debian's mark enums of another size than int.
    ours = re.sub(r" __attribute__\(\(mode\((byte|word)\)\)\)", "", text)
    assert re.findall(r"^enum .*?^}", ours, re.DOTALL | re.MULTILINE) == re.findall(
        r"^enum .*?^}", expected, re.DOTALL | re.MULTILINE
    )


@pytest.mark.parametrize("order", "<>")
def test_lint(order: str) -> None:
    """lint notes each enum without the flag that has a value above half of its range."""
    blob = written(order)
    btf = btfmmap.open(data=blob)
    notes = {each.type_id: each for each in btfmmap.lint(data=blob) if each.rule == "sign"}
    expected = {}
    for number, case in enumerate(CASES):
        half = 2 ** (min(case.bits, 8 * case.size) - 1)
        high = [i for i, word in enumerate(case.words) if word >= half]
        if high and not case.flag:
            expected[btf[f"e{number}"].id] = case, high[0]
    assert notes.keys() == expected.keys()
    for type_id, (case, i) in expected.items():
        message = notes[type_id].message
        assert f"has the value {case.words[i]} " in message
        assert ("taken for" in message) == case.signed
        negative = case.words[i] - 2 ** (case.bits if case.signed else min(case.bits, 8 * case.size))
        assert message.endswith(f" {negative}")


@pytest.mark.parametrize(
    ("size", "words"), [(1, (300, 2**32 - 1)), (2, (0x8000, 2**32 - 1)), (3, (1, 2)), (0, (1,)), (16, (1,))]
)
def test_what_c_cannot_say(size: int, words: tuple[int, ...]) -> None:
    writer = BtfWriter()
    extra = tuple(word for i, value in enumerate(words) for word in (writer.string(f"A{i}"), value))
    writer.add(ENUM, "e", size_or_type=size, vlen=len(words), extra=extra)
    btf = btfmmap.open(data=writer.build())
    with pytest.raises(NotSupportedError, match=f"is an enum of {size} bytes"):
        btf.c_declaration("e")
    assert "enum e {" in (btf.dump("c", sort=False) or "")
    first = next((word for word in words if word >> 8 * size), None)
    (note,) = [each.message for each in btfmmap.lint(data=writer.build()) if each.rule == "sign"] or [""]
    taken = "" if first is None or not size else f"taken for {first if first < 2**31 else first - 2**32}"
    assert note.endswith(taken)


def test_enums_without_values_and_of_no_integers_size() -> None:
    writer = BtfWriter()
    writer.add(ENUM, "ahead", size_or_type=4)
    writer.add(ENUM, "ahead_signed", size_or_type=1, kind_flag=True)
    odd = writer.add(ENUM, "odd", size_or_type=3, vlen=1, extra=(writer.string("A"), 1))
    writer.add_struct("s", 3, [("odd", odd, 0)])
    btf = btfmmap.open(data=writer.build())
    assert (btf["ahead"].signed, btf["ahead_signed"].signed, btf["s"].signed) == (False, True, None)
    with pytest.raises(TypeError, match="enum of 3 bytes"):
        btf.records("s", b"\1\0\0").enum_names("odd")


def test_signs_of_a_kernel(kernel: Path) -> None:
    """Values equal bpftool's: no enum of these kernels has a value too large for its size."""
    btf = btfmmap.open(kernel)
    expected = {
        record["id"]: record["encoding"] == "SIGNED"
        for record in bpftool.records(kernel)
        if record["kind"] in ("ENUM", "ENUM64")
    }
    assert {t.id: t.signed for t in btf if t.kind in (Kind.ENUM, Kind.ENUM64)} == expected
