"""Which kernel a BTF belongs to, and how that is known."""

from __future__ import annotations

import gzip
import os
import random
import struct
from pathlib import Path

import pytest
import requirements
from btf_writer import BtfWriter, every_kind
from elf_writer import ElfWriter
from mutants import mutant
from stored_files import KERNELS, stored

import btfmmap
from btfmmap import Identity
from btfmmap.kernels.identity import arch_and_flavour, release_in_path

BANNER = b"Linux version %s (builder@host) (gcc 14.2.0, GNU ld 2.44) #1 SMP Debian\0"
REAL = [path for path in os.environ.get("BTFMMAP_VMLINUZ", "").split(":") if path]


def identity(kernels: object) -> Identity:
    (found,) = btfmmap.find_kernels(kernels)  # type: ignore[arg-type]
    with found.open() as kernel:
        return kernel.identity


@pytest.mark.parametrize(
    ("path", "release"),
    [
        ("debian/12/x86_64/5.10.0-0.deb10.16-amd64.btf.tar.xz", "5.10.0-0.deb10.16-amd64"),
        ("/boot/vmlinuz-6.12.94+deb13-amd64", "6.12.94+deb13-amd64"),
        ("vmlinux-6.12.94+deb13-amd64", "6.12.94+deb13-amd64"),
        ("6.12.43+deb12-cloud-amd64.btf.xz", "6.12.43+deb12-cloud-amd64"),
        ("6.12.43+deb12-cloud-amd64.btf", "6.12.43+deb12-cloud-amd64"),
        ("linux-image-6.1.0-47-cloud-amd64", "6.1.0-47-cloud-amd64"),
        ("4.18.0-553.el8_10.x86_64.btf", "4.18.0-553.el8_10.x86_64"),
        ("/lib/modules/6.12-arch1-1", "6.12-arch1-1"),
        ("/usr/lib/debug/lib/modules/6.11.4-301.fc41.x86_64/vmlinux", "6.11.4-301.fc41.x86_64"),
        ("/lib/modules/6.9.3/build/vmlinux", "6.9.3"),
        ("linux-6.12/vmlinux.btf", "6.12"),
        ("7.3~rc7-cloud-amd64.btf", "7.3~rc7-cloud-amd64"),
        ("v6.9/vmlinux", "6.9"),
        ("vmlinux", ""),
        ("ubuntu/20.04/x86_64/vmlinux", ""),
        ("libfoo-1.8.so", ""),
        ("prog.bpf.o", ""),
        ("kernel.btf", ""),
        ("x86_64.btf", ""),
        ("/", ""),
    ],
)
def test_release_in_path(path: str, release: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert release_in_path(path) == release


@pytest.mark.parametrize(
    ("release", "arch", "flavour"),
    [
        ("6.12.43+deb13-cloud-amd64", "x86_64", "cloud"),
        ("6.12.43+deb13-rt-arm64", "arm64", "rt"),
        ("6.12.43+deb13-amd64", "x86_64", ""),
        ("6.1.0-47-cloud-amd64", "x86_64", "cloud"),
        ("6.1.0-13-armmp-lpae", "arm", "lpae"),
        ("7.2.13+deb14-powerpc64le", "ppc64le", ""),
        ("5.15.0-91-generic", "", "generic"),
        ("5.15.0-1034-aws-fips", "", "aws-fips"),
        ("4.18.0-553.el8_10.x86_64", "x86_64", ""),
        ("5.14.0-427.el9.x86_64+rt", "x86_64", "rt"),
        ("5.14.0-427.el9.aarch64+64k", "arm64", "64k"),
        ("6.4.0-150600.21-default", "", "default"),
        ("6.6.1-zen1-1-zen", "", "zen"),
        ("6.5.11-7-pve", "", "pve"),
        ("6.12.0-dirty", "", ""),
        ("6.12", "", ""),
        ("6.18.44-fc-v669", "", ""),
        ("5.10.75-79.358.amzn2.x86_64", "x86_64", ""),
        ("", "", ""),
    ],
)
def test_arch_and_flavour(release: str, arch: str, flavour: str) -> None:
    assert arch_and_flavour(release) == (arch, flavour)


def test_the_running_kernel() -> None:
    path = requirements.kernel_btf()
    for given in (path, path.parent, btfmmap.open()):
        found = identity(given)
        assert (found.release, found.release_how) == (os.uname().release, "uname")
        assert (found.name, found.name_how) == (os.uname().release, "uname")
        assert found.arch_how == "uname"
    machine = os.uname().machine
    if machine in ("x86_64", "aarch64"):
        assert found.arch == {"aarch64": "arm64"}.get(machine, machine)


@pytest.mark.parametrize("name", KERNELS)
def test_registers(tmp_path: Path, name: str) -> None:
    """Raw BTF of a real kernel whose path says nothing."""
    path = tmp_path / "some.btf"
    path.write_bytes(stored(f"{name}.btf"))
    expected = {"amd64": "x86_64"}.get(name.rpartition("-")[2], name.rpartition("-")[2])
    arch = ("", expected, "", "path", "unknown", "registers", "unknown")
    assert identity(path) == ("some", *arch)
    unnamed = identity(btfmmap.open(data=stored(f"{name}.btf")))
    assert unnamed == ("buffer", "", expected, "", "unknown", "unknown", "registers", "unknown")


# The registers of arch/*/include/asm/ptrace.h, one of each architecture.
@pytest.mark.parametrize(
    ("member", "order", "pointer_size", "arch"),
    [
        ("orig_ax", "<", 4, "x86"),
        ("orig_ax", "<", 8, "x86_64"),
        ("uregs", "<", 4, "arm"),
        ("badaddr", "<", 8, "riscv64"),
        ("badaddr", "<", 4, "riscv32"),
        ("orig_gpr3", "<", 8, "ppc64le"),
        ("orig_gpr3", ">", 8, "ppc64"),
        ("orig_gpr3", ">", 4, "ppc"),
        ("csr_era", "<", 8, "loongarch64"),
        ("cp0_epc", ">", 8, "mips64"),
        ("cp0_epc", "<", 8, "mips64el"),
        ("cp0_epc", "<", 4, "mipsel"),
        ("tstate", ">", 8, "sparc64"),
        ("something", "<", 8, ""),
    ],
)
def test_registers_of(member: str, order: str, pointer_size: int, arch: str) -> None:
    writer = BtfWriter(order)
    number = writer.add_int("long", pointer_size)
    inner = writer.add_struct("", pointer_size, [(member, number, 0)])
    writer.add_struct("pt_regs", pointer_size, [("", inner, 0)])
    found = identity(btfmmap.open(data=writer.build()))
    assert (found.arch, found.arch_how) == (arch, "registers" if arch else "unknown")


def test_pt_regs_that_is_no_kernels() -> None:
    writer = BtfWriter()
    writer.add(8, "pt_regs", size_or_type=writer.add_int())
    assert identity(btfmmap.open(data=writer.build())).arch == ""


def elf(banner: bytes = b"", section: str = ".rodata", e_machine: int = 1) -> bytes:
    writer = ElfWriter(64)
    writer.add(".BTF", every_kind().build())
    writer.add(section, b"Linux version %s (%s)\0" + banner)
    return writer.build(e_machine=e_machine)


class TestImages:
    @pytest.mark.parametrize("compressed", [False, True])
    def test_elf(self, tmp_path: Path, compressed: bool) -> None:
        """What the file says counts for more than its path."""
        path = tmp_path / "vmlinux-5.4.0-1-arm64"
        content = elf(BANNER % b"6.12.43+deb13-rt-amd64", e_machine=62)
        path.write_bytes(gzip.compress(content) if compressed else content)
        release = "6.12.43+deb13-rt-amd64"
        expected = Identity(release, release, "x86_64", "rt", "banner", "banner", "elf", "banner")
        assert identity(path) == expected
        assert identity({"mine": path}) == expected._replace(name="mine", name_how="given")

    @pytest.mark.parametrize(
        ("machine", "arch"),
        [
            (62, "x86_64"),
            (183, "arm64"),
            (243, "riscv64"),
            (22, "s390x"),
            (21, "ppc64le"),
            (247, "bpf"),
            (1, ""),
        ],
    )
    def test_machine(self, tmp_path: Path, machine: int, arch: str) -> None:
        (tmp_path / "file").write_bytes(elf(e_machine=machine))
        found = identity(tmp_path / "file")
        assert (found.arch, found.arch_how) == (arch, "elf" if arch else "unknown")

    def test_without_a_banner(self, tmp_path: Path) -> None:
        for number, content in enumerate(
            (
                elf(),
                elf(BANNER % b"6.1", section=".data"),
                elf(b"Linux version 6.1"),
                elf(b"Linux version 6.\0 ("),
            )
        ):
            path = tmp_path / f"vmlinux-6.9.{number}"
            path.write_bytes(content)
            found = identity(path)
            assert (found.release, found.release_how) == (f"6.9.{number}", "path")

    def test_broken_section_of_constants(self, tmp_path: Path) -> None:
        writer = ElfWriter(64)
        writer.add(".BTF", every_kind().build())
        writer.add(".rodata", BANNER % b"6.12", sh_size=1 << 40)
        (tmp_path / "file").write_bytes(writer.build())
        assert identity(tmp_path / "file").release_how == "unknown"

    def test_arm64_image(self, tmp_path: Path) -> None:
        """Documentation/arch/arm64/booting.rst: the magic number is at 0x38; the kernel is not compressed."""
        image = bytearray(b"A" * 0x11000)
        image[0x38:0x3C] = b"ARM\x64"
        path = tmp_path / "Image"
        path.write_bytes(bytes(image) + BANNER % b"6.12.1" + bytes(7) + every_kind().build())
        found = identity(path)
        assert (found.release, found.release_how) == ("6.12.1", "banner")
        assert (found.arch, found.arch_how) == ("arm64", "image")

    def test_bzimage(self, tmp_path: Path) -> None:
        """Documentation/arch/x86/boot.rst: the payload is the compressed ELF file of the kernel."""
        payload = gzip.compress(elf(BANNER % b"6.12.1-x", e_machine=62))
        image = bytearray(b"A" * (8 * 512))
        image[0x1F1] = 7
        image[0x202:0x206] = b"HdrS"
        struct.pack_into("<H", image, 0x206, 0x20F)
        struct.pack_into("<II", image, 0x248, 0, len(payload))
        (tmp_path / "vmlinuz").write_bytes(bytes(image) + payload)
        found = identity(tmp_path / "vmlinuz")
        assert (found.release, found.arch, found.arch_how) == ("6.12.1-x", "x86_64", "elf")

    @pytest.mark.skipif(not REAL, reason="BTFMMAP_VMLINUZ does not name kernels to boot")
    @pytest.mark.parametrize("path", REAL)
    def test_real(self, path: str, tmp_path: Path) -> None:
        """A distribution's kernel is named after its release."""
        (tmp_path / "kernel").symlink_to(path)
        found = identity(tmp_path / "kernel")
        assert (found.release, found.release_how) == (release_in_path(path), "banner")

    def test_mutants(self, tmp_path: Path) -> None:
        source = random.Random(3)
        content = elf(BANNER % b"6.12", e_machine=62)
        path = tmp_path / "file"
        opened = 0
        for _ in range(400):
            path.write_bytes(mutant(content, source))
            try:
                found = identity(path)
            except btfmmap.BtfError:
                continue
            opened += 1
            assert found.release.isprintable()
        assert opened > 40


def test_btfhub(tmp_path: Path) -> None:
    path = tmp_path / "ubuntu" / "20.04" / "arm64" / "5.4.0-42-generic.btf"
    path.parent.mkdir(parents=True)
    path.write_bytes(every_kind().build())
    release = "5.4.0-42-generic"
    assert identity(path) == (release, release, "arm64", "generic", "path", "path", "path", "path")
