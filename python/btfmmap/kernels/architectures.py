"""The names of architectures, and how a kernel's is recognised."""

from __future__ import annotations

import struct

from ..errors import BtfError
from ..kernel_images import HEAD, recognise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from .._core import File
    from ..btf import Btf
    from ..types import Type

_OTHER_NAMES = {
    "x86_64": "amd64 x86-64 x64",
    "x86": "i386 i486 i586 i686 686",
    "arm64": "aarch64",
    "arm": "armhf armel armv6l armv7l armv7hl armmp",
    "riscv64": "",
    "riscv32": "",
    "ppc64le": "ppc64el powerpc64le",
    "ppc64": "powerpc64",
    "ppc": "powerpc",
    "s390x": "",
    "loongarch64": "loong64",
    "mips64el": "mips64le",
    "mips64": "",
    "mipsel": "mipsle",
    "mips": "",
    "sparc64": "",
}
_NAMES = {other: name for name, others in _OTHER_NAMES.items() for other in (name, *others.split())}

# e_machine of the kernel's include/uapi/linux/elf-em.h: the names of 32 and 64 bits.
_MACHINES = {
    3: ("x86", ""),
    8: ("mips", "mips64"),
    20: ("ppc", ""),
    21: ("", "ppc64"),
    22: ("", "s390x"),
    40: ("arm", ""),
    43: ("", "sparc64"),
    62: ("", "x86_64"),
    183: ("", "arm64"),
    243: ("riscv32", "riscv64"),
    247: ("", "bpf"),
    258: ("", "loongarch64"),
}
_IMAGES = {
    "x86 bzImage": "x86_64",
    "arm64 Image": "arm64",
    "RISC-V Image": "riscv64",
    "arm zImage": "arm",
    "s390 image": "s390x",
}
# Members of `struct pt_regs` that only one architecture has: the names of 32 and 64 bits.
_REGISTERS = {
    "orig_ax": ("x86", "x86_64"),
    "orig_x0": ("", "arm64"),
    "uregs": ("arm", ""),
    "badaddr": ("riscv32", "riscv64"),
    "orig_gpr3": ("ppc", "ppc64"),
    "orig_gpr2": ("", "s390x"),
    "csr_era": ("", "loongarch64"),
    "cp0_epc": ("mips", "mips64"),
    "tstate": ("", "sparc64"),
}
_MAX_NESTED = 3  # powerpc: in a struct in a union in the struct
_MAX_MEMBERS = 64  # of one level that are looked into
# The architectures whose name says that the byte order is not the usual one.
_LITTLE_ENDIAN = {"ppc64": "ppc64le", "mips": "mipsel", "mips64": "mips64el"}


def architecture(name: str) -> str:
    """Return the one name of an architecture that has several, or "" if it is unknown.

    Example:
        >>> from btfmmap.kernels.architectures import architecture
        >>> architecture("aarch64"), architecture("amd64")
        ('arm64', 'x86_64')
    """
    return _NAMES.get(name, "")


def of_holder(holder: File) -> tuple[str, Literal["elf", "image"]]:
    """The architecture of an ELF file or kernel image, and "elf" or "image"; empty if unknown."""
    head = bytes(holder.head(HEAD))
    if not head.startswith(b"\x7fELF"):
        return _IMAGES.get(recognise(head) or "", ""), "image"
    if len(head) < 20:
        return "", "elf"
    is_little = head[5] == 1
    (machine,) = struct.unpack_from("<H" if is_little else ">H", head, 18)
    return _named(_MACHINES.get(machine, ("", "")), head[4] == 2, is_little), "elf"


def of_registers(btf: Btf) -> str:
    """The architecture whose registers `struct pt_regs` has; empty if there is none or it is unknown."""
    try:
        found = btf.find("struct pt_regs")
        registers = set() if found is None else _member_names(btf[found])
        source = btf.source
    except BtfError:  # the bytes have changed
        return ""
    for register, names in _REGISTERS.items():
        if register in registers:
            return _named(names, source.pointer_size == 8, source.byte_order == "little")
    return ""


def _member_names(struct: Type) -> set[str]:
    """The members of a struct and of the structs and unions without a name in it, down to a limit.

    `Btf.find_member` has no limit, but builds tables of all types first.
    """
    names: set[str] = set()
    level = [struct]
    for _ in range(_MAX_NESTED):
        members = [member for outer in level for member in outer.members]
        names.update(member.name for member in members)
        level = [member.type for member in members[:_MAX_MEMBERS] if not member.name]
    return names


def _named(names: tuple[str, str], is_64_bit: bool, is_little: bool) -> str:
    name = names[is_64_bit]
    return _LITTLE_ENDIAN.get(name, name) if is_little else name
