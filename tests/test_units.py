"""Several BTFs concatenated, as a linker leaves them: their number, and each of them."""

from __future__ import annotations

import pickle
import subprocess
from pathlib import Path

import pytest
import requirements
from btf_writer import PTR, BtfWriter, every_kind
from elf_writer import ElfWriter
from fuzz.seeds import ext_section, split_on

import btfmmap
from btfmmap import FormatError, MissingBaseError, NotFoundError
from btfmmap.cli import main

SOURCES = {
    "a": "struct first { int x; long y; }; struct first f; int main(void) { return f.x; }",
    "b": "struct second { char c; short s[3]; }; struct second s; enum e { ONE } e;",
    "c": "union third { double d; void *p; }; union third t; static int only(int q) { return q; }",
}
PADDING = [0, 1, 2, 3, 4, 7, 61, 4096]


def unit(number: int, order: str = "<", header_size: int = 24) -> bytes:
    writer = BtfWriter(order, header_size)
    writer.add_int("int")
    for member in range(number + 1):
        writer.add_struct(f"of_{number}_{member}", 4, [("x", 1, 0)])
    return writer.build()


def opened(content: bytes) -> list[btfmmap.Btf]:
    first = btfmmap.open(data=content)
    return [first, *(btfmmap.open(data=content, unit=n) for n in range(1, first.source.units))]


@pytest.mark.parametrize("names", ["a", "ab", "ba", "abc", "cba"])
def test_linked_by_gcc(names: str, tmp_path: Path) -> None:
    """Each unit has the bytes of its object, and bpftool's names and ids of that."""
    blobs = []
    for name in names:
        source, built = tmp_path / f"{name}.c", tmp_path / f"{name}.o"
        source.write_text(SOURCES[name] + "\n")
        done = subprocess.run([requirements.tool("gcc"), "-gbtf", "-c", source, "-o", built], check=False)
        if done.returncode != 0:
            pytest.skip("this gcc has no -gbtf")
        blob = tmp_path / f"{name}.btf"
        words = ["--dump-section", f".BTF={blob}", str(built), str(tmp_path / "rest")]
        subprocess.run([requirements.tool("objcopy"), *words], check=True)
        blobs.append(blob)
    linked = tmp_path / "linked"
    inputs = [tmp_path / f"{name}.o" for name in names]
    subprocess.run([requirements.tool("gcc"), "-r", "-nostdlib", *inputs, "-o", linked], check=True)
    for number, blob_path in enumerate(blobs):
        expected_bytes = blob_path.read_bytes()
        btf = btfmmap.open(linked, unit=number)
        assert btf.raw.tobytes() == expected_bytes
        assert btf.source == btfmmap.Source(
            str(linked), "read", len(expected_bytes), "little", 8, number, len(blobs), ("ELF file",)
        )
        dump = [requirements.tool("bpftool"), "btf", "dump", "file", str(blob_path)]
        expected = subprocess.run(dump, check=True, capture_output=True, text=True).stdout
        assert btf.dump("raw") == expected


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("header_size", [24, 32, 40])
@pytest.mark.parametrize("padding", PADDING)
def test_padding(order: str, header_size: int, padding: int) -> None:
    blobs = [unit(number, order, header_size) for number in range(3)]
    btfs = opened(bytes(padding).join(blobs))
    assert [btf.raw.tobytes() for btf in btfs] == blobs
    assert [(btf.source.unit, btf.source.units) for btf in btfs] == [(0, 3), (1, 3), (2, 3)]
    for btf, blob in zip(btfs, blobs, strict=True):
        assert btf.names() == btfmmap.open(data=blob).names()
        assert btf.types.id.tolist() == list(range(len(btf)))


def test_both_byte_orders() -> None:
    btfs = opened(unit(0) + unit(1, ">") + unit(2))
    assert [btf.source.byte_order for btf in btfs] == ["little", "big", "little"]


@pytest.mark.parametrize(
    "tail",
    [
        b"",
        bytes(1),
        bytes(4096),
        b"garbage",
        bytes(5) + b"\x01" + unit(1),
        b"\x9f",
        b"\xeb\x00\x9f",
        b"\x7fELF",
    ],
)
def test_what_is_no_unit(tail: bytes) -> None:
    """Trailing bytes that start no unit stay at the end of the last one."""
    for blobs in ([unit(0)], [unit(0), unit(1)]):
        content = b"".join(blobs) + tail
        btfs = opened(content)
        assert len(btfs) == len(blobs)
        assert [btf.raw.tobytes() for btf in btfs] == [*blobs[:-1], blobs[-1] + tail]


