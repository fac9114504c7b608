"""Whole processes that draw a struct: its page beside a bare interpreter, its PNG beside matplotlib."""

from __future__ import annotations

import os
import tempfile

from support.harness import Comparison, compare
from support.kernel_btf import KernelBtf
from support.processes import ours, python
from support.report import report

ROUNDS = 15


def _show(btf: KernelBtf, option: str) -> tuple[str, ...]:
    return ("show", "task_struct", "--file", btf.path, *option.split())


def measure_page(btf: KernelBtf) -> Comparison:
    """The page of a struct with its map, its table and a filter, which needs neither numpy nor matplotlib."""
    command = ours(
        "`btfmmap show task_struct --html FILE`", *_show(btf, f"--html {os.devnull}"), rounds=ROUNDS
    )
    return compare(
        "Write the page of a struct, whole process",
        command,
        [
            python("`python -c pass`", "pass", ROUNDS),
            ours("`btfmmap show task_struct`", *_show(btf, ""), rounds=ROUNDS),
        ],
    )


def measure_picture(btf: KernelBtf) -> Comparison:
    """The map of a struct as PNG."""
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        return compare(
            "Draw a struct, whole process",
            ours(
                "`btfmmap show task_struct --plot FILE.png`",
                *_show(btf, f"--plot {file.name}"),
                rounds=ROUNDS,
            ),
            [python("`python -c 'import matplotlib.pyplot'`", "import matplotlib.pyplot", ROUNDS)],
        )


if __name__ == "__main__":
    report([measure_page, measure_picture])
