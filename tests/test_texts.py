"""Many names at once: those of one offset are one `str`, and the text of all different ones has a limit.

What asks for more memory than its text needs does so in a process that has little.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from btf_writer import FWD, BtfWriter, every_kind
from requirements import unsanitized

import btfmmap
from btfmmap import Btf, BtfError, Kernel, Kind, NotFoundError, NotSupportedError

LENGTH, COUNT = 200_000, 8_000
MIB = 1 << 20


def long_names(step: int, count: int = COUNT) -> bytes:
    """Types, members, values and parameters: each name starts `step` letters after the one before, in one
    string of LENGTH letters."""
    writer = BtfWriter()
    offset = writer.string("e" * LENGTH)
    places = [offset + step * number for number in range(count)]
    writer.records = [writer.words(place, FWD << 24, 0) for place in places]
    members = [word for place in places for word in (place, 0, 0)]
    writer.records.append(writer.words(offset, 4 << 24 | count, 8, *members))
    values = [word for place in places for word in (place, 0)]
    writer.records.append(writer.words(offset, 6 << 24 | count, 4, *values))
    params = [word for place in places for word in (place, 0)]
    writer.records.append(writer.words(0, 13 << 24 | count, 0, *params))
    return writer.build()


@pytest.fixture(scope="module")
def shared() -> Btf:
    return btfmmap.open(data=long_names(0))


@pytest.fixture(scope="module")
def tails() -> Btf:
    return btfmmap.open(data=long_names(1))


def same_where_equal(offsets: list[int], texts: list[str]) -> bool:
    first: dict[int, str] = {}
    return all(first.setdefault(offset, text) is text for offset, text in zip(offsets, texts, strict=True))


def test_equal_offsets_are_one_str(kernel: Path) -> None:
    btf = btfmmap.open(kernel)
    offsets = btf.types.name_off.tolist()[1:]
    assert same_where_equal(offsets, btf.names()[1:])
    assert same_where_equal(offsets, btf.names(range(1, len(btf))))
    for table in (btf.members, btf.params, btf.enumerators):
        texts = btf.strings(table.name_off)
        assert same_where_equal(table.name_off.tolist(), texts)
        # In each place the string that stands there.
        raw = btf.string_section.tobytes()
        assert texts == [
            raw[offset : raw.index(b"\0", offset)].decode() for offset in table.name_off.tolist()
        ]


def test_equal_kinds_are_one_str() -> None:
    btf = btfmmap.open(data=every_kind().build())
    names = btf.kind_names([*range(len(btf)), *range(len(btf))])
    assert names == [Kind(kind).name for kind in btf.types.kind.tolist()] * 2
    assert len({id(name) for name in names}) == len(set(names))


def test_offsets_at_every_byte() -> None:
    """Every place of a string section, in any order, twice."""
    text = b"\0" + b"".join(bytes([97 + i % 26]) * (i % 7) + b"\0" for i in range(3000))
    btf = btfmmap.open(data=BtfWriter(strings=text).build())
    offsets = np.random.default_rng(1).permutation(np.repeat(np.arange(len(text)), 2))
    texts = btf.strings(offsets)
    assert texts == [text[offset : text.index(b"\0", offset)].decode() for offset in offsets]
    assert same_where_equal(offsets.tolist(), texts)


def test_members_of_one_name(shared: Btf) -> None:
    struct, enum, proto = (shared[COUNT + number] for number in (1, 2, 3))
    for children in (struct.members, enum.enumerators, proto.params):
        assert len(children) == COUNT
        assert len({id(child.name) for child in children}) == 1


def test_a_module_shares_its_bases_strings() -> None:
    base = btfmmap.open(data=every_kind().build())
    modules = {}
    for number in range(2):
        writer = BtfWriter(strings=b"")
        own = writer.string(f"module_{number}") + int(base.header["str_len"])
        writer.records = [writer.words(offset, FWD << 24, 0) for offset in (1, own, 1)]
        modules[f"m{number}"] = btfmmap.open(data=writer.build(), base=base)
    kernel = Kernel(base, modules, {}, owns_base=True)
    types = kernel.types
    names = kernel.strings(types.module, types.name_off)
    of_each = base.strings(base.types.name_off)
    for btf in modules.values():
        of_each += btf.names()
    assert names == of_each
    ints = [name for name in names if name == "int"]
    assert len(ints) == 5
    assert len({id(name) for name in ints}) == 1
    assert kernel.strings([0, 1], [1, 1]) == ["int", "int"]
    with pytest.raises(IndexError, match="no BTF 3, there are 3"):
        kernel.strings(np.array([3]), np.array([1]))
    with pytest.raises(IndexError, match="no BTF -1"):
        kernel.strings(np.array([-1]), np.array([1]))
    with pytest.raises(ValueError, match="1 numbers of BTFs, but 2 offsets"):
        kernel.strings(np.array([0]), np.array([1, 1]))
    with pytest.raises(NotFoundError):
        kernel.strings(np.array([0]), np.array([1 << 40]))


TOO_MUCH: dict[str, Callable[[Btf], object]] = {
    "names": lambda btf: btf.names(),
    "names of ids": lambda btf: btf.names(range(len(btf))),
    "strings": lambda btf: btf.strings(btf.members.name_off),
    "match": lambda btf: btf.match("*"),
    "match a regular expression": lambda btf: btf.match("e$", regex=True),
    "members": lambda btf: btf[COUNT + 1].members,
    "enumerators": lambda btf: btf[COUNT + 2].enumerators,
    "params": lambda btf: btf[COUNT + 3].params,
    "users": lambda btf: btf.users(0),
    "kernel": lambda btf: Kernel(btf, {}, {}, owns_base=False).strings(
        np.zeros(COUNT, int), btf.members.name_off
    ),
    "networkx": lambda btf: btf.graph.to_networkx(),
}


@pytest.mark.parametrize("question", TOO_MUCH)
def test_more_than_a_gibibyte(tails: Btf, question: str) -> None:
    with pytest.raises(BtfError, match="1 GiB") as caught:
        TOO_MUCH[question](tails)
    assert type(caught.value) is NotSupportedError
    # What fits has its answer, and what names nothing of it is not concerned.
    assert [len(name) for name in tails.names([1, 2, COUNT])] == [LENGTH, LENGTH - 1, LENGTH - COUNT + 1]
    assert tails.match("*", Kind.FUNC) == []
    assert tails.match("e*", Kind.STRUCT) == [COUNT + 1]
    assert tails.find("e" * (LENGTH - 5)) == 6


def test_the_limit_counts_different_strings() -> None:
    writer = BtfWriter()
    offset = writer.string("e" * MIB)
    btf = btfmmap.open(data=writer.build())
    assert len(btf.strings([offset] * 5000)) == 5000
    with pytest.raises(NotSupportedError, match=r"1025 different strings have 10742\d+ bytes"):
        btf.strings([offset] * 5000 + list(range(offset, offset + 2000)))


IN_LITTLE_MEMORY = """
    import resource, sys
    import btfmmap
    import numpy
    from btfmmap.cli import main

    btf = btfmmap.open(sys.argv[1])
    _ = btf.types, btf.members, btf.graph, btf.layouts
    btf.match("*", btfmmap.Kind.FUNC)
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[2]), resource.RLIM_INFINITY))
    sys.stdout = open("/dev/null", "w")
    last = len(btf) - 1
    try:
        result = eval(sys.argv[3])
    except btfmmap.BtfError as error:
        sys.exit(f"BtfError: {error}"[:300])
