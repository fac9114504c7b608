"""Files such as `ext4.inline` beside a kernel and its modules, and kernels whose BTF is in a module."""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from types import SimpleNamespace

import btf_writer
import pytest
from btf_writer import BtfWriter
from elf_writer import ElfWriter
from layout_writer import KINDS, NEXT, extended, func_of, inline_of, next_kernel
from split_writer import SplitWriter
from stored_files import stored
from type_questions import ask_about_types

import btfmmap
from btfmmap import FormatError, LoadedBtf, MissingBaseError, _core, loaded_btf, running_kernel
from btfmmap.cli import loaded as cli_loaded
from btfmmap.cli import main
from btfmmap.contract import rules
from btfmmap.contract.target import CannotTellError, Target


class Levels:
    """A kernel, a module on it, and what is inlined in each, in one folder."""

    def __init__(self, folder: Path, order: str) -> None:
        self.folder = folder
        kernel = next_kernel(order)
        module = SplitWriter(kernel, 32)
        proto = module.add_proto(1, [])
        func = module.add(btf_writer.FUNC, "ext4_sync", size_or_type=proto)
        self.inlines = {"vmlinux": inline_of(kernel, func_of(kernel), "in_vmlinux")}
        self.inlines["ext4"] = inline_of(module, func, "in_ext4")
        self.write("vmlinux", kernel)
        self.write("ext4", module)
        for name, writer in self.inlines.items():
            self.write(f"{name}.inline", writer)

    def write(self, name: str, writer: BtfWriter) -> None:
        (self.folder / name).write_bytes(extended(writer, NEXT))


@pytest.fixture(params=["<", ">"])
def levels(request: pytest.FixtureRequest, tmp_path: Path) -> Levels:
    return Levels(tmp_path, request.param)


class TestOpened:
    def test_three_levels(self, levels: Levels) -> None:
        """Each is opened on the file that it is named after."""
        btf = btfmmap.open(levels.folder / "ext4.inline")
        assert btf.base is not None
        assert btf.base.base is not None
        assert btf.base.source.path == str(levels.folder / "ext4")
        assert btf.base.base.source.path == str(levels.folder / "vmlinux")
        assert btf.first_id == levels.inlines["ext4"].first_id
        records = levels.inlines["ext4"].records
        at = 4 if levels.inlines["ext4"].order == ">" else 7
        assert btf.types.kind.tolist() == [record[at] & 0x7F for record in records]
        assert btf.name(btf.first_id + len(records) - 1) == "in_ext4"
        assert btf.find("ext4_sync") == btf.base.find("ext4_sync")
        ask_about_types(btf)

    def test_of_the_kernel(self, levels: Levels) -> None:
        btf = btfmmap.open(levels.folder / "vmlinux.inline")
        assert btf.base is not None
        assert btf.base.source.path == str(levels.folder / "vmlinux")
        assert btf.find("in_vmlinux", btf_writer.TYPEDEF) is not None

    def test_the_same_by_hand(self, levels: Levels) -> None:
        kernel = btfmmap.open(levels.folder / "vmlinux")
        module = btfmmap.open(levels.folder / "ext4", base=kernel)
        by_hand = btfmmap.open(levels.folder / "ext4.inline", base=module)
        found = btfmmap.open(levels.folder / "ext4.inline")
        assert by_hand.dump() == found.dump()

    def test_lint(self, levels: Levels) -> None:
        found = btfmmap.lint(levels.folder / "ext4.inline")
        assert {each.rule for each in found if each.severity == "error"} == set()
        assert sum(each.rule == "kind" for each in found) == 11

    def test_without_its_module(self, levels: Levels) -> None:
        """It is not opened on the kernel, whose types have other ids."""
        (levels.folder / "ext4").unlink()
        for ask in (btfmmap.open, btfmmap.lint):
            with pytest.raises(MissingBaseError, match=r"ext4\.inline"):
                ask(levels.folder / "ext4.inline")

    @pytest.mark.parametrize(
        ("base", "name"),
        [
            ("ext4.btf", "ext4.btf.inline"),
            ("ext4.btf", "ext4.inline.btf"),
            ("ext4.btf", "ext4.inline"),
            ("ext4.btf.xz", "ext4.inline.btf.xz"),
        ],
    )
    def test_names_of_copies(self, levels: Levels, base: str, name: str) -> None:
        for old, new in (("ext4", base), ("ext4.inline", name)):
            content = (levels.folder / old).read_bytes()
            (levels.folder / old).unlink()
            (levels.folder / new).write_bytes(lzma.compress(content) if new.endswith(".xz") else content)
        opened = btfmmap.open(levels.folder / name)
        assert opened.base is not None
        assert opened.base.source.path == str(levels.folder / base)
        kernel = btfmmap.open_kernel(levels.folder)
        assert str(levels.folder / name) in kernel.inline
        assert not kernel.failed


