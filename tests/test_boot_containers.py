"""BTF of kernels inside what boot loaders read, made by the distribution's tools; hostile ones. The page
docs/containers.md lists the containers and these tests."""

from __future__ import annotations

import gzip
import lzma
import os
import platform
import random
import re
import struct
import subprocess
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requirements
from btf_writer import BtfWriter
from command import run_btfmmap
from compressors import CODECS, tar
from kernel_image_writer import BLOB, arm64, bzimage, kernel_elf, noise, zboot

import btfmmap
from btfmmap import FormatError, boot_containers, compression, containers, kernel_images

PAGE = Path(__file__).parent.parent / "docs" / "containers.md"

KERNELS: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "raw": (arm64(BLOB), ("arm64 Image",)),
    "gzip": (gzip.compress(arm64(BLOB)), ("gzip", "arm64 Image")),
    "gzip, then a device tree": (gzip.compress(arm64(BLOB)) + b"\xd0\x0d\xfe\xed", ("gzip", "arm64 Image")),
    "lz4": (CODECS["lz4"](arm64(BLOB)), ("lz4", "arm64 Image")),
    "legacy lz4": (CODECS["legacy lz4"](arm64(BLOB)), ("legacy lz4", "arm64 Image")),
    "bzImage": (bzimage(lzma.compress(kernel_elf())), ("x86 bzImage", "xz", "ELF file")),
    "zboot": (zboot(gzip.compress(arm64(BLOB))), ("EFI zboot image", "gzip", "arm64 Image")),
}


def run(*words: str | Path) -> None:
    program, *rest = map(str, words)
    subprocess.run([requirements.tool(program), *rest], check=True, capture_output=True)


# -- the tools


def android(version: int, kernel: Path, out: Path) -> None:
    """mkbootimg of Debian 12 writes versions 0 to 3. Version 4 adds the size of a signature at the end."""
    header = min(version, 3)
    files = kernel.with_name("ramdisk"), kernel.with_name("dtb")
    for file in files:
        file.write_bytes(bytes(noise(3000)))
    words: list[str | Path] = [
        "mkbootimg",
        "--header_version",
        str(header),
        "--kernel",
        kernel,
        "--output",
        out,
    ]
    words += ["--ramdisk", files[0]]
    if header < 3:
        words += ["--pagesize", "2048"]
    if header == 2:
        words += ["--dtb", files[1]]
    run(*words)
    if version == 4:
        image = bytearray(out.read_bytes())
        struct.pack_into("<I", image, 20, 1584)
        struct.pack_into("<I", image, 40, 4)
        out.write_bytes(image)


def uncompressed_img(kernel: Path, out: Path) -> None:
    """No tool of Debian writes this."""
    content = kernel.read_bytes()
    out.write_bytes(b"UNCOMPRESSED_IMG" + struct.pack("<I", len(content)) + content + bytes(noise(500)))


def uimage(kernel: Path, out: Path) -> None:
    words = ["-A", "arm64", "-O", "linux", "-T", "kernel", "-C", "none", "-a", "0x80000", "-e", "0x80000"]
    run("mkimage", *words, "-n", "test", "-d", kernel, out)


def multi_uimage(kernel: Path, out: Path) -> None:
    ramdisk = kernel.with_name("ramdisk")
    ramdisk.write_bytes(gzip.compress(bytes(noise(3001))))
    words = ["-A", "arm64", "-O", "linux", "-T", "multi", "-C", "none", "-n", "test"]
    run("mkimage", *words, "-d", f"{kernel}:{ramdisk}", out)


LINUX = 'arch = "arm64"; os = "linux"; compression = "none";'
SOURCE = f"""/dts-v1/;
/ {{
    description = "test";
    #address-cells = <1>;
    images {{
        other {{ data = /incbin/("other"); type = "kernel"; {LINUX} load = <0>; entry = <0>; }};
        kernel-1 {{
            data = /incbin/("kernel"); type = "kernel"; {LINUX} load = <0>; entry = <0>;
            hash-1 {{ algo = "crc32"; }};
        }};
        ramdisk {{ data = /incbin/("other"); type = "ramdisk"; {LINUX} }};
    }};
    configurations {{
        default = "conf-2";
        conf-1 {{ kernel = "other"; }};
        conf-2 {{ kernel = "kernel-1"; ramdisk = "ramdisk"; }};
    }};
}};
"""


