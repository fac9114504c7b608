"""`Builder`, record by record: against the tests' own writer, bpftool, pahole and the kernel."""

from __future__ import annotations

import json
import random
import re
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import btf_writer
import numpy as np
import pytest
import requirements
from btf_writer import BtfWriter, every_kind
from found_types import id_of, target
from kernel_loader import KernelLoader
from mutants import mutant
from split_writer import SplitWriter
from written_types import records_of

import btfmmap
from btfmmap import Btf, Builder, FormatError, IntEncoding, Kind, NotFoundError

ORDERS = [("little", "<"), ("big", ">")]
HOST = "<" if sys.byteorder == "little" else ">"


def fill(builder: Builder) -> None:
    """At least one record of each kind, each valid for the kernel."""
    int_id = builder.int("int", 4, encoding=IntEncoding.SIGNED)
    long_id = builder.int("long unsigned int", np.int64(8))
    char_id = builder.int("char", 1, encoding=IntEncoding.CHAR)
    builder.int("seven_bits", 1, bits=7)
    ptr_id = builder.ptr(char_id)
    array_id = builder.array(char_id, 16, index_type=long_id)
    pair = builder.struct("pair", 32, [("left", int_id, 0), ("text", array_id, 64), ("right", ptr_id, 192)])
    builder.struct("flags", 8, [("bit", int_id, 0, 1), ("rest", int_id, 1, 31), ("all", int_id, 32)])
    builder.union("either", 8, [("word", long_id, 0), ("pointer", ptr_id, 0)])
    builder.enum("small", {"LOW": -(2**31), "ZERO": 0})
    builder.enum("unsigned_values", [("TOP", 2**32 - 1), ("ONE", 1)], size=4)
    builder.enum64("wide", [("WIDE_TOP", 2**64 - 1), ("WIDE_ONE", 1)])
    builder.enum64("signed_wide", [("WIDE_LOW", -(2**63)), ("WIDE_MINUS", -1)])
    builder.fwd("opaque")
    builder.fwd("opaque_union", union=True)
    word = builder.typedef("word_t", long_id)
    for qualified in (builder.volatile, builder.const):
        qualified(int_id)
    builder.restrict(ptr_id)
    proto = builder.func_proto(int_id, [("format", ptr_id), ("", 0)])
    func = builder.func("print", proto, linkage=1)
    var = builder.var("counter", long_id, linkage=1)
    builder.datasec(".data", 8, [(var, 0, 8)])
    builder.float("double", 8)
    builder.decl_tag("whole", pair)
    builder.decl_tag("first", func, component_idx=0)
    builder.ptr(builder.type_tag("user", word))


class Pooled(BtfWriter):
    """The tests' writer with each string once, in the order of first use: that of a record comes first."""

    def string(self, text: str | bytes) -> int:
        encoded = text.encode() if isinstance(text, str) else text
        at = self.strings.find(b"\0" + encoded + b"\0")
        return at + 1 if encoded and at >= 0 else super().string(text)

    def add_struct(self, name: str | bytes, *args: Any, **fields: Any) -> int:
        self.string(name)
        return super().add_struct(name, *args, **fields)

    def add_enum(self, name: str, *args: Any, **fields: Any) -> int:
        self.string(name)
        return super().add_enum(name, *args, **fields)

    def add_enum64(self, name: str, *args: Any, **fields: Any) -> int:
        self.string(name)
        return super().add_enum64(name, *args, **fields)


