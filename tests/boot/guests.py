"""The machines that `make test-boot` emulates."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Guest:
    """An architecture with a page size.

    Attributes:
        architecture: Debian's name for the architecture of the programs.
        kernel_architecture: Debian's name for that of the kernel.
        flavour: the end of the names of the kernel's packages.
        compiler: the C++ compiler that builds for it.
        machine: the emulator and its options.
        console: the kernel's name for the serial console.
    """

    architecture: str
    kernel_architecture: str
    flavour: str
    compiler: str
    machine: tuple[str, ...]
    console: str


# What this machine needs, and the packages that have it.
TOOLS = {
    "cpio": "cpio",
    "depmod": "kmod",
    "mke2fs": "e2fsprogs",
    "qemu-system-aarch64": "qemu-system-arm",
    "qemu-system-ppc64": "qemu-system-ppc",
    "qemu-system-s390x": "qemu-system-misc",
    "qemu-system-x86_64": "qemu-system-x86",
    "aarch64-linux-gnu-g++": "g++-aarch64-linux-gnu",
    "i686-linux-gnu-g++": "g++-i686-linux-gnu",
    "powerpc64le-linux-gnu-g++": "g++-powerpc64le-linux-gnu",
    "s390x-linux-gnu-g++": "g++-s390x-linux-gnu",
    "x86_64-linux-gnu-g++": "g++",
}

_PC = ("qemu-system-x86_64", "-M", "q35", "-cpu", "max")
_ARM = ("qemu-system-aarch64", "-M", "virt,gic-version=3", "-cpu", "cortex-a76")
_Z = ("qemu-system-s390x", "-M", "s390-ccw-virtio", "-cpu", "max")
_POWER = ("qemu-system-ppc64", "-M", "pseries", "-cpu", "power9")

GUESTS = {
    "amd64": Guest("amd64", "amd64", "amd64", "x86_64-linux-gnu-g++", _PC, "ttyS0"),
    "i386": Guest("i386", "amd64", "amd64", "i686-linux-gnu-g++", _PC, "ttyS0"),
    "arm64": Guest("arm64", "arm64", "arm64", "aarch64-linux-gnu-g++", _ARM, "ttyAMA0"),
    "arm64-16k": Guest("arm64", "arm64", "arm64-16k", "aarch64-linux-gnu-g++", _ARM, "ttyAMA0"),
    "s390x": Guest("s390x", "s390x", "s390x", "s390x-linux-gnu-g++", _Z, "ttysclp0"),
    "ppc64el-64k": Guest(
        "ppc64el", "ppc64el", "powerpc64le-64k", "powerpc64le-linux-gnu-g++", _POWER, "hvc0"
    ),
}
"""By the name that ARCH gives."""

# Where kernels are looked for, in this order.
SUITES = ("unstable", "experimental", "stable", "oldstable")

USERLAND = (
    *("python3", "python3-numpy", "python3-pytest", "libpython3-dev", "kmod", "busybox-static"),
    *("base-files", "coreutils", "dash", "mount", "util-linux", "xz-utils", "e2fsprogs"),
    *("libbpf1", "bpftool"),
)
"""The guest's programs. They are of this machine's release: its cross compilers link with that C library."""

TESTS = (
    *("test_opening", "test_kernel", "test_running_kernel", "test_doctor", "test_inline_files"),
    *("test_relocate", "test_core_relo", "test_core_relo_kernel", "test_check", "test_cli_check"),
)
"""The test files that run in a guest: opening, kernel, doctor, relocation and check."""

MODULES = """
bridge tun veth vxlan geneve dummy bonding team macvlan ipvlan vrf wireguard 8021q nf_tables nf_conntrack
nf_nat ip_tables ip6_tables x_tables ip_set xt_conntrack tcp_bbr tcp_dctcp tcp_htcp sch_fq sch_cake act_mirred
cls_bpf sctp xfs btrfs f2fs nfs cifs ceph fuse overlay isofs udf vfat ntfs3 squashfs erofs loop dm_mod
dm_crypt dm_snapshot raid1 raid456 nbd zram nls_cp437 nls_utf8 xxhash_generic crc32c_generic twofish_common
serpent_generic blowfish_generic usbcore snd hid
"""
"""Loaded in the guest, as far as its kernel has them."""
