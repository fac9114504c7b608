"""Finds the BTF in a file: in ELF sections, compressed data, a tar archive, a kernel or boot image."""

from __future__ import annotations

import struct

from . import boot_containers, compression, kernel_images
from ._core import Btf as CoreBtf
from ._core import Elf, File
from .errors import BtfError, FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_ELF_MAGIC = b"\x7fELF"
_ELF_HEADER = 64
_ELF_CLASS_AT, _ELF_DATA_AT = 4, 5
_ELF_64, _ELF_BIG = 2, 2
_ELF_TYPE_AT, _ELF_CORE = 16, 4  # ET_CORE: gigabytes without a kernel
_POINTER_SIZES = {1: 4, _ELF_64: 8}
_HEADERLESS = "ELF file without section headers"
_TAR_MAGIC, _TAR_MAGIC_AT, _TAR_BLOCK = b"ustar", 257, 512
_MAX_DEPTH = 4  # of nested containers: an image in a tar in an xz; a file may decompress to itself
_MAX_BOOT_DEPTH = 4  # of containers for boot loaders: an UNCOMPRESSED_IMG in an Android boot image
_MAX_TRIES = 512  # data in images and kernels in containers that are searched, nested ones included
_MAX_SEARCHED = 1 << 30  # bytes of kernels in containers, which may overlap
_IN_MODULE = "its BTF is in the module btf_vmlinux.ko"
_MAX_VALID_HEADERS = 8  # BTF headers in an image whose data is then parsed


class Contents:
    """The sections of one input: `.BTF`, and `.BTF.base` and `.BTF.ext` if they exist.

    `containers` are the kinds of what they lie in, outermost first. `holder` is the ELF file or kernel image
    that has them, decompressed; None for raw BTF. The sections do not keep it alive.
    """

    __slots__ = ("base", "btf", "containers", "ext", "holder", "pointer_size")

    def __init__(
        self,
        btf: File,
        base: File | None = None,
        ext: File | None = None,
        pointer_size: int = 0,
        holder: File | None = None,
        containers: tuple[str, ...] = (),
    ) -> None:
        self.btf: File = btf
        self.base: File | None = base
        self.ext: File | None = ext
        self.pointer_size: int = pointer_size
        self.holder: File | None = holder
        self.containers: tuple[str, ...] = containers

    def copied(self) -> Contents:
        """A copy whose sections do not keep the whole input alive."""
        base, ext = self.base and _copy(self.base), self.ext and _copy(self.ext)
        return Contents(_copy(self.btf), base, ext, self.pointer_size, self.holder, self.containers)


def is_elf(file: File) -> bool:
    """Whether a file is an ELF file."""
    return bytes(file.head(len(_ELF_MAGIC))) == _ELF_MAGIC


def is_candidate(file: File) -> bool:
    """Whether the beginning of a file is that of BTF or of something that may contain it."""
    head = bytes(file.head(kernel_images.HEAD))
    return (
        file.is_btf()
        or head.startswith(_ELF_MAGIC)
        or head[_TAR_MAGIC_AT:].startswith(_TAR_MAGIC)
        or compression.recognise(head) is not None
        or kernel_images.recognise(head) is not None
        or boot_containers.recognise(head) is not None
    )


def find(file: File) -> Contents:
    """Find the BTF in a file.

    Raises:
        FormatError: there is no BTF in the file.
        NotSupportedError: a library for decompression is not installed.
    """
    return _Search().in_file(file)


