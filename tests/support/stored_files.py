"""The files of `tests/data`, unpacked. Its README.md says where each comes from."""

from __future__ import annotations

import io
import lzma
import tarfile
from functools import cache, lru_cache
from pathlib import Path

DATA = Path(__file__).parent.parent / "data"
KERNELS = ("7.2-amd64", "6.12-cloud-arm64", "6.12-s390x")
"""BTF of whole kernels; s390x is big-endian."""
MODULES = ("nls_cp437", "tcp_bbr", "tun")
"""Modules of 7.2-amd64."""


@lru_cache(maxsize=16)
def stored(name: str) -> bytes:
    """The content of `name`.xz."""
    return lzma.decompress((DATA / f"{name}.xz").read_bytes())


@cache
def stored_objects(archive: str = "bpf-objects") -> dict[str, bytes]:
    """The BPF objects of an archive, by their names, sorted: by default the 63 of `bpf-objects.tar.xz`."""
    content = lzma.decompress((DATA / f"{archive}.tar.xz").read_bytes())
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        found = {}
        for member in tar:
            file = tar.extractfile(member)
            if file is not None:
                found[Path(member.name).name] = file.read()
        return dict(sorted(found.items()))
