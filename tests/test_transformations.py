"""New BTFs of existing ones: subset, permute, sorted, swapped, distill and merge.

If BTFMMAP_LIBBPF names a libbpf.so, its btf__distill_base, btf__relocate and btf__dedup get the same cases.
"""

from __future__ import annotations

import random
import re
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import btf_writer
import numpy as np
import pytest
import requirements
from btf_writer import BtfWriter, every_kind
from found_types import id_of, target
from kernel_loader import KernelLoader
from libbpf import libbpf
from mutants import mutant
from split_writer import SplitWriter, small_base, small_split
from stored_files import KERNELS, MODULES, stored
from written_types import definitions, records_of

import btfmmap
from btfmmap import Btf, Kind, NotSupportedError

DROPPED = 0xFFFFFFFF
DISTILLED = ("tun", "kvm")


@pytest.fixture(scope="module")
def kernel() -> Btf:
    return btfmmap.open(data=stored("7.2-amd64.btf"))


@pytest.fixture(scope="module", params=[*KERNELS, "tun"])
def real(request: pytest.FixtureRequest, kernel: Btf) -> Btf:
    if request.param in MODULES:
        return btfmmap.open(data=stored(f"{request.param}.ko"), base=kernel)
    return btfmmap.open(data=stored(f"{request.param}.btf"))


def content(blob: bytes) -> bytes:
    """What follows the header: libbpf writes a longer one."""
    return blob[int.from_bytes(blob[4:8], sys.byteorder) :]


def own_ids(btf: Btf) -> range:
    return range(btf.first_id or 1, btf.first_id + len(btf))


def small_pair(order: str = "<") -> tuple[Btf, Btf]:
    lower = small_base(order)
    base = btfmmap.open(data=lower.build())
    return base, btfmmap.open(data=small_split(lower).build(), base=base)


def map_by_hand(btf: Btf, made: Btf, id_map: Any) -> None:
    """Each record that is kept has the same content, and references that the map gives."""
    assert id_map.dtype == np.uint32
    assert len(id_map) == btf.first_id + len(btf)
    for type_id in range(len(id_map)):
        new_id = int(id_map[type_id])
        if new_id == DROPPED:
            continue
        old, new = btf[type_id], made[new_id]
        assert (old.name, old.kind, old.kind_flag) == (new.name, new.kind, new.kind_flag)
        if old.type is not None:
            assert new.type is not None
            assert int(id_map[old.type.id]) == new.type.id
        for old_member, new_member in zip(old.members or (), new.members or (), strict=True):
            assert old_member.name == new_member.name
            assert old_member.bit_offset == new_member.bit_offset
            assert int(id_map[old_member.type.id]) == new_member.type.id


class TestPermute:
    def test_there_and_back(self, real: Btf) -> None:
        order = np.random.default_rng(1).permutation(own_ids(real))
        made, id_map = btfmmap.permute(real, order)
        assert id_map[order].tolist() == [*own_ids(real)]
        back, _ = btfmmap.permute(made, id_map[own_ids(real).start :])
        assert bytes(back.raw) == bytes(real.raw)
        assert back.base is real.base

    def test_references(self) -> None:
        btf = btfmmap.open(data=every_kind().build())
        order = random.Random(2).sample(own_ids(btf), len(btf) - 1)
        made, id_map = btfmmap.permute(btf, order)
        map_by_hand(btf, made, id_map)
        assert made.string_section.tobytes() == btf.string_section.tobytes()

    def test_keeps_the_layout_section(self) -> None:
        builder = btfmmap.Builder(layout=True, byte_order="big")
        for size in (1, 2, 4):
            builder.int("int", size)
        btf = builder.build()
        made, _ = btfmmap.permute(btf, [3, 2, 1])
        assert made.header == btf.header
        start = 32 + btf.header["layout_off"]
        assert bytes(made.raw)[start:] == bytes(btf.raw)[start:]

    @pytest.mark.parametrize(
        ("order", "message"),
        [
            ([1], "the order lacks type [2]"),
            ([1, 1], "the order has type [1] twice"),
            ([0, 1], "the order has type [0], but the own types are [1] to [2]"),
            ([1, 3], "the order has type [3]"),
            ([-1, 1], "the order has type [-1]"),
        ],
    )
    def test_refused(self, order: list[int], message: str) -> None:
        with pytest.raises(ValueError, match=re.escape(message)):
            btfmmap.permute(btfmmap.open(data=small_base().build()), order)

    def test_types_of_the_base(self) -> None:
        with pytest.raises(ValueError, match=r"the order has type \[1\], but the own types are \[3\]"):
            btfmmap.permute(small_pair()[1], [1, 2, 3])