class _Search:
    """The search through one input, with its limits on depth, attempts and decompressed bytes."""

    def __init__(self) -> None:
        self.budget = compression.Budget()
        self.trail: list[str] = []  # the kinds of the containers around the file that is searched
        self.depth = 0
        self.boot_depth = 0
        self.tries = 0
        self.searched = 0  # bytes

    def in_file(self, file: File, image: str | None = None) -> Contents:
        """Find the BTF in a file.

        `image` is the kind of kernel image that the file was decompressed from: such a file is
        searched as an image if nothing else recognises it.
        """
        if file.is_btf():
            return Contents(file, containers=tuple(self.trail))
        head = bytes(file.head(kernel_images.HEAD))
        if head.startswith(_ELF_MAGIC) and not _is_headerless(head):
            return self.within("ELF file", lambda: self.in_elf(file))
        codec = compression.recognise(head)
        is_tar = head[_TAR_MAGIC_AT:].startswith(_TAR_MAGIC)
        boots = boot_containers.recognise(head)
        kind = _HEADERLESS if head.startswith(_ELF_MAGIC) else kernel_images.recognise(head) or image
        if (codec or is_tar or boots or kind) and self.depth == _MAX_DEPTH:
            raise FormatError(f"{file.name}: more than {_MAX_DEPTH} nested levels of compression or archives")
        if codec:
            return self.in_compressed(file, memoryview(file.whole()), codec)
        if is_tar:
            return self.within("tar archive", lambda: self.in_tar(file))
        if boots:
            return self.within(boots, lambda: self.in_boot_container(file, head, boots))
        if kind:
            return self.within(kind, lambda: self.in_image(file, head, kind))
        beginning = f"starts with bytes {head[:4].hex(' ')}" if head else "the file is empty"
        raise FormatError(
            f"{file.name}: neither BTF nor a file that may contain it (ELF, compressed data, a tar archive, "
            f"a kernel image, a boot image): {beginning}"
        )

    def within(self, kind: str, find: Callable[[], Contents]) -> Contents:
        """Call a function that finds the BTF in a container of a kind."""
        self.trail.append(kind)
        try:
            return find()
        finally:
            self.trail.pop()

    # -- ELF

    def in_elf(self, file: File) -> Contents:
        elf = Elf(file)
        btf = self.section(file, elf, ".BTF")
        if btf is None:
            elsewhere = "" if elf.find(".BTF.meta") is None else f"; its .BTF.meta says that {_IN_MODULE}"
            raise FormatError(f"{file.name}: an ELF file without a .BTF section{elsewhere}")
        base, ext = self.section(file, elf, ".BTF.base"), self.section(file, elf, ".BTF.ext")
        return Contents(btf, base, ext, elf.pointer_size, file, tuple(self.trail))

    def section(self, file: File, elf: Elf, name: str) -> File | None:
        section = elf.find(name)
        if section is None:
            return None
        part = file.part(section.offset, section.size, name)
        if section.compression == "none":
            return part
        content = compression.decompress(
            memoryview(part.whole()), section.compression, part.name, self.budget
        )
        if len(content) != section.unpacked_size:
            raise FormatError(
                f"{part.name}: decompresses to {len(content):,} bytes, but its header gives "
                f"{section.unpacked_size:,}"
            )
        return File.of_buffer(content, part.name, False)

    # -- compressed data and archives

    def in_compressed(self, file: File, data: memoryview, codec: str, image: str | None = None) -> Contents:
        def find() -> Contents:
            content = compression.decompress(data, codec, file.name, self.budget)
            unpacked = File.of_buffer(content, file.name, False)
            found = self.in_file(unpacked, image)
            return found if found.btf is unpacked else found.copied()

        self.depth += 1
        try:
            return self.within(codec, find)
        finally:
            self.depth -= 1

    def in_tar(self, file: File) -> Contents:
        """Find the BTF in the only file of an archive that contains one, as BTFHub's archives do."""
        self.depth += 1
        try:
            return self.in_only_one(
                file,
                "a tar archive with {} BTF files",
                ((name, file.part(offset, size, name)) for name, offset, size in _members(file)),
            )
        finally:
            self.depth -= 1

    def in_only_one(
        self, file: File, several: str, parts: Iterable[tuple[str, File]], image: str | None = None
    ) -> Contents:
        """Find the BTF in the only part that contains one."""
        found: list[tuple[str, Contents]] = []
        first_error: BtfError | None = None
        for name, part in parts:
            if self.boot_depth:
                if self.tries == _MAX_TRIES or self.searched >= _MAX_SEARCHED:
                    break
                self.tries += 1
                self.searched += part.size
            try:
                found.append((name, self.in_file(part, image)))
            except BtfError as error:
                if self.budget.left < 0:
                    raise
                first_error = first_error or error
        if len(found) == 1:
            return found[0][1]
        if found:
            names = ", ".join(name for name, _ in found[:3]) + (", ..." if len(found) > 3 else "")
            raise FormatError(
                f"{file.name}: {several.format(len(found))} ({names}); extract the one you want"
            )
        none = "a tar archive without files" if image is None else f"no BTF found in this {image}"
        raise first_error or FormatError(f"{file.name}: {none}")

    # -- kernel images and what boots them

    def in_boot_container(self, file: File, head: bytes, kind: str) -> Contents:
        """Find the BTF in the only kernel of a container that contains one."""
        if self.boot_depth == _MAX_BOOT_DEPTH:
            raise FormatError(f"{file.name}: more than {_MAX_BOOT_DEPTH} nested boot images")
        kernels = boot_containers.kernels(file, head, kind)
        self.boot_depth += 1
        try:
            return self.in_only_one(
                file,
                f"a {kind} with {{}} kernels that have BTF",
                ((each.name, file.part(each.offset, each.size, each.name)) for each in kernels),
                kind,
            )
        finally:
            self.boot_depth -= 1

    def in_image(self, file: File, head: bytes, kind: str) -> Contents:
        blob = memoryview(file.whole())[: file.size]
        if extent := kernel_images.payload(head):
            offset, size = extent
            data = blob[offset : offset + size]
            if codec := compression.recognise(bytes(data[: kernel_images.HEAD])):
                return self.in_compressed(file, data, codec, kind)
        if contents := _uncompressed(file, blob):
            contents.containers = tuple(self.trail)
            contents.pointer_size = _POINTER_SIZES.get(head[_ELF_CLASS_AT], 0) if kind == _HEADERLESS else 0
            return contents
        missing: BtfError | None = None
        for offset, codec in kernel_images.compressed(blob):
            if self.tries == _MAX_TRIES:
                break
            self.tries += 1
            try:
                return self.in_compressed(file, blob[offset:], codec, kind)
            except FormatError:
                if self.budget.left < 0:
                    raise
                # otherwise the magic number occurred by chance
            except BtfError as error:
                missing = missing or error
        if missing:
            raise missing
        raise FormatError(
            f"{file.name}: no BTF found in this kernel image ({kind}); if it is built with "
            f"CONFIG_DEBUG_INFO_BTF=m, {_IN_MODULE}"
        )


