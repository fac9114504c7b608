"""Files such as `ext4.inline`: where functions are inlined, as split BTF on a kernel or module.

Linux-next has them in `/sys/kernel/btf`.
"""

from __future__ import annotations

import os

_INLINE = "inline"


def is_inline(path: str) -> bool:
    """Whether a file has the locations of inlined functions of a kernel or module, by its name.

    Such a file is named after the BTF that it continues: `vmlinux.inline` or `ext4.inline`.
    """
    return _INLINE in os.path.basename(path).split(".")[1:]


def inline_paths(root: str) -> list[str]:
    """The paths of the files in a folder that `is_inline` accepts."""
    return [os.path.join(root, name) for name in sorted(os.listdir(root)) if is_inline(name)]


def base_paths(path: str) -> list[str]:
    """The paths at which the base of a split BTF is looked for in its folder: `vmlinux`.

    For an `is_inline` file, it is the BTF that the file is named after.
    """
    folder, name = os.path.split(os.path.abspath(path))
    if not is_inline(name):
        return [os.path.join(folder, "vmlinux")]
    parts = name.split(".")
    at = parts.index(_INLINE, 1)
    stem = ".".join(parts[:at])
    names = (".".join([stem, *parts[at + 1 :]]), stem, f"{stem}.btf", f"{stem}.ko")
    return [os.path.join(folder, name) for name in dict.fromkeys(names)]