def mirror(order: str) -> BtfWriter:
    """What `fill` adds, by the tests' own writer."""
    writer = Pooled(order)
    int_id = writer.add_int("int", 4, encoding=1)
    long_id = writer.add_int("long unsigned int", 8, encoding=0)
    char_id = writer.add_int("char", 1, encoding=2)
    writer.add_int("seven_bits", 1, encoding=0, bits=7)
    ptr_id = writer.add(btf_writer.PTR, size_or_type=char_id)
    array_id = writer.add_array(char_id, long_id, 16)
    pair = writer.add_struct(
        "pair", 32, [("left", int_id, 0), ("text", array_id, 64), ("right", ptr_id, 192)]
    )
    flags = [("bit", int_id, 1 << 24), ("rest", int_id, 31 << 24 | 1), ("all", int_id, 32)]
    writer.add_struct("flags", 8, flags, kind_flag=True)
    union = [("word", long_id, 0), ("pointer", ptr_id, 0)]
    writer.add_struct("either", 8, union, kind=btf_writer.UNION)
    writer.add_enum("small", [("LOW", -(2**31)), ("ZERO", 0)], signed=True)
    writer.add_enum("unsigned_values", [("TOP", 2**32 - 1), ("ONE", 1)])
    writer.add_enum64("wide", [("WIDE_TOP", 2**64 - 1), ("WIDE_ONE", 1)])
    writer.add_enum64("signed_wide", [("WIDE_LOW", -(2**63)), ("WIDE_MINUS", -1)], signed=True)
    writer.add(btf_writer.FWD, "opaque")
    writer.add(btf_writer.FWD, "opaque_union", kind_flag=True)
    word = writer.add(btf_writer.TYPEDEF, "word_t", size_or_type=long_id)
    writer.add(btf_writer.VOLATILE, size_or_type=int_id)
    writer.add(btf_writer.CONST, size_or_type=int_id)
    writer.add(btf_writer.RESTRICT, size_or_type=ptr_id)
    proto = writer.add_proto(int_id, [("format", ptr_id), ("", 0)])
    func = writer.add(btf_writer.FUNC, "print", size_or_type=proto, vlen=1)
    var = writer.add(btf_writer.VAR, "counter", size_or_type=long_id, extra=(1,))
    writer.add_datasec(".data", 8, [(var, 0, 8)])
    writer.add(btf_writer.FLOAT, "double", size_or_type=8)
    writer.add(btf_writer.DECL_TAG, "whole", size_or_type=pair, extra=(-1,))
    writer.add(btf_writer.DECL_TAG, "first", size_or_type=func, extra=(0,))
    tag = writer.add(btf_writer.TYPE_TAG, "user", size_or_type=word)
    writer.add(btf_writer.PTR, size_or_type=tag)
    return writer


def make(*, order: Any = None, base: Btf | None = None, layout: bool = False) -> Btf:
    builder = Builder(byte_order=order, base=base, layout=layout)
    fill(builder)
    return builder.build()


@pytest.mark.parametrize(("order", "letter"), ORDERS)
class TestEveryKind:
    def test_bytes(self, order: str, letter: str) -> None:
        btf = make(order=order)
        assert bytes(btf.raw) == mirror(letter).build()
        assert {*btf.types.kind.tolist()} == {int(kind) for kind in Kind}

    def test_layout_section(self, order: str, letter: str) -> None:
        """As libbpf 1.8 has it: four bytes a kind, the size of the fixed part and that of an element."""
        fixed = {Kind.INT: 4, Kind.ARRAY: 12, Kind.VAR: 4, Kind.DECL_TAG: 4}
        elements = {Kind.STRUCT: 12, Kind.UNION: 12, Kind.ENUM: 8, Kind.FUNC_PROTO: 8, Kind.DATASEC: 12}
        elements[Kind.ENUM64] = 12
        expected = b"".join(bytes([fixed.get(kind, 0), elements.get(kind, 0), 0, 0]) for kind in Kind)
        btf = make(order=order, layout=True)
        header = btf.header
        assert header["hdr_len"] == 32
        assert header["layout_off"] == header["type_len"]
        start = 32 + header["layout_off"]
        assert bytes(btf.raw)[start : start + header["layout_len"]] == expected
        plain = mirror(letter)
        assert btf.type_section.tobytes() == plain.type_section
        assert btf.string_section.tobytes() == plain.strings

    def test_bpftool(self, order: str, letter: str, tmp_path: Path) -> None:
        assert records_of(bytes(make(order=order).raw), tmp_path) == records_of(
            mirror(letter).build(), tmp_path
        )


def test_host_order_and_repr() -> None:
    builder = Builder()
    assert builder.byte_order == sys.byteorder
    assert repr(builder) == f"<Builder of {sys.byteorder}-endian BTF, next ID 1>"


