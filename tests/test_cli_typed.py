"""What people type who have not read the help, and what the commands make of it."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import bpftool_json as bpftool
import pytest
from btf_writer import BtfWriter
from command import run_btfmmap

import btfmmap
from btfmmap.cli import COMMANDS

SAMPLE = btfmmap.SAMPLE_BTF


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Integers as GCC spells them, and a struct with its users."""
    writer = BtfWriter()
    char = writer.add_int("char", 1)
    long = writer.add_int("long unsigned int", 8)
    writer.add_int("short int", 2)
    writer.add_int("signed char", 1)
    packet = writer.add_struct("Packet", 16, [("length", long, 0), ("tag", char, 64)])
    writer.add(btfmmap.Kind.TYPEDEF, "packet_t", size_or_type=packet)
    pointer = writer.add(btfmmap.Kind.PTR, "", size_or_type=packet)
    prototype = writer.add_proto(0, [("packet", pointer)])
    writer.add(btfmmap.Kind.FUNC, "send", size_or_type=prototype)
    writer.add_struct("queue", 8, [("first", pointer, 0)])
    path = tmp_path_factory.mktemp("typed") / "typed.btf"
    path.write_bytes(writer.build())
    return path


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("shwo", "show"),
        ("Find", "find"),
        ("USERS", "users"),
        ("hole", "holes"),
        ("dtpye", "dtype"),
        ("lnit", "lint"),
        ("dumps", "dump"),
        ("search", "find"),
        ("pahole", "show"),
    ],
)
def test_command_that_was_meant(typed: str, meant: str) -> None:
    for words in ([typed, "x"], ["help", typed]):
        done = run_btfmmap(*words)
        assert (done.returncode, done.stdout) == (2, "")
        assert (
            done.stderr == f"btfmmap: unknown command {typed!r}; did you mean {meant}? (see btfmmap --help)\n"
        )


def test_file_or_type_as_command() -> None:
    done = run_btfmmap(SAMPLE)
    assert done.returncode == 2
    assert f"it is a file: btfmmap info {SAMPLE}" in done.stderr
    assert "btfmmap show tcp_v4_rcv shows a type" in run_btfmmap("tcp_v4_rcv").stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(command: str) -> None:
    done = run_btfmmap("help", command)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == run_btfmmap(command, "--help").stdout


def test_help_without_a_command() -> None:
    assert run_btfmmap("help").stdout == run_btfmmap("--help").stdout
    assert "btfmmap help COMMAND" in run_btfmmap("--help").stdout


@pytest.mark.parametrize(
    "typed",
    [
        "struct Packet *",
        "struct Packet*",
        "struct Packet **",
        "const struct Packet",
        "const struct Packet *",
        "struct Packet const *",
        "volatile Packet",
        "Packet;",
        "struct Packet ;",
        "struct Packet {",
        "struct Packet *packet",
        "struct Packet packets[4];",
        "  Packet ",
        "(struct Packet *)",
        "struct Packet __rcu *",
        "Packet __user *",
        "extern struct Packet",
        "struct\tPacket",
    ],
)
def test_declaration_means_its_type(file: Path, typed: str) -> None:
    assert btfmmap.open(file).find("struct Packet") == 5
    shown = run_btfmmap("show", typed, "-f", file)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout == run_btfmmap("show", "struct Packet", "-f", file).stdout
    for words in (["at", typed, "8"], ["users", typed], ["dtype", typed], ["find", typed]):
        plain = [word.replace(typed, "struct Packet") for word in words]
        assert run_btfmmap(*words, "-f", file).stdout == run_btfmmap(*plain, "-f", file).stdout != ""


@pytest.mark.parametrize(
    ("typed", "recorded"),
    [
        ("unsigned long", "long unsigned int"),
        ("unsigned long int", "long unsigned int"),
        ("const unsigned long *", "long unsigned int"),
        ("short", "short int"),
        ("signed char", "signed char"),
        ("const char *", "char"),
    ],
)
def test_spellings_of_integers(file: Path, typed: str, recorded: str) -> None:
    done = run_btfmmap("show", typed, "-f", file, "--json")
    assert json.loads(done.stdout)["name"] == recorded


def test_clang_spellings() -> None:
    """The sample was compiled by Clang, which writes `long` and `unsigned int`."""
    for typed, recorded in [("long int", "long"), ("unsigned", "unsigned int")]:
        done = run_btfmmap("show", typed, "--sample", "--json")
        assert json.loads(done.stdout)["name"] == recorded


