"""libbpf and btfmmap on seeded mutants: btfmmap refuses what libbpf refuses, and a named rule explains each
refusal by btfmmap alone.

BTFMMAP_LIBBPF names a libbpf.so (default: the system's). Versions before 1.8 know less of the format; named
rules cover that too. BTFMMAP_AGREEMENTS is the number of mutants. They run in a process of their own, because
libbpf may crash.
"""

from __future__ import annotations

import ctypes
import os
import random
import re
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "support"))  # where this runs as a script

import requirements
from btf_writer import ARRAY, DATASEC, DECL_TAG, ENUM, ENUM64, FUNC_PROTO, INT, STRUCT, UNION, VAR, every_kind
from fuzz import seeds
from mutants import mutant

import btfmmap

MUTANTS = os.environ.get("BTFMMAP_AGREEMENTS", "4000")

# Rules by the FormatError's text: what btfmmap refuses and libbpf accepts.
STRICTER = {
    "a version other than 1": r"BTF version \d+; only version 1",
    "a header of less than 24 bytes": r"header length is (1?\d|2[0-3]),",
    "a split BTF in the other byte order than its base": r"byte order differs from its base's",
    "a record of kind 0, which a layout section describes": r"has the unknown kind 0,",
    "a BTF that stands alone, opened on a base": r"starts with a NUL byte: this BTF stands alone",
}
# Bytes after a record's head, and per element, by kind.
FIXED = {INT: 4, ARRAY: 12, VAR: 4, DECL_TAG: 4}
ELEMENT = {STRUCT: 12, UNION: 12, ENUM: 8, FUNC_PROTO: 8, DATASEC: 12, ENUM64: 12}
RETURN_ID = "a FUNC_PROTO's return id that is not there"


class Libbpf:
    """Opens BTF or refuses it."""

    def __init__(self, path: str) -> None:
        library: Any = ctypes.CDLL(path)
        library.btf__new.restype = ctypes.c_void_p
        library.btf__new.argtypes = [ctypes.c_char_p, ctypes.c_uint32]
        # Older ones do not export it.
        self._new_split = getattr(library, "btf__new_split", None)
        if self._new_split is not None:
            self._new_split.restype = ctypes.c_void_p
            self._new_split.argtypes = [*library.btf__new.argtypes, ctypes.c_void_p]
        library.btf__free.argtypes = [ctypes.c_void_p]
        library.libbpf_set_print(None)
        library.libbpf_version_string.restype = ctypes.c_char_p
        version = re.match(r"v(\d+)\.(\d+)", library.libbpf_version_string().decode())
        assert version
        self.version = (int(version[1]), int(version[2]))
        self._library = library

    def open(self, blob: bytes) -> int | None:
        btf: int | None = self._library.btf__new(blob, len(blob))
        return btf

    def opens_split(self) -> bool:
        return self._new_split is not None

    def accepts(self, blob: bytes, base: int | None) -> bool:
        if base is None or self._new_split is None:
            btf = self.open(blob)
        else:
            btf = self._new_split(blob, len(blob), base)
        self._library.btf__free(btf)
        return bool(btf)


def why_stricter(error: btfmmap.FormatError, blob: bytes, libbpf: Libbpf) -> str:
    """The rule for a refusal by btfmmap alone."""
    for rule, said in STRICTER.items():
        if re.search(said, str(error)):
            return rule
    is_reference = re.search(r"refers to type|is not a FUNC_PROTO|offset \d+, past", str(error))
    if libbpf.version < (1, 3) and is_reference:
        return "a reference to nothing, which libbpf before 1.3 does not look at"
    if libbpf.version < (1, 8) and "layout section (" in str(error):
        return "a layout section in a wrong place, which libbpf before 1.8 does not look at"
    if libbpf.version < (1, 8) and uses_new_bits(blob):
        return "a kind or vlen of more bits than libbpf before 1.8 reads"
    if error.offset is not None and "refers to type" in str(error):
        order = "little" if blob[0] == 0x9F else "big"
        info = int.from_bytes(blob[error.offset - 4 : error.offset], order)  # type: ignore[arg-type]
        if info >> 24 & 0x7F == FUNC_PROTO:
            return RETURN_ID
    return ""


