"""`lint(rules="kernel")`: the verdicts and reasons of the kernel, which judges the same bytes.

BTFMMAP_KERNEL_RULE_MUTANTS is the number of mutants that are compared.
"""

from __future__ import annotations

import io
import json
import lzma
import os
import random
import runpy
import struct
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import raw_records
from btf_writer import (
    CONST,
    DECL_TAG,
    FUNC,
    INT,
    PTR,
    TYPE_TAG,
    TYPEDEF,
    VAR,
    BtfWriter,
    every_kind,
)
from elf_writer import STRTAB, ElfWriter
from kernel_loader import KernelLoader, loader_of_version
from kernel_rule_cases import Case, Types, all_cases
from libbpf import libbpf
from mutants import mutant
from stored_files import DATA

import btfmmap
from btfmmap import Diagnostic, _core

MUTANTS = int(os.environ.get("BTFMMAP_KERNEL_RULE_MUTANTS", "1500"))
CASES = all_cases()
LOGS = {name: log.split("|") if log else [] for name, _, _, _, log in _core.kernel_rules()}
BIG_ENDIAN_MAGIC = b"\xeb\x9f"
CUT_TYPES = 300
SYMTAB = 2


@pytest.fixture(scope="module")
def kernel() -> KernelLoader:
    return loader_of_version(btfmmap.KERNEL_RULES_VERSION)


def judge(blob: bytes, **arguments: object) -> list[Diagnostic]:
    found = btfmmap.lint(data=blob, rules="kernel", **arguments)  # type: ignore[arg-type]
    assert all(each.severity == "error" for each in found)
    return found


def brief(found: list[Diagnostic]) -> list[tuple[str, int | None, int | None]]:
    return [(each.rule, each.type_id, each.offset) for each in found]


def difference(kernel: KernelLoader, blob: bytes) -> str:
    """How our verdict and reason differ from the kernel's; "" if they are equal."""
    refusal = kernel.refusal(blob)
    found = judge(blob)
    if (refusal is not None) != bool(found):
        return f"the kernel says {refusal}, we find {found[:2]}"
    if refusal is not None and refusal[1] and blob[:2] != BIG_ENDIAN_MAGIC:
        expected = LOGS[found[0].rule]
        if expected and not any(text in refusal[1] for text in expected):
            return f"the kernel's reason is {refusal}, ours {found[0]}"
    return ""


# -- one rule each


def test_each_rule_has_a_case() -> None:
    ours = {name for name, *_ in _core.kernel_rules()}
    assert {case.rule for case in CASES} == ours - {"object"}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_both_sides_of_each_limit(case: Case) -> None:
    assert case.good is None or judge(case.good("<")) == []
    found = judge(case.bad("<"))
    assert found[0].rule == case.rule
    if case.rule == "magic":
        return  # bytes that do not tell their byte order
    twin = judge(case.bad(">"))
    assert case.good is None or judge(case.good(">")) == []
    count = (
        1 if found[0].type_id is None else len(found)
    )  # after a fault in the header, sections may be others
    assert brief(found)[:count] == brief(twin)[:count]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_kernel_agrees_on_each_limit(case: Case, kernel: KernelLoader) -> None:
    if case.good is not None:
        assert difference(kernel, case.good("<")) == ""
    assert kernel.refusal(case.bad("<"))
    assert difference(kernel, case.bad("<")) == ""


def verdicts() -> Iterator[tuple[str, str, str, bytes]]:
    for line in (DATA / "kernel-verdicts.tsv").read_text().splitlines()[1:]:
        name, verdict, message, content = line.split("\t")
        yield name, verdict, message, bytes.fromhex(content)


