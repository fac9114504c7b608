"""The reference graph of types."""

from __future__ import annotations

from .arrow_export import ArrowExport
from .optional import optional
from .roles import Role

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Literal

    import networkx
    import numpy as np
    import numpy.typing as npt
    import pandas as pd
    import polars as pl
    import scipy.sparse
    from pyarrow import Table as PyArrowTable

    from ._core import Graph as CoreGraph
    from ._core import View
    from .arrow import ArrowTable
    from .btf import Btf
    from .edges import Edges
    from .tables import U8, U32


class Graph(ArrowExport):
    """The references between the types of a BTF and its bases, as compressed sparse rows (CSR).

    Nodes are type ids. The edges of type `t` are at `[indptr[t], indptr[t + 1])`, in the order of its record.
    In `reverse` they are in ascending order of `indices`. References to void (type id 0) are edges as well.

    `len` is the number of nodes, including void and the types of bases.

    For libraries that read Apache Arrow, a graph is its table of `edges`.

    Example:
        >>> btf.graph
        <Graph of 49 nodes and 64 references>
    """

    def __init__(self, btf: Btf, core: CoreGraph, *, is_reverse: bool = False) -> None:
        self._btf = btf
        self._core = core
        self._is_reverse = is_reverse
        indptr, indices = core.edges(is_reverse)
        self._indptr, self._indices = indptr, indices

    def __reduce__(self) -> tuple[Callable[[Btf, bool], Graph], tuple[Btf, bool]]:
        """Pickle the BTF; the graph is made again from it."""
        return _graph_of, (self._btf, self._is_reverse)

    @property
    def indptr(self) -> U32:
        """The position of each type's first edge, `uint32[nodes + 1]`.

        Example:
            >>> btf.graph.indptr[:4].tolist()
            [0, 0, 1, 17]
        """
        return _array(self._indptr)  # type: ignore[no-any-return]

    @property
    def indices(self) -> U32:
        """The type id at the other end of each edge, `uint32[edges]`.

        Example:
            >>> graph, node = btf.graph, btf.find("struct list")
            >>> graph.indices[graph.indptr[node] : graph.indptr[node + 1]].tolist()
            [4, 4]
        """
        return _array(self._indices)  # type: ignore[no-any-return]

    @property
    def role(self) -> U8:
        """The `Role` of each edge, `uint8[edges]`.

        Computed together with `row` on first access.

        Example:
            >>> btfmmap.Role(btf.graph.role[0])
            <Role.POINTEE: 0>
        """
        return _array(self._core.labels(self._is_reverse)[0])  # type: ignore[no-any-return]

    @property
    def row(self) -> U32:
        """The table row that holds each reference, `uint32[edges]`.

        The role selects the table: `members`, `params`, `arrays`, `funcs`, `vars`, `secinfos`, `decl_tags`,
        and `types` for all other roles. The table belongs to the BTF that has the record.

        Example:
            >>> btf.string(btf.members.name_off[btf.graph.row[1]])
            'link'
        """
        return _array(self._core.labels(self._is_reverse)[1])  # type: ignore[no-any-return]

    @property
    def reverse(self) -> Graph:
        """The graph with all edges reversed: from a type to those that refer to it.

        Computed on first access.

        Example:
            >>> users, limit = btf.graph.reverse, btf.find("enum limit")
            >>> users.indices[users.indptr[limit] : users.indptr[limit + 1]].tolist()
            [2]
        """
        return Graph(self._btf, self._core, is_reverse=not self._is_reverse)

    def __len__(self) -> int:
        """The number of types, including void and the types of bases."""
        return len(self._indptr) - 1

    def __repr__(self) -> str:
        return f"<Graph of {len(self)} nodes and {len(self._indices)} references>"

    def _repr_html_(self) -> str:
        from .html.reprs import graph_html

        return graph_html(self, [role.name for role in Role])

    def reachable(self, ids: Iterable[int] | npt.NDArray[Any]) -> U32:
        """Find all types that the given types depend on, directly or indirectly.

        Args:
            ids: the type ids to start from. Ids that do not exist, such as -1 from `Btf.lookup`, are ignored.

        Returns:
            Type ids in ascending order, including the given ones, and void (0) if something refers to it:
            `uint32[n]`.

        Raises:
            TypeError: `ids` is not an iterable of integers.

        Example:
            >>> btf.graph.reachable([btf.find("struct list")]).tolist()
            [3, 4]
        """
        return _array(self._core.reachable(ids, self._is_reverse))  # type: ignore[no-any-return]

    def dependents(self, ids: Iterable[int] | npt.NDArray[Any]) -> U32:
        """Find all types that depend on the given types, directly or indirectly.

        Args:
            ids: the type ids to start from. Ids that do not exist, such as -1 from `Btf.lookup`, are ignored.

        Returns:
            Type ids in ascending order, including the given ones: `uint32[n]`.

        Raises:
            TypeError: `ids` is not an iterable of integers.

        Example:
            >>> btf.graph.dependents([btf.find("func now")]).tolist()
            [40, 48]
        """
        return self.reverse.reachable(ids)

    @property
    def edges(self) -> Edges:
        """The edges as a table. Made on each access; `target`, `role` and `row` are not copied.

        Example:
            >>> edges = btf.graph.edges
            >>> edges[edges.role == btfmmap.Role.ELEMENT].target[:2].tolist()
            [6, 9]
        """
        import numpy as np

        from .edges import Edges

        columns: dict[str, npt.NDArray[Any]] = {
            "source": self._sources().astype(np.uint32),
            "target": self.indices,
            "role": self.role,
            "row": self.row,
        }
        return Edges.of(columns)

    def to_pandas(self, names: Btf | None = None) -> pd.DataFrame:
        """Return the edges as a `pandas.DataFrame`, as `Table.to_pandas` does. Roles are numbers.

        Args:
            names: The BTF of the graph. The names and kinds of types are added, see `with_names`.

        Returns:
            The DataFrame, with a row for each edge.

        Raises:
            NotFoundError: An ID is not in `names`.
            NotSupportedError: pandas is not installed. The extra `btfmmap[pandas]` installs it.

        Example:
            >>> btf.graph.to_pandas().shape
            (64, 4)
        """
        return self.edges.to_pandas(names)

    def to_arrow(self, names: Btf | None = None) -> PyArrowTable:
        """Return the edges as a `pyarrow.Table`, as `Table.to_arrow` does.

        Args:
            names: The BTF of the graph. The names and kinds of types are added, see `with_names`.

        Returns:
            The table, with a row for each edge.

        Raises:
            NotFoundError: An ID is not in `names`.
            NotSupportedError: pyarrow is not installed. The extra `btfmmap[arrow]` installs it.

        Example:
            >>> btf.graph.to_arrow(names=btf)["target_name"].to_pylist()[:3]
            ['flow', 'list', 'address']
        """
        return self.edges.to_arrow(names)

    def to_polars(self, names: Btf | None = None) -> pl.DataFrame:
        """Return the edges as a `polars.DataFrame`, as `to_arrow` does.

        Args:
            names: The BTF of the graph. The names and kinds of types are added, see `with_names`.

        Returns:
            The DataFrame, with a row for each edge.

        Raises:
            NotFoundError: An ID is not in `names`.
            NotSupportedError: polars is not installed. The extra `btfmmap[polars]` installs it.

        Example:
            >>> btf.graph.to_polars(names=btf).shape
            (64, 8)
        """
        return self.edges.to_polars(names)

    def with_names(self, source: Btf) -> ArrowTable:
        """Add columns with the names of the types to the edges, for libraries that read Arrow.

        The columns are `source_name`, `source_kind_name`, `target_name` and `target_kind_name`.

        Args:
            source: The BTF of the graph.

        Returns:
            An object that libraries take as they take a table.

        Raises:
            NotFoundError: An ID is not in `source`.

        Example:
            >>> len(btf.graph.with_names(btf))
            64
        """
        return self.edges.with_names(source)

    def _arrow_table(self) -> ArrowTable:
        return self.edges._arrow_table()

    def _sources(self) -> npt.NDArray[np.int64]:
        """The source type of each edge, as `int64`.

        numpy's `intp` may have 32 bits, and `to_scipy` multiplies two ids.
        """
        import numpy as np

        return np.repeat(np.arange(len(self), dtype=np.int64), np.diff(self.indptr).astype(np.intp))

    def to_scipy(self, *, weights: Literal["ones", "roles"] = "ones") -> scipy.sparse.csr_array:
        """Convert to an adjacency matrix, for example for `scipy.sparse.csgraph`.

        Each pair of types with a reference between them has one entry, even if there are several references:
        sums of rows count types, and differences of `indptr` count references. Needs the extra
        `btfmmap[graph]`.

        Args:
            weights: "ones" makes each entry 1, so that the lengths of paths are numbers of references.
                "roles" makes it the role of the first reference between the types, plus 1.

        Returns:
            A `scipy.sparse.csr_array`, `uint8[nodes, nodes]`.

        Raises:
            NotSupportedError: scipy is not installed.
            ValueError: `weights` is neither "ones" nor "roles".

        Example:
            >>> btf.graph.to_scipy().shape
            (49, 49)
        """
        if weights not in ("ones", "roles"):
            raise ValueError(f"weights is {weights!r}, must be 'ones' or 'roles'")
        import numpy as np

        sparse = optional("scipy.sparse", "graph")
        nodes = len(self)
        # scipy would add up entries with equal coordinates.
        cells, first = np.unique(self._sources() * nodes + self.indices, return_index=True)
        entries = self.role[first] + 1 if weights == "roles" else np.ones(len(cells), np.uint8)
        return sparse.csr_array((entries, divmod(cells, nodes)), shape=(nodes, nodes))

    def to_networkx(self) -> networkx.MultiDiGraph[int]:
        """Convert to a networkx graph.

        Needs the extra `btfmmap[graph]`.

        Returns:
            A `networkx.MultiDiGraph`. Nodes are type ids with the attributes `name` and `kind`. Edges have
            the attributes `role` (the name of a `Role`) and `row`.

        Raises:
            NotSupportedError: networkx is not installed.

        Example:
            >>> btf.graph.to_networkx().nodes[3]
            {'name': 'list', 'kind': 'STRUCT'}
        """
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


def _graph_of(btf: Btf, is_reverse: bool) -> Graph:
    return btf.graph.reverse if is_reverse else btf.graph


def _array(view: View) -> Any:
    import numpy as np

    return np.asarray(view)
