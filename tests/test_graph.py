"""The reference graph: against bpftool's JSON of the same files, and brute force."""

from __future__ import annotations

import pickle
import random
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import bpftool_json as bpftool
import btf_writer
import numpy as np
import numpy.typing as npt
import pytest
from btf_writer import BtfWriter

import btfmmap
from btfmmap import Btf, Role

MODIFIERS = ("TYPEDEF", "CONST", "VOLATILE", "RESTRICT", "TYPE_TAG")
# Kind -> role of the record's own reference, and the table with its row.
HEADS = {
    **dict.fromkeys(MODIFIERS, (Role.UNDERLYING, "types")),
    "PTR": (Role.POINTEE, "types"),
    "FUNC": (Role.PROTOTYPE, "funcs"),
    "VAR": (Role.VARIABLE, "vars"),
    "DECL_TAG": (Role.TAG_TARGET, "decl_tags"),
}

Edge = tuple[int, Role, int]


def expected_edges(records: list[bpftool.Record], first_row: int) -> list[list[Edge]]:
    """Per record its references in order: type, role, and row in the role's table."""
    rows: dict[str, int] = defaultdict(int)

    def next_row(table: str) -> int:
        rows[table] += 1
        return rows[table] - 1

    edges: list[list[Edge]] = []
    for number, record in enumerate(records):
        kind = record["kind"]
        own: list[Edge] = []
        if kind in HEADS:
            role, table = HEADS[kind]
            own.append((record["type_id"], role, first_row + number if table == "types" else next_row(table)))
        elif kind == "ARRAY":
            row = next_row("arrays")
            own += [(record["type_id"], Role.ELEMENT, row), (record["index_type_id"], Role.INDEX, row)]
        elif kind in ("STRUCT", "UNION"):
            own += [(member["type_id"], Role.MEMBER, next_row("members")) for member in record["members"]]
        elif kind == "FUNC_PROTO":
            own.append((record["ret_type_id"], Role.RETURN, first_row + number))
            own += [(param["type_id"], Role.PARAMETER, next_row("params")) for param in record["params"]]
        elif kind == "DATASEC":
            own += [(entry["type_id"], Role.SECTION_ENTRY, next_row("secinfos")) for entry in record["vars"]]
        edges.append(own)
    return edges


def as_array(edges: list[list[Edge]]) -> npt.NDArray[np.int64]:
    """`int64[edges, 4]`: source, target, role, row."""
    flat = [(source, *edge) for source, own in enumerate(edges) for edge in own]
    return np.array(flat, np.int64).reshape(-1, 4)


def check(btf: Btf, edges: list[list[Edge]]) -> None:
    """Compare with `edges` of type id 0, 1, ..."""
    flat = as_array(edges)
    graph = btf.graph
    backwards = flat[np.argsort(flat[:, 1], kind="stable")][:, [1, 0, 2, 3]]
    for found, expected in [(graph, flat), (graph.reverse, backwards), (graph.reverse.reverse, flat)]:
        assert len(found) == len(edges)
        counts = np.bincount(expected[:, 0].astype(np.intp), minlength=len(edges))
        np.testing.assert_array_equal(found.indptr, [0, *np.cumsum(counts)])
        np.testing.assert_array_equal(
            np.column_stack([found.indices, found.role, found.row]), expected[:, 1:]
        )


def test_edges(kernel: Path) -> None:
    edges = [[], *expected_edges(bpftool.records(kernel), 1)]
    check(btfmmap.open(kernel), edges)
    assert {role for own in edges for _, role, _ in own} >= set(Role) - {
        Role.VARIABLE,
        Role.SECTION_ENTRY,
        Role.TAG_TARGET,
    }


def test_edges_of_every_kind(tmp_path: Path) -> None:
    path = tmp_path / "every_kind.btf"
    path.write_bytes(btf_writer.every_kind().build())
    edges = [[], *expected_edges(bpftool.records(path), 1)]
    check(btfmmap.open(path), edges)
    assert {role for own in edges for _, role, _ in own} == set(Role)


