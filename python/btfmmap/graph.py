"""The reference graph: which type refers to which, as what."""

from __future__ import annotations

from enum import IntEnum

from .optional import optional

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    import networkx
    import numpy as np
    import numpy.typing as npt
    import scipy.sparse

    from ._core import Graph as CoreGraph
    from ._core import View
    from .btf import Btf
    from .tables import U8, U32


class Role(IntEnum):
    """What a type is to the one that refers to it."""

    POINTEE = 0
    """What a PTR points to."""
    ELEMENT = 1
    """What an ARRAY is made of."""
    INDEX = 2
    """The index type of an ARRAY."""
    MEMBER = 3
    PARAMETER = 4
    RETURN = 5
    UNDERLYING = 6
    """What a TYPEDEF, CONST, VOLATILE, RESTRICT or TYPE_TAG stands for."""
    PROTOTYPE = 7
    """The FUNC_PROTO of a FUNC."""
    VARIABLE = 8
    """The type of a VAR."""
    SECTION_ENTRY = 9
    """What a DATASEC lists."""
    TAG_TARGET = 10
    """What a DECL_TAG tags."""


class Graph:
    """The references between the types of a BTF and its bases, in compressed sparse rows.

    Nodes are type ids; the edges of type `t` are `[indptr[t], indptr[t + 1])`, in the order of its record
    (of `reverse`: ascending). References to void (type id 0) are edges like any other.
    """

    def __init__(self, btf: Btf, core: CoreGraph, *, is_reverse: bool = False) -> None:
        self._btf = btf
        self._core = core
        self._is_reverse = is_reverse
        indptr, indices = core.edges(is_reverse)
        self._indptr, self._indices = indptr, indices

    @property
    def indptr(self) -> U32:
        """`uint32[nodes + 1]`: where each type's edges start."""
        return _array(self._indptr)  # type: ignore[no-any-return]

    @property
    def indices(self) -> U32:
        """`uint32[edges]`: the type at the other end."""
        return _array(self._indices)  # type: ignore[no-any-return]

    @property
    def role(self) -> U8:
        """`uint8[edges]`: what the type that is referred to is to the other, a `Role`. Made with `row` when
        first asked for."""
        return _array(self._core.labels(self._is_reverse)[0])  # type: ignore[no-any-return]

    @property
    def row(self) -> U32:
        """`uint32[edges]`: the row with the reference, in the table that has the role (`members`, `params`,
        `arrays`, `funcs`, `vars`, `secinfos`, `decl_tags`, else `types`) of the BTF that has the record."""
        return _array(self._core.labels(self._is_reverse)[1])  # type: ignore[no-any-return]

    @property
    def reverse(self) -> Graph:
        """The same edges from what is referred to, to what refers to it. Made when first asked for."""
        return Graph(self._btf, self._core, is_reverse=not self._is_reverse)

    def __len__(self) -> int:
        """How many types there are, void and those of bases included."""
        return len(self._indptr) - 1

    def __repr__(self) -> str:
        return f"<Graph of {len(self)} types and {len(self._indices)} references>"

    def reachable(self, ids: Iterable[int] | npt.NDArray[Any]) -> U32:
        """Every type id that can be reached from some, those included, ascending: what they need. Ids that
        are not there, such as the -1 of `lookup`, are left out."""
        return _array(self._core.reachable(ids, self._is_reverse))  # type: ignore[no-any-return]

    def dependents(self, ids: Iterable[int] | npt.NDArray[Any]) -> U32:
        """The same against the edges: what needs them."""
        return self.reverse.reachable(ids)

    def _sources(self) -> npt.NDArray[np.int64]:
        """The type that each edge starts from. `intp`, what numpy counts with, may have 32 bits, too few for
        the product of two ids."""
        import numpy as np

        return np.repeat(np.arange(len(self), dtype=np.int64), np.diff(self.indptr).astype(np.intp))

    def to_scipy(self) -> scipy.sparse.csr_array:
        """The adjacency as a `scipy.sparse.csr_array` of `uint8[nodes, nodes]`, for `scipy.sparse.csgraph`:
        one entry for each two types, the role of the first reference between them, plus 1. Needs the extra
        `btfmmap[graph]`."""
        import numpy as np

        sparse = optional("scipy.sparse", "graph")
        nodes = len(self)
        # scipy would add up what stands at the same place.
        places, first = np.unique(self._sources() * nodes + self.indices, return_index=True)
        return sparse.csr_array((self.role[first] + 1, divmod(places, nodes)), shape=(nodes, nodes))

    def to_networkx(self) -> networkx.MultiDiGraph[int]:
        """A `networkx.MultiDiGraph`: nodes are type ids with `name` and `kind`, edges have `role` and `row`.
        Needs the extra `btfmmap[graph]`."""
        graph = optional("networkx", "graph").MultiDiGraph()
        ids = range(len(self))
        for type_id, name, kind in zip(ids, self._btf.names(ids), self._btf.kind_names(ids), strict=True):
            graph.add_node(type_id, name=name, kind=kind)
        names = [role.name for role in Role]
        edges = zip(
            self._sources().tolist(),
            self.indices.tolist(),
            self.role.tolist(),
            self.row.tolist(),
            strict=True,
        )
        graph.add_edges_from(
            (source, to, {"role": names[role], "row": row}) for source, to, role, row in edges
        )
        return graph


def _array(view: View) -> Any:
    import numpy as np

    return np.asarray(view)