class TestNamed:
    def test_open_kernel(self, levels: Levels) -> None:
        kernel = btfmmap.open_kernel(levels.folder)
        assert kernel.names == ("vmlinux", "ext4")
        assert kernel.inline == tuple(str(levels.folder / f"{name}.inline") for name in ("ext4", "vmlinux"))
        assert not kernel.failed
        assert repr(kernel).endswith("with 1 modules, 2 inline files not opened>")
        assert btfmmap.open_kernel(levels.folder, modules=False).inline == ()

    def test_without_any(self, levels: Levels) -> None:
        for path in levels.folder.glob("*.inline"):
            path.unlink()
        kernel = btfmmap.open_kernel(levels.folder)
        assert kernel.inline == ()
        assert repr(kernel).endswith("with 1 modules>")

    def test_kernels(self, levels: Levels, tmp_path: Path) -> None:
        """A folder of kernels leaves them out."""
        folder = tmp_path / "kernels"
        folder.mkdir()
        for name in ("vmlinux", "vmlinux.inline"):
            content = (levels.folder / name).read_bytes()
            (folder / name.replace("vmlinux", "vmlinux-7.4")).write_bytes(content)
        (found,) = btfmmap.find_kernels(folder)
        assert found.path == str(folder / "vmlinux-7.4")
        assert btfmmap.open_kernel(folder).base.source.path == str(folder / "vmlinux-7.4")

    @pytest.mark.parametrize("name", ["vmlinux", "ext4"])
    def test_info(self, levels: Levels, name: str, capsys: pytest.CaptureFixture[str]) -> None:
        path = levels.folder / name
        assert main(["info", str(path)]) == 0
        assert f"{path}.inline has the inlined functions" in capsys.readouterr().out
        assert main(["info", "--json", str(path)]) == 0
        assert json.loads(capsys.readouterr().out)["inline"] == f"{path}.inline"
        assert main(["info", "--json", f"{path}.inline"]) == 0
        facts = json.loads(capsys.readouterr().out)
        assert (facts["inline"], facts["base"]) == (None, str(path))
        assert [facts["kinds"][f"UNKNOWN_{kind}"] for kind in range(KINDS, KINDS + 3)] == [5, 3, 3]

    def test_loaded(self, levels: Levels) -> None:
        assert cli_loaded.inline_names(str(levels.folder), {"vmlinux"}) == ["ext4.inline", "vmlinux.inline"]
        assert cli_loaded.inline_names(str(levels.folder), {"ext4.inline"}) == ["vmlinux.inline"]
        assert cli_loaded.inline_names(str(levels.folder / "absent"), set()) == []

    def test_loaded_command(
        self, levels: Levels, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(cli_loaded, "KERNEL_BTF", str(levels.folder / "vmlinux"))
        monkeypatch.setattr(cli_loaded, "loaded", lambda: [LoadedBtf(1, "vmlinux", 100, True)])
        assert main(["loaded"]) == 0
        last = capsys.readouterr().out.splitlines()[-1]
        assert last == f"Not loaded, but in {levels.folder}: ext4.inline, vmlinux.inline"


def test_loaded_objects(levels: Levels, monkeypatch: pytest.MonkeyPatch) -> None:
    """A BTF object of such a name is opened on its module's object, that on the kernel's."""
    objects = [
        LoadedBtf(number, name, 1, kernel=number != 3)
        for number, name in enumerate(("vmlinux", "ext4", "ext4", "ext4.inline", "vmlinux.inline"), 1)
    ]

    def read(number: int, name: str) -> _core.File:
        path = levels.folder / objects[number - 1].name
        return _core.File.of_buffer(path.read_bytes(), name, True)

    monkeypatch.setattr(loaded_btf, "loaded", lambda: objects)
    monkeypatch.setattr(
        loaded_btf, "read_loaded", lambda number: (objects[number - 1], read(number, "object"))
    )
    monkeypatch.setattr(running_kernel, "KERNEL_BTF", str(levels.folder / "vmlinux"))
    by_file = btfmmap.open(levels.folder / "ext4.inline")
    by_id = btfmmap.open(id=4)
    assert by_id.base is not None
    assert by_id.base.base is not None
    assert by_id.dump() == by_file.dump()
    assert btfmmap.open(id=5).dump() == btfmmap.open(levels.folder / "vmlinux.inline").dump()


def test_doctor_takes_them_for_no_modules(levels: Levels, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel may map them, which breaks no promise about modules."""
    monkeypatch.setattr(rules, "SYSFS_MAGIC", Target(str(levels.folder / "vmlinux")).file_system_magic())
    asked = []

    def map_page(path: str) -> str:
        asked.append(Path(path).name)
        return "ENODEV"

    monkeypatch.setattr(rules, "_map_page", map_page)
    target = Target(str(levels.folder / "vmlinux"))
    assert rules._modules(target) == "ENODEV"
    assert asked == ["ext4"]
    (levels.folder / "ext4").unlink()
    with pytest.raises(CannotTellError, match="no module with BTF is loaded"):
        rules._modules(target)


# -- CONFIG_DEBUG_INFO_BTF=m


def module_of(blob: bytes) -> bytes:
    elf = ElfWriter()
    elf.add(".BTF", blob)
    return elf.build()


def without_btf() -> bytes:
    """A vmlinux whose BTF is in a module, as the series posted in September 2026 builds it."""
    elf = ElfWriter()
    elf.add(".BTF.meta", bytes(36))
    return elf.build()


@pytest.fixture(params=["", ".xz"])
def modules(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder like /lib/modules/7.4.0 of a kernel with its BTF in a module."""
    folder = tmp_path / "lib" / "modules" / "7.4.0"
    levels = tmp_path / "levels"
    levels.mkdir()
    written = Levels(levels, "<")
    for name, place in (("btf_vmlinux", "kernel/bpf"), ("ext4", "fs/ext4")):
        content = module_of((written.folder / name.replace("btf_", "")).read_bytes())
        below = folder / "kernel" / place
        below.mkdir(parents=True)
        packed = lzma.compress(content) if request.param else content
        (below / f"{name}.ko{request.param}").write_bytes(packed)
    (folder / "modules.order").write_text("kernel/kernel/bpf/btf_vmlinux.ko\nkernel/fs/ext4/ext4.ko\n")
    return folder


class TestInAModule:
    @pytest.mark.parametrize("image", [None, "vmlinuz", "vmlinux"])
    def test_a_folder(self, modules: Path, image: str | None) -> None:
        """With no kernel in it, or one without BTF."""
        if image is not None:
            (modules / image).write_bytes(without_btf())
        kernel = btfmmap.open_kernel(modules)
        (path,) = modules.rglob("btf_vmlinux*")
        assert kernel.base.source.path == str(path)
        assert kernel.names == ("vmlinux", "ext4")
        assert not kernel.failed
        assert kernel.complete
        assert btfmmap.open_kernel(modules, modules=False).base.source.path == str(path)
        (found,) = btfmmap.find_kernels(modules)
        with found.open() as opened:
            assert opened.base.source.path == str(path)
            assert [*opened.modules] == ["ext4"]
            assert opened.identity.release == "7.4.0"

    def test_the_kernel_has_btf_too(self, modules: Path) -> None:
        (modules / "vmlinuz").write_bytes((modules.parent.parent.parent / "levels/vmlinux").read_bytes())
        kernel = btfmmap.open_kernel(modules)
        assert kernel.base.source.path == str(modules / "vmlinuz")
        assert kernel.names == ("vmlinux", "ext4")

    def test_a_folder_with_the_modules_alone(self, modules: Path, tmp_path: Path) -> None:
        folder = tmp_path / "flat"
        folder.mkdir()
        for path in modules.rglob("*.ko*"):
            path.rename(folder / path.name)
        assert btfmmap.open_kernel(folder).names == ("vmlinux", "ext4")
        (found,) = btfmmap.find_kernels(folder)
        assert found.path == str(folder)

    def test_it_is_broken(self, modules: Path) -> None:
        (path,) = modules.rglob("btf_vmlinux*")
        path.write_bytes(b"damaged")
        with pytest.raises(FormatError, match="btf_vmlinux"):
            btfmmap.open_kernel(modules)
        with pytest.raises(FormatError, match="btf_vmlinux"):
            btfmmap.find_kernels(modules)[0].open()

    def test_the_kernel_says_where(self, tmp_path: Path) -> None:
        path = tmp_path / "vmlinux"
        path.write_bytes(without_btf())
        with pytest.raises(FormatError, match=r"without a \.BTF section; its \.BTF\.meta .* btf_vmlinux\.ko"):
            btfmmap.open(path)
        path.write_bytes(ElfWriter().build())
        with pytest.raises(FormatError, match=r"without a \.BTF section$"):
            btfmmap.open(path)

    def test_the_image_says_where(self, tmp_path: Path) -> None:
        path = tmp_path / "vmlinuz"
        path.write_bytes(bytes(0x202) + b"HdrS" + bytes(0x20000))
        with pytest.raises(FormatError, match=r"no BTF found in this kernel image .* btf_vmlinux\.ko"):
            btfmmap.open(path)
        with pytest.raises(FormatError, match=r"no BTF found"):
            btfmmap.open_kernel(tmp_path)

    def test_the_running_kernel(self, modules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The module is not loaded yet, so there is no KERNEL_BTF."""
        monkeypatch.setattr(running_kernel, "KERNEL_BTF", "/no/such/file")
        monkeypatch.setattr(running_kernel, "_OTHER_PLACES", ("/no/such/vmlinux-{}",))
        monkeypatch.setattr(running_kernel, "_MODULES", str(modules.parent / "{}"))
        monkeypatch.setattr(running_kernel, "_loaded_kernel", lambda: None)
        monkeypatch.setattr("os.uname", lambda: SimpleNamespace(release="7.4.0"))
        (path,) = modules.rglob("btf_vmlinux*")
        assert btfmmap.open().source.path == str(path)
        path.unlink()
        with pytest.raises(FileNotFoundError, match="no such file"):
            btfmmap.open()

    def test_a_real_kernel(self, tmp_path: Path) -> None:
        (tmp_path / "btf_vmlinux.ko").write_bytes(module_of(stored("7.2-amd64.btf")))
        (tmp_path / "tun.ko").write_bytes(stored("tun.ko"))
        kernel = btfmmap.open_kernel(tmp_path)
        assert kernel["tun_struct"].btf is kernel.modules["tun"]
        assert kernel["task_struct"].btf is kernel.base
