"""A kernel with all its modules, and the BTF objects that the running one has loaded."""

from __future__ import annotations

import errno
import json
import lzma
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requirements
from btf_writer import BtfWriter, every_kind
from elf_writer import ElfWriter
from kernel_loader import KernelLoader
from split_writer import SplitWriter, small_base, small_split
from stored_files import DATA, MODULES, stored
from table_rows import COLUMNS

import btfmmap
from btfmmap import Btf, FormatError, Kernel, Kind, MissingBaseError, NotFoundError
from btfmmap.tables import ChildTable


def bare(name: str) -> bytes:
    """A module's BTF as sysfs shows it."""
    btf = btfmmap.open(data=stored(f"{name}.ko"), base=btfmmap.open(data=stored("7.2-amd64.btf")))
    return btf.raw.tobytes()


@pytest.fixture(scope="module")
def sysfs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like /sys/kernel/btf."""
    folder = tmp_path_factory.mktemp("sysfs")
    (folder / "vmlinux").write_bytes(stored("7.2-amd64.btf"))
    for name in MODULES:
        (folder / name).write_bytes(bare(name))
    return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like /lib/modules/$(uname -r), with the kernel in it."""
    folder = tmp_path_factory.mktemp("installed")
    (folder / "vmlinux.btf").write_bytes(stored("7.2-amd64.btf"))
    for name, place in zip(MODULES, ("fs/nls", "net/ipv4", "drivers/net"), strict=True):
        (folder / "kernel" / place).mkdir(parents=True)
        shutil.copy(DATA / f"{name}.ko.xz", folder / "kernel" / place)
    (folder / "modules.dep").write_text("kernel/fs/nls/nls_cp437.ko.xz:\n")
    (folder / "kernel" / "fs" / "README").write_text("no module")
    return folder


