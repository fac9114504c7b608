"""`Btf.records`: bytes as records whose fields, bitfields among them, are arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .dtype import Bitfield, Plan, check_size, plan_of
from .kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._core import Buffer
    from .types import Type


class Records:
    """Records of one struct or union, as arrays: `records.field`, or `records["field"]` where a name is also
    a method's. A member that is a struct gives `Records` again. Read in place; only bitfields are computed.

    `len` counts records, iteration gives the fields' names, and a slice, mask or array of numbers selects.
    """

    def __init__(self, plan: Plan, values: npt.NDArray[Any]) -> None:
        self._plan = plan
        self._values = values

    @property
    def fields(self) -> tuple[str, ...]:
        """The members' names, those of anonymous structs included."""
        return (*self._plan.members, *self._plan.bitfields)

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self._values)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.fields})

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no member {name!r} in {self._plan.type.name or 'this record'}") from None

    def __getitem__(self, key: Any) -> Any:
        """A field by name, or the records that a number, slice, mask or array of numbers selects."""
        if not isinstance(key, str):
            return Records(self._plan, self._values[key])
        if key in self._plan.bitfields:
            return self._bits(self._plan.bitfields[key])
        plan = self._plan.members[key]
        values = self._values[key]
        return Records(plan, values) if plan.members or plan.bitfields else values

    def _bits(self, field: Bitfield) -> npt.NDArray[Any]:
        raw = self._values[field.covering]
        big = self._plan.type.btf.source.byte_order == "big"
        count = raw.shape[-1]
        # Bytes from the lowest to the highest; a field of 64 bits may lie in nine.
        order = range(count - 1, -1, -1) if big else range(count)
        skipped = 8 * count - field.shift - field.bits if big else field.shift
        value = np.zeros(raw.shape[:-1], np.uint64)
        for number, byte in enumerate(order):
            shift = 8 * number - skipped
            part = raw[..., byte].astype(np.uint64)
            value |= part << np.uint64(shift) if shift >= 0 else part >> np.uint64(-shift)
        unused = np.uint64(64 - field.bits)
        value <<= unused
        if field.signed:
            signed: npt.NDArray[Any] = value.view(np.int64) >> np.int64(64 - field.bits)
            return signed
        value >>= unused
        return value.astype(np.bool_) if field.boolean else value

    def enum_names(self, name: str) -> npt.NDArray[np.object_]:
        """The enumerators' names of a field of an enum type, as `str`; the number's text where it has none.

        Raises:
            TypeError: the field's type is no enum.
        """
        values = np.asarray(self[name])
        enum = self._plan.members[name].type if name in self._plan.members else self._bitfield_type(name)
        if enum.kind not in (Kind.ENUM, Kind.ENUM64):
            raise TypeError(f"{name!r} is of kind {enum.kind.name}, no enum")
        names = {enumerator.value: enumerator.name for enumerator in reversed(enum.enumerators)}
        numbers, places = np.unique(values, return_inverse=True)
        texts = np.array([names.get(int(number), str(number)) for number in numbers], object)
        named: npt.NDArray[np.object_] = texts[places.reshape(values.shape)]
        return named

    def _bitfield_type(self, name: str) -> Type:
        from .fields import fields, resolved

        return resolved(next(field.type for field in fields(self._plan.type) if field.name == name))

    def to_dict(self, *, enum_names: bool = False) -> dict[str, Any]:
        """Every field by name: arrays, and dicts for members that are structs. `enum_names` gives enums as
        names."""
        found: dict[str, Any] = {}
        for name in self.fields:
            value = self[name]
            if isinstance(value, Records):
                found[name] = value.to_dict(enum_names=enum_names)
            elif enum_names and self._is_enum(name):
                found[name] = self.enum_names(name)
            else:
                found[name] = value
        return found

    def _is_enum(self, name: str) -> bool:
        plan = self._plan.members.get(name)
        type_ = plan.type if plan is not None else self._bitfield_type(name)
        return type_.kind in (Kind.ENUM, Kind.ENUM64)

    def __repr__(self) -> str:
        return f"<Records {self._plan.type.name or '(anon)'}: {len(self)} with {', '.join(self.fields)}>"


def records_of(type_: Type, buffer: Buffer | npt.NDArray[Any]) -> Records:
    """What `Btf.records` gives."""
    plan = plan_of(type_)
    raw = np.frombuffer(buffer, np.uint8)  # type: ignore[arg-type]
    check_size(type_, plan.dtype, raw.size)
    values = raw.view(plan.dtype) if raw.size else np.empty(0, plan.dtype)
    return Records(plan, values)
