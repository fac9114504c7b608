"""`Btf.users`: who embeds a type, points to it, takes or returns it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from .graph import Role
from .kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from .btf import Btf
    from .types import Type

THROUGH = ("typedef", "const", "volatile", "restrict", "type_tag", "pointer", "array", "anonymous")
"""What may stand between a type and its user."""

EMBEDDED = tuple(word for word in THROUGH if word != "pointer")
"""The same without pointers: for who holds the type itself."""

_MODIFIERS = {
    Kind.TYPEDEF: "typedef",
    Kind.CONST: "const",
    Kind.VOLATILE: "volatile",
    Kind.RESTRICT: "restrict",
    Kind.TYPE_TAG: "type_tag",
}
_MAX_USERS = 1 << 20


class User(NamedTuple):
    """One use of a type.

    Attributes:
        type: who uses it: a STRUCT or UNION, a FUNC_PROTO and each FUNC that has it, a VAR, a DECL_TAG, ...
        role: as what: `Role.MEMBER`, `Role.PARAMETER`, `Role.RETURN`, `Role.VARIABLE`, ...
        position: which of the user's members or parameters, from 0; -1 where there is no such number. In a
            struct that holds it through anonymous ones: which of the innermost one's.
        name: of the member (dotted, where it lies in anonymous ones with a name) or parameter.
        bit_offset: of the member from the user's start; 0 otherwise.
        pointers: how many pointers stand between.
    """

    type: Type
    role: Role
    position: int
    name: str
    bit_offset: int
    pointers: int


class _State(NamedTuple):
    """A way up from the type: where it has led, and what it has passed."""

    type_id: int
    bit_offset: int
    pointers: int
    name: str  # of the member passed, while in anonymous structs
    position: int
    held: bool  # in an anonymous struct that has it as a member


def users(
    btf: Btf, type_id: int, roles: Collection[int] | None = None, through: Collection[str] = THROUGH
) -> list[User]:
    unknown = set(through) - set(THROUGH)
    if unknown:
        raise ValueError(f"through has {sorted(unknown)}, may have {', '.join(THROUGH)}")
    search = _Search(btf, frozenset(through))
    found: dict[User, None] = {}
    for user in search.all(type_id):
        if roles is None or user.role in roles:
            found[user] = None
            if len(found) > _MAX_USERS:
                raise ValueError(f"more than {_MAX_USERS:,} users; ask with fewer roles or through less")
    return sorted(found, key=lambda user: (user.type.id, user.role, user.position, user.bit_offset))


class _Search:
    def __init__(self, btf: Btf, through: frozenset[str]) -> None:
        self.btf = btf
        self.through = through
        reverse = btf.graph.reverse._views
        self.indptr, self.sources = reverse["indptr"], reverse["indices"]
        self.roles, self.rows = reverse["role"], reverse["row"]

    def all(self, type_id: int) -> Iterator[User]:
        pending = deque([_State(type_id, 0, 0, "", -1, False)])
        seen = {(type_id, 0, False)}
        while pending:
            state = pending.popleft()
            for user in self.step(state):
                if isinstance(user, User):
                    yield user
                    continue
                key = (user.type_id, user.bit_offset, user.held)
                if key not in seen:
                    seen.add(key)
                    pending.append(user)

    def step(self, state: _State) -> Iterator[User | _State]:
        start, end = self.indptr[state.type_id], self.indptr[state.type_id + 1]
        climbed = False
        for edge in range(start, end):
            source, role, row = self.sources[edge], Role(self.roles[edge]), self.rows[edge]
            for way in self.follow(state, source, role, row):
                climbed = True
                yield way
        if state.held and not climbed:
            # An anonymous struct that nobody holds.
            yield self.user(state.type_id, Role.MEMBER, state)

    def user(self, type_id: int, role: Role, state: _State) -> User:
        return User(
            self.btf._type(type_id), role, state.position, state.name, state.bit_offset, state.pointers
        )

    def follow(self, state: _State, source: int, role: Role, row: int) -> Iterator[User | _State]:
        kind = self.btf._type(source).kind
        if role == Role.MEMBER:
            yield from self.member(state, source, row)
        elif role == Role.ELEMENT and "array" in self.through:
            yield state._replace(type_id=source)
        elif state.held and (role != Role.UNDERLYING or kind == Kind.TYPEDEF):
            # A named one holds it, or it is only pointed to.
            yield self.user(source if role == Role.UNDERLYING else state.type_id, Role.MEMBER, state)
        elif role == Role.UNDERLYING and _MODIFIERS.get(kind) in self.through:
            yield state._replace(type_id=source)
        elif role == Role.POINTEE and "pointer" in self.through:
            yield _State(source, 0, state.pointers + 1, "", -1, False)
        elif role == Role.PARAMETER:
            yield from self.function(state, source, role, self.position("params", source, row), row)
        elif role == Role.RETURN:
            yield from self.function(state, source, role, -1, row)
        else:
            yield self.user(source, role, state)

    def position(self, table: str, parent: int, row: int) -> int:
        owner = self.btf._type(parent).btf
        first: int = owner._columns(table)["indptr"][parent - owner.first_id]
        return row - first

    def member(self, state: _State, source: int, row: int) -> Iterator[User | _State]:
        holder = self.btf._type(source)
        columns = holder.btf._columns("members")
        own = holder.btf.string(columns["name_off"][row])
        name = ".".join(filter(None, (own, state.name)))
        bit_offset = columns["bit_offset"][row] + state.bit_offset
        position = state.position if state.held else self.position("members", source, row)
        held = _State(source, bit_offset, state.pointers, name, position, True)
        if holder.name == "" and "anonymous" in self.through:
            yield held
        else:
            yield self.user(source, Role.MEMBER, held)

    def function(
        self, state: _State, source: int, role: Role, position: int, row: int
    ) -> Iterator[User | _State]:
        params = self.btf._type(source).btf
        name = params.string(params._columns("params")["name_off"][row]) if position >= 0 else ""
        found = state._replace(position=position, name=name)
        yield self.user(source, role, found)
        for edge in range(self.indptr[source], self.indptr[source + 1]):
            if self.roles[edge] == Role.PROTOTYPE:
                yield self.user(self.sources[edge], role, found)
