"""The files of a kernel and its modules in a folder."""

from __future__ import annotations

import errno
import os
import re

from .inline_files import is_inline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_KERNEL = re.compile(r"vmlinux|vmlinux\.btf(\.\w+)?|vmlinux-.*|vmlinuz([-.].*)?")
_ONLY_KERNEL = re.compile(r"vmlinux|vmlinux\.btf(\.\w+)?|btf_vmlinux\.ko(\.\w+)?")
_BTF_MODULE = "btf_vmlinux"
_LISTS = ("modules.order", "modules.dep")
_MAX_LIST = 1 << 24  # bytes; real ones have less than 1 MB
_MODULE = re.compile(r"(?P<name>[^.]+)\.(ko|btf)(\.\w+)?")


def is_kernel_folder(folder: str) -> bool:
    """Whether a folder is that of one kernel.

    It contains `vmlinux`, `vmlinux.btf`, `btf_vmlinux.ko` or a folder `kernel`.

    Files such as `vmlinux-6.12` do not count: a folder such as `/boot` has several.

    Raises:
        OSError: The folder cannot be read.
    """
    with os.scandir(folder) as entries:
        return any(
            entry.is_dir()
            if entry.name == "kernel"
            else bool(_ONLY_KERNEL.fullmatch(entry.name)) and not is_inline(entry.name)
            for entry in entries
        )


def kernel_path(root: str) -> str:
    """Return the path of the kernel in a folder.

    Raises:
        OSError: The folder cannot be read, or contains no kernel.
    """
    names = sorted(name for name in os.listdir(root) if _is_kernel(name))
    if names:
        return os.path.join(root, names[0])
    path = btf_module_path(root)
    if path is None:
        message = "no vmlinux or vmlinuz in this folder, nor btf_vmlinux.ko below"
        raise FileNotFoundError(errno.ENOENT, message, root)
    return path


def btf_module_path(root: str) -> str | None:
    """Return the path of `btf_vmlinux.ko` in a folder or below, or None.

    This module has the BTF of a kernel that is built with CONFIG_DEBUG_INFO_BTF=m.
    """
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            if _MODULE.fullmatch(name) and module_name(name) == _BTF_MODULE:
                return os.path.join(folder, name)
    return None


def _is_kernel(name: str) -> bool:
    return bool(_KERNEL.fullmatch(name)) and not is_inline(name)


def module_paths(root: str, own: str | None) -> Iterator[str]:
    """The paths of the modules in a folder. `own` is the kernel's path, or None if it is unknown."""
    beside = own is None or own == os.path.join(root, "vmlinux")
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            if (folder == root and _is_kernel(name)) or is_inline(name) or module_name(name) == _BTF_MODULE:
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
        found = {*(found or ()), *filter(None, names)} - {_BTF_MODULE}
    return None if found is None else frozenset(found)


def module_name(path: str) -> str:
    """Return the kernel's name of a module, which has underscores if the file name has dashes."""
    return os.path.basename(path).partition(".")[0].replace("-", "_")