@pytest.mark.parametrize(
    ("verdict", "message", "blob"), [pytest.param(*row, id=name) for name, *row in verdicts()]
)
def test_stored_verdicts(verdict: str, message: str, blob: bytes) -> None:
    found = judge(blob)
    assert (not found) == (verdict == "accepted")
    if found:
        # The messages are cut, some within the reason.
        assert any(
            text in message or message.endswith(tuple(text[:length] for length in range(12, len(text))))
            for text in LOGS[found[0].rule]
        )


def test_all_violations_are_found_and_none_twice() -> None:
    types = Types("<")
    bad = types.add_struct("s t", 4, [("1", types.int, 0), ("b", 0, 0), ("c", 999, 24), ("d", types.int, 16)])
    types.add(TYPEDEF, size_or_type=999)
    types.add(PTR, "p", size_or_type=types.var)
    assert [(each.rule, each.type_id) for each in judge(types.build())] == [
        ("name", bad),
        ("name", bad),
        ("type-id", bad),
        ("member-offset", bad),
        ("name", bad + 1),
        ("name", bad + 2),
        ("member-type", bad),
        ("member-end", bad),
        ("type-id", bad + 1),
        ("type-id", bad + 2),
    ]


def test_what_depends_on_a_fault_is_not_reported() -> None:
    types = Types("<")
    bad = types.add(TYPEDEF, "t", size_or_type=999)
    types.add(CONST, size_or_type=bad)
    types.add_struct("s", 4, [("m", bad, 0), ("n", bad + 1, 0)])
    types.add_array(bad, types.int, 2)
    types.add_proto(bad, [("a", bad)])
    types.add(VAR, "v", size_or_type=bad, extra=(1,))
    types.add_datasec(".data", 8, [(len(types.records), 0, 8)])
    types.add(DECL_TAG, "d", size_or_type=bad, extra=(-1,))
    assert [(each.rule, each.type_id) for each in judge(types.build())] == [("type-id", bad)]


def test_after_a_record_that_cannot_be_read() -> None:
    types = Types("<")
    types.add(PTR, size_or_type=len(types.records) + 3)  # may be in the rest
    bad = types.add(PTR, size_or_type=2**19)
    tail = types.words(0, 0, 0) + 4 * types.words(0, INT << 24, 4, 32)
    found = judge(types.build(types=types.type_section + tail))
    assert [(each.rule, each.type_id) for each in found] == [("kind", bad + 1), ("type-id", bad)]


# -- mutants, and other files that the kernel judges


@cache
def cut_kernels() -> list[bytes]:
    """Kernels of 300 types: random ones with all that they refer to."""
    return [
        cut(lzma.decompress((DATA / f"{name}.btf.xz").read_bytes()), seed)
        for name in ("7.2-amd64", "6.12-cloud-arm64")
        for seed in range(2)
    ]


def cut(blob: bytes, seed: int) -> bytes:
    records = raw_records.read(blob)
    kept: set[int] = set()
    for root in random.Random(seed).sample(range(1, len(records) + 1), len(records)):
        pending, more = [root], set[int]()
        while pending and len(more) < CUT_TYPES // 8:
            type_id = pending.pop()
            if type_id not in kept | more | {0}:
                more.add(type_id)
                pending += records[type_id - 1].references()
        if not pending and len(kept | more) <= CUT_TYPES:
            kept |= more
        if len(kept) == CUT_TYPES:
            break
    return raw_records.write(raw_records.reordered(records, sorted(kept)))


@cache
def small_files() -> list[bytes]:
    good = [case.good("<") for case in CASES if case.good is not None]
    bad = [case.bad("<") for case in CASES]
    stored = [blob for _, _, _, blob in verdicts()]
    sample = Path(btfmmap.SAMPLE_BTF).read_bytes()
    return [each for each in (*good, *bad, *stored) if len(each) < 4096] + [every_kind().build(), sample]


