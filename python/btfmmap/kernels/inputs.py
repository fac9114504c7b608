"""What a caller may pass as kernels, expanded: paths, globs, folders, `Btf`, `Kernel`."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator, Mapping

from ..btf import Btf
from ..containers import is_candidate
from ..errors import BtfError
from ..inline_files import is_inline
from ..kernel_files import is_kernel_folder
from ..opening import open_file
from .identity import identify, release_in_path
from .opened import OpenKernel, open_path
from .versions import path_key, version_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, TypeAlias

    from ..kernel import Kernel
    from ..opening import Path

    KernelLike: TypeAlias = "Path | Btf | Kernel | KernelInput"
    Kernels: TypeAlias = "KernelLike | Iterable[KernelLike] | Mapping[str, KernelLike]"
    Order = Literal["arguments", "version"]

_GLOB = "*?["
# Not `vmlinux.h` and the like.
_NAMED_KERNEL = re.compile(
    r"(.+\.btf|vmlinu[xz]([-_].*)?(\.btf)?)(\.(tar|xz|zst|gz|bz2|lz4|lzma|tgz|debug|elf|img))*", re.DOTALL
)
_NOT_KERNELS = re.compile(r".*\.(h|c|s|S|rs|txt|md|map|lds|symvers|json|log|cmd|sig|asc|sha\d+)", re.DOTALL)


class KernelInput:
    """A kernel that can be opened: a path, or a `Btf` or `Kernel` that is open already.

    It can be pickled if it is a path, or a `Btf` that can be.

    Attributes:
        path: The file, or the folder of a kernel with its modules. None for a `Btf` from a buffer.
        name: The name that the caller gave it; empty for none.

    Example:
        >>> btfmmap.find_kernels({"old": btfmmap.SAMPLE_BTF})[0].name
        'old'
    """

    __slots__ = ("_absolute", "_opened", "name", "path")

    def __init__(self, path: str | None, name: str = "", *, opened: Btf | Kernel | None = None) -> None:
        self.path: str | None = path
        self.name: str = name
        self._absolute = None if path is None else os.path.abspath(path)
        self._opened = opened

    @property
    def is_open(self) -> bool:
        """Whether it is a `Btf` or `Kernel` that was open already.

        Example:
            >>> btfmmap.find_kernels([btf, btfmmap.SAMPLE_BTF])[0].is_open
            True
        """
        return self._opened is not None

    def open(self) -> OpenKernel:
        """Open the kernel.

        Returns:
            The open kernel, for a `with` block. It does not close what was open already.

        Raises:
            OSError: The file cannot be read, or the folder contains no kernel.
            BtfError: The kernel does not open.

        Example:
            >>> with btfmmap.find_kernels(btfmmap.SAMPLE_BTF)[0].open() as kernel:
            ...     kernel.base["struct flow"].size
            112
        """
        if self._opened is None:
            assert self.path is not None
            assert self._absolute is not None
            # The current folder may have changed, or be that of another process.
            is_here = os.path.abspath(self.path) == self._absolute
            return open_path(self.path if is_here else self._absolute, self.name)
        base = self._opened if isinstance(self._opened, Btf) else self._opened.base
        return OpenKernel(identify(self.path, self.name, btf=base), self._opened, owned=False)

    def __repr__(self) -> str:
        named = f" named {self.name!r}" if self.name else ""
        return f"<KernelInput {self.path or 'buffer'}{named}>"


def find_kernels(kernels: Kernels, *, order: Order = "arguments") -> list[KernelInput]:
    """Expand paths, globs and folders into kernels, without opening any.

    A folder that contains `vmlinux`, `vmlinux.btf`, `btf_vmlinux.ko` or a folder `kernel` is one kernel with
    its modules, such as `/sys/kernel/btf` or `/lib/modules/$(uname -r)`. Of any other folder, each file in it
    or below that may contain BTF is a kernel. Whether it may is decided by its first bytes. Files named like
    a kernel ("*.btf", "vmlinux", "vmlinuz-*", also compressed) always are one, and fail if they are empty or
    damaged. Hidden files are left out, and those such as `vmlinux.inline`, which continue a kernel.

    The result can be passed on in place of `kernels`.

    Args:
        kernels: A path, a glob ("kernels/*.btf", "**" for any folders), a folder, a `Btf`, a `Kernel`; or
            several of these. A mapping gives each a name, and then each must be one kernel.
        order: "arguments" keeps the order of the arguments, and sorts what a glob or folder contains by
            version, folder by folder: 6.9 precedes 6.12, and 6.12-rc1 precedes 6.12. "version" sorts all
            kernels by the release in their path, and puts those without one last.

    Returns:
        The kernels. A path that does not exist is one of them, and fails when it is opened.

    Raises:
        FileNotFoundError: A glob matches no file, or a folder contains no kernel.
        TypeError: An item is not one of these.
        ValueError: A mapping gives one name to several kernels, `order` is unknown, or a `Btf` is closed.

    Example:
        >>> btfmmap.find_kernels({"old": btfmmap.SAMPLE_BTF, "new": btf})[1].name
        'new'
    """
    if order not in ("arguments", "version"):
        raise ValueError(f"order is {order!r}, must be 'arguments' or 'version'")
    found = [*inputs(kernels)]
    return found if order == "arguments" else sorted(found, key=_version)


def inputs(kernels: Kernels) -> Iterable[KernelInput]:
    """Expand kernels as `find_kernels` does: a list, or, for an iterator, a generator that expands lazily.

    Raises:
        FileNotFoundError: A glob matches no file, or a folder contains no kernel.
        TypeError: An item is not one of these.
        ValueError: A mapping gives one name to several kernels, or a `Btf` is closed.
    """
    if isinstance(kernels, Mapping):
        return [_named(name, item) for name, item in kernels.items()]
    if isinstance(kernels, (str, bytes, os.PathLike, Btf)) or not isinstance(kernels, Iterable):
        return [*_expanded(kernels)]
    if isinstance(kernels, Iterator):
        return (found for item in kernels for found in _expanded(item))
    return [found for item in kernels for found in _expanded(item)]


def _named(name: str, item: KernelLike) -> KernelInput:
    found = [*_expanded(item)]
    if len(found) != 1:
        raise ValueError(f"the name {name!r} is that of {len(found):,} kernels: {item!r}")
    return KernelInput(found[0].path, name, opened=found[0]._opened)


def _expanded(item: KernelLike) -> Iterable[KernelInput]:
    if isinstance(item, KernelInput):
        return [item]
    if isinstance(item, Btf):
        return [KernelInput(item.source.path, opened=item)]
    if isinstance(item, (str, bytes, os.PathLike)):
        return _of_path(os.fsdecode(item))
    from ..kernel import Kernel

    if isinstance(item, Kernel):
        return [KernelInput(item.base.source.path, opened=item)]
    raise TypeError(f"expected a path, Btf or Kernel, not {item!r}")


def _of_path(path: str) -> Iterable[KernelInput]:
    if os.path.isdir(path):
        found = _below(path)
        if not found:
            raise FileNotFoundError(errno.ENOENT, "no file in this folder may be a kernel", path)
        return found
    if not any(letter in path for letter in _GLOB) or os.path.lexists(path):
        return [KernelInput(path)]
    from glob import glob

    found = []
    for match in sorted(glob(path, recursive=True), key=path_key):
        found += _below(match) if os.path.isdir(match) else [KernelInput(match)]
    if not found:
        raise FileNotFoundError(errno.ENOENT, "no kernel matches this pattern", path)
    return found


def _below(folder: str) -> list[KernelInput]:
    return [KernelInput(path) for path in sorted(_kernels_below(folder), key=path_key)]


def _kernels_below(folder: str) -> Iterator[str]:
    pending = [folder]
    while pending:
        folder = pending.pop()
        try:
            if is_kernel_folder(folder):
                yield folder
                continue
            entries = [*os.scandir(folder)]
        except OSError:
            yield folder  # fails with the same error when it is opened
            continue
        for entry in entries:
            if entry.name.startswith(".") or is_inline(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                pending.append(entry.path)
            elif entry.is_file() and (_is_named_like_kernel(entry.name) or _may_be_kernel(entry.path)):
                yield entry.path
            elif _is_named_like_kernel(entry.name) and entry.is_symlink() and not os.path.exists(entry.path):
                yield entry.path  # a dangling link: fails when it is opened


def _is_named_like_kernel(name: str) -> bool:
    return _NAMED_KERNEL.fullmatch(name) is not None and _NOT_KERNELS.fullmatch(name) is None


def _may_be_kernel(path: str) -> bool:
    try:
        return is_candidate(open_file(path))
    except (BtfError, OSError):
        return True  # fails with the same error when it is opened


def _version(kernel: KernelInput) -> tuple[Any, ...]:
    release = release_in_path(kernel.path) if kernel.path is not None else ""
    return (not release, version_key(release))
