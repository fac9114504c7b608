"""`btfmmap show`, `holes` and `at`, run as a user runs them."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import bpftool_json as bpftool
import pytest
import requirements
from btf_writer import BtfWriter, every_kind
from command import COMMAND, run_btfmmap

import btfmmap

STORED = pytest.mark.parametrize("kernel", ["7.2-amd64"], indirect=True)


def on_terminal(*words: str | Path, **environment: str) -> str:
    """Output of a command whose standard output is a terminal."""
    reader, writer = pty.openpty()
    clean = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    with subprocess.Popen([*COMMAND, *words], stdout=writer, env=clean | environment) as process:
        os.close(writer)
        printed = b""
        while chunk := _read(reader):
            printed += chunk
    os.close(reader)
    assert process.returncode == 0
    return printed.decode().replace("\r\n", "\n")


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:  # Linux gives EIO once all other ends are closed
        return b""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "every_kind.btf"
    path.write_bytes(every_kind().build())
    return path


@STORED
@pytest.mark.parametrize("options", [[], ["--expand"]], ids=["plain", "expanded"])
def test_show_is_pahole(kernel: Path, options: list[str]) -> None:
    # task_struct has all: bitfields, holes, anonymous structs, 150 cache lines.
    for name in ("list_head", "task_struct", "sk_buff", "sigval"):
        pahole = [
            requirements.tool("pahole"),
            "-F",
            "btf",
            "-C",
            name,
            *(["-E"] if options else []),
            str(kernel),
        ]
        expected = subprocess.run(pahole, check=True, capture_output=True, text=True).stdout
        if expected.endswith("\n\n"):  # pahole 1.32 ends with an empty line, 1.24 does not
            expected = expected[:-1]
        done = run_btfmmap("show", name, "-f", kernel, *options)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == expected


@STORED
def test_show_json_against_bpftool(kernel: Path) -> None:
    facts = json.loads(run_btfmmap("show", "struct tcp_sock", "-f", kernel, "--json").stdout)
    (record,) = [r for r in bpftool.records(kernel) if r["name"] == "tcp_sock" and r["kind"] == "STRUCT"]
    assert (facts["id"], facts["kind"], facts["name"]) == (record["id"], "STRUCT", "tcp_sock")
    assert (facts["size"], facts["vlen"]) == (record["size"], len(record["members"]))
    members = {member["name"]: member for member in facts["members"]}
    assert len(facts["members"]) >= facts["vlen"]
    for member in record["members"]:
        if member["name"] == "(anon)":
            continue
        ours = members[member["name"]]
        assert ours["type_id"] == member["type_id"]
        assert ours["bitfield_size"] == member.get("bitfield_size", 0)
        assert 8 * ours["offset"] + ours["bit_position"] == member["bits_offset"]
    assert sum(member["hole"] for member in facts["members"]) >= facts["hole_bytes"]


def test_show_json(tmp_path: Path) -> None:
    writer = BtfWriter()
    int_id = writer.add_int()
    char_id = writer.add_int("char", 1)
    pointer = writer.add(2, size_or_type=int_id)
    array = writer.add_array(char_id, int_id, 3)
    union = writer.add_struct("", 8, [("left", pointer, 0), ("right", array, 0)], kind=5)
    writer.add_struct("top", 16, [("first", int_id, 3 << 24), ("", union, 64)], kind_flag=True)
    writer.add_int("long", 8)  # and so have pointers
    path = tmp_path / "top.btf"
    path.write_bytes(writer.build())
    facts = json.loads(run_btfmmap("show", "top", "-f", path, "--json").stdout)
    keys = ("name", "type", "offset", "bitfield_size", "size", "depth", "hole", "bit_hole")
    # Padding before an anonymous union is padding before its first member.
    assert [tuple(member[key] for key in keys) for member in facts["members"]] == [
        ("first", "int", 0, 3, 4, 0, 0, 0),
        ("left", "int *", 8, 0, 8, 1, 4, 29),
        ("right", "char[3]", 8, 0, 3, 1, 0, 0),
    ]
    assert (facts["holes"], facts["hole_bytes"], facts["bit_holes"], facts["bit_hole_bits"]) == (1, 4, 1, 29)


def test_show_other_kinds(file: Path) -> None:
    assert (
        run_btfmmap("show", "word_t", "-f", file).stdout
        == "id=16 kind=TYPEDEF name=word_t type=long unsigned int\n"
    )
    enum = run_btfmmap("show", "enum small", "-f", file)
    assert enum.stdout.splitlines()[1:] == ["\tLOW = -2147483648", "\tMINUS = -1", "\tZERO = 0"]
    facts = json.loads(run_btfmmap("show", "print", "-f", file, "--json").stdout)
    assert facts["params"] == [{"name": "format", "type": "char *"}, {"name": "", "type": "void"}]
    assert json.loads(run_btfmmap("show", "_Bool", "-f", file, "--json").stdout)["encoding"] == ["BOOL"]
    assert run_btfmmap("show", "_Bool", "-f", file).stdout.endswith(" encoding=BOOL\n")
    assert run_btfmmap("show", "0", "-f", file).stdout == "id=0 kind=VOID name=void\n"


@STORED
def test_show_typedef_of_a_struct(kernel: Path) -> None:
    shown = run_btfmmap("show", "spinlock_t", "-f", kernel).stdout
    assert shown == run_btfmmap("show", "struct spinlock", "-f", kernel).stdout
    assert shown.startswith("struct spinlock {\n")


def test_colours_only_on_a_terminal(file: Path) -> None:
    words = ("show", "pair", "-f", file)
    plain = run_btfmmap(*words).stdout
    assert "\x1b" not in plain
    assert on_terminal(*words, NO_COLOR="1", TERM="xterm") == plain
    assert on_terminal(*words, TERM="dumb") == plain
    coloured = on_terminal(*words, TERM="xterm")
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[\d*m", "", coloured) == plain


def test_hostile_names(tmp_path: Path) -> None:
    writer = BtfWriter()
    int_id = writer.add_int()
    writer.add_struct("top", 4, [("\x1b[31m\t\n", int_id, 0)])
    path = tmp_path / "hostile.btf"
    path.write_bytes(writer.build())
    for words in (
        ("show", "top"),
        ("at", "top", "0"),
        ("show", "top", "--json"),
        ("at", "top", "0", "--json"),
    ):
        done = run_btfmmap(*words, "-f", path)
        assert done.returncode == 0
        assert "\x1b" not in done.stdout
    line = run_btfmmap("at", "top", "0", "-f", path).stdout.splitlines()[1]
    assert line.split() == ["0", "0", "4", "int", "\\x1b[31m\\t\\n"]
    assert run_btfmmap("at", "top", "-1", "-f", path).returncode == 2


@STORED
@pytest.mark.parametrize(
    ("asked", "meant"), [("task_strct", "task_struct"), ("struct sk_buf", "sk_buff"), ("rsq", "rseq")]
)
def test_close_names(kernel: Path, asked: str, meant: str) -> None:
    for words in (("show", asked), ("at", asked, "0")):
        done = run_btfmmap(*words, "-f", kernel)
        assert (done.returncode, done.stdout) == (1, "")
        message, _, close = done.stderr.partition("; close to it: ")
        assert message == f"btfmmap: no type named {asked!r}"
        assert meant in close.strip().split(", ")


def test_nothing_close(file: Path) -> None:
    done = run_btfmmap("show", "zzzzzz", "-f", file)
    assert done.stderr == "btfmmap: no type named 'zzzzzz'\n"
    assert run_btfmmap("show", "4000", "-f", file).stderr.startswith("btfmmap: no type [4000]")


@STORED
def test_holes_against_pahole(kernel: Path) -> None:
    """The most wasteful are those for which pahole's `holes` and `padding` lines sum up to most."""
    done = subprocess.run(
        [requirements.tool("pahole"), "-F", "btf", str(kernel)], check=True, capture_output=True, text=True
    )
    waste = {}
    for block in re.split(r"(?<=;\n)(?=(?:struct|union)\b[^\n]*\{\n)", done.stdout):
        holes = re.search(r"^\t/\* sum members.*sum holes: (\d+)", block, re.MULTILINE)
        padding = re.search(r"^\t/\* padding: (\d+)", block, re.MULTILINE)
        waste[block.split(" ", 2)[1]] = sum(int(found[1]) for found in (holes, padding) if found)
    rows = json.loads(run_btfmmap("holes", "--top", "30", "-f", kernel, "--json").stdout)
    assert len(rows) == 30
    assert [row["hole_bytes"] + row["padding"] for row in rows] == sorted(waste.values())[:-31:-1]
    for row in rows:
        assert waste[row["name"]] == row["waste"] == row["hole_bytes"] + row["padding"]
    assert rows == btfmmap.open(kernel).wasteful(30)
    lines = run_btfmmap("holes", "-n", "3", "-f", kernel).stdout.splitlines()
    assert lines[0].split()[0] == "waste"
    assert [line.split()[0] for line in lines[1:]] == [str(n) for n in sorted(waste.values())[:-4:-1]]
    assert [line.split()[-1] for line in lines[1:]] == [row["name"] for row in rows[:3]]