"""

SHARING = [
    "btf.names()",
    "btf.names(range(len(btf)))",
    "btf.strings(btf.members.name_off)",
    "btf.match('*')",
    "btf.match('e', regex=True)",
    "btf.kind_names(range(len(btf)))",
    f"btf[{COUNT + 1}].members",
    f"btf[{COUNT + 2}].enumerators",
    f"btf[{COUNT + 3}].params",
    f"btf.find_members('e' * {LENGTH})",
    f"btf.find_enumerators('e' * {LENGTH})",
    "btf.users(0)",
    f"btf.wasteful({COUNT})",
]

COMMANDS = [
    "main(['find', '-k', 'fwd', '*', '-f', sys.argv[1]])",
    "main(['find', '-k', 'fwd', '*', '--json', '-f', sys.argv[1]])",
    "main(['find', 'no such name', '-f', sys.argv[1]])",
    "main(['show', 'eeeeeee', '-f', sys.argv[1]])",
    "main(['users', '0', '-f', sys.argv[1]])",
]


def said_in_little_memory(tmp_path: Path, content: bytes, question: str) -> str:
    """What a process says on standard error that may take 50 MiB for the answer."""
    path = tmp_path / "hostile.btf"
    path.write_bytes(content)
    command = [sys.executable, "-c", textwrap.dedent(IN_LITTLE_MEMORY), str(path), str(50 * MIB), question]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


@unsanitized("its shadow is address space")
@pytest.mark.parametrize("question", SHARING)
def test_one_long_name_in_little_memory(tmp_path: Path, question: str) -> None:
    """Gigabytes of text, if each type had its own."""
    said = said_in_little_memory(tmp_path, long_names(0), question)
    assert said == ""


@unsanitized("its shadow is address space")
@pytest.mark.parametrize("question", COMMANDS)
def test_commands_in_little_memory(tmp_path: Path, question: str) -> None:
    """They print 200 MB, or say that there is no such name."""
    said = said_in_little_memory(tmp_path, long_names(0, 1_000), question)
    assert not said or said.startswith(("btfmmap: no", "btfmmap: there is no"))


@unsanitized("its shadow is address space")
@pytest.mark.parametrize(
    "question",
    ["btf.names()", "btf.strings(btf.members.name_off)", "btf.match('*')", f"btf[{COUNT + 1}].members"],
)
def test_text_is_counted_before_it_is_made(tmp_path: Path, question: str) -> None:
    said = said_in_little_memory(tmp_path, long_names(1), question)
    assert said.startswith("BtfError: more than 1 GiB of text")