def test_edges_of_a_module(module: tuple[Path, Path]) -> None:
    base, path = module
    btf = btfmmap.open(path, base=btfmmap.open(base))
    check(
        btf, [[], *expected_edges(bpftool.records(base), 1), *expected_edges(bpftool.records(path, base), 0)]
    )


def neighbours(edges: list[list[Edge]]) -> tuple[list[set[int]], list[set[int]]]:
    forward = [{to for to, _, _ in own} for own in edges]
    backward: list[set[int]] = [set() for _ in edges]
    for source, own in enumerate(forward):
        for to in own:
            backward[to].add(source)
    return forward, backward


def closure(steps: list[set[int]], start: set[int]) -> list[int]:
    found, fresh = set(start), set(start)
    while fresh:
        fresh = set().union(*(steps[node] for node in fresh)) - found
        found |= fresh
    return sorted(found)


def test_reachable_and_dependents(kernel: Path) -> None:
    btf = btfmmap.open(kernel)
    forward, backward = neighbours([[], *expected_edges(bpftool.records(kernel), 1)])
    drawn = random.Random(1)
    for count in (1, 1, 1, 2, 5):
        some = drawn.sample(range(len(btf)), count)
        assert btf.graph.reachable(some).tolist() == closure(forward, set(some))
        assert btf.graph.dependents(np.array(some)).tolist() == closure(backward, set(some))
        assert btf.graph.reverse.dependents(some).tolist() == closure(forward, set(some))
    assert btf.graph.reachable([]).tolist() == []
    assert btf.graph.reachable([-1, len(btf), 2**40, 0]).tolist() == [0]


def test_resolve(kernel: Path) -> None:
    btf = btfmmap.open(kernel)
    records = {record["id"]: record for record in bpftool.records(kernel)}
    expected = [0]
    for type_id in range(1, len(btf)):
        while type_id and records[type_id]["kind"] in MODIFIERS:
            type_id = records[type_id]["type_id"]
        expected.append(type_id)
    assert btf.resolve(range(len(btf))).tolist() == expected


def cycles() -> BtfWriter:
    """1 -> 2 -> 3 -> 1; 4 -> 4; 5, a struct that points to itself; 7 -> 6, outside of any cycle."""
    writer = BtfWriter()
    writer.add(btf_writer.TYPEDEF, "one", size_or_type=2)
    writer.add(btf_writer.CONST, size_or_type=3)
    writer.add(btf_writer.VOLATILE, size_or_type=1)
    writer.add(btf_writer.TYPEDEF, "itself", size_or_type=4)
    writer.add_struct("node", 8, [("next", 6, 0)])
    writer.add(btf_writer.PTR, size_or_type=5)
    writer.add(btf_writer.CONST, size_or_type=6)
    return writer


def test_cycles_terminate() -> None:
    btf = btfmmap.open(data=cycles().build())
    assert btf.resolve(range(-1, 9)).tolist() == [-1, 0, -1, -1, -1, -1, 5, 6, 6, -1]
    assert btf.graph.reachable([1]).tolist() == [1, 2, 3]
    assert btf.graph.dependents([5]).tolist() == [5, 6, 7]
    assert btf.graph.reachable([4]).tolist() == btf.graph.dependents([4]).tolist() == [4]


