"""One kernel that is open, with its identity."""

from __future__ import annotations

import errno
import os
from types import MappingProxyType

from ..btf import Btf
from ..kernel_files import kernel_path
from ..opening import KERNEL_BTF, open_with_holder
from .identity import identify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Any

    from ..errors import BtfError
    from ..kernel import Kernel
    from .identity import Identity

# Where distributions install the kernel of a folder `lib/modules/RELEASE`, below the folder that has `lib`.
_PLACES = (
    "boot/vmlinuz-{release}",
    "boot/vmlinux-{release}",
    "usr/lib/debug/boot/vmlinux-{release}",
    "usr/lib/debug/lib/modules/{release}/vmlinux",
)
_NONE: Mapping[str, Any] = MappingProxyType({})


class OpenKernel:
    """A kernel, with its modules if it was opened from a folder. A context manager.

    Attributes:
        identity: Which kernel it is.
        base: The kernel's own `Btf`.
        modules: A read-only mapping from the name of each module to its `Btf`, sorted by name.
        failed: A read-only mapping from the path of each module that did not open to its error.
        complete: Whether `modules` is known to have every module of the kernel, as in `Kernel.complete`.
        missing: The names of modules that the kernel has and `modules` does not, as in `Kernel.missing`.

    Example:
        >>> with btfmmap.find_kernels(btfmmap.SAMPLE_BTF)[0].open() as kernel:
        ...     kernel.base.find("flow"), len(kernel.modules)
        (2, 0)
    """

    __slots__ = ("_owned", "base", "complete", "failed", "identity", "missing", "modules")

    def __init__(self, identity: Identity, opened: Btf | Kernel, *, owned: bool) -> None:
        self._owned = opened if owned else None
        self.identity: Identity = identity
        self.base: Btf = opened if isinstance(opened, Btf) else opened.base
        self.modules: Mapping[str, Btf] = _NONE if isinstance(opened, Btf) else opened.modules
        self.failed: Mapping[str, BtfError | OSError] = _NONE if isinstance(opened, Btf) else opened.failed
        self.complete: bool = not isinstance(opened, Btf) and opened.complete
        self.missing: tuple[str, ...] = () if isinstance(opened, Btf) else opened.missing

    def close(self) -> None:
        """Close the kernel and its modules, unless they were open before.

        Example:
            >>> kernel = btfmmap.find_kernels(btf)[0].open()
            >>> kernel.close()
            >>> btf.closed
            False
        """
        if self._owned is not None:
            self._owned.close()

    def __enter__(self) -> OpenKernel:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<OpenKernel {self.identity.name} with {len(self.modules)} modules>"


def open_path(path: str, name: str) -> OpenKernel:
    """Open a file, or the folder of a kernel with its modules.

    Raises:
        OSError: The file cannot be read, or the folder contains no kernel.
        BtfError: The kernel does not open.
    """
    if not os.path.isdir(path):
        btf, holder = open_with_holder(path)
        return OpenKernel(identify(path, name, btf=btf, holder=holder), btf, owned=True)
    from ..kernel import open_base, with_modules

    base, holder, own = open_base(_kernel_of(path), path)
    kernel = with_modules(base, path, own, owns_base=True)
    return OpenKernel(identify(path, name, btf=base, holder=holder), kernel, owned=True)


def _kernel_of(folder: str) -> str:
    """The path of the kernel in a folder, or of the one that belongs to a folder `lib/modules/RELEASE`."""
    try:
        return kernel_path(folder)
    except FileNotFoundError:
        modules, release = os.path.split(os.path.abspath(folder))
    lib, last = os.path.split(modules)
    if (os.path.basename(lib), last) == ("lib", "modules"):
        root = os.path.dirname(lib)
        for above in (root, os.path.dirname(root)):  # `lib` may be `usr/lib`
            for place in _PLACES:
                path = os.path.join(above, place.format(release=release))
                if os.path.isfile(path):
                    return path
            if above == os.sep and release == os.uname().release and os.path.isfile(KERNEL_BTF):
                return KERNEL_BTF
    raise FileNotFoundError(errno.ENOENT, "no vmlinux or vmlinuz found for this folder", folder)
