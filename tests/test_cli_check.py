"""`btfmmap check`: the report at several widths, JSON and exit codes."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

import pytest
from bpf_objects import kernel_with, reading_object
from command import run_btfmmap, run_here
from split_writer import SplitWriter
from stored_files import stored, stored_objects

import btfmmap
from btfmmap.cli import main
from btfmmap.cli.exit_codes import DONE, NOTHING_TRIED, WANTING, WRONG_INPUT
from btfmmap.cli.matrix import Matrix

NAMES = ("bindsnoop", "cpudist", "mdflush", "runqlen")
LETTERS = {"ok": ".", "BREAKS": "X"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("check")
    for name in NAMES:
        (made / f"{name}.bpf.o").write_bytes(stored_objects()[f"{name}.bpf.o"])
    (made / "kernels").mkdir()
    for name in ("6.12-cloud-arm64", "7.2-amd64"):
        (made / "kernels" / f"{name}.btf").write_bytes(stored(f"{name}.btf"))
    return made


@pytest.fixture(autouse=True)
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("COLUMNS", raising=False)


def report(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    return run_here(capfd, "check", *words)


def test_report(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = report(capfd, *(f"{name}.bpf.o" for name in NAMES), "--kernels", "kernels")
    assert (code, err) == (WANTING, "")
    paragraphs = [block.splitlines() for block in out.rstrip().split("\n\n")]
    assert [line.split() for line in paragraphs[0]] == [
        ["6.12-cloud-arm64", "7.2-amd64"],
        ["bindsnoop.bpf.o", "BREAKS", "BREAKS"],
        ["mdflush.bpf.o", "maybe", "maybe"],
        ["runqlen.bpf.o", "ok", "BREAKS"],
    ]
    heads = [block[0] for block in paragraphs[1:-1]]
    assert len(set(heads)) == len(heads)
    assert "registers of x86_64: breaks on 6.12-cloud-arm64" in heads
    (renamed,) = (block for block in paragraphs if block[0] == "cfs_rq.nr_running: breaks on 7.2-amd64")
    text = "\n".join(renamed)
    assert "no member 'nr_running'" in text
    place = "    runqlen.bpf.o, do_sample, perf_event+0x40, runqlen.bpf.c:21"
    assert f"{place}\n        slot = BPF_CORE_READ(task, se.cfs_rq" in text
    assert "close: nr_queued (same offset and type), h_nr_runnable" in text
    assert heads[-1] == "fentry/md_flush_request: may break on 6.12-cloud-arm64, 7.2-amd64"
    assert paragraphs[-1] == ["4 objects on 2 kernels: 3 fine, 2 maybe, 3 break"]


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_width(width: int, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    _, out, _ = report(capfd, *(f"{name}.bpf.o" for name in NAMES), "--kernels", "kernels", "--all")
    assert max(map(len, out.splitlines())) <= width
    _, wide, _ = report(capfd, "bindsnoop.bpf.o", "--kernels", *["kernels"] * 40)
    assert max(map(len, wide.splitlines())) <= width
    assert "79  6.12-cloud-arm64" in wide
    assert "inet_sock.freebind: breaks on all 80 kernels" in " ".join(wide.split())


def test_all(capfd: pytest.CaptureFixture[str]) -> None:
    words = ("cpudist.bpf.o", "--kernels", "kernels/7.2-amd64.btf")
    code, out, _ = report(capfd, *words)
    assert (code, out) == (DONE, "1 object on 1 kernel (7.2-amd64): 1 fine, 0 maybe, 0 break\n")
    code, out, _ = report(capfd, *words, "--all")
    assert code == DONE
    rows = {tuple(line.rsplit("  ", 1)) for line in out.splitlines() if "task_struct" in line}
    assert {(label.strip(), word) for label, word in rows} >= {
        ("task_struct.tgid offset", "ok"),
        ("task_struct___x.__state exists", "ok"),
        ("task_struct___o.state offset", "dead"),
    }
    assert re.search(r"tp_btf/sched_switch +present$", out, re.MULTILINE)


def test_labels_stay_apart(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """At any width: rows are labelled in full, and entries of the legend are not broken."""
    words = ("bindsnoop.bpf.o", "--kernels", *["kernels"] * 4, "--all")
    found = []
    for width in (400, 60, 40):
        monkeypatch.setenv("COLUMNS", str(width))
        out = report(capfd, *words)[1]
        table = out[out.index("\nbindsnoop.bpf.o\n") :].split("\n\n")[0].splitlines()[3:]
        labels: list[str] = []
        for line in table:
            label = re.split(r" +(?=(?:[.X-]|ok|poisoned|not judged) )", f"{line} ", maxsplit=1)[0].rstrip()
            if line.startswith("    "):
                joint = "" if labels[-1].endswith((".", "/")) else " "
                labels[-1] += joint + label.strip()
            else:
                labels.append(label.strip())
        found.append(labels)
        if width < 400:
            assert ". ok   X poisoned   - not judged\n" in out
    assert found[0] == found[1] == found[2]
    assert "inet_sock.bind_address_no_port left shift" in found[2]


def test_source_text_is_whole(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    out = report(capfd, "bindsnoop.bpf.o", "--kernels", "kernels")[1]
    text = (
        "opts.fields.bind_address_no_port = BPF_CORE_READ_BITFIELD_PROBED(inet_sock, bind_address_no_port);"
    )
    assert text.replace(" ", "") in "".join(out.split())
    assert "probe_exit(calledbyipv4_bind_exit,ipv6_bind_exit)" in "".join(out.split())


def test_programs_that_are_not_loaded(capfd: pytest.CaptureFixture[str]) -> None:
    words = ("mdflush.bpf.o", "--kernels", "kernels", "--all")
    out = report(capfd, *words, "--skip-program", "md_*")[1]
    assert re.search(r"fentry/md_flush_request +not loaded +not loaded$", out, re.MULTILINE)
    assert re.search(r"fentry/md_flush_request +absent +absent$", report(capfd, *words)[1], re.MULTILINE)


def test_json(capfd: pytest.CaptureFixture[str]) -> None:
    words = ("bindsnoop.bpf.o", "mdflush.bpf.o", "--kernels", "kernels", "--json")
    code, out, _ = report(capfd, *words, "--all")
    assert code == WANTING
    document = json.loads(out)
    assert document["schema"] == {"name": "btfmmap.check", "version": 1}
    assert list(document) == [
        *("schema", "kernels", "objects", "verdicts", "problems", "relocations", "requirements")
    ]
    result = btfmmap.check(["bindsnoop.bpf.o", "mdflush.bpf.o"], "kernels")
    assert [kernel["arch"] for kernel in document["kernels"]] == ["arm64", "x86_64"]
    assert [each["name"] for each in document["objects"]] == ["bindsnoop.bpf.o", "mdflush.bpf.o"]
    verdicts = [[btfmmap.Verdict[name] for name in row] for row in document["verdicts"]]
    assert verdicts == result.verdict.tolist()
    assert [problem["subject"] for problem in document["problems"]] == [
        problem.subject for problem in result.problems()
    ]
    places = [place for problem in document["problems"] for place in problem["places"]]
    assert {frozenset(place) for place in places} == {frozenset(btfmmap.Place._fields)}
    for name, statuses, enum in (
        ("relocations", result.status, btfmmap.RelocationStatus),
        ("requirements", result.requirement_status, btfmmap.RequirementStatus),
    ):
        found = [[enum[status] for status in row["status"]] for row in document[name]]
        assert found == statuses.T.tolist()
    assert [row["kernel_value"] for row in document["relocations"]] == result.value.T.tolist()
    assert document["relocations"][1]["root"] == result.relocations.root[1]
    names = [(row["kind"], row["use"]) for row in document["relocations"]]
    assert [(btfmmap.CoreReloKind[kind], btfmmap.InstructionUse[use]) for kind, use in names] == [
        *zip(result.relocations.kind.tolist(), result.relocations.use.tolist(), strict=True)
    ]
    needs = [btfmmap.Need[row["need"]] for row in document["requirements"]]
    assert needs == result.requirements.need.tolist()
    _, out, _ = report(capfd, *words)
    assert list(json.loads(out)) == list(document)[:5]


def test_table(capfd: pytest.CaptureFixture[str]) -> None:
    """All objects with their verdicts, and nothing else."""
    code, out, _ = report(capfd, *(f"{name}.bpf.o" for name in NAMES), "--kernels", "kernels", "--table")
    assert code == WANTING
    table, summary = out.rstrip().split("\n\n")
    assert [line.split()[0] for line in table.splitlines()[1:]] == [f"{name}.bpf.o" for name in NAMES]
    assert "cpudist.bpf.o    ok                ok" in table.splitlines()
    assert summary == "4 objects on 2 kernels: 3 fine, 2 maybe, 3 break"
    assert report(capfd, "cpudist.bpf.o", "--kernels", "kernels", "--table")[0] == DONE


def test_every_object_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    names = [f"prog{number}.o" for number in range(9)]
    for name in names:
        (tmp_path / name).write_bytes(reading_object("absent"))
    kernel = tmp_path / "6.1.btf"
    kernel.write_bytes(kernel_with("first").build())
    _, out, _ = report(capfd, str(tmp_path), "--kernels", str(kernel))
    problem = out.split("\n\n")[1]
    assert [re.findall(r"prog\d\.o", line) for line in problem.splitlines()[2:7]] == [
        [name] for name in names[:4]
    ] + [[]]
    assert "    and 5 more places\n    also: prog4.o, prog5.o" in problem
    assert all(problem.count(name) == 1 for name in names)
    problem = report(capfd, str(tmp_path), "--kernels", str(kernel), "--all")[1].split("\n\n")[1]
    assert all(f"    {name}" in problem for name in names)
    assert "more place" not in problem


def test_repeated_inputs_are_noted(capfd: pytest.CaptureFixture[str]) -> None:
    words = ("cpudist.bpf.o", "cpudist.bpf.o", "--kernels", *["kernels/7.2-amd64.btf"] * 3)
    code, out, err = report(capfd, *words)
    assert code == DONE
    assert "2 objects on 3 kernels" in out
    assert err == "".join(
        f"btfmmap: {path}: given more than once, and counted each time\n"
        for path in ("cpudist.bpf.o", "kernels/7.2-amd64.btf")
    )


def test_objects_without_loaded_programs(capfd: pytest.CaptureFixture[str]) -> None:
    words = ("runqlen.bpf.o", "cpudist.bpf.o", "--kernels", "kernels", "--skip-program", "do_*")
    assert "no program is loaded of: runqlen.bpf.o\n" in report(capfd, *words)[1]
    assert "no program is loaded" not in report(capfd, *words[:-2])[1]


def test_kernels_of_one_name(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "6.1.btf").write_bytes(kernel_with("first").build())
    (tmp_path / "prog.o").write_bytes(reading_object("absent"))
    _, out, _ = report(capfd, f"{tmp_path}/prog.o", "--kernels", f"{tmp_path}/a", f"{tmp_path}/b")
    assert f"breaks on {tmp_path}/a/6.1.btf, {tmp_path}/b/6.1.btf" in " ".join(out.split()) or (
        f"1  {tmp_path}/a/6.1.btf" in out and f"2  {tmp_path}/b/6.1.btf" in out
    )


@pytest.mark.parametrize("width", [60, 200])
def test_help_fits(width: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    with pytest.raises(SystemExit):
        main(["check", "--help"])
    out = capfd.readouterr().out
    assert max(len(line) for line in out.splitlines() if not line.startswith("    btfmmap")) <= width
    assert "    btfmmap check prog.bpf.o --kernels 'kernels/*.btf' /boot/vmlinuz-6.12\n" in out


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        ("cpudist.bpf.o --kernels kernels/7.2-amd64.btf", DONE, ""),
        ("runqlen.bpf.o --kernels kernels", WANTING, ""),
        ("runqlen.bpf.o --kernels kernels --skip-program do_*", DONE, ""),
        ("mdflush.bpf.o --kernels kernels", DONE, ""),
        ("mdflush.bpf.o --kernels kernels --fail-on breaks", DONE, ""),
        ("mdflush.bpf.o --kernels kernels --fail-on maybe", WANTING, ""),
        ("cpudist.bpf.o --kernels kernels --fail-on maybe", DONE, ""),
        ("cpudist.bpf.o --kernels kernels --all --table", WRONG_INPUT, "not allowed with"),
        ("runqlen.bpf.o --kernels kernels --program do_*", WANTING, ""),
        ("runqlen.bpf.o --kernels kernels --program x", WRONG_INPUT, "no program of the objects matches 'x'"),
        ("runqlen.bpf.o absent --kernels kernels", WRONG_INPUT, "absent: No such file or directory"),
        ("runqlen.bpf.o absent --kernels kernels --ignore-failed", WANTING, "absent: No such file"),
        ("cpudist.bpf.o --kernels kernels absent", WRONG_INPUT, "absent: No such file or directory"),
        ("cpudist.bpf.o --kernels kernels no*", WRONG_INPUT, "no kernel matches this pattern"),
        ("no* runqlen.bpf.o --kernels kernels", WRONG_INPUT, "no*: no object matches this pattern"),
        ("no* runqlen.bpf.o --kernels kernels --ignore-failed", WANTING, "no*: no object matches"),
        ("no* --kernels kernels --ignore-failed", NOTHING_TRIED, "no*: no object matches"),
        ("no* --kernels kernels", WRONG_INPUT, "no*: no object matches"),
        ("runqlen.bpf.o --kernels kernels cpudist.bpf.o", WRONG_INPUT, "cpudist.bpf.o: a BPF object, not a"),
        ("--kernels kernels runqlen.bpf.o", WRONG_INPUT, "so write them before it"),
        ("absent --kernels kernels --ignore-failed", NOTHING_TRIED, "absent: No such file"),
        ("cpudist.bpf.o --kernels kernels --semantics other", WRONG_INPUT, "invalid choice"),
        ("--kernels kernels", WRONG_INPUT, "required: OBJECT"),
    ],
)
def test_exit_codes(words: str, code: int, complaint: str) -> None:
    done = run_btfmmap("check", *words.split())
    assert done.returncode == code
    assert complaint in done.stderr
    assert bool(done.stderr) == bool(complaint)


@pytest.mark.parametrize(
    ("contents", "failed", "code"),
    [
        (["good", "good"], "", DONE),
        (["good", ""], "1 of 2 modules did not open", DONE),
        (["", ""], "2 of 2 modules did not open", WRONG_INPUT),
    ],
)
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_modules_that_do_not_open(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], contents: list[str], failed: str, code: int, jobs: str
) -> None:
    (tmp_path / "prog.o").write_bytes(reading_object("first"))
    kernels = [tmp_path / "a", tmp_path / "b"]
    for kernel in kernels:
        kernel.mkdir()
        base = kernel_with("first")
        (kernel / "vmlinux").write_bytes(base.build())
        module = SplitWriter(base)
        module.add_struct("own", 4, [])
        for name, content in zip(("one", "two"), contents, strict=True):
            (kernel / name).write_bytes(module.build() if content else b"")
    words = [str(tmp_path / "prog.o"), "--kernels", *map(str, kernels), "--jobs", jobs]
    found, _, err = report(capfd, *words)
    assert found == code
    assert err.count("modules did not open") == 2 * bool(failed)
    assert failed in err
    assert report(capfd, *words, "--ignore-failed")[0] == DONE


def test_processes() -> None:
    words = ("check", "bindsnoop.bpf.o", "runqlen.bpf.o", "--kernels", "kernels", "--json")
    alone, together = run_btfmmap(*words), run_btfmmap(*words, "--jobs", "2")
    assert alone.stdout == together.stdout
    assert alone.returncode == together.returncode == WANTING


def test_hostile_names(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a\x1b[2Jb.o"
    path.write_bytes(reading_object("absent\x1b]0;x\x07", section="fentry/\x1b[0m\u202e"))
    kernel = tmp_path / "6.1\n.btf"
    kernel.write_bytes(kernel_with("absent\x1b]0;y\x07", struct="flow").build())
    for words in ((), ("--all",), ("--json",)):
        report(capfd, str(path), "--kernels", str(kernel), *words)
    code, out, err = report(capfd, str(path), str(tmp_path / "\x1b"), "--kernels", str(kernel), "--all")
    assert code == WRONG_INPUT
    assert "absent\\x1b]0;x\\x07" in out
    assert all(letter.isprintable() or letter == "\n" for letter in out + err)


def test_equal_names_are_told_apart(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")  # paths are not folded
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "prog.o").write_bytes(reading_object("absent"))
    kernel = tmp_path / "6.1.btf"
    kernel.write_bytes(kernel_with("first").build())
    _, out, _ = report(capfd, f"{tmp_path}/a/prog.o", f"{tmp_path}/b/prog.o", "--kernels", str(kernel))
    assert "/a/prog.o" in out
    assert "/b/prog.o" in out


def lines(kernels: Sequence[str], width: int) -> tuple[list[str], Matrix]:
    matrix = Matrix(kernels, width)
    rows = [("first.bpf.o", ["ok"] * len(kernels)), ("second.bpf.o", ["BREAKS"] * len(kernels))]
    return [*matrix.lines(rows, LETTERS)], matrix


class TestMatrix:
    def test_names(self) -> None:
        found, matrix = lines(["6.1", "6.12-amd64"], 80)
        assert found == [
            "              6.1     6.12-amd64",
            "first.bpf.o   ok      ok",
            "second.bpf.o  BREAKS  BREAKS",
        ]
        assert [*matrix.legend()] == []
        assert [*matrix.letters()] == []
        assert matrix.names([0]) == "6.1"
        assert matrix.names([0, 1]) == "6.1, 6.12-amd64"
        assert Matrix(["a", "b", "c"], 80).names([0, 1, 2]) == "all 3 kernels"

    def test_numbers(self) -> None:
        found, matrix = lines(["a-rather-long-name", "another-long-name", "x"], 40)
        assert found[0].split() == ["1", "2", "3"]
        assert found[2].split() == ["second.bpf.o", "BREAKS", "BREAKS", "BREAKS"]
        assert [*matrix.legend()] == ["1  a-rather-long-name   3  x", "2  another-long-name"]
        assert matrix.names([0, 2]) == "kernels 1, 3"

    def test_legend_fills_the_width(self) -> None:
        """As few lines as fit, in which each number is followed by its name; longer names are whole, too."""
        source = random.Random(5)
        for _ in range(200):
            width = source.randrange(1, 200)
            kernels = ["x" * source.randrange(1, 60) for _ in range(source.randrange(1, 70))]
            wanted = [f"{number:{len(str(len(kernels)))}}  {name}" for number, name in enumerate(kernels, 1)]
            matrix = lines(kernels, width)[1]
            if not matrix.is_numbered:
                continue
            legend = [*matrix.legend()]
            cells = [re.findall(r" *\d+  x+", line) for line in legend]
            entries = [cell for row in zip_longest(*cells) for cell in row if cell is not None]
            assert [entry.strip() for entry in entries] == [entry.strip() for entry in wanted]
            assert all(len(line) <= width or len(row) == 1 for line, row in zip(legend, cells, strict=True))
            for rows in range(1, len(legend)):
                parts = [wanted[start : start + rows] for start in range(0, len(wanted), rows)]
                assert sum(max(map(len, part)) + 3 for part in parts) - 3 > width, (kernels, width)

    def test_letters(self) -> None:
        found, matrix = lines([f"kernel-{number}" for number in range(12)], 60)
        assert found[2].split() == ["second.bpf.o", *"X" * 12]
        assert [*matrix.letters()] == [". ok   X BREAKS"]
        assert matrix.names([0, 1, 2, 5, 7, 8]) == "kernels 1-3, 6, 8-9"
        assert matrix.names([4]) == "kernel 5"

    def test_blocks(self) -> None:
        found, _ = lines([f"kernel-{number}" for number in range(100)], 40)
        heads = [number for line in found if "bpf" not in line for number in line.split()]
        assert heads == [str(number) for number in range(1, 101)]
        assert sum(line.count("X") for line in found) == 100
        assert max(map(len, found)) <= 40

    def test_one_long_label(self) -> None:
        """It does not pad the other rows, and the columns keep their words."""
        rows = [
            ("x" * 200, ["ok", "ok"]),
            *((f"prog{number}.bpf.o", ["ok", "BREAKS"]) for number in range(2)),
        ]
        found = [*Matrix(["6.1", "6.12"], 80).lines(rows, LETTERS)]
        assert len(found[-1]) < 60
        assert found[-1].split() == ["prog1.bpf.o", "ok", "BREAKS"]
        assert sum(line.count("x") for line in found) == 200

    @pytest.mark.parametrize("width", [1, 10, 20])
    def test_narrow(self, width: int) -> None:
        found, _ = lines(["a", "b"], width)
        assert sum(line.count("X") + line.count("BREAKS") for line in found) == 2
