"""The benchmarks' harness, reports and inputs."""

from __future__ import annotations

import json
import subprocess
from itertools import count
from pathlib import Path

import instructions
import pytest
import run
from requirements import tool
from support import names, processes, report, self_measured
from support.harness import Comparison, Meter, Skipped, Workload, compare, repeated, reported
from support.kernel_btf import STAND_IN, unpacked
from support.modules import real_folder
from support.peer_libbpf import Libbpf
from support.synthetic_btf import BLOCK, synthetic_btf

import btfmmap

BENCHMARKS = Path(run.__file__).parent


def workload(name: str, values: list[float], things: int = 1) -> Workload:
    """A workload that reports one value per round; the first value is the warm-up's."""
    numbers = iter(values)
    return repeated(name, lambda: next(numbers), len(values) - 1, things)


def test_the_stand_in_for_a_kernel_opens() -> None:
    with unpacked(STAND_IN) as path, btfmmap.open(path) as btf:
        assert btf.find("task_struct") is not None


def test_ratios_are_of_the_same_round() -> None:
    ours = workload("ours", [9, 1, 2, 4, 8])
    twice = workload("twice", [9, 2, 4, 8, 16])
    compared = compare("title", ours, [twice], reported("kB"))
    assert [timing.median for timing in compared.timings] == [3, 6]
    assert [timing.times_ours for timing in compared.timings] == [1, 2]
    assert compared.unit == "kB"


def test_what_is_reported_is_for_one_thing() -> None:
    ours = workload("ours", [0, 10, 10], things=10)
    slower = workload("slower", [0, 10, 10], things=2)
    (one, other) = compare("title", ours, [slower], reported("us")).timings
    assert (one.median, other.median, other.times_ours) == (1, 5, 5)


def test_peers_take_turns_in_both_orders() -> None:
    order: list[str] = []
    ours = repeated("ours", lambda: order.append("ours"), 4)
    often = repeated("often", lambda: order.append("often"), 4)
    seldom = repeated("seldom", lambda: order.append("seldom"), 2)
    clock = count()

    def read(run: object) -> float:
        assert callable(run)
        run()
        return float(next(clock)) + 1

    timings = compare("title", ours, [often, seldom], Meter("s", read)).timings
    assert order[:3] == ["ours", "often", "seldom"]
    assert order[3:] == [
        *("ours", "often", "seldom"),
        *("often", "ours"),
        *("ours", "often", "seldom"),
        *("often", "ours"),
    ]
    assert [timing.rounds for timing in timings] == [4, 4, 2]


def test_report() -> None:
    peers: list[Workload | Skipped] = [workload("peer", [1, 4, 4]), Skipped("absent", "not installed")]
    compared = compare("Work", workload("ours", [1, 2, 2]), peers, reported("ms"))
    lines = compared.markdown().splitlines()
    assert "| peer | 4.00 | 4.00 - 4.00 | 2.00 | 2 |" in lines
    assert lines[-1] == "Skipped: absent: not installed"
    assert "| Work | 2.00 ms | peer: 2.00 |" in report.summary([compared])


def test_documents_are_rewritten_between_the_marks() -> None:
    page = f"# Title\n\n{report.BEGIN}\nold\n{report.END}\n\nEnd.\n"
    once = report.replaced(page, "new")
    assert once == f"# Title\n\n{report.BEGIN}\n\nnew\n\n{report.END}\n\nEnd.\n"
    assert report.replaced(once, "new") == once
    with pytest.raises(ValueError, match="lacks"):
        report.replaced("no marks", "new")
    documents = (BENCHMARKS.parent / "docs" / "performance.md").read_text()
    assert report.replaced(documents, "new") != documents


def test_missing_peers_are_skipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BTFMMAP_LIBBPF", "libc.so.6")
    with pytest.raises(OSError, match="is no libbpf"):
        Libbpf()
    monkeypatch.setenv("BTFMMAP_MODULES", str(tmp_path))
    assert real_folder() is None


def test_every_benchmark_is_in_the_whole_run() -> None:
    modules = {measure.__module__ for measure in run.measures()}
    # The first has no peers, and takes longer than all others together; the second also runs without numpy.
    alone = {"bench_hostile", "bench_startup"}
    assert modules == {file.stem for file in BENCHMARKS.glob("bench_*.py")} - alone


def test_a_growth_of_instructions_fails() -> None:
    committed = {"open": 1000, "graph": 1000, "gone": 1}
    assert instructions.grown({"open": 1100, "graph": 500}, committed) == []
    assert instructions.grown({"open": 1101, "graph": 500, "new": 1}, committed) == ["open", "new"]
    assert "| open | 1,000 | 1,101 | +10.1% |" in instructions.table({"open": 1101}, committed)


def test_committed_instructions_are_of_every_kernel() -> None:
    committed = json.loads(instructions.COMMITTED.read_text())
    for counts in committed.values():
        workloads = [{name for name in counts if name.startswith(kernel)} for kernel in instructions.KERNELS]
        assert sum(map(len, workloads)) == len(counts)
        assert len({len(names) for names in workloads}) == 1


def test_synthetic_btf_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "synthetic.btf"
    path.write_bytes(synthetic_btf(3 * BLOCK))
    command = [tool("bpftool"), "-j", "btf", "dump", "file", str(path)]
    types = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["types"]
    assert len(types) == 3 * BLOCK
    assert len(btfmmap.open(path)) == 1 + 3 * BLOCK
    # Each block has its own names and refers only to itself.
    named = [(kind["kind"], kind["name"]) for kind in types if kind["name"] != "(anon)"]
    assert len(set(named)) == len(named)
    for kind in types:
        block = (kind["id"] - 1) // BLOCK
        children = kind.get("members", []) + kind.get("params", [])
        for reference in [kind, *children]:
            other = reference.get("type_id", reference.get("ret_type_id", kind["id"]))
            assert (other - 1) // BLOCK == block


def test_names_that_are_searched() -> None:
    btf = btfmmap.open(btfmmap.SAMPLE_BTF)
    for named in names.some_names(btf, 50):
        assert btf.find(named.name, named.kind) is not None
    for named in names.absent_names(btf, 50):
        assert btf.find(named.name) is None


@pytest.mark.parametrize("action", [action for action in self_measured.ACTIONS if "libbpf" not in action])
def test_processes_measure_themselves(action: str) -> None:
    """Each action finds what it imports when `self_measured.py` runs as a script."""
    argument = "json" if action == "import" else btfmmap.SAMPLE_BTF
    assert isinstance(processes.self_measured(action, "ms", action, argument), Workload)


@pytest.mark.parametrize("measure", self_measured.MEASURES)
def test_a_process_measures_itself(measure: str, capsys: pytest.CaptureFixture[str]) -> None:
    self_measured.main(measure, "open", btfmmap.SAMPLE_BTF)
    assert float(capsys.readouterr().out) >= 0


def test_a_failing_peer_is_told_from_a_missing_one() -> None:
    from support.processes import process

    missing = process("missing", ["no-such-program"])
    assert missing == Skipped("missing", "no-such-program is not installed")
    failing = process("failing", ["sh", "-c", "echo reason >&2; exit 1"])
    assert failing == Skipped("failing", "reason")
    assert isinstance(compare("title", repeated("ours", int, 2), [missing]), Comparison)
