"""Whole processes, from start to exit: a command opens a file, answers one question and prints."""

from __future__ import annotations

from support.harness import SOME, Comparison, compare
from support.kernel_btf import KernelBtf
from support.peer_bpftool import PROGRAM
from support.processes import ours, process, python
from support.report import report

import btfmmap

BARE = python("`python -c pass`", "pass")
ROUNDS = 25


def measure_find(btf: KernelBtf) -> Comparison:
    """One type by its name."""
    with btfmmap.open(btf.path) as opened:
        root = str(opened.find("task_struct"))
    return compare(
        "Find one type, whole process",
        ours("`btfmmap find task_struct`", "find", "task_struct", "--file", btf.path, rounds=ROUNDS),
        [
            python("`python -c pass`", "pass", ROUNDS),
            python("`python -c 'import btfmmap'`", "import btfmmap", ROUNDS),
            process(
                "`bpftool btf dump file ... root_id N`",
                [PROGRAM, "btf", "dump", "file", btf.path, "root_id", root],
            ),
            process("`pahole -C task_struct`", ["pahole", "-F", "btf", "-C", "task_struct", btf.path]),
        ],
    )


def measure_show(btf: KernelBtf) -> Comparison:
    """One struct as pahole prints it."""
    return compare(
        "Show one struct, whole process",
        ours("`btfmmap show task_struct`", "show", "task_struct", "--file", btf.path, rounds=SOME),
        [BARE, process("`pahole -C task_struct`", ["pahole", "-F", "btf", "-C", "task_struct", btf.path])],
    )


def measure_holes(btf: KernelBtf) -> Comparison:
    """The structs that waste most; pahole prints the holes of all, unsorted."""
    return compare(
        "List holes, whole process",
        ours("`btfmmap holes --top 10`", "holes", "--top", "10", "--file", btf.path),
        [
            BARE,
            python("`python -c 'import numpy'`", "import numpy"),
            process("`pahole --sizes`", ["pahole", "-F", "btf", "--sizes", btf.path]),
            process("`pahole --holes 1`", ["pahole", "-F", "btf", "--holes", "1", btf.path]),
        ],
    )


if __name__ == "__main__":
    report([measure_find, measure_show, measure_holes])
