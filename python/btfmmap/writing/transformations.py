"""Makes new BTFs of existing ones. None of these functions changes its input."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .. import _core
from ..btf import Btf
from .closures import closure_number
from .results import opened

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from ..kernel import Kernel
    from .builder import Ids
    from .closures import Closure

DROPPED = 0xFFFFFFFF
"""In the map of IDs: the new BTF does not have the type."""


class Rewritten(NamedTuple):
    """A new BTF, and where the types of the old one are in it.

    Attributes:
        btf: The new BTF.
        id_map: The new ID of each type, by its old ID, `uint32[n]`; 0xffffffff for a type that the new BTF
            does not have. It covers the types of the bases.
    """

    btf: Btf
    id_map: npt.NDArray[np.uint32]


def subset(btf: Btf, type_ids: Ids, *, closure: Closure = "deep") -> Rewritten:
    """Make a BTF of some types. They keep their order.

    The new BTF stands alone, even if the old one is split.

    Args:
        btf: The BTF.
        type_ids: The types.
        closure: Which others are kept with them, as for `Builder.add`: "deep", "pointers" or "none".

    Returns:
        The new BTF, in the same byte order, and the map of IDs.

    Raises:
        NotFoundError: There is no such type.
        ValueError: `closure` is unknown, "none" leaves a reference without a type, or a limit of the format
            is exceeded.
        NotSupportedError: A type is of a kind that only the layout section describes.

    Example:
        >>> small, id_map = btfmmap.subset(btf, [btf.find("list")], closure="pointers")
        >>> small.kind_names(range(1, len(small)))
        ['STRUCT', 'PTR']
        >>> int(id_map[btf.find("list")])
        1
    """
    core = _core_of(btf)
    draft = _core.Draft(core.byte_order == "big", None, False)
    draft.add_types(core, type_ids, closure_number(closure))
    id_map = np.asarray(draft.ids_of(core))
    return Rewritten(opened(draft.build("subset"), None, core.pointer_size), id_map)


def permute(btf: Btf, order: Ids) -> Rewritten:
    """Give the types other IDs.

    Args:
        btf: The BTF. A base keeps its IDs.
        order: The ID of each type, without void and those of a base, in the new order.

    Returns:
        The new BTF, and the map of IDs. The strings are the same.

    Raises:
        ValueError: An ID is missing, there twice, or not one of the BTF's own.
        NotSupportedError: A type is of a kind that only the layout section describes.

    Example:
        >>> reversed_btf, id_map = btfmmap.permute(btf, range(len(btf) - 1, 0, -1))
        >>> int(id_map[1])
        48
    """
    core = _core_of(btf)
    file, id_map = _core.reorder(core, order, "permuted")
    return Rewritten(opened(file, btf.base, core.pointer_size), np.asarray(id_map))


def sorted(btf: Btf) -> Rewritten:  # noqa: A001 (what it returns, as `permute` and `swapped`)
    """Sort the types by name, as Linux 7.0 and later sort theirs.

    Types without a name come first. Types of one name keep their order. Names are compared as bytes.

    Args:
        btf: The BTF. A base keeps its IDs.

    Returns:
        The new BTF, and the map of IDs. The strings are the same.

    Raises:
        NotSupportedError: A type is of a kind that only the layout section describes, or the names are very
            long.

    Example:
        >>> btfmmap.sorted(btf).btf.names()[-3:]
        ['unsigned long long', 'user', 'verdict']
    """
    return permute(btf, np.asarray(_core.name_order(_core_of(btf))))


def swapped(btf: Btf, *, base: Btf | None = None) -> Rewritten:
    """Write a BTF in the other byte order.

    Args:
        btf: The BTF.
        base: The base of a split BTF in the other byte order, to share it; by default it is made, too.

    Returns:
        The new BTF, and the map of IDs, which are the same. The strings are the same.

    Raises:
        ValueError: The IDs or strings of `base` differ from those of the base, or its byte order does not.
        NotSupportedError: A type is of a kind that only the layout section describes.

    Example:
        >>> big = btfmmap.swapped(btf).btf
        >>> big.source.byte_order, big.name(2)
        ('big', 'flow')
    """
    core = _core_of(btf)
    big = core.byte_order == "little"
    if base is None:
        levels = btf._levels()
    else:
        _check_swapped_base(btf, base)
        levels = [btf]
    made = base
    for level in levels:
        own = level._core
        file = _core.swap_bytes(own, big, None if made is None else made._core, "swapped")
        made = opened(file, made, own.pointer_size)
    assert made is not None
    return Rewritten(made, np.arange(core.first_id + core.rows, dtype=np.uint32))


def distill(btf: Btf) -> Rewritten:
    """Put a split BTF on a distilled base, as a module that is built separately from its kernel has.

    The distilled base has the names, kinds and sizes of the types that the split BTF needs of its base.
    `Btf.relocate` puts the result on the base of another kernel. This does what libbpf's `btf__distill_base`
    does.

    Args:
        btf: A split BTF.

    Returns:
        The split BTF, whose `base` is the distilled one, and the map of IDs, which covers both.

    Raises:
        NotSupportedError: The BTF stands alone, or refers to a type of its base whose kind cannot be
            distilled.
        ValueError: A limit of the format is exceeded.

    Example:
        >>> builder = btfmmap.Builder(base=btf)
        >>> _ = builder.struct("own", 112, [("first", btf.find("struct flow"), 0)])
        >>> split = btfmmap.distill(builder.build()).btf
        >>> split.base.distilled, split.base.names()
        (True, ['void', 'flow'])
    """
    core = _core_of(btf)
    base_file, file, id_map = _core.distill(core, "distilled base", "distilled")
    base = opened(base_file, None, core.pointer_size)
    return Rewritten(opened(file, base), np.asarray(id_map))


class Merged(NamedTuple):
    """A new BTF, and where the types of the old ones are in it.

    Attributes:
        btf: The new BTF.
        id_maps: For each old BTF the new ID of each of its types and those of its bases, by their old ID,
            `uint32[n]`.
    """

    btf: Btf
    id_maps: list[npt.NDArray[np.uint32]]


def merge(btfs: Kernel | Iterable[Btf]) -> Merged:
    """Make one BTF of several, such as a kernel and its modules, with each type once.

    The result is that of libbpf's `btf__dedup` of all types. Types are the same if all that they lead to is.
    A forward declaration is the struct or union of its name if there is only one, and an enum without values
    is the enum of its name. VAR and DATASEC are kept as they are. A base that BTFs have in common is taken
    once.

    Args:
        btfs: A `Kernel`, which stands for its base and its modules in their order; or BTFs.

    Returns:
        The new BTF, which stands alone, in the byte order of the first BTF, and the maps of IDs.

    Raises:
        ValueError: There is no BTF, or a limit of the format is exceeded.
        NotSupportedError: A type is of a kind that only the layout section describes, or the types take too
            long to compare.
        TypeError: An item is not a `Btf`.

    Example:
        >>> merged, id_maps = btfmmap.merge([btf, btf])
        >>> len(merged) == len(btf), bool((id_maps[0] == id_maps[1]).all())
        (True, True)
    """
    from ..kernel import Kernel

    if isinstance(btfs, Btf | str | bytes):
        raise TypeError(f"btfs is {btfs!r}, must be a Kernel or several Btfs")
    items = [btfs.base, *btfs.modules.values()] if isinstance(btfs, Kernel) else [*btfs]
    cores = [_core_of(item) for item in items]
    if not cores:
        raise ValueError("there is no BTF to merge")
    file, id_maps = _core.merge(cores, cores[0].byte_order == "big", "merged")
    return Merged(opened(file, None, cores[0].pointer_size), [np.asarray(id_map) for id_map in id_maps])


def _check_swapped_base(btf: Btf, base: object) -> None:
    if not isinstance(base, Btf):
        raise TypeError(f"base is {base!r}, must be a Btf: open it first")
    old: Btf | None = btf.base
    new: Btf | None = base
    if old is None:
        raise ValueError("the BTF stands alone and needs no base")
    if base._core.byte_order == btf._core.byte_order:
        raise ValueError(f"base is {base._core.byte_order}-endian, as the BTF is; swap it first")
    same = base._core.first_id + base._core.rows == btf._core.first_id
    while old is not None and new is not None and same:
        same = np.array_equal(old.string_section, new.string_section)
        old, new = old.base, new.base
    if not same or old is not new:
        raise ValueError("base has other IDs or strings than the base of the BTF")


def _core_of(btf: Btf) -> _core.Btf:
    if not isinstance(btf, Btf):
        raise TypeError(f"btf is {btf!r}, must be a Btf: open it first")
    return btf._core
