"""`Btf.paths` and `Btf.closest`: as short as breadth-first search in plain Python finds them."""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path

import bpftool_json
import pytest
import requirements
from btf_writer import PTR, STRUCT, TYPEDEF, UNION, BtfWriter
from path_reference import ReferenceGraph
from stored_files import KERNELS, stored

import btfmmap
from btfmmap import Btf, Kind, Plan

PAIRS = int(os.environ.get("BTFMMAP_PATHS", "60"))
MAX_POINTERS = 5


@pytest.fixture(scope="module", params=["running", *KERNELS])
def kernel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "running":
        return requirements.kernel_btf()
    path = tmp_path_factory.mktemp("paths") / "vmlinux"
    path.write_bytes(stored(f"{request.param}.btf"))
    return path


def distance(plan: Plan) -> tuple[int, int]:
    return plan.pointers, plan.members


def check_plans(btf: Btf, plans: list[Plan]) -> None:
    """They are sorted, different, and mean what their expressions say."""
    assert sorted(map(distance, plans)) == [*map(distance, plans)]
    assert len({plan.hops for plan in plans}) == len(plans)
    for plan in plans:
        again = btf.path(plan.expression)
        assert again.hops == plan.hops
        assert again.type == plan.type


def test_shortest_paths_of_kernels(kernel: Path) -> None:
    graph = ReferenceGraph(bpftool_json.records(kernel))
    btf = btfmmap.open(kernel)
    counts = Counter(btf.names(btf.match("*", Kind.STRUCT)))
    unique = [name for name, count in counts.items() if name and count == 1]
    rng = random.Random(1)
    likely = ["task_struct", "sk_buff", "file", "inode", "sock", "cgroup", "mm_struct", "net", "device"]
    found = 0
    for number in range(PAIRS):
        start = rng.choice(likely if number % 2 else unique)
        target = rng.choice(likely if number % 4 else unique)
        one, other = btf.candidates(start, "find_member")[0], btf.candidates(target, "find_member")[0]
        plans = btf.paths(one, other, max_pointers=MAX_POINTERS, limit=3)
        expected = graph.distance(one, other, MAX_POINTERS)
        assert (distance(plans[0]) if plans else None) == expected, (start, target)
        found += bool(plans)
        check_plans(btf, plans)
    assert found > PAIRS / 10


def random_graph(rng: random.Random) -> BtfWriter:
    """Structs that embed those before them and point to any."""
    writer = BtfWriter()
    int_id = writer.add_int()
    count = rng.randrange(2, 7)
    first = int_id + 1
    pointers = [first + count + number for number in range(count)]
    extra = first + 2 * count
    for number in range(count):
        members = [("value", int_id, 0)]
        for each in range(rng.randrange(4)):
            choice = rng.random()
            if number and choice < 0.3:
                type_id = first + rng.randrange(number)
            elif choice < 0.4:
                type_id = extra + rng.randrange(count)  # an array of pointers
            elif choice < 0.5:
                type_id = extra + count + rng.randrange(count)  # a pointer to a typedef
            else:
                type_id = rng.choice(pointers)
            members.append((f"m{each}", type_id, 32 * each))
        kind = UNION if rng.random() < 0.2 else STRUCT
        writer.add_struct(f"s{number}", 256, members, kind=kind)
    for number in range(count):
        writer.add(PTR, size_or_type=first + number)
    for number in range(count):
        writer.add_array(pointers[number], int_id, 3)
    for number in range(count):
        writer.add(PTR, size_or_type=extra + 2 * count + number)
    for number in range(count):
        writer.add(TYPEDEF, f"t{number}", size_or_type=first + number)
    return writer


def test_all_paths_of_small_graphs(tmp_path: Path) -> None:
    rng = random.Random(2)
    total = 0
    for number in range(80):
        path = tmp_path / f"{number}.btf"
        path.write_bytes(random_graph(rng).build())
        graph = ReferenceGraph(bpftool_json.records(path))
        btf = btfmmap.open(path)
        structs = [each.id for each in btf if each.kind.is_composite]
        for start in structs:
            for target in structs:
                plans = btf.paths(start, target, max_pointers=3, limit=None)
                assert [*map(distance, plans)] == graph.all_distances(start, target, 3)
                check_plans(btf, plans)
                total += len(plans)
    assert total > 1000


