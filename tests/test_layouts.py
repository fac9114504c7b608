"""Struct layouts against pahole 1.24: every struct and union of real kernels, named or not, in numbers and as
text.

Each difference between the two is an entry of `corrected`, which says who is right and why.
"""

from __future__ import annotations

import re
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import bpftool_json as bpftool
import numpy as np
import pytest
import requirements
from btf_writer import UNION, BtfWriter

import btfmmap
from btfmmap import Btf

# pahole 1.24 cannot load the package's sample, which has kinds newer than it.
KERNELS = ["running", "7.2-amd64", "6.12-cloud-arm64", "6.12-s390x"]
on_kernels = pytest.mark.parametrize("kernel", KERNELS, indirect=True)


class Block(NamedTuple):
    """pahole's output for one struct or union."""

    type_id: int
    name: str
    text: str


@lru_cache
def opened(path: Path) -> Btf:
    return btfmmap.open(path)


def pahole(path: Path, *options: str) -> str:
    command = [requirements.tool("pahole"), "-F", "btf", *options, str(path)]
    # Its standard error lists the kinds that it cannot read: DECL_TAG.
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout.decode()


@lru_cache(maxsize=1)
def listed(path: Path) -> list[bpftool.Record]:
    """The types that pahole lists, in its order: every struct and union. Of those that have a name it lists
    only the first one of the same size whose members have the same names and places, whatever their types
    (`type__compare` of its pahole.c)."""
    seen = set()
    rows = []
    for record in bpftool.records(path):
        if record["kind"] not in ("STRUCT", "UNION"):
            continue
        places = tuple(
            (member["name"], member["bits_offset"], member.get("bitfield_size", 0))
            for member in record["members"]
        )
        key = (record["name"], record["size"], places)
        if record["name"] == "(anon)" or key not in seen:
            rows.append(record)
        seen.add(key)
    return rows


@lru_cache(maxsize=2)
def blocks(path: Path, *options: str) -> list[Block]:
    """pahole's text of all `listed`; -a and -A ask for anonymous ones too."""
    text = pahole(path, "-a", "-A", *options)
    texts = re.split(r"(?<=;\n)(?=(?:typedef )?(?:struct|union)\b[^\n]*\{\n)", text)
    records = listed(path)
    assert len(texts) == len(records)
    return [
        Block(record["id"], bpftool.name(record["name"]), text)
        for record, text in zip(records, texts, strict=True)
    ]


@on_kernels
def test_sizes(kernel: Path) -> None:
    """`pahole --sizes`: name, size in bytes, number of holes. It counts holes in 8 bits, enough for these
    kernels."""
    btf = opened(kernel)
    layouts = btf.layouts
    rows = np.searchsorted(layouts.id, [record["id"] for record in listed(kernel)])
    ours = [
        f"{name or '(null)'}\t{size}\t{holes}"
        for name, size, holes in zip(
            btf.names(layouts.id[rows]),
            layouts.size[rows].tolist(),
            layouts.holes[rows].tolist(),
            strict=True,
        )
    ]
    assert ours == pahole(kernel, "-a", "--sizes").splitlines()
    expected = [r["id"] for r in bpftool.records(kernel) if r["kind"] in ("STRUCT", "UNION")]
    assert layouts.id.tolist() == expected


def counted(text: str, unit: str) -> tuple[int, int]:
    """Number and total size of a struct's holes, of bits or bytes, between its own members."""
    found = re.findall(rf"^\t/\* XXX (\d+) {unit}s? hole, try to pack \*/$", text, re.MULTILINE)
    return len(found), sum(map(int, found))


def said(text: str, pattern: str) -> int:
    found = re.findall(rf"^\t/\* (?:.*, )?{pattern}", text, re.MULTILINE)
    return int(found[-1]) if found else 0