class TestSorted:
    def test_kernel_that_is_sorted(self, kernel: Btf) -> None:
        """Linux 7.2 sorts its own."""
        made, id_map = btfmmap.sorted(kernel)
        assert bytes(made.raw) == bytes(kernel.raw)
        assert (id_map == np.arange(len(kernel))).all()

    def test_any(self, real: Btf) -> None:
        made, id_map = btfmmap.sorted(real)
        names = [name.encode("utf-8", "surrogateescape") for name in real.names(own_ids(real))]
        expected = np.array(own_ids(real))[[*sorted(range(len(names)), key=names.__getitem__)]]
        assert id_map[expected].tolist() == [*own_ids(real)]
        assert Counter(made.names()) == Counter(real.names())

    def test_names_of_any_bytes(self) -> None:
        """Compared as unsigned bytes; a name that starts another one comes first."""
        names = [b"b\xff", b"b", b"", b"b\x01", b"longer than eight b", b"longer than eight a", b"\x80", b""]
        writer = BtfWriter()
        for name in names:
            writer.add(btf_writer.FWD, name)
        made, id_map = btfmmap.sorted(btfmmap.open(data=writer.build()))
        found = [name.encode("utf-8", "surrogateescape") for name in made.names()[1:]]
        assert found == sorted(names)
        assert id_map[[3, 8]].tolist() == [1, 2]

    def test_many_long_names(self) -> None:
        """Names in one another would take hours to compare."""
        text = b"a" * 100_000
        writer = BtfWriter()
        writer.strings += text + b"\0"
        for offset in range(1, 90_000):
            writer.records.append(writer.words(offset, btf_writer.FWD << 24, 0))
        with pytest.raises(NotSupportedError, match=r"text|too long to be sorted"):
            btfmmap.sorted(btfmmap.open(data=writer.build()))


class TestSwapped:
    def test_there_and_back(self, real: Btf) -> None:
        made, id_map = btfmmap.swapped(real)
        assert made.source.byte_order != real.source.byte_order
        assert made.type_section.tobytes() == real.type_section.byteswap().tobytes()
        assert made.string_section.tobytes() == real.string_section.tobytes()
        assert (id_map == np.arange(real.first_id + len(real))).all()
        assert bytes(btfmmap.swapped(made).btf.raw) == bytes(real.raw)

    def test_bpftool(self, tmp_path: Path) -> None:
        blob = every_kind("<").build()
        made = btfmmap.swapped(btfmmap.open(data=blob)).btf
        assert bytes(made.raw) == every_kind(">").build()
        assert records_of(bytes(made.raw), tmp_path) == records_of(blob, tmp_path)

    def test_shared_base(self) -> None:
        base, split = small_pair()
        big = btfmmap.swapped(base).btf
        made = btfmmap.swapped(split, base=big).btf
        assert made.base is big
        assert made.dump() == split.dump()
        assert btfmmap.swapped(split).btf.dump() == split.dump()

    def test_wrong_base(self) -> None:
        base, split = small_pair()
        other = btfmmap.open(data=every_kind(">").build())
        swapped = bytes(btfmmap.swapped(base).btf.raw)
        renamed = btfmmap.open(data=swapped[:-2] + b"?\0")
        for wrong, message in [
            (base, "base is little-endian, as the BTF is"),
            (other, "base has other IDs or strings than the base of the BTF"),
            (renamed, "base has other IDs or strings than the base of the BTF"),
        ]:
            with pytest.raises(ValueError, match=message):
                btfmmap.swapped(split, base=wrong)
        with pytest.raises(ValueError, match="stands alone and needs no base"):
            btfmmap.swapped(base, base=other)
        with pytest.raises(TypeError, match="base is 7, must be a Btf"):
            btfmmap.swapped(split, base=7)  # type: ignore[arg-type]