def test_holes_of_few(file: Path) -> None:
    assert len(json.loads(run_btfmmap("holes", "-f", file, "--json").stdout)) == 3
    assert len(json.loads(run_btfmmap("holes", "-n", "0", "-f", file, "--json").stdout)) == 3
    with pytest.raises(ValueError, match="-1"):
        btfmmap.open(file).wasteful(-1)
    done = run_btfmmap("holes", "-n", "-1", "-f", file)
    assert done.returncode == 2
    assert "'-1' is not a number of lines to list" in done.stderr


def test_at(file: Path) -> None:
    def lines(*words: str) -> list[list[str]]:
        return [line.split() for line in run_btfmmap("at", *words, "-f", file).stdout.splitlines()]

    header = ["offset", "within", "size", "type", "member"]
    bitfields = [["0", "0", "4", "int:1", "bit"], ["0:1", "0", "4", "int:31", "rest"]]
    assert lines("flags", "0x0") == [header, *bitfields]
    assert lines("flags", "3", "6") == [
        header,
        ["3", "3", "4", "int:31", "rest"],
        ["6", "2", "4", "int", "whole"],
    ]
    rows = json.loads(run_btfmmap("at", "struct pair", "0x9", "8", "99", "-f", file, "--json").stdout)
    assert [row["offset"] for row in rows] == [9, 8, 99]
    *_, member = rows[0]["members"]
    btf = btfmmap.open(file)
    type_ = btf["struct pair"].members["right"].type
    assert member == {
        "path": "right",
        "type": type_.c_name,
        "type_id": type_.id,
        "size": btf.source.pointer_size,
        "bit_offset": 64,
        "bitfield_size": 0,
        "within": 1,
    }
    assert rows[2]["members"] == []
    done = run_btfmmap("at", "flags", "8", "-f", file)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "btfmmap: byte 8 is past the end of flags, which has 8 bytes\n"
    done = run_btfmmap("at", "flags", "eight", "-f", file)
    assert done.returncode == 2
    assert "'eight' is not a byte offset; btfmmap show TYPE.eight gives that of a member" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["show", "pair"],
        ["show", "pair", "-E"],
        ["show", "pair", "--json"],
        ["at", "pair", "0"],
        ["show", "x"],
    ],
)
def test_starts_without_numpy(file: Path, words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "btfmmap", *words, "-f", file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "btfmmap._core" in done.stderr
    assert "numpy" not in done.stderr
