"""CO-RE relocations of BPF objects against kernels: libbpf's results, and the rules one by one."""

from __future__ import annotations

import csv
import errno
import io
import lzma
import pickle
import random
import struct
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import requirements
from bpf_object import LDX, ST, STX, BpfObject, instruction
from bpftool_fields import bpftool_fields
from btf_writer import CONST, FLOAT, FUNC, FWD, PTR, STRUCT, TYPEDEF, UNION, BtfWriter
from elf_writer import ElfWriter
from mutants import mutant
from stored_files import DATA, KERNELS, stored, stored_objects

import btfmmap
from btfmmap import Btf, BtfError, CoreReloKind
from btfmmap.relocation_kinds import InstructionUse, RelocationStatus
from btfmmap.relocations import RelocationResults, Relocations, evaluate

K, S = CoreReloKind, RelocationStatus


@cache
def libbpfs_results() -> dict[tuple[str, str], list[dict[str, str]]]:
    rows: dict[tuple[str, str], list[dict[str, str]]] = {}
    text = lzma.decompress((DATA / "bpf-relocations.tsv.xz").read_bytes()).decode()
    for row in csv.DictReader(io.StringIO(text), delimiter="\t"):
        rows.setdefault((row["kernel"], row["object"]), []).append(row)
    return rows


def relocations_of(btf: Btf) -> Relocations:
    assert btf.ext is not None
    return btf.ext.relocations


@pytest.mark.parametrize("kernel", KERNELS)
def test_libbpfs_results(kernel: str) -> None:
    """Every relocation of 63 objects, in every column."""
    target = btfmmap.open(data=stored(f"{kernel}.btf"))
    opened = {name: btfmmap.open(data=content) for name, content in stored_objects().items()}
    results = evaluate(list(opened.values()), target)
    row = 0
    for name, btf in opened.items():
        local = relocations_of(btf) if btf.ext is not None else None
        for number, expected in enumerate(libbpfs_results().get((kernel, name), [])):
            assert local is not None
            result, own = results[row], local[number]
            row += 1
            found = {
                "section": local.section[number],
                "root": local.root[number],
                "access": local.access[number],
                "insn_off": own["insn_off"],
                "kind": own["kind"],
                "local": own["value"],
                "candidates": result["candidates"],
                "value": result["value"],
                "poison": int(result["poison"]),
                "validate": int(own["validate"]),
                "fail_memsz_adjust": int(result["unsafe_size"]),
                "local_size": own["field_size"],
                "local_type": own["field_type"],
                "size": result["size"],
                "type": result["type"],
            }
            known = {"kernel": kernel, "object": name, "error": "0"}
            assert known | {key: str(value) for key, value in found.items()} == expected
            assert result["poison"] == (result["status"] == S.POISONED)
            assert result["status"] in (S.OK, S.ABSENT, S.POISONED)
            assert (results.reason(row - 1) == "") == (result["status"] == S.OK)
    assert row == len(results) == 602


def test_independent_relocations_of_real_objects_are_equal() -> None:
    """None of them has more than one candidate."""
    target = btfmmap.open(data=stored("7.2-amd64.btf"))
    opened = [btfmmap.open(data=content) for content in stored_objects().values()]
    ours, independent = evaluate(opened, target), evaluate(opened, target, semantics="independent")
    assert all(np.array_equal(ours[name], independent[name]) for name in ours.columns)


def test_bpftool_finds_the_same_fields(tmp_path: Path) -> None:
    """The fields that `bpftool gen min_core_btf` logs: as C, with type ids and offsets on both sides."""
    kernel = tmp_path / "kernel.btf"
    kernel.write_bytes(stored("7.2-amd64.btf"))
    target = btfmmap.open(kernel)
    logged = 0
    for name in ("bindsnoop.bpf.o", "runqslower.bpf.o", "tcptracer.bpf.o", "biostacks.bpf.o"):
        path = tmp_path / name
        path.write_bytes(stored_objects()[name])
        made = btfmmap.open(path)
        local, results = relocations_of(made), evaluate([made], target)
        fields = [number for number, kind in enumerate(local.kind) if K(kind).is_field]
        row = -1
        for each in bpftool_fields(kernel, path):
            if each.of_kernel:
                found = results.target[fields[row]], results.bit_offset[fields[row]]
                assert found == (each.type_id, each.bit_offset)
                continue
            row += 1
            own = local[fields[row]]
            assert (own["type"], own["bit_offset"]) == (each.type_id, each.bit_offset)
            assert (local.root[fields[row]], local.path[fields[row]]) == (each.root, each.field)
        assert row == len(fields) - 1
        logged += row
    assert logged > 50


# -- written objects


def common(order: str = "<") -> BtfWriter:
    """int, unsigned int, char, struct s {int a; unsigned b;}, enum e."""
    writer = BtfWriter(order)
    integer = writer.add_int()
    unsigned = writer.add_int("unsigned int", 4, encoding=0)
    writer.add_int("char", 1, encoding=2)
    writer.add_struct("s", 8, [("a", integer, 0), ("b", unsigned, 32)])
    writer.add_enum("e", [("ONE", 1), ("TWO", 2)])
    return writer


