"""Members of structs: by path, by byte, and as objects.

`first` asks a `Btf`, after a question about another type, for the first time about this one, and scans all
names for it. `first, names indexed` is the same with the index of the names made before. `again` repeats the
question.
"""

from __future__ import annotations

from collections.abc import Callable

from support.harness import MANY, MICROSECONDS, SOME, Comparison, Run, Workload, compare, repeated
from support.kernel_btf import KernelBtf
from support.report import report

import btfmmap

COUNT = 200
PATH = "task_struct.se.vruntime"
STRUCT = "sk_buff"


def _first(name: str, btf: KernelBtf, ask: Callable[[btfmmap.Btf], object]) -> list[Workload]:
    def prepare(indexed: bool = False) -> Run:
        fresh = btfmmap.open(btf.path)
        if indexed:
            fresh.lookup(["list_head"])
        fresh.find_member("list_head.next")
        return lambda: ask(fresh)

    return [
        Workload(f"{name}, first", prepare, SOME),
        Workload(f"{name}, first, names indexed", lambda: prepare(indexed=True), SOME),
    ]


def _again(name: str, ask: Callable[[], object]) -> Workload:
    def run() -> None:
        for _ in range(COUNT):
            ask()

    return repeated(name, run, MANY, COUNT)


def measure(btf: KernelBtf) -> Comparison:
    """Each question, repeated and for the first time."""
    opened = btfmmap.open(btf.path)
    offsets = [offset % (opened[f"struct {STRUCT}"].size or 1) for offset in range(COUNT)]
    task = opened["struct task_struct"]
    return compare(
        f"Members of structs, {btf.origin}, each",
        _again(f'`find_member("{PATH}")`, again', lambda: opened.find_member(PATH)),
        [
            *_first(f'`find_member("{PATH}")`', btf, lambda fresh: fresh.find_member(PATH)),
            _again(f'`btf["{PATH}"]`, again', lambda: opened[PATH]),
            _again(f'`at("{STRUCT}", 0x70)`, again', lambda: opened.at(STRUCT, 0x70)),
            *_first(f'`at("{STRUCT}", 0x70)`', btf, lambda fresh: fresh.at(STRUCT, 0x70)),
            repeated(f"`at_each` of {COUNT} bytes", lambda: opened.at_each(STRUCT, offsets), MANY, COUNT),
            repeated(f'`layout("{STRUCT}").members`', lambda: opened.layout(STRUCT).members, MANY),
            repeated('`btf["struct task_struct"].members`', lambda: task.members, MANY),
        ],
        MICROSECONDS,
    )


if __name__ == "__main__":
    report([measure])