def fit(kernel: Path, out: Path, *options: str) -> None:
    """The kernel that does not boot by default has another BTF."""
    writer = BtfWriter()
    writer.add_int("other")
    kernel.with_name("other").write_bytes(arm64(writer.build()))
    source = kernel.with_name("test.its")
    source.write_text(SOURCE.replace('("kernel")', f'("{kernel.name}")'))
    run("mkimage", "-D", f"-I dts -O dtb -i {kernel.parent}", *options, "-f", source, out)


def unified(kernel: Path, out: Path) -> None:
    """A PE file, as ukify makes it from systemd's stub, with sections before and after the kernel."""
    if platform.machine() != "x86_64":
        pytest.skip("the linker writes PE files on x86 only")
    source, stub, other = (kernel.with_name(name) for name in ("stub.c", "stub.efi", "cmdline"))
    source.write_text("int efi_main(void) { return 0; }\n")
    other.write_bytes(b"quiet\0")
    built = source.with_suffix(".o")
    run("gcc", "-c", "-ffreestanding", source, "-o", built)
    run("ld", "-m", "i386pep", "--subsystem", "10", "-e", "efi_main", built, "-o", stub)
    words: list[str] = []
    for number, (name, path) in enumerate(((".cmdline", other), (".linux", kernel), (".initrd", other))):
        words += [
            "--add-section",
            f"{name}={path}",
            "--change-section-vma",
            f"{name}={0x150000000 + (number << 24):#x}",
        ]
        words += ["--set-section-flags", f"{name}=contents,alloc,load,readonly,data"]
    run("objcopy", *words, stub, out)


MAKERS: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    **{f"android-{version}": (partial(android, version), "Android boot image") for version in range(5)},
    "UNCOMPRESSED_IMG": (uncompressed_img, "UNCOMPRESSED_IMG"),
    "uImage": (uimage, "uImage"),
    "uImage-multi": (multi_uimage, "uImage"),
    "FIT": (fit, "FIT image"),
    "FIT-external": (lambda kernel, out: fit(kernel, out, "-E"), "FIT image"),
    "FIT-position": (lambda kernel, out: fit(kernel, out, "-E", "-p", "0x4000"), "FIT image"),
    "UKI": (unified, "unified kernel image"),
}


def made(name: str, content: bytes, folder: Path) -> Path:
    kernel, out = folder / "kernel", folder / "image"
    kernel.write_bytes(content)
    MAKERS[name][0](kernel, out)
    return out


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("name", MAKERS)
def test_a_container(name: str, kernel: str, tmp_path: Path) -> None:
    content, inside = KERNELS[kernel]
    path = made(name, content, tmp_path)
    for btf in (btfmmap.open(path), btfmmap.open(path, method="mmap"), btfmmap.open(data=path.read_bytes())):
        assert btf.raw.tobytes() == BLOB
        assert btf.source.containers == (MAKERS[name][1], *inside)


@pytest.mark.parametrize("name", MAKERS)
def test_in_other_containers(name: str, tmp_path: Path) -> None:
    image = made(name, KERNELS["gzip"][0], tmp_path).read_bytes()
    inside = (MAKERS[name][1], "gzip", "arm64 Image")
    for packed, around in ((lzma.compress(image), ("xz",)), (tar({"boot.img": image}), ("tar archive",))):
        btf = btfmmap.open(data=packed)
        assert btf.raw.tobytes() == BLOB
        assert btf.source.containers == (*around, *inside)


@pytest.mark.parametrize("name", MAKERS)
def test_unknown_architecture(name: str, tmp_path: Path) -> None:
    """A kernel without a magic number of its own is searched as well."""
    path = made(name, bytes(noise(0x11000)) + BLOB, tmp_path)
    assert btfmmap.open(path).raw.tobytes() == BLOB


def test_uncompressed_in_android(tmp_path: Path) -> None:
    """As some phones have it."""
    inner = tmp_path / "inner"
    (tmp_path / "kernel").write_bytes(arm64(BLOB))
    uncompressed_img(tmp_path / "kernel", inner)
    path = made("android-2", inner.read_bytes(), tmp_path)
    assert btfmmap.open(path).source.containers == ("Android boot image", "UNCOMPRESSED_IMG", "arm64 Image")


