"""`Btf.dtype`: against the compiler's offsets, against bpftool's for whole kernels, and its refusals."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import bpftool_json as bpftool
import btf_writer
import c_records
import numpy as np
import pytest
from btf_writer import BtfWriter
from command import run_btfmmap

import btfmmap
from btfmmap import NotSupportedError

MODIFIERS = ("TYPEDEF", "CONST", "VOLATILE", "RESTRICT", "TYPE_TAG")


def place(dtype: np.dtype[Any], path: str) -> tuple[int, int]:
    """Offset and size of the field at a dotted path; of an array, its first element's."""
    offset = 0
    for word in path.split("."):
        assert dtype.fields is not None
        dtype, start, *_ = dtype.fields[word]
        offset, dtype = offset + start, dtype.base
    return offset, dtype.itemsize


def test_against_the_compiler(tmp_path: Path) -> None:
    leaves = [re.sub(r"\[\d+\]", "[0]", leaf) for leaf in c_records.LEAVES]
    bitfields = set(re.findall(r"(\w+) : \d+", c_records.STRUCTS))
    bitfields = {leaf for leaf in leaves if leaf.rpartition(".")[2] in bitfields} - {
        "tight.last",
        "tights[0].last",
    }
    leaves = [leaf for leaf in leaves if leaf not in bitfields | {"name[0]"}]
    numbers = ", ".join(f"offsetof(struct all, {leaf}), sizeof(((struct all *)0)->{leaf})" for leaf in leaves)
    sizes = ", ".join(f"sizeof(struct {name})" for name in ("all", "small", "tight", "unaligned_bits"))
    source = (
        f"#include <stddef.h>\n#include <stdio.h>\n{c_records.STRUCTS} struct all variable;\n"
        f"int main(void) {{ unsigned long n[] = {{{numbers}, {sizes}}};\n"
        'for (unsigned i = 0; i < sizeof(n) / sizeof(*n); i++) printf("%lu ", n[i]); }\n'
    )
    program = c_records.compiled(tmp_path, ["gcc", "-gbtf"], source, "offsets")
    done = subprocess.run([program], check=True, capture_output=True)
    printed = [int(word) for word in done.stdout.split()]
    btf = btfmmap.open(program)
    dtype = btf.dtype("struct all", bitfields="omit")
    for leaf, offset, size in zip(leaves, printed[::2], printed[1::2], strict=False):
        assert place(dtype, leaf.replace("[0]", "")) == (offset, size), leaf
    assert [
        btf.dtype(f"struct {name}", bitfields="omit").itemsize
        for name in ("all", "small", "tight", "unaligned_bits")
    ] == printed[-4:]
    assert dtype["name"] == np.dtype("S5")
    assert dtype["bytes"] == np.dtype(("i1", 3))
    assert dtype["nothing"].itemsize == 0
    assert dtype["pointer"] == dtype["function"] == np.dtype(np.uintp)
    assert dtype["u64"] == np.dtype("u8")
    assert (dtype["yes"], dtype["single"], dtype["doubled"]) == (
        np.dtype("?"),
        np.dtype("f4"),
        np.dtype("f8"),
    )
    assert not {name for name in dtype.names or () if name in ("a", "b", "flag", "degrees_bits", "")}