INT_ID, UNSIGNED, CHAR, STRUCT_ID, ENUM_ID = range(1, 6)


def judged(
    made: BpfObject, kernel: BtfWriter, *modules: bytes, semantics: str = "libbpf", pointers: int = 0
) -> RelocationResults:
    target = btfmmap.open(data=kernel.build())
    if pointers:
        elf = ElfWriter(8 * pointers, kernel.order)
        elf.add(".BTF", kernel.build())
        target = btfmmap.open(data=elf.build())
    levels = [btfmmap.open(data=module, base=target) for module in modules]
    return evaluate([btfmmap.open(data=made.build())], target, levels, semantics)  # type: ignore[arg-type]


def statuses(results: RelocationResults) -> list[RelocationStatus]:
    return [RelocationStatus(status) for status in results.status]


def refused(results: RelocationResults, number: int, error: int, message: str) -> None:
    status = S(results.status[number])
    assert status in (S.ERROR, S.AMBIGUOUS)
    assert (results.error[number], results.value[number]) == (error, 0)
    assert message in results.reason(number)


class TestEachKind:
    @pytest.fixture(params=["<", ">"])
    def order(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    def test_found(self, order: str) -> None:
        made = BpfObject(common(order))
        kernel = BtfWriter(order)
        for _ in range(2):
            kernel.add_int("long", 8)
        unsigned = kernel.add_int("unsigned int", 4, encoding=0)
        signed = kernel.add_int("int")
        kernel.add_struct("s", 16, [("x", 1, 0), ("a", signed, 64), ("b", unsigned, 96)])
        kernel.add_enum("e", [("TWO", 2**32 - 7), ("ONE", 3)])
        for kind, access, value in [
            (K.FIELD_BYTE_OFFSET, "0:0", 0),
            (K.FIELD_BYTE_SIZE, "0:0", 4),
            (K.FIELD_EXISTS, "0:0", 1),
            (K.FIELD_SIGNED, "0:0", 1),
            (K.FIELD_LSHIFT_U64, "0:0", 32),
            (K.FIELD_RSHIFT_U64, "0:0", 32),
            (K.TYPE_ID_LOCAL, "0", STRUCT_ID),
            (K.TYPE_ID_TARGET, "0", STRUCT_ID),
            (K.TYPE_EXISTS, "0", 1),
            (K.TYPE_SIZE, "0", 8),
            (K.TYPE_MATCHES, "0", 1),
        ]:
            made.add_immediate(kind, STRUCT_ID, access, value)
        made.add_immediate(K.ENUMVAL_EXISTS, ENUM_ID, "1", 1)
        made.add_immediate64(K.ENUMVAL_VALUE, ENUM_ID, "1", 2)
        results = judged(made, kernel)
        assert set(statuses(results)) == {S.OK}
        # A left shift of a whole field depends on the byte order: in big-endian, its first bytes are the
        # upper ones of what is read.
        shifts = [32, 32]
        expected = [8, 4, 1, 1, *shifts, STRUCT_ID, 5, 1, 16, 1, 1, 2**64 - 7]
        assert results.value.tolist() == expected
        assert results.target.tolist() == [5, 5, 5, 5, 5, 5, 0, 5, 5, 5, 5, 6, 6]
        assert results.bit_offset.tolist() == [64] * 6 + [0] * 7
        local = relocations_of(btfmmap.open(data=made.build()))
        assert [K(kind) for kind in local.kind] == [*list(K)[:10], K.TYPE_MATCHES, *list(K)[10:12]]

    def test_nothing_found(self) -> None:
        """Existence, type ids and sizes are 0; other relocations poison."""
        made = BpfObject(common())
        for kind in K:
            if kind.is_enum_value:
                made.add_immediate64(kind, ENUM_ID, "1", 2 if kind == K.ENUMVAL_VALUE else 1)
            elif kind.is_type:
                made.add_immediate(kind, STRUCT_ID, "0", {K.TYPE_SIZE: 8, K.TYPE_ID_LOCAL: 4}.get(kind, 1))
            else:
                held = {K.FIELD_BYTE_SIZE: 4, K.FIELD_BYTE_OFFSET: 4, K.FIELD_SIGNED: 0}.get(kind, 32)
                made.add_immediate(kind, STRUCT_ID, "0:1", 1 if kind == K.FIELD_EXISTS else held)
        kernel = BtfWriter()
        kernel.add_int()
        results = judged(made, kernel)
        zero = {
            K.FIELD_EXISTS,
            K.TYPE_ID_TARGET,
            K.TYPE_EXISTS,
            K.TYPE_SIZE,
            K.TYPE_MATCHES,
            K.ENUMVAL_EXISTS,
        }
        for number, kind in enumerate(K):
            expected = S.OK if kind == K.TYPE_ID_LOCAL else S.ABSENT if kind in zero else S.POISONED
            assert statuses(results)[number] == expected, kind
            if expected != S.OK:
                assert results.value[number] == 0
                wanted = "ENUM 'e'" if kind.is_enum_value else "STRUCT 's'"
                assert results.reason(number) == f"the kernel has no {wanted}"

    def test_left_shifts_of_bitfields(self, order: str) -> None:
        """Shifting left and then right extracts the field from what was loaded in the program's order."""
        generator = random.Random(order)
        for _ in range(50):
            bit, bits = generator.randrange(32), generator.randrange(1, 33)
            types = BtfWriter(order)
            types.add_int("unsigned int", 4, encoding=0)
            types.add_struct("s", 16, [("f", 1, bits << 24 | bit)], kind_flag=True)
            made = BpfObject(types)
            for kind in range(6):
                made.add_immediate64(kind, 2, "0:0", 0)
            local = relocations_of(btfmmap.open(data=made.build()))
            offset, size, _, signed, left, right = local.value.tolist()
            memory = generator.randbytes(16)
            endian = "little" if order == "<" else "big"
            loaded = int.from_bytes(memory[offset : offset + size], endian)  # type: ignore[arg-type]
            all_bits = int.from_bytes(memory, endian)  # type: ignore[arg-type]
            shift = bit if order == "<" else 128 - bit - bits
            assert (loaded << left) % 2**64 >> right == all_bits >> shift & ((1 << bits) - 1)
            assert signed == 0
            assert (local.bit_offset[0], local.bitfield_size[0], local.size[0]) == (bit, bits, 4)


class TestCandidates:
    SLOT = ("sun", "device")

    def slots(self, order: tuple[str, ...]) -> BpfObject:
        types = BtfWriter()
        types.add_int("int")
        types.add_struct("slot", 8, [("sun", 1, 0), ("device", 1, 32)])
        made = BpfObject(types)
        for name in order:
            made.add_immediate(K.FIELD_EXISTS, 2, f"0:{self.SLOT.index(name)}", 1)
        return made

    def test_pruning_depends_on_the_order(self) -> None:
        """Linux 7.2 has three structs named slot."""
        kernel = btfmmap.open(data=stored("7.2-amd64.btf"))
        assert len(kernel.find_all("struct slot")) == 3
        members = [[member.name for member in kernel[i].members] for i in kernel.find_all("struct slot")]
        assert [sum(name in names for names in members) for name in self.SLOT] == [1, 1]
        for order in (self.SLOT, self.SLOT[::-1]):
            made = btfmmap.open(data=self.slots(order).build())
            results = evaluate([made], kernel)
            assert results.value.tolist() == [1, 0]
            assert results.candidates.tolist()[0] == 3
            alone = evaluate([made], kernel, semantics="independent")
            assert (alone.value.tolist(), alone.candidates.tolist()) == ([1, 1], [3, 3])
            assert evaluate([made, made], kernel).value.tolist() == [1, 0] * 2  # per object

    def test_no_match_prunes_nothing(self) -> None:
        kernel = common()
        kernel.add_struct("s", 4, [("z", INT_ID, 0)])
        types = common()
        types.add_struct("s", 4, [("gone", INT_ID, 0)])
        types.add_struct("s___other", 4, [("z", INT_ID, 0)])
        made = BpfObject(types)
        for root in (6, 6, 7, 4, 7):
            made.add_immediate(K.FIELD_EXISTS, root, "0:0", 1)
        results = judged(made, kernel)
        assert results.value.tolist() == [0, 0, 1, 1, 1]
        assert results.candidates.tolist() == [2, 2, 2, 2, 1]

    def test_ambiguity(self) -> None:
        kernel = common()
        kernel.add_struct("s___2", 16, [("b", UNSIGNED, 0), ("a", INT_ID, 32)])
        kernel.add_struct("s___3", 16, [("b", UNSIGNED, 0)])
        made = BpfObject(common())
        for access in ("0:1", "0:0"):
            made.add_load(STRUCT_ID, access, 4 if access == "0:1" else 0)
        made.add_immediate(K.TYPE_ID_TARGET, STRUCT_ID, "0", STRUCT_ID)
        made.add_immediate(K.TYPE_SIZE, STRUCT_ID, "0", 8)
        made.add_immediate(K.FIELD_BYTE_SIZE, STRUCT_ID, "0:1", 4)
        results = judged(made, kernel)
        assert set(statuses(results)) == {S.AMBIGUOUS}
        assert set(results.error) == {errno.EINVAL}
        refused(results, 0, errno.EINVAL, "in one the bit offset is 32, but 0 in STRUCT 's___2' [6]")
        refused(results, 2, errno.EINVAL, "it is 6 in STRUCT 's___2' [6]")

    def test_equal_candidates_agree(self) -> None:
        kernel = common()
        kernel.add_struct("s___2", 8, [("x", INT_ID, 0), ("b", UNSIGNED, 32)])
        made = BpfObject(common())
        made.add_load(STRUCT_ID, "0:1", 4)
        made.add_immediate(K.FIELD_EXISTS, STRUCT_ID, "0:0", 1)
        results = judged(made, kernel)
        assert statuses(results) == [S.OK, S.OK]
        assert results.target.tolist() == [STRUCT_ID] * 2

    @pytest.mark.parametrize(
        ("local", "target", "found"),
        [
            ("s", "s", True),
            ("s___x", "s", True),
            ("s", "s___x", True),
            ("s___x", "s___y", True),
            ("s___a___b", "s", False),
            ("s___a___b", "s___a___c", True),
            ("s___a", "s___a___b", False),
            ("s___a___b", "s___a", False),
            ("s____x", "s____x", True),
            ("s____x", "s", False),
            ("___x", "___x", True),
            ("___x", "___y", False),
            ("s___", "s___", True),
            ("s___", "s", False),
            ("s__x", "s", False),
            ("s" * 70 + "___x", "s" * 70 + "___y", True),
            ("s" * 70 + "t___x", "s" * 70 + "u___y", False),
        ],
    )
    @pytest.mark.parametrize("padding", [0, 59, 60, 61, 62, 63, 64])
    def test_flavours(self, local: str, target: str, found: bool, padding: int) -> None:
        """Wherever the name is in the string section."""
        types, kernel = BtfWriter(), BtfWriter()
        kernel.string("p" * padding)
        kernel.add_int(f"other{local}")
        types.add_struct(local, 4, [])
        kernel.add_struct(target, 4, [])
        kernel.add(FWD, "s")
        kernel.add_struct("s", 4, [], kind=UNION)
        made = BpfObject(types)
        made.add_immediate(K.TYPE_EXISTS, 1, "0", 1)
        assert judged(made, kernel).value.tolist() == [found]

    def test_names_inside_other_names(self) -> None:
        """Name offsets may point into strings."""
        kernel = BtfWriter()
        whole = kernel.string("some_s___old")
        kernel.records.append(kernel.words(whole + 5, STRUCT << 24, 4))
        kernel.records.append(kernel.words(whole + 6, STRUCT << 24, 4))  # ___old
        types = BtfWriter()
        types.add_struct("s", 4, [])
        types.add_struct("___old", 4, [])
        types.add_struct("old", 4, [])
        made = BpfObject(types)
        for number in (1, 2, 3):
            made.add_immediate(K.TYPE_ID_TARGET, number, "0", 0)
        assert judged(made, kernel).value.tolist() == [1, 2, 0]

    def test_modules_are_asked_last(self) -> None:
        kernel = common()
        module = BtfWriter(strings=b"")
        start = len(kernel.strings)

        def add(name: str, kind: int = STRUCT) -> None:
            offset = start + module.string(name)
            module.records.append(module.words(offset, kind << 24, 4))

        add("s")
        add("own")
        other = BtfWriter(strings=b"")
        other.string("own___2")
        other.records.append(other.words(start, STRUCT << 24, 9))
        types = common()
        types.add_struct("own", 4, [])
        made = BpfObject(types)
        made.add_immediate(K.TYPE_ID_TARGET, STRUCT_ID, "0", 0)
        made.add_immediate(K.TYPE_EXISTS, 6, "0", 1)
        results = judged(made, kernel, module.build(), other.build())
        assert results.value.tolist() == [STRUCT_ID, 1]
        assert (results.candidates.tolist(), results.source.tolist()) == ([1, 2], [0, 1])
        assert results.target.tolist() == [4, 7]
        assert judged(made, kernel).value.tolist() == [STRUCT_ID, 0]


class TestErrors:
    @pytest.mark.parametrize(
        ("kind", "type_id", "access", "message"),
        [
            (13, STRUCT_ID, "0", "relocations of kind 13 are not known"),
            (2**32 - 1, STRUCT_ID, "0", "relocations of kind 4294967295 are not known"),
            (0, STRUCT_ID, "", "not a list of numbers"),
            (0, STRUCT_ID, ":0", "not a list of numbers"),
            (0, STRUCT_ID, "0:", "not a list of numbers"),
            (0, STRUCT_ID, "0:-1", "not a list of numbers"),
            (0, STRUCT_ID, "0:x", "not a list of numbers"),
            (0, STRUCT_ID, ":".join("0" * 65), "more than 64 numbers"),
            (0, STRUCT_ID, "0" * 2000, "longer than 1,024 bytes"),
            (0, STRUCT_ID, "0:2", "STRUCT 's' [4] has no member 2"),
            (0, STRUCT_ID, "0:0:0", "the access string goes into INT 'int' [1]"),
            (8, STRUCT_ID, "0:0", 'the access string of a type is not "0"'),
            (8, STRUCT_ID, "00", 'the access string of a type is not "0"'),
            (10, STRUCT_ID, "0", "the root is STRUCT 's' [4], not an enum"),
            (10, ENUM_ID, "2", "ENUM 'e' [5] has no enumerator 2"),
            (10, ENUM_ID, "0:0", "not one number"),
            (3, INT_ID, "0", "does not apply to an element of an array"),
            (8, 0, "0", "VOID [0] has no name"),
        ],
    )
    def test_of_the_record(self, kind: int, type_id: int, access: str, message: str) -> None:
        made = BpfObject(common())
        made.add_immediate(kind, type_id, access, 0)
        refused(judged(made, common()), 0, errno.EINVAL, message)

    def test_too_deep_in_the_target(self) -> None:
        """64 accessors, members without a name among them."""
        kernel = common()
        held = INT_ID
        for number in range(63):
            held = kernel.add_struct(
                "" if number < 62 else "deep", 4, [("a" if number == 0 else "", held, 0)]
            )
        deeper = BtfWriter(records=[*kernel.records], strings=kernel.strings)
        deeper.records[-1] = deeper.words(deeper.string("other"), 0, 0)[:4] + kernel.records[-1][4:]
        deeper.add_struct("deep", 4, [("", len(deeper.records), 0)])
        deeper.records[-2] = deeper.words(0) + deeper.records[-2][4:]
        types = common()
        types.add_struct("deep", 4, [("a", INT_ID, 0)])
        made = BpfObject(types)
        made.add_load(6, "0:0", 0)
        assert statuses(judged(made, kernel)) == [S.OK]
        refused(judged(made, deeper), 0, errno.E2BIG, "is nested too deeply")

    def test_bitfield_too_wide(self) -> None:
        kernel = BtfWriter()
        kernel.add_int("long", 8)
        kernel.add_struct("s", 16, [("a", 1, 40 << 24 | 60)], kind_flag=True)
        types = BtfWriter()
        types.add_int("long", 8)
        types.add_struct("s", 8, [("a", 1, 0)])
        made = BpfObject(types)
        made.add_immediate(K.FIELD_BYTE_OFFSET, 2, "0:0", 0)
        refused(judged(made, kernel), 0, errno.E2BIG, "member 0 of STRUCT 's' [2] of the kernel")

    def test_bitfield_of_a_type_without_size(self) -> None:
        """libbpf divides by zero."""
        types = BtfWriter()
        types.add_struct("empty", 0, [])
        types.add_struct("s", 8, [("a", 1, 3 << 24)], kind_flag=True)
        made = BpfObject(types)
        made.add_immediate(K.FIELD_BYTE_SIZE, 2, "0:0", 0)
        refused(judged(made, types), 0, errno.EINVAL, "is of a type of 0 bytes")

    def test_no_size(self) -> None:
        types = BtfWriter()
        types.add(FWD, "f")
        types.add_struct("s", 8, [("a", 1, 0)])
        types.add(TYPEDEF, "t", size_or_type=0)
        made = BpfObject(types)
        made.add_immediate(K.FIELD_BYTE_OFFSET, 2, "0:0", 0)
        made.add_immediate(K.TYPE_SIZE, 3, "0", 0)
        results = judged(made, types)
        refused(results, 0, errno.EINVAL, "FWD 'f' [1] of the object has no size")
        refused(results, 1, errno.EINVAL, "TYPEDEF 't' [3] of the object has no size")

    def test_cycles(self) -> None:
        """libbpf does not return from a cycle of typedefs or arrays."""
        types = BtfWriter()
        types.add(TYPEDEF, "t", size_or_type=2)
        types.add(CONST, size_or_type=1)
        types.add_array(3, 1, 1)
        types.add_struct("s", 8, [("typedefs", 1, 0), ("arrays", 3, 0)])
        made = BpfObject(types)
        for kind in K:
            for access in ("0:0", "0:1") if kind.is_field else ("0",):
                made.add_immediate(kind, 4 if kind.is_field else 1, access, 0)
        results = judged(made, types)
        assert set(statuses(results)) <= {S.ERROR, S.OK}
        assert (results.status == S.ERROR).sum() > 10
        assert all(results.reason(number) for number in np.flatnonzero(results.status == S.ERROR).tolist())

    def test_exponential_types(self) -> None:
        """Anonymous members that each have two of the next: 2^60 paths."""
        types = common()
        held = types.add_struct("", 4, [("z", INT_ID, 0)])
        for _ in range(58):
            held = types.add_struct("", 4, [("", held, 0), ("", held, 0)], kind=UNION)
        kernel = BtfWriter(records=[*types.records], strings=types.strings)
        kernel.add_struct("deep", 4, [("", held, 0)])
        types.add_struct("deep", 4, [("a", INT_ID, 0)])
        made = BpfObject(types)
        for _ in range(100):
            made.add_immediate(K.FIELD_EXISTS, len(types.records), "0:0", 1)
        results = judged(made, kernel)
        assert set(results.error.tolist()) == {errno.E2BIG}
        assert "take too long to compare" in results.reason(99)
        named = common()
        held = named.add_struct("n", 4, [("z", INT_ID, 0)])
        for number in range(30):
            held = named.add_struct(f"n{number}", 4, [("a", held, 0), ("b", held, 0)])
        made = BpfObject(named)
        made.add_immediate(K.TYPE_MATCHES, held, "0", 1)
        refused(judged(made, named), 0, errno.E2BIG, "take too long to compare")

    def test_many_candidates(self) -> None:
        kernel = BtfWriter()
        name = kernel.string("s")
        kernel.records = [kernel.words(name, STRUCT << 24, 4)] * 5000
        types = BtfWriter()
        types.add_struct("s", 4, [])
        made = BpfObject(types)
        made.add_immediate(K.TYPE_EXISTS, 1, "0", 1)
        refused(judged(made, kernel), 0, errno.E2BIG, "the kernel has 5000 types named 's'")


class TestInstructions:
    @staticmethod
    def after(made: BpfObject, code: bytes, access: str = "0:1") -> BpfObject:
        made.add(K.FIELD_BYTE_OFFSET, STRUCT_ID, access, code)
        return made

    @pytest.fixture(params=["<", ">"])
    def order(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.mark.parametrize(
        ("code", "message"),
        [
            ({"code": 0xBF, "immediate": 4}, "arithmetic instruction without an immediate (opcode 191)"),
            ({"code": 0xB7, "immediate": 5}, "the instruction holds 5, but the object's types say 4"),
            ({"code": 0xB7, "immediate": -4}, "the instruction holds -4, but"),
            ({"code": LDX, "offset": 3}, "the instruction holds 3, but"),
            ({"code": 0x85, "immediate": 4}, "an instruction of opcode 133 cannot be relocated"),
            ({"code": 0x18, "source": 1, "immediate": 4}, "is not a plain assignment of 64 bits"),
            ({"code": 0x20, "immediate": 4}, "is not a plain assignment of 64 bits"),
        ],
    )
    def test_errors(self, order: str, code: dict[str, int], message: str) -> None:
        made = self.after(BpfObject(common(order)), instruction(order, **code))
        refused(judged(made, common(order)), 0, errno.EINVAL, message)

    def test_uses(self, order: str) -> None:
        made = BpfObject(common(order))
        for size in (1, 2, 4, 8):
            made.add_load(STRUCT_ID, "0:1", 4, size)
        made.add_load(STRUCT_ID, "0:1", 4, code=ST)
        made.add_load(STRUCT_ID, "0:1", 4, code=STX)
        made.add_immediate(K.FIELD_EXISTS, STRUCT_ID, "0:1", 1)
        made.add_immediate64(K.FIELD_EXISTS, STRUCT_ID, "0:1", 1)
        self.after(made, instruction(order, 0x85))
        local = relocations_of(btfmmap.open(data=made.build()))
        uses = [*["LOAD"] * 4, "STORE", "STORE", "IMMEDIATE", "IMMEDIATE64", "NONE"]
        assert [InstructionUse(use).name for use in local.use] == uses
        assert local.access_size.tolist() == [1, 2, 4, 8, 4, 4, 0, 0, 0]
        assert local.insn.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 9]

    def test_offset_too_large(self) -> None:
        kernel = common()
        kernel.records[STRUCT_ID - 1] = b""
        kernel.records.pop(STRUCT_ID - 1)
        kernel.add_struct("s", 2**15 + 4, [("b", UNSIGNED, 8 * 2**15), ("a", INT_ID, 8 * (2**15 - 4))])
        made = BpfObject(common())
        made.add_load(STRUCT_ID, "0:1", 4)
        made.add_load(STRUCT_ID, "0:0", 0)
        made.add_immediate(K.FIELD_BYTE_OFFSET, STRUCT_ID, "0:1", 4)
        results = judged(made, kernel)
        refused(results, 0, errno.ERANGE, "the offset 32768 does not fit a load or store")
        assert results.value.tolist() == [0, 2**15 - 4, 2**15]

    @pytest.mark.parametrize(
        ("before", "after", "encoding", "status"),
        [
            (4, 8, 0, S.OK),
            (4, 2, 0, S.OK),
            (4, 1, 3, S.OK),  # not exactly signed
            (4, 8, 1, S.POISONED),
            (8, 4, 1, S.POISONED),
            (4, 4, 1, S.OK),
            (4, 3, 0, S.ERROR),
        ],
    )
    def test_size_of_access(self, before: int, after: int, encoding: int, status: RelocationStatus) -> None:
        def types(size: int) -> BtfWriter:
            writer = BtfWriter()
            writer.add_int("int", size, encoding=encoding)
            writer.add_struct("s", 16, [("a", 1, 32)])
            return writer

        made = BpfObject(types(before))
        made.add_load(2, "0:0", 4, before)
        made.add_immediate(K.FIELD_BYTE_OFFSET, 2, "0:0", 4)
        results = judged(made, types(after))
        assert statuses(results) == [status, S.OK]
        assert results.size.tolist() == [after] * 2
        assert results.unsafe_size.tolist() == [status == S.POISONED] * 2
        assert not results.poison.any()
        local = relocations_of(btfmmap.open(data=made.build()))
        assert local.field_size.tolist() == [before] * 2
        assert local.field_type.tolist() == [1, 1]
        assert local.validate.tolist() == [True, True]
        if before != after and status == S.OK:
            wrong = BpfObject(types(before))
            wrong.add_load(2, "0:0", 4, 1)
            message = f"the instruction accesses 1 bytes, but the field has {before}"
            refused(judged(wrong, types(after)), 0, errno.EINVAL, message)

    def test_pointers_of_32_bits(self) -> None:
        """A load of a pointer becomes one of 4 bytes."""

        def types(long: int) -> BtfWriter:
            writer = BtfWriter()
            writer.add_int("long", long)
            pointer = writer.add(PTR, size_or_type=0)
            writer.add_struct(
                "s", 3 * long, [("a", 1, 0), ("p", pointer, 8 * long), ("q", pointer, 16 * long)]
            )
            return writer

        made = BpfObject(types(8))
        made.add_load(3, "0:2", 16, 8)
        made.add_immediate(K.TYPE_SIZE, 3, "0", 24)
        for pointers in (0, 4):
            results = judged(made, types(4), pointers=pointers)
            assert (results.value.tolist(), results.size.tolist()) == ([8, 12], [4, 0])
        assert judged(made, types(8)).value.tolist() == [16, 24]

    def test_shared_instructions(self) -> None:
        """The second relocation of an instruction finds what the first one wrote."""
        kernel = common()
        kernel.records.pop()
        kernel.records.pop()
        kernel.add_struct("s", 12, [("x", INT_ID, 0), ("a", INT_ID, 32), ("b", UNSIGNED, 64)])
        content = bytearray()
        made = BpfObject(common())
        made.add_load(STRUCT_ID, "0:1", 4)
        made.add(K.FIELD_BYTE_OFFSET, STRUCT_ID, "0:1", b"")
        made.relocations.reverse()  # both at offset 0
        content = bytearray(made.build())
        results = evaluate([btfmmap.open(data=bytes(content))], btfmmap.open(data=kernel.build()))
        assert S(results.status[0]) == S.OK
        refused(results, 1, errno.EINVAL, "the instruction holds 8, but the object's types say 4")

    def test_no_instruction(self) -> None:
        elf = ElfWriter()
        made = BpfObject(common())
        made.add_load(STRUCT_ID, "0:1", 4)
        whole = btfmmap.open(data=made.build())
        assert whole.ext is not None
        for name, content in ((".BTF", bytes(whole.raw)),):
            elf.add(name, content)
        section = struct.pack("<HBB7I", 0xEB9F, 1, 0, 32, 0, 0, 0, 0, 0, 60)
        core_relo = whole.ext.core_relo
        words = [16, int(core_relo.section_off[0]), 3]
        for insn_off in (0, 12, 800):
            words += [insn_off, STRUCT_ID, int(core_relo.access_off[0]), 0]
        elf.add(".BTF.ext", section + struct.pack("<15I", *words))
        kernel = btfmmap.open(data=common().build())
        results = evaluate([btfmmap.open(data=elf.build())], kernel)
        assert set(statuses(results)) == {S.NOT_JUDGED}
        assert results.reason(0) == "there is no section with the instruction"
        elf.add("socket", made.relocations[0].code)
        results = evaluate([btfmmap.open(data=elf.build())], kernel)
        assert statuses(results) == [S.OK, S.ERROR, S.NOT_JUDGED]
        refused(results, 1, errno.EINVAL, "not a multiple of 8")
        assert "past the end of its section of 8 bytes" in results.reason(2)


SOURCE = """\
#define core __attribute__((preserve_access_index))
#define section(name) __attribute__((section(name)))
struct inner { long a; char b[4]; } core;
struct task {
    int pid;
    struct { struct inner in[3]; };
    unsigned flag : 3;
} core;
enum number { ONE = 1, TWO };
typedef struct task task_t;
typedef int (*callback)(struct task *, long);

__attribute__((noinline)) static int helper(struct task *t) {
    return t->in[2].b[1];
}
section("kprobe/first") int first(struct task *t) {
    int exists = __builtin_preserve_field_info(t->in[1].a, 2);
    return t[1].pid + exists + helper(t);
}
section("kprobe/types") int types(void) {
    return __builtin_preserve_type_info(*(task_t *)0, 0) * 3
        + __builtin_preserve_type_info(*(struct task *)0, 1) * 5
        + __builtin_preserve_type_info(*(callback *)0, 2) * 7
        + __builtin_btf_type_id(*(struct task *)0, 0) * 11
        + __builtin_btf_type_id(*(struct task *)0, 1) * 13
        + __builtin_preserve_enum_value(*(enum number *)TWO, 0) * 17
        + (int)__builtin_preserve_enum_value(*(enum number *)TWO, 1) * 19;
}
"""


@pytest.fixture(scope="module", params=["bpf", "bpfeb"])
def compiled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "program.c").write_text(SOURCE)
    command = [requirements.tool("clang-16"), "-target", request.param, "-g", "-O2", "-Wno-all"]
    subprocess.run([*command, "-c", "program.c", "-o", "program.o"], cwd=folder, check=True)
    return folder / "program.o"


