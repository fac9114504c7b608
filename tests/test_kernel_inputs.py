"""What may be passed as kernels, and how each is opened."""

from __future__ import annotations

import gzip
import os
import pickle
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requirements
from arguments import GENERATORS, TYPED_ERRORS
from btf_writer import every_kind
from elf_writer import ElfWriter
from exercise import context_of
from mutants import mutant
from split_writer import SplitWriter
from stored_files import DATA, KERNELS, MODULES, stored

import btfmmap
from btfmmap import Btf, KernelInput, find_kernels

BLOB = every_kind().build()
VERSIONS = (
    "6.9.12-amd64",
    "6.12-rc1-amd64",
    "6.12-amd64",
    "6.12.43+deb13-amd64",
    "7.2~rc3-amd64",
    "7.2-amd64",
)
"""In order."""


def paths(kernels: object, **options: str) -> list[str | None]:
    return [found.path for found in find_kernels(kernels, **options)]  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of kernels, among other files."""
    folder = tmp_path / "kernels"
    folder.mkdir()
    for version in random.Random(1).sample(VERSIONS, len(VERSIONS)):
        is_compressed = "6.12" in version
        content = gzip.compress(BLOB) if is_compressed else BLOB
        (folder / f"{version}.btf{'.gz' * is_compressed}").write_bytes(content)
    (folder / "README.md").write_text("# Kernels\n")
    (folder / "config-6.12-amd64").write_text("CONFIG_BTF=y\n")
    (folder / "empty").touch()
    (folder / ".hidden.btf").write_bytes(BLOB)
    (folder / "dangling").symlink_to("nowhere")
    os.mkfifo(folder / "fifo")
    return folder


def named(found: list[str | None]) -> list[str]:
    return [Path(path or "").name.partition(".btf")[0] for path in found]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The root of a system with the kernel and the modules of a distribution."""
    root = tmp_path / "root"
    modules = root / "usr" / "lib" / "modules" / "7.2.13+deb14-amd64" / "kernel"
    modules.mkdir(parents=True)
    (root / "lib").symlink_to("usr/lib")
    for name in MODULES:
        shutil.copy(DATA / f"{name}.ko.xz", modules)
    (root / "boot").mkdir()
    (root / "boot" / "config-7.2.13+deb14-amd64").write_text("CONFIG_BTF=y\n")
    (root / "boot" / "vmlinuz-7.2.13+deb14-amd64").write_bytes(stored("7.2-amd64.btf"))
    return root


class TestPaths:
    def test_one(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = folder / "7.2-amd64.btf"
        for given in (path, str(path), bytes(path), [path], (str(path),), iter([path])):
            assert paths(given) == [str(path)]
        monkeypatch.chdir(folder)
        assert paths("7.2-amd64.btf") == ["7.2-amd64.btf"]
        assert paths("absent") == ["absent"]

    def test_arguments_keep_their_order(self, folder: Path) -> None:
        given = [folder / "7.2-amd64.btf", folder / "6.9.12-amd64.btf", folder / "7.2-amd64.btf"]
        assert paths(given) == [*map(str, given)]
        assert paths([]) == []

    def test_folder(self, folder: Path) -> None:
        """Only files that may contain BTF, whatever their names are."""
        assert named(paths(folder)) == [*VERSIONS]

    def test_folders_below(self, tmp_path: Path) -> None:
        """BTFHub's layout."""
        expected = [
            "debian/10/x86_64/4.19.0-9-amd64.btf",
            "debian/10/x86_64/4.19.0-20-amd64.btf",
            "ubuntu/18.04/x86_64/4.15.0-20-generic.btf",
            "ubuntu/20.04/arm64/5.4.0-42-generic.btf",
            "ubuntu/20.04/x86_64/5.4.0-42-generic.btf",
        ]
        for path in expected:
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(BLOB)
        (tmp_path / "ubuntu" / "loop").symlink_to(tmp_path)
        assert paths(tmp_path) == [str(tmp_path / path) for path in expected]
        (tmp_path / "ubuntu" / "loop").unlink()
        assert paths(f"{tmp_path}/*/*/x86_64") == [str(tmp_path / path) for path in expected if "x86" in path]
        assert paths(f"{tmp_path}/**/*-generic.btf")[-1] == str(tmp_path / expected[-1])

    def test_damaged_files_in_a_folder(self, tmp_path: Path) -> None:
        """Files named like a kernel count whatever they contain. Others count only if they are one."""
        expected = [
            "6.1.0-47-amd64.btf",
            "6.13.btf.tar.xz",
            "vmlinux-6.12",
            "vmlinuz-6.1.el9.x86_64",
            "vmlinux.xz",
        ]
        for name in (
            *expected,
            "vmlinux.h",
            "vmlinux-6.12.map",
            "vmlinux.lds",
            "notes",
            "a.btf.sha256",
            ".x.btf",
        ):
            (tmp_path / name).write_text("" if "6.1" in name else "<html>")
        (tmp_path / "7.0.btf").symlink_to("nowhere")
        found = find_kernels(tmp_path)
        assert {Path(each.path or "").name for each in found} == {*expected, "7.0.btf"}
        for each in found:
            with pytest.raises((btfmmap.BtfError, OSError)):
                each.open()

    def test_glob(self, folder: Path) -> None:
        assert named(paths(f"{folder}/*.btf*")) == [*VERSIONS]
        assert named(paths(folder / "6.12*.btf*")) == [*VERSIONS[1:4]]
        assert named(paths([f"{folder}/7*.btf*", f"{folder}/6.9*"])) == [*VERSIONS[4:], VERSIONS[0]]

    def test_name_with_the_letters_of_a_glob(self, tmp_path: Path) -> None:
        (tmp_path / "a[b]*.btf").write_bytes(BLOB)
        (tmp_path / "ab.btf").write_bytes(BLOB)
        assert paths(tmp_path / "a[b]*.btf") == [str(tmp_path / "a[b]*.btf")]

    def test_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / "notes").write_text("no kernel")
        for given in (tmp_path, f"{tmp_path}/*.btf", f"{tmp_path}/*", [f"{tmp_path}/x*"]):
            with pytest.raises(FileNotFoundError) as caught:
                find_kernels(given)
            assert caught.value.filename == str(given[0] if isinstance(given, list) else given)

    def test_order(self, folder: Path) -> None:
        given = [*find_kernels(folder)[::-1], folder / "README.md"]
        assert named(paths(given, order="version")) == [*VERSIONS, "README.md"]
        with pytest.raises(ValueError, match="order is 'name'"):
            find_kernels(folder, order="name")  # type: ignore[arg-type]

    def test_thousands(self, tmp_path: Path) -> None:
        """None is opened, nor looked at."""
        given = [f"{tmp_path}/6.{number}.btf" for number in range(5000)]
        assert paths(random.Random(1).sample(given, 5000), order="version") == given


