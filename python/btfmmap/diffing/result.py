"""The definitions of several kernels, and how they differ."""

from __future__ import annotations

from functools import cached_property
from operator import index

from .. import _core
from ..arrow_export import ArrowExport
from ..errors import NotFoundError
from ..kernels.mapping import error_text
from ..labels import labels_of_files
from .comparison import DEPTHS, ENTITY_KINDS, Comparison
from .kinds import EntityKind
from .neighbours import by_architecture, neighbours
from .selection import Selection, is_glob, kinds_of, split_keyword

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, NamedTuple, SupportsIndex

    import numpy.typing as npt

    from .._core import DiffHistory, View
    from ..arrow import ArrowTable
    from ..kernels.identity import Identity
    from ..kernels.listing import KernelTable
    from ..kernels.mapping import Outcome
    from .changes import Changes
    from .comparison import ChangeCounts, ChangedEntity, Depth
    from .report import DiffReport
    from .selection import Kinds
    from .tables import Entities, MemberHistory, Offsets, Versions
else:
    from ..named_tuples import NamedTuple

_CONTAINERS = (EntityKind.STRUCT, EntityKind.UNION)
_ABSENT = -1
_MAX_LISTED = 4


class DiffMember(NamedTuple):
    """A member, enumerator or parameter of an entity in one kernel.

    Attributes:
        path: Its name, with those of the structs without a name of their own that contain it: "a.b".
        type: Its type in C; empty for an enumerator.
        bit_offset: Offset in bits; -1 for enumerators and parameters.
        bits: Size of a bitfield in bits; 0 for others.
        size: Size of its type in bytes; -1 if it has none.
        value: The value of an enumerator; 0 for others.
        embedded: The entity that it consists of; -1 for pointers and the like.

    Example:
        >>> result = btfmmap.diff([btf, btf])
        >>> result.members(result.match("struct flow")[0], 0)[3]
        DiffMember(path='protocol', type='__u32', bit_offset=384, bits=8, size=4, value=0, embedded=3)
    """

    path: str
    type: str
    bit_offset: int
    bits: int
    size: int
    value: int
    embedded: int


