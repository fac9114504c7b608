"""Small BPF objects with given relocations, and kernels for them."""

from __future__ import annotations

from bpf_object import BpfObject
from btf_writer import BtfWriter


def reading_object(field: str, *, section: str = "socket", struct: str = "flow", order: str = "<") -> bytes:
    """An object with one program, which reads a field of 4 bytes at byte 4 of a struct."""
    types = BtfWriter(order)
    number = types.add_int()
    root = types.add_struct(struct, 8, [("first", number, 0), (field, number, 32)])
    written = BpfObject(types, section=section)
    written.add_load(root, "0:1", 4)
    return written.build()


def kernel_with(*fields: str, struct: str = "flow", order: str = "<") -> BtfWriter:
    """A kernel that has a struct with fields of 4 bytes."""
    types = BtfWriter(order)
    number = types.add_int()
    types.add_struct(struct, 4 * len(fields), [(name, number, 32 * at) for at, name in enumerate(fields)])
    return types