def test_name_with_dots_is_not_a_path(tmp_path: Path) -> None:
    writer = BtfWriter()
    integer = writer.add_int("int", 4)
    writer.add_struct("x", 4, [("y", integer, 0)])
    writer.add(btfmmap.Kind.TYPEDEF, "x.y", size_or_type=integer)
    path = tmp_path / "dots.btf"
    path.write_bytes(writer.build())
    assert json.loads(run_btfmmap("show", "x.y", "-f", path, "--json").stdout)["kind"] == "TYPEDEF"


@pytest.mark.parametrize(
    "typed", ["flow.link.prev", "struct flow.link.prev", "flow->link.prev", "flow.link.prev;"]
)
def test_path_of_a_member(typed: str) -> None:
    done = run_btfmmap("show", typed, "--sample", "--json")
    facts = json.loads(done.stdout)
    member = btfmmap.open(SAMPLE).find_member("flow.link.prev")
    assert member is not None
    assert (facts["bit_offset"], facts["type_id"]) == (member.bit_offset, member.type.id)
    assert (facts["type"], facts["size"]) == ("struct list *", 8)
    heads, row = run_btfmmap("show", typed, "--sample").stdout.splitlines()
    assert heads.split() == ["offset", "size", "type", "member"]
    assert row.split()[:2] == ["8", "8"]


def test_path_where_a_type_is_needed() -> None:
    done = run_btfmmap("at", "flow.link", "8", "--sample")
    assert done.returncode == 0
    assert "flow.link is a member; its type is struct list" in done.stderr
    assert "btfmmap show flow.link describes it" in run_btfmmap("find", "flow.link", "--sample").stderr
    done = run_btfmmap("show", "flow.lnk", "--sample")
    assert done.returncode == 1
    assert "has no member 'lnk'; close to it: 'link'" in done.stderr


@pytest.mark.parametrize("typed", ["PACKET", "packet", "struct pAckt", "PACKET_T", "QUEUE"])
def test_suggestions_without_regard_to_case(file: Path, typed: str) -> None:
    done = run_btfmmap("show", typed, "-f", file)
    assert done.returncode == 1
    close = done.stderr.partition("; close to it: ")[2].strip().split(", ")
    bare = typed.rpartition(" ")[2].lower()
    assert close[0] in ("Packet", "packet_t", "queue")
    assert close[0].lower()[:3] == {"pac": "pac", "pack": "pac", "que": "que"}.get(bare[:3], "pac")


def test_members_without_regard_to_case(file: Path) -> None:
    btf = btfmmap.open(file)
    with pytest.raises(btfmmap.NotFoundError, match="close to it: 'length'"):
        btf["Packet.LENGTH"]
    with pytest.raises(btfmmap.NotFoundError, match="close to it: 'length'"):
        btf["Packet"].members["Lenght"]


def test_keyword_or_kind_of_another_type(file: Path) -> None:
    assert "there is typedef packet_t [6]" in run_btfmmap("show", "struct packet_t", "-f", file).stderr
    assert "there is func send [9]" in run_btfmmap("find", "send", "-k", "var", "-f", file).stderr


@pytest.mark.parametrize(
    ("typed", "role"),
    [
        ("param", "parameter"),
        ("params", "parameter"),
        ("Parameters", "parameter"),
        ("argument", "parameter"),
        ("args", "parameter"),
        ("ptr", "pointee"),
    ],
)
def test_roles_as_people_say_them(file: Path, typed: str, role: str) -> None:
    done = run_btfmmap("users", "Packet", "--role", typed, "-f", file)
    assert done.stdout == run_btfmmap("users", "Packet", "--role", role, "-f", file).stdout
    assert (done.returncode, done.stdout.count(f"  {role}")) != (0, 0)


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        ("func", "FUNC"),
        ("function", "FUNC"),
        ("FUNCTIONS", "FUNC"),
        ("struct", "STRUCT"),
        ("proto", "FUNC_PROTO"),
    ],
)
def test_users_of_a_kind(file: Path, typed: str, kind: str) -> None:
    every = json.loads(run_btfmmap("users", "Packet", "--json", "-f", file).stdout)
    done = run_btfmmap("users", "Packet", "--kind", typed, "--json", "-f", file)
    assert json.loads(done.stdout) == [row for row in every if row["kind"] == kind] != []


def test_functions_before_prototypes(file: Path) -> None:
    lines = run_btfmmap("users", "Packet", "-f", file).stdout.splitlines()
    kinds = [line.split()[1] for line in lines]
    assert kinds.index("FUNC") < kinds.index("FUNC_PROTO") == len(kinds) - 1