@pytest.fixture
def ways() -> Btf:
    """start -> (near, middle -> far); holder embeds node; box -> node."""
    writer = BtfWriter()
    int_id = writer.add_int()
    long_id = writer.add_int("long", 8)
    target = writer.add_struct("target", 8, [("value", long_id, 0)])
    to_target = writer.add(PTR, size_or_type=target)
    to_to_target = writer.add(PTR, size_or_type=to_target)
    middle = writer.add_struct("middle", 8, [("far", to_target, 0)])
    to_middle = writer.add(PTR, size_or_type=middle)
    four = writer.add_array(to_target, int_id, 4)
    node = writer.add_struct("node", 8, [("next", to_middle + 3, 0)])
    assert writer.add(PTR, size_or_type=node) == to_middle + 3
    inner = writer.add_struct("", 16, [("pad", long_id, 0), ("node", node, 64)])
    writer.add_struct("holder", 32, [("", inner, 64), ("owner", to_target, 192)])
    choice = writer.add_struct("", 8, [("near", to_target, 0), ("raw", long_id, 0)], kind=UNION)
    start = writer.add_struct(
        "start",
        128,
        [("", choice, 64), ("middle", to_middle, 128), ("all", four, 192), ("pp", to_to_target, 448)],
    )
    writer.add_struct("box", 8, [("head", node + 1, 0)])
    to_start = writer.add(PTR, size_or_type=start)
    proto = writer.add_proto(0, [("count", int_id), ("start", to_start)])
    writer.add(12, "takes_start", size_or_type=proto, vlen=1)
    direct = writer.add_proto(0, [("target", to_target), ("pp", to_to_target)])
    writer.add(12, "takes_target", size_or_type=direct, vlen=1)
    return btfmmap.open(data=writer.build())


def test_kinds_of_paths(ways: Btf) -> None:
    plans = ways.paths("start", "target")
    assert [str(plan) for plan in plans] == ["start.near", "start.all[i]", "start.pp[i]", "start.middle->far"]
    assert [plan.pointers for plan in plans] == [1, 1, 2, 2]
    assert [plan.unions for plan in plans] == [("start.near",), (), (), ()]
    assert [plan.offsets for plan in plans] == [(8,), (24,), (56, 0), (16, 0)]
    assert [str(plan) for plan in ways.paths("start", "target", max_pointers=1)] == [
        "start.near",
        "start.all[i]",
    ]
    assert [str(plan) for plan in ways.paths("start", "target", limit=1)] == ["start.near"]
    assert ways.paths("start", "target", limit=0) == []
    assert ways.paths("target", "start") == []


@pytest.mark.parametrize(
    ("avoid", "left"),
    [
        (["middle"], ["start.near", "start.all[i]", "start.pp[i]"]),
        (["start.near", "start.all"], ["start.pp[i]", "start.middle->far"]),
        (["middle.far", "start.pp"], ["start.near", "start.all[i]"]),
        (["target"], []),
    ],
)
def test_avoid(ways: Btf, avoid: list[str], left: list[str]) -> None:
    assert [str(plan) for plan in ways.paths("start", "target", avoid=avoid)] == left


def test_up(ways: Btf) -> None:
    assert ways.paths("box", "target") == []
    (plan,) = ways.paths("box", "target", up=True, limit=1)
    assert str(plan) == "container_of(box.head, struct holder, node)->owner"
    assert (plan.offsets, plan.pointers) == ((0, -16 + 24), 2)
    assert ways.path(plan.expression).hops == plan.hops
    # What a struct embeds is in that struct, not in any other.
    assert [str(plan) for plan in ways.paths("holder", "target", up=True, max_pointers=1)] == ["holder.owner"]
    assert [str(plan) for plan in ways.paths("node", "target", up=True, max_pointers=1)] == [
        "container_of(node, struct holder, node)->owner"
    ]


def test_closest(ways: Btf) -> None:
    plans = ways.closest("target")
    assert [(str(plan), plan.pointers) for plan in plans] == [
        ("takes_target.target", 0),
        ("takes_target.pp[i]", 1),
        ("takes_start.start->near", 1),
    ]
    assert plans[0].hops == ()
    assert [str(plan) for plan in ways.closest("target", from_functions="takes_s*")] == [
        "takes_start.start->near"
    ]
    assert [str(plan) for plan in ways.closest("target", from_functions=["takes_t*", "*"], limit=1)] == [
        "takes_target.target"
    ]
    assert [str(plan) for plan in ways.closest("target", max_pointers=0)] == ["takes_target.target"]
    for plan in plans:
        assert ways.path(plan.expression).hops == plan.hops