class TestCompiled:
    """What clang 16 writes, kinds 6 to 12 among it."""

    def test_resolved(self, compiled: Path) -> None:
        local = relocations_of(btfmmap.open(compiled))
        found = {
            (root, path, K(kind).name, function, int(line))
            for root, path, kind, function, line in zip(
                local.root, local.path, local.kind, local.function, local.line, strict=True
            )
        }
        lines = {text.strip(): number for number, text in enumerate(SOURCE.splitlines(), 1)}
        names = {(root, path, kind, function) for root, path, kind, function, _ in found}
        assert names == {
            ("task", "in[2].b[1]", "FIELD_BYTE_OFFSET", "helper"),
            ("task", "in[1].a", "FIELD_EXISTS", "first"),
            ("task", "[1].pid", "FIELD_BYTE_OFFSET", "first"),
            ("task_t", "", "TYPE_EXISTS", "types"),
            ("task", "", "TYPE_SIZE", "types"),
            ("callback", "", "TYPE_MATCHES", "types"),
            ("task", "", "TYPE_ID_LOCAL", "types"),
            ("task", "", "TYPE_ID_TARGET", "types"),
            ("number", "TWO", "ENUMVAL_EXISTS", "types"),
            ("number", "TWO", "ENUMVAL_VALUE", "types"),
        }
        by_path = {(path, kind): line for _, path, kind, _, line in found}
        assert by_path["in[2].b[1]", "FIELD_BYTE_OFFSET"] == lines["return t->in[2].b[1];"]
        assert set(local.section) == {".text", "kprobe/first", "kprobe/types"}
        assert {Path(name).name for name in local.file_name} == {"program.c"}
        assert set(local.text) <= {*SOURCE.splitlines()}

    def test_against_itself(self, compiled: Path) -> None:
        """On a kernel with the object's own types, each instruction keeps its value."""
        btf = btfmmap.open(compiled)
        results = evaluate([btf], btf)
        local = relocations_of(btf)
        assert set(statuses(results)) == {S.OK}
        assert np.array_equal(results.value, local.value)
        assert np.array_equal(
            results.target[local.kind != K.TYPE_ID_LOCAL], local.type[local.kind != K.TYPE_ID_LOCAL]
        )

    def test_selections_and_copies(self, compiled: Path) -> None:
        local = relocations_of(btfmmap.open(compiled))
        part = local[local.kind == K.FIELD_BYTE_OFFSET]
        assert isinstance(part, Relocations)
        assert part.path.tolist() == [p for p, k in zip(local.path, local.kind, strict=True) if k == 0]
        copy = pickle.loads(pickle.dumps(part))
        assert (copy.path.tolist(), copy.function.tolist()) == (part.path.tolist(), part.function.tolist())
        with pytest.raises(ValueError, match="read-only"):
            local.path[0] = ""


