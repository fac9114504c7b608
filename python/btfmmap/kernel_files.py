"""The files of a kernel and its modules in a folder."""

from __future__ import annotations

import errno
import os
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_KERNEL = re.compile(r"vmlinux|vmlinux\.btf(\.\w+)?|vmlinux-.*|vmlinuz([-.].*)?")
_ONLY_KERNEL = re.compile(r"vmlinux|vmlinux\.btf(\.\w+)?")
_LISTS = ("modules.order", "modules.dep")
_MAX_LIST = 1 << 24  # bytes; real ones have less than 1 MB
_MODULE = re.compile(r"(?P<name>[^.]+)\.(ko|btf)(\.\w+)?")


def is_kernel_folder(folder: str) -> bool:
    """Whether a folder is that of one kernel: it contains `vmlinux`, `vmlinux.btf` or a folder `kernel`.

    Files such as `vmlinux-6.12` do not count: a folder such as `/boot` has several.

    Raises:
        OSError: The folder cannot be read.
    """
    with os.scandir(folder) as entries:
        return any(
            entry.is_dir() if entry.name == "kernel" else bool(_ONLY_KERNEL.fullmatch(entry.name))
            for entry in entries
        )


def kernel_path(root: str) -> str:
    """Return the path of the kernel in a folder.

    Raises:
        OSError: The folder cannot be read, or contains no kernel.
    """
    names = sorted(name for name in os.listdir(root) if _KERNEL.fullmatch(name))
    if not names:
        raise FileNotFoundError(errno.ENOENT, "no vmlinux or vmlinuz in this folder", root)
    return os.path.join(root, names[0])


def module_paths(root: str, own: str | None) -> Iterator[str]:
    """The paths of the modules in a folder. `own` is the kernel's path, or None if it is unknown."""
    beside = own is None or own == os.path.join(root, "vmlinux")
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            if folder == root and _KERNEL.fullmatch(name):
                continue
            bare = folder == root and "." not in name and beside
            if bare or _MODULE.fullmatch(name):
                yield os.path.join(folder, name)


def listed_modules(root: str) -> frozenset[str] | None:
    """Return the names of the modules that belong to the kernel of a folder such as `/lib/modules/6.12.43`.

    `modules.order` lists what was built, `modules.dep` what was installed, each one module per line.

    Returns:
        The names in both; None if the folder has neither, or they cannot be read.
    """
    found: set[str] | None = None
    for name in _LISTS:
        path = os.path.join(root, name)
        if not os.path.isfile(path):
            continue
        try:
            with open(path, "rb") as file:
                content = file.read(_MAX_LIST + 1)
        except OSError:
            return None
        if len(content) > _MAX_LIST:
            return None
        lines = os.fsdecode(content).splitlines()
        names = (module_name(line.partition(":")[0].strip()) for line in lines)
        found = {*(found or ()), *filter(None, names)}
    return None if found is None else frozenset(found)


def module_name(path: str) -> str:
    """Return the kernel's name of a module, which has underscores if the file name has dashes."""
    return os.path.basename(path).partition(".")[0].replace("-", "_")
