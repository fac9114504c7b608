"""The table of fingerprints: hashes of what types are, equal across kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from . import _core, kind_numbers
from .tables import Table

if TYPE_CHECKING:
    from typing import Any, ClassVar

    import numpy.typing as npt

    from .tables import U8, U32, U64

VERSION: int = _core.Fingerprints.version()
"""Fingerprints of different versions are not comparable. Store it with them."""

_DTYPE = np.dtype([("high", "u8"), ("low", "u8")])


class Fingerprints(Table):
    """Hashes of 128 bits of what types are.

    There is one row for each STRUCT, UNION, ENUM, ENUM64, FUNC, TYPEDEF and VAR, in id order. Types
    of a base are not included.

    A fingerprint depends on contents only: the bytes of names, sizes and offsets. It never depends on type
    ids, their order, the byte order, the process, or on whether a module was split from its kernel. A type's
    own name, its tags and its linkage do not count; compare them apart. There are three depths, each
    covering what the one before it covers:

    - *layout*: what compiled code depends on. The size, and the path, bit offset and bits of each member of a
      struct or union; members of members without a name are its own, as in C. The size, names and values of
      an enum. The kinds and sizes of a function's parameters and result. For a typedef or variable, the
      layout of its type.
    - *declaration*: also the types of members, parameters and results as C spells them. A named type counts
      by its name only. Names of parameters count, and the nesting of anonymous structs.
    - *deep*: also the declarations of all types that are embedded by value. Pointers are not followed.

    The order of members and enumerators in the record does not count, nor does that of qualifiers. An ENUM64
    of the same size is an ENUM. A FWD is spelled as the struct or union that it declares.

    Anyone can construct collisions: whoever stores data by fingerprint compares the contents as well. The
    sizes of pointers are those of `btf.source.pointer_size`.

    Example:
        >>> table = btf.fingerprints
        >>> table.columns[:4]
        ('id', 'kind', 'layout_high', 'layout_low')
        >>> other = btfmmap.open(btfmmap.SAMPLE_BTF).fingerprints
        >>> bool((other.deep_high == table.deep_high).all())
        True
    """

    _words: ClassVar = {"kind": kind_numbers.NAMES}

    id: U32
    """Type id."""
    kind: U8
    """The `Kind`."""
    layout_high: U64
    """The upper 64 bits of the fingerprint in depth *layout*."""
    layout_low: U64
    """Its lower 64 bits."""
    declaration_high: U64
    """The upper 64 bits in depth *declaration*."""
    declaration_low: U64
    """Its lower 64 bits."""
    deep_high: U64
    """The upper 64 bits in depth *deep*."""
    deep_low: U64
    """Its lower 64 bits."""

    def values(self, depth: Literal["layout", "declaration", "deep"]) -> npt.NDArray[np.void]:
        """Return both halves of one depth as one array, for `np.unique` and comparisons.

        Args:
            depth: "layout", "declaration" or "deep".

        Returns:
            A structured array with the fields `high` and `low`, both `uint64`; shape `(len(table),)`. It is a
            copy.

        Raises:
            ValueError: There is no such depth.

        Example:
            >>> layouts = btf.fingerprints.values("layout")
            >>> layouts.dtype.names
            ('high', 'low')
            >>> len(np.unique(layouts)) < len(layouts)  # a typedef has the layout of its type
            True
        """
        if depth not in ("layout", "declaration", "deep"):
            raise ValueError(f"depth must be 'layout', 'declaration' or 'deep', not {depth!r}")
        columns: dict[str, npt.NDArray[Any]] = dict(self)
        both = np.empty(len(self), _DTYPE)
        for half in ("high", "low"):
            both[half] = columns[f"{depth}_{half}"]
        return both
