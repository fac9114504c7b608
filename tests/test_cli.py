"""The command line, run as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import bpftool_json as bpftool
import pytest
import requirements
from btf_writer import BtfWriter, every_kind
from command import COMMAND, run_btfmmap

import btfmmap


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "every_kind.btf"
    path.write_bytes(every_kind().build())
    return path


def test_info_json_against_bpftool(kernel: Path) -> None:
    done = run_btfmmap("info", kernel, "--json")
    assert done.returncode == 0
    facts = json.loads(done.stdout)
    records = bpftool.records(kernel)
    counts = {kind.name: 0 for kind in btfmmap.Kind if kind}
    for record in records:
        counts[record["kind"]] += 1
    assert facts["kinds"] == counts
    assert facts["types"] == len(records)
    for ours, theirs in [
        ("members", "members"),
        ("params", "params"),
        ("enumerators", "values"),
        ("secinfos", "vars"),
    ]:
        assert facts[ours] == sum(len(record.get(theirs, [])) for record in records)
    structs = [record for record in records if record["kind"] == "STRUCT"]
    structs.sort(key=lambda record: (-record["size"], record["id"]))
    assert facts["biggest_structs"] == [
        {"id": record["id"], "name": bpftool.name(record["name"]), "size": record["size"]}
        for record in structs[:10]
    ]
    blob = kernel.read_bytes()
    header = facts["header"]
    start = header["hdr_len"] + header["str_off"]
    assert facts["strings"] == blob[start : start + header["str_len"]].count(b"\0")
    assert facts["source"]["path"] == str(kernel)
    assert facts["source"]["size"] == len(blob)
    assert facts["source"]["byte_order"] == ("big" if "s390x" in kernel.name else "little")


def test_info_text(file: Path) -> None:
    done = run_btfmmap("info", file)
    assert done.returncode == 0
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == str(file)
    assert f"  size     {file.stat().st_size:,} bytes" in lines
    assert "  data     little-endian, 8-byte pointers" in lines
    assert "  TYPE_TAG        1" in lines
    assert "  16 pair" in lines


def test_no_command_is_info_on_the_running_kernel() -> None:
    kernel = requirements.kernel_btf()
    done = run_btfmmap()
    assert done.returncode == 0
    assert done.stdout.startswith(f"{kernel}\n")


def test_sample() -> None:
    done = run_btfmmap("info", "--sample", "--json")
    assert json.loads(done.stdout)["source"]["path"] == btfmmap.SAMPLE_BTF


def test_standard_input(file: Path) -> None:
    with subprocess.Popen([requirements.tool("cat"), file], stdout=subprocess.PIPE) as cat:
        done = subprocess.run(
            [*COMMAND, "info", "-"], stdin=cat.stdout, capture_output=True, text=True, check=True
        )
    assert done.stdout.startswith("/dev/stdin\n")


def test_empty_btf(tmp_path: Path) -> None:
    path = tmp_path / "empty.btf"
    path.write_bytes(every_kind().build(types=b"", str_off=0))
    assert run_btfmmap("info", path).returncode == 0
    assert json.loads(run_btfmmap("info", path, "--json").stdout)["biggest_structs"] == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory"),
        (
            b"",
            "neither BTF nor a file that may contain it (ELF, compressed data, a tar archive, a kernel image",
        ),
        (b"\x7fELF" + bytes(60), "an ELF file of class 0 and data encoding 0"),
        (every_kind().build()[:-1], "ends past the file's"),
    ],
)
def test_errors(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "input"
    if content is not None:
        path.write_bytes(content)
    done = run_btfmmap("info", path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"btfmmap: {path}: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "command",
    [
        "info FILE",
        "dump FILE",
        "lint FILE",
        "show int -f FILE",
        "find x -f FILE",
        "users int -f FILE",
        "holes -f FILE",
        "at int 0 -f FILE",
        "dtype int -f FILE",
        "info SAMPLE --base FILE",
        "lint SAMPLE --base FILE",
        "find x -f SAMPLE --base FILE",
        "find x -f SAMPLE --unit 7",
        "info --id -1",
        "info --id 4294967295",
    ],
)
def test_exit_code_for_an_input_that_does_not_open(tmp_path: Path, command: str) -> None:
    """Differs from that for a type that is not found."""
    for path in (tmp_path / "absent", tmp_path, tmp_path / "text"):
        (tmp_path / "text").write_text("no BTF")
        words = [
            {"FILE": str(path), "SAMPLE": btfmmap.SAMPLE_BTF}.get(word, word) for word in command.split()
        ]
        done = run_btfmmap(*words)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1
    assert run_btfmmap("show", "no_such_type", "-f", btfmmap.SAMPLE_BTF).returncode == 1


def test_errors_are_escaped(tmp_path: Path) -> None:
    done = run_btfmmap("info", tmp_path / "\x1b[2J\u202e\nname")
    assert done.returncode == 2
    assert done.stderr == f"btfmmap: {tmp_path}/\\x1b[2J\\u202e\\nname: No such file or directory\n"


@pytest.mark.parametrize(
    "words",
    [["no-such-command"], ["info", "--no-such-option"], ["info", "a", "b"], ["info", "a", "--sample"]],
)
def test_usage(words: list[str]) -> None:
    done = run_btfmmap(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("btfmmap: ")
    command = "btfmmap info" if words[0] == "info" else "btfmmap"
    assert done.stderr.endswith(f" (see {command} --help)\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["info", "--help"], ["check", "--help"]])
def test_help_starts_without_numpy(words: list[str]) -> None:
    code = (
        "import sys; from btfmmap.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as exit: assert exit.code == 0\n"
        "assert 'numpy' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    expected = btfmmap.__version__ if words == ["--version"] else "usage: btfmmap"
    assert expected in done.stdout


def test_closed_pipe_is_quiet(file: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*COMMAND, "info", file], stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert done.returncode == 141
    assert done.stderr == b""


def test_full_disk(file: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with open("/dev/full", "w") as full:
        done = subprocess.run([*COMMAND, "info", file], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2
    assert done.stderr == b"btfmmap: standard output: No space left on device\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "ascii:strict"])
@pytest.mark.parametrize("words", [["show", "struct \u017f\u00e9"], ["find", "*"]])
def test_encoding_of_standard_output(tmp_path: Path, encoding: str, words: list[str]) -> None:
    """What the encoding lacks is escaped, and nothing is left out."""
    types = BtfWriter()
    types.add_struct("\u017f\u00e9", 4, [("m\u20ac", types.add_int(), 0)])
    file = tmp_path / "names.btf"
    file.write_bytes(types.build())
    whole = subprocess.run(
        [*COMMAND, *words, "-f", file],
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        check=True,
    )
    done = subprocess.run(
        [*COMMAND, *words, "-f", file],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=True,
    )
    name = encoding.partition(":")[0]
    assert b"\\u017f" in done.stdout
    assert done.stdout == whole.stdout.decode().encode(name, "backslashreplace")


@pytest.mark.parametrize(
    "words", ["show no_such_type", "show int -f no_such_file", "nonsense", "dump --pretty"]
)
def test_closed_standard_error(words: str) -> None:
    """An error with standard error closed goes nowhere else."""
    expected = run_btfmmap(*words.split()).returncode
    done = subprocess.run(
        f'exec "{sys.executable}" -m btfmmap {words} 2>&-', shell=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (expected, b"")
    assert expected != 0


def test_hostile_names(tmp_path: Path) -> None:
    writer = every_kind()
    writer.records.append(writer.words(writer.string(b"\x1b[31m\n\xff"), 4 << 24, 99))
    path = tmp_path / "hostile.btf"
    path.write_bytes(writer.build())
    done = run_btfmmap("info", path)
    assert done.returncode == 0
    assert r"  99 \x1b[31m\n\udcff" in done.stdout.splitlines()


def test_interrupt_while_reading(tmp_path: Path) -> None:
    """Ctrl-C while reading from a pipe whose writer is silent."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with (
        subprocess.Popen([*COMMAND, "info", fifo], stderr=subprocess.PIPE) as process,
        fifo.open("wb"),  # returns when the other end is open, too
    ):
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors == b""


def test_interrupt_is_quiet(tmp_path: Path) -> None:
    """Ctrl-C while opening a pipe without a writer."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    code = "import sys, btfmmap.cli; print(flush=True); sys.exit(btfmmap.cli.main(sys.argv[1:]))"
    with subprocess.Popen(
        [sys.executable, "-c", code, "info", fifo], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.3)  # it blocks in open(2) by now; if not yet, the outcome is the same
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert errors == b""
