"""Folders of a kernel and its modules to measure on."""

from __future__ import annotations

import lzma
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from support.kernel_btf import DATA, STAND_IN

SYNTHETIC = 3000


@dataclass(frozen=True)
class Folder:
    """A folder that `btfmmap.open_kernel` takes: `vmlinux.btf` and modules."""

    base: Path
    modules: list[Path]

    def part(self, where: Path, start: int, end: int) -> str:
        """A folder of links to the kernel and to some of the modules."""
        folder = where / f"{start}-{end}"
        folder.mkdir()
        (folder / "vmlinux.btf").symlink_to(self.base)
        for number, module in enumerate(self.modules[start:end]):
            (folder / f"module_{start + number}.ko").symlink_to(module)
        return str(folder)


def real_folder() -> Folder | None:
    """The folder that BTFMMAP_MODULES names, if it has `vmlinux.btf` and, at any depth, decompressed `*.ko`;
    else None."""
    root = os.environ.get("BTFMMAP_MODULES")
    if not root:
        return None
    folder = Path(root).resolve()
    base, modules = folder / "vmlinux.btf", sorted(folder.rglob("*.ko"))
    return Folder(base, modules) if modules and base.exists() else None


@contextmanager
def synthetic_folder() -> Iterator[Folder]:
    """The tests' three modules, repeated, on their kernel."""
    with TemporaryDirectory() as where:
        base = _unpacked(STAND_IN, Path(where))
        few = [_unpacked(DATA / f"{name}.ko.xz", Path(where)) for name in ("nls_cp437", "tcp_bbr", "tun")]
        yield Folder(base, few * (SYNTHETIC // len(few)))


def _unpacked(compressed: Path, where: Path) -> Path:
    file = where / compressed.stem
    file.write_bytes(lzma.decompress(compressed.read_bytes()))
    return file