def test_closest_parameters_of_a_kernel(kernel: Path) -> None:
    """Of all functions, the distances are those of a search from each parameter."""
    graph = ReferenceGraph(bpftool_json.records(kernel))
    btf = btfmmap.open(kernel)
    target = btf.candidates("cgroup", "find_member")[0]
    plans = btf.closest(target, max_pointers=3, limit=None)
    assert [plan.pointers for plan in plans] == sorted(plan.pointers for plan in plans)
    rng = random.Random(3)
    by_start = {plan.start: plan for plan in plans}
    for type_id in rng.sample(btf.match("*", Kind.FUNC), 30):
        function = btf[type_id]
        for param in function.params:
            pointee = param.type.type if param.type.kind == Kind.PTR else None
            if pointee is None or pointee.kind != Kind.STRUCT or not param.name:
                continue
            expected = graph.distance(pointee.id, target, 3)
            if pointee.id == target:
                expected = 0, 0
            plan = by_start.get(f"{function.name}.{param.name}")
            assert (plan and distance(plan)) == expected


def test_wrong_arguments(ways: Btf) -> None:
    with pytest.raises(btfmmap.NotFoundError, match="no type named 'absent'"):
        ways.paths("absent", "target")
    with pytest.raises(ValueError, match="int is neither a struct nor a union"):
        ways.paths("int", "target")
    for patterns in ("x*", ["takes_t*", "x*"], ["x*", "*"]):
        with pytest.raises(btfmmap.NotFoundError, match=r"^no function matches 'x\*'"):
            ways.closest("target", from_functions=patterns)
    with pytest.raises(ValueError, match="takes_start is a function: `closest` finds"):
        ways.paths("takes_start", "target")
    with pytest.raises(ValueError, match="paths do not lead to void"):
        ways.paths("start", 0)
    for options in ({"max_pointers": -1}, {"max_pointers": 65}, {"limit": -1}):
        with pytest.raises(ValueError, match="must"):
            ways.paths("start", "target", **options)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="avoid must be a collection"):
        ways.paths("start", "target", avoid="middle")
    with pytest.raises(btfmmap.NotFoundError, match="has no member 'absent'"):
        ways.paths("start", "target", avoid=["start.absent"])


def complete(count: int) -> BtfWriter:
    writer = BtfWriter()
    for number in range(count):
        members = [(f"m{each}", count + each + 1, 64 * each) for each in range(count)]
        writer.add_struct(f"s{number}", 8 * count, members)
    for number in range(count):
        writer.add(PTR, size_or_type=number + 1)
    return writer


def test_hostile_graphs() -> None:
    """Complete graphs, cycles of all kinds and very wide structs: bounded, whatever the limit."""
    btf = btfmmap.open(data=complete(300).build())
    assert len(btf.paths("s0", "s299", max_pointers=64, limit=1000)) == 1000
    assert 1 << 16 < len(btf.paths("s0", "s299", max_pointers=64, limit=None)) < 1 << 18
    wide = BtfWriter()
    wide.add_int()
    target = wide.add_struct("target", 4, [("value", 1, 0)])
    pointer = wide.add(PTR, size_or_type=target)
    wide.add_struct("wide", 1 << 20, [("m", pointer, 0)] * 60_000)
    found = btfmmap.open(data=wide.build()).paths("wide", "target", limit=None)
    assert len(found) == 60_000
    cycles = BtfWriter()
    cycles.add_struct("self", 8, [("", 1, 0), ("me", 1, 0), ("next", 2, 0)])
    cycles.add(PTR, size_or_type=2)  # a pointer to itself
    cycles.add(TYPEDEF, "loop", size_or_type=4)
    cycles.add(TYPEDEF, "loop2", size_or_type=3)
    cycles.add_array(5, 5, 2)
    cycles.add_struct("other", 8, [("self", 1, 0), ("loop", 3, 0), ("array", 5, 0)])
    btf = btfmmap.open(data=cycles.build())
    for up in (False, True):
        for target in range(1, 7):
            for one in (1, 6):
                btf.paths(one, target, max_pointers=64, limit=100, up=up)
