"""Reads the release out of a kernel: the banner that it prints when it boots."""

from __future__ import annotations

import re

from ._core import Elf
from .errors import BtfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._core import File

_BANNER = re.compile(rb"Linux version (?P<release>\d[\x21-\x7e]{0,127}) \(")


def banner_release(holder: File) -> str:
    """The release in the banner of an ELF file or kernel image, "Linux version 6.12.43 (..."; else empty.

    Of an ELF file, only the section of constants is read.
    """
    try:
        part = holder
        if bytes(holder.head(4)) == b"\x7fELF":
            section = Elf(holder).find(".rodata")
            if section is None or section.compression != "none":
                return ""
            part = holder.part(section.offset, section.size, ".rodata")
        found = _BANNER.search(memoryview(part.whole())[: part.size])
    except (BtfError, OSError):  # a broken section of a file whose BTF is valid
        return ""
    return found["release"].decode("ascii") if found else ""
