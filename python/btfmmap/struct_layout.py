"""The layout of one struct, member by member, and its text in pahole's format."""

from __future__ import annotations

from bisect import bisect_left

from .errors import BtfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple

    from .types import Type
else:
    from .named_tuples import NamedTuple

CACHE_LINE = 64


class LayoutMember(NamedTuple):
    """A member of a `StructLayout`, with members of anonymous structs and unions flattened.

    Attributes:
        name: member name; empty for a padding bitfield.
        type: member type.
        offset: offset from the start of the struct, in bytes. For a bitfield, the offset of its
            storage unit, which has the size of its type.
        bit_position: position of a bitfield's first bit in its storage unit, from the lowest bit (in a
            big-endian file from the highest); 0 if it is not a bitfield.
        bitfield_size: size of a bitfield in bits; 0 if it is not a bitfield.
        size: size of the type in bytes; 0 if it has none.
        depth: number of anonymous structs and unions around it.
        hole: free bytes before it. Members are taken in the order of offsets, not of the record.
        bit_hole: free bits before it, with members taken in the order of offsets.
        cacheline: index of the cache line in which it starts.

    Example:
        >>> member = btf.layout("flow").members[5]
        >>> member.name, member.offset, member.bit_position, member.bitfield_size
        ('priority', 48, 9, 3)
    """

    name: str
    type: Type
    offset: int
    bit_position: int
    bitfield_size: int
    size: int
    depth: int
    hole: int
    bit_hole: int
    cacheline: int


class StructLayout:
    """How one struct or union uses its bytes.

    `str` gives the same text as `text()`.

    Attributes:
        type: the STRUCT or UNION.

    Example:
        >>> btf.layout("flow").size
        112
    """

    def __init__(self, type_: Type) -> None:
        self.type: Type = type_
        self._summary: dict[str, Any] | None = None

    @property
    def summary(self) -> dict[str, Any]:
        """The row of the type in `Btf.layouts`, as a dict of column names to values.

        Example:
            >>> layout = btf.layout("flow")
            >>> layout.summary["holes"], layout.summary["hole_bytes"]
            (2, 5)
        """
        if self._summary is None:  # not made for `text`, as it takes the layouts of all types
            self._summary = _summary(self.type)
        return self._summary

    @property
    def size(self) -> int:
        """The size of the type in bytes.

        Example:
            >>> btf.layout("flow").size
            112
        """
        return self.type.size or 0

    @property
    def distilled(self) -> bool:
        """Whether the type belongs to a distilled base: its size is known, its members are not recorded.

        Example:
            >>> btf.layout("flow").distilled
            False
        """
        return self.type.btf.distilled

    @property
    def members(self) -> list[LayoutMember]:
        """The members in the order of the record, with anonymous structs and unions flattened.

        Raises:
            FormatError: an anonymous struct contains itself or is nested too deeply, or there are more than
                65,536 members.

        Example:
            >>> [(member.name, member.offset) for member in btf.layout("list").members]
            [('next', 0), ('prev', 8)]
        """
        from ._core import named_tuples

        btf = self.type.btf
        names, type_ids, offsets, *others = btf._core_layout.layout_members(self.type.id)
        lines = [offset // CACHE_LINE for offset in offsets]
        return named_tuples(LayoutMember, [names, btf._types(type_ids), offsets, *others, lines])

    def to_dict(self) -> dict[str, Any]:
        """Convert to a dict that can be serialised as JSON.

        Returns:
            A dict with `kind`, `name`, `distilled`, and the columns of `Btf.layouts`. Its `vlen` is the
            number of members in the type's record. Its `members` is a list of dicts with the attributes of
            `LayoutMember` and with `type_id`; `type` is the `c_name` of the type.

        Raises:
            FormatError: see `members`.

        Example:
            >>> btf.layout("list").to_dict()["members"][0]["type"]
            'struct list *'
        """
        facts: dict[str, Any] = {"id": self.type.id, "kind": self.type.kind.name, "name": self.type.name}
        facts |= {"vlen" if name == "members" else name: value for name, value in self.summary.items()}
        facts["distilled"] = self.distilled
        facts["members"] = [
            member._asdict() | {"type": member.type.c_name, "type_id": member.type.id}
            for member in self.members
        ]
        return facts

    def text(self, *, expand: bool = False) -> str:
        r"""Format the layout as pahole does.

        Args:
            expand: whether to write out members whose types are named structs or unions.

        Returns:
            The C declaration with offsets, sizes, holes and cache lines in comments. It ends with a newline.

        Raises:
            FormatError: more than 65,536 members would be written.
            NotSupportedError: the text would be longer than that of any kernel's types.

        Example:
            >>> btf.layout("list").text().splitlines()[1].split()
            ['struct', 'list', '*', 'next;', '/*', '0', '8', '*/']
        """
        return self.type.btf._core_layout.layout_text(self.type.id, expand)

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str | None:
        from .html.reprs import layout_html

        try:
            return layout_html(self)
        except (BtfError, ValueError):  # notebooks then show the repr
            return None

    def __repr__(self) -> str:
        return f"<StructLayout {self.type.name or '(anon)'}: {self.size} bytes>"


def _summary(type_: Type) -> dict[str, Any]:
    columns = type_.btf._layout_columns()
    row = bisect_left(columns["id"], type_.id)
    return {name: column[row] for name, column in columns.items()}