class TestSubset:
    @pytest.mark.parametrize("closure", ["deep", "pointers"])
    def test_struct_of_a_kernel(self, real: Btf, closure: Any) -> None:
        """Structs and all that they embed stay as they are; `deep` gives the same C, too."""
        roots = [id_of(real, f"struct {name}") for name in ("list_head", "sk_buff", "sock")]
        made, id_map = btfmmap.subset(real, roots, closure=closure)
        assert made.base is None
        for root in roots:
            new = int(id_map[root])
            assert made.sizeof([new]).tolist() == real.sizeof([root]).tolist()
            own, other = made[new], real[root]
            assert [(m.name, m.bit_offset) for m in own.members] == [
                (m.name, m.bit_offset) for m in other.members
            ]
        if closure == "deep":
            names = ["struct sk_buff", "struct sock"]
            assert made.dump("c", roots=names) == real.dump("c", roots=names)
        else:
            assert len(made) < 2_000
            for pointer in made.types.id[made.types.kind == Kind.PTR].tolist():
                pointed = target(made[pointer])
                assert pointed.kind in (Kind.VOID, Kind.FWD) or pointed.id in id_map

    def test_deep_is_what_graph_reaches(self, real: Btf) -> None:
        root = id_of(real, "struct file")
        _, id_map = btfmmap.subset(real, [root])
        kept = {*np.flatnonzero(id_map != DROPPED).tolist()}
        assert kept == {0, root, *real.graph.reachable([root]).tolist()}

    def test_all(self, real: Btf) -> None:
        """The same records, in the same order, with each string once."""
        made, id_map = btfmmap.subset(real, range(real.first_id + len(real)), closure="none")
        assert (id_map == np.arange(len(id_map))).all()
        assert len(made) == len(id_map)
        for name, column in (("members", "bit_offset"), ("params", "type"), ("enumerators", "value")):
            joined = np.concatenate([getattr(level, name)[column] for level in levels(real)])
            assert (getattr(made, name)[column] == joined).all()

    def test_kernel_loads_a_subset(self) -> None:
        loader = KernelLoader()
        running = btfmmap.open(requirements.kernel_btf())
        for closure in ("deep", "pointers"):
            made, _ = btfmmap.subset(running, [id_of(running, "struct task_struct")], closure=closure)
            assert loader.refusal(bytes(made.raw)) is None


def own_structs(btf: Btf) -> list[int]:
    types = btf.types
    named: list[int] = types.id[(types.kind == Kind.STRUCT) & (types.name_off != 0)].tolist()
    return named


def levels(btf: Btf) -> list[Btf]:
    return [btf] if btf.base is None else [*levels(btf.base), btf]


