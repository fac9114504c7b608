"""Paths through pointers: searches with the graph at hand, and expressions that are asked for again.

scipy's breadth-first search over the same graph is shown for comparison. It finds one way, by references, and
says neither members nor offsets.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from support.harness import MANY, Comparison, Run, Skipped, Workload, compare
from support.kernel_btf import KernelBtf
from support.report import report

import btfmmap

EXPRESSION = "task_struct.mm->owner->comm"
REPEATED = 1000


def with_graph(btf: KernelBtf, question: Callable[[btfmmap.Btf], object]) -> Callable[[], Run]:
    """A question to a `Btf` whose graph, in both directions, and sizes exist."""

    def opened() -> Run:
        fresh = btfmmap.open(btf.path)
        fresh.paths("task_struct", "mm_struct", limit=1)
        return lambda: question(fresh)

    return opened


def by_scipy(btf: KernelBtf) -> Workload | Skipped:
    """The ways from one type to all others, without their members."""
    name = "scipy: breadth-first search from task_struct"
    if find_spec("scipy") is None:
        return Skipped(name, "scipy is not installed")

    def opened() -> Run:
        from scipy.sparse import csgraph

        fresh = btfmmap.open(btf.path)
        matrix = fresh.graph.to_scipy()
        start = fresh.find("task_struct")
        return lambda: csgraph.breadth_first_order(matrix, start)

    return Workload(name, opened, MANY)


def measure_searches(btf: KernelBtf) -> Comparison:
    """The time of one search."""
    return compare(
        "Paths between types, with the graph at hand",
        Workload(
            '`paths("task_struct", "sock")`, 20 of them',
            with_graph(btf, lambda each: each.paths("task_struct", "sock")),
            MANY,
        ),
        [
            Workload(
                "with `up=True`",
                with_graph(btf, lambda each: each.paths("task_struct", "sock", up=True)),
                MANY,
            ),
            Workload(
                '`closest("cgroup")` from all functions',
                with_graph(btf, lambda each: each.closest("cgroup")),
                MANY,
            ),
            by_scipy(btf),
        ],
    )


def measure_expressions(btf: KernelBtf) -> Comparison:
    """The time of one expression."""

    def repeatedly(ask: Callable[[btfmmap.Btf], object]) -> Callable[[btfmmap.Btf], object]:
        def asked(each: btfmmap.Btf) -> None:
            for _ in range(REPEATED):
                ask(each)

        return asked

    return compare(
        "The same expression again and again",
        Workload(
            f'`path("{EXPRESSION}")`',
            with_graph(btf, repeatedly(lambda each: each.path(EXPRESSION))),
            MANY,
            REPEATED,
        ),
        [
            Workload(
                '`find_member("task_struct.mm")`',
                with_graph(btf, repeatedly(lambda each: each.find_member("task_struct.mm"))),
                MANY,
                REPEATED,
            )
        ],
    )


if __name__ == "__main__":
    report([measure_searches, measure_expressions])