def test_an_elf_file_without_section_headers(tmp_path: Path) -> None:
    """The BTF of a kernel lies in a segment that is loaded."""
    source, built, linked, stripped = (tmp_path / name for name in ("a.S", "a.o", "a", "stripped"))
    (tmp_path / "blob").write_bytes(BLOB)
    source.write_text(
        f'.globl _start\n_start: .byte 0\n.section .BTF,"a"\n.balign 8\n.incbin "{tmp_path / "blob"}"\n'
    )
    run("gcc", "-c", source, "-o", built)
    run("ld", built, "-o", linked)
    run("llvm-objcopy", "--strip-sections", linked, stripped)
    assert btfmmap.open(linked).source.containers == ("ELF file",)
    for content in (stripped.read_bytes(), gzip.compress(stripped.read_bytes())):
        btf = btfmmap.open(data=content)
        assert btf.raw.tobytes() == BLOB
        assert btf.source.containers[-1] == "ELF file without section headers"
        assert btf.source.pointer_size == struct.calcsize("P")


def test_other_containers_are_named() -> None:
    assert btfmmap.open(data=BLOB).source.containers == ()
    elf = btfmmap.open(data=kernel_elf())
    assert elf.source.containers == ("ELF file",)
    assert btfmmap.open(data=tar({"a": gzip.compress(BLOB)})).source.containers == ("tar archive", "gzip")


def test_info(tmp_path: Path) -> None:
    path = tmp_path / "boot.img"
    (tmp_path / "kernel").write_bytes(KERNELS["gzip"][0])
    uncompressed_img(tmp_path / "kernel", path)
    assert "\n  inside   UNCOMPRESSED_IMG, gzip, arm64 Image\n" in run_btfmmap("info", str(path)).stdout
    assert '"containers": [\n      "UNCOMPRESSED_IMG",' in run_btfmmap("info", str(path), "--json").stdout
    assert "inside" not in run_btfmmap("info", "--sample").stdout


def test_the_page_lists_every_container() -> None:
    """Each with a test that exists."""
    rows = re.findall(r"^\| (.*?) \| .* \| (.*?) \|$", PAGE.read_text(), re.MULTILINE)[1:]
    listed = {name for container, _ in rows for name in re.findall("`(.*?)`", container)}
    assert listed == {
        "ELF file",
        "ELF file without section headers",
        "tar archive",
        *(name for _, name in compression.MAGICS),
        *(name for *_, name in kernel_images._MAGICS),
        *(name for _, name in boot_containers._MAGICS),
        boot_containers.UKI,
    }
    for container, made_by in rows:
        tests = re.findall(r"`(test_\w+\.py)(?:::(\w+))?`", made_by)
        assert tests, container
        for file, test in tests:
            text = (Path(__file__).parent / file).read_text()
            assert not test or re.search(rf"^(def|class) {test}\b", text, re.MULTILINE), (container, test)


def test_found_among_kernels(tmp_path: Path) -> None:
    """A file is a kernel because of what it contains, not its name."""
    (tmp_path / "kernel").write_bytes(KERNELS["gzip"][0])
    folder = tmp_path / "images"
    folder.mkdir()
    uncompressed_img(tmp_path / "kernel", folder / "some.img")
    (folder / "other.txt").write_text("text")
    assert [kernel.path for kernel in btfmmap.find_kernels([str(folder)])] == [str(folder / "some.img")]


# -- hostile ones


def image_of(name: str, folder: Path) -> bytes:
    return made(name, KERNELS["gzip"][0], folder).read_bytes()