def test_to_scipy(module: tuple[Path, Path]) -> None:
    from scipy.sparse import csgraph

    kernel, _ = module
    btf = btfmmap.open(kernel)
    matrix = btf.graph.to_scipy(weights="roles")
    assert matrix.shape == (len(btf), len(btf))
    edges = [[], *expected_edges(bpftool.records(kernel), 1)]
    first: dict[tuple[int, int], int] = {}
    for source, own in enumerate(edges):
        for to, role, _ in own:
            first.setdefault((source, to), role)
    assert len(first) < sum(map(len, edges))
    coordinates = matrix.tocoo()
    np.testing.assert_array_equal(
        np.column_stack([coordinates.row, coordinates.col, coordinates.data]),
        [[source, to, role + 1] for (source, to), role in sorted(first.items())],
    )
    assert matrix.has_canonical_format
    forward, _ = neighbours(edges)
    start = len(btf) - 1
    order = csgraph.breadth_first_order(matrix, start, return_predecessors=False)
    assert sorted(order.tolist()) == closure(forward, {start})
    ones = btf.graph.to_scipy()
    assert ones.dtype == matrix.dtype == np.uint8
    assert set(ones.data.tolist()) == {1}
    assert ((ones != 0) != (matrix != 0)).nnz == 0
    with pytest.raises(ValueError, match="weights is 'names', must be 'ones' or 'roles'"):
        btf.graph.to_scipy(weights="names")  # type: ignore[arg-type]


def test_lengths_of_paths_in_scipy() -> None:
    """Distances by scipy are numbers of references, counted here without weights."""
    from scipy.sparse import csgraph

    btf = btfmmap.open(btfmmap.SAMPLE_BTF)
    start = btf["struct flow"].id
    distances = csgraph.dijkstra(btf.graph.to_scipy(), indices=start)
    steps, reached, depth = {start}, {start: 0}, 0
    while steps:
        depth += 1
        steps = {to for step in steps for to in _targets(btf.graph, step)} - reached.keys()
        reached |= dict.fromkeys(steps, depth)
    assert {node: int(far) for node, far in enumerate(distances) if np.isfinite(far)} == reached


def _targets(graph: btfmmap.Graph, node: int) -> list[int]:
    found: list[int] = graph.indices[graph.indptr[node] : graph.indptr[node + 1]].tolist()
    return found


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickles(protocol: int) -> None:
    graph = btfmmap.open(btfmmap.SAMPLE_BTF).graph
    for each in (graph, graph.reverse, graph.reverse.reverse):
        other = pickle.loads(pickle.dumps(each, protocol))
        assert repr(other) == repr(each)
        for column in ("indptr", "indices", "role", "row"):
            np.testing.assert_array_equal(getattr(other, column), getattr(each, column))
    in_memory = btfmmap.open(data=cycles().build()).graph
    with pytest.raises(btfmmap.NotSupportedError, match="cannot be pickled"):
        pickle.dumps(in_memory, protocol)


def test_to_networkx() -> None:
    import networkx

    path = Path(btfmmap.SAMPLE_BTF)
    btf = btfmmap.open(path)
    records = bpftool.records(path)
    graph = btf.graph.to_networkx()
    assert dict(graph.nodes(data=True)) == {
        0: {"name": "void", "kind": "VOID"},
        **{
            record["id"]: {"name": bpftool.name(record["name"]), "kind": record["kind"]} for record in records
        },
    }
    edges = [[], *expected_edges(records, 1)]
    assert list(graph.edges(data=True)) == [
        (source, to, {"role": role.name, "row": row})
        for source, own in enumerate(edges)
        for to, role, row in own
    ]
    flow = btf["struct flow"].id
    assert {flow, *networkx.descendants(graph, flow)} == set(btf.graph.reachable([flow]).tolist())


@pytest.mark.parametrize(("method", "package"), [("to_scipy", "scipy"), ("to_networkx", "networkx")])
def test_without_the_extra(method: str, package: str) -> None:
    code = (
        f"import sys, btfmmap; sys.modules[{package!r}] = None\n"
        f"try: btfmmap.open(btfmmap.SAMPLE_BTF).graph.{method}()\n"
        "except btfmmap.NotSupportedError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == f"needs the package {package}: pip install 'btfmmap[graph]'\n"


def test_repr() -> None:
    btf = btfmmap.open(data=cycles().build())
    assert repr(btf.graph) == "<Graph of 8 nodes and 7 references>"
    assert np.shares_memory(btf.graph.indices, btf.graph.indices)
