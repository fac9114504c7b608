"""Opens what the core wrote, and saves it."""

from __future__ import annotations

import os

from .._core import Btf as CoreBtf
from ..btf import Btf
from ..replacing import replace_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .._core import File


def opened(file: File, base: Btf | None, pointer_size: int = 0) -> Btf:
    """Open a BTF that the core wrote. All records are validated.

    Args:
        file: Its bytes.
        base: The base of a split BTF.
        pointer_size: In bytes; 0 derives it from the types.

    Raises:
        FormatError: A record refers to something that does not exist.
    """
    core = CoreBtf(file, None if base is None else base._core, pointer_size)
    return Btf(core, None, base=base)


def save(path: str | os.PathLike[str], content: memoryview | bytes) -> None:
    """Write a file beside the final one and rename it.

    Raises:
        OSError: The file cannot be written. What was there before is unchanged.
    """

    def write_to(descriptor: int) -> None:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)

    replace_file(os.fspath(path), write_to)