def record_mutant(blob: bytes, source: random.Random) -> bytes:
    """Change words of records to numbers that may stand there: kinds, IDs, offsets of names, neighbours."""
    content = bytearray(blob)
    try:
        start, records = word_offsets(blob)
    except (struct.error, IndexError):
        return mutant(blob, source)
    for _ in range(source.choice((1, 1, 1, 2, 3))):
        at, size = source.choice(records) if records else (start, 1)
        number = source.randrange(size)
        word = at + 4 * number
        value = int.from_bytes(content[word : word + 4], "little")
        value = source.choice(
            (
                source.randrange(len(records) + 2),
                source.randrange(len(blob)),
                value + source.choice((-1, 1, 8, -8, 32)),
                value ^ 1 << source.randrange(32),
                source.choice((0, 1, 2, 0xFFFFF, 0x100000, 0xFFFFFF, 0x1000000, 0x80000000, 0xFFFFFFFF)),
                source.randrange(1, 20) << 24 | value & 0x8000FFFF,
            )
        )
        content[word : word + 4] = (value & 0xFFFFFFFF).to_bytes(4, "little")
    return bytes(content)


def word_offsets(blob: bytes, order: str = "<") -> tuple[int, list[tuple[int, int]]]:
    """Where the type section starts, and the place and number of words of each record."""
    header, type_off, type_len, str_off = struct.unpack_from(f"{order}4I", blob, 4)
    if str_off < type_off + type_len:
        raise IndexError
    at = start = header + type_off
    records = []
    while at < start + type_len:
        _, info = struct.unpack_from(f"{order}2I", blob, at)
        kind, vlen = info >> 24 & 0x1F, info & 0xFFFF
        fixed = len(raw_records.FIXED.get(kind, ""))
        words = 3 + fixed + vlen * len(raw_records.ELEMENTS.get(kind, ""))
        records.append((at, words))
        at += 4 * words
    if at != start + type_len or at > len(blob):
        raise IndexError
    return start, records


def mutants(count: int, seed: int = 0) -> Iterator[tuple[int, bytes]]:
    for number in range(count):
        source = random.Random(f"{seed} {number}")
        blob = source.choice(source.choice((small_files(), cut_kernels())))
        yield number, (mutant if source.random() < 0.3 else record_mutant)(blob, source)


def test_the_kernel_agrees_on_mutants(kernel: KernelLoader) -> None:
    """The only explained difference is that of 4-byte pointers: the running kernel has its own."""
    counts: Counter[str] = Counter()
    for number, blob in mutants(MUTANTS):
        different = difference(kernel, blob)
        try:
            narrow = btfmmap.open(data=blob).source.pointer_size == 4
        except btfmmap.BtfError:
            narrow = False
        assert not different or narrow, f"mutant {number}: {different}"
        counts["refused" if judge(blob) else "taken"] += 1
    if MUTANTS >= 500:
        assert min(counts["refused"], counts["taken"]) > MUTANTS // 20


def swapped(blob: bytes) -> bytes:
    """The same BTF in the other byte order. Its records must be readable."""
    start, records = word_offsets(blob)
    content = bytearray(blob)
    words = [(start, 0), *records]
    for at in (*range(4, 24, 4), *(at + 4 * word for at, size in words for word in range(size))):
        content[at : at + 4] = content[at : at + 4][::-1]
    content[:2] = BIG_ENDIAN_MAGIC
    return bytes(content)


def test_big_endian_twins_of_mutants() -> None:
    twins = 0
    for number, blob in mutants(MUTANTS):
        if blob[:2] != b"\x9f\xeb" or len(blob) < 24 or struct.unpack_from("<I", blob, 4) != (24,):
            continue
        try:
            twin = swapped(blob)
        except (struct.error, IndexError):
            continue
        twins += 1
        assert judge(blob) == judge(twin), f"mutant {number}"
    assert twins > MUTANTS // 2


@pytest.mark.parametrize("name", ["7.2-amd64", "6.12-cloud-arm64", "6.12-s390x"])
def test_whole_kernels_are_taken(name: str) -> None:
    assert btfmmap.lint(DATA / f"{name}.btf.xz", rules="kernel") == []