def refused(image: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        btfmmap.open(data=image)


@pytest.mark.parametrize("name", MAKERS)
class TestMutants:
    def test_every_cut(self, name: str, tmp_path: Path) -> None:
        image = image_of(name, tmp_path)
        end = image.index(KERNELS["gzip"][0][:64]) + len(KERNELS["gzip"][0])
        for size in sorted({*range(min(700, end)), *range(0, end, 211), end - 1}):
            with pytest.raises(FormatError):
                btfmmap.open(data=image[:size])

    def test_mutations(self, name: str, tmp_path: Path) -> None:
        """Bytes of the header, of the whole device tree, or of the table of sections."""
        image = image_of(name, tmp_path)
        start = image.index(KERNELS["gzip"][0][:64])
        drawn = random.Random(zlib.crc32(name.encode()))
        opened = 0
        for _ in range(400):
            mutated = bytearray(image)
            for _ in range(drawn.randint(1, 3)):
                mutated[drawn.randrange(min(start, 1200))] = drawn.choice(
                    [0, 1, 127, 255, drawn.randrange(256)]
                )
            try:
                btf = btfmmap.open(data=bytes(mutated))
            except FormatError:
                continue
            opened += 1
            assert btf.raw.tobytes() == BLOB or btf.find("other") is not None
        assert opened

    def test_limit(self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        bomb = made(name, gzip.compress(bytes(1 << 24)), tmp_path).read_bytes()
        monkeypatch.setattr(compression, "LIMIT", 1 << 20)
        refused(bomb, r"decompresses \(gzip\) to more than the 1,048,576 bytes allowed")

    def test_without_btf(self, name: str, tmp_path: Path) -> None:
        refused(made(name, arm64(b"code"), tmp_path).read_bytes(), "no BTF found in this kernel image")


def test_past_the_end() -> None:
    head = struct.pack("<8s8I", b"ANDROID!", 2**32 - 1, 0, 0, 0, 0, 0, 0, 2048) + struct.pack("<I", 2)
    refused(head + bytes(5000), "the kernel has 4,294,967,295 bytes at byte 2,048, past the end of the file")
    refused(head[:20], "a broken Android boot image: the header is cut short")
    refused(b"ANDROID!" + bytes(5000), "no kernel in this Android boot image")


def nested(levels: int) -> bytes:
    image = arm64(BLOB)
    for _ in range(levels):
        image = b"UNCOMPRESSED_IMG" + struct.pack("<I", len(image)) + image
    return image


def test_nesting() -> None:
    assert btfmmap.open(data=nested(4)).raw.tobytes() == BLOB
    refused(nested(5), "more than 4 nested boot images")


class Tree:
    """A flattened device tree, well-formed or not."""

    def __init__(self) -> None:
        self.structure = b""
        self.strings = b""

    def begin(self, name: bytes) -> None:
        self.structure += struct.pack(">I", 1) + (name + b"\0").ljust(-(-(len(name) + 1) // 4) * 4, b"\0")

    def prop(self, name: bytes, value: bytes, size: int | None = None) -> None:
        at = len(self.strings)
        self.strings += name + b"\0"
        self.structure += struct.pack(">III", 3, len(value) if size is None else size, at)
        self.structure += value + bytes(-len(value) % 4)

    def end(self) -> None:
        self.structure += struct.pack(">I", 2)

    def image(self, name: bytes, **numbers: int) -> None:
        self.begin(name)
        self.prop(b"type", b"kernel\0")
        for key, number in numbers.items():
            self.prop(key.replace("_", "-").encode(), struct.pack(">I", number))
        self.end()

    def build(self, rest: bytes = b"", **fields: int) -> bytes:
        structure = self.structure + struct.pack(">I", 9)
        at = 56
        total = at + len(structure) + len(self.strings)
        header = {"size": total, "structure": at, "strings": at + len(structure)} | fields
        words = (0xD00DFEED, header["size"], header["structure"], header["strings"], 40, 17, 16, 0, 0, 0)
        return struct.pack(">10I", *words) + bytes(16) + structure + self.strings + rest


def images(**numbers: int) -> Tree:
    tree = Tree()
    tree.begin(b"")
    tree.begin(b"images")
    tree.image(b"one", **numbers)
    tree.end()
    tree.end()
    return tree


class TestTrees:
    def test_our_own(self) -> None:
        kernel = arm64(BLOB)
        tree = images(data_size=len(kernel), data_position=1000).build()
        assert btfmmap.open(data=tree.ljust(1000, b"\0") + kernel).raw.tobytes() == BLOB
        tree = images(data_size=len(kernel), data_offset=8).build()
        assert btfmmap.open(data=tree + bytes(-len(tree) % 4 + 8) + kernel).raw.tobytes() == BLOB

    def test_no_default(self) -> None:
        """Only one of the kernels may have BTF then."""
        kernel, none = arm64(BLOB), arm64(b"code")

        def image(first: bytes, second: bytes) -> bytes:
            tree = Tree()
            tree.begin(b"")
            tree.begin(b"images")
            tree.image(b"one", data_size=len(first), data_position=1000)
            tree.image(b"two", data_size=len(second), data_position=1000 + len(first))
            tree.end()
            tree.end()
            return tree.build().ljust(1000, b"\0") + first + second

        for pair in ((kernel, none), (none, kernel)):
            assert btfmmap.open(data=image(*pair)).raw.tobytes() == BLOB
        refused(image(none, none), "no BTF found in this kernel image")
        refused(
            image(kernel, kernel), r"2 kernels that have BTF \(image 'one', image 'two'\); extract the one"
        )

    @pytest.mark.parametrize("numbers", [{}, {"data_size": 5}, {"data_offset": 5}, {"data_position": 0}])
    def test_no_data(self, numbers: dict[str, int]) -> None:
        refused(images(**numbers).build(), "no kernel in this FIT image")

    def test_a_device_tree_that_is_no_fit(self) -> None:
        tree = Tree()
        tree.begin(b"")
        tree.prop(b"compatible", b"some,board\0")
        tree.end()
        refused(tree.build(), "no kernel in this FIT image")

    def test_itself(self) -> None:
        """The tree's kernel is the tree."""
        tree = images(data_size=0, data_position=0)
        tree = images(data_size=len(tree.build()), data_position=0)
        refused(tree.build(), "more than 4 nested boot images")

    def test_many_of_itself(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each of a hundred kernels is the whole file: 100 million searches."""
        tried: list[str] = []
        kernels = boot_containers.kernels

        def counting(*args: object) -> object:
            tried.append("")
            return kernels(*args)  # type: ignore[arg-type]

        def tree(size: int) -> bytes:
            tree = Tree()
            tree.begin(b"images")
            for number in range(100):
                tree.image(b"%d" % number, data_size=size, data_position=0)
            # The outermost node has no name in a path.
            tree.structure = struct.pack(">II", 1, 0) + tree.structure
            tree.end()
            tree.end()
            return tree.build()

        monkeypatch.setattr(boot_containers, "kernels", counting)
        refused(tree(len(tree(0))), "nested boot images|no BTF found")
        assert len(tried) <= 513

    def test_overlapping_kernels(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each kernel has nearly all bytes of the file. Their sum is limited."""
        kernel = arm64(b"code")
        tree = Tree()
        tree.begin(b"")
        tree.begin(b"images")
        for number in range(100):
            tree.image(b"%d" % number, data_size=len(kernel), data_position=1 << 16)
        tree.end()
        tree.end()
        searched: list[str] = []
        in_image = containers._Search.in_image

        def counting(*args: Any) -> Any:
            searched.append("")
            return in_image(*args)

        monkeypatch.setattr(containers._Search, "in_image", counting)
        monkeypatch.setattr(containers, "_MAX_SEARCHED", 4 * len(kernel))
        refused(tree.build().ljust(1 << 16, b"\0") + kernel, "no BTF found")
        assert len(searched) == 4

    def test_tokens(self) -> None:
        tree = images()
        tree.structure += struct.pack(">I", 4) * (1 << 17)
        refused(tree.build(), "more than 65,536 tokens")
        tree = images()
        tree.structure += struct.pack(">I", 7)
        refused(tree.build(), "token 0x7 at byte")
        for at in (2**32 - 4, 10**6):
            refused(images().build(structure=at), "cut short")
        refused(images().build(size=2**31), "the device tree has 2,147,483,648 bytes")
        tree = images()
        tree.structure = tree.structure[:-8]
        tree.prop(b"data", b"", size=2**32 - 1)
        refused(tree.build(), "a property of 4,294,967,295 bytes")

    def test_depth(self) -> None:
        tree = Tree()
        for _ in range(100_000):
            tree.begin(b"")
        refused(tree.build(), "many nested nodes")

    def test_long_names(self) -> None:
        tree = Tree()
        tree.begin(b"x" * 300)
        refused(tree.build(), "a long name")
        tree = images()
        tree.strings += b"y" * 10**6
        refused(tree.build(strings=len(tree.build()) - 10**6), "no kernel in this FIT image")


REAL = [path for path in os.environ.get("BTFMMAP_VMLINUZ", "").split(":") if path]


@pytest.mark.skipif(not REAL, reason="BTFMMAP_VMLINUZ does not name kernels to boot")
@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("path", REAL)
def test_real(path: str, name: str, tmp_path: Path) -> None:
    """A kernel's own BTF, out of the container and from the kernel itself."""
    expected = btfmmap.open(path)
    btf = btfmmap.open(made(name, Path(path).read_bytes(), tmp_path))
    assert btf.raw.tobytes() == expected.raw.tobytes()
    assert btf.source.containers == (MAKERS[name][1], *expected.source.containers)
