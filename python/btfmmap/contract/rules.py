"""The rules, one a promise of the kernel's change that made `/sys/kernel/btf/vmlinux` mappable (Linux 6.16,
`btf_sysfs_vmlinux_mmap` in kernel/bpf/sysfs_btf.c), each with the probe that tries it."""

from __future__ import annotations

import errno
import os
import struct
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from .syscalls import (
    MAP_PRIVATE,
    MAP_SHARED,
    MAP_SHARED_VALIDATE,
    PROT_EXEC,
    PROT_READ,
    PROT_WRITE,
    bytes_at,
    fs_type,
    mmap,
    mprotect,
    mremap,
    munmap,
    process_vm_readv,
    vmsplice,
    write,
)

_PAGE = os.sysconf("SC_PAGE_SIZE")
_OTHER_FILE = "/sys/kernel/notes"
_SYSFS_MAGIC = 0x62656572


class CannotTellError(Exception):
    """A probe found nothing to try its rule on."""


class Target:
    """The file that is asked about, open."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.size = os.fstat(self.fd).st_size
        self.pages_size = -(-self.size // _PAGE) * _PAGE

    def content(self) -> bytes:
        parts = []
        offset = 0
        while part := os.pread(self.fd, 1 << 20, offset):
            parts.append(part)
            offset += len(part)
        return b"".join(parts)

    @contextmanager
    def mapped(self, length: int | None = None) -> Iterator[int]:
        """The address of the one mapping that is allowed."""
        length = self.size if length is None else length
        try:
            address = mmap(self.fd, length, PROT_READ, MAP_PRIVATE)
        except OSError as error:
            raise CannotTellError(f"no mapping to try it on ({error.strerror})") from None
        try:
            yield address
        finally:
            munmap(address, length)


class Rule(NamedTuple):
    """What is asked, the answers that keep the promise, and how to get one."""

    name: str
    expected: tuple[str, ...]
    probe: Callable[[Target], str]


ACCEPTED = "accepted"
EQUAL = "the same bytes as read()"


def _map(
    prot: int, flags: int, length: Callable[[Target], int] | None = None, offset: int = 0
) -> Callable[[Target], str]:
    """A probe that maps the file and says what comes of it."""

    def probe(target: Target) -> str:
        size = target.size if length is None else length(target)
        munmap(mmap(target.fd, size, prot, flags, offset), size)
        return ACCEPTED

    return probe


def _protect(prot: int) -> Callable[[Target], str]:
    def probe(target: Target) -> str:
        with target.mapped() as address:
            mprotect(address, _PAGE, prot)
        return ACCEPTED

    return probe


def _compared(target: Target, address: int) -> str:
    return EQUAL if bytes_at(address, target.size) == target.content() else "other bytes than read()"


def _equals_read(target: Target) -> str:
    with target.mapped() as address:
        return _compared(target, address)


def _after_close(target: Target) -> str:
    content = target.content()
    with target.mapped() as address:
        os.close(target.fd)
        return EQUAL if bytes_at(address, target.size) == content else "other bytes than read()"


def _tail(target: Target) -> str:
    if target.pages_size == target.size:
        raise CannotTellError("the size is a whole number of pages, so there is no tail")
    with target.mapped(target.pages_size) as address:
        tail = bytes_at(address + target.size, target.pages_size - target.size)
    return "zero" if not any(tail) else "not zero"


def _after_fork(target: Target) -> str:
    with target.mapped() as address:
        child = os.fork()
        if child == 0:
            same = _compared(target, address) == EQUAL
            os._exit(0 if same else 1)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        here = _compared(target, address)
    return here if status == 0 else f"the child ended with {status}"


def _smaps(target: Target) -> dict[str, str]:
    """The fields of the mapping in /proc/self/smaps, after every page of it was touched."""
    with target.mapped() as address:
        bytes_at(address, target.size)
        with open("/proc/self/smaps") as file:
            lines = iter(file)
            for line in lines:
                if line.startswith(f"{address:x}-"):
                    break
            else:
                raise CannotTellError("the mapping is not in /proc/self/smaps")
            fields = {}
            for line in lines:
                name, _, value = line.partition(":")
                fields[name] = value.strip()
                if name == "VmFlags":
                    return fields
    raise CannotTellError("/proc/self/smaps has no VmFlags")


def _flag(flag: str) -> Callable[[Target], str]:
    def probe(target: Target) -> str:
        return "set" if flag in _smaps(target)["VmFlags"].split() else "not set"

    return probe


def _resident(target: Target) -> str:
    fields = _smaps(target)
    return f"Rss {fields['Rss']}, Pss {fields['Pss']}"


def _grow(target: Target) -> str:
    with target.mapped(_PAGE) as address:
        munmap(mremap(address, _PAGE, 2 * _PAGE), 2 * _PAGE)
    return ACCEPTED


def _read_at_once(target: Target) -> str:
    if target.size <= _PAGE:
        raise CannotTellError("the file is no longer than a page")
    return f"{len(os.pread(target.fd, target.size, 0))} bytes"


def _write_out(target: Target) -> str:
    reading, writing = os.pipe()
    with target.mapped() as address:
        written = write(writing, address, _PAGE)
        same = os.read(reading, _PAGE) == bytes_at(address, written)
    return ACCEPTED if same else "other bytes came out"


def _splice(target: Target) -> str:
    _, writing = os.pipe()
    with target.mapped() as address:
        vmsplice(writing, address, _PAGE)
    return ACCEPTED


def _read_from_outside(target: Target) -> str:
    with target.mapped() as address:
        process_vm_readv(os.getpid(), address, 64)
    return ACCEPTED


def _write_directly(target: Target) -> str:
    with tempfile.NamedTemporaryFile() as file:
        try:
            direct = os.open(file.name, os.O_WRONLY | os.O_DIRECT)
        except OSError as error:
            name = errno.errorcode.get(error.errno or 0)
            raise CannotTellError(f"the folder for temporary files knows no O_DIRECT ({name})") from None
        with target.mapped() as address:
            write(direct, address, _PAGE)
    return ACCEPTED


def _modules(target: Target) -> str:
    folder = os.path.dirname(target.path)
    others = sorted(name for name in os.listdir(folder) if name != os.path.basename(target.path))
    if not others:
        raise CannotTellError("no module with BTF is loaded")
    for name in others:
        _refusing(os.path.join(folder, name))
    return ACCEPTED


def _other_file(_target: Target) -> str:
    if not os.access(_OTHER_FILE, os.R_OK):
        raise CannotTellError(f"no {_OTHER_FILE} to read here")
    _refusing(_OTHER_FILE)
    return ACCEPTED


def _refusing(path: str) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        munmap(mmap(fd, _PAGE, PROT_READ, MAP_PRIVATE), _PAGE)
    finally:
        os.close(fd)


def _on_sysfs(target: Target) -> str:
    found = fs_type(target.fd)
    return "sysfs" if found == _SYSFS_MAGIC else f"file system {found:#x}"


def _opens_for_writing(target: Target) -> str:
    os.close(os.open(target.path, os.O_RDWR | os.O_CLOEXEC))
    return ACCEPTED


def _extent(target: Target) -> str:
    head = os.pread(target.fd, 24, 0)
    order = "<" if head[:2] == b"\x9f\xeb" else ">"
    header_size, _, _, string_offset, string_size = struct.unpack_from(f"{order}5I", head, 4)
    size = header_size + string_offset + string_size
    return "equal" if size == target.size else f"the header says {size} bytes, the file has {target.size}"


RULES = (
    Rule("the file lies on sysfs", ("sysfs",), _on_sysfs),
    Rule("the file has the size that its BTF header says", ("equal",), _extent),
    Rule("mmap private, read-only", (ACCEPTED,), _map(PROT_READ, MAP_PRIVATE)),
    Rule("the mapped bytes", (EQUAL,), _equals_read),
    Rule("mmap shared, read-only", ("EACCES",), _map(PROT_READ, MAP_SHARED)),
    Rule("mmap shared with validation, read-only", ("EACCES",), _map(PROT_READ, MAP_SHARED_VALIDATE)),
    Rule("mmap private, writable", ("EACCES",), _map(PROT_READ | PROT_WRITE, MAP_PRIVATE)),
    Rule("mmap shared, writable", ("EACCES",), _map(PROT_READ | PROT_WRITE, MAP_SHARED)),
    # EPERM: sysfs does not let files be executed at all (SB_I_NOEXEC, or mounted noexec).
    Rule("mmap private, executable", ("EACCES", "EPERM"), _map(PROT_READ | PROT_EXEC, MAP_PRIVATE)),
    Rule("mmap from the second page", ("EINVAL",), _map(PROT_READ, MAP_PRIVATE, lambda _: _PAGE, _PAGE)),
    Rule(
        "mmap of the size rounded up to pages",
        (ACCEPTED,),
        _map(PROT_READ, MAP_PRIVATE, lambda t: t.pages_size),
    ),
    Rule("mmap of one byte more", ("EINVAL",), _map(PROT_READ, MAP_PRIVATE, lambda t: t.pages_size + 1)),
    Rule("mmap of one page more", ("EINVAL",), _map(PROT_READ, MAP_PRIVATE, lambda t: t.pages_size + _PAGE)),
    Rule("mmap of the first page only", (ACCEPTED,), _map(PROT_READ, MAP_PRIVATE, lambda _: _PAGE)),
    Rule("the bytes after the last one", ("zero",), _tail),
    Rule("mprotect to writable", ("EACCES",), _protect(PROT_READ | PROT_WRITE)),
    Rule("mprotect to executable", ("EACCES",), _protect(PROT_READ | PROT_EXEC)),
    Rule("mremap to a larger size", ("EFAULT",), _grow),
    Rule("the mapped bytes after fork, in parent and child", (EQUAL,), _after_fork),
    Rule("the mapped bytes after the file is closed", (EQUAL,), _after_close),
    Rule("left out of core dumps (VmFlags dd)", ("set",), _flag("dd")),
    Rule("may become writable (VmFlags mw)", ("not set",), _flag("mw")),
    Rule("may become executable (VmFlags me)", ("not set",), _flag("me")),
    Rule("memory counted for the mapping, all touched", ("Rss 0 kB, Pss 0 kB",), _resident),
    Rule("read() of the whole file at once", (f"{_PAGE} bytes",), _read_at_once),
    Rule("write() out of the mapping", (ACCEPTED,), _write_out),
    Rule("write() out of it with O_DIRECT", ("EFAULT",), _write_directly),
    Rule("vmsplice() out of the mapping", ("EFAULT",), _splice),
    Rule("process_vm_readv() of the mapping", ("EFAULT",), _read_from_outside),
    Rule("opening the file for writing", ("EACCES", "EPERM"), _opens_for_writing),
    Rule("mmap of a module's file", ("ENODEV",), _modules),
    Rule(f"mmap of a sysfs file that is no BTF ({_OTHER_FILE})", ("ENODEV",), _other_file),
)
