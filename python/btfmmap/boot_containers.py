"""Finds the kernels in what boot loaders read: Android boot images, uImages, FIT images and others."""

from __future__ import annotations

import struct

from .errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._core import File

ANDROID, PATCHED, UIMAGE, FIT, UKI = (
    "Android boot image",
    "UNCOMPRESSED_IMG",
    "uImage",
    "FIT image",
    "unified kernel image",
)

_ANDROID_PAGE = 4096  # of versions 3 and later, whose headers do not record it
_ANDROID_VERSIONS = 4  # a higher number is that of a vendor's field at the same place
_PATCHED_HEADER = 20
_UIMAGE_HEADER = 64
_UIMAGE_MULTI = 4  # the type of a uImage with several files
_MAX_FILES = 64  # in a uImage
_FDT_BEGIN_NODE, _FDT_END_NODE, _FDT_PROP, _FDT_NOP, _FDT_END = 1, 2, 3, 4, 9
_MAX_TOKENS = 1 << 16  # of a device tree; those of FIT images have hundreds
_MAX_TREE = 1 << 30
_MAX_TREE_DEPTH = 64
_MAX_NAME = 255
_PE_SECTION = 40


class Kernel:
    """The place of a kernel in a container. `name` is for messages."""

    __slots__ = ("name", "offset", "size")

    def __init__(self, name: str, offset: int, size: int) -> None:
        self.name: str = name
        self.offset: int = offset
        self.size: int = size


def recognise(head: bytes) -> str | None:
    """The kind of container with these first bytes, or None."""
    for magic, kind in _MAGICS:
        if head.startswith(magic):
            return kind
    return UKI if any(_linux_sections(head)) else None


def kernels(file: File, head: bytes, kind: str) -> list[Kernel]:
    """The kernels in a container that may boot, or the one that it names as the default. All lie in the file.

    Raises:
        FormatError: There is none, or the container is broken.
    """
    found = _READERS[kind](file, head)
    if not found:
        raise FormatError(f"{file.name}: no kernel in this {kind}")
    for kernel in found:
        if kernel.offset > file.size or kernel.size > file.size - kernel.offset:
            raise FormatError(
                f"{file.name}: a broken {kind}: {kernel.name} has {kernel.size:,} bytes at byte "
                f"{kernel.offset:,}, past the end of the file"
            )
    return found


def _header(file: File, head: bytes, kind: str, size: int) -> bytes:
    if len(head) < size:
        raise FormatError(f"{file.name}: a broken {kind}: the header is cut short")
    return head


# -- Android: system/tools/mkbootimg/include/bootimg/bootimg.h


def _android(file: File, head: bytes) -> list[Kernel]:
    size, page, version = struct.unpack_from("<I24xII", _header(file, head, ANDROID, 44), 8)
    offset = _ANDROID_PAGE if 3 <= version <= _ANDROID_VERSIONS else page
    return [Kernel("the kernel", offset, size)] if size else []


# -- the header before a kernel that is not compressed: lk2nd and Qualcomm's boot loaders


def _patched(file: File, head: bytes) -> list[Kernel]:
    (size,) = struct.unpack_from("<I", _header(file, head, PATCHED, _PATCHED_HEADER), 16)
    return [Kernel("the kernel", _PATCHED_HEADER, size)] if size else []


# -- U-Boot: include/image.h


def _uimage(file: File, head: bytes) -> list[Kernel]:
    size, kind = struct.unpack_from(">I14xB", _header(file, head, UIMAGE, _UIMAGE_HEADER), 12)
    if kind != _UIMAGE_MULTI:
        return [Kernel("the image", _UIMAGE_HEADER, size)] if size else []
    # The sizes of the files, then 0, then the files, aligned to 4 bytes.
    sizes: list[int] = []
    for at in range(_UIMAGE_HEADER, _UIMAGE_HEADER + 4 * (_MAX_FILES + 1), 4):
        if at + 4 > len(head):
            break
        (size,) = struct.unpack_from(">I", head, at)
        if size == 0:
            # The first one is the kernel; others are an initial RAM disk and a device tree.
            return [Kernel("the first file", at + 4, sizes[0])] if sizes else []
        sizes.append(size)
    raise FormatError(f"{file.name}: a broken {UIMAGE}: the list of files has no end")


# -- FIT: a device tree, doc/usage/fit/source_file_format.rst of U-Boot