def test_at_says_type_size_and_offset(file: Path) -> None:
    heads, row = run_btfmmap("at", "struct Packet *", "0x8", "-f", file).stdout.splitlines()
    found = dict(zip(heads.split(), row.split(), strict=True))
    assert found == {"offset": "8", "within": "0", "size": "1", "type": "char", "member": "tag"}


@pytest.mark.parametrize(
    "words",
    [
        ["show", "FILE", "Packet"],
        ["show", "Packet", "FILE"],
        ["find", "Packet", "FILE"],
        ["users", "FILE", "Packet"],
        ["holes", "FILE"],
        ["at", "FILE", "Packet", "8"],
        ["at", "Packet", "8", "FILE"],
        ["dtype", "Packet", "FILE"],
    ],
)
def test_file_without_its_option(file: Path, words: list[str]) -> None:
    done = run_btfmmap(*(str(file) if word == "FILE" else word for word in words))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"write -f {file}" in done.stderr


def test_file_as_a_type(file: Path) -> None:
    for command in ("show", "find"):
        done = run_btfmmap(command, file, "--sample")
        assert done.returncode == 1
        assert f"is a file: write -f {file}" in done.stderr


@pytest.mark.parametrize("command", ["info", "dump", "lint"])
@pytest.mark.parametrize("option", ["-f", "--file"])
def test_option_where_the_file_needs_none(file: Path, command: str, option: str) -> None:
    done = run_btfmmap(command, option, file)
    assert done.returncode == 2
    assert "the file is given without -f here" in done.stderr


def test_no_advice_on_files_where_none_is_meant(file: Path) -> None:
    done = run_btfmmap("show", "Packet", "-f", file, "--no-such-option")
    assert done.stderr == "btfmmap: unrecognized arguments: --no-such-option (see btfmmap show --help)\n"


def test_dump_as_json(file: Path) -> None:
    done = run_btfmmap("dump", file, "--json")
    assert done.stdout == run_btfmmap("dump", file, "--format", "json").stdout
    assert json.loads(done.stdout)["types"] == bpftool.records(file)
    pretty = run_btfmmap("dump", file, "--json", "--pretty")
    assert pretty.stdout.count("\n") > 10
    assert json.loads(pretty.stdout) == json.loads(done.stdout)
    assert run_btfmmap("dump", file, "--json", "--format", "c").returncode == 2
    assert run_btfmmap("dump", file, "--json", "--unsorted").returncode == 2


def test_sample_everywhere() -> None:
    for words in (["show", "flow"], ["find", "flow"], ["users", "list"], ["holes"], ["at", "flow", "0"]):
        assert run_btfmmap(*words, "--sample").stdout == run_btfmmap(*words, "-f", SAMPLE).stdout != ""
    for command in ("dump", "lint"):
        assert run_btfmmap(command, "--sample").stdout == run_btfmmap(command, SAMPLE).stdout != ""
    assert run_btfmmap("show", "flow", "--sample", "-f", SAMPLE).returncode == 2


class TestFileObjects:
    def test_open(self, file: Path) -> None:
        with file.open("rb") as opened:
            btf = btfmmap.open(opened)
        assert btf.source.how == "buffer"
        assert btf.names() == btfmmap.open(file).names()

    def test_from_the_position(self, file: Path) -> None:
        stream = io.BytesIO(b"prefix" + file.read_bytes())
        stream.seek(6)
        assert btfmmap.open(stream).find("Packet") == 5
        assert stream.read() == b""

    def test_lint(self, file: Path) -> None:
        with file.open("rb") as opened:
            assert btfmmap.lint(opened) == btfmmap.lint(file)

    def test_pipe(self, file: Path) -> None:
        reader, writer = os.pipe()
        with os.fdopen(writer, "wb") as sink:
            sink.write(file.read_bytes())
        with os.fdopen(reader, "rb") as source:
            assert btfmmap.open(source).find("send") == 9

    def test_refused(self, file: Path) -> None:
        for function in (btfmmap.open, btfmmap.lint):
            with (
                file.open(encoding="latin-1") as text,
                pytest.raises(TypeError, match="yields str, not bytes: open it in mode 'rb'"),
            ):
                function(text)  # type: ignore[arg-type]
        with file.open("rb") as opened:
            with pytest.raises(ValueError, match="only one of path, data and id"):
                btfmmap.open(opened, data=b"")
            with pytest.raises(ValueError, match="method applies only to a path"):
                btfmmap.open(opened, method="mmap")
