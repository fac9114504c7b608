"""What to say of a folder that is given where a file is needed."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_SUFFIXES = (".btf", ".ko", ".o", ".bin")
_COMPRESSED = (".xz", ".gz", ".zst", ".bz2", ".lz4", ".lzma")
_MAX_NAMED = 2


def advice_on(folder: str) -> str:
    """The message that a folder is not a file. Names files in it that may contain BTF."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        names = []
    found = [os.path.join(folder, name) for name in (*_kernels(names), *_others(names))]
    found = [path for path in found if not os.path.isdir(path)][:_MAX_NAMED]
    such = f", such as {' or '.join(found)}" if found else ""
    return (
        f"{folder} is a folder; give a file{such} "
        "(check, diff, min-core and btfmmap.open_kernel in Python take folders)"
    )


def _kernels(names: list[str]) -> Iterator[str]:
    return (name for name in names if name.startswith("vmlinu") and not name.endswith(".inline"))


def _others(names: list[str]) -> Iterator[str]:
    """BTF and object files; in a folder such as /sys/kernel/btf also files without a suffix."""
    bare = "vmlinux" in names
    for name in names:
        stem, suffix = os.path.splitext(name)
        if suffix in _COMPRESSED:
            suffix = os.path.splitext(stem)[1]
        if not name.startswith("vmlinu") and (suffix in _SUFFIXES or (bare and not suffix)):
            yield name