# -- hostile objects


def check(made: Btf, kernel: Btf) -> None:
    """Read everything; answers make sense."""
    local = relocations_of(made)
    for name in ("section", "root", "path", "function", "file_name", "text", "access"):
        assert len(getattr(local, name)) == len(local)
    for semantics in ("libbpf", "independent"):
        results = evaluate([made], kernel, semantics=semantics)
        for number, status in enumerate(statuses(results)):
            assert (results.reason(number) == "") == (status == S.OK)
            assert results.value[number] == 0 or status == S.OK
            assert (results.error[number] != 0) == (status in (S.ERROR, S.AMBIGUOUS))
            assert results.target[number] < len(kernel)


def test_mutants() -> None:
    generator = random.Random(1)
    kernel = btfmmap.open(data=stored("6.12-s390x.btf"))
    good = 0
    names = [name for name, content in stored_objects().items() if len(content) < 50_000]
    for _ in range(400):
        content = mutant(stored_objects()[generator.choice(names)], generator)
        try:
            made = btfmmap.open(data=content)
            if made.ext is None:
                continue
            check(made, kernel)
        except BtfError:
            continue
        good += 1
    assert good > 20


def test_mutants_of_small_pairs() -> None:
    generator = random.Random(2)
    types = common()
    types.add(FUNC, "f", size_or_type=types.add_proto(INT_ID, [("x", INT_ID)]), vlen=1)
    types.add(FLOAT, "double", size_or_type=8)
    made = BpfObject(types)
    for kind in K:
        made.add_immediate(
            kind, ENUM_ID if kind.is_enum_value else STRUCT_ID, "0" if not kind.is_field else "0:1", 0
        )
    content, kernel = made.build(), types.build()
    good = 0
    for _ in range(3000):
        try:
            target = btfmmap.open(data=mutant(kernel, generator))
            changed = btfmmap.open(data=mutant(content, generator))
            if changed.ext is not None:
                check(changed, target)
                good += 1
        except BtfError:
            continue
    assert good > 100
