"""The BPF objects of `tests/data`, and small ones with given relocations."""

from __future__ import annotations

import io
import lzma
import tarfile
from functools import cache
from pathlib import Path

from bpf_object import BpfObject
from btf_writer import BtfWriter
from stored_files import DATA


@cache
def stored_objects(archive: str = "bpf-objects") -> dict[str, bytes]:
    """The objects of an archive, by their names, sorted."""
    content = lzma.decompress((DATA / f"{archive}.tar.xz").read_bytes())
    found = {}
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        for member in tar:
            file = tar.extractfile(member)
            if file is not None:
                found[Path(member.name).name] = file.read()
    return dict(sorted(found.items()))


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