def _is_headerless(head: bytes) -> bool:
    """Whether an ELF file has no section headers: those of kernels are often removed."""
    known = (
        len(head) >= _ELF_HEADER and head[_ELF_CLASS_AT] in _POINTER_SIZES and head[_ELF_DATA_AT] in (1, 2)
    )
    if not known:
        return False
    order = ">" if head[_ELF_DATA_AT] == _ELF_BIG else "<"
    wide = head[_ELF_CLASS_AT] == _ELF_64
    kind: int = struct.unpack_from(f"{order}H", head, _ELF_TYPE_AT)[0]
    offset: int = struct.unpack_from(f"{order}{'Q' if wide else 'I'}", head, 0x28 if wide else 0x20)[0]
    return kind != _ELF_CORE and offset == 0


def _copy(file: File) -> File:
    return File.of_buffer(bytes(file.whole()), file.name, False)


def _members(file: File) -> Iterator[tuple[str, int, int]]:
    """The name, offset and size of each regular file.

    tarfile parses the headers but does not iterate over the archive, which may not terminate on hostile ones.
    """
    import tarfile

    at = 0
    while at + _TAR_BLOCK <= file.size:
        block = bytes(file.part(at, _TAR_BLOCK, "").whole())
        if not any(block):
            return
        try:
            member = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise FormatError(f"{file.name}: a broken tar archive: {error} at byte {at}") from error
        at += _TAR_BLOCK
        if member.size < 0 or member.size > file.size - at:
            raise FormatError(
                f"{file.name}: a broken tar archive: {member.name!r} with {member.size} bytes at byte {at}"
            )
        if member.isreg() and not member.issparse():
            yield member.name, at, member.size
        at += -(-member.size // _TAR_BLOCK) * _TAR_BLOCK


def _uncompressed(file: File, blob: memoryview) -> Contents | None:
    """The largest valid uncompressed BTF in an image. Smaller ones belong to built-in BPF programs."""
    image = File.of_buffer(blob, file.name, False)  # `file` would read each part again
    extents: list[tuple[int, int]] = []
    for offset in kernel_images.uncompressed(blob):
        size = image.part(offset, len(blob) - offset, "").btf_size()
        if size is not None:
            extents.append((size, offset))
    for size, offset in sorted(extents, reverse=True)[:_MAX_VALID_HEADERS]:
        try:
            CoreBtf(image.part(offset, size, ""), None, 0)
        except BtfError:
            continue
        return Contents(file.part(offset, size, f"BTF at {offset:#x}"), holder=image)
    return None
