"""Which kernel a BTF belongs to, and how that is known: raw BTF does not say."""

from __future__ import annotations

import os
import re

from ..banner import banner_release
from ..opening import KERNEL_BTF
from .architectures import architecture, of_holder, of_registers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, NamedTuple

    from .._core import File
    from ..btf import Btf

    How = Literal["given", "banner", "uname", "elf", "image", "path", "registers", "unknown"]
else:
    from ..named_tuples import NamedTuple

_RELEASE = re.compile(r"(?:^|[-_])v?(?P<release>(?:[2-9]|[1-9]\d)\.\d[\w.+~-]*)$")  # no BTF before Linux 4
_SUFFIX = re.compile(r"\.(btf|tar|xz|zst|gz|bz2|lz4|lzma|debug|elf|img)$", re.IGNORECASE)
_NAMELESS = ("vmlinux", "vmlinuz", "kernel", "build")
_FLAVOUR = re.compile(r"[a-z]+|\d+k", re.IGNORECASE)
_NO_FLAVOURS = ("dirty",)
_MAX_ARCH_FOLDERS = 2


class Identity(NamedTuple):
    """Which kernel a BTF belongs to.

    Each of `name`, `release`, `arch` and `flavour` comes with how it is known: "given" by the caller, the
    "banner" of the kernel image, "uname" for the running kernel, the "elf" file's machine, the kind of kernel
    "image", a pattern of the "path", the members of `struct pt_regs` ("registers"), or "unknown". What is
    unknown is empty.

    Attributes:
        name: The given name, or the release, or the file's name.
        release: The kernel's release, as `uname -r` prints it.
        arch: The architecture: "x86_64", "x86", "arm64", "arm", "riscv64", "ppc64le", "s390x", ...; "bpf" for
            a BPF object.
        flavour: The variant of a distribution's kernel, such as "cloud" in 6.12.43+deb13-cloud-amd64. Empty
            also if the release has none.
        name_how: How `name` is known.
        release_how: How `release` is known.
        arch_how: How `arch` is known.
        flavour_how: How `flavour` is known.
    """

    name: str
    release: str
    arch: str
    flavour: str
    name_how: How
    release_how: How
    arch_how: How
    flavour_how: How


def identify(
    path: str | None, name: str = "", *, btf: Btf | None = None, holder: File | None = None
) -> Identity:
    """Find out which kernel a BTF belongs to.

    Args:
        path: The file, or the folder of a kernel with its modules; None for a buffer.
        name: The name that the caller gave it; empty for none.
        btf: The kernel's BTF; None if it did not open.
        holder: The ELF file or kernel image that contains it, or None.
    """
    release, release_how = _release(path, holder)
    arch_in_release, flavour = arch_and_flavour(release)
    arch, arch_how = _arch(path, holder, btf, (arch_in_release, release_how))
    name_how: How = "given"
    if not name:
        name, name_how = (release, release_how) if release else _file_name(path)
    return Identity(name, release, arch, flavour, name_how, release_how, arch_how, release_how)


def arch_and_flavour(release: str) -> tuple[str, str]:
    """The architecture and the flavour in a release; empty if it has none.

    The flavour is the words without digits at the end, apart from the architecture.

    Example:
        >>> from btfmmap.kernels.identity import arch_and_flavour
        >>> arch_and_flavour("6.12.43+deb13-cloud-amd64"), arch_and_flavour("5.15.0-91-generic")
        (('x86_64', 'cloud'), ('', 'generic'))
    """
    arch, flavour = "", []
    for word in reversed(re.split(r"[-+.]", release)):
        if not arch and architecture(word):
            arch = architecture(word)
        elif _FLAVOUR.fullmatch(word) and word not in _NO_FLAVOURS:
            flavour.append(word)
        else:
            break
    return arch, "-".join(reversed(flavour))


def release_in_path(path: str) -> str:
    """The release in the name of a file or folder, or in that of the folder of a `vmlinux`; else empty."""
    parts = os.path.abspath(path).split(os.sep)
    stem = _stem(parts.pop())
    while stem in _NAMELESS and parts:
        stem = parts.pop()
    found = _RELEASE.search(stem)
    return found["release"] if found else ""


def _stem(name: str) -> str:
    while (shorter := _SUFFIX.sub("", name)) not in (name, ""):
        name = shorter
    return name


def _is_running(path: str | None) -> bool:
    return path is not None and os.path.abspath(path) in (KERNEL_BTF, os.path.dirname(KERNEL_BTF))


def _release(path: str | None, holder: File | None) -> tuple[str, How]:
    if holder is not None and (banner := banner_release(holder)):
        return banner, "banner"
    if _is_running(path):
        return os.uname().release, "uname"
    if path is not None and (release := release_in_path(path)):
        return release, "path"
    return "", "unknown"


def _arch(
    path: str | None, holder: File | None, btf: Btf | None, in_release: tuple[str, How]
) -> tuple[str, How]:
    if holder is not None:
        arch, how = of_holder(holder)
        if arch:
            return arch, how
    if _is_running(path) and (arch := architecture(os.uname().machine)):
        return arch, "uname"
    if in_release[0]:
        return in_release
    if path is not None:
        folders = os.path.abspath(path).split(os.sep)[-_MAX_ARCH_FOLDERS - 1 : -1]
        for folder in reversed(folders):
            if arch := architecture(folder):
                return arch, "path"
    if btf is not None and (arch := of_registers(btf)):
        return arch, "registers"
    return "", "unknown"


def _file_name(path: str | None) -> tuple[str, How]:
    if path is None:
        return "buffer", "unknown"
    name = os.path.basename(os.path.abspath(path))
    return _stem(name), "path"