def why_looser(btf: btfmmap.Btf, libbpf: Libbpf) -> str:
    """The rule for a refusal by libbpf alone."""
    unknown = bool((btf.types.kind > 19).any())
    if unknown and btf.source.byte_order != sys.byteorder:
        return "a kind that only a layout section describes, in the other byte order: libbpf cannot swap it"
    if libbpf.version >= (1, 8):
        return ""
    if unknown:
        return "a kind that only a layout section describes"
    if bool((btf.types.vlen >= 1 << 16).any()):
        return "a vlen of more than 16 bits"
    if btf.source.byte_order != sys.byteorder and btf.header["hdr_len"] != 24:
        return "a longer header in the other byte order"
    return ""


def uses_new_bits(blob: bytes) -> bool:
    """Whether some record's vlen has more than 16 bits, or its kind more than 5."""
    order = "<" if blob[0] == 0x9F else ">"
    size, start, length = struct.unpack_from(order + "3I", blob, 4)
    at, end = size + start, min(len(blob), size + start + length)
    while at + 12 <= end:
        (info,) = struct.unpack_from(order + "I", blob, at + 4)
        if info & 0x60FF0000:
            return True
        kind, vlen = info >> 24 & 0x1F, info & 0xFFFF
        at += 12 + FIXED.get(kind, 0) + vlen * ELEMENT.get(kind, 0)
    return False


def compare(path: str, seed: int, count: int) -> Counter[str]:
    """Count inputs accepted by both, refused by both, and refused by btfmmap alone by reason."""
    libbpf = Libbpf(path)
    files = [content for target, content in seeds.seeds() if target == "raw"]
    files += [every_kind(header_size=32).build(), Path(btfmmap.SAMPLE_BTF).read_bytes(), *layouts()]
    base_blob = every_kind().build()
    base, base_handle = btfmmap.open(data=base_blob), libbpf.open(base_blob)
    counts: Counter[str] = Counter()
    for number in range(count):
        source = random.Random(f"agreement {seed} {number}")
        blob = mutant(files[number % len(files)], source)
        below = number % 3 == 0 and libbpf.opens_split()
        accepted = libbpf.accepts(blob, base_handle if below else None)
        try:
            btf = btfmmap.open(data=blob, base=base if below else None)
        except btfmmap.FormatError as error:
            reason = why_stricter(error, blob, libbpf) if accepted else "refused by both"
            who = f"only btfmmap refuses: {error}"
        else:
            reason = "accepted by both" if accepted else why_looser(btf, libbpf)
            who = "only libbpf refuses"
        assert reason, f"mutant {number} of seed {seed}: {who}"
        counts[reason] += 1
    return counts


def layouts() -> list[bytes]:
    """BTF with a layout section, some with long records."""
    writer = every_kind(header_size=32)
    writer.add(20, "new", vlen=2, extra=(0, 1, 2))
    blobs = []
    for element in (4, 252):
        layout = bytes(4 * 20) + bytes([4, element, 0, 0])
        types = writer.type_section if element == 4 else writer.type_section + bytes(4 + 2 * 252 - 12)
        blobs.append(
            writer.build(
                types=types + layout,
                type_len=len(types),
                str_off=len(types) + len(layout),
                layout_off=len(types),
                layout_len=len(layout),
            )
        )
    return blobs


def test_libbpf_agrees() -> None:
    path = os.environ.get("BTFMMAP_LIBBPF", "libbpf.so.1")
    try:
        ctypes.CDLL(path)
    except OSError:
        requirements.absent(path)
    command = [sys.executable, "-X", "faulthandler", __file__, path, "1", MUTANTS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    print(done.stdout)
    assert "'accepted by both'" in done.stdout
    assert "'refused by both'" in done.stdout


if __name__ == "__main__":
    print(dict(compare(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
