"""Loads BTF by bpf(BPF_BTF_LOAD), as the reference for the rules of the kernel. Needs root."""

from __future__ import annotations

import ctypes
import errno
import os
import platform

import pytest
from btf_writer import BtfWriter

POINTER_BITS = 8 * ctypes.sizeof(ctypes.c_void_p)
# Of programs, by the machine's name and their bits: a 64-bit kernel has other numbers for 32-bit programs.
SYS_BPF = {
    ("x86_64", 64): 321,
    ("x86_64", 32): 357,
    ("i686", 32): 357,
    ("aarch64", 64): 280,
    ("ppc64le", 64): 361,
    ("s390x", 64): 351,
    ("riscv64", 64): 280,
}
BPF_BTF_LOAD = 18
LOG_SIZE = 1 << 20


class Attributes(ctypes.Structure):
    """The part of `union bpf_attr` that the call uses."""

    _fields_ = (
        ("btf", ctypes.c_uint64),
        ("log", ctypes.c_uint64),
        ("btf_size", ctypes.c_uint32),
        ("log_size", ctypes.c_uint32),
        ("log_level", ctypes.c_uint32),
    )


class KernelLoader:
    """Says of BTF whether the running kernel takes it. Skips the test where that cannot be asked."""

    def __init__(self) -> None:
        if os.geteuid() != 0:
            pytest.skip("only root may load BTF")
        system = platform.machine(), POINTER_BITS
        if system not in SYS_BPF:
            pytest.skip(f"the number of bpf(2) is not known for {system[1]}-bit programs on {system[0]}")
        self.number = SYS_BPF[system]
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.log = ctypes.create_string_buffer(LOG_SIZE)
        writer = BtfWriter()
        writer.add_int()
        if refused := self.refusal(writer.build()):
            pytest.skip(f"this kernel loads no BTF: {os.strerror(refused[0])}")

    def refusal(self, blob: bytes) -> tuple[int, str] | None:
        """The error number and the end of the log; None if the kernel takes the BTF."""
        descriptor, log = self.load(blob, logged=True), self.log.value.decode(errors="replace")
        code = ctypes.get_errno()
        if descriptor < 0 and code == errno.ENOSPC:  # of the log
            descriptor, log = self.load(blob), ""
            code = ctypes.get_errno()
        if descriptor < 0:
            return code, "\n".join(log.rstrip("\n").split("\n")[-2:])
        os.close(descriptor)
        return None

    def load(self, blob: bytes, *, logged: bool = False) -> int:
        """The descriptor of the loaded BTF; -1 if the kernel refuses it, for the reason in errno."""
        buffer = ctypes.create_string_buffer(blob, max(1, len(blob)))
        log = ctypes.addressof(self.log) if logged else 0
        self.log.value = b""
        attributes = Attributes(ctypes.addressof(buffer), log, len(blob), LOG_SIZE * logged, int(logged))
        descriptor: int = self.libc.syscall(
            self.number, BPF_BTF_LOAD, ctypes.byref(attributes), ctypes.sizeof(attributes)
        )
        return descriptor


def loader_of_version(version: str) -> KernelLoader:
    """A loader; skips the test where it cannot be used, or the kernel is not of this version."""
    if not os.uname().release.startswith(f"{version}."):
        pytest.skip(f"Linux {os.uname().release} has other rules than {version}")
    return KernelLoader()