def test_against_bpftool(kernel: Path) -> None:
    """The offset of each member of every third struct and union, with those of anonymous ones lifted."""
    records = {record["id"]: record for record in bpftool.records(kernel)}
    btf = btfmmap.open(kernel)

    def flattened(record: bpftool.Record, base: int) -> list[tuple[str, int]]:
        found = []
        for member in record["members"]:
            name, start = bpftool.name(member["name"]), base + member["bits_offset"]
            inner = records.get(member["type_id"])
            while inner is not None and inner["kind"] in MODIFIERS:
                inner = records.get(inner["type_id"])
            if member.get("bitfield_size"):
                continue
            if not name and inner is not None and inner["kind"] in ("STRUCT", "UNION"):
                found += flattened(inner, start)
            elif name:
                found.append((name, start // 8))
        return found

    checked = 0
    for record in [each for each in records.values() if each["kind"] in ("STRUCT", "UNION")][::3]:
        dtype = btf.dtype(record["id"], bitfields="omit")
        assert dtype.itemsize == record["size"]
        fields: Any = dtype.fields or {}
        assert [(name, fields[name][1]) for name in dtype.names or ()] == flattened(record, 0)
        checked += len(fields)
    assert checked > 5


def test_byte_order() -> None:
    writer = BtfWriter(">")
    long_id, int_id = writer.add_int("long", 4), writer.add_int()  # 32 bits: so pointers have 4 bytes
    pointer = writer.add(btf_writer.PTR, size_or_type=int_id)
    double = writer.add(btf_writer.FLOAT, "double", size_or_type=8)
    huge = writer.add_int("__int128", 16, bits=128)
    quad = writer.add(btf_writer.FLOAT, "long double", size_or_type=16)
    members = [("l", long_id, 0), ("p", pointer, 32), ("d", double, 64), ("h", huge, 128), ("q", quad, 256)]
    writer.add_struct("record", 48, members)
    dtype = btfmmap.open(data=writer.build()).dtype("record")
    assert [dtype[name].str for name in dtype.names or ()] == [">i4", ">u4", ">f8", "|V16", "|V16"]


def doubled(levels: int) -> bytes:
    """Structs that each hold the one before it twice, s0 two ints."""
    writer = BtfWriter()
    inner = writer.add_int()
    for level in range(levels):
        inner = writer.add_struct(f"s{level}", 8 << level, [("a", inner, 0), ("b", inner, 8 * (4 << level))])
    return writer.build()


class TestRefused:
    def test_what_a_dtype_cannot_have(self) -> None:
        writer = BtfWriter()
        int_id = writer.add_int()
        odd = writer.add_int("odd", 4, bits=12)
        forward = writer.add(btf_writer.FWD, "forward")
        huge = writer.add_array(int_id, int_id, 1 << 29)
        deep = int_id
        for _ in range(33):
            deep = writer.add_array(deep, int_id, 1)
        text = writer.add_int("char", 1, encoding=3)
        for name, size, members in [
            ("bits", 4, [("a", int_id, 3 << 24)]),
            ("odd_int", 4, [("in", odd, 0)]),
            ("incomplete", 4, [("it", forward, 0)]),
            ("void", 4, [("it", 0, 0)]),
            ("twice", 8, [("same", int_id, 0), ("same", int_id, 32)]),
            ("within", 8, [("a", int_id, 3)]),
            ("past", 4, [("a", int_id, 0), ("b", int_id, 32)]),
            ("big", 2**32 - 1, [("a", huge, 0)]),
            ("dimensions", 4, [("a", deep, 0)]),
            ("letters", 2**32 - 1, [("a", writer.add_array(text, int_id, 2**31), 0)]),
        ]:
            writer.add_struct(name, size, members, kind_flag=name == "bits")
        writer.add_struct("outer", 4, [("in", len(writer.records) - 9, 0)])
        btf = btfmmap.open(data=writer.build())
        for name, why in {
            "bits": r"bits\.a is a bitfield of 3 bits, which a dtype cannot express: use records",
            "outer": r"outer\.in\.a is a bitfield of 3 bits",
            "odd_int": r"odd_int\.in is an INT of 12 bits in 4 bytes",
            "incomplete": r"incomplete\.it is of kind FWD, which has no values",
            "struct void": r"void\.it is of kind VOID",
            "twice": r"twice\.same is the name of two members",
            "within": r"within\.a starts at bit 3, within a byte",
            "past": r"past has the member 'b' ending past its 4 bytes",
            "big": r"big\.a cannot be a numpy dtype",
            "dimensions": r"dimensions\.a has more than 32 dimensions",
            "letters": r"letters\.a cannot be a numpy dtype",
            "forward": r"forward is of kind FWD",
        }.items():
            with pytest.raises(NotSupportedError, match=f"^{why}"):
                btf.dtype(name)
        with pytest.raises(ValueError, match="bitfields is 'some', must be 'error' or 'omit'"):
            btf.dtype("bits", bitfields="some")  # type: ignore[arg-type]

    def test_cycles(self) -> None:
        writer = BtfWriter()
        writer.add(btf_writer.TYPEDEF, "first", size_or_type=2)
        writer.add(btf_writer.CONST, size_or_type=1)
        writer.add_struct("itself", 4, [("me", 3, 0)])
        writer.add_struct("hidden", 4, [("", 4, 0)])
        writer.add_array(5, 1, 3)
        btf = btfmmap.open(data=writer.build())
        for name in ("first", "itself", "hidden", 5):
            with pytest.raises(btfmmap.BtfError):
                btf.dtype(name)

    def test_many_ways_to_the_same(self) -> None:
        """As many ways down to one int as numpy can be asked to go."""
        btf = btfmmap.open(data=doubled(24))
        assert btf.dtype("s17").itemsize == 8 << 17
        assert btf.dtype("s17", bitfields="omit").itemsize == 8 << 17
        assert len(btf.records("s17", b"").fields) == 2
        for name in ("s18", "s23"):
            with pytest.raises(NotSupportedError, match=f"^{name}.* has more than 262,144 members"):
                btf.dtype(name)

    def test_deep(self) -> None:
        writer = BtfWriter()
        inner = writer.add_int()
        for level in range(100_000):
            inner = writer.add_struct(f"s{level}", 4, [("a", inner, 0)])
        btf = btfmmap.open(data=writer.build())
        assert btf.dtype("s60").itemsize == 4
        with pytest.raises(NotSupportedError, match="is nested in more than 64 structs"):
            btf.dtype("s99999")


class TestCommand:
    def test_rebuilds(self, tmp_path: Path) -> None:
        program = c_records.compiled(
            tmp_path, ["gcc", "-gbtf", "-c"], f"{c_records.STRUCTS} struct all variable;", "object"
        )
        btf = btfmmap.open(program)
        for name in ("struct all", "struct small", "u32"):
            printed = run_btfmmap("dtype", name, "--omit-bitfields", "-f", program).stdout
            variables: dict[str, Any] = {}
            exec(printed, variables)
            assert variables["dtype"] == btf.dtype(name, bitfields="omit")

    def test_each_struct_once(self, tmp_path: Path) -> None:
        path = tmp_path / "ways.btf"
        path.write_bytes(doubled(18))
        assert run_btfmmap("dtype", "s17", "-f", path).stdout.count("np.dtype({") == 18

    def test_bitfield(self, tmp_path: Path) -> None:
        path = tmp_path / "every_kind.btf"
        path.write_bytes(btf_writer.every_kind().build())
        done = run_btfmmap("dtype", "flags", "-f", path)
        assert done.returncode == 1
        assert done.stderr == (
            "btfmmap: flags.bit is a bitfield of 1 bits, which a dtype cannot express: "
            "--omit-bitfields omits them\n"
        )


def built(code: str) -> Any:
    """The dtype that the code builds."""
    names: dict[str, Any] = {}
    exec(code, names)
    return names["dtype"]


def equal(ours: Any, theirs: Any) -> bool:
    return bool(ours == theirs and ours.itemsize == theirs.itemsize and ours.fields == theirs.fields)


def test_code_builds_the_dtypes_of_a_kernel(kernel: Path) -> None:
    btf = btfmmap.open(kernel)
    compared = 0
    for type_id in range(1, len(btf), 211):
        for bitfields in ("omit", "error"):
            try:
                dtype = btf.dtype(type_id, bitfields=bitfields)
            except btfmmap.BtfError as error:
                with pytest.raises(type(error), match=re.escape(str(error))):
                    btf.dtype_code(type_id, bitfields=bitfields)
            else:
                code = btf.dtype_code(type_id, bitfields=bitfields)
                assert equal(built(code), dtype)
                compared += 1
    assert compared


@pytest.mark.parametrize("order", "<>")
def test_code_of_every_kind(order: str) -> None:
    btf = btfmmap.open(data=btf_writer.every_kind(order).build())
    found = 0
    for type_id in range(len(btf)):
        try:
            dtype = btf.dtype(type_id, bitfields="omit")
        except btfmmap.BtfError:
            with pytest.raises(btfmmap.BtfError):
                btf.dtype_code(type_id, bitfields="omit")
        else:
            found += 1
            assert equal(built(btf.dtype_code(type_id, bitfields="omit")), dtype)
    assert found > 5


def test_code_of_what_is_too_large() -> None:
    writer = BtfWriter()
    integer = writer.add_int()
    most = writer.add_array(integer, integer, (1 << 29) - 1)
    above = writer.add_array(integer, integer, 1 << 29)
    huge = writer.add_struct("huge", 0xFFFFFFFF, [])
    btf = btfmmap.open(data=writer.build())
    assert equal(built(btf.dtype_code(most)), btf.dtype(most))
    for type_id in (above, huge):
        for function in (btf.dtype, btf.dtype_code):
            with pytest.raises(btfmmap.NotSupportedError, match="cannot be a numpy dtype"):
                function(type_id)
    with pytest.raises(ValueError, match="bitfields is 'cover'"):
        btf.dtype_code(most, bitfields="cover")  # type: ignore[arg-type]
