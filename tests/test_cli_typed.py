"""What people type who have not read the help, and what the commands make of it."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import struct
import subprocess
import termios
from pathlib import Path

import bpftool_json as bpftool
import pytest
import requirements
from btf_writer import BtfWriter
from command import COMMAND, run_btfmmap

import btfmmap
from btfmmap.cli import COMMANDS
from btfmmap.cli import doctor as cli_doctor
from btfmmap.contract import rules

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
    for words in (["at", typed, "8"], ["dtype", typed], ["find", typed]):
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
    _, *lines = run_btfmmap("users", "Packet", "-f", file).stdout.splitlines()
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
    assert (done.returncode, done.stderr) == (0, "")
    plain = run_btfmmap(command, file)
    assert [line for line in done.stdout.splitlines() if "opened" not in line] == [
        line for line in plain.stdout.splitlines() if "opened" not in line
    ]
    assert "not allowed with argument" in run_btfmmap(command, file, option, file).stderr


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


@pytest.fixture(scope="module")
def pointers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A struct with uses by value, through one pointer and through two, and a name with stars."""
    writer = BtfWriter()
    word = writer.add_int("int", 4)
    item = writer.add_struct("item", 4, [("number", word, 0)])
    one = writer.add(btfmmap.Kind.PTR, "", size_or_type=item)
    const = writer.add(btfmmap.Kind.CONST, "", size_or_type=one)
    two = writer.add(btfmmap.Kind.PTR, "", size_or_type=const)
    for name, type_id in [("put", one), ("get", two), ("copy", item)]:
        proto = writer.add_proto(0, [("count", word), ("it", type_id)])
        writer.add(btfmmap.Kind.FUNC, name, size_or_type=proto)
    named = writer.add_struct("Box<*const u8>", 4, [("x", word, 0)])
    writer.add_struct("crate", 4, [("box", named, 0)])
    path = tmp_path_factory.mktemp("pointers") / "pointers.btf"
    path.write_bytes(writer.build())
    return path


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("item", {"put", "get", "copy"}),
        ("struct item", {"put", "get", "copy"}),
        ("struct item *", {"put"}),
        ("const struct item*it", {"put"}),
        ("(item *)", {"put"}),
        ("struct item **", {"get"}),
        ("struct item *const *;", {"get"}),
    ],
)
def test_stars_choose_users(pointers: Path, typed: str, names: set[str]) -> None:
    words = ["users", typed, "--role", "param", "--kind", "func", "-f", str(pointers)]
    rows = json.loads(run_btfmmap(*words, "--json").stdout)
    assert {row["user"] for row in rows} == names
    head, *lines = run_btfmmap(*words).stdout.splitlines()
    assert head.split() == ["id", "kind", "user", "role", "name", "offset"]
    assert {line.split()[2] for line in lines} == names
    assert all(line.split()[3:5] == ["parameter", "1"] for line in lines)  # counted from 0


def test_stars_without_users(pointers: Path) -> None:
    done = run_btfmmap("users", "struct item ***", "-f", pointers)
    assert (done.returncode, done.stdout) == (1, "")
    assert "without the stars" in done.stderr
    assert run_btfmmap("users", "struct item ***", "-f", pointers, "--json").stdout == "[]\n"
    done = run_btfmmap("users", "struct item *", "--embedded", "-f", pointers)
    assert done.returncode == 2
    assert "leave out the stars" in done.stderr


def test_stars_in_a_name(pointers: Path) -> None:
    done = run_btfmmap("users", "Box<*const u8>", "-f", pointers)
    assert done.stdout.splitlines()[1].split()[1:3] == ["STRUCT", "crate"]


@pytest.mark.parametrize(
    ("option", "typed"), [("--role", "param,member"), ("-r", "MEMBER|return"), ("--kind", "struct, func")]
)
def test_several_words_in_one_option(file: Path, option: str, typed: str) -> None:
    done = run_btfmmap("users", "Packet", option, typed, "-f", file)
    assert done.returncode == 2
    advice = done.stderr.partition("; write ")[2].partition(" (see")[0]
    once = run_btfmmap("users", "Packet", *advice.split(), "-f", file)
    assert (once.returncode, once.stderr) == (0, "")
    assert "unknown" in run_btfmmap("users", "Packet", option, "nonsense,int", "-f", file).stderr


