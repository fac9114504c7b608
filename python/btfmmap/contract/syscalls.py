"""The system calls that the probes make, through ctypes: Python's own `mmap` refuses by itself some of what
is to be asked of the kernel."""

from __future__ import annotations

import ctypes
import errno

PROT_READ, PROT_WRITE, PROT_EXEC = 1, 2, 4
MAP_SHARED, MAP_PRIVATE, MAP_SHARED_VALIDATE = 1, 2, 3
MREMAP_MAYMOVE = 1
_FAILED = ctypes.c_void_p(-1).value

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_long,
]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_libc.write.restype = ctypes.c_ssize_t
_libc.write.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]


class Vector(ctypes.Structure):
    """`struct iovec`."""

    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


def _checked(result: int | None) -> int:
    if result is None or result == -1 or result == _FAILED:
        code = ctypes.get_errno()
        raise OSError(code, errno.errorcode.get(code, str(code)))
    return result


def mmap(fd: int, length: int, prot: int, flags: int, offset: int = 0) -> int:
    """The address. Raises `OSError`, as all of these do."""
    return _checked(_libc.mmap(None, length, prot, flags, fd, offset))


def munmap(address: int, length: int) -> None:
    _checked(_libc.munmap(address, length))


def mprotect(address: int, length: int, prot: int) -> None:
    _checked(_libc.mprotect(address, length, prot))


def mremap(address: int, old: int, new: int) -> int:
    _libc.mremap.restype = ctypes.c_void_p
    _libc.mremap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int]
    return _checked(_libc.mremap(address, old, new, MREMAP_MAYMOVE))


def write(fd: int, address: int, length: int) -> int:
    return _checked(_libc.write(fd, address, length))


def process_vm_readv(pid: int, address: int, length: int) -> int:
    _libc.process_vm_readv.restype = ctypes.c_ssize_t
    buffer = ctypes.create_string_buffer(length)
    local, remote = Vector(ctypes.addressof(buffer), length), Vector(address, length)
    count, flags = ctypes.c_ulong(1), ctypes.c_ulong(0)
    return _checked(
        _libc.process_vm_readv(pid, ctypes.byref(local), count, ctypes.byref(remote), count, flags)
    )


def vmsplice(fd: int, address: int, length: int) -> int:
    _libc.vmsplice.restype = ctypes.c_ssize_t
    vector = Vector(address, length)
    return _checked(_libc.vmsplice(fd, ctypes.byref(vector), ctypes.c_ulong(1), ctypes.c_uint(0)))


def fs_type(fd: int) -> int:
    """`f_type` of fstatfs(2), the file system's magic number: the first word of `struct statfs`."""
    buffer = ctypes.create_string_buffer(256)
    _checked(_libc.fstatfs(fd, buffer))
    return ctypes.c_ulong.from_buffer(buffer).value


def bytes_at(address: int, length: int) -> bytes:
    return ctypes.string_at(address, length)