class _Tree:
    """The nodes of a flattened device tree, by path, and their properties."""

    def __init__(self, file: File, head: bytes) -> None:
        fields = struct.unpack_from(">10I", _header(file, head, FIT, 40))
        self.size, self.structure, self.strings = fields[1:4]
        if not 40 <= self.size <= min(file.size, _MAX_TREE):
            raise self.broken(file, f"the device tree has {self.size:,} bytes")
        self.data = memoryview(file.part(0, self.size, file.name).whole())
        self.nodes: dict[tuple[str, ...], dict[str, tuple[int, int]]] = {}
        try:
            self._read(file)
        except struct.error:
            raise self.broken(file, "the device tree is cut short") from None

    @staticmethod
    def broken(file: File, why: str) -> FormatError:
        return FormatError(f"{file.name}: a broken {FIT}: {why}")

    def _string(self, at: int) -> str:
        """The string at an offset. It is cut short if it is longer than any name that is looked for."""
        return bytes(self.data[at : at + _MAX_NAME + 1]).partition(b"\0")[0].decode("utf-8", "replace")

    def _read(self, file: File) -> None:
        at = self.structure
        path: list[str] = []
        for _ in range(_MAX_TOKENS):
            (token,) = struct.unpack_from(">I", self.data, at)
            at += 4
            if token == _FDT_BEGIN_NODE:
                name = bytes(self.data[at : at + _MAX_NAME + 1]).partition(b"\0")[0]
                if len(name) > _MAX_NAME or len(path) == _MAX_TREE_DEPTH:
                    raise self.broken(file, f"a long name or many nested nodes at byte {at:,}")
                path.append(name.decode("utf-8", "replace"))
                self.nodes.setdefault(tuple(path[1:]), {})
                at = (at + len(name) + 4) & ~3
            elif token == _FDT_END_NODE and path:
                path.pop()
            elif token == _FDT_PROP and path:
                size, name_at = struct.unpack_from(">II", self.data, at)
                if size > self.size - at - 8:
                    raise self.broken(file, f"a property of {size:,} bytes at byte {at - 4:,}")
                self.nodes[tuple(path[1:])].setdefault(self._string(self.strings + name_at), (at + 8, size))
                at = (at + 8 + size + 3) & ~3
            elif token == _FDT_END:
                return
            elif token != _FDT_NOP:
                raise self.broken(file, f"token {token:#x} at byte {at - 4:,}")
        raise self.broken(file, f"the device tree has more than {_MAX_TOKENS:,} tokens")

    def text(self, path: tuple[str, ...], name: str) -> str:
        """A property that is a string; "" if there is none."""
        at, size = self.nodes.get(path, {}).get(name, (0, 0))
        return self._string(at) if size else ""

    def number(self, path: tuple[str, ...], name: str) -> int | None:
        """A property that is a number of 4 bytes, or None."""
        at, size = self.nodes.get(path, {}).get(name, (0, 0))
        return struct.unpack_from(">I", self.data, at)[0] if size == 4 else None


def _fit(file: File, head: bytes) -> list[Kernel]:
    tree = _Tree(file, head)
    configuration = ("configurations", tree.text(("configurations",), "default"))
    default = tree.text(configuration, "kernel")
    found: list[Kernel] = []
    for path in tree.nodes:
        if len(path) == 2 and path[0] == "images" and tree.text(path, "type") in ("kernel", "kernel_noload"):
            kernel = _fit_kernel(tree, path)
            if kernel is not None:
                if path[1] == default:
                    return [kernel]
                found.append(kernel)
    return found


def _fit_kernel(tree: _Tree, path: tuple[str, ...]) -> Kernel | None:
    """The kernel in a node of a FIT: in the tree, or at an offset from the tree's end or the file's start."""
    name = f"image {path[1]!r}"
    if "data" in tree.nodes[path]:
        return Kernel(name, *tree.nodes[path]["data"])
    size = tree.number(path, "data-size")
    position, offset = tree.number(path, "data-position"), tree.number(path, "data-offset")
    if position is None and offset is not None:
        position = ((tree.size + 3) & ~3) + offset
    return None if size is None or position is None else Kernel(name, position, size)


# -- unified kernel images: a PE file, https://uapi-group.org/specifications/specs/unified_kernel_image


def _linux_sections(head: bytes) -> Iterator[Kernel]:
    """The sections `.linux` of a PE file. The table of sections lies near its start."""
    if head[:2] != b"MZ" or len(head) < 64:
        return
    (at,) = struct.unpack_from("<I", head, 0x3C)
    if head[at : at + 4] != b"PE\0\0" or at + 24 > len(head):
        return
    (count,) = struct.unpack_from("<H", head, at + 6)
    (optional,) = struct.unpack_from("<H", head, at + 20)
    table = at + 24 + optional
    for section in range(table, min(table + count * _PE_SECTION, len(head) - _PE_SECTION + 1), _PE_SECTION):
        if head[section : section + 8] == b".linux\0\0":
            virtual, stored, offset = struct.unpack_from("<I4xII", head, section + 8)
            yield Kernel("section .linux", offset, min(virtual, stored) if virtual else stored)


def _uki(_: File, head: bytes) -> list[Kernel]:
    return list(_linux_sections(head))[:1]  # others belong to profiles that are chosen at boot


_MAGICS = (
    (b"ANDROID!", ANDROID),
    (b"UNCOMPRESSED_IMG", PATCHED),
    (b"\x27\x05\x19\x56", UIMAGE),
    (b"\xd0\x0d\xfe\xed", FIT),
)

_READERS: dict[str, Callable[[File, bytes], list[Kernel]]] = {
    ANDROID: _android,
    PATCHED: _patched,
    UIMAGE: _uimage,
    FIT: _fit,
    UKI: _uki,
}
