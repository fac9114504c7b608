"""Types that lead far or in cycles, and long chains of split BTFs: every question has an answer or a typed
error, in a thread that has as little stack as musl gives, and from a caller that has used most of Python's.
"""

from __future__ import annotations

import gc
import pickle
import random
import struct
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import bench_hostile
import pytest
from btf_writer import (
    ARRAY,
    CONST,
    FUNC_PROTO,
    PTR,
    RESTRICT,
    STRUCT,
    TYPE_TAG,
    TYPEDEF,
    UNION,
    VOLATILE,
    BtfWriter,
)
from exercise import Asker, asked_functions, context_of
from little_stack import MUSL_STACK, on_little_stack

import btfmmap

LONG = 2_000_000
MODIFIERS = (TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG)


def deep_in_calls(work: Callable[[], object], left: int | None = None) -> object:
    """Call with a few hundred frames left below the recursion limit."""
    if left is None:
        left = sys.getrecursionlimit() - 300
        frame = sys._getframe()
        while (outer := frame.f_back) is not None:
            frame, left = outer, left - 1
    return work() if left <= 0 else deep_in_calls(work, left - 1)


def records(count: int, record: Callable[[int], bytes]) -> bytes:
    """Each made from the id of the next."""
    types = b"".join(record(type_id) for type_id in range(2, count + 2))
    return bench_hostile.blob(types + record(0), b"\0name\0")


def modifiers(kind: int) -> Callable[[int], bytes]:
    """With a name where the kind has one."""
    name = int(kind in (TYPEDEF, TYPE_TAG))
    return lambda count: records(count, lambda to: struct.pack("<3I", name, kind << 24, to))


def arrays(count: int) -> bytes:
    return records(count, lambda to: struct.pack("<6I", 0, ARRAY << 24, 0, to, to, 1))


def composites(kind: int, name: int) -> Callable[[int], bytes]:
    """Each is the only member of the one before it: `name` is the offset of both names."""
    info = kind << 24 | 1
    return lambda count: records(count, lambda to: struct.pack("<6I", name, info, 8, name, to, 0))


def doubled(kind: int) -> Callable[[int], bytes]:
    """Each has the next one twice."""
    info = kind << 24 | 2
    return lambda count: records(count, lambda to: struct.pack("<9I", 0, info, 8, 0, to, 0, 1, to, 0))


def prototypes(count: int) -> bytes:
    """Each takes and returns pointers to the next."""

    def pair(to: int) -> bytes:
        return struct.pack("<7I", 0, FUNC_PROTO << 24 | 2, to, 1, to, 0, to)

    parts = [
        pair(number + 1) + struct.pack("<3I", 0, PTR << 24, number + 2) for number in range(1, 2 * count, 2)
    ]
    return bench_hostile.blob(b"".join(parts) + pair(0), b"\0name\0")


CHAINS: dict[str, tuple[Callable[[int], bytes], int]] = {
    "pointers": (modifiers(PTR), LONG),
    "typedefs": (modifiers(TYPEDEF), LONG),
    "constants": (modifiers(CONST), 20_000),
    "volatiles": (modifiers(VOLATILE), 20_000),
    "restricts": (modifiers(RESTRICT), 20_000),
    "type tags": (modifiers(TYPE_TAG), 20_000),
    "arrays": (arrays, 20_000),
    "structs": (composites(STRUCT, 1), 20_000),
    "anonymous structs": (composites(STRUCT, 0), 20_000),
    "unions": (composites(UNION, 1), 20_000),
    "anonymous unions": (composites(UNION, 0), 20_000),
    "structs twice": (doubled(STRUCT), 10_000),
    "unions twice": (doubled(UNION), 10_000),
    "prototypes": (prototypes, 10_000),
}


