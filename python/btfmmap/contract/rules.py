"""The rules about mapping `/sys/kernel/btf/vmlinux`, each with its probe.

Each rule is a guarantee of the kernel change that made the file mappable: Linux 6.16,
`btf_sysfs_vmlinux_mmap` in kernel/bpf/sysfs_btf.c.

The pages are those of the kernel's image, or, with CONFIG_DEBUG_INFO_BTF_LAZY, vmalloc's: the kernel then
decompresses its BTF when it is first needed. vmalloc's pages are charged to processes and can be pinned.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from ..inline_files import is_inline
from .controls import ACCEPTED, with_control, write_directly
from .syscalls import (
    MAP_PRIVATE,
    MAP_SHARED,
    MAP_SHARED_VALIDATE,
    PAGE,
    PROT_EXEC,
    PROT_READ,
    PROT_WRITE,
    RefusedError,
    bytes_at,
    mmap,
    mprotect,
    mremap,
    munmap,
    process_vm_readv,
    vmsplice,
    write,
)
from .target import NO_MEMORY, SYSFS_MAGIC, CannotTellError, Target, error_name

_OTHER_FILE = "/sys/kernel/notes"


class Rule(NamedTuple):
    """One guarantee.

    Attributes:
        name: the operation that is tried.
        expected: the results that satisfy the rule.
        probe: tries the operation and returns the result. It raises `RefusedError` if the result is an errno,
            and any other exception if the rule could not be tried.
        with_vmalloc: those results on a kernel that maps vmalloc's pages, if they differ.
        uses_disk: whether the probe also writes to an ordinary file system, which may block regardless of the
            mapping.
    """

    name: str
    expected: tuple[str, ...]
    probe: Callable[[Target], str]
    with_vmalloc: tuple[str, ...] | None = None
    uses_disk: bool = False

    def on(self, pages: str | None) -> Rule:
        """Return the rule for a kernel that maps such pages, the result of `PAGES`; None if unknown."""
        if pages != VMALLOC or self.with_vmalloc is None:
            return self
        return self._replace(expected=self.with_vmalloc)


EQUAL = "the same bytes as read()"
IMAGE, VMALLOC = "the kernel's image", "vmalloc"


def _private(target: Target) -> str:
    munmap(target.map(), target.size)
    return ACCEPTED


def _map(
    prot: int, flags: int, length: Callable[[Target], int] | None = None, offset: int = 0
) -> Callable[[Target], str]:
    """A probe that maps the file in another way than `Target.map`, provided that that one works."""

    def probe(target: Target) -> str:
        with target.mapped():
            pass
        size = target.size if length is None else length(target)
        munmap(mmap(target.fd, size, prot, flags, offset), size)
        return ACCEPTED

    return probe


def _protect(prot: int) -> Callable[[Target], str]:
    def probe(target: Target) -> str:
        with target.mapped() as address:
            mprotect(address, PAGE, prot)
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
        raise CannotTellError("the size is a whole number of pages: no bytes follow the last one")
    with target.mapped(target.pages_size) as address:
        tail = bytes_at(address + target.size, target.pages_size - target.size)
    return "zero" if not any(tail) else "not zero"


def _after_fork(target: Target) -> str:
    with target.mapped() as address:
        child = os.fork()
        if child == 0:
            with suppress(BaseException):
                os._exit(0 if _compared(target, address) == EQUAL else 1)
            os._exit(2)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        here = _compared(target, address)
    return here if status == 0 else f"the child ended with {status}"


def _smaps(target: Target) -> dict[str, str]:
    """The fields of the mapping in /proc/self/smaps, after all of its pages were touched."""
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


def _pages(target: Target) -> str:
    flags = _smaps(target)["VmFlags"].split()
    if "pf" in flags:  # VM_PFNMAP, set by remap_pfn_range()
        return IMAGE
    return VMALLOC if "mm" in flags else "an ordinary file"  # VM_MIXEDMAP, set by remap_vmalloc_range()


_ALL_RESIDENT = "Rss of all pages, Pss of a share"


def _resident(target: Target) -> str:
    fields = _smaps(target)
    resident, share = (int(fields[name].split()[0]) for name in ("Rss", "Pss"))  # kB
    # Processes that map the same page each have an equal share of it.
    if resident == target.pages_size // 1024 and 0 < share <= resident:
        return _ALL_RESIDENT
    return f"Rss {fields['Rss']}, Pss {fields['Pss']}"


def _grow(target: Target) -> str:
    with target.mapped(PAGE) as address:
        munmap(mremap(address, PAGE, 2 * PAGE), 2 * PAGE)
    return ACCEPTED


def _read_at_once(target: Target) -> str:
    if target.size <= PAGE:
        raise CannotTellError("the file is no longer than a page")
    try:
        return f"{len(os.pread(target.fd, target.size, 0))} bytes"
    except OSError as error:
        if error.errno == errno.ENOMEM:
            raise  # says nothing about the rule
        return error_name(error)


def _write_out(address: int) -> str:
    reading, writing = os.pipe()
    written = write(writing, address, PAGE)
    return ACCEPTED if os.read(reading, PAGE) == bytes_at(address, written) else "other bytes came out"


def _splice(address: int) -> str:
    _, writing = os.pipe()
    vmsplice(writing, address, PAGE)
    return ACCEPTED


def _read_from_outside(address: int) -> str:
    process_vm_readv(os.getpid(), address, 64)
    return ACCEPTED


def _modules(target: Target) -> str:
    if target.file_system_magic() != SYSFS_MAGIC:
        raise CannotTellError("the file is not on sysfs, where the modules' files are")
    folder = os.path.dirname(target.path)
    others = sorted(
        name for name in os.listdir(folder) if name != os.path.basename(target.path) and not is_inline(name)
    )
    answers = {}
    for name in others:
        with suppress(FileNotFoundError):  # the module was unloaded
            answers[name] = _map_page(os.path.join(folder, name))
    if not answers:
        raise CannotTellError("no module with BTF is loaded")
    different = [f"{name}: {answer}" for name, answer in answers.items() if answer != "ENODEV"]
    return different[0] if different else "ENODEV"


def _other_file(_target: Target) -> str:
    if not os.access(_OTHER_FILE, os.R_OK):
        raise CannotTellError(f"{_OTHER_FILE} cannot be read")
    return _map_page(_OTHER_FILE)


def _map_page(path: str) -> str:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        munmap(mmap(fd, PAGE, PROT_READ, MAP_PRIVATE), PAGE)
    except RefusedError as error:
        if error.errno == errno.ENOMEM:
            raise CannotTellError(f"{path}: {NO_MEMORY}") from None
        return error.name
    finally:
        os.close(fd)
    return ACCEPTED


def _on_sysfs(target: Target) -> str:
    magic = target.file_system_magic()
    return "sysfs" if magic == SYSFS_MAGIC else f"file system {magic:#x}"


def _opens_for_writing(target: Target) -> str:
    try:
        os.close(os.open(target.path, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return error_name(error)
    return ACCEPTED


def _extent(target: Target) -> str:
    head = os.pread(target.fd, 32, 0)
    order = {b"\x9f\xeb": "<", b"\xeb\x9f": ">"}.get(head[:2])
    if order is None or len(head) < 32:
        return "no BTF header"
    # The header's length, then the offset and length of each section.
    header, *sections = struct.unpack_from(f"{order}7I", head, 4)
    known = sections if header >= 32 else sections[:4]
    size = header + max(offset + length for offset, length in zip(known[::2], known[1::2], strict=True))
    return "equal" if size == target.size else f"{size} bytes by its header, but the file has {target.size}"


PAGES = Rule("the pages that are mapped", (IMAGE, VMALLOC), _pages)
RULES = (
    Rule("the file is on sysfs", ("sysfs",), _on_sysfs),
    Rule("the file's size equals that of its BTF header", ("equal",), _extent),
    Rule("mmap private, read-only", (ACCEPTED,), _private),
    PAGES,
    Rule("the mapped bytes", (EQUAL,), _equals_read),
    Rule("mmap shared, read-only", ("EACCES",), _map(PROT_READ, MAP_SHARED)),
    Rule("mmap shared with validation, read-only", ("EACCES",), _map(PROT_READ, MAP_SHARED_VALIDATE)),
    Rule("mmap private, writable", ("EACCES",), _map(PROT_READ | PROT_WRITE, MAP_PRIVATE)),
    Rule("mmap shared, writable", ("EACCES",), _map(PROT_READ | PROT_WRITE, MAP_SHARED)),
    # EPERM: no file on sysfs may be executed (SB_I_NOEXEC, or mounted noexec).
    Rule("mmap private, executable", ("EACCES", "EPERM"), _map(PROT_READ | PROT_EXEC, MAP_PRIVATE)),
    Rule("mmap from the second page", ("EINVAL",), _map(PROT_READ, MAP_PRIVATE, lambda _: PAGE, PAGE)),
    Rule(
        "mmap of the size rounded up to pages",
        (ACCEPTED,),
        _map(PROT_READ, MAP_PRIVATE, lambda t: t.pages_size),
    ),
    Rule("mmap of one byte more", ("EINVAL",), _map(PROT_READ, MAP_PRIVATE, lambda t: t.pages_size + 1)),
    Rule("mmap of one page more", ("EINVAL",), _map(PROT_READ, MAP_PRIVATE, lambda t: t.pages_size + PAGE)),
    Rule("mmap of the first page only", (ACCEPTED,), _map(PROT_READ, MAP_PRIVATE, lambda _: PAGE)),
    Rule("the bytes after the last one", ("zero",), _tail),
    Rule("mprotect to writable", ("EACCES",), _protect(PROT_READ | PROT_WRITE)),
    Rule("mprotect to executable", ("EACCES",), _protect(PROT_READ | PROT_EXEC)),
    Rule("mremap to a larger size", ("EFAULT",), _grow),
    Rule("the mapped bytes after fork, in parent and child", (EQUAL,), _after_fork),
    Rule("the mapped bytes after the file is closed", (EQUAL,), _after_close),
    Rule("excluded from core dumps (VmFlags dd)", ("set",), _flag("dd")),
    Rule("may become writable (VmFlags mw)", ("not set",), _flag("mw")),
    Rule("may become executable (VmFlags me)", ("not set",), _flag("me")),
    Rule(
        "memory charged for the mapping, all pages touched",
        ("Rss 0 kB, Pss 0 kB",),
        _resident,
        with_vmalloc=(_ALL_RESIDENT,),
    ),
    Rule("read() of the whole file at once", (f"{PAGE} bytes",), _read_at_once),
    Rule("write() from the mapping", (ACCEPTED,), with_control(_write_out)),
    Rule(
        "write() from the mapping with O_DIRECT",
        ("EFAULT",),
        write_directly,
        with_vmalloc=(ACCEPTED,),
        uses_disk=True,
    ),
    Rule("vmsplice() from the mapping", ("EFAULT",), with_control(_splice), with_vmalloc=(ACCEPTED,)),
    Rule(
        "process_vm_readv() of the mapping",
        ("EFAULT",),
        with_control(_read_from_outside),
        with_vmalloc=(ACCEPTED,),
    ),
    # EROFS: containers mount sysfs read-only.
    Rule("opening the file for writing", ("EACCES", "EPERM", "EROFS"), _opens_for_writing),
    Rule("mmap of a module's file", ("ENODEV",), _modules),
    Rule(f"mmap of a sysfs file that is not BTF ({_OTHER_FILE})", ("ENODEV",), _other_file),
)