def test_pahole(tmp_path: Path) -> None:
    path = tmp_path / "written.btf"
    builder = Builder()
    fill(builder)
    builder.save(path)
    command = [requirements.tool("pahole"), "-F", "btf", "--sizes", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    sizes = {line.split()[0]: int(line.split()[1]) for line in done.stdout.splitlines()}
    assert sizes == {"pair": 32, "flags": 8, "either": 8}


def test_kernel_loads_every_kind() -> None:
    loader = KernelLoader()
    assert loader.refusal(bytes(make().raw)) is None
    assert loader.refusal(mirror(HOST).build()) is None


def test_linted() -> None:
    assert btfmmap.lint(data=bytes(make().raw)) == btfmmap.lint(data=mirror(HOST).build())
    assert not [each for each in btfmmap.lint(data=bytes(make().raw)) if each.severity == "error"]


class TestStrings:
    def test_stored_once_in_order_of_first_use(self) -> None:
        builder = Builder()
        number = builder.int("first", 4)
        builder.struct("second", 8, [("third", number, 0), ("first", number, 32)])
        builder.typedef("third", number)
        assert builder.build().string_section.tobytes() == b"\0first\0second\0third\0"

    def test_many(self) -> None:
        """More than the pool has room for at first."""
        builder = Builder()
        names = [f"name_{number % 5000}" for number in range(12_000)]
        for name in names:
            builder.fwd(name)
        btf = builder.build()
        assert btf.names()[1:] == names
        assert btf.string_section.tobytes() == b"\0" + b"".join(f"{name}\0".encode() for name in names[:5000])

    def test_any_bytes(self) -> None:
        name = b"\xff\xfe caf\xc3\xa9".decode(errors="surrogateescape")
        builder = Builder()
        builder.fwd(name)
        btf = builder.build()
        assert btf.name(1) == name
        assert btf.string_section.tobytes() == b"\0\xff\xfe caf\xc3\xa9\0"

    def test_those_of_the_base(self) -> None:
        base = btfmmap.open(data=every_kind().build())
        builder = Builder(base=base, byte_order="little")
        number = builder.int("own", 4)
        builder.struct("pair", 8, [("left", number, 0), ("own", 1, 32)])
        btf = builder.build()
        assert btf.string_section.tobytes() == b"own\0"
        assert btf.base is base
        assert btf.name(len(base) + 1) == "pair"
        assert [member.name for member in btf[len(base) + 1].members] == ["left", "own"]

    def test_all_of_the_base(self) -> None:
        """The string section is empty then."""
        base = btfmmap.open(data=every_kind().build())
        builder = Builder(base=base)
        builder.fwd("pair")
        assert builder.build().string_section.tobytes() == b""
        assert builder.build().name(builder.next_id - 1) == "pair"

    def test_bpftool_reads_split(self, tmp_path: Path) -> None:
        lower = every_kind()
        base = btfmmap.open(data=lower.build())
        upper = SplitWriter(lower)
        own = upper.add_struct("of_split", 8, [("number", 1, 0)])
        upper.add(btf_writer.PTR, size_or_type=own)
        builder = Builder(base=base)
        own = builder.struct("of_split", 8, [("number", 1, 0)])
        builder.ptr(own)
        texts = []
        for name, content in (("ours", bytes(builder.build().raw)), ("theirs", upper.build())):
            (tmp_path / "base").write_bytes(lower.build())
            (tmp_path / name).write_bytes(content)
            command = [requirements.tool("bpftool"), "-j", "-B", str(tmp_path / "base"), "btf", "dump"]
            done = subprocess.run([*command, "file", str(tmp_path / name)], capture_output=True, check=True)
            texts.append(json.loads(done.stdout))
        assert texts[0] == texts[1]


REFUSED: list[tuple[Callable[[Builder], object], str]] = [
    (lambda b: b.int("i", 3), "type [1] INT 'i': has 3 bytes, must have 1, 2, 4, 8 or 16"),
    (lambda b: b.int("i", 4, bits=33), "type [1] INT 'i': 33 bits at bit 0 are not in 4 bytes"),
    (lambda b: b.int("i", 4, bits=8, bit_offset=25), "type [1] INT 'i': 8 bits at bit 25"),
    (lambda b: b.int("i", 4, encoding=16), "type [1] INT 'i': has the encoding 16"),
    (lambda b: b.ptr(-1), "type [1] PTR: -1 does not fit an unsigned number of 32 bits"),
    (lambda b: b.ptr(2**32), "type [1] PTR: 4294967296 does not fit"),
    (lambda b: b.array(0, 2**32, index_type=0), "type [1] ARRAY: 4294967296 does not fit"),
    (lambda b: b.struct("s", 2**32, []), "type [1] STRUCT 's': 4294967296 does not fit"),
    (
        lambda b: b.struct("s", 4, [("m", 0, 0, 256)]),
        "type [1] STRUCT 's': member 'm' has 256 bits, must have at most 255",
    ),
    (
        lambda b: b.struct("s", 4, [("m", 0, 0, 1), ("n", 0, 2**24)]),
        "type [1] STRUCT 's': member 'n' is at bit 16777216, must be 0 to 16777215 in a type with bitfields",
    ),
    (lambda b: b.union("u", 4, [("m", 0, -1)]), "type [1] UNION 'u': member 'm' is at bit -1"),
    (lambda b: b.enum("e", {"A": 2**32}), "type [1] ENUM 'e': enumerator 'A' is 4294967296, must be 0 to"),
    (lambda b: b.enum("e", {"A": 2**31, "B": -1}), "enumerator 'A' is 2147483648, must be -2147483648 to"),
    (lambda b: b.enum("e", {"A": -1}, signed=False), "enumerator 'A' is -1, must be 0 to 4294967295"),
    (lambda b: b.enum("e", {}, size=3), "type [1] ENUM 'e': has 3 bytes, must have 1, 2, 4 or 8"),
    (lambda b: b.enum64("e", {"A": 2**64}), "type [1] ENUM64 'e': enumerator 'A' is 18446744073709551616"),
    (lambda b: b.func("f", 1, linkage=3), "type [1] FUNC 'f': has the linkage 3, must be 0 (static), 1"),
    (lambda b: b.var("v", 1, linkage=-1), "type [1] VAR 'v': has the linkage -1"),
    (lambda b: b.float("f", 3), "type [1] FLOAT 'f': has 3 bytes"),
    (lambda b: b.decl_tag("t", 1, component_idx=-2), "type [1] DECL_TAG 't': has the component -2"),
    (lambda b: b.fwd("a\0b"), "type [1] FWD 'a\0b': a string contains a NUL byte"),
    (lambda b: b.struct("s", 4, [("a\0b", 0, 0)]), "type [1] STRUCT 's': a string contains a NUL byte"),
]


@pytest.mark.parametrize(
    ("call", "message"), REFUSED, ids=lambda value: value if isinstance(value, str) else ""
)
def test_refused(call: Callable[[Builder], object], message: str) -> None:
    """Each limit of a record is an error that names it, and the record is not added."""
    builder = Builder()
    with pytest.raises(ValueError, match=re.escape(message)):
        call(builder)
    assert builder.next_id == 1
    assert len(builder.build()) == 1


TYPE_ERRORS: list[tuple[Callable[[Any], object], str]] = [
    (lambda b: b.struct("s", 8, [("a", "int", 0)]), "another number is an int, not 'int'"),
    (lambda b: b.union("u", 8, [("a", 1)]), "member 0 is ('a', 1), must be a tuple of a name, a type ID"),
    (lambda b: b.struct("s", 8, ["a"]), "member 0 is 'a', must be a tuple"),
    (lambda b: b.enum("e", [("A", 1), ("B",)]), "enumerator 1 is ('B',), must be a tuple of a name and"),
    (lambda b: b.enum64("e", {"A": "1"}), "another number is an int, not '1'"),
    (lambda b: b.func_proto(0, ["x"]), "parameter 0 is 'x', must be a tuple of a name and a type ID"),
    (lambda b: b.func_proto(0, [("x", "int")]), "another number is an int, not 'int'"),
    (lambda b: b.datasec("d", 4, [("v", 0, 4)]), "another number is an int, not 'v'"),
    (lambda b: b.array("int", 4, index_type=1), "another number is an int, not 'int'"),
    (lambda b: b.array(1, 4, index_type="int"), "another number is an int, not 'int'"),
    (lambda b: b.ptr("int"), "another number is an int, not 'int'"),
    (lambda b: b.int("int", "4"), "another number is an int, not '4'"),
    (lambda b: b.func("f", 1, linkage="global"), "another number is an int, not 'global'"),
    (lambda b: b.var("v", 1, linkage="static"), "another number is an int, not 'static'"),
]


@pytest.mark.parametrize(("call", "message"), TYPE_ERRORS)
def test_names_are_no_type_ids(call: Callable[[Any], object], message: str) -> None:
    builder = Builder()
    with pytest.raises(TypeError, match=re.escape(message)):
        call(builder)
    assert builder.next_id == 1


class TestLimits:
    def test_name_offset(self) -> None:
        """The kernel's: the last string may start at 0xffffff."""
        builder = Builder()
        builder.fwd("x" * (0xFFFFFF - 2))
        builder.fwd("last")
        with pytest.raises(
            ValueError, match=r"type \[3\] FWD 'one_more': .* offset 16777220, past .* 16777215"
        ):
            builder.fwd("one_more")
        btf = builder.build()
        assert btf.types.name_off.tolist() == [0, 1, 0xFFFFFF]
        assert btf.name(2) == "last"

    def test_type_id(self) -> None:
        """The kernel's BTF_MAX_TYPE."""
        builder = Builder()
        count = 0xFFFFF
        kinds = np.full(count, Kind.PTR, np.uint8)
        builder.add_tables(types={"kind": kinds, "size_or_type": np.zeros(count, np.uint32)})
        with pytest.raises(ValueError, match=r"type \[1048576\] FWD 'x': the last type ID is 1048575"):
            builder.fwd("x")
        assert builder.next_id == count + 1

    def test_elements(self) -> None:
        builder = Builder()
        count = 1 << 24
        zeros = np.zeros(count, np.uint32)
        with pytest.raises(ValueError, match=r"type \[1\] UNION: has 16777216 elements, at most 16777215"):
            builder.add_tables(
                types={"kind": [Kind.UNION], "size_or_type": [4]},
                members={"parent": zeros + 1, "type": zeros, "bit_offset": zeros},
            )
        assert builder.next_id == 1

    def test_reference(self) -> None:
        builder = Builder()
        builder.struct("outer", 4, [("inner", 2, 0)])
        with pytest.raises(
            FormatError, match=r"type \[1\] refers to type \[2\], the last one is \[1\]"
        ) as error:
            builder.build()
        assert error.value.type_id == 1
        builder.int("int", 4)
        assert len(builder.build()) == 3

    def test_function_without_prototype(self, tmp_path: Path) -> None:
        builder = Builder()
        builder.func("f", builder.int("int", 4))
        with pytest.raises(FormatError, match=r"type \[2\] is a FUNC whose type \[1\] is not a FUNC_PROTO"):
            builder.save(tmp_path / "never")
        assert not [*tmp_path.iterdir()]


def test_arguments() -> None:
    with pytest.raises(ValueError, match="byte_order is 'middle', must be 'little' or 'big'"):
        Builder(byte_order="middle")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="base is 'vmlinux', must be a Btf"):
        Builder(base="vmlinux")  # type: ignore[arg-type]
    big = btfmmap.open(data=every_kind(">").build())
    with pytest.raises(ValueError, match="the byte order differs from that of the base"):
        Builder(base=big, byte_order="little")
    assert Builder(base=big).byte_order == "big"
    with pytest.raises(TypeError, match="a name is a str, not bytes"):
        Builder().fwd(b"x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="closure is 'all', must be"):
        Builder().add(big, [1], closure="all")  # type: ignore[arg-type]
    closed = btfmmap.open(data=every_kind().build())
    closed.close()
    for use in (lambda: Builder(base=closed), lambda: Builder().add(closed, [1])):
        with pytest.raises(ValueError, match="this Btf is closed"):
            use()


class TestSave:
    def test_replaces_as_a_whole(self, tmp_path: Path) -> None:
        path = tmp_path / "out.btf"
        path.write_bytes(b"before")
        path.chmod(0o640)
        builder = Builder()
        fill(builder)
        builder.save(path)
        assert path.read_bytes() == bytes(builder.build().raw)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        assert [entry.name for entry in tmp_path.iterdir()] == ["out.btf"]

    def test_through_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to("file")
        Builder().save(str(tmp_path / "link"))
        assert (tmp_path / "link").is_symlink()
        assert len(btfmmap.open(tmp_path / "file")) == 1

    def test_folder_is_absent(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError) as caught:
            Builder().save(tmp_path / "absent" / "out")
        assert str(caught.value.filename) == str(tmp_path / "absent" / "out")


def graph() -> BtfWriter:
    """1 int, 2 node {next: 3 -> const 4 -> node; inner: 5 inner; other: 6 -> typedef 7 -> 8 other}, ..."""
    writer = BtfWriter()
    writer.add_int("int")
    writer.add_struct("node", 24, [("next", 3, 0), ("inner", 5, 64), ("other", 6, 128)])
    writer.add(btf_writer.PTR, size_or_type=4)
    writer.add(btf_writer.CONST, size_or_type=2)
    writer.add_struct("inner", 8, [("callback", 9, 0)])
    writer.add(btf_writer.PTR, size_or_type=7)
    writer.add(btf_writer.TYPEDEF, "other_t", size_or_type=8)
    writer.add_struct("other", 4, [("number", 1, 0)], kind=btf_writer.UNION)
    writer.add(btf_writer.PTR, size_or_type=10)
    writer.add_proto(1, [("argument", 6)])
    writer.add_struct("apart", 4, [("number", 1, 0)])
    return writer


class TestAdd:
    """Types of another BTF."""

    def added(self, closure: Any, *roots: int) -> Btf:
        builder = Builder(byte_order="big")
        source = btfmmap.open(data=graph().build())
        builder.add(source, roots, closure=closure)
        return builder.build()

    def kinds(self, btf: Btf) -> list[str]:
        return btf.kind_names(range(1, len(btf)))

    def test_deep(self) -> None:
        btf = self.added("deep", 2)
        assert self.kinds(btf) == [
            *("INT", "STRUCT", "PTR", "CONST", "STRUCT", "PTR", "TYPEDEF", "UNION", "PTR", "FUNC_PROTO")
        ]
        assert btf.dump("c", roots=[2]) == btfmmap.open(data=graph().build()).dump("c", roots=[2])

    def test_pointers(self) -> None:
        """The pointer to node itself stays, other becomes a declaration, and the function void."""
        btf = self.added("pointers", 2)
        assert self.kinds(btf) == ["STRUCT", "PTR", "STRUCT", "PTR", "PTR", "FWD"]
        node, following, inner, other, callback, declaration = (btf[number] for number in range(1, 7))
        assert [member.type for member in node.members] == [following, inner, other]
        assert following.type == node
        assert other.type == declaration
        assert (declaration.name, declaration.kind_flag) == ("other", True)
        assert target(callback).id == 0

    def test_none(self) -> None:
        with pytest.raises(ValueError, match=r"type \[2\] STRUCT 'node': refers to type \[3\], which is not"):
            self.added("none", 2, 5)
        assert self.kinds(self.added("none", 2, 3, 4, 5, 6, 7, 8, 9, 10, 1)) == [
            *("INT", "STRUCT", "PTR", "CONST", "STRUCT", "PTR", "TYPEDEF", "UNION", "PTR", "FUNC_PROTO")
        ]

    def test_failure_adds_nothing(self) -> None:
        builder = Builder()
        source = btfmmap.open(data=graph().build())
        for closure in ("none", "none"):
            with pytest.raises(ValueError, match=r"type \[11\] STRUCT 'apart': refers to type \[1\]"):
                builder.add(source, [11], closure=closure)
        assert builder.next_id == 1
        builder.add(source, [1, 11], closure="none")
        assert builder.build().names() == ["void", "int", "apart"]

    def test_in_several_calls(self) -> None:
        """A type is added once, and `closure="none"` finds what was added before."""
        builder = Builder()
        source = btfmmap.open(data=graph().build())
        assert builder.add(source, [11, 11]).tolist() == [2, 2]
        assert builder.add(source, [8], closure="none").tolist() == [3]
        assert builder.add(source, np.array([11, 8, 0])).tolist() == [2, 3, 0]
        assert builder.add(source, []).dtype == np.uint32
        declared = builder.add(source, [6], closure="pointers").tolist()
        assert target(builder.build()[declared[0]]).id == 3

    def test_declarations_are_shared(self) -> None:
        writer = BtfWriter()
        writer.add_struct("target", 4, [])
        for _ in range(3):
            writer.add(btf_writer.PTR, size_or_type=1)
        builder = Builder()
        source = btfmmap.open(data=writer.build())
        builder.add(source, [2, 3], closure="pointers")
        builder.add(source, [4], closure="pointers")
        btf = builder.build()
        assert self.kinds(btf) == ["PTR", "PTR", "FWD", "PTR"]
        assert {target(btf[number]).id for number in (1, 2, 4)} == {3}

    def test_shared_base_keeps_its_ids(self) -> None:
        lower = every_kind()
        base = btfmmap.open(data=lower.build())
        upper = SplitWriter(lower)
        upper.add_struct("own", 20, [("left", 7, 0), ("right", 1, 128)])
        source = btfmmap.open(data=upper.build(), base=base)
        builder = Builder(base=base)
        (own,) = builder.add(source, [id_of(source, "own")]).tolist()
        assert own == len(base)
        built = builder.build()
        assert built.dump() == source.dump()
        assert built.string_section.tobytes() == b"own\0"
        alone = Builder()
        alone.add(source, [id_of(source, "own")])
        assert alone.build().dump("c", roots=["own"]) == source.dump("c", roots=["own"])

    def test_no_such_type(self) -> None:
        with pytest.raises(NotFoundError, match=r"no type \[12\]; the last one is \[11\]"):
            self.added("deep", 12)

    def test_unknown_kind(self) -> None:
        """Its references cannot be found; types that do not lead to it can be added."""
        layout = bytes(4 * 20) + bytes([4, 0, 0, 0])
        writer = BtfWriter(header_size=32)
        writer.add_int("int")
        writer.add(20, "novelty", extra=(7,))
        types = writer.type_section
        blob = writer.build(
            types=types + layout, type_len=len(types), layout_off=len(types), layout_len=len(layout)
        )
        source = btfmmap.open(data=blob)
        assert Builder().add(source, [1]).tolist() == [1]
        with pytest.raises(
            btfmmap.NotSupportedError, match=r"type \[2\] UNKNOWN_20 'novelty': its references"
        ):
            Builder().add(source, [2])


def test_from_many_threads() -> None:
    """Each record gets its own ID."""
    builder = Builder()
    ids: list[int] = []

    def work(number: int) -> None:
        ids.extend(builder.fwd(f"of_{number}_{each}") for each in range(200))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ids) == [*range(1, 801)]
    assert len({*builder.build().names()}) == 801


def test_mutants() -> None:
    """Types of mutants, by each closure, alone and with those of other files."""
    contents = [every_kind(order).build() for order in "<>"]
    source = random.Random(27)
    answered = 0
    for _ in range(1500):
        try:
            btf = btfmmap.open(data=mutant(source.choice(contents), source))
        except btfmmap.BtfError:
            continue
        builder = Builder(byte_order=source.choice(("little", "big")))
        for closure in ("none", "pointers", "deep"):
            ids = source.sample(range(len(btf)), min(3, len(btf)))
            with suppress(btfmmap.BtfError, ValueError):
                builder.add(btf, ids, closure=closure)
        answered += len(builder.build()) > 1
    assert answered > 300