@on_kernels
def test_summaries(kernel: Path) -> None:
    """The lines at the end of each struct, and the comments on holes that they sum up. pahole prints none of
    them of a union, which has no holes."""
    columns = {name: column.tolist() for name, column in dict(opened(kernel).layouts).items()}
    rows = {type_id: row for row, type_id in enumerate(columns["id"])}
    wrong = {}
    for block in blocks(kernel):
        ours = {name: column[rows[block.type_id]] for name, column in columns.items()}
        text = block.text
        is_union = text.removeprefix("typedef ").startswith("union")
        if is_union:
            empty = ("holes", "hole_bytes", "bit_holes", "bit_hole_bits", "padding", "bit_padding")
            assert not any(ours[name] for name in empty)
            continue
        holes, hole_bytes = counted(text, "byte")
        bit_holes, bit_hole_bits = counted(text, "bit")
        theirs = {
            "size": said(text, r"size: (\d+), cachelines"),
            "members": said(text, r"members: (\d+) \*/$"),
            "cachelines": said(text, r"cachelines: (\d+)"),
            "padding": said(text, r"padding: (\d+)"),
            "bit_padding": said(text, r"bit_padding: (\d+) bits"),
            "holes": holes,
            "hole_bytes": hole_bytes,
            "bit_holes": bit_holes,
            "bit_hole_bits": bit_hole_bits,
        }
        if holes and said(text, r"sum members: (\d+)"):
            assert said(text, r"holes: (\d+), sum holes") == holes
            assert said(text, r"sum holes: (\d+)") == hole_bytes
        if any(ours[name] != value for name, value in theirs.items()):
            wrong[block.type_id] = theirs, ours
    assert wrong == {}


@on_kernels
def test_packed(kernel: Path) -> None:
    """pahole also calls a struct packed that lies in another one at an odd place, but only if it has come
    across that one before (`type__check_structs_at_unnatural_alignments`); asked for the struct alone, it
    does not. Ours says the same wherever a struct is used."""
    btf = opened(kernel)
    packed = dict(zip(btf.layouts.id.tolist(), btf.layouts.packed.tolist(), strict=True))
    attribute = "__attribute__((__packed__))"
    differ = [
        block
        for block in blocks(kernel)
        if (attribute in block.text.splitlines()[-1]) != packed[block.type_id]
    ]
    for block in differ:
        assert attribute in block.text.splitlines()[-1]
        alone = pahole(kernel, "-C", block.name)
        assert attribute not in alone.splitlines()[-1]
    assert len(differ) <= 5


@on_kernels
def test_flexible(kernel: Path) -> None:
    """`pahole --with_flexible_array` does not look at unions, nor below qualifiers: `const char iname[]`."""
    btf = opened(kernel)
    layouts = btf.layouts
    is_struct = {r["id"] for r in bpftool.records(kernel) if r["kind"] == "STRUCT"}
    by_id = {record["id"]: record for record in bpftool.records(kernel)}
    ours = {
        name
        for type_id, name, flexible in zip(
            layouts.id.tolist(), btf.names(layouts.id), layouts.flexible.tolist(), strict=True
        )
        if flexible and name and type_id in is_struct
    }
    unions = {bpftool.name(r["name"]) for r in by_id.values() if r["kind"] == "UNION"}
    theirs = {line.split("\t")[0] for line in pahole(kernel, "--sizes", "--with_flexible_array").splitlines()}
    assert theirs - ours <= unions
    for name in ours - theirs:
        last = by_id[btf[f"struct {name}"].id]["members"][-1]
        qualified = by_id[last["type_id"]]
        assert qualified["kind"] in ("CONST", "VOLATILE", "TYPEDEF")
        assert by_id[qualified["type_id"]]["kind"] == "ARRAY"


def _dimensions(text: str) -> str:
    """An array of 2 arrays of 3 is `x[2][3]` in C; pahole writes the inner dimension first."""
    return re.sub(r"(?:\[\d*\]){2,}", lambda found: "".join(re.findall(r"\[\d*\]", found[0])[::-1]), text)


def _floats(text: str) -> str:
    """pahole calls each float `single`, which is not a C type."""
    return text.replace("single float", "float").replace("single double", "double")


def _function(text: str) -> str:
    """pahole puts empty parentheses around the missing name of a function type, which in C is another
    function."""
    return re.sub(r"(\bvolatile \w+) \(\)\(", r"\1 (", text)


def _const(text: str) -> str:
    """pahole prints the summary of a nested const struct as if it were at the top, and omits the member's
    name."""
    if not re.search(r"\bconst (?:struct|union)\b.*\{$", text, re.MULTILINE):
        return text
    words = (
        "size|sum members|sum bitfield members|padding|paddings|bit_padding|forced alignments|last cacheline"
    )
    text = re.sub(rf"\n(?:\t\t+/\* (?:{words}): .* \*/\n)+", "", text)
    return re.sub(r"^(\t+\}) ?\w*;", r"\1;", text, flags=re.MULTILINE)


def _packed(text: str) -> str:
    """See `test_packed`."""
    return text.replace(" __attribute__((__packed__))", "")


def _spaces(text: str) -> str:
    """Columns move where one of the above changes a word's length."""
    return re.sub(r" +(?=[/;])", "", re.sub(r" +", " ", text))