class TestOthers:
    def test_btf(self) -> None:
        btf = btfmmap.open(data=BLOB)
        (found,) = find_kernels(btf)
        assert found.is_open
        assert found.path is None
        with found.open() as kernel:
            assert kernel.base is btf
            assert dict(kernel.modules) == {}
        assert not btf.closed
        btf.close()
        with pytest.raises(ValueError, match="closed"):
            find_kernels(btf)

    def test_kernel(self, installed: Path) -> None:
        base = btfmmap.open(DATA / "7.2-amd64.btf.xz")
        with btfmmap.open_kernel(installed / "lib/modules/7.2.13+deb14-amd64", base=base) as kernel:
            (found,) = find_kernels(kernel)
            with found.open() as opened:
                assert opened.base is base
                assert opened.modules is kernel.modules
            assert not kernel.modules["tun"].closed
            assert opened.identity.release == "7.2-amd64"

    def test_mixed(self, folder: Path) -> None:
        btf = btfmmap.open(data=BLOB)
        found = find_kernels([folder, btf, *find_kernels(folder)[:1]])
        assert [kernel.is_open for kernel in found] == [*[False] * len(VERSIONS), True, False]

    def test_names(self, folder: Path) -> None:
        new = btfmmap.open(data=BLOB)
        found = find_kernels({"old": folder / "7.2-amd64.btf", "new": new, "some": f"{folder}/6.9*"})
        assert [kernel.name for kernel in found] == ["old", "new", "some"]
        assert repr(found[1]) == "<KernelInput buffer named 'new'>"
        identities = []
        for kernel in found:
            with kernel.open() as opened:
                identities.append(opened.identity)
        assert [(each.name, each.name_how) for each in identities] == [
            ("old", "given"),
            ("new", "given"),
            ("some", "given"),
        ]
        assert [kernel.name for kernel in find_kernels(found)] == ["old", "new", "some"]
        with pytest.raises(ValueError, match=r"the name 'all' is that of 6 kernels"):
            find_kernels({"all": folder})

    @pytest.mark.parametrize("given", [7, None, [7], [["nested"]], {"name": 7}])
    def test_wrong(self, given: object) -> None:
        with pytest.raises(TypeError, match="expected a path, Btf or Kernel"):
            find_kernels(given)  # type: ignore[arg-type]

    def test_pickling(self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A relative path means the same file in a process with another current folder."""
        monkeypatch.chdir(folder)
        pickled = pickle.dumps(find_kernels({"x": "7.2-amd64.btf"}))
        monkeypatch.chdir(tmp_path)
        (found,) = pickle.loads(pickled)
        assert (found.path, found.name) == ("7.2-amd64.btf", "x")
        with found.open() as kernel:
            assert kernel.base.raw.tobytes() == BLOB


class TestOpening:
    @pytest.mark.parametrize("name", KERNELS)
    def test_stored(self, tmp_path: Path, name: str) -> None:
        (tmp_path / f"{name}.btf").write_bytes(stored(f"{name}.btf"))
        for path in (tmp_path / f"{name}.btf", DATA / f"{name}.btf.xz"):
            with find_kernels(path)[0].open() as kernel:
                assert kernel.base.raw.tobytes() == stored(f"{name}.btf")
                assert kernel.identity.release == name
            assert kernel.base.closed

    def test_sysfs(self) -> None:
        path = requirements.kernel_btf()
        (found,) = find_kernels(path.parent)
        with found.open() as kernel:
            assert kernel.identity.release == os.uname().release
            assert {*kernel.modules, *map(os.path.basename, kernel.failed), "vmlinux"} == {
                *os.listdir(path.parent)
            }

    @pytest.mark.parametrize("prefix", ["lib/modules", "usr/lib/modules"])
    def test_modules_and_their_kernel(self, installed: Path, prefix: str) -> None:
        """The kernel of a folder of modules lies where distributions install it."""
        folder = installed / prefix / "7.2.13+deb14-amd64"
        for given in (folder, f"{installed}/{prefix}/*"):
            (found,) = find_kernels(given)
            with found.open() as kernel:
                assert kernel.base.source.path is not None
                assert Path(kernel.base.source.path).parent.name == "boot"
                assert [*kernel.modules] == [*MODULES]
                assert kernel.identity.release == "7.2.13+deb14-amd64"
                tun = kernel.modules["tun"]
            assert tun.closed
        assert named(paths(installed / "boot")) == ["vmlinuz-7.2.13+deb14-amd64"]

    def test_kernel_in_the_folder(self, installed: Path) -> None:
        folder = installed / "lib/modules/7.2.13+deb14-amd64"
        shutil.move(installed / "boot/vmlinuz-7.2.13+deb14-amd64", folder / "vmlinux")
        (folder / "kernel" / "broken.ko").write_bytes(b"no module")
        with find_kernels(folder)[0].open() as kernel:
            assert [*kernel.modules] == [*MODULES]
            assert [*kernel.failed] == [str(folder / "kernel" / "broken.ko")]

    def test_folder_without_its_kernel(self, installed: Path) -> None:
        (installed / "boot/vmlinuz-7.2.13+deb14-amd64").unlink()
        (found,) = find_kernels(installed / "lib/modules/7.2.13+deb14-amd64")
        with pytest.raises(FileNotFoundError, match="no vmlinux or vmlinuz"):
            found.open()

    def test_split_beside_its_base(self, tmp_path: Path) -> None:
        """Modules are compared as kernels are."""
        split = SplitWriter(every_kind())
        split.add_struct("own", 8, [("member", 1, 0)])
        (tmp_path / "vmlinux").write_bytes(BLOB)
        (tmp_path / "module").write_bytes(split.build())
        with find_kernels(tmp_path / "module")[0].open() as kernel:
            assert kernel.base.find("own") is not None
            assert kernel.base.base is not None

    def test_failures(self, tmp_path: Path) -> None:
        (tmp_path / "cut.btf").write_bytes(BLOB[:-1])
        (tmp_path / "text").write_text("no BTF")
        writer = ElfWriter(64)
        writer.add(".text", bytes(16))
        (tmp_path / "object.o").write_bytes(writer.build())
        (tmp_path / "bomb.gz").write_bytes(gzip.compress(bytes(1 << 20))[:-20])
        for name in ("cut.btf", "text", "object.o", "bomb.gz"):
            with pytest.raises(btfmmap.FormatError, match=name):
                find_kernels(tmp_path / name)[0].open()
        with pytest.raises(FileNotFoundError):
            find_kernels(tmp_path / "absent")[0].open()
        assert named(paths(tmp_path)) == ["bomb.gz", "cut", "object.o"]

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_unreadable_folder(self, tmp_path: Path) -> None:
        (tmp_path / "closed").mkdir(mode=0)
        (found,) = find_kernels(tmp_path)
        with pytest.raises(PermissionError):
            found.open()


def test_starts_without_numpy() -> None:
    code = (
        "import btfmmap, sys\n"
        "kernels = btfmmap.find_kernels([btfmmap.SAMPLE_BTF, btfmmap.open(btfmmap.SAMPLE_BTF)])\n"
        "for found in kernels:\n"
        "    with found.open() as kernel: print(kernel.identity)\n"
        "assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def asked(kernels: object) -> Iterator[Btf]:
    """Everything of what was passed."""
    for found in find_kernels(kernels):  # type: ignore[arg-type]
        assert isinstance(found, KernelInput)
        repr(found)
        with found.open() as kernel:
            repr(kernel)
            assert all(isinstance(text, str) for text in kernel.identity)
            yield from (kernel.base, *kernel.modules.values())


def test_mutants(tmp_path: Path) -> None:
    source = random.Random(7)
    opened = 0
    for _ in range(300):
        content = mutant(BLOB, source)
        try:
            btf = btfmmap.open(data=content)
        except btfmmap.BtfError:
            btf = btfmmap.open(data=BLOB)
        context = context_of(btf, [1], source, tmp_path, content)
        kernels = GENERATORS["kernels: Kernels"](context, None, {})
        try:
            opened += len([*asked(kernels)])
        except (*TYPED_ERRORS, OSError, TypeError):
            continue
    assert opened > 100