def test_the_running_kernel_takes_its_own(kernel: KernelLoader) -> None:
    with btfmmap.open() as btf:
        assert kernel.refusal(btf.raw.tobytes()) is None
    assert btfmmap.lint(rules="kernel") == []


def test_more_types_than_the_kernel_keeps(kernel: KernelLoader) -> None:
    """It drops the rest without a word, and types that refer to them are at fault."""
    writer = BtfWriter()
    writer.add_int()
    most = 0xFFFFE
    for count, target in ((most + 2, most), (most + 2, most + 1), (most, most)):
        types = writer.type_section + writer.words(0, PTR << 24, target)
        types += writer.words(0, PTR << 24, 1) * (count - 2)
        blob = writer.build(types=types)
        assert difference(kernel, blob) == ""
        assert bool(judge(blob)) == (target > most)


def test_pointer_size_of_the_file() -> None:
    """A pointer of 4 bytes fits where one of 8 does not."""
    for size in (4, 8):
        writer = BtfWriter()
        writer.add_int("long int", size)
        writer.add(PTR, size_or_type=1)
        writer.add_struct("s", 4, [("p", 2, 0)])
        assert [each.rule for each in judge(writer.build())] == ["member-end"] * (size == 8)


# -- hostile input


@pytest.mark.parametrize("shape", ["chain", "cycle", "deep", "names", "nested", "tags", "chains"])
def test_large_and_hostile(shape: str) -> None:
    """Each takes less than a second or two; hours, if a type were visited for each that refers to it."""
    count = 200_000
    types = Types("<")
    words, last = types.words, len(types.records)
    if shape == "chain":
        rest = b"".join(words(0, CONST << 24, last + 2 + at) for at in range(count))
    elif shape == "cycle":
        rest = b"".join(words(0, CONST << 24, last + 1 + (at + 1) % count) for at in range(count))
    elif shape == "deep":  # back to the first one, at most 31 levels each
        rest = b"".join(words(0, PTR << 24, last + 1 + (at + 1 if at % 31 else 0)) for at in range(count))
    elif shape == "names":
        types.strings += b"x" * count + b"\0"
        first = len(types.strings) - count - 1
        rest = b"".join(words(first + at, TYPEDEF << 24, 1) for at in range(count))
    elif shape == "nested":
        # Structs of no size in levels; each level refers twice to the next one, 2^30 paths in all.
        lock = types.lock()
        inner = types.add_struct("empty", 0, [])
        for _ in range(29):
            inner = types.add_struct("level", 0, [("a", inner, 0), ("b", inner, 0)])
        types.add_struct("s", 4, [("lock", lock, 0), ("a", inner, 0)])
        rest = b""
    elif shape == "tags":
        lock, head = types.lock(), types.opaque("bpf_list_head", 2)
        owner = types.add_struct("owner", 24, [("head", head, 0), ("lock", lock, 128)])
        text = types.string("contains:owner:head")
        rest = words(text, DECL_TAG << 24, owner, 0) * count
    else:
        rest = b"".join(words(0, CONST << 24, 1 + at % 5) for at in range(count))
    found = judge(types.build(types=types.type_section + rest), limit=5)
    assert bool(found) == (shape not in ("nested", "chains"))


# -- split BTF


def test_modules_are_taken_on_their_base(tmp_path: Path) -> None:
    base = tmp_path / "vmlinux"
    base.write_bytes(lzma.decompress((DATA / "7.2-amd64.btf.xz").read_bytes()))
    with btfmmap.open(base) as btf:
        for name in ("tun", "tcp_bbr", "nls_cp437"):
            module = tmp_path / f"{name}.ko.xz"
            module.write_bytes((DATA / module.name).read_bytes())
            assert btfmmap.lint(module, base=btf, rules="kernel") == []
            assert btfmmap.lint(module, rules="kernel") == []  # on the vmlinux beside it
    base.unlink()
    with pytest.raises(btfmmap.MissingBaseError):
        btfmmap.lint(module, rules="kernel")


