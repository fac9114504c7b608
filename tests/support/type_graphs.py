"""Random graphs of types, by hypothesis: each as the calls of a `Builder` and as the tests' own records."""

from __future__ import annotations

from typing import Any

import btf_writer
from btf_writer import BtfWriter
from requirements import package

st = package("hypothesis").strategies

NAMES = ("a", "b", "c", "longer_name", "with space", "\udcff")
PLAIN = (btf_writer.PTR, btf_writer.VOLATILE, btf_writer.CONST, btf_writer.RESTRICT)
NAMED = (btf_writer.TYPEDEF, btf_writer.TYPE_TAG)
KINDS = (*PLAIN, *NAMED, *(kind for kind in range(1, 20) if kind not in (*PLAIN, *NAMED)))


class TypeGraph:
    """Records that refer to one another in any way. A FUNC has a prototype.

    Attributes:
        writer: The records.
    """

    def __init__(self, draw: Any, order: str, count: int) -> None:
        self.writer = BtfWriter(order)
        self._draw = draw
        self._kinds = [self._draw(st.sampled_from(KINDS)) for _ in range(count)]
        for kind in self._kinds:
            self._add(kind)

    def _number(self, bits: int) -> int:
        found: int = self._draw(st.integers(0, (1 << bits) - 1))
        return found

    def _name(self) -> bytes:
        name: str = self._draw(st.sampled_from(("", *NAMES)))
        return name.encode("utf-8", "surrogateescape")

    def _type(self) -> int:
        return int(self._draw(st.integers(0, len(self._kinds))))

    def _prototype(self) -> int | None:
        found = [number for number, kind in enumerate(self._kinds, 1) if kind == btf_writer.FUNC_PROTO]
        return self._draw(st.sampled_from(found)) if found else None

    def _add(self, kind: int) -> None:
        writer, name = self.writer, self._name()
        elements = range(self._draw(st.integers(0, 3)))
        flag = bool(self._draw(st.booleans()))
        if kind == btf_writer.INT:
            word = self._number(4) << 24 | self._number(8) << 16 | self._number(8)
            writer.add(kind, name, size_or_type=self._number(32), extra=(word,))
        elif kind == btf_writer.ARRAY:
            writer.add_array(self._type(), self._type(), self._number(32))
        elif kind in (btf_writer.STRUCT, btf_writer.UNION):
            rows = [(self._name(), self._type(), self._number(32)) for _ in elements]
            extra = tuple(word for row in rows for word in (writer.string(row[0]), *row[1:]))
            writer.add(kind, name, size_or_type=self._number(32), vlen=len(rows), kind_flag=flag, extra=extra)
        elif kind in (btf_writer.ENUM, btf_writer.ENUM64):
            words = 1 + (kind == btf_writer.ENUM64)
            extra = tuple(
                word
                for _ in elements
                for word in (writer.string(self._name()), *(self._number(32) for _ in range(words)))
            )
            size = self._draw(st.sampled_from((1, 2, 4, 8)))
            writer.add(kind, name, size_or_type=size, vlen=len(elements), kind_flag=flag, extra=extra)
        elif kind == btf_writer.FUNC_PROTO:
            extra = tuple(word for _ in elements for word in (writer.string(self._name()), self._type()))
            writer.add(kind, name, size_or_type=self._type(), vlen=len(elements), extra=extra)
        elif kind == btf_writer.DATASEC:
            extra = tuple(
                word for _ in elements for word in (self._type(), self._number(32), self._number(32))
            )
            writer.add(kind, name, size_or_type=self._number(32), vlen=len(elements), extra=extra)
        elif kind == btf_writer.FUNC:
            prototype = self._prototype()
            if prototype is None:
                writer.add(btf_writer.FLOAT, name, size_or_type=8)
            else:
                writer.add(kind, name, size_or_type=prototype, vlen=self._number(8))
        elif kind in (btf_writer.VAR, btf_writer.DECL_TAG):
            writer.add(kind, name, size_or_type=self._type(), extra=(self._number(32),))
        elif kind == btf_writer.FLOAT:
            writer.add(kind, name, size_or_type=self._number(32))
        elif kind == btf_writer.FWD:
            writer.add(kind, name, kind_flag=flag)
        else:
            writer.add(kind, name, size_or_type=self._type(), kind_flag=flag)


def _type_graph(draw: Any, largest: int = 12) -> TypeGraph:
    """A graph of some types, in either byte order."""
    return TypeGraph(draw, draw(st.sampled_from("<>")), draw(st.integers(0, largest)))


type_graphs = st.composite(_type_graph)
"""A strategy of hypothesis."""
