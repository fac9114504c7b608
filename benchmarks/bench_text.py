"""Text of one struct's layout, and types as C."""

from __future__ import annotations

from support.harness import MANY, MICROSECONDS, Comparison, Workload, compare, repeated
from support.kernel_btf import KernelBtf
from support.processes import process
from support.report import report

import btfmmap

OFTEN = 20
"""Texts that take less than a millisecond each, in one round."""


def measure_layout_text(btf: KernelBtf) -> Comparison:
    """Ours from an open `Btf`; pahole, which starts from the file, writes the same text."""
    opened = btfmmap.open(btf.path)
    str(opened.layout("task_struct"))

    def texts(name: str) -> Workload:
        def write() -> None:
            for _ in range(OFTEN):
                str(opened.layout(name))

        return repeated(f'`str(btf.layout("{name}"))` of an open `Btf`', write, MANY, OFTEN)

    return compare(
        "Text of one struct's layout",
        texts("task_struct"),
        [
            texts("sk_buff"),
            process(
                "`pahole -C task_struct`, whole process",
                ["pahole", "-F", "btf", "-C", "task_struct", btf.path],
            ),
        ],
        MICROSECONDS,
    )


def measure_c_names(btf: KernelBtf) -> Comparison:
    """The types of all members, and for scale their names."""
    opened = btfmmap.open(btf.path)
    members = opened.members
    type_ids, name_offsets = members.type, members.name_off
    return compare(
        "Types of all members as C",
        repeated("`btf.c_names(btf.members.type)`", lambda: opened.c_names(type_ids), MANY),
        [repeated("`btf.strings(btf.members.name_off)`", lambda: opened.strings(name_offsets), MANY)],
    )


if __name__ == "__main__":
    report([measure_layout_text, measure_c_names])
