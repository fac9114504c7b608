"""Searches for the users of a type, for `Btf.users`."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from .errors import FormatError, NotSupportedError
from .graph import Role
from .kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from typing import TypeVar

    from .btf import Btf
    from .types import Type

    _T = TypeVar("_T")

THROUGH = ("typedef", "const", "volatile", "restrict", "type_tag", "pointer", "array", "anonymous")
"""The kinds of types that may lie between a type and its user."""

EMBEDDED = tuple(word for word in THROUGH if word != "pointer")
"""`THROUGH` without pointers: finds users that contain the type itself."""

_MODIFIERS = {kind: kind.name.lower() for kind in Kind if kind.is_modifier}
_ARRAYS = {Kind.ARRAY: "array"}
_POINTERS = {Kind.PTR: "pointer"}
_ROLES = tuple(Role)
_MAX_USERS = 1 << 20
_MAX_STATES = 1 << 17  # paths up through anonymous structs; their number may be exponential
_MAX_DEPTH = 200
_MAX_TEXT = 1 << 30  # characters of distinct names


class User(NamedTuple):
    """One use of a type.

    Attributes:
        type: the user: a STRUCT or UNION, a FUNC_PROTO and each FUNC that has it, a VAR, a DECL_TAG, ...
        role: how it uses the type: `Role.MEMBER`, `Role.PARAMETER`, `Role.RETURN`, `Role.VARIABLE`, ...
        position: index of the member or parameter, from 0; -1 for other roles. For a use through anonymous
            structs, it is the index in the innermost one.
        name: name of the member or parameter. If a named member has an anonymous struct as its
            type, the members of that struct have dotted names: "outer.inner".
        bit_offset: offset of the member from the start of the user, in bits; 0 for other roles.
        pointers: number of pointers between the user and the type.

    Example:
        >>> user = btf.users("struct list")[1]
        >>> user.role.name, user.name, user.pointers
        ('MEMBER', 'next', 1)
    """

    type: Type
    role: Role
    position: int
    name: str
    bit_offset: int
    pointers: int


class _State(NamedTuple):
    """A path from the type towards its users: the type that it has reached, and what it has passed."""

    type_id: int
    bit_offset: int
    pointers: int
    name: str  # of the member, within anonymous structs
    position: int
    holders: tuple[int, ...]  # the anonymous structs that contain the member, from the inside out


def users(
    btf: Btf, type_id: int, roles: Collection[int] | None = None, through: Collection[str] = THROUGH
) -> list[User]:
    """Find the users of a type; see `Btf.users`."""
    wanted = _chosen("roles", _ROLES if roles is None else roles, _ROLES)
    search = _Search(btf, wanted, _chosen("through", through, THROUGH))
    found = dict.fromkeys(search.users(type_id))
    return sorted(found, key=lambda user: (user.type.id, user.role, user.position, user.bit_offset))


def _chosen(argument: str, items: Collection[_T], possible: Iterable[_T]) -> frozenset[_T]:
    if isinstance(items, str | int):
        raise TypeError(f"{argument} must be a collection such as [{items!r}], not {items!r}")
    chosen = frozenset(items)
    unknown = sorted(repr(item) for item in chosen - set(possible))
    if unknown:
        words = [f"Role.{item.name}" if isinstance(item, Role) else str(item) for item in possible]
        raise ValueError(f"{argument} contains {', '.join(unknown)}; allowed are {', '.join(words)}")
    return chosen


class _Search:
    def __init__(self, btf: Btf, wanted: frozenset[int], through: frozenset[str]) -> None:
        self.btf = btf
        self.wanted = wanted
        self.through = through
        graph = btf._core_graph
        # The reverse graph: the types that refer to each type.
        indptr, sources = graph.edges(True)
        roles, rows = graph.labels(True)
        self.indptr, self.sources = memoryview(indptr), memoryview(sources)
        self.roles, self.rows = memoryview(roles), memoryview(rows)
        # Indexed by type id.
        self.kinds = b"".join(level._columns("types")["kind"].tobytes() for level in btf._levels())
        self.texts: dict[tuple[int, int], str] = {}  # by the BTF's first type id and the name's offset
        self.text_size = 0
        words = {Role.UNDERLYING: _MODIFIERS, Role.ELEMENT: _ARRAYS, Role.POINTEE: _POINTERS}
        self.passed = tuple(
            {kind for kind, word in words.get(role, {}).items() if word in through} for role in _ROLES
        )

    def users(self, type_id: int) -> Iterator[User]:
        pending = deque(self.wrappers(type_id))
        users = states = 0
        while pending:
            for found in self.step(pending.popleft()):
                if isinstance(found, User):
                    users += 1
                    yield found
                else:
                    states += 1
                    pending.append(found)
                if users > _MAX_USERS or states > _MAX_STATES:
                    raise ValueError("too many users; pass fewer `roles` or a smaller `through`")

    def wrappers(self, type_id: int) -> Iterator[_State]:
        """Yield the type and those of its wrappers (pointers, typedefs, ...) that a non-wrapper refers to.

        A wrapper refers to one type only, so it is reached only once, unless it is in a cycle.
        """
        reached, pointers = [type_id], [0]
        seen = bytearray(len(self.indptr))
        seen[type_id] = True
        for at, passed_pointers in zip(reached, pointers, strict=False):  # both grow
            is_used = False
            for edge in range(self.indptr[at], self.indptr[at + 1]):
                source, role = self.sources[edge], self.roles[edge]
                if self.kinds[source] not in self.passed[role]:
                    is_used = True
                elif not seen[source]:
                    seen[source] = True
                    reached.append(source)
                    pointers.append(passed_pointers + (role == Role.POINTEE))
            if is_used:
                yield _State(at, 0, passed_pointers, "", -1, ())

    def step(self, state: _State) -> Iterator[User | _State]:
        start, end = self.indptr[state.type_id], self.indptr[state.type_id + 1]
        climbed = False
        for edge in range(start, end):
            source, role, row = self.sources[edge], _ROLES[self.roles[edge]], self.rows[edge]
            for found in self.follow(state, source, role, row):
                climbed = True
                yield found
        if state.holders and not climbed:
            # An anonymous struct that nothing contains.
            yield self.user(state.holders[-1], Role.MEMBER, state)

    def user(self, type_id: int, role: Role, state: _State) -> User:
        return User(
            self.btf._type(type_id), role, state.position, state.name, state.bit_offset, state.pointers
        )

    def follow(self, state: _State, source: int, role: Role, row: int) -> Iterator[User | _State]:
        if role == Role.MEMBER:
            if role in self.wanted:
                yield from self.member(state, source, row)
            return
        if self.kinds[source] in self.passed[role]:
            if not state.holders:
                return  # one of the wrappers
            # An array of an anonymous struct, or the struct with qualifiers, still has the struct's members;
            # a typedef of it or a pointer to it does not.
            if role != Role.POINTEE and self.kinds[source] != Kind.TYPEDEF:
                yield state._replace(type_id=source)
                return
        if state.holders:
            names_it = role == Role.UNDERLYING and self.kinds[source] == Kind.TYPEDEF
            yield self.user(source if names_it else state.holders[-1], Role.MEMBER, state)
        elif role not in self.wanted:
            return
        elif role in (Role.PARAMETER, Role.RETURN):
            yield from self.function(state, source, role, row)
        else:
            yield self.user(source, role, state)

    def string(self, owner: Btf, offset: int) -> str:
        """A string, as one `str` object shared by all users."""
        key = owner.first_id, offset
        found = self.texts.get(key)
        if found is None:
            found = self.texts[key] = owner.string(offset)
            self.count_text(found)
        return found

    def count_text(self, name: str) -> None:
        self.text_size += len(name)
        if self.text_size > _MAX_TEXT:
            raise NotSupportedError(
                "the users' names exceed 1 GiB; pass fewer `roles` or a smaller `through`"
            )

    def position(self, table: str, parent: int, row: int) -> int:
        owner = self.btf._type(parent).btf
        first: int = owner._columns(table)["indptr"][parent - owner.first_id]
        return row - first

    def member(self, state: _State, source: int, row: int) -> Iterator[User | _State]:
        if source in state.holders:
            return  # an anonymous struct that contains itself
        if len(state.holders) >= _MAX_DEPTH:
            raise FormatError(
                f"type [{source}] is nested in more than {_MAX_DEPTH} anonymous structs", type_id=source
            )
        holder = self.btf._type(source)
        columns = holder.btf._columns("members")
        name = own = self.string(holder.btf, columns["name_off"][row])
        if own and state.name:
            name = f"{own}.{state.name}"
            self.count_text(name)
        held = state._replace(
            type_id=source,
            bit_offset=columns["bit_offset"][row] + state.bit_offset,
            name=name or state.name,
            position=state.position if state.holders else self.position("members", source, row),
            holders=(*state.holders, source),
        )
        if holder.name == "" and "anonymous" in self.through:
            yield held
        else:
            yield self.user(source, Role.MEMBER, held)

    def function(self, state: _State, source: int, role: Role, row: int) -> Iterator[User | _State]:
        if role == Role.PARAMETER:
            owner = self.btf._type(source).btf
            name = self.string(owner, owner._columns("params")["name_off"][row])
            state = state._replace(position=self.position("params", source, row), name=name)
        yield self.user(source, role, state)
        for edge in range(self.indptr[source], self.indptr[source + 1]):
            if self.roles[edge] == Role.PROTOTYPE:
                yield self.user(self.sources[edge], role, state)