def test_split_btf_is_judged_by_records_only() -> None:
    """The kernel does not follow a module's references, except in chains of typedefs and qualifiers."""
    base = Types("<")
    base_tag = base.add(TYPE_TAG, "tag", size_or_type=base.int)
    with btfmmap.open(data=base.build()) as btf:
        first = len(btf)

        def judged(*records: tuple[int, ...], strings: bytes = b"") -> list[tuple[str, int | None]]:
            split = BtfWriter(strings=strings)
            split.records += [split.words(*record) for record in records]
            found = judge(split.build(strings=strings), base=btf)
            return [(each.rule, each.type_id) for each in found]

        assert judged() == []
        assert judged((0, PTR << 24, 99_999)) == []
        assert judged((0, 4 << 24 | 1, 4, 0, base.fwd, 0)) == []
        assert judged((0, CONST << 24, first), (0, CONST << 24, first + 1)) == [
            ("modifier-chain", first),
            ("modifier-chain", first + 1),
        ]
        assert judged((0, CONST << 24, 99_999)) == [("type-id", first)]
        assert judged((0, CONST << 24, base_tag)) == [("tag-order", first)]
        assert judged((0, 4 << 24 | 1, 4, 0, 0, 0)) == [("type-id", first)]
        assert judged((len(base.strings), FUNC << 24, base.proto), strings=b"a b\0") == [("name", first)]
        assert judged((1, FUNC << 24, base.proto)) == []  # a name in the base
        assert judged((1, FUNC << 24 | 2, base.proto)) == [("func-linkage", first)]
    stands_alone = BtfWriter(strings=b"")
    stands_alone.add(PTR)
    assert judge(stands_alone.build(strings=b""))[0].rule == "strings"
    assert "split BTF" in judge(stands_alone.build(strings=b""))[0].message


def test_distilled_base_is_judged_too(tmp_path: Path) -> None:
    def module(base: BtfWriter) -> Path:
        split = BtfWriter(strings=b"")
        split.add(PTR, size_or_type=1)
        file = ElfWriter()
        file.add(".BTF", split.build(strings=b""))
        file.add(".BTF.base", base.build())
        path = tmp_path / "module.ko"
        path.write_bytes(file.build())
        return path

    base = BtfWriter()
    base.add_int("int")
    assert btfmmap.lint(module(base), rules="kernel") == []
    base.add(TYPEDEF, "two words", size_or_type=1)
    (only,) = btfmmap.lint(module(base), rules="kernel")
    assert (only.rule, only.type_id) == ("name", 2)
    assert only.message.startswith(".BTF.base: ")


# -- BPF objects


def objects() -> dict[str, bytes]:
    found = {}
    for name in ("bpf-objects.tar.xz", "guarded-objects.tar.xz"):
        with tarfile.open(DATA / name) as archive:
            for member in archive:
                file = archive.extractfile(member)
                if file is not None:
                    found[member.name] = file.read()
    found["rust.bpf.o"] = lzma.decompress((DATA / "rust.bpf.o.xz").read_bytes())
    return found


def section_of(content: bytes) -> bytes:
    return btfmmap.open(data=content).raw.tobytes()


def test_objects_are_taken_as_libbpf_loads_them(tmp_path: Path) -> None:
    every = objects()
    assert len(every) > 63
    for name, content in every.items():
        found = btfmmap.lint(data=content, rules="kernel")
        # Rust's compiler reorders members and names generic types, and libbpf does not mend that.
        assert {each.rule for each in found} <= (
            {"member-offset", "name"} if name == "rust.bpf.o" else set()
        ), name
        assert bool(found) == (name == "rust.bpf.o")
        path = tmp_path / "prog.o"
        path.write_bytes(content)
        assert btfmmap.lint(path, rules="kernel", raw=True), name
        assert not [each for each in btfmmap.lint(path) if each.rule == "kernel"] or found