def test_kinds_and_roles_are_listed() -> None:
    for command in ("find", "users"):
        said = " ".join(run_btfmmap("help", command).stdout.split())
        assert f"Kinds: {', '.join(kind.name.lower() for kind in btfmmap.Kind if kind)}" in said
    roles = ", ".join(role.name.lower() for role in btfmmap.Role)
    assert f"Roles: {roles}" in said


def test_several_kinds(file: Path) -> None:
    found = json.loads(run_btfmmap("find", "*e*", "-k", "func", "-k", "struct", "-f", file, "--json").stdout)
    assert [(row["kind"], row["name"]) for row in found] == [
        ("STRUCT", "Packet"),
        ("FUNC", "send"),
        ("STRUCT", "queue"),
    ]
    assert "no type of kind VAR or FUNC named" in run_btfmmap("find", "x", "-k", "var", "-k", "func").stderr


@pytest.mark.parametrize("name", ["", " ", "\t"])
@pytest.mark.parametrize(
    "command", ["show", "find", "users", "at TYPE 0", "dtype", "dump --root", "path TYPE flow"]
)
def test_empty_name(command: str, name: str) -> None:
    words = [name if word == "TYPE" else word for word in command.split()]
    words += [] if "TYPE" in command else [name]
    done = run_btfmmap(*words, "--sample")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "btfmmap: the name is empty\n"


@pytest.mark.parametrize("typed", ["struct", "union ", "const *", "const", "*&"])
def test_missing_name(typed: str) -> None:
    done = run_btfmmap("show", typed, "--sample")
    assert done.stderr == f"btfmmap: the name is missing in {typed!r}\n"


@pytest.mark.parametrize("words", [["info", ""], ["show", "x", "-f", ""], ["info", SAMPLE, "-B", ""]])
def test_empty_name_of_a_file(words: list[str]) -> None:
    done = run_btfmmap(*words)
    assert (done.returncode, done.stderr) == (2, "btfmmap: the name of the file is empty\n")


@pytest.mark.parametrize("command", ["show", "users", "dtype"])
def test_glob_where_one_name_is_meant(file: Path, command: str) -> None:
    done = run_btfmmap(command, "struct *e*", "-f", file)
    assert (done.returncode, done.stdout) == (1, "")
    assert "'struct *e*' is not one name; btfmmap find 'struct *e*' lists the 2 that match" in done.stderr
    assert run_btfmmap("find", "struct *e*", "-f", file).stdout.count("\n") == 2


@pytest.mark.parametrize(
    ("typed", "hint"), [("Pac", "'Pac*'"), ("struct Pa", "'struct Pa*'"), ("se", "'se*'")]
)
@pytest.mark.parametrize("command", ["show", "find"])
def test_start_of_a_name(file: Path, command: str, typed: str, hint: str) -> None:
    done = run_btfmmap(command, typed, "-f", file)
    assert done.returncode == 1
    assert f"btfmmap find {hint} lists the one that starts with it" in done.stderr


def test_endings_of_types_are_close(tmp_path: Path) -> None:
    """`task` is also a member, and little of `task_struct`."""
    writer = BtfWriter()
    word = writer.add_int("int", 4)
    writer.add_struct("task_struct", 4, [("task", word, 0)])
    writer.add_proto(0, [])
    path = tmp_path / "task.btf"
    path.write_bytes(writer.build())
    said = run_btfmmap("show", "task", "-f", path).stderr
    assert "close to it: task_struct; it is a member of struct task_struct" in said
    assert "close to it: task_struct" in run_btfmmap("find", "struct task", "-f", path).stderr


def test_close_names_are_of_the_kind(file: Path) -> None:
    said = run_btfmmap("find", "packet_s", "-k", "func", "-f", file).stderr
    assert "packet_t" not in said
    assert "close to it: packet_t" in run_btfmmap("find", "packet_s", "-k", "typedef", "-f", file).stderr


@pytest.mark.parametrize("typed", ["it->length", "it.length;", "it.cb[4].length"])
def test_variable_in_a_path(file: Path, typed: str) -> None:
    """Only `path` takes the types of variables, and only its errors say so."""
    assert run_btfmmap("show", typed, "-f", file).stderr == "btfmmap: no type named 'it'\n"
    assert run_btfmmap("dump", "-f", file, "--root", typed).stderr == "btfmmap: no type named 'it'\n"
    said = run_btfmmap("path", typed, "Packet", "-f", file).stderr
    assert said.startswith("btfmmap: no type named 'it'; if it is a variable, state its type: btfmmap path ")
    assert said.endswith("--variable 'it=struct TYPE *'\n")
    assert "--variable 'it=struct TYPE *'" in run_btfmmap("path", "it->length", "-f", file).stderr
    assert "close to it: Packet" in run_btfmmap("show", "Paket.length", "-f", file).stderr


