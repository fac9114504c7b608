"""`Btf.users`: who embeds a type, points to it, takes or returns it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from .errors import FormatError
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
_ROLES = tuple(Role)
_MAX_USERS = 1 << 20
_MAX_WAYS = 1 << 17  # up through anonymous structs; there may be exponentially many
_MAX_DEPTH = 200


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
    holders: tuple[int, ...]  # the anonymous structs that have it as a member, from the inside out


def users(
    btf: Btf, type_id: int, roles: Collection[int] | None = None, through: Collection[str] = THROUGH
) -> list[User]:
    unknown = set(through) - set(THROUGH)
    if unknown:
        raise ValueError(f"through has {sorted(unknown)}, may have {', '.join(THROUGH)}")
    search = _Search(btf, frozenset(Role if roles is None else map(Role, roles)), frozenset(through))
    found = {way: None for way in search.ways(type_id) if isinstance(way, User)}
    return sorted(found, key=lambda user: (user.type.id, user.role, user.position, user.bit_offset))


class _Search:
    def __init__(self, btf: Btf, wanted: frozenset[int], through: frozenset[str]) -> None:
        self.btf = btf
        self.wanted = wanted
        self.through = through
        reverse = btf.graph.reverse._views
        self.indptr, self.sources = reverse["indptr"], reverse["indices"]
        self.roles, self.rows = reverse["role"], reverse["row"]

    def ways(self, type_id: int) -> Iterator[User | _State]:
        """The users, and the ways that led to them."""
        pending = deque([_State(type_id, 0, 0, "", -1, ())])
        # What refers to one type only (pointers, arrays, ...) is reached in one way, or is in a circle.
        seen = {type_id}
        users = ways = 0
        while pending:
            for way in self.step(pending.popleft()):
                if isinstance(way, User):
                    users += 1
                elif way.holders:
                    ways += 1
                elif way.type_id in seen:
                    continue
                else:
                    seen.add(way.type_id)
                if users > _MAX_USERS or ways > _MAX_WAYS:
                    raise ValueError("too many users; ask with fewer roles or through less")
                yield way
                if isinstance(way, _State):
                    pending.append(way)

    def step(self, state: _State) -> Iterator[User | _State]:
        start, end = self.indptr[state.type_id], self.indptr[state.type_id + 1]
        climbed = False
        for edge in range(start, end):
            source, role, row = self.sources[edge], _ROLES[self.roles[edge]], self.rows[edge]
            for way in self.follow(state, source, role, row):
                climbed = True
                yield way
        if state.holders and not climbed:
            # An anonymous struct that nobody holds.
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
        word = self.word(role, source)
        # What holds an anonymous struct has its members; what names it, or only points to it, has not.
        if word in self.through and not (state.holders and word in ("typedef", "pointer")):
            yield state._replace(type_id=source, pointers=state.pointers + (word == "pointer"))
        elif state.holders:
            yield self.user(source if word == "typedef" else state.holders[-1], Role.MEMBER, state)
        elif role not in self.wanted:
            return
        elif role in (Role.PARAMETER, Role.RETURN):
            yield from self.function(state, source, role, row)
        else:
            yield self.user(source, role, state)

    def word(self, role: Role, source: int) -> str:
        """Of THROUGH, for what refers so; "" for a user."""
        if role == Role.UNDERLYING:
            return _MODIFIERS.get(self.btf._type(source).kind, "")
        return {Role.ELEMENT: "array", Role.POINTEE: "pointer"}.get(role, "")

    def position(self, table: str, parent: int, row: int) -> int:
        owner = self.btf._type(parent).btf
        first: int = owner._columns(table)["indptr"][parent - owner.first_id]
        return row - first

    def member(self, state: _State, source: int, row: int) -> Iterator[User | _State]:
        if source in state.holders:
            return  # an anonymous struct that holds itself
        if len(state.holders) >= _MAX_DEPTH:
            raise FormatError(
                f"type [{source}] lies in more than {_MAX_DEPTH} anonymous structs", type_id=source
            )
        holder = self.btf._type(source)
        columns = holder.btf._columns("members")
        own = holder.btf.string(columns["name_off"][row])
        held = state._replace(
            type_id=source,
            bit_offset=columns["bit_offset"][row] + state.bit_offset,
            name=".".join(filter(None, (own, state.name))),
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
            name = owner.string(owner._columns("params")["name_off"][row])
            state = state._replace(position=self.position("params", source, row), name=name)
        yield self.user(source, role, state)
        for edge in range(self.indptr[source], self.indptr[source + 1]):
            if self.roles[edge] == Role.PROTOTYPE:
                yield self.user(self.sources[edge], role, state)
