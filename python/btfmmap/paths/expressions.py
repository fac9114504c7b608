"""Paths that are given as C expressions: parsed, and checked against the types."""

from __future__ import annotations

from itertools import islice
from types import MappingProxyType

from .._core import follow
from ..close_names import close_names, similar_names
from ..errors import ExpressionError
from ..fields import fields, resolved
from ..kind_numbers import ARRAY, ENUMS, FUNC, FWD, INT, PTR, STRUCT, UNION, VAR, VOID
from .plans import Hop, hops_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NamedTuple, NoReturn

    from ..btf import Btf
    from ..types import Type
    from .plans import Origin
else:
    from ..named_tuples import NamedTuple

_COMPOSITE = (STRUCT, UNION)
_KEYWORDS = ("struct", "union", "enum", "typedef", "func", "var")
_QUALIFIERS = ("const", "volatile", "restrict", "__rcu", "__user", "__percpu", "__kernel")
ENDS_WITH_CAST = "the expression ends with a cast: write ((TYPE *)pointer)->member"
_ENDS = frozenset(".[]()*&, \t\n")
_MAX_LENGTH = 4096
_MAX_DEPTH = 32
_MAX_COMPARED = 4096  # members
POINTER = "ptr"
"""What the pointer to a type is called in code."""


class Value:
    """What a part of an expression stands for.

    Attributes:
        type_id: The type, or what `pointers` lead to.
        pointers: The number of pointers around the type that have no record, such as those of a cast.
        at_hand: Whether it is a pointer whose value is known, so that it need not be read.
    """

    def __init__(
        self, start: str, origin: Origin, name: str, is_pointer: bool, root: Type | None, type_id: int
    ) -> None:
        self.start = start
        self.origin: Origin = origin
        self.name = name
        self.is_pointer = is_pointer
        self.root = root
        self.type_id = type_id
        self.pointers = 0
        self.at_hand = False
        self.is_type: bool = origin == "type"
        self.hops: list[Hop] = []


class Meaning(NamedTuple):
    """What an expression means: a `Plan` with the ids of types instead of types."""

    start: str
    origin: Origin
    name: str
    is_pointer: bool
    root: int | None
    hops: tuple[tuple[Any, ...], ...]
    type: int

    @property
    def bitfield_size(self) -> int:
        """As `Plan.bitfield_size`."""
        size: int = self.hops[-1][4] if self.hops else 0
        return size


def parsed(
    btf: Btf,
    expression: str,
    variables: Mapping[str, str],
    chosen: Mapping[str, int] = MappingProxyType({}),
    looked_up: dict[str, list[int]] | None = None,
) -> Meaning:
    """Parse an expression and check it; see `Btf.path`.

    Args:
        btf: The types.
        expression: The expression.
        variables: The types of variables.
        chosen: The types that names mean, in place of the first of their candidates.
        looked_up: Gets the candidates of each name of a type or function in the expression.
    """
    parser = Parser(btf, expression, variables, chosen, looked_up)
    value = parser.whole()
    if value.hops and value.hops[-1].kind == "cast":
        parser.fail(ENDS_WITH_CAST, 0, len(expression))
    if value.pointers > value.at_hand:
        # The types of casts and variables need not be in the BTF, so there may be no ID for this one.
        parser.fail(f"the value is a pointer ({parser.c_name(value)}); follow it", 0, len(expression))
    return Meaning(
        value.start,
        value.origin,
        value.name,
        value.is_pointer,
        None if value.root is None else value.root.id,
        tuple((hop.kind, hop.name, hop.type.id, *hop[3:]) for hop in value.hops),
        value.type_id,
    )


def check_variables(btf: Btf, variables: Mapping[str, str]) -> None:
    """Refuse variables whose types are not in the BTF, whether an expression has them or not."""
    for name, declaration in variables.items():
        parser = Parser(btf, name, variables, {}, None)
        parser.at = len(name)
        parser.variable(name, declaration, 0)