def test_the_kernel_agrees_on_objects(kernel: KernelLoader) -> None:
    for name, content in objects().items():
        raw = section_of(content)
        assert difference(kernel, raw) == "", name
        assert kernel.refusal(raw), name
        mended, problem = mend(content)
        assert problem is None
        assert difference(kernel, mended) == "", name
        assert (kernel.refusal(mended) is None) == (name != "rust.bpf.o")


def mend(content: bytes) -> tuple[bytes, str | None]:
    file = _core.File.of_buffer(content, "object", False)
    section = _core.Elf(file).find(".BTF")
    assert section is not None
    return _core.as_loaded(file, file.part(section.offset, section.size, ".BTF"))


def test_objects_are_mended_as_by_libbpf() -> None:
    compared = 0
    for name, content in objects().items():
        loaded = libbpf().object_btf(content)
        if loaded is not None:
            compared += 1
            assert mend(content)[0] == loaded, name
    assert compared > 50


def bpf_object(btf: BtfWriter, symbols: list[tuple[str, str, int, bool]], data: int = 8) -> bytes:
    """Symbols are (name, section or "", value, hidden)."""
    file = ElfWriter(order=btf.order)
    file.add(".data", b"\0" * data)
    file.add(".BTF", btf.build())
    names, table = b"\0", b"\0" * 24
    for name, section, value, hidden in symbols:
        info = 0x11 if section else 0x10  # a global variable; what the object does not define
        number = 1 if section else 0
        table += struct.pack(f"{btf.order}IBBHQQ", len(names), info, 2 * hidden, number, value, 4)
        names += name.encode() + b"\0"
    file.add(".strtab", names, sh_type=STRTAB)
    file.add(".symtab", table, sh_type=SYMTAB, sh_link=len(file.sections), sh_entsize=24)
    return file.build()


@pytest.mark.parametrize("order", "<>")
def test_mending(order: str) -> None:
    writer = Types(order)
    first = writer.add(VAR, "first", size_or_type=writer.int, extra=(1,))
    second = writer.add(VAR, "second", size_or_type=writer.int, extra=(1,))
    config = writer.add(VAR, "CONFIG_HZ", size_or_type=writer.int, extra=(2,))
    flag = writer.add(VAR, "CONFIG_X", size_or_type=writer.char, extra=(2,))
    symbol = writer.add(VAR, "jiffies", size_or_type=writer.long, extra=(2,))
    func = writer.add(FUNC, "kfunc", size_or_type=writer.add_proto(0, [("", writer.int)]), vlen=2)
    data = writer.add_datasec(".data", 0, [(second, 0, 4), (first, 0, 4)])
    kconfig = writer.add_datasec(".kconfig", 0, [(flag, 0, 1), (config, 0, 4)])
    ksyms = writer.add_datasec(".ksyms", 0, [(symbol, 0, 8), (func, 0, 0)])
    defined = [("first", ".data", 0, True), ("second", ".data", 4, False)]
    externals = [(name, "", 0, False) for name in ("CONFIG_HZ", "CONFIG_X", "jiffies", "kfunc")]
    content = bpf_object(writer, defined + externals)
    mended, problem = mend(content)
    assert problem is None
    assert btfmmap.lint(data=content, rules="kernel") == []
    with btfmmap.open(data=mended) as btf:
        dummy = len(btf) - 1

        def entries(type_id: int) -> list[tuple[int, int, int]]:
            return [(each.type.id, each.offset, each.size) for each in btf[type_id].secinfos]

        assert entries(data) == [(first, 0, 4), (second, 4, 4)]
        assert entries(kconfig) == [(config, 0, 4), (flag, 4, 1)]
        assert entries(ksyms) == [(symbol, 0, 4), (dummy, 4, 4)]
        assert [btf[each].size for each in (data, kconfig, ksyms)] == [8, 5, 8]
        assert btf[dummy].name == "dummy_ksym"
        proto = btf[func].type
        assert proto is not None
        assert [each.name for each in proto.params] == ["dummy_ksym"]
        assert btf[first].linkage == 0
        assert btf[symbol].type == btf[writer.int]
    raw = btfmmap.lint(data=content, rules="kernel", raw=True)
    assert {"var-linkage", "func-linkage", "section-size", "entry-kind", "argument"} <= {
        each.rule for each in raw
    }


