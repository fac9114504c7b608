"""Follows plans through memory."""

from __future__ import annotations

from _operator import index

from .._core import value_types
from ..errors import NotSupportedError
from ..fields import resolved
from ..kind_numbers import ENUM, ENUM64, FLOAT, INT, PTR, STRUCT, UNION
from .spelling import indexes_array, root_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any, Literal

    from .._core import Buffer
    from ..types import Type
    from .plans import Hop, Plan

    Memory = Callable[[int, int], Buffer]

_SIGNED, _BOOL = 1, 4  # encodings
_FLOATS = {2: "e", 4: "f", 8: "d"}
_MAX_VALUES = 1 << 24  # of an array


def read(plan: Plan, memory: Memory, address: int, indices: Sequence[int]) -> Any:
    """Implement `Plan.read`."""
    if not plan.hops:
        raise ValueError(f"{plan}: there is nothing to read, the address is that of the object")
    left = iter(_indices(plan, indices))
    core = plan.type.btf._core
    reader = _Reader(memory, core.byte_order, core.pointer_size)
    address = index(address)
    before = root_type(plan)
    bits = 0
    for hop in plan.hops:
        if hop.kind == "dereference":
            address = reader.number(address + bits // 8, core.pointer_size)
            bits = 0
            if not address:
                return None
        else:
            bits += _offset(hop, before, left)
        before = hop.type
    last = plan.hops[-1]
    if last.kind in ("container", "cast"):
        return reader.wrapped(address + bits // 8)
    return reader.value(plan.type, address, bits, last.bitfield_size)


def _indices(plan: Plan, indices: Sequence[int]) -> list[int]:
    if isinstance(indices, (int, str, dict)):
        raise TypeError(f"indices are a sequence of integers, not {type(indices).__name__}")
    numbers = [index(each) for each in indices]
    if len(numbers) != plan.open_indices:
        raise ValueError(f"{plan} leaves {plan.open_indices} indices open, got {len(numbers)}")
    return numbers


def _offset(hop: Hop, before: Type | None, indices: Iterator[int]) -> int:
    """The bits that a hop adds. `before` is the type that it starts from."""
    if hop.kind != "index" or hop.element is not None:
        return hop.bit_offset
    number = next(indices)
    array = None if before is None else resolved(before)
    if array is not None and indexes_array(before, hop):
        length = array.nelems or 0
        if number < 0 or number >= length > 0:
            raise IndexError(f"index {number} is past the end of {array.c_name}")
    return 8 * hop.stride * number


class _Reader:
    """Reads values from memory of a byte order."""

    def __init__(self, memory: Memory, byte_order: Literal["little", "big"], pointer_size: int) -> None:
        self.memory = memory
        self.order: Literal["little", "big"] = byte_order
        self.mask = (1 << 8 * pointer_size) - 1

    def wrapped(self, address: int) -> int:
        return address & self.mask

    def fetch(self, address: int, size: int) -> bytes:
        address = self.wrapped(address)
        data = self.memory(address, size)
        try:
            found = memoryview(data).tobytes()
        except TypeError:
            given = type(data).__name__
            raise TypeError(f"memory({address:#x}, {size}) returned {given}, not bytes") from None
        if len(found) != size:
            raise ValueError(f"expected {size:,} bytes of memory at {address:#x}, got {len(found):,}")
        return found

    def number(self, address: int, size: int) -> int:
        return int.from_bytes(self.fetch(address, size), self.order)

    def bits(self, address: int, start: int, size: int, *, signed: bool) -> int:
        """Read a bitfield that starts some bits after an address.

        Bits count from the lowest of a byte, or from the highest in a big-endian file.
        """
        address += start // 8
        start %= 8
        covering = (start + size + 7) // 8
        number = self.number(address, covering)
        number >>= start if self.order == "little" else 8 * covering - start - size
        number &= (1 << size) - 1
        return number - (1 << size) if signed and number >> (size - 1) else number

    def value(self, type_: Type, address: int, bit_offset: int, bitfield_size: int) -> Any:
        btf = type_.btf
        (row,) = value_types(btf._core_layout, [type_.id])
        type_id, kind, size, encoding, int_offset, int_bits, signed, is_char, dimensions = row
        if bitfield_size:
            number = self.bits(address, bit_offset, bitfield_size, signed=signed)
            return bool(number) if encoding & _BOOL else number
        if kind not in (INT, ENUM, ENUM64, FLOAT, PTR, STRUCT, UNION):
            raise ValueError(f"a value of type {type_.c_name} has no size")
        address += bit_offset // 8
        count = 1
        for length, _ in dimensions:
            count *= length
        if count > _MAX_VALUES:
            raise NotSupportedError(f"{type_.c_name} has more than {_MAX_VALUES:,} elements")
        if is_char and size == 1 and dimensions:
            width = dimensions[-1][0]
            text = self.fetch(address, count) if count else b""
            return _shaped([text[at : at + width] for at in range(0, count, width or 1)], dimensions[:-1])
        if kind in (STRUCT, UNION):
            decode = btf.decoder(type_id).to_dict
            values: list[Any] = [decode(self.fetch(address + at * size, size)) for at in range(count)]
        else:
            data = self.fetch(address, size * count) if count else b""
            values = [
                self.scalar(data[at : at + size], kind, encoding, int_offset, int_bits, signed)
                for at in range(0, size * count, size or 1)
            ]
        return _shaped(values, dimensions)

    def scalar(
        self, data: bytes, kind: int, encoding: int, offset: int, bits: int, signed: bool
    ) -> int | float | bool:
        if kind == FLOAT:
            if len(data) not in _FLOATS:
                raise NotSupportedError(f"a float of {len(data)} bytes")
            from struct import unpack

            number: float = unpack(("<" if self.order == "little" else ">") + _FLOATS[len(data)], data)[0]
            return number
        if kind == INT and (offset or bits != 8 * len(data)) and 0 < bits <= 8 * len(data) - offset:
            of_data = _Reader(lambda at, size: data[at : at + size], self.order, 8)
            found = of_data.bits(0, offset, bits, signed=signed)
        else:
            found = int.from_bytes(data, self.order, signed=signed)
        return bool(found) if kind == INT and encoding & _BOOL else found


def _shaped(values: list[Any], dimensions: Sequence[tuple[int, int]]) -> Any:
    """Nest values in lists of the dimensions; a single value without dimensions."""
    if not dimensions:
        return values[0] if values else b""
    for length, _ in reversed(dimensions[1:]):
        values = [values[at : at + length] for at in range(0, len(values), length or 1)]
    return values
