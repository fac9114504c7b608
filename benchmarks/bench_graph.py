"""The reference graph of a kernel, forward and reverse."""

from __future__ import annotations

from collections.abc import Callable

from support.harness import MANY, Comparison, Run, Workload, compare
from support.kernel_btf import KernelBtf
from support.report import report

import btfmmap


def measure(btf: KernelBtf) -> Comparison:
    """Ours alone: no peer has one."""

    def asked(question: Callable[[btfmmap.Graph], object]) -> Callable[[], Run]:
        def opened() -> Run:
            fresh = btfmmap.open(btf.path)
            return lambda: question(fresh.graph)

        return opened

    return compare(
        "Reference graph",
        Workload("`graph` of an open `Btf`, both ways", asked(both_ways), MANY),
        [
            Workload("forward only", asked(lambda graph: graph.indices), MANY),
            Workload("both ways, with roles and rows", asked(with_labels), MANY),
        ],
    )


def both_ways(graph: btfmmap.Graph) -> object:
    """Source and target of each reference, in both directions."""
    return graph.indices, graph.reverse.indices


def with_labels(graph: btfmmap.Graph) -> object:
    """The role of each reference too, and its table row."""
    return both_ways(graph), graph.role, graph.reverse.role


if __name__ == "__main__":
    report([measure])
