"""Loads BTF by bpf(BPF_BTF_LOAD), as the reference for the rules of the kernel. Needs root."""
"""Loads BTF into the running kernel, as a reference. Needs root."""

from __future__ import annotations

import ctypes
import errno
import os
import platform

import pytest
from btf_writer import BtfWriter

SYS_BPF = {"x86_64": 321, "aarch64": 280, "ppc64le": 361, "s390x": 351, "riscv64": 280}
BPF_BTF_LOAD = 18
LOG_SIZE = 1 << 20


class Attributes(ctypes.Structure):
    """The part of `union bpf_attr` that the call uses."""


SYS_BPF = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "s390x": 351, "ppc64le": 361}
BPF_BTF_LOAD = 18
LOG_SIZE = 1 << 16


class _Attributes(ctypes.Structure):
    _fields_ = (
        ("btf", ctypes.c_uint64),
        ("log", ctypes.c_uint64),
        ("btf_size", ctypes.c_uint32),
        ("log_size", ctypes.c_uint32),
        ("log_level", ctypes.c_uint32),
    )


class KernelLoader:
    """Says of BTF whether the running kernel takes it."""

    def __init__(self) -> None:
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.log = ctypes.create_string_buffer(LOG_SIZE)

    def refusal(self, blob: bytes) -> tuple[int, str] | None:
        """The error number and the end of the log; None if the kernel takes the BTF."""
        code = self._load(blob, logged=True)
        log = self.log.value.decode(errors="replace")
        if code == errno.ENOSPC:  # of the log
            code, log = self._load(blob, logged=False), ""
        return (code, "\n".join(log.rstrip("\n").split("\n")[-2:])) if code else None

    def _load(self, blob: bytes, *, logged: bool) -> int:
        buffer = ctypes.create_string_buffer(blob, max(1, len(blob)))
        log = ctypes.addressof(self.log) if logged else 0
        self.log.value = b""
        attributes = Attributes(ctypes.addressof(buffer), log, len(blob), LOG_SIZE * logged, int(logged))
        descriptor = self.libc.syscall(
            SYS_BPF[platform.machine()], BPF_BTF_LOAD, ctypes.byref(attributes), ctypes.sizeof(attributes)
        )
        if descriptor < 0:
            return ctypes.get_errno()
        os.close(descriptor)
        return 0


def loader_of_version(version: str) -> KernelLoader:
    """A loader; skips the test where it cannot be used, or the kernel is not of this version."""
    if os.geteuid() != 0:
        pytest.skip("only root may load BTF")
    if platform.machine() not in SYS_BPF:
        pytest.skip(f"the number of bpf(2) is not known for {platform.machine()}")
    if not os.uname().release.startswith(f"{version}."):
        pytest.skip(f"Linux {os.uname().release} has other rules than {version}")
    loader = KernelLoader()
    writer = BtfWriter()
    writer.add_int()
    refused = loader.refusal(writer.build())
    if refused:
        pytest.skip(f"this kernel loads no BTF: {os.strerror(refused[0])}")
    return loader
def load(blob: bytes) -> tuple[int, str]:
    """Load a BTF: its file descriptor, or -1 and why the kernel refuses it. Skips the test without root."""
    if os.geteuid() != 0:
        pytest.skip("only root may load BTF into the kernel")
    number = SYS_BPF.get(platform.machine())
    if number is None:
        pytest.skip(f"the number of bpf(2) on {platform.machine()} is not known here")
    libc = ctypes.CDLL(None, use_errno=True)
    content = ctypes.create_string_buffer(blob, len(blob))
    log = ctypes.create_string_buffer(LOG_SIZE)
    attributes = _Attributes(ctypes.addressof(content), 0, len(blob), 0, 0)

    def syscall() -> int:
        made: int = libc.syscall(number, BPF_BTF_LOAD, ctypes.byref(attributes), ctypes.sizeof(attributes))
        return made

    descriptor = syscall()
    if descriptor >= 0:
        return descriptor, ""
    error = os.strerror(ctypes.get_errno())
    # Only now, as a log that is too small would be an error of its own.
    attributes.log, attributes.log_size, attributes.log_level = ctypes.addressof(log), LOG_SIZE, 1
    syscall()
    return -1, f"{error}: {log.value.decode(errors='replace')}"


def refusal(blob: bytes) -> str:
    """Why the kernel refuses a BTF; empty if it loads it."""
    descriptor, reason = load(blob)
    if descriptor >= 0:
        os.close(descriptor)
    return reason


def require_loading(blob: bytes) -> None:
    """Skip the test if the kernel does not even load this BTF, which is valid."""
    if reason := refusal(blob):
        pytest.skip(f"this kernel loads no BTF: {reason}")
