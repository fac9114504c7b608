"""The BTF objects in the running kernel: its own, its modules', and those of loaded BPF programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from . import _core

if TYPE_CHECKING:
    from typing import NoReturn

    from ._core import File


class LoadedBtf(NamedTuple):
    """A BTF object in the kernel.

    Attributes:
        id: its number there, for `btfmmap.open(id=...)`; another world than type ids.
        name: "vmlinux", a module's name, or "" for a program's.
        size: of the BTF blob, in bytes.
        kernel: whether it is the kernel's or a module's, not a program's.
    """

    id: int
    name: str
    size: int
    kernel: bool


def loaded() -> list[LoadedBtf]:
    """Every BTF object in the running kernel, by ascending id, as `bpftool btf list` shows them.

    Raises:
        OSError: what bpf(2) refused; PermissionError without CAP_SYS_ADMIN, which the kernel asks for.
        NotSupportedError: this is not Linux.
    """
    try:
        return [LoadedBtf(*fields) for fields in _core.loaded()]
    except PermissionError as error:
        _explain(error)


def read_loaded(btf_id: int) -> tuple[LoadedBtf, File]:
    """One of them and its bytes, for `open(id=...)`."""
    if not 0 <= btf_id < 1 << 32:
        raise ValueError(f"id is {btf_id}, must fit in 32 bits")
    name = f"BTF object {btf_id}"
    try:
        return LoadedBtf(*_core.loaded_info(btf_id)), _core.read_loaded(btf_id, name)
    except PermissionError as error:
        _explain(error)
    except FileNotFoundError as error:
        raise FileNotFoundError(error.errno, "no BTF object of that id in the kernel", name) from None


def _explain(error: PermissionError) -> NoReturn:
    message = f"{error.strerror} (the kernel shows its BTF objects to CAP_SYS_ADMIN, as root has)"
    raise PermissionError(error.errno, message, error.filename) from None
