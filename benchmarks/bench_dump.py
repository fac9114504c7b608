"""Dumps by whole processes, the interpreter's start included, to a file and to a pipe with a reader.

Versions of bpftool before 7.5 do not sort C. Compare them with our `--unsorted`.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from typing import IO, Literal

from support.harness import SOME, Comparison, Run, Skipped, Workload, compare, repeated
from support.kernel_btf import KernelBtf
from support.peer_bpftool import PROGRAM
from support.processes import BTFMMAP, find_program
from support.report import report

Target = Literal["file", "pipe"]


def measure_raw_to_a_file(btf: KernelBtf) -> Comparison:
    return _compare("Raw dump to a file", btf, "raw", [], [], "file")


def measure_raw_to_a_pipe(btf: KernelBtf) -> Comparison:
    return _compare("Raw dump to a pipe", btf, "raw", [], [], "pipe")


def measure_json_to_a_file(btf: KernelBtf) -> Comparison:
    return _compare("JSON dump to a file", btf, "json", ["-j"], [], "file")


def measure_json_to_a_pipe(btf: KernelBtf) -> Comparison:
    return _compare("JSON dump to a pipe", btf, "json", ["-j"], [], "pipe")


def measure_c_to_a_file(btf: KernelBtf) -> Comparison:
    return _compare("C dump to a file", btf, "c", [], ["format", "c"], "file")


def measure_c_to_a_pipe(btf: KernelBtf) -> Comparison:
    return _compare("C dump to a pipe", btf, "c", [], ["format", "c"], "pipe")


def _compare(
    title: str, btf: KernelBtf, format_: str, before: list[str], after: list[str], target: Target
) -> Comparison:
    """Ours and bpftool. Versions of bpftool take the format before or after the command."""
    command = [BTFMMAP, "dump", btf.path, "--format", format_]
    bpftool = [PROGRAM, *before, "btf", "dump", "file", btf.path, *after]
    peers: list[Workload | Skipped] = [_bpftool(bpftool, target)]
    if format_ == "c":
        peers.append(_dump("`btfmmap dump --unsorted`", [*command, "--unsorted"], target))
    return compare(title, _dump("`btfmmap dump`", command, target), peers)


def _bpftool(command: Sequence[str], target: Target) -> Workload | Skipped:
    program = find_program(command[0])
    if program is None:
        return Skipped("`bpftool`", f"{command[0]} is not installed")
    return _dump("`bpftool btf dump`", [program, *command[1:]], target)


def _dump(name: str, command: Sequence[str], target: Target) -> Workload:
    def to_file() -> Run:
        # The output is made before the clock starts and removed after it stops.
        file = tempfile.TemporaryFile()  # noqa: SIM115
        return lambda: _run(command, file)

    def to_pipe() -> None:
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as reader:
            _run(command, reader.stdin)

    return Workload(name, to_file, SOME) if target == "file" else repeated(name, to_pipe, SOME)


def _run(command: Sequence[str], output: IO[bytes] | None) -> None:
    subprocess.run(command, stdout=output, stderr=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    report(
        [
            measure_raw_to_a_file,
            measure_raw_to_a_pipe,
            measure_json_to_a_file,
            measure_json_to_a_pipe,
            measure_c_to_a_file,
            measure_c_to_a_pipe,
        ]
    )