def ask(btf: btfmmap.Btf, folder: Path, most_ids: int = 12) -> None:
    """All of the Btf; of its first types, those in the middle and the last ones, and of void."""
    asker = Asker()
    end = btf.first_id + len(btf)
    ids = sorted({0, 1, 2, 3, 60, 64, 65, end // 2, end - 64, end - 3, end - 2, end - 1} & {*range(end)})[
        :most_ids
    ]
    context = context_of(btf, ids, random.Random(1), folder, btf.raw.tobytes())
    found = asker.ask_btf(btf, context, len(ids))
    for function in 2 * asked_functions():
        found += asker.ask(function, None, context)
    for type_id in ids:
        found += asker.ask_all(btf[type_id], context)
    asker.explore(found, context, 200)
    assert asker.counts["questions"] - asker.counts["refused questions"] > 100


@pytest.mark.parametrize("name", CHAINS)
def test_chains(name: str, tmp_path: Path) -> None:
    make, count = CHAINS[name]
    content = make(count)
    # What there is twice at each level is looked at up to bounds that take a second each.
    most_ids = 2 if "twice" in name else 12
    on_little_stack(lambda: ask(btfmmap.open(data=content), tmp_path, most_ids))


@pytest.mark.parametrize("name", [name for name in CHAINS if "twice" not in name])
def test_chains_from_deep_calls(name: str, tmp_path: Path) -> None:
    """Of a length that is answered where one frame a level is to be had."""
    make, _ = CHAINS[name]
    for count in (60, 1000):
        content = make(count)
        deep_in_calls(lambda content=content: ask(btfmmap.open(data=content), tmp_path))  # type: ignore[misc]


def cycles() -> dict[str, BtfWriter]:
    found = {}
    for kind in (PTR, *MODIFIERS, ARRAY):
        for length in (1, 2, 3):
            writer = BtfWriter()
            for number in range(length):
                to = (number + 1) % length + 1
                if kind == ARRAY:
                    writer.add_array(to, to, 2)
                else:
                    writer.add(kind, "name" if kind in (TYPEDEF, TYPE_TAG) else "", size_or_type=to)
            writer.add_struct("holder", 8, [("member", 1, 0)])
            writer.add_proto(1, [("parameter", 1)])
            found[f"{length} of kind {kind}"] = writer
    for first in (PTR, *MODIFIERS):
        for second in (PTR, *MODIFIERS):
            writer = BtfWriter()
            for kind, to in ((first, 2), (second, 1)):
                writer.add(kind, "name" if kind in (TYPEDEF, TYPE_TAG) else "", size_or_type=to)
            writer.add_struct("holder", 8, [("member", 1, 0)])
            found[f"kinds {first} and {second}"] = writer
    for kind in (STRUCT, UNION):
        for name in ("itself", ""):
            writer = BtfWriter()
            writer.add_struct(name, 8, [(name, 1, 0), (name, 2, 0)], kind=kind)
            writer.add_array(1, 1, 1)
            found[f"kind {kind} {name or 'anonymous'}"] = writer
    writer = BtfWriter()
    writer.add_proto(2, [("", 2), ("", 2)])
    writer.add(PTR, size_or_type=1)
    writer.add_struct("holder", 8, [("member", 2, 0)])
    found["prototype"] = writer
    return found


@pytest.mark.parametrize("name", cycles())
def test_cycles(name: str, tmp_path: Path) -> None:
    content = cycles()[name].build()
    on_little_stack(lambda: ask(btfmmap.open(data=content), tmp_path))
    deep_in_calls(lambda: ask(btfmmap.open(data=content), tmp_path))


class TestNames:
    """What is written of types that lead far."""

    @pytest.mark.parametrize("kind", [PTR, *MODIFIERS, ARRAY])
    def test_bounded(self, kind: int) -> None:
        """The same text of a cycle and of a chain that is long: what is 64 types deep is left out."""
        make = arrays if kind == ARRAY else modifiers(kind)
        chain = btfmmap.open(data=make(10_000))
        writer = BtfWriter()
        if kind == ARRAY:
            writer.add_array(1, 1, 1)
        else:
            writer.add(kind, "name" if kind in (TYPEDEF, TYPE_TAG) else "", size_or_type=1)
        cycle = btfmmap.open(data=writer.build())
        assert cycle[1].c_name == chain[1].c_name
        words = {PTR: "*", CONST: "const", VOLATILE: "volatile", RESTRICT: "restrict"}
        if kind in words:
            assert cycle[1].c_name.replace(" ", "").replace("...", "") == words[kind] * 65
        assert ("..." in cycle[1].c_name) is (kind != TYPEDEF)

    def test_short_ones_are_whole(self) -> None:
        writer = BtfWriter()
        inner = writer.add_int()
        for number in range(60):
            inner = writer.add(CONST if number % 2 else PTR, size_or_type=inner)
        text = btfmmap.open(data=writer.build())[inner].c_name
        assert "..." not in text
        assert (text.count("*"), text.count("const")) == (30, 30)

    def test_prototypes(self) -> None:
        """2^64 of them, were each written."""
        btf = btfmmap.open(data=cycles()["prototype"].build())
        for text in (btf[1].c_name, btf[2].c_name, str(btf.layout("holder"))):
            assert "..." in text
            assert len(text) < 20_000

    def test_many_parameters(self) -> None:
        writer = BtfWriter()
        int_id = writer.add_int()
        writer.add_proto(int_id, [("", int_id)] * 100_000)
        text = btfmmap.open(data=writer.build())[2].c_name
        assert text.startswith("int (int, int, ")
        assert text.endswith(", ...)")
        assert len(text) < 5000


def split_on(base: btfmmap.Btf) -> btfmmap.Btf:
    """A struct that holds the base's last type, and a typedef of it."""
    first = base.first_id + len(base)
    types = struct.pack("<6I", 0, STRUCT << 24 | 1, 8, 0, first - 1, 0)
    types += struct.pack("<3I", 1, TYPEDEF << 24, first)
    return btfmmap.open(data=bench_hostile.blob(types, b""), base=base)


LEVELS = 3000


def chain_of_splits(levels: int) -> list[btfmmap.Btf]:
    chain = [btfmmap.open(data=bench_hostile.blob(struct.pack("<3I", 1, STRUCT << 24, 8), b"\0name\0"))]
    for _ in range(levels):
        chain.append(split_on(chain[-1]))
    return chain


class TestBases:
    def test_are_asked(self, tmp_path: Path) -> None:
        on_little_stack(lambda: ask(chain_of_splits(LEVELS)[-1], tmp_path))

    @pytest.mark.parametrize("question", ["", "layouts", "fingerprints", "graph", "types"])
    def test_are_released(self, question: str) -> None:
        """With what was built of each of them, by a thread that had none of that."""
        chain = chain_of_splits(30 * LEVELS if not question else LEVELS)
        if question:
            getattr(chain[-1], question)
        last = [chain.pop()]
        del chain
        on_little_stack(last.clear)

    def test_the_rest_stays(self) -> None:
        """Of a chain that somebody has the middle of."""
        chain = chain_of_splits(LEVELS)
        middle, last = chain[LEVELS // 2], [chain[-1]]
        names = middle.find_all("name")
        del chain
        on_little_stack(last.clear)
        assert middle.find_all("name") == names
        level: btfmmap.Btf | None = middle
        for _ in range(LEVELS // 2):
            assert level is not None
            level = level.base
        assert level is not None
        assert level.base is None
        assert level["name"].size == 8

    def test_by_many_threads(self) -> None:
        """Branches of one trunk, each dropped by another thread."""
        trunk = chain_of_splits(LEVELS)[-1]
        branches = [[trunk] for _ in range(8)]
        for branch in branches:
            for _ in range(100):
                branch[0] = split_on(branch[0])
        del trunk
        before = threading.stack_size(MUSL_STACK)
        try:
            threads = [threading.Thread(target=branch.clear) for branch in branches]
            for thread in threads:
                thread.start()
        finally:
            threading.stack_size(before)
        for thread in threads:
            thread.join()

    def test_in_a_cycle(self) -> None:
        """The garbage collector ends them all at once."""
        chain = chain_of_splits(LEVELS)
        cycle: list[object] = [chain.pop()]
        cycle.append(cycle)
        del chain, cycle
        on_little_stack(gc.collect)
        assert not any(isinstance(each, btfmmap.Btf) and each.first_id > LEVELS for each in gc.get_objects())

    def test_are_not_pickled(self, tmp_path: Path) -> None:
        """By more levels than pickle should go down."""
        btf = chain_of_splits(0)[0]
        path = tmp_path / "0"
        path.write_bytes(btf.raw.tobytes())
        btf = btfmmap.open(path)
        for level in range(40):
            path = tmp_path / f"{level + 1}"
            path.write_bytes(split_on(btf).raw.tobytes())
            btf = btfmmap.open(path, base=btf)
        with pytest.raises(btfmmap.NotSupportedError, match="too many to pickle"):
            pickle.dumps(btf)
        for _ in range(10):
            assert btf.base is not None
            btf = btf.base
        again = pickle.loads(pickle.dumps(btf))
        assert again.first_id == btf.first_id