@pytest.mark.parametrize(
    ("symbols", "message"),
    [
        ([], "the variable 'first', [11], has no symbol"),
        ([("first", ".data", 0, False), ("missing", "", 0, False)], "'missing' has no VAR or FUNC"),
        (
            [("first", ".data", 0, False), ("var", "", 0, False)],
            "'var' is [8] in the BTF, which is not extern",
        ),
        ([("first", ".data", 0, False), ("lost", "", 0, False)], "'lost' is neither in the section .ksyms"),
    ],
)
def test_what_libbpf_does_not_load(symbols: list[tuple[str, str, int, bool]], message: str) -> None:
    writer = Types("<")
    first = writer.add(VAR, "first", size_or_type=writer.int, extra=(1,))
    writer.add_datasec(".data", 0, [(first, 0, 4)])
    writer.add(VAR, "lost", size_or_type=writer.int, extra=(2,))
    (only,) = btfmmap.lint(data=bpf_object(writer, symbols), rules="kernel")
    assert (only.rule, only.offset, only.type_id) == ("object", None, None)
    assert message in only.message


def test_function_named_like_a_variable_of_kconfig() -> None:
    """The variable's record has a word more than the function's."""
    writer = Types("<")
    variable = writer.add(VAR, "CONFIG_HZ", size_or_type=writer.int, extra=(2,))
    func = writer.add(FUNC, "CONFIG_HZ", size_or_type=writer.add_proto(0, []), vlen=2)
    writer.add_datasec(".kconfig", 0, [(variable, 0, 4), (func, 0, 0)])
    (only,) = btfmmap.lint(data=bpf_object(writer, [("CONFIG_HZ", "", 0, False)]), rules="kernel")
    assert "'CONFIG_HZ' of .kconfig is not a variable" in only.message


@pytest.mark.parametrize("order", ["ab", "ba"])
@pytest.mark.parametrize("kinds", ["vv", "fv", "vf", "ff"])
def test_two_sections_of_external_symbols(kinds: str, order: str, kernel: KernelLoader) -> None:
    """libbpf mends the section of the last symbol, and the kernel refuses the other one."""
    writer = Types("<")
    externals = []
    for name, kind in zip("ab", kinds, strict=True):
        if kind == "v":
            external = writer.add(VAR, name, size_or_type=writer.int, extra=(2,))
        else:
            external = writer.add(FUNC, name, size_or_type=writer.add_proto(0, [("", writer.int)]), vlen=2)
        externals.append(external)
    sections = [writer.add_datasec(".ksyms", 0, [(each, 0, 4)]) for each in externals]
    content = bpf_object(writer, [(name, "", 0, False) for name in order])
    mended, problem = mend(content)
    assert problem is None
    assert mended == libbpf().object_btf(content)
    assert difference(kernel, mended) == ""
    found = btfmmap.lint(data=content, rules="kernel")
    assert ("section-size", sections["ab".index(order[0])]) in [(each.rule, each.type_id) for each in found]


def test_section_that_the_object_does_not_have() -> None:
    writer = Types("<")
    writer.add_datasec(".rodata", 0, [])
    (only,) = btfmmap.lint(data=bpf_object(writer, []), rules="kernel")
    assert "'.rodata' of [11] has no size" in only.message


# -- arguments, notes of lint, the command