class TestDistill:
    @pytest.mark.parametrize("name", DISTILLED)
    def test_as_libbpf(self, name: str, kernel: Btf) -> None:
        """The stored pairs are btf__distill_base's of the module on this kernel."""
        relocated = btfmmap.open(
            data=stored(f"{name}.distilled.btf"), base=btfmmap.open(data=stored(f"{name}.distilled-base.btf"))
        )
        split = relocated.relocate(kernel)
        made, id_map = btfmmap.distill(split)
        assert made.base is not None
        assert made.base.distilled
        again = made.relocate(kernel)
        assert Counter(again.names()) == Counter(split.names())
        assert again.dump("c", roots=own_structs(again)) == split.dump("c", roots=own_structs(split))
        assert len(id_map) == split.first_id + len(split)

    def test_module(self, kernel: Btf) -> None:
        module = btfmmap.open(data=stored("tun.ko"), base=kernel)
        made, id_map = btfmmap.distill(module)
        assert made.base is not None
        assert content(bytes(made.base.raw)) == content(stored("tun.distilled-base.btf"))
        assert content(bytes(made.raw)) == content(stored("tun.distilled.btf"))
        kept = np.flatnonzero(id_map != DROPPED)
        assert made.names(id_map[kept]) == module.names(kept)
        relocated = made.relocate(kernel)
        assert content(bytes(relocated.raw)) == content(stored("tun.relocated.btf"))

    def test_libbpf_takes_it(self, kernel: Btf) -> None:
        """Both ways: libbpf relocates what is distilled here, and relocate() what libbpf distils."""
        library = libbpf()
        base = stored("7.2-amd64.btf")
        for name in MODULES:
            module = btfmmap.open(data=stored(f"{name}.ko"), base=kernel)
            made = btfmmap.distill(module).btf
            assert made.base is not None
            theirs = library.distilled(bytes(module.raw), base)
            if len(made.base) == 1:
                continue  # the module refers to nothing of the kernel
            assert theirs is not None
            assert [*map(content, theirs)] == [content(bytes(made.base.raw)), content(bytes(made.raw))]
            relocated = library.relocated(bytes(made.raw), bytes(made.base.raw), base)
            assert relocated is not None
            assert content(relocated) == content(bytes(made.relocate(kernel).raw))

    def test_random_pairs(self) -> None:
        """Against libbpf, with every kind in base and split."""
        library = libbpf()
        source = random.Random(5)
        answers: Counter[bool] = Counter()
        for _ in range(300):
            lower = every_kind()
            upper = SplitWriter(lower)
            end = len(lower.records)
            for number in range(source.randrange(1, 6)):
                targets = [source.randrange(end + 1) for _ in range(3)]
                upper.add_struct(
                    f"own_{number}", 64, [(f"m{at}", to, 64 * at) for at, to in enumerate(targets)]
                )
                upper.add(btf_writer.PTR, size_or_type=source.randrange(end + 1))
            blobs = upper.build(), lower.build()
            theirs = library.distilled(*blobs)
            split = btfmmap.open(data=blobs[0], base=btfmmap.open(data=blobs[1]))
            answers[theirs is not None] += 1
            if theirs is None:
                with pytest.raises(NotSupportedError, match="cannot be distilled"):
                    btfmmap.distill(split)
                continue
            made = btfmmap.distill(split).btf
            assert made.base is not None
            assert [*map(content, theirs)] == [content(bytes(made.base.raw)), content(bytes(made.raw))]
        assert min(answers[True], answers[False]) > 20

    def test_stands_alone(self) -> None:
        with pytest.raises(NotSupportedError, match="the BTF stands alone"):
            btfmmap.distill(btfmmap.open(data=every_kind().build()))


