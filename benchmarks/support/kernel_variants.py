"""Variants of a kernel, which differ a little from one another."""

from __future__ import annotations

import random
import struct

import numpy as np

import btfmmap

_EDITS = 30  # structs that differ between two variants


def variant(content: bytes, seed: int) -> bytes:
    """A kernel in which some structs are larger, and their last members have other offsets."""
    source = random.Random(seed)
    changed = bytearray(content)
    btf = btfmmap.open(data=content)
    start = btf.header["hdr_len"] + btf.header["type_off"]
    structs = np.flatnonzero((btf.types.kind == btfmmap.Kind.STRUCT) & (btf.types.vlen > 1))
    for row in source.sample(structs.tolist(), _EDITS):
        record = start + int(btf.types.offset[row])
        last = record + 12 + 12 * (int(btf.types.vlen[row]) - 1)
        for at, growth in ((record + 8, 8), (last + 8, 64)):
            (number,) = struct.unpack_from("<I", changed, at)
            struct.pack_into("<I", changed, at, number + growth)
    return bytes(changed)