def test_arguments() -> None:
    with pytest.raises(ValueError, match="rules is 'all'"):
        btfmmap.lint(btfmmap.SAMPLE_BTF, rules="all")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="raw applies only"):
        btfmmap.lint(btfmmap.SAMPLE_BTF, raw=True)
    bad = Types("<")
    for _ in range(30):
        bad.add(PTR, "p", size_or_type=999)
    found = judge(bad.build(), limit=10)
    assert [each.rule for each in found] == ["name"] * 10 + ["limit"]
    assert found[-1].message.startswith("50 more errors ")
    assert [each.rule for each in judge(b"neither")] == ["header-length", "magic"]
    assert [each.rule for each in judge(b"#!/bin/sh\n" + b"\0" * 40)] == ["header-length", "magic"]
    two = Types("<").build() * 2
    assert [each.rule for each in judge(two)] == ["sections"]
    assert [each.rule for each in judge(two, unit=1)] == ["sections"]


def test_notes_of_lint() -> None:
    """lint has a note for each place that breaks a rule, and one with the kernel's reason."""
    for case in CASES:
        blob = case.bad("<")
        if len(blob) > 2**20:
            continue
        try:
            found = btfmmap.lint(data=blob)
        except btfmmap.BtfError:
            continue
        reason = found[-1]
        first = judge(blob)[0]
        assert (reason.severity, reason.rule) == ("note", "kernel"), case
        assert (reason.offset, reason.type_id) == (first.offset, first.type_id)
        assert first.message in reason.message
        if found[-2].rule != "limit":
            assert {each.offset for each in judge(blob)} <= {each.offset for each in found[:-1]}
    for case in CASES:
        if case.good is not None:
            assert not [each for each in btfmmap.lint(data=case.good("<")) if each.rule == "kernel"]


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "btfmmap", "lint", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_command(tmp_path: Path) -> None:
    version = btfmmap.KERNEL_RULES_VERSION
    good, bad, broken = (tmp_path / name for name in ("good.btf", "bad.btf", "broken.btf"))
    good.write_bytes(Types("<").build())
    types = Types("<")
    types.add(PTR, "p\x1b", size_or_type=1)
    bad.write_bytes(types.build())
    broken.write_bytes(types.build(version=2))
    done = run("--kernel", good)
    assert (done.returncode, done.stdout) == (0, f"0 errors; Linux {version} takes this BTF\n")
    done = run("--kernel", bad)
    assert done.returncode == 1
    assert done.stdout.endswith(f"[name]\n1 error; Linux {version} refuses this BTF\n")
    assert "\x1b" not in done.stdout
    rows = json.loads(run("--kernel", "--json", bad).stdout)
    assert rows == [each._asdict() for each in btfmmap.lint(bad, rules="kernel")]
    assert run("--kernel", broken).returncode == 1
    assert run(bad).stdout.endswith(f"0 errors, 2 notes; Linux {version} refuses this BTF\n")
    assert run(good).stdout.endswith(f"; Linux {version} takes this BTF\n")
    object_file = tmp_path / "prog.o"
    object_file.write_bytes(next(iter(objects().values())))
    assert run("--kernel", object_file).returncode == 0
    assert run("--kernel", "--raw", object_file).returncode == 1
    done = run("--raw", good)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--raw needs --kernel" in done.stderr
    assert run("--kernel", tmp_path / "none").returncode == 2


def test_standard_input() -> None:
    command = [sys.executable, "-m", "btfmmap", "lint", "--kernel", "-"]
    done = subprocess.run(command, input=Types("<").build(), capture_output=True, check=False)
    assert done.returncode == 0
    assert btfmmap.lint(io.BytesIO(Types("<").build()), rules="kernel") == []


def test_the_page_lists_the_rules() -> None:
    maker = runpy.run_path(str(Path(__file__).parent.parent / "docs" / "make_lint.py"))
    assert maker["PAGE"].read_text() == maker["page"]()