def concatenated(btfs: list[Btf]) -> bytes:
    """The types of a kernel and its modules behind one another, by the tests' own means."""
    types, strings = b"", b""
    kernel = btfs[0]
    end, string_end = len(kernel), len(kernel.string_section)
    next_id, next_string = end, string_end
    types, strings = kernel.type_section.tobytes(), kernel.string_section.tobytes()
    for module in btfs[1:]:
        words = module.type_section.copy()
        for kind, flagged, vlen, at in zip(
            module.types.kind.tolist(),
            module.types.kind_flag.tolist(),
            module.types.vlen.tolist(),
            (module.types.offset // 4).tolist(),
            strict=True,
        ):
            ids, names = reference_words(kind, vlen)
            for word in ids:
                if words[at + word] >= end:
                    words[at + word] += next_id - end
            for word in names:
                if words[at + word] >= string_end:
                    words[at + word] += next_string - string_end
            assert flagged in (False, True)
        types += words.tobytes()
        strings += module.string_section.tobytes()
        next_id += len(module)
        next_string += len(module.string_section)
    writer = BtfWriter("<" if kernel.source.byte_order == "little" else ">")
    return writer.build(types=types, strings=strings)


def reference_words(kind: int, vlen: int) -> tuple[list[int], list[int]]:
    """The words of a record that are type IDs and name offsets, by the kernel's btf.h."""
    ids, names = [], [0]
    if kind in (2, 8, 9, 10, 11, 12, 13, 14, 17, 18):
        ids.append(2)
    if kind == btf_writer.ARRAY:
        ids += [3, 4]
    size = {4: 3, 5: 3, 6: 2, 19: 3, 13: 2, 15: 3}.get(kind, 0)
    for at in range(3, 3 + size * vlen, size) if size else ():
        if kind == btf_writer.DATASEC:
            ids.append(at)
        else:
            names.append(at)
            ids += [at + 1] if kind in (4, 5, 13) else []
    return ids, names


def same_definitions(ours: bytes, theirs: bytes, folder: Path) -> None:
    counts = [Counter(definitions(records_of(blob, folder))) for blob in (ours, theirs)]
    assert counts[0] == counts[1]


class TestMerge:
    def test_kernel_and_modules(self, kernel: Btf, tmp_path: Path) -> None:
        modules = [btfmmap.open(data=stored(f"{name}.ko"), base=kernel) for name in MODULES]
        made, id_maps = btfmmap.merge([kernel, *modules])
        for btf, id_map in zip([kernel, *modules], id_maps, strict=True):
            assert made.names(id_map) == btf.names(range(btf.first_id + len(btf)))
            assert (id_map[1:] < len(made)).all()
        assert (id_maps[1][: len(kernel)] == id_maps[0]).all()
        theirs = libbpf().deduplicated(concatenated([kernel, *modules]))
        assert len(btfmmap.open(data=theirs)) == len(made)
        same_definitions(bytes(made.raw), theirs, tmp_path)

    @pytest.mark.parametrize("name", KERNELS)
    def test_one_kernel(self, name: str) -> None:
        blob = stored(f"{name}.btf")
        made, _ = btfmmap.merge([btfmmap.open(data=blob)])
        theirs = libbpf().deduplicated(blob)
        assert len(btfmmap.open(data=theirs)) == len(made)

    def test_twice_the_same(self) -> None:
        """VAR and DATASEC are not merged, as in libbpf."""
        btf = btfmmap.open(data=every_kind().build())
        made, id_maps = btfmmap.merge([btf, btfmmap.open(data=every_kind().build())])
        assert len(made) == len(btf) + 2
        (different,) = [np.flatnonzero(id_maps[0] != id_maps[1])]
        assert btf.kind_names(different) == ["VAR", "DATASEC"]

    def test_either_byte_order(self) -> None:
        btfs = [btfmmap.open(data=every_kind(order).build()) for order in "><"]
        made, _ = btfmmap.merge(btfs)
        assert made.source.byte_order == "big"
        assert len(made) == len(btfs[0]) + 2

    def test_cycles(self) -> None:
        """Lists that differ at their far end only are not the same."""

        def ring(length: int, last: int) -> bytes:
            writer = BtfWriter()
            writer.add_int("int")
            for number in range(length):
                following = 2 + 2 * ((number + 1) % length)
                size = last if number == length - 1 else 8
                writer.add_struct(f"node_{number}", size, [("next", following + 1, 0)])
                writer.add(btf_writer.PTR, size_or_type=2 + 2 * number)
            return writer.build()

        rings = [btfmmap.open(data=ring(50, last)) for last in (8, 8, 16)]
        assert len(btfmmap.merge(rings[:2]).btf) == len(rings[0])
        assert len(btfmmap.merge(rings).btf) == 2 * len(rings[0]) - 2  # void and int

    def test_declarations(self) -> None:
        """A FWD is the struct of its name if there is one, and then what leads to it is the same, too."""

        def file(*, declared: bool, size: int = 8) -> Btf:
            writer = BtfWriter()
            writer.add_int("int")
            if declared:
                writer.add(btf_writer.FWD, "inner")
            else:
                writer.add_struct("inner", size, [("number", 1, 0)])
            writer.add(btf_writer.PTR, size_or_type=2)
            writer.add_struct("outer", 8, [("inner", 3, 0)])
            return btfmmap.open(data=writer.build())

        full, declared = file(declared=False), file(declared=True)
        for order in ([full, declared], [declared, full], [declared, declared, full]):
            made, id_maps = btfmmap.merge(order)
            assert sorted(made.names()) == sorted(full.names())
            assert {int(id_map[2]) for id_map in id_maps} == {made.find("struct inner")}
        # With two structs of the name, which one is meant is not known.
        made, _ = btfmmap.merge([full, file(declared=False, size=16)])
        assert made.names().count("inner") == 2

    def test_enum_without_values(self) -> None:
        full, declared = BtfWriter(), BtfWriter()
        full.add_enum64("e", [("A", 1)])
        declared.add_enum("e", [])
        btfs = [btfmmap.open(data=writer.build()) for writer in (declared, full)]
        for order in (btfs, btfs[::-1]):
            made, _ = btfmmap.merge(order)
            assert made.kind_names(range(1, len(made))) == ["ENUM64"]

    def test_random_modules(self, tmp_path: Path) -> None:
        """Small kernels with modules, each deduplicated, against btf__dedup."""
        library = libbpf()
        for seed in range(150):
            source = random.Random(seed)
            blobs = [library.deduplicated(random_types(source)) for _ in range(3)]
            btfs = [btfmmap.open(data=blob) for blob in blobs]
            made, _ = btfmmap.merge(btfs)
            builder = btfmmap.Builder()
            for btf in btfs:
                names = ("types", "members", "arrays", "ints", "enumerators", "params")
                builder.add_tables(**{name: getattr(btf, name) for name in names})
            theirs = library.deduplicated(bytes(builder.build().raw))
            assert len(made) == len(btfmmap.open(data=theirs)), seed
            if seed % 10 == 0:
                same_definitions(bytes(made.raw), theirs, tmp_path)

    def test_kernel_with_modules(self, tmp_path: Path) -> None:
        lower = small_base()
        (tmp_path / "vmlinux").write_bytes(lower.build())
        for name in ("first", "second"):
            (tmp_path / name).write_bytes(small_split(lower, "own").build())
        with btfmmap.open_kernel(tmp_path) as opened:
            made, id_maps = btfmmap.merge(opened)
            assert len(id_maps) == 3
            assert len(made) == len(opened.base) + 2
            assert id_maps[1].tolist() == id_maps[2].tolist()

    def test_arguments(self) -> None:
        with pytest.raises(ValueError, match="there is no BTF to merge"):
            btfmmap.merge([])
        with pytest.raises(TypeError, match="must be a Btf"):
            btfmmap.merge(["vmlinux"])  # type: ignore[list-item]

    def test_long_chain(self) -> None:
        """Each round of comparing tells one more apart: a walk per round would take hours."""
        count = 200_000
        types = {
            "kind": np.full(count, Kind.PTR, np.uint8),
            "size_or_type": np.arange(count, dtype=np.uint32),
        }
        builder = btfmmap.Builder()
        builder.add_tables(types=types)
        btf = builder.build()
        assert len(btfmmap.merge([btf, btf]).btf) == count + 1

    def test_wide_structs_over_long_chains(self) -> None:
        """Equal structs whose members are told apart one by one end with an answer or an error."""
        count = 60_000
        numbers = np.arange(count, dtype=np.uint32)
        builder = btfmmap.Builder()
        builder.add_tables(types={"kind": np.full(count, Kind.PTR, np.uint8), "size_or_type": numbers})
        for _ in range(2):
            parent = np.full(count, builder.next_id, np.uint32)
            builder.add_tables(
                types={"kind": [Kind.STRUCT], "size_or_type": [8]},
                members={"parent": parent, "type": numbers + 1, "bit_offset": numbers},
            )
        try:
            assert len(btfmmap.merge([builder.build()]).btf) == count + 2
        except NotSupportedError as error:
            assert "too long to compare" in str(error)  # noqa: PT017 (either is right)


def random_types(source: random.Random) -> bytes:
    """Types with few names, so that some are the same in several files."""
    writer = BtfWriter()
    writer.add_int("int")
    writer.add_int("long", 8)
    count = source.randrange(3, 12)
    kinds = [source.randrange(6) for _ in range(count)]
    structs = [number for number, kind in enumerate(kinds, 3) if kind > 3]
    for kind in kinds:
        if kind == 0:
            writer.add(btf_writer.PTR, size_or_type=source.choice((1, 2, *structs)))
        elif kind == 1:
            writer.add(btf_writer.TYPEDEF, f"t{source.randrange(3)}", size_or_type=source.choice((1, 2)))
        elif kind == 2:
            writer.add(btf_writer.CONST, size_or_type=source.choice((1, 2)))
        elif kind == 3:
            writer.add_proto(source.choice((0, 1)), [("a", source.choice((1, 2)))])
        else:
            names = source.sample("abc", source.randrange(1, 3))
            targets = (1, 2, *(number for number, kind in enumerate(kinds, 3) if kind == 0))
            members = [(name, source.choice(targets), 64 * at) for at, name in enumerate(names)]
            writer.add_struct(f"s{source.randrange(4)}", 16, members)
    return writer.build()


TRANSFORMATIONS: list[Callable[[Btf, random.Random], object]] = [
    lambda btf, source: btfmmap.subset(btf, source.sample(range(btf.first_id + len(btf)), 1), closure="deep"),
    lambda btf, source: btfmmap.subset(btf, [source.randrange(btf.first_id + len(btf))], closure="pointers"),
    lambda btf, source: btfmmap.permute(btf, source.sample(own_ids(btf), len(own_ids(btf)))),
    lambda btf, _: btfmmap.sorted(btf),
    lambda btf, _: btfmmap.swapped(btf),
    lambda btf, _: btfmmap.distill(btf),
    lambda btf, _: btfmmap.merge([btf, btf]),
]


def test_mutants() -> None:
    """An answer or a typed error, alone and as a split BTF; the input is not changed."""
    source = random.Random(27)
    lower = every_kind()
    base = btfmmap.open(data=lower.build())
    upper = small_split(lower)
    opened = 0
    for number in range(1500):
        below = base if number % 2 else None
        blob = mutant(upper.build() if below else lower.build(), source)
        try:
            btf = btfmmap.open(data=blob, base=below)
        except btfmmap.BtfError:
            continue
        opened += 1
        for transform in TRANSFORMATIONS:
            with suppress(btfmmap.BtfError, ValueError):
                transform(btf, source)
        assert bytes(btf.raw) == blob[: len(btf.raw)]
    assert opened > 200


@pytest.mark.parametrize(
    "transform",
    [
        partial(btfmmap.subset, type_ids=[1]),
        partial(btfmmap.permute, order=[1]),
        btfmmap.sorted,
        btfmmap.swapped,
        btfmmap.distill,
        lambda btf: btfmmap.merge([btf]),
    ],
)
def test_closed(transform: Callable[[Btf], object]) -> None:
    _, split = small_pair()
    split.close()
    with pytest.raises(ValueError, match="this Btf is closed"):
        transform(split)
