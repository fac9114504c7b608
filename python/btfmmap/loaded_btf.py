"""The BTF objects in the running kernel: its own, its modules', and those of loaded BPF programs."""

from __future__ import annotations

from . import _core
from .inline_files import is_inline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple, NoReturn

    from ._core import File
else:
    from .named_tuples import NamedTuple


class LoadedBtf(NamedTuple):
    """A BTF object in the kernel.

    Attributes:
        id: The ID of the BTF object, as passed to `btfmmap.open(id=...)`. Unrelated to type IDs.
        name: "vmlinux" or the name of a module; empty for a program's BTF.
        size: The size of the BTF blob in bytes.
        kernel: Whether the BTF is the kernel's or a module's, not a program's.
    """

    id: int
    name: str
    size: int
    kernel: bool


def loaded() -> list[LoadedBtf]:
    """Return all BTF objects in the running kernel, as listed by `bpftool btf list`.

    Returns:
        The BTF objects, by ascending ID.

    Raises:
        PermissionError: The process lacks CAP_SYS_ADMIN, which the kernel requires. This is an `OSError`.
        OSError: bpf(2) failed.
        NotSupportedError: The operating system is not Linux.
    """
    try:
        return [LoadedBtf(*fields) for fields in _core.loaded()]
    except PermissionError as error:
        _explain(error)


def read_loaded(btf_id: int) -> tuple[LoadedBtf, File]:
    """Return a BTF object of the kernel and its bytes.

    Raises:
        ValueError: The ID does not fit in 32 bits.
        OSError: bpf(2) failed, or there is no such BTF object.
    """
    if not 0 <= btf_id < 1 << 32:
        raise ValueError(f"id is {btf_id}, must fit in 32 bits")
    name = f"BTF object {btf_id}"
    try:
        return LoadedBtf(*_core.loaded_info(btf_id)), _core.read_loaded(btf_id, name)
    except PermissionError as error:
        _explain(error)
    except FileNotFoundError as error:
        raise FileNotFoundError(error.errno, "no BTF object with this id in the kernel", name) from None


def inline_base(info: LoadedBtf) -> LoadedBtf | None:
    """Return the module's BTF object that one such as `ext4.inline` continues; None for any other.

    Raises:
        OSError: bpf(2) failed.
    """
    if not is_inline(info.name):
        return None
    name = info.name.partition(".")[0]
    return next((each for each in loaded() if each.kernel and each.name == name != "vmlinux"), None)


def _explain(error: PermissionError) -> NoReturn:
    message = f"{error.strerror} (access to BTF objects in the kernel needs CAP_SYS_ADMIN, which root has)"
    raise PermissionError(error.errno, message, error.filename) from None