class DiffResult(ArrowExport):
    """What several kernels define, and which definitions are the same.

    For libraries that read Apache Arrow, a result is a table with a row for each selected entity and kernel
    that has it: `entity` and `kernel`, their rows in the tables, `kind`, `name`, `kernel_name`, and
    `version`, the value of `presence`. `versions` has their fingerprints.

    Example:
        >>> result = btfmmap.diff({"old": btf, "new": btf})
        >>> result.kernels.name.tolist()
        ['old', 'new']
        >>> result.presence.shape, int(result.presence.max())
        ((22, 2), 0)
    """

    def __init__(self, outcomes: Sequence[Outcome], history: DiffHistory, selection: Selection) -> None:
        self._outcomes = outcomes
        self._history = history
        self._selection = selection
        self._compared: tuple[tuple[int, int], Comparison] | None = None
        self._known_members: dict[tuple[int, int], list[DiffMember]] = {}

    # -- tables

    @cached_property
    def kernels(self) -> KernelTable:
        """The kernels, with the error of each that did not open.

        Example:
            >>> btfmmap.diff([btf, btf]).kernels.error.tolist()
            ['', '']
        """
        from ..kernels.listing import kernel_table

        return kernel_table(self._outcomes)

    @property
    def identities(self) -> list[Identity]:
        """Which kernels they are, in order. Unlike `kernels`, this needs no numpy.

        Example:
            >>> [kernel.name for kernel in btfmmap.diff({"old": btf, "new": btf}).identities]
            ['old', 'new']
        """
        return [outcome.identity for outcome in self._outcomes]

    @property
    def kernel_labels(self) -> list[str]:
        """The names of the kernels, or the paths of those whose names are equal; no two are equal.

        Example:
            >>> btfmmap.diff({"old": btf, "new": btf}).kernel_labels
            ['old', 'new']
        """
        return labels_of_files(
            [outcome.identity.name for outcome in self._outcomes],
            [outcome.path or "" for outcome in self._outcomes],
        )

    @property
    def errors(self) -> list[str]:
        """Why each kernel did not open; empty for those that did.

        Example:
            >>> btfmmap.diff(btf).errors
            ['']
        """
        return [error_text(outcome.error) for outcome in self._outcomes]

    @property
    def notes(self) -> list[str]:
        """In what the kernels differ as a whole.

        There is a sentence each for architecture, pointer size, byte order and encoder, if they differ. That
        for the architecture says so if kernels are compared within each only.

        Example:
            >>> btfmmap.diff([btf, btf]).notes
            []
        """
        from .notes import notes

        return notes(self.identities, [outcome.value for outcome in self._outcomes])

    @property
    def order(self) -> list[int]:
        """The rows of the kernels in the order in which they are compared.

        That is the order of the arguments. If more than two kernels opened, of several architectures, it is
        that of their architectures, and in each of these the order of the arguments. Unknown architectures
        and kernels that did not open are last then.

        Example:
            >>> btfmmap.diff([btf, btf, btf]).order
            [0, 1, 2]
        """
        return by_architecture(self._architectures)

    @property
    def neighbours(self) -> list[tuple[int, int]]:
        """The pairs of kernels that commands, pages and pictures compare: an old and a new row.

        They are neighbours in `order` that opened. Two kernels are compared as they are. Of more, only those
        of the same architecture are: what differs between architectures would hide what differs between
        versions. Methods that take two rows, such as `changed`, take any two.

        Example:
            >>> result = btfmmap.diff([btf, btf, btf])
            >>> [len(result.changed(old, new)) for old, new in result.neighbours]
            [0, 0]
        """
        return neighbours(self._architectures)

    @property
    def _architectures(self) -> list[str | None]:
        return [None if each.error is not None else each.identity.arch for each in self._outcomes]

    @cached_property
    def entities(self) -> Entities:
        """What the kernels define.

        Example:
            >>> entities = btfmmap.diff([btf, btf]).entities
            >>> entities.name[:2].tolist()
            ['flow', 'list']
        """
        import numpy as np

        from .tables import Entities

        columns = self._entity_columns
        return Entities.of(
            {
                "kind": np.asarray(columns["kind"]),
                "name": columns["name"],
                "uncertain": np.asarray(columns["uncertain"]).view(bool),
                "selected": np.frombuffer(self._marks, bool),
            }
        )

    @cached_property
    def presence(self) -> npt.NDArray[Any]:
        """Which version of each entity each kernel has: `int32[entities, kernels]`, -1 where it has none.

        Example:
            >>> btfmmap.diff([btf, btf]).presence[0].tolist()
            [0, 0]
        """
        import numpy as np

        return np.asarray(self._history.presence()).reshape(len(self._history), len(self._outcomes))

    @cached_property
    def versions(self) -> Versions:
        """The different definitions of the entities, with their fingerprints.

        Example:
            >>> versions = btfmmap.diff([btf, btf]).versions
            >>> len(versions), int(versions.type_id[0])
            (22, 2)
        """
        import numpy as np

        from .tables import Versions

        columns = self._history.versions()
        return Versions.of(
            {name: each if isinstance(each, list) else np.asarray(each) for name, each in columns.items()}
        )

    # -- changes

    def changes(self, a: SupportsIndex = 0, b: SupportsIndex = 1) -> Changes:
        """Return the changes from one kernel to another, those of the selected entities.

        Args:
            a: Row of the old kernel.
            b: Row of the new one.

        Returns:
            The table, with a row for each change.

        Raises:
            IndexError: There is no such kernel.
            ValueError: One of the kernels did not open.

        Example:
            >>> len(btfmmap.diff([btf, btf]).changes(1, 0))
            0
        """
        from .changes import changes_table

        return changes_table(self._comparison(a, b))

    def changed(
        self, a: SupportsIndex = 0, b: SupportsIndex = 1, *, depth: Depth = "declaration"
    ) -> list[ChangedEntity]:
        """Return the selected entities that changed from one kernel to another, each with its changes.

        Args:
            a: Row of the old kernel.
            b: Row of the new one.
            depth: "layout" returns those whose layout differs, "declaration" also those whose declaration,
                tags or linkage differ, and "deep" also those that embed types that changed. Entities that are
                in one kernel only are included.

        Returns:
            The entities, in the order of `entities`.

        Raises:
            IndexError: There is no such kernel.
            ValueError: One of the kernels did not open, or `depth` is unknown.

        Example:
            >>> btfmmap.diff([btf, btf]).changed(depth="deep")
            []
        """
        _check_depth(depth)
        return self._comparison(a, b).changed(depth)

    def change_counts(
        self, a: SupportsIndex = 0, b: SupportsIndex = 1, *, depth: Depth = "declaration"
    ) -> list[ChangeCounts]:
        """Count the selected entities that changed from one kernel to another.

        Args:
            a: Row of the old kernel.
            b: Row of the new one.
            depth: As for `changed`, whose result is counted.

        Returns:
            The numbers for each kind that has changes, in the order of `EntityKind`.

        Raises:
            IndexError: There is no such kernel.
            NotSupportedError: The names of a kernel exceed a limit.
            ValueError: One of the kernels did not open, or `depth` is unknown.

        Example:
            >>> btfmmap.diff([btf, btf]).change_counts(depth="deep")
            []
        """
        _check_depth(depth)
        return self._comparison(a, b).counts(depth)

    def causes(self, a: SupportsIndex = 0, b: SupportsIndex = 1) -> list[tuple[int, int]]:
        """Return the entities that changed by themselves, and from which others follow.

        Args:
            a: Row of the old kernel.
            b: Row of the new one.

        Returns:
            Rows in `entities`, each with the number of selected entities that follow; the most first.

        Raises:
            IndexError: There is no such kernel.
            NotSupportedError: Too many changes depend on each other.
            ValueError: One of the kernels did not open.

        Example:
            >>> btfmmap.diff([btf, btf]).causes()
            []
        """
        return [*zip(*self._comparison(a, b).causes(), strict=True)]

    def follows(self, cause: SupportsIndex, a: SupportsIndex = 0, b: SupportsIndex = 1) -> list[int]:
        """Return the selected entities that follow from one that changed by itself.

        Args:
            cause: Row of an entity.
            a: Row of the old kernel.
            b: Row of the new one.

        Returns:
            Rows in `entities`, ascending.

        Raises:
            IndexError: There is no such entity or kernel.
            ValueError: One of the kernels did not open.

        Example:
            >>> btfmmap.diff([btf, btf]).follows(0)
            []
        """
        return self._comparison(a, b).follows(index(cause))

    def causes_of(self, entity: SupportsIndex, a: SupportsIndex = 0, b: SupportsIndex = 1) -> list[int]:
        """Return the entities that changed by themselves, and from which one follows.

        Args:
            entity: Row of an entity.
            a: Row of the old kernel.
            b: Row of the new one.

        Returns:
            Rows in `entities`, ascending; empty if nothing that it contains changed.

        Raises:
            IndexError: There is no such entity or kernel.
            ValueError: One of the kernels did not open.

        Example:
            >>> btfmmap.diff([btf, btf]).causes_of(0)
            []
        """
        return self._comparison(a, b).causes_of(index(entity))

    def report(
        self, a: SupportsIndex = 0, b: SupportsIndex = 1, *, depth: Depth = "declaration"
    ) -> DiffReport:
        """Return what changed about the selected entities as text, as `btfmmap diff` prints it.

        Args:
            a: Row of the old kernel.
            b: Row of the new one.
            depth: As for `changed`.

        Returns:
            An object that writes the text of each kind.

        Raises:
            IndexError: There is no such kernel.
            ValueError: One of the kernels did not open, or `depth` is unknown.

        Example:
            >>> btfmmap.diff([btf, btf]).report()
            <DiffReport nothing changed>
        """
        _check_depth(depth)
        return self._comparison(a, b).report(depth)

    # -- entities and members

    def match(self, pattern: str, kind: Kinds = None) -> list[int]:
        """Return the entities whose name matches a glob.

        Args:
            pattern: A glob, such as "tcp_*"; a keyword may precede it: "struct tcp_*".
            kind: An `EntityKind` or its name, or several; None for all.

        Returns:
            Rows in `entities`, ascending.

        Raises:
            ValueError: There is no such kind.

        Example:
            >>> result = btfmmap.diff([btf, btf])
            >>> [str(result.entities.name[row]) for row in result.match("struct *")]
            ['flow', 'list']
        """
        selects = Selection(pattern, kind)
        _, name = split_keyword(pattern)
        rows = range(len(self._history)) if is_glob(name) else self._history.find(name)
        return [row for row in rows if selects(*self.name(row))]

    def name(self, entity: SupportsIndex) -> tuple[EntityKind, str]:
        """Return the kind and the name of an entity. Unlike `entities`, this needs no numpy.

        Args:
            entity: Row in `entities`.

        Raises:
            IndexError: There is no such entity.

        Example:
            >>> btfmmap.diff(btf).name(0)
            (<EntityKind.STRUCT: 0>, 'flow')
        """
        row = index(entity)
        self._check_entity(row)
        kind, name = self._history.name(row)
        return ENTITY_KINDS[kind], name

    def version_numbers(self, entity: SupportsIndex, *, depth: Depth = "deep") -> list[int]:
        """Return the row of `presence` of an entity. Unlike `presence`, this needs no numpy.

        Args:
            entity: Row in `entities`.
            depth: Up to which depth versions with one number are the same. "layout" and "declaration" give
                versions that differ only deeper the number of the first of them.

        Returns:
            For each kernel the number of the version that it has, -1 for none.

        Raises:
            IndexError: There is no such entity.
            ValueError: `depth` is unknown.

        Example:
            >>> btfmmap.diff([btf, btf]).version_numbers(0)
            [0, 0]
        """
        row = index(entity)
        self._check_entity(row)
        _check_depth(depth)
        return self._history.version_numbers(row, DEPTHS.index(depth))

    def members(self, entity: SupportsIndex, kernel: SupportsIndex) -> list[DiffMember]:
        """Return the members, enumerators or parameters of an entity in one kernel.

        Args:
            entity: Row of the entity.
            kernel: Row of the kernel.

        Returns:
            Members in the order of the record; those of members without a name are included in their place.
            The result of a function precedes its parameters, as "return". The type of a typedef or variable
            has an empty path. Empty if the kernel does not define the entity.

        Raises:
            IndexError: There is no such entity or kernel.

        Example:
            >>> result = btfmmap.diff([btf, btf])
            >>> [member.path for member in result.members(result.match("union address")[0], 1)]
            ['bytes', 'words']
        """
        row, version = index(entity), self._version(entity, kernel)
        return [] if version == _ABSENT else [*self._members(row, version)]

    def history(self, path: str) -> MemberHistory:
        """Return what a type, member, enumerator or parameter is in each kernel.

        Args:
            path: The name of an entity, or one with the path of a member: "sock.sk_uid", "struct sock",
                "vfs_read.buf". The path may lead through members of named structs. If several entities have
                the name, structs and unions come first.

        Returns:
            A table with a row for each kernel.

        Raises:
            NotFoundError: No kernel has it.

        Example:
            >>> btfmmap.diff([btf, btf]).history("flow.link.prev").bit_offset.tolist()
            [64, 64]
        """
        import numpy as np

        from .tables import MemberHistory

        entity, member = self._located(path)
        rows = []
        for kernel in range(len(self._outcomes)):
            version = self._version(entity, kernel)
            if version == _ABSENT:
                found = None
            elif member:
                found = self._member(entity, member, kernel)
            else:
                found = DiffMember("", "", -1, 0, self._history.members(entity, version)[0], 0, entity)
            rows.append((version, found))
        members = [found or DiffMember("", "", -1, -1, -1, 0, -1) for _, found in rows]
        columns = {
            name: np.array([_as_int64(getattr(each, name)) for each in members], np.int64)
            for name in ("bit_offset", "bits", "size", "value")
        }
        return MemberHistory.of(
            {
                "kernel": self.kernels.name,
                "present": np.array([found is not None for _, found in rows], bool),
                "version": np.array([version for version, _ in rows], np.int64),
                **columns,
                "type": [each.type for each in members],
            }
        )

    def stable(self, kind: Kinds = None, *, depth: Depth = "declaration") -> Entities:
        """Return the selected entities that are the same in all kernels that opened.

        Args:
            kind: An `EntityKind` or its name, or several; None for all.
            depth: Up to which depth of their fingerprints: "layout", "declaration" or "deep".

        Returns:
            The rows of `entities`.

        Raises:
            ValueError: There is no such kind or depth.

        Example:
            >>> len(btfmmap.diff([btf, btf]).stable("struct"))
            2
        """
        import numpy as np

        _check_depth(depth)
        opened = [number for number, outcome in enumerate(self._outcomes) if outcome.error is None]
        presence = self.presence[:, opened]
        versions = self.versions
        starts = np.searchsorted(versions.entity, np.arange(len(self._history)))
        numbers = np.where(presence == _ABSENT, 0, presence + starts[:, None])
        mask = np.frombuffer(self._marks, bool) & bool(opened) & (presence != _ABSENT).all(axis=1)
        mask &= np.isin(self.entities.kind, [*kinds_of(kind)])
        for half in ("high", "low"):
            hashes = versions[f"{depth}_{half}"][numbers]
            mask &= (hashes == hashes[:, :1]).all(axis=1)
        entities: Entities = self.entities[mask]
        return entities

    def offsets(self, pattern: str) -> tuple[Offsets, npt.NDArray[Any]]:
        """Return the bit offsets of members in all kernels.

        Args:
            pattern: A glob of the entity's name, a dot, and a glob of the member's path: "sk_buff.*".

        Returns:
            A table of the members, and an array `int64[members, kernels]` of their bit offsets; -1 where a
            kernel does not have the member.

        Raises:
            ValueError: The pattern has no dot.

        Example:
            >>> table, offsets = btfmmap.diff([btf, btf]).offsets("flow.from*")
            >>> table.name.tolist(), offsets.tolist()
            (['flow.from', 'flow.from_user'], [[128, 128], [704, 704]])
        """
        from fnmatch import fnmatchcase

        import numpy as np

        from .tables import Offsets

        owner, dot, path = pattern.partition(".")
        if not dot:
            raise ValueError(f"{pattern!r} has no dot between a struct and its members")
        entities: list[int] = []
        names: list[str] = []
        rows: list[list[int]] = []
        for entity in self.match(owner):
            found: dict[str, list[int]] = {}
            for kernel in range(len(self._outcomes)):
                for member in self.members(entity, kernel):
                    if member.bit_offset >= 0 and fnmatchcase(member.path, path):
                        row = found.setdefault(member.path, [-1] * len(self._outcomes))
                        row[kernel] = row[kernel] if row[kernel] >= 0 else member.bit_offset
            entities += [entity] * len(found)
            names += [f"{self.name(entity)[1]}.{member}" for member in found]
            rows += found.values()
        table = Offsets.of({"entity": np.array(entities, np.uint32), "name": names})
        return table, np.array(rows, np.int64).reshape(len(rows), len(self._outcomes))

    # -- how it is known

    def _arrow_table(self) -> ArrowTable:
        from .tables import presence_table

        return presence_table(self)

    @cached_property
    def _entity_columns(self) -> dict[str, Any]:
        return self._history.entities()

    @cached_property
    def _marks(self) -> bytes:
        """A byte for each entity: whether it is selected."""
        return self._selection.marks(self._history)

    @cached_property
    def _presence_view(self) -> View:
        return self._history.presence()

    def _version(self, entity: SupportsIndex, kernel: SupportsIndex) -> int:
        row, column = index(entity), index(kernel)
        self._check_entity(row)
        self._check_kernel(column)
        return self._presence_view[row * len(self._outcomes) + column]

    def _check_entity(self, entity: int) -> None:
        if not 0 <= entity < len(self._history):
            raise IndexError(f"there is no entity {entity}")

    def _check_kernel(self, kernel: int) -> None:
        if not 0 <= kernel < len(self._outcomes):
            raise IndexError(f"there is no kernel {kernel}, there are {len(self._outcomes)}")

    def _comparison(self, a: SupportsIndex, b: SupportsIndex) -> Comparison:
        pair = index(a), index(b)
        for kernel in pair:
            self._check_kernel(kernel)
            outcome = self._outcomes[kernel]
            if outcome.error is not None:
                raise ValueError(f"kernel {kernel}, {outcome.identity.name}, did not open: {outcome.error}")
        known = self._compared
        if known is None or known[0] != pair:
            core = _core.DiffChanges(self._history, *pair)
            known = self._compared = pair, Comparison(core, self._marks)
        return known[1]

    def _members(self, entity: int, version: int) -> list[DiffMember]:
        members = self._known_members.get((entity, version))
        if members is None:
            kind, _ = self.name(entity)
            _, type_, found, is_enum = self._history.members(entity, version)
            types = [] if type_ is None else [type_]
            members = self._known_members[entity, version] = [*_made(found, types, kind, is_enum)]
        return members

    def _size(self, entity: int, kernel: int) -> int:
        """The size of an entity in bytes; -1 if it has none, or the kernel does not define it."""
        version = self._version(entity, kernel)
        return _ABSENT if version == _ABSENT else self._history.members(entity, version)[0]

    def _member(self, entity: int, path: str, kernel: int) -> DiffMember | None:
        """The member at a path, which may lead through named structs."""
        start = 0  # in bits
        while True:
            version = self._version(entity, kernel)
            members = (
                {}
                if version == _ABSENT
                else {each.path: each for each in reversed(self._members(entity, version))}
            )
            found = members.get(path)
            if found is not None:
                offset = -1 if found.bit_offset < 0 else start + found.bit_offset
                return found._replace(bit_offset=offset)
            dot = path.rfind(".")
            while dot > 0 and path[:dot] not in members:
                dot = path.rfind(".", 0, dot)
            if dot <= 0 or members[path[:dot]].embedded < 0:
                return None
            start += max(members[path[:dot]].bit_offset, 0)
            entity, path = members[path[:dot]].embedded, path[dot + 1 :]

    def _located(self, path: str) -> tuple[int, str]:
        """The entity and the member's path that a text names."""
        kind, rest = split_keyword(path)
        name, _, member = rest.partition(".")
        rows = [row for row in self._history.find(name) if kind in (None, self.name(row)[0])]
        rows.sort(key=lambda row: self.name(row)[0] not in _CONTAINERS)
        for row in rows:
            if not member or any(
                self._member(row, member, kernel) is not None for kernel in range(len(self._outcomes))
            ):
                return row, member
        from ..close_names import close_names

        if not rows:
            names = dict.fromkeys(self._entity_columns["name"])
            close = close_names(name, (its for its in names if name[:3] in its))
            raise NotFoundError(f"no kernel has {path!r}{close}")
        kernels = range(len(self._outcomes))
        close = close_names(
            member, (each.path for kernel in kernels for each in self.members(rows[0], kernel))
        )
        raise NotFoundError(f"{name} has no {member!r} in any kernel{close}")

    def _repr_html_(self) -> str:
        from ..html.reprs import diff_html

        return diff_html(self)

    def __repr__(self) -> str:
        kernels, same = len(self._outcomes), 0
        opened = [number for number, outcome in enumerate(self._outcomes) if outcome.error is None]
        failed = [outcome.identity.name for outcome in self._outcomes if outcome.error is not None]
        presence = self._presence_view
        for start in range(0, kernels * len(self._history), max(kernels, 1)):
            versions = {presence[start + kernel] for kernel in opened}
            same += len(versions) == 1 and _ABSENT not in versions
        text = f"{len(opened):,} kernel{'s' * (len(opened) != 1)}: {len(self._history):,} entities"
        if len(opened) > 1:
            text += f", {same:,} of them the same in all"
        if failed:
            shown = ", ".join(map(repr, failed[:_MAX_LISTED])) + ", ..." * (len(failed) > _MAX_LISTED)
            text += f"; did not open: {shown}"
        return f"<DiffResult {text}>"


def _check_depth(depth: str) -> None:
    if depth not in DEPTHS:
        raise ValueError(f"depth must be 'layout', 'declaration' or 'deep', not {depth!r}")


def _as_int64(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _made(
    found: Iterable[tuple[Any, ...]], types: list[tuple[Any, ...]], kind: EntityKind, is_enum: bool
) -> Iterable[DiffMember]:
    if kind in (EntityKind.FUNCTION, EntityKind.TRACEPOINT):
        found = [*types, *found]
    for path, text, offset, bits, size, embedded in found:
        if is_enum:
            yield DiffMember(path, "", -1, 0, -1, offset, -1)
        elif kind in (EntityKind.FUNCTION, EntityKind.TRACEPOINT):
            yield DiffMember(path, text, -1, 0, size, 0, embedded)
        else:
            yield DiffMember(path, text, offset, bits, size, 0, embedded)
    if kind in (EntityKind.TYPEDEF, EntityKind.VARIABLE):
        for _, text, _, _, size, embedded in types:
            if not text.endswith("{...}"):
                yield DiffMember("", text, -1, 0, size, 0, embedded)