def negative(path: Path) -> dict[str, int]:
    """pahole prints negative enumerators as unsigned, because it ignores the kind flag."""
    return {
        value["name"]: value["val"]
        for record in bpftool.records(path)
        if record["kind"] in ("ENUM", "ENUM64")
        for value in record["values"]
        if value["val"] < 0
    }


def corrected(text: str, below_zero: dict[str, int]) -> str:
    def signed(found: re.Match[str]) -> str:
        name, number = found[1], int(found[2])
        value = below_zero.get(name, number)
        return f"{name} = {value if number in (value % 2**32, value % 2**64) else number},"

    text = re.sub(r"(\w+) += (\d+),", signed, text)
    for change in (_dimensions, _floats, _function, _const, _packed, _spaces):
        text = change(text)
    return text


@on_kernels
@pytest.mark.parametrize("expand", [False, True], ids=["plain", "expanded"])
def test_text(kernel: Path, expand: bool) -> None:
    """The text is equal byte for byte after `corrected`. Expanded, every sixth struct is compared."""
    btf = opened(kernel)
    below_zero = negative(kernel)
    equal = 0
    others = blocks(kernel, *["--expand_types"][:expand])[:: 6 if expand else 1]
    wrong = []
    for block in others:
        text = block.text
        if not block.name:
            # pahole prints an anonymous struct as its first typedef has it.
            attributes = r"((?: __attribute__\(\(\w+(?:\(\d+\))?\)\))*)"
            text = re.sub(rf"(?<=\n\}}){attributes} \w+{attributes};\n$", r"\1\2;\n", text)
            text = text.removeprefix("typedef ")
        ours = btf.layout(block.type_id).text(expand=expand)
        if ours == text:
            equal += 1
        elif "<ERROR" in text:
            continue  # a type that pahole could not load
        elif _const(_packed(_spaces(ours))) != corrected(text, below_zero):
            wrong.append((text, ours))
    assert wrong == []
    assert equal > 0.99 * len(others)


@pytest.mark.parametrize("order", ["<", ">"])
def test_sizes_that_cannot_be(order: str) -> None:
    """No count wraps, whatever a file says. The rules are pahole's, with wider counters."""
    writer = BtfWriter(order)
    int_id = writer.add_int()
    char_id = writer.add_int("char", 1)
    absurd = writer.add_array(int_id, int_id, 2**32 - 1)
    writer.add_struct("huge", 2**32 - 1, [("c", char_id, 0)])
    writer.add_struct("empty", 0, [("i", int_id, 0)])
    writer.add_struct("past", 4, [("bits", int_id, 31 << 24 | 100)], kind_flag=True)
    writer.add_struct("backwards", 8, [("late", int_id, 32), ("early", int_id, 0)])
    writer.add_struct("absurd", 2**32 - 1, [("a", absurd, 0), ("b", int_id, 2**32 - 32)])
    writer.add_struct("either", 4, [("a", absurd, 0), ("b", int_id, 2**32 - 32)], kind=UNION)
    writer.add_struct("none", 0, [])
    btf = btfmmap.open(data=writer.build())
    layouts = btf.layouts
    columns = ("holes", "hole_bytes", "bit_holes", "bit_hole_bits", "padding", "bit_padding", "cachelines")
    rows = zip(*(dict(layouts)[column].tolist() for column in columns), strict=True)
    assert dict(zip(btf.names(layouts.id), rows, strict=True)) == {
        "huge": (0, 0, 0, 0, 2**32 - 2, 0, 2**26),
        "empty": (0, 0, 0, 0, 0, 0, 0),
        # A hole before the unit at byte 12, and 4 bits within the unit.
        "past": (1, 12, 1, 4, 0, 0, 1),
        "backwards": (0, 0, 0, 0, 0, 0, 1),  # by offset
        # The array has no size: 16 GiB.
        "absurd": (1, 2**29 - 4, 0, 0, 2**32 - 1 - 2**29, 0, 2**26),
        "either": (0, 0, 0, 0, 0, 0, 1),
        "none": (0, 0, 0, 0, 0, 0, 0),
    }
    for type_id in layouts.id.tolist():
        assert btf.layout(type_id).text(expand=True).splitlines()[-1].startswith("}")
        assert len(btf.layout(type_id).members) == btf[type_id].vlen
    assert layouts.cachelines_of(128).tolist() == [2**25, 0, 1, 1, 2**25, 1, 0]
    with pytest.raises(ValueError, match="line is 0, but a cache line has at least 1 byte"):
        layouts.cachelines_of(0)