def test_member_for_an_offset(file: Path) -> None:
    done = run_btfmmap("at", "Packet", "length", "-f", file)
    assert done.returncode == 2
    assert "'length' is not a byte offset; btfmmap show TYPE.length gives" in done.stderr
    assert run_btfmmap("show", "Packet.length", "-f", file).returncode == 0
    assert "show TYPE" not in run_btfmmap("at", "Packet", "0xz", "-f", file).stderr


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("-f FILE show Packet", "show -f FILE Packet"),
        ("--json info", "info --json"),
        ("--json", "info --json"),
        ("-f FILE", "info -f FILE"),
        ("-f info show x", "show -f info x"),
        ("--regex x", "COMMAND --regex x"),
    ],
)
def test_options_before_the_command(file: Path, typed: str, meant: str) -> None:
    typed, meant = (text.replace("FILE", str(file)) for text in (typed, meant))
    done = run_btfmmap(*typed.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"btfmmap: options follow the command: btfmmap {meant} (see btfmmap --help)\n"


def test_help_of_several_commands() -> None:
    parts = [run_btfmmap(command, "--help").stdout for command in ("show", "find", "diff")]
    assert run_btfmmap("help", "show", "find", "diff").stdout == "\n".join(parts)
    assert "did you mean find?" in run_btfmmap("help", "show", "fnid").stderr
    assert "[COMMAND ...]" in run_btfmmap("help", "--help").stdout


def test_declaration_as_json() -> None:
    facts = json.loads(run_btfmmap("show", "flow", "--json", "--sample").stdout)
    both = json.loads(run_btfmmap("show", "flow", "--json", "--c", "--sample").stdout)
    assert both.pop("c") == run_btfmmap("show", "flow", "--c", "--sample").stdout.rstrip("\n")
    assert both == facts


def test_counts_agree(file: Path) -> None:
    """`info`, `repr` and what is recorded: void is not a recorded type."""
    recorded = len(bpftool.records(file))
    assert json.loads(run_btfmmap("info", file, "--json").stdout)["types"] == recorded
    assert f" {recorded} types>" in repr(btfmmap.open(file))


def test_limits(file: Path) -> None:
    for words in (["find", "*"], ["users", "long unsigned int"], ["users", "Packet"]):
        every = json.loads(run_btfmmap(*words, "--json", "-f", file).stdout)
        for option in ("-n", "--limit"):
            assert json.loads(run_btfmmap(*words, option, "1", "--json", "-f", file).stdout) == every[:1]
        assert json.loads(run_btfmmap(*words, "-n", "0", "--json", "-f", file).stdout) == every
    for words in (["holes"], ["path", "queue", "char"]):
        every_line = run_btfmmap(*words, "--limit", "0", "-f", file).stdout.splitlines()
        assert run_btfmmap(*words, "-n", "1", "-f", file).stdout.count("\n") == 2 <= len(every_line)
    for command in ("find x", "users x", "holes", "lint", "path a b"):
        assert "'x' is not a number" in run_btfmmap(*command.split(), "-n", "x").stderr


def test_order_of_holes(tmp_path: Path) -> None:
    writer = BtfWriter()
    char, long = writer.add_int("char", 1), writer.add_int("long", 8)
    writer.add_struct("hole", 24, [("a", char, 0), ("b", long, 64), ("c", long, 128)])
    writer.add_struct("padding", 24, [("a", long, 0), ("b", char, 64)])
    writer.add_struct("both", 24, [("a", char, 0), ("b", long, 64), ("c", char, 128)])
    path = tmp_path / "holes.btf"
    path.write_bytes(writer.build())
    for sort, column, names in [
        ("waste", "waste", ["padding", "both", "hole"]),
        ("holes", "hole_bytes", ["both", "hole", "padding"]),  # of equal ones, the more wasteful first
        ("padding", "padding", ["padding", "both", "hole"]),
    ]:
        rows = json.loads(run_btfmmap("holes", "--sort", sort, "--json", "-f", path).stdout)
        assert [row["name"] for row in rows] == names
        assert [row[column] for row in rows] == sorted((row[column] for row in rows), reverse=True)
        lines = run_btfmmap("holes", "--sort", sort, "-n", "2", "-f", path).stdout.splitlines()
        assert [line.split()[-1] for line in lines[1:]] == names[:2]
    for option, name in (("--html", "page.html"), ("--plot", "picture.svg")):  # these show waste
        done = run_btfmmap("holes", "--sort", "holes", option, tmp_path / name, "-f", path)
        assert (done.returncode, "--sort is for text and JSON" in done.stderr) == (2, True)
        assert not (tmp_path / name).exists()


class TestWrongBase:
    """A split BTF on a base that is not its own."""

    @pytest.fixture
    def module(self, tmp_path: Path) -> Path:
        """A module in a folder with another kernel's `vmlinux`, which lacks its types and names."""
        base = BtfWriter()
        base.add_int("int", 4)
        (tmp_path / "vmlinux").write_bytes(base.build())
        split = BtfWriter(strings=b"")
        for number in range(20):
            split.add(btfmmap.Kind.PTR, size_or_type=1000 + number)
            split.records.append(split.words(5000 + number, btfmmap.Kind.STRUCT << 24, 0))
        path = tmp_path / "own.ko"
        path.write_bytes(split.build())
        return path

    def test_error_names_the_base_that_was_found(self, module: Path) -> None:
        beside = module.with_name("vmlinux")
        with pytest.raises(btfmmap.FormatError, match="refers to type") as caught:
            btfmmap.open(module)
        assert f"(opened on {beside}, found beside it; pass another base)" in str(caught.value)
        assert caught.value.type_id == 2
        assert str(beside) in run_btfmmap("show", "int", "-f", module).stderr
        with pytest.raises(btfmmap.FormatError) as caught:
            btfmmap.open(module, base=btfmmap.open(beside))
        assert "found beside" not in str(caught.value)

    def test_base_that_does_not_open(self, module: Path) -> None:
        beside = module.with_name("vmlinux")
        beside.write_bytes(b"no BTF")
        with pytest.raises(btfmmap.FormatError) as caught:
            btfmmap.open(module)
        assert str(caught.value).startswith(f"{beside}: ")
        assert f"(taken as the base of {module}; pass another base)" in str(caught.value)

    @pytest.mark.parametrize("options", [[], ["--kernel"]])
    @pytest.mark.parametrize("named", [False, True])
    def test_lint_suspects_it(self, module: Path, options: list[str], named: bool) -> None:
        if named:
            options = [*options, "--base", str(module.with_name("vmlinux"))]
        done = run_btfmmap("lint", module, *options)
        assert done.returncode == 1
        first, second, *_ = done.stdout.splitlines()
        assert ": error: " in second
        assert first == f"{module}: the base is probably of another kernel; --base names another one"

    def test_lint_does_not_suspect_a_good_one(self, module: Path) -> None:
        split = BtfWriter(strings=b"")
        split.add(btfmmap.Kind.PTR, size_or_type=7)
        module.write_bytes(split.build())
        assert "probably" not in run_btfmmap("lint", module).stdout

    def test_lint_lists_some_of_each_rule(self, module: Path) -> None:
        every = json.loads(run_btfmmap("lint", module, "--json", "-n", "1").stdout)
        counts = {(row["severity"], row["rule"]): 0 for row in every}
        for row in every:
            counts[row["severity"], row["rule"]] += 1
        assert counts["error", "reference"] == 40
        for option, limit in [([], 10), (["--limit", "3"], 3), (["-n", "0"], 1000)]:
            *lines, last = run_btfmmap("lint", module, *option).stdout.splitlines()
            for (severity, rule), count in counts.items():
                shown = [line for line in lines if f": {severity}: " in line and line.endswith(f"[{rule}]")]
                assert len(shown) == min(count, limit)
                assert count != limit + 1  # the noun is plural
                more = f"{module}: and {count - limit} more {severity}s [{rule}]; --limit 0 lists all"
                assert (more in lines) == (count > limit)
            assert last.startswith(f"40 errors, {len(every) - 40} note")

    def test_help(self) -> None:
        said = " ".join(run_btfmmap("help", "lint").stdout.split())
        assert "The exit code is 1 if there are errors, and 0 if there are only notes" in said
        for command in ("show", "lint"):
            assert "default: vmlinux in the folder of the file" in " ".join(
                run_btfmmap("help", command).stdout.split()
            )


class TestFolders:
    @pytest.mark.parametrize(
        "words",
        [["show", "x", "-f", "FOLDER"], ["info", "FOLDER"], ["lint", "FOLDER"], ["holes", "-f", "FOLDER"]],
    )
    def test_files_in_it_are_named(self, file: Path, tmp_path: Path, words: list[str]) -> None:
        for name in ("vmlinux", "tun.ko.xz", "notes.txt"):
            (tmp_path / name).write_bytes(file.read_bytes())
        (tmp_path / "sub.ko").mkdir()
        done = run_btfmmap(*(str(tmp_path) if word == "FOLDER" else word for word in words))
        assert (done.returncode, done.stdout) == (2, "")
        files = f"give a file, such as {tmp_path}/vmlinux or {tmp_path}/tun.ko.xz"
        assert f"{tmp_path} is a folder; {files} " in done.stderr
        assert "btfmmap.open_kernel" in done.stderr

    def test_empty_folder_and_base(self, tmp_path: Path) -> None:
        assert "give a file (check" in run_btfmmap("info", tmp_path).stderr
        assert "give a file (check" in run_btfmmap("info", SAMPLE, "-B", tmp_path).stderr

    def test_output(self, file: Path, tmp_path: Path) -> None:
        done = run_btfmmap("dump", file, "-o", tmp_path)
        assert done.returncode == 2
        assert "give a file" not in done.stderr


class TestWidth:
    """Lines fit 80 columns, or on a terminal its width; in a pipe, nothing is cut."""

    @pytest.fixture
    def long_names(self, tmp_path: Path) -> Path:
        writer = BtfWriter()
        word = writer.add_int("int", 4)
        inner = writer.add_struct("inner", 4, [("x", word, 0)])
        writer.add_struct(f"a_{'long_' * 20}name", 16, [(f"m_{'ember_' * 20}", inner, 0)])
        path = tmp_path / "long.btf"
        path.write_bytes(writer.build())
        return path

    @staticmethod
    def on_terminal(columns: int, *words: str | Path) -> list[str]:
        """The lines that a command prints on a terminal."""
        leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        with subprocess.Popen([*COMMAND, *words], stdout=follower, stdin=subprocess.DEVNULL) as process:
            os.close(follower)
            printed = b""
            while True:
                try:
                    part = os.read(leader, 1 << 16)
                except OSError:  # EIO: the process has closed the terminal
                    break
                if not part:
                    break
                printed += part
        os.close(leader)
        assert process.returncode == 0
        return printed.decode().splitlines()

    @pytest.mark.parametrize("words", [["users", "inner"], ["holes"]])
    def test_names_are_shortened_on_a_terminal(self, long_names: Path, words: list[str]) -> None:
        words = [*words, "-f", str(long_names)]
        piped = run_btfmmap(*words).stdout.splitlines()
        assert max(map(len, piped)) > 100
        assert "..." not in "".join(piped)
        for columns in (80, 100):
            lines = self.on_terminal(columns, *words)
            assert max(map(len, lines)) == columns
            assert any("a_long_" in line and "..." in line and "ng_name" in line for line in lines)
        assert self.on_terminal(400, *words) == piped

    def test_doctor(self) -> None:
        findings = [
            btfmmap.Finding(rule.name, " or ".join(rule.expected), " or ".join(rule.expected), verdict)
            for rule in rules.RULES
            for verdict in ("holds", "does not hold")
        ]
        lines = cli_doctor.render(findings).splitlines()
        holding = lines[: lines.index("does not hold:")]
        assert len(holding) == len(findings) // 2 + 1
        assert max(map(len, holding)) <= 80
        assert all(", expected " in line for line in lines[len(holding) + 1 : len(findings) + 2])

    def test_holes_of_a_kernel(self) -> None:
        path = requirements.kernel_btf()
        lines = run_btfmmap("holes", "-f", path).stdout.splitlines()
        assert sum(len(line) <= 80 for line in lines) >= 18

    def test_examples_in_help(self) -> None:
        for command in COMMANDS:
            said = run_btfmmap("help", command).stdout.splitlines()
            examples = [line for line in said if line.startswith("    ") and "btfmmap" in line]
            assert examples, command
            assert max(map(len, examples)) <= 80
        listed = run_btfmmap("--help").stdout
        assert listed.count("\n  btfmmap ") >= 5