BROKEN = {
    "magic alone": unit(1)[:2],
    "header cut": unit(1)[:20],
    "header too long": unit(1)[:4] + b"\xff\xff\xff\xff" + unit(1)[8:],
    "strings past the end": unit(1)[:-3],
    "version": b"\x9f\xeb\x02" + unit(1)[3:],
    "types": unit(1)[:28] + b"\xff\xff\xff\xff" + unit(1)[32:],
    "offsets near 2^32": unit(1)[:16] + b"\xf0\xff\xff\xff\xf0\xff\xff\xff" + unit(1)[24:],
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_unit(name: str) -> None:
    """A broken unit is counted and refused; the one before it opens."""
    content = unit(0) + bytes(2) + BROKEN[name]
    first = btfmmap.open(data=content)
    assert first.raw.tobytes() == unit(0)
    assert first.source.units == 2
    with pytest.raises(FormatError, match=r"^buffer: unit 1: ") as caught:
        btfmmap.open(data=content, unit=1)
    assert caught.value.offset is None or caught.value.offset < len(BROKEN[name])
    errors = [each for each in btfmmap.lint(data=content, unit=1) if each.severity == "error"]
    assert errors[0].offset == caught.value.offset


def test_after_a_broken_unit() -> None:
    """The unit after a broken one opens if the broken one's sections give its end."""
    content = BROKEN["types"] + unit(2)
    with pytest.raises(FormatError, match=r"^buffer: unit 0: "):
        btfmmap.open(data=content)
    assert btfmmap.open(data=content, unit=1).raw.tobytes() == unit(2)


def test_many_small_units() -> None:
    count = 200_000
    content = BtfWriter().build() * count
    btf = btfmmap.open(data=content, unit=count - 1)
    assert btf.source.units == count
    assert len(btf) == 1


def test_usage() -> None:
    two = unit(0) + unit(1)
    with pytest.raises(NotFoundError, match=r"^buffer: no unit 2; there are 2 BTFs, units 0 to 1$"):
        btfmmap.open(data=two, unit=2)
    for absent in (1, 2**31, 2**64, 10**30):
        with pytest.raises(NotFoundError, match=rf"^buffer: no unit {absent}; there is one BTF, unit 0$"):
            btfmmap.open(data=unit(0), unit=absent)
        with pytest.raises(NotFoundError, match="there is one BTF"):
            btfmmap.lint(data=unit(0), unit=absent)
    for ask in (btfmmap.open, btfmmap.lint):
        with pytest.raises(ValueError, match="unit is -1, must not be negative"):
            ask(data=two, unit=-1)
        with pytest.raises(TypeError):
            ask(data=two, unit=1.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unit applies only to a path or data"):
        btfmmap.open(id=1, unit=1)


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("method", ["read", "mmap"])
def test_files(method: str, wrapped: bool, tmp_path: Path) -> None:
    """A copy in another process has the same unit, of raw and ELF files."""
    content = unit(0) + bytes(3) + unit(1)
    elf = ElfWriter()
    elf.add(".BTF", content)
    path = tmp_path / "two"
    path.write_bytes(elf.build() if wrapped else content)
    for number in (0, 1):
        btf = btfmmap.open(path, unit=number, method=method)  # type: ignore[arg-type]
        assert btf.raw.tobytes() == unit(number)
        assert btf.source.how == method
        assert f"unit {number}" in repr(btf)
        copy = pickle.loads(pickle.dumps(btf))
        assert copy.source == btf.source
        assert copy.names() == btf.names()
    with pytest.raises(NotFoundError, match="two: .*no unit 2" if wrapped else "two: no unit 2"):
        btfmmap.open(path, unit=2)


def test_split_units(tmp_path: Path) -> None:
    """Units open on a base that is given, or beside them."""
    base = every_kind()
    split = split_on(base)
    (tmp_path / "mod").write_bytes(split + split)
    with pytest.raises(MissingBaseError, match="mod: unit 1: "):
        btfmmap.open(tmp_path / "mod", unit=1)
    (tmp_path / "vmlinux").write_bytes(base.build())
    given = btfmmap.open(tmp_path / "mod", unit=1, base=btfmmap.open(tmp_path / "vmlinux"))
    beside = btfmmap.open(tmp_path / "mod", unit=1)
    assert given.names() == beside.names() == ["own_t", "int"]
    assert pickle.loads(pickle.dumps(beside)).source == beside.source
    mixed = base.build() + split
    assert btfmmap.open(data=mixed).source.units == 2
    assert btfmmap.open(data=mixed, unit=1, base=given.base).raw.tobytes() == split


def test_ext_of_each_unit() -> None:
    """As many `.BTF.ext` sections as units belong to them in order; fewer cannot be assigned."""
    whole, ext = every_kind().build(), ext_section()
    other = bytearray(ext)
    other[32 + 12 : 32 + 16] = (77).to_bytes(4, "little")  # func_info's insn_off
    for exts, expected in ((ext + bytes(other), [[0], [77]]), (ext, [None, None])):
        elf = ElfWriter()
        elf.add(".BTF", whole + whole)
        elf.add(".BTF.ext", exts)
        for btf, offsets in zip(opened(elf.build()), expected, strict=True):
            assert (btf.ext and btf.ext.func_info.insn_off.tolist()) == offsets


def test_lint() -> None:
    odd = BtfWriter()
    odd.add(PTR, "named", size_or_type=0)
    content = unit(0) + odd.build()
    rules = [[each.rule for each in btfmmap.lint(data=content, unit=number)] for number in (0, 1)]
    assert rules == [["unit"], ["name", "unit", "kernel"]]
    assert [each.rule for each in btfmmap.lint(data=odd.build())] == ["name", "kernel"]


@pytest.mark.parametrize(
    ("command", "first", "second"),
    [
        ("info FILE", "of_0_0", "of_1_1"),
        ("dump FILE", "of_0_0", "of_1_1"),
        ("find of_* -f FILE", "of_0_0", "of_1_1"),
        ("show 2 -f FILE", "of_0_0", "of_1_0"),
        ("holes -f FILE", "of_0_0", "of_1_1"),
        ("at 2 0 -f FILE", "x", "x"),
        ("users int -f FILE", "of_0_0", "of_1_1"),
        ("dtype 2 -f FILE", "'x'", "'x'"),
    ],
)
def test_commands(
    command: str, first: str, second: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first unit by default, with a note that there are more."""
    path = tmp_path / "two.btf"
    path.write_bytes(unit(0) + unit(1))
    words = command.replace("FILE", str(path)).split()
    assert main(words) == 0
    out, said = capsys.readouterr()
    assert first in out
    assert said == (
        f"btfmmap: {path}: 2 concatenated BTFs, units 0 to 1; this is unit 0, --unit N opens another\n"
    )
    for option in (["--unit", "1"], ["--unit=1"]):
        assert main([*words, *option]) == 0
        out, said = capsys.readouterr()
        assert second in out
        assert said == ""
    assert main([*words, "--unit", "2"]) == 2
    assert "no unit 2; there are 2 BTFs" in capsys.readouterr().err
    path.write_bytes(unit(0))
    assert main(words) == 0
    assert capsys.readouterr().err == ""


def test_other_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """lint reports more units in a note; bpftool's command line and a base use the first one."""
    path = tmp_path / "two.btf"
    path.write_bytes(unit(0) + unit(1))
    assert main(["lint", str(path)]) == 0
    assert "unit 0 of 2 concatenated BTFs" in capsys.readouterr().out
    assert main(["lint", str(path), "--unit", "1"]) == 0
    assert "unit 1 of 2 concatenated BTFs" in capsys.readouterr().out
    assert main(["btf", "dump", "file", str(path)]) == 0
    out, said = capsys.readouterr()
    assert out == btfmmap.open(data=unit(0)).dump("raw")
    assert "2 concatenated BTFs" in said
    own = BtfWriter()
    own.add_int("int")
    own.add_struct("of_0_0", 4, [("x", 1, 0)])
    (tmp_path / "split").write_bytes(split_on(own))
    assert main(["dump", str(tmp_path / "split"), "--base", str(path)]) == 0
    out, said = capsys.readouterr()
    assert "'own_t'" in out
    assert "a base is always the first one" in said
    for wrong in ("-1", "x", "1.5"):
        with pytest.raises(SystemExit) as caught:
            main(["dump", str(path), f"--unit={wrong}"])
        assert caught.value.code == 2