@pytest.fixture(scope="module", params=["sysfs", "installed"])
def folder(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(request.param)
    return path


@pytest.fixture(scope="module")
def kernel(folder: Path) -> Kernel:
    return btfmmap.open_kernel(folder)


@pytest.fixture(scope="module")
def single() -> list[Btf]:
    """The same files opened one by one: the kernel, then the modules by name."""
    base = btfmmap.open(data=stored("7.2-amd64.btf"))
    return [base, *(btfmmap.open(data=stored(f"{name}.ko"), base=base) for name in MODULES)]


class TestWhole:
    def test_names(self, kernel: Kernel) -> None:
        assert kernel.names == ("vmlinux", "nls_cp437", "tcp_bbr", "tun")
        assert list(kernel.modules) == ["nls_cp437", "tcp_bbr", "tun"]
        assert dict(kernel.failed) == {}
        assert all(module.base is kernel.base for module in kernel.modules.values())
        with pytest.raises(TypeError):
            kernel.modules["x"] = kernel.base  # type: ignore[index]

    def test_len(self, kernel: Kernel, single: list[Btf]) -> None:
        assert len(kernel) == sum(map(len, single)) == len(kernel.types)

    @pytest.mark.parametrize("name", COLUMNS)
    def test_tables(self, kernel: Kernel, single: list[Btf], name: str) -> None:
        """Rows of all BTFs, one after the other; indptr gives the same children."""
        table, parts = getattr(kernel, name), [getattr(btf, name) for btf in single]
        lengths = [len(part) for part in parts]
        assert table.columns == ("module", *parts[0].columns)
        assert table.module.dtype == np.uint32
        assert table.module.tolist() == [number for number, n in enumerate(lengths) for _ in range(n)]
        for column in parts[0].columns:
            assert table[column].dtype == parts[0][column].dtype
            assert np.array_equal(table[column], np.concatenate([part[column] for part in parts]))
            assert not table[column].flags.writeable
        if isinstance(table, ChildTable):
            starts = np.cumsum([0, *lengths])
            rows = [np.diff(part.indptr) for part in parts]
            assert np.array_equal(np.diff(table.indptr), np.concatenate(rows))
            assert (table.indptr[0], table.indptr[-1]) == (0, starts[-1])
            assert len(table.indptr) == len(kernel.types) + 1
            assert table.indptr.dtype == np.uint32
        assert getattr(kernel, name) is table

    def test_children_belong_to_their_parents(self, kernel: Kernel) -> None:
        """Every child row of a type has that type's module and id."""
        for name, column in (("members", "parent"), ("params", "parent"), ("enumerators", "parent")):
            table = getattr(kernel, name)
            row_of_child = np.repeat(np.arange(len(kernel.types)), np.diff(table.indptr).astype(np.intp))
            assert np.array_equal(kernel.types.id[row_of_child], table[column])
            assert np.array_equal(kernel.types.module[row_of_child], table.module)

    def test_strings(self, kernel: Kernel, single: list[Btf]) -> None:
        members = kernel.members
        expected = [text for btf in single for text in btf.strings(btf.members.name_off)]
        assert kernel.strings(members.module, members.name_off) == expected
        some = members[np.array([0, len(members) - 1, 5])]
        assert kernel.strings(some.module, some.name_off) == [expected[0], expected[-1], expected[5]]
        assert kernel.strings(some.module[:0], some.name_off[:0]) == []

    def test_find(self, kernel: Kernel) -> None:
        sock, tun = kernel.find("struct sock"), kernel.find("struct tun_struct")
        assert sock is not None
        assert tun is not None
        assert (sock.btf, tun.btf) == (kernel.base, kernel.modules["tun"])
        assert sock == kernel["struct sock"] == kernel.base["struct sock"]
        assert tun == kernel["tun_struct"]
        assert (kernel.module_of(sock), kernel.module_of(tun)) == ("vmlinux", "tun")
        assert kernel.find("tun_struct", Kind.FUNC) is None
        assert kernel.find("no such type") is None
        with pytest.raises(
            NotFoundError, match="no type named 'no such type' in the kernel or its 3 modules"
        ):
            kernel["no such type"]

    def test_find_all(self, kernel: Kernel, single: list[Btf]) -> None:
        """The base's ids once, then each module's own."""
        names = ["init_module", "kuid_t", "list_head", "no such type", "void", "__UNIQUE_ID_license"]
        assert len(kernel.find_all("kuid_t")) > 1
        for name in names:
            expected = [
                (number, type_id)
                for number, btf in enumerate(single)
                for type_id, text in enumerate(btf.names(), btf.first_id)
                if text == name
            ]
            found = [(kernel.names.index(kernel.module_of(one)), one.id) for one in kernel.find_all(name)]
            assert found == expected
        assert kernel.find_all("kuid_t", Kind.STRUCT) == []

    def test_lookup(self, kernel: Kernel) -> None:
        names = ["tun_struct", "list_head", "no such type", "bbr", "void", "tun_struct", "", "kuid_t"]
        modules, ids = kernel.lookup(names)
        assert modules.dtype == ids.dtype == np.int64
        assert modules.tolist() == [3, 0, -1, 2, 0, 3, -1, 0]
        found = [kernel.find(name) for name in names]
        assert ids.tolist() == [-1 if one is None else one.id for one in found]
        modules, ids = kernel.lookup(iter(["struct tun_struct", "bbr"]), Kind.STRUCT)
        assert modules.tolist() == [3, 2]
        modules, ids = kernel.lookup(["tun_struct"], Kind.FUNC)
        assert (modules.tolist(), ids.tolist()) == ([-1], [-1])
        modules, ids = kernel.lookup([])
        assert (modules.tolist(), ids.tolist()) == ([], [])

    def test_in(self, kernel: Kernel, single: list[Btf]) -> None:
        assert "tun_struct" in kernel
        assert "list_head" in kernel
        assert "no such type" not in kernel
        assert kernel["tun_struct"] in kernel
        assert single[0]["list_head"] not in kernel
        assert 5 not in kernel
        with pytest.raises(TypeError, match="expected the name of a type, not 5"):
            kernel[5]  # type: ignore[index]
        with pytest.raises(NotFoundError, match="does not belong to this kernel"):
            kernel.module_of(single[0]["list_head"])

    def test_repr(self, kernel: Kernel) -> None:
        assert repr(kernel) == f"<Kernel {kernel.base!r} with 3 modules>"


def small_kernel(folder: Path) -> Path:
    """A kernel and one module, `good`."""
    (folder / "vmlinux").write_bytes(small_base().build())
    (folder / "good").write_bytes(small_split(small_base()).build())
    return folder


@pytest.mark.parametrize(
    ("lists", "complete"),
    [
        ({}, False),
        ({"modules.order": ""}, True),  # a kernel without modules; the one that is there is from elsewhere
        ({"modules.order": "kernel/fs/good.ko\n"}, True),
        ({"modules.order": "kernel/fs/go-od.ko\n"}, False),
        ({"modules.order": "kernel/fs/good.ko\nkernel/fs/more.ko\n"}, False),
        ({"modules.dep": "kernel/fs/good.ko.xz: kernel/fs/good.ko.xz\n"}, True),
        ({"modules.dep": "updates/more.ko.zst:\nkernel/good.ko:\n"}, False),
        ({"modules.order": "kernel/good.ko\n", "modules.dep": "extra/more.ko:\n"}, False),
        ({"modules.builtin": "kernel/good.ko\n"}, False),
        ({"modules.order": "\xff\n"}, False),
        ({"modules.order": "x" * ((1 << 24) + 1)}, False),
    ],
)
def test_complete(lists: dict[str, str], complete: bool, tmp_path: Path) -> None:
    folder = small_kernel(tmp_path)
    for name, content in lists.items():
        (folder / name).write_bytes(content.encode("latin-1"))
    with btfmmap.open_kernel(folder) as kernel:
        assert kernel.complete == complete
    with btfmmap.find_kernels(folder)[0].open() as opened:
        assert opened.complete == complete
    with btfmmap.open_kernel(folder, modules=False) as alone:
        assert not alone.complete


def test_incomplete_if_a_module_fails(tmp_path: Path) -> None:
    folder = small_kernel(tmp_path)
    (folder / "modules.order").write_text("good.ko\n")
    (folder / "good").write_bytes(b"damaged")
    with pytest.warns(RuntimeWarning, match="none of the 1 modules opened"):
        kernel = btfmmap.open_kernel(folder)
    assert not kernel.complete


class TestFailed:
    def test_one_does_not_stop_the_others(self, tmp_path: Path) -> None:
        folder = small_kernel(tmp_path)
        other_base = every_kind()
        cases: dict[str, tuple[bytes, str]] = {
            "broken": (small_split(small_base()).build()[:-1], "string section"),
            "empty": (b"", "the file is empty"),
            "text": (b"no BTF at all", "neither BTF nor"),
            "foreign": (small_split(other_base).build(), "is it split BTF of another base?"),
            "alone.btf": (small_base().build(), "stands alone and needs no base"),
            "sub.ko": (ElfWriter().build(), "without a .BTF section"),
            "cut.ko.xz": (lzma.compress(b"x" * 100)[:40], "xz"),
            "big_endian.ko": (small_split(small_base(">")).build(), "byte order"),
        }
        for name, (content, _) in cases.items():
            (folder / name).write_bytes(content)
        kernel = btfmmap.open_kernel(folder)
        assert kernel.names == ("vmlinux", "good")
        assert kernel["own"].btf is kernel.modules["good"]
        assert set(kernel.failed) == {str(folder / name) for name in cases}
        for name, (_, message) in cases.items():
            error = kernel.failed[str(folder / name)]
            assert isinstance(error, FormatError)
            assert message in str(error)
            assert str(folder / name) in str(error)
        assert f"1 modules, {len(cases)} failed" in repr(kernel)

    def test_operating_system(self, tmp_path: Path) -> None:
        folder = small_kernel(tmp_path)
        (folder / "gone").symlink_to("nowhere")
        kernel = btfmmap.open_kernel(folder)
        assert kernel.names == ("vmlinux", "good")
        (error,) = kernel.failed.values()
        assert isinstance(error, FileNotFoundError)
        assert error.filename == str(folder / "gone")

    def test_all(self, tmp_path: Path) -> None:
        folder = small_kernel(tmp_path)
        (folder / "good").write_bytes(b"")
        (folder / "other").write_bytes(b"")
        with pytest.warns(RuntimeWarning, match=r"none of the 2 modules opened; the first: .*good") as caught:
            kernel = btfmmap.open_kernel(folder)
        assert caught[0].filename == __file__
        assert kernel.names == ("vmlinux",)
        assert len(kernel.failed) == 2

    def test_another_kernel_is_no_module(self, tmp_path: Path) -> None:
        """Another kernel beside the first or below is not a module."""
        folder = small_kernel(tmp_path)
        (folder / "vmlinux.btf").write_bytes(small_base().build())
        (folder / "vmlinuz").write_bytes(b"not looked at")
        (folder / "old").mkdir()
        (folder / "old" / "vmlinux.btf").write_bytes(small_base().build())
        kernel = btfmmap.open_kernel(folder)
        assert kernel.names == ("vmlinux", "good")
        assert list(kernel.failed) == [str(folder / "old" / "vmlinux.btf")]

    def test_duplicate_names(self, tmp_path: Path) -> None:
        """The first in path order is kept; a dash in a file name is an underscore in the kernel."""
        folder = small_kernel(tmp_path)
        for path in ("a/one.ko", "b/one.ko", "a/two-parts.ko", "b/two_parts.ko"):
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_bytes(small_split(small_base(), path[0]).build())
        kernel = btfmmap.open_kernel(folder)
        assert kernel.names == ("vmlinux", "good", "one", "two_parts")
        assert kernel.modules["one"].source.path == str(folder / "a" / "one.ko")
        assert kernel.modules["two_parts"].name(3) == "a"
        assert set(kernel.failed) == {str(folder / "b" / "one.ko"), str(folder / "b" / "two_parts.ko")}
        for path, error in kernel.failed.items():
            assert isinstance(error, FormatError)
            assert "was already opened from another file" in str(error)
            assert path in str(error)


class TestOptions:
    def test_without_modules(self, folder: Path) -> None:
        kernel = btfmmap.open_kernel(folder, modules=False)
        assert kernel.names == ("vmlinux",)
        assert kernel.failed == {}
        assert len(kernel) == len(kernel.base)
        assert "tun_struct" not in kernel
        assert "list_head" in kernel

    def test_a_given_base(self, folder: Path, single: list[Btf]) -> None:
        """The folder's own kernel is neither opened nor taken for a module."""
        kernel = btfmmap.open_kernel(folder, base=single[0])
        assert kernel.base is single[0]
        assert kernel.names == ("vmlinux", *MODULES)
        assert kernel.failed == {}
        kernel.close()
        assert not single[0].closed

    def test_a_folder_of_modules_alone(self, tmp_path: Path) -> None:
        base = btfmmap.open(data=small_base().build())
        (tmp_path / "bare").write_bytes(small_split(small_base()).build())
        (tmp_path / "file.ko").write_bytes(small_split(small_base()).build())
        assert btfmmap.open_kernel(tmp_path, base=base).names == ("vmlinux", "bare", "file")
        assert btfmmap.open_kernel(tmp_path, base=base, modules=False).names == ("vmlinux",)

    @pytest.mark.parametrize(
        "name", ["vmlinux", "vmlinux.btf", "vmlinux.btf.xz", "vmlinux-7.2.13", "vmlinuz-7.2.13", "vmlinuz"]
    )
    def test_names_of_the_kernel(self, tmp_path: Path, name: str) -> None:
        content = small_base().build()
        (tmp_path / name).write_bytes(lzma.compress(content) if name.endswith(".xz") else content)
        (tmp_path / "mod.ko").write_bytes(small_split(small_base()).build())
        kernel = btfmmap.open_kernel(tmp_path)
        assert kernel.base.source.path == str(tmp_path / name)
        assert kernel.names == ("vmlinux", "mod")

    @pytest.mark.parametrize("convert", [str, os.fsencode, Path])
    def test_kinds_of_path(self, tmp_path: Path, convert: Callable[[Path], str]) -> None:
        assert btfmmap.open_kernel(convert(small_kernel(tmp_path))).names == ("vmlinux", "good")

    def test_a_distilled_module(self, tmp_path: Path) -> None:
        """A distilled module is relocated onto the kernel."""
        folder = small_kernel(tmp_path)
        distilled = BtfWriter()
        distilled.add_struct("shared", 4, [])
        split = SplitWriter(distilled)
        split.add_struct("holder", 4, [("member", 1, 0)])
        elf = ElfWriter()
        elf.add(".BTF", split.build())
        elf.add(".BTF.base", distilled.build())
        (folder / "outside.ko").write_bytes(elf.build())
        kernel = btfmmap.open_kernel(folder)
        assert kernel.names == ("vmlinux", "good", "outside")
        assert kernel["holder"].members[0].type == kernel.base["shared"]

    def test_no_kernel(self, tmp_path: Path) -> None:
        (tmp_path / "mod.ko").write_bytes(small_split(small_base()).build())
        with pytest.raises(FileNotFoundError, match="no vmlinux or vmlinuz in this folder") as caught:
            btfmmap.open_kernel(tmp_path)
        assert (caught.value.filename, caught.value.errno) == (str(tmp_path), errno.ENOENT)
        with pytest.raises(FileNotFoundError) as caught:
            btfmmap.open_kernel(tmp_path / "absent")
        assert caught.value.filename == str(tmp_path / "absent")

    def test_a_kernel_that_does_not_open(self, tmp_path: Path) -> None:
        folder = small_kernel(tmp_path)
        (folder / "vmlinux").write_bytes(b"broken")
        with pytest.raises(FormatError, match="vmlinux"):
            btfmmap.open_kernel(folder)
        (folder / "vmlinux").write_bytes(small_split(small_base()).build())
        with pytest.raises(MissingBaseError, match="vmlinux"):
            btfmmap.open_kernel(folder)

    def test_closing(self, tmp_path: Path) -> None:
        with btfmmap.open_kernel(small_kernel(tmp_path)) as kernel:
            own, columns = kernel["own"], kernel.members.type
        assert kernel.base.closed
        assert kernel.modules["good"].closed
        assert len(columns) == 3
        for question in (lambda: own.name, lambda: kernel["own"], lambda: kernel.types):
            with pytest.raises(ValueError, match="closed"):
                question()


def test_the_running_kernel() -> None:
    folder = requirements.kernel_btf().parent
    kernel = btfmmap.open_kernel()
    modules = sorted(set(os.listdir(folder)) - {"vmlinux"})
    assert kernel.names == ("vmlinux", *modules)
    assert kernel.failed == {}
    assert kernel.complete
    assert kernel.base.raw.tobytes() == requirements.kernel_btf().read_bytes()
    for name, btf in kernel.modules.items():
        assert btf.raw.tobytes() == (folder / name).read_bytes()
    assert btfmmap.open_kernel(base=kernel.base).names == kernel.names


# -- what the kernel has loaded


def bpftool(*arguments: str) -> Any:
    """Its answer; the test is skipped where asking is not permitted."""
    if os.geteuid() != 0:
        pytest.skip("bpf(2) answers to root only")
    done = subprocess.run([requirements.tool("bpftool"), "-j", *arguments], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"bpf(2) is refused here: {done.stdout.strip() or done.stderr.strip()}")
    return json.loads(done.stdout)


@pytest.fixture
def program_btf() -> Iterator[tuple[bytes, int]]:
    """A BTF loaded as bpf(2) loads a program's: its bytes and its id."""
    before = {one["id"] for one in bpftool("btf", "list")}
    writer = BtfWriter("<" if sys.byteorder == "little" else ">")
    writer.add_int("int")
    writer.add_struct("of_a_test", 8, [("left", 1, 0), ("right", 1, 32)])
    blob = writer.build()
    descriptor = KernelLoader().load(blob)
    assert descriptor >= 0
    try:
        # Another process may load one too.
        new = {one["id"] for one in bpftool("btf", "list") if one["size"] == len(blob)} - before
        assert len(new) == 1
        yield blob, new.pop()
    finally:
        os.close(descriptor)


class TestLoaded:
    def listed(self) -> list[tuple[int, str, int, bool]]:
        return [
            (one["id"], one.get("name", ""), one["size"], one["kernel"]) for one in bpftool("btf", "list")
        ]

    def test_list(self) -> None:
        """Our list lies between two of bpftool's, because other processes load and unload BTF."""
        before = self.listed()
        got = [tuple(one) for one in btfmmap.loaded()]
        after = self.listed()
        assert "vmlinux" in [name for _, name, _, _ in got]
        assert {*before} & {*after} <= {*got} <= {*before} | {*after}
        assert got == sorted(got)

    def test_of_a_program(self, program_btf: tuple[bytes, int]) -> None:
        blob, btf_id = program_btf
        assert btfmmap.LoadedBtf(btf_id, "", len(blob), False) in btfmmap.loaded()
        btf = btfmmap.open(id=btf_id)
        assert btf.raw.tobytes() == blob
        assert btf.base is None
        assert btf.source.path == f"BTF object {btf_id}"
        assert btf["struct of_a_test"].size == 8
        with pytest.raises(btfmmap.NotSupportedError, match="cannot be pickled"):
            btf.__reduce__()

    def test_types(self, program_btf: tuple[bytes, int]) -> None:
        """The BTF of the program, of the kernel and of each module."""
        stay = [one for one in btfmmap.loaded() if one.kernel or one.id == program_btf[1]]
        assert len(stay) >= 2
        for one in stay:
            btf = btfmmap.open(id=one.id)
            expected = bpftool("btf", "dump", "id", str(one.id))["types"]
            assert btf.source.size == one.size
            assert btf.types.id[btf.types.kind > 0].tolist() == [record["id"] for record in expected]
            names = [record["name"].replace("(anon)", "") for record in expected]
            assert btf.names()[-len(names) :] == names
            kinds = [Kind[record["kind"]] for record in expected]
            assert btf.types.kind[btf.types.kind > 0].tolist() == kinds

    def test_the_kernels(self) -> None:
        (vmlinux,) = [one for one in self.listed() if one[1] == "vmlinux"]
        assert btfmmap.open(id=vmlinux[0]).raw.tobytes() == requirements.kernel_btf().read_bytes()

    def test_unknown_id(self) -> None:
        self.listed()
        with pytest.raises(FileNotFoundError, match="no BTF object with this id in the kernel") as caught:
            btfmmap.open(id=2**31 - 1)
        assert (caught.value.errno, caught.value.filename) == (errno.ENOENT, "BTF object 2147483647")

    def test_usage(self) -> None:
        with pytest.raises(ValueError, match="one of path, data and id"):
            btfmmap.open("file", id=1)
        with pytest.raises(ValueError, match="method applies only to a path"):
            btfmmap.open(id=1, method="read")
        for wrong in (-1, 2**32):
            with pytest.raises(ValueError, match=f"id is {wrong}, must fit in 32 bits"):
                btfmmap.open(id=wrong)

    def test_without_the_capability(self) -> None:
        requirements.kernel_btf()
        code = (
            "import os, btfmmap\n"
            "tries = [btfmmap.loaded, lambda: btfmmap.open(id=1)]\n"
            "if os.geteuid() == 0: os.setuid(65534)\n"
            "for attempt in tries:\n"
            "    try: attempt()\n"
            "    except PermissionError as error: print(error)\n"
        )
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        lines = done.stdout.splitlines()
        assert len(lines) == 2
        for line, call in zip(lines, ("BPF_BTF_GET_NEXT_ID", "BPF_BTF_GET_FD_BY_ID"), strict=True):
            assert line.startswith(f"[Errno {errno.EPERM}] Operation not permitted (access to BTF")
            assert "CAP_SYS_ADMIN" in line
            assert call in line