class Parser:
    """Parses an expression from left to right. Nesting is bounded, so it may recurse."""

    def __init__(
        self,
        btf: Btf,
        text: str,
        variables: Mapping[str, str],
        chosen: Mapping[str, int],
        looked_up: dict[str, list[int]] | None,
    ) -> None:
        self.btf = btf
        self.text = text
        self.variables = variables
        self.chosen = chosen
        self.looked_up = looked_up
        self.at: int = 0

    def candidates(self, name: str) -> list[int]:
        """The types that a name may mean, best first."""
        ids = self.btf.candidates(name, "find_member")
        if self.looked_up is not None:
            self.looked_up[name] = ids
        choice = self.chosen.get(name)
        return ids if choice is None else [choice]

    def fail(self, reason: str, start: int, end: int | None = None) -> NoReturn:
        """Refuse a part of the expression."""
        raise ExpressionError(reason, self.text, start, start + 1 if end is None else end)

    def skip(self) -> None:
        """Skip white space."""
        text, at = self.text, self.at
        while at < len(text) and text[at].isspace():
            at += 1
        self.at = at

    def takes(self, token: str) -> bool:
        """Whether the token comes next, which is then taken."""
        self.skip()
        if not self.text.startswith(token, self.at):
            return False
        self.at += len(token)
        return True

    def expect(self, token: str) -> None:
        """Take a token that must come next."""
        if not self.takes(token):
            found = repr(self.text[self.at]) if self.at < len(self.text) else "the end"
            self.fail(f"expected {token!r}, found {found}", self.at)

    def word(self) -> str:
        """The name that comes next; empty if there is none."""
        self.skip()
        text, start = self.text, self.at
        at = start
        while at < len(text) and text[at] not in _ENDS and not text.startswith("->", at):
            at += 1
        self.at = at
        return text[start:at]

    # -- the grammar

    def whole(self) -> Value:
        """Parse the expression from its start to its end."""
        text = self.text
        if not isinstance(text, str):
            raise TypeError(f"an expression is a str, not {type(text).__name__}")
        if len(text) > _MAX_LENGTH:
            raise ExpressionError(f"more than {_MAX_LENGTH:,} characters", text[:40] + "...", 40, 43)
        value = self.unary(0)
        self.skip()
        if self.at != len(text):
            self.fail("expected an operator: '.', '->' or '['", self.at)
        return value

    def unary(self, depth: int) -> Value:
        """Parse `*`, casts and parentheses, and what they apply to."""
        self.skip()
        start = self.at
        if depth > _MAX_DEPTH:
            self.fail(f"nested more than {_MAX_DEPTH} deep", start)
        if self.takes("*"):
            value = self.unary(depth + 1)
            self.dereference(value, start)
            return value
        if self.text.startswith("&", start):
            self.fail("'&' is not needed: write the path to the member itself", start)
        if not self.takes("("):
            return self.postfix(self.primary(depth))
        end = self.text.find(")", self.at)
        inner = self.text[self.at : end].rstrip()
        if end > 0 and inner.endswith("*") and "(" not in inner:
            return self.cast(start, depth)
        value = self.unary(depth + 1)
        self.expect(")")
        return self.postfix(value)

    def primary(self, depth: int) -> Value:
        """Parse a name or container_of."""
        start = self.at
        word = self.word()
        if word == "container_of" and self.takes("("):
            return self.container_of(depth)
        if word in _KEYWORDS:
            word = f"{word} {self.word()}"
        if not word.strip():
            found = repr(self.text[self.at]) if self.at < len(self.text) else "the end"
            self.fail(f"expected a name, found {found}", self.at)
        return self.root(word, start)

    def cast(self, start: int, depth: int) -> Value:
        """Parse a cast from behind its opening parenthesis."""
        type_id, pointers = self.type_name(")")
        self.expect(")")
        name = self.text[start + 1 : self.at - 1]
        self.skip()
        operand = self.at
        value = self.unary_or_unknown(depth, follows="cast")
        self.convert(value, " ".join(name.split()), type_id, pointers, operand)
        return value

    def convert(self, value: Value, name: str, type_id: int, pointers: int, operand: int) -> None:
        """Apply a cast to the value of an operand that starts at a place."""
        kind = resolved(self.btf._type(value.type_id))._kind
        if value.pointers or kind == PTR:
            self.load(value)
        elif kind == ARRAY or value.is_type:
            pass  # its address
        elif value.origin != "variable" or value.root is not None:
            size = self.btf._size(value.type_id)
            if kind not in (INT, *ENUMS) or size != self.btf._core.pointer_size:
                self.fail(f"{self.c_name(value)} cannot be cast to a pointer", operand, self.at)
            self.load(value)
        value.type_id, value.pointers, value.at_hand, value.is_type = type_id, pointers, True, False
        value.hops.append(Hop("cast", name, self.btf._type(type_id), 0))

    def container_of(self, depth: int) -> Value:
        """Parse the arguments of container_of."""
        self.skip()
        argument = self.at
        value = self.unary_or_unknown(depth)
        argument_end = argument + len(self.text[argument : self.at].rstrip())
        self.expect(",")
        self.skip()
        type_start = self.at
        type_id, pointers = self.type_name(",)")
        type_end = self.at
        self.expect(",")
        self.skip()
        path_start = self.at
        end = self.text.find(")", path_start)
        if end < 0:
            self.fail("expected ')', found the end", len(self.text))
        path = self.text[path_start:end].strip()
        if not path:
            self.fail("expected the name of a member", path_start)
        self.at = end + 1
        self.hold(
            value, (argument, argument_end), type_id, pointers, (type_start, type_end), path, path_start
        )
        return value

    def hold(
        self,
        value: Value,
        argument: tuple[int, int],
        type_id: int,
        pointers: int,
        type_place: tuple[int, int],
        path: str,
        path_start: int,
    ) -> None:
        """Apply container_of. The places are those of its first two arguments and the start of the third."""
        if pointers or resolved(self.btf._type(type_id))._kind not in _COMPOSITE:
            self.fail("the second argument of container_of is a struct or union", *type_place)
        end = path_start + len(path)
        member = Value("", "type", "", True, None, type_id)
        self.tail(member, f".{path}", [path_start - 1 + at for at in range(len(path) + 2)])
        if any(hop.kind != "member" for hop in member.hops):
            self.fail("the third argument of container_of is a member", path_start, end)
        if any(hop.bitfield_size for hop in member.hops):
            self.fail("a bitfield has no address", path_start, end)
        self.check_container(value, member, *argument)
        if not value.is_type:
            self.load(value)
        offset = -sum(hop.bit_offset for hop in member.hops)
        name = ".".join(hop.name for hop in member.hops)
        in_union = any(hop.in_union for hop in member.hops)
        value.hops.append(Hop("container", name, self.btf._type(type_id), offset, in_union=in_union))
        value.type_id, value.pointers, value.at_hand, value.is_type = type_id, 1, True, False

    def check_container(self, value: Value, member: Value, start: int, end: int) -> None:
        """Refuse a pointer to another type than that of the member, as the kernel's container_of does."""
        if value.origin == "variable" and value.root is None and not value.hops:
            return
        held = resolved(self.btf._type(value.type_id))
        pointee = held if value.is_type or value.pointers == 1 else held.type if held._kind == PTR else None
        if value.pointers > 1 or pointee is None:
            self.fail("the first argument of container_of is a pointer", start, end)
        pointee, wanted = resolved(pointee), resolved(self.btf._type(member.type_id))
        if pointee._kind != VOID and pointee.id != wanted.id:
            self.fail(
                f"a pointer to {pointee.c_name} is not one to the member, which is {wanted.c_name}",
                start,
                end,
            )

    def unary_or_unknown(self, depth: int, *, follows: str = "") -> Value:
        """Parse an operand. If it is only an unknown name, that is a variable, whose type does not matter."""
        self.skip()
        start = self.at
        word = self.word()
        self.skip()
        ends = self.at == len(self.text) or self.text[self.at] in "),"
        if word.isidentifier() and word not in self.variables and not self.btf.find_all(word):
            if ends:
                return Value(word, "variable", word, True, None, VOID)
            if follows == "cast" and self.text.startswith((".", "->", "["), self.at):
                self.fail(f"the cast is of all that follows: write ((TYPE *){word})->", start, len(self.text))
        self.at = start
        return self.unary(depth + 1)

    def postfix(self, value: Value) -> Value:
        """Follow the members and indices that come next."""
        tail: list[str] = []
        places: list[int] = []
        while True:
            self.skip()
            place = self.at
            operator = next(filter(self.text[place:].startswith, (".", "->", "[")), None)
            if operator is None:
                break
            self.at += len(operator)
            tail.append(operator)
            places += range(place, self.at)
            if operator == "[":
                end = self.text.find("]", self.at)
                if end < 0:
                    self.fail("expected ']', found the end", len(self.text))
                part = self.text[self.at : end].strip()
                self.skip()
                tail.append(f"{part}]")
                places += range(self.at, self.at + len(part))
                places.append(end)
                self.at = end + 1
                continue
            part = self.word()
            if not part:
                self.fail("expected the name of a member", self.at)
            tail.append(part)
            places += range(self.at - len(part), self.at)
        if not tail:
            return value
        if value.is_type and tail[0] == "->":
            tail[0] = "."
            del places[0]
        return self.tail(value, "".join(tail), [*places, self.at])

    def tail(self, value: Value, tail: str, places: list[int]) -> Value:
        """Follow a path. `places` has the position of each of its characters in the expression."""
        btf = self.btf
        indexed = value.is_type and tail[0] == "["
        hops, end, failure = follow(
            btf._core_layout, value.type_id, value.pointers + indexed, value.at_hand or indexed, tail
        )
        value.hops += hops_of(btf, hops)
        value.type_id, value.pointers, value.at_hand = end
        value.is_type = False
        if failure is not None:
            reason, first, last = failure
            part = tail[first:last]
            start = places[min(first, len(places) - 1)]
            is_followed = tail[:first].endswith("->")
            self.fail(
                self.why(value, reason, part, is_followed=is_followed),
                start,
                places[min(last, len(places)) - 1] + 1,
            )
        return value

    def why(self, value: Value, reason: str, part: str, *, is_followed: bool) -> str:
        """Why a part cannot be followed from a value. `is_followed` if an arrow led to the value."""
        held = self.btf._type(value.type_id)
        found = resolved(held)
        c_name = self.c_name(value)
        if reason == "no member":
            if not (part[:1].isalnum() or part[:1] in "_$"):
                return f"expected the name of a member, found {part[:1]!r}"
            whose = f"{found.kind.name.lower()} {found.name or f'[{found.id}]'}"
            return f"{whose} has no member {part!r}{self.close_members(part, found)}"
        if reason == "past end":
            return f"index {part} is past the end of {c_name}"
        if reason == "bad index":
            return self.bad_index(part.removesuffix("]"))
        if reason == "not pointer":
            advice = "; write '.'" if found._kind in _COMPOSITE and not value.pointers else ""
            return f"this is {c_name}, not a pointer{advice}"
        if reason == "not array":
            return f"this is {c_name}, which cannot be indexed"
        advice = self.advice(value, is_followed=is_followed)
        if value.pointers or found._kind == PTR:
            return f"this is a pointer ({c_name}){advice}"
        if found._kind == ARRAY and advice:
            return f"this is an array ({c_name}){advice}"
        if found._kind == FWD:
            return f"{c_name} is only declared here, without its members"
        return f"this is {c_name}, which has no members"

    def bad_index(self, part: str) -> str:
        """The message about something that is not an index."""
        return f"{part!r} is not an index: a number, or a name that leaves it open"

    def advice(self, value: Value, *, is_followed: bool) -> str:
        """The end of a message: how to go on from a pointer or array that leads to a struct or union."""
        names = [hop.name for hop in value.hops if hop.kind == "member"]
        levels = [PTR] * value.pointers
        below = resolved(self.btf._type(value.type_id))
        while below._kind in (PTR, ARRAY) and len(levels) < _MAX_DEPTH and below.type is not None:
            levels.append(below._kind)
            below = resolved(below.type)
        if not levels or below._kind not in _COMPOSITE:
            return ""
        # All levels but the last need an index.
        operator = "->" if levels[-1] == PTR else "[i]."
        indices = "[i]" * (len(levels) - 1 + is_followed)
        name = names[-1] if names else value.name
        return f"; write '{name}{indices}{operator}'" if indices or operator != "->" else "; write '->'"

    def close_members(self, name: str, type_: Type) -> str:
        """The end of a message about an unknown member.

        Also looks in the structs that are members: macros such as `sk_net` stand for a member of one.
        """
        paths: dict[str, str] = {}
        inner: dict[str, str] = {}
        for field in islice(fields(type_), _MAX_COMPARED):
            paths.setdefault(field.name, field.name)
            below = resolved(field.type)
            if below._kind in _COMPOSITE and field.name:
                for each in islice(fields(below), _MAX_COMPARED):
                    inner.setdefault(each.name, f"{field.name}.{each.name}")
        close = [paths[each] for each in similar_names(name, paths)]
        close = close or [inner[each] for each in similar_names(name, inner, 0.75)]
        return f"; close to it: {', '.join(map(repr, close))}" if close else ""

    def c_name(self, value: Value) -> str:
        """The type of a value in C."""
        name = self.btf._type(value.type_id).c_name
        return f"{name} {'*' * value.pointers}" if value.pointers else name

    def load(self, value: Value) -> None:
        """Read the pointer that a value is, unless it is at hand."""
        if not value.at_hand and (value.hops or not value.is_pointer):
            value.hops.append(Hop("dereference", "", self.btf._type(self.pointee(value)), 0))

    def pointee(self, value: Value) -> int:
        """The type that a pointer leads to."""
        held = resolved(self.btf._type(value.type_id))
        target = held.type if not value.pointers and held._kind == PTR else held
        return VOID if target is None else target.id

    def dereference(self, value: Value, start: int) -> None:
        """Apply '*'."""
        held = resolved(self.btf._type(value.type_id))
        if value.is_type:
            value.is_type = False
        elif held._kind == ARRAY and not value.pointers:
            self.tail(value, "[0]", [start] * 4)
        elif value.pointers or held._kind == PTR:
            self.load(value)
            value.type_id = self.pointee(value)
            value.pointers = max(0, value.pointers - 1)
            value.at_hand = False
        else:
            self.fail(f"this is {self.c_name(value)}, not a pointer", start)

    # -- names

    def root(self, name: str, start: int) -> Value:
        """What the first name of an expression stands for."""
        btf, end = self.btf, self.at
        declaration = self.variables.get(name)
        if declaration is not None:
            return self.variable(name, declaration, start)
        ids = self.candidates(name)
        for type_id in ids:
            type_ = btf._type(type_id)
            if resolved(type_)._kind in _COMPOSITE:
                return Value(name, "type", POINTER, True, type_, type_id)
        for type_id in ids:
            type_ = btf._type(type_id)
            if type_._kind == FUNC:
                return self.parameter(type_, name, start)
            if type_._kind == VAR:
                bare = type_.name
                return Value(bare, "variable", bare, False, type_, type_.type.id if type_.type else VOID)
        if not ids:
            self.fail(f"no type, function or variable named {name!r}{self.close(name)}", start, end)
        return self.fail(f"{name} is {btf._type(ids[0]).c_name}, which has no members", start, end)

    def variable(self, name: str, declaration: str, start: int) -> Value:
        """Start from a variable of a declared type."""
        inner = Parser(self.btf, declaration, {}, self.chosen, self.looked_up)
        try:
            type_id, pointers = inner.type_name("")
        except ExpressionError as error:
            self.fail(f"the type of {name}, {declaration!r}: {error.reason}", start, self.at)
        value = Value(name, "variable", name, pointers > 0, self.btf._type(type_id), type_id)
        value.pointers = pointers
        value.at_hand = pointers > 0
        return value

    def parameter(self, function: Type, name: str, start: int) -> Value:
        """Start from a parameter, whose name comes next."""
        if not self.takes("."):
            self.fail(f"{name} is a function; write {function.name}.PARAMETER", start, self.at)
        self.skip()
        place = self.at
        word = self.word()
        for param in function.params:
            if param.name == word and word:
                is_pointer = resolved(param.type)._kind == PTR
                value = Value(f"{name}.{word}", "parameter", word, is_pointer, param.type, param.type.id)
                value.at_hand = is_pointer
                return value
        names = [param.name for param in function.params if param.name]
        near = close_names(word, names) or f"; its parameters are {', '.join(names) or 'none'}"
        return self.fail(
            f"function {function.name} has no parameter {word!r}{near}", place, max(place + 1, self.at)
        )

    def type_name(self, end: str) -> tuple[int, int]:
        """Parse the name of a type up to one of the characters; return its id, and the number of stars."""
        self.skip()
        start = self.at
        stop = min((at for at in map(self.text.find, end, [start] * len(end)) if at >= 0), default=-1)
        stop = len(self.text) if stop < 0 else stop
        declared = self.text[start:stop].rstrip()
        bare = declared.rstrip("* \t\n")
        words = [word for word in bare.split() if word not in _QUALIFIERS]
        name = " ".join(words)
        stars = declared[len(bare) :].count("*")
        self.at = stop
        if not name:
            self.fail("expected the name of a type", start)
        return VOID if name == "void" else self.named_type(name, start, start + len(bare)), stars

    def named_type(self, name: str, start: int, end: int) -> int:
        """Find a type by its name, which is at a place."""
        ids = self.candidates(name)
        if not ids:
            self.fail(f"no type named {name!r}{self.close(name)}", start, end)
        return ids[0]

    def close(self, name: str) -> str:
        """The end of a message about an unknown name."""
        bare = name.rpartition(" ")[2]
        start = bare[:3].lower()
        levels = self.btf._levels()
        names = {each for level in levels for each in level.names() if each[:3].lower() == start}
        close = similar_names(bare, sorted(names))
        return f"; close to it: {', '.join(map(repr, close))}" if close else ""
