"""Where the BTF of the running kernel is found."""

from __future__ import annotations

import os

from .errors import BtfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from ._core import File

    Opened = TypeVar("Opened")

KERNEL_BTF = "/sys/kernel/btf/vmlinux"
"""The file in which Linux exposes the BTF of the running kernel."""

# Where libbpf's btf__load_vmlinux_btf looks as well, in this order. `{}` is the kernel's release.
_OTHER_PLACES = (
    "/boot/vmlinux-{}",
    "/lib/modules/{0}/vmlinux-{0}",
    "/lib/modules/{}/build/vmlinux",
    "/usr/lib/modules/{}/kernel/vmlinux",
    "/usr/lib/debug/boot/vmlinux-{}",
    "/usr/lib/debug/boot/vmlinux-{}.debug",
    "/usr/lib/debug/lib/modules/{}/vmlinux",
)
# Where btf_vmlinux.ko is, if the kernel's BTF is in that module and it is not loaded.
_MODULES = "/lib/modules/{}"


def open_running(open_path: Callable[[str], Opened], open_loaded: Callable[[str, File], Opened]) -> Opened:
    """Open the BTF of the running kernel where it is first found.

    That is `KERNEL_BTF`, a file with BTF where libbpf looks for one, or the kernel's BTF object, which needs
    CAP_SYS_ADMIN.

    Args:
        open_path: Opens a file.
        open_loaded: Opens a BTF object of the kernel, of which it gets a name and the bytes.

    Raises:
        OSError: It is not found, or cannot be read.
        BtfError: `KERNEL_BTF` exists and does not open.
    """
    try:
        return open_path(KERNEL_BTF)
    except OSError as error:
        if error.filename is None or os.fsdecode(error.filename) != KERNEL_BTF:
            raise
        missing = error
    import errno

    release = os.uname().release
    tried: list[str] = []
    for path in _other_paths(release):
        try:
            return open_path(path)
        except (BtfError, OSError) as error:  # such as an image without BTF
            tried.append(str(error))
    loaded = _loaded_kernel()
    if loaded is not None:
        return open_loaded(loaded.name, loaded)
    if missing.errno not in (errno.ENOENT, errno.ENOTDIR):
        raise missing
    raise FileNotFoundError(errno.ENOENT, _missing(release, tried), KERNEL_BTF) from None


def _other_paths(release: str) -> Iterator[str]:
    yield from filter(os.path.isfile, (place.format(release) for place in _OTHER_PLACES))
    from .kernel_files import btf_module_path

    path = btf_module_path(_MODULES.format(release))
    if path is not None:
        yield path


def _loaded_kernel() -> File | None:
    """The bytes of the kernel's own BTF object; None if there is none, or this process may not read it."""
    from .loaded_btf import loaded, read_loaded

    try:
        for each in loaded():
            if each.kernel and each.name == "vmlinux":
                return read_loaded(each.id)[1]
    except (BtfError, OSError):
        pass
    return None


def _missing(release: str, tried: list[str]) -> str:
    place = _OTHER_PLACES[0].format(release)
    elsewhere = f"nor is there a usable vmlinux, such as {place}"
    if tried:
        elsewhere += f" ({'; '.join(tried)})"
    return (
        "no such file; Linux shows its type information (BTF) there if it is built with "
        f"CONFIG_DEBUG_INFO_BTF=y and sysfs is mounted; {elsewhere}"
    )
