"""Makes what a guest boots from: an initramfs that finds the disk, and the disk. Needs no privileges."""

from __future__ import annotations

import lzma
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
# What the initramfs needs to find the disk and to mount it.
_DRIVERS = ("virtio_pci", "virtio_ccw", "virtio_blk", "ext4")
_FOLDERS = ("proc", "sys", "dev", "root", "run", "tmp")
# Of the project, what runs in the guest.
_PROJECT = ("python", "tests", "benchmarks", "docs", "csrc", "pyproject.toml", "setup.py", "README.md")
_SLACK = 400 << 20  # bytes that are free on the disk

_INIT = """#!/bin/busybox sh
/bin/busybox mount -t proc none /proc
/bin/busybox mount -t sysfs none /sys
/bin/busybox mount -t devtmpfs none /dev
for module in /drivers/*; do /bin/busybox insmod "$module"; done
tries=0
# The kernel may name the disks in either order.
mounts() { /bin/busybox mount -t ext4 /dev/$1 /root 2>/dev/null; }
until mounts vda || mounts vdb; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || exec /bin/busybox poweroff -f
    /bin/busybox sleep 0.2
done
for each in proc sys dev; do /bin/busybox mount --move /$each /root/$each; done
exec /bin/busybox switch_root /root /bin/busybox sh /btfmmap/tests/boot/guest/init
"""


def merge_usr(root: Path) -> None:
    """Make the links that packages expect, before they are unpacked."""
    root.mkdir(parents=True, exist_ok=True)
    for name in ("bin", "sbin", "lib", "lib64", "lib32", "libx32"):
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        if not (root / name).is_symlink():
            (root / name).symlink_to(f"usr/{name}")


def set_up(root: Path) -> None:
    """Do what the packages' scripts would, as far as the tests need it."""
    for library in root.glob("usr/lib/*/*/lib*.so.3"):
        if library.parent.name in ("blas", "lapack"):
            link = library.parent.parent / library.name
            link.unlink(missing_ok=True)
            link.symlink_to(f"{library.parent.name}/{library.name}")
    users = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/nonexistent:/bin/sh\n"
    (root / "etc/passwd").write_text(users)
    for name in _FOLDERS:
        (root / name).mkdir(exist_ok=True)


def add_project(root: Path, extension: Path) -> None:
    """Copy the project and its extension into a guest's root."""
    project = root / "btfmmap"
    shutil.rmtree(project, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__", "*.so", "build", ".venv")
    for name in _PROJECT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, project / name, ignore=ignored)
        else:
            project.mkdir(exist_ok=True)
            shutil.copy(source, project / name)
    shutil.copy(extension, project / "python/btfmmap/_core.so")


def add_kernel(kernel: Path, root: Path) -> str:
    """Add the modules of an unpacked kernel to a root. Returns its release."""
    (modules,) = [*(kernel / "lib/modules").glob("*"), *(kernel / "usr/lib/modules").glob("*")]
    release = modules.name
    installed = root / "usr/lib/modules"
    shutil.rmtree(installed, ignore_errors=True)
    shutil.copytree(modules, installed / release)
    subprocess.run(["depmod", "-b", str(root), release], check=True, env=system_path())
    return release


def image_of(kernel: Path, release: str) -> Path:
    """The bootable image of an unpacked kernel."""
    found = [*kernel.glob("boot/vmlinu?-*"), *kernel.glob(f"usr/lib/modules/{release}/vmlinu?")]
    if len(found) != 1:
        raise RuntimeError(f"{kernel} has {len(found)} kernels, not one")
    return found[0]


def make_initramfs(root: Path, release: str, folder: Path) -> Path:
    """Make an initramfs with busybox and the drivers of the disk."""
    tree = folder / "initramfs"
    shutil.rmtree(tree, ignore_errors=True)
    for name in (*_FOLDERS, "bin", "drivers"):
        (tree / name).mkdir(parents=True)
    shutil.copy(root / "bin/busybox", tree / "bin/busybox")
    init = tree / "init"
    init.write_text(_INIT)
    init.chmod(0o755)
    for number, module in enumerate(_drivers(root, release)):
        content = module.read_bytes()
        name = module.name
        if name.endswith(".xz"):
            name, content = name.removesuffix(".xz"), lzma.decompress(content)
        (tree / "drivers" / f"{number:02}-{name}").write_bytes(content)
    packed = folder / "initramfs.cpio"
    names = "\n".join(sorted(str(path.relative_to(tree)) for path in tree.rglob("*")))
    with packed.open("wb") as file:
        cpio = ["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"]
        subprocess.run(cpio, input=names.encode(), stdout=file, cwd=tree, check=True)
    return packed


def _drivers(root: Path, release: str) -> list[Path]:
    """The drivers' files with what they depend on, in the order in which they are loaded."""
    found: dict[str, None] = {}
    for driver in _DRIVERS:
        command = ["modprobe", "--dirname", str(root), "--set-version", release, "--show-depends", driver]
        done = subprocess.run(command, capture_output=True, text=True, env=system_path())
        if done.returncode and driver in ("virtio_blk", "ext4"):
            raise RuntimeError(f"the kernel {release} has no {driver}: {done.stderr.strip()}")
        lines = (line.split() for line in done.stdout.splitlines())
        found |= {words[1]: None for words in lines if words[:1] == ["insmod"]}
    return [Path(path) for path in found]


def make_disk(root: Path, path: Path) -> None:
    """Make an ext4 image of a folder."""
    size = sum(entry.lstat().st_size + 4096 for entry in root.rglob("*"))
    path.unlink(missing_ok=True)
    with path.open("wb") as file:
        file.truncate(size + size // 8 + _SLACK)
    command = ["mke2fs", "-q", "-t", "ext4", "-E", "root_owner=0:0", "-d", str(root), str(path)]
    subprocess.run(command, check=True, env=system_path())


def system_path() -> dict[str, str]:
    """The environment with the folders of system tools in PATH, which users' lack."""
    return os.environ | {"PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
