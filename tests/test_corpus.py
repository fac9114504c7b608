"""A corpus has what its kernels have: restored, asked, and after whatever happens to a build."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import requirements
from btf_writer import BtfWriter
from compressors import CODECS
from corpus_content import content
from elf_writer import ElfWriter
from kernel_image_writer import bzimage
from kernel_series import small_kernel, write_btfhub, write_series
from stored_files import DATA, MODULES, stored
from type_colours import colours

import btfmmap
from btfmmap import Kind, corpus
from btfmmap.corpus.storage import LocalStorage


@pytest.fixture(autouse=True)
def _pyarrow() -> None:
    requirements.package("pyarrow")


# For longer runs: BTFMMAP_CORPUS_INPUTS=1000 BTFMMAP_CORPUS_KILLS=10
INPUTS = int(os.environ.get("BTFMMAP_CORPUS_INPUTS", "40"))
KILLS = int(os.environ.get("BTFMMAP_CORPUS_KILLS", "4"))
BROKEN = min(30, INPUTS // 4)
SHARED = Path(os.environ.get("BTFMMAP_SHARED_DATA", "/nonexistent"))


def same(left: btfmmap.Btf, right: btfmmap.Btf) -> bool:
    ours, theirs = colours(left), colours(right)
    return all(np.array_equal(ours[name], theirs[name]) for name in ours)


@pytest.fixture
def series(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "inputs"
    folder.mkdir()
    return [*write_series(folder, INPUTS, BROKEN)]


class TestRestoring:
    def test_each_kernel_is_what_it_was(self, tmp_path: Path) -> None:
        kernels = [
            DATA / "6.12-s390x.btf.xz",
            *sorted(DATA.glob("*.part.btf.xz")),
            *DATA.glob("tun.*.btf.xz"),
        ]
        assert len(kernels) > 1
        built = corpus.build(tmp_path, kernels)
        assert built.added + len(built.failed) == len(kernels)
        assert all("base" in error for _, error in built.failed)  # split BTF
        assert built.added > 3
        opened = corpus.open(tmp_path)
        for number, path in enumerate(opened.kernels["path"].to_pylist()):
            assert same(opened.btf(number), btfmmap.open(path)), path

    def test_shared_kernels(self, tmp_path: Path) -> None:
        kernels = sorted([*SHARED.glob("*.btf.xz"), *SHARED.glob("kernels/*.btf.xz")])
        if not kernels:
            pytest.skip("BTFMMAP_SHARED_DATA is not a folder with kernels")
        corpus.build(tmp_path, kernels)
        opened = corpus.open(tmp_path)
        for number, path in enumerate(opened.kernels["path"].to_pylist()):
            assert same(opened.btf(number), btfmmap.open(path)), path

    def test_modules(self, tmp_path: Path) -> None:
        base = btfmmap.open(data=small_kernel(1))
        folder = tmp_path / "kernel"
        folder.mkdir()
        (folder / "vmlinux").write_bytes(bytes(base.raw))
        module = btfmmap.Builder(base=base)
        holder = module.struct("of_module", 16, [("a", base.find_all("type_1")[0] + 1, 0), ("b", 1, 64)])
        module.struct("type_2", 8, [("own", holder + 2, 0)])  # a name of the base
        module.ptr(holder)
        module.ptr(base.find_all("type_1")[0])  # the same as one of the base
        module.save(folder / "extra")
        corpus.build(tmp_path / "out", folder)
        opened = corpus.open(tmp_path / "out")
        assert opened.kernels["module"].to_pylist() == ["", "extra"]
        restored = opened.btf(1)
        assert restored.base is not None
        assert same(restored, btfmmap.open(folder / "extra", base=base))
        assert corpus.verify(tmp_path / "out").problems == []
        corpus.compact(tmp_path / "out")
        assert same(corpus.open(tmp_path / "out").btf(1), btfmmap.open(folder / "extra", base=base))

    def test_a_module_is_added_to_a_kernel_that_is_there(self, tmp_path: Path) -> None:
        base = btfmmap.open(data=small_kernel(1))
        folder = tmp_path / "kernel"
        folder.mkdir()
        (folder / "vmlinux").write_bytes(bytes(base.raw))
        corpus.build(tmp_path / "out", folder)
        corpus.build(tmp_path / "out", [btfmmap.open(data=small_kernel(seed)) for seed in range(2, 9)])
        module = btfmmap.Builder(base=base)
        module.ptr(module.struct("own", 16, [("a", base.find_all("type_1")[0] + 1, 0), ("b", 1, 64)]))
        module.save(folder / "extra")
        assert corpus.build(tmp_path / "out", folder).added == 1
        opened = corpus.open(tmp_path / "out")
        number = opened.kernels["module"].to_pylist().index("extra")
        assert same(opened.btf(number), btfmmap.open(folder / "extra", base=base))

    @pytest.mark.parametrize("order", ["<", ">"])
    def test_unusual_types(self, tmp_path: Path, order: str) -> None:
        """Namesakes, equal types, cycles without a name, names that are not UTF-8, duplicates."""
        writer = BtfWriter(order)
        number = writer.add_int("int", 4)
        first = writer.add_struct("same", 8, [("next", 4, 0)])
        writer.add_struct("same", 16, [("next", 4, 0), ("more", number, 64)])
        for target in (3, first, first, 8, 7):  # 7 and 8 are pointers to one another
            writer.add(Kind.PTR, size_or_type=target)
        writer.add_struct("", 16, [("a", 10, 0), ("b", 7, 64)])
        writer.add(Kind.PTR, size_or_type=9)
        writer.add_struct(b"byte\xff\\x", 8, [("first", number, 0), ("\\", number, 32)])
        writer.add_struct("same", 8, [("next", 4, 0)])
        data = writer.build()
        original = btfmmap.open(data=data)
        corpus.build(tmp_path, original)
        opened = corpus.open(tmp_path)
        assert same(opened.btf(0), original)
        assert opened.btf(0).source.byte_order == original.source.byte_order
        assert opened.history("struct byte\udcff\\x.\\")["bit_offset"].to_pylist() == [32]


class TestBuilding:
    def test_is_idempotent(self, tmp_path: Path, series: list[Path]) -> None:
        first = corpus.build(tmp_path / "out", series)
        assert (first.added, len(first.failed)) == (INPUTS - BROKEN, BROKEN)
        before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.parquet")}
        again = corpus.build(tmp_path / "out", series)
        assert (again.added, again.known, sorted(again.failed)) == (0, INPUTS, sorted(first.failed))
        assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.parquet")} == before

    def test_the_same_content_elsewhere_is_known(self, tmp_path: Path) -> None:
        corpus.build(tmp_path / "out", btfmmap.open(data=small_kernel(1)))
        copy = tmp_path / "copy.btf"
        copy.write_bytes(small_kernel(1))
        assert corpus.build(tmp_path / "out", copy) == (0, 1, [])

    def test_a_series_costs_what_changed(self, tmp_path: Path) -> None:
        one, many = tmp_path / "one", tmp_path / "many"
        corpus.build(one, btfmmap.open(data=small_kernel(0)))
        corpus.build(many, [btfmmap.open(data=small_kernel(seed)) for seed in range(50)])
        assert corpus.open(many).count("members") < 10 * corpus.open(one).count("members")

    def test_killed_at_any_moment(self, tmp_path: Path, series: list[Path]) -> None:
        """A build that is killed leaves a corpus that opens; the next one finishes it."""
        corpus.build(tmp_path / "undisturbed", series)
        out = tmp_path / "killed"
        program = (
            "import sys; from btfmmap import corpus; from btfmmap.corpus import building; "
            "building._BATCH = int(sys.argv[1]); "
            "corpus.build(sys.argv[2], sys.argv[3:], progress=lambda done, *_: print(done, flush=True))"
        )
        batch = str(max(4, INPUTS // 50))
        command = [sys.executable, "-c", program, batch, str(out), *map(str, series)]
        moments = random.Random(5)
        for _ in range(KILLS):
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                inputs = moments.randrange(2 * INPUTS // KILLS)
                for line in process.stdout:
                    if int(line) >= inputs:
                        break
                time.sleep(moments.uniform(0, 0.05))
                process.send_signal(signal.SIGKILL)
            if [*out.glob("manifests/*.json")]:
                assert corpus.verify(out).problems == []
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        assert content(out) == content(tmp_path / "undisturbed")
        assert corpus.verify(out).problems == []

    def test_ends_after_each_write(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each moment at which a file has been written, exactly."""
        from btfmmap.corpus.storage import LocalStorage

        kernels = [btfmmap.open(data=small_kernel(seed)) for seed in range(3)]
        corpus.build(tmp_path / "undisturbed", kernels)
        expected = content(tmp_path / "undisturbed")
        create = LocalStorage.create

        class EndedError(Exception):
            pass

        for last in range(1, 12):
            out = tmp_path / str(last)
            left = [last]

            def counted(self: LocalStorage, name: str, data: bytes, left: list[int] = left) -> bool:
                left[0] -= 1
                if left[0] < 0:
                    raise EndedError
                return create(self, name, data)

            monkeypatch.setattr(LocalStorage, "create", counted)
            try:
                corpus.build(out, kernels)
                ended = False
            except EndedError:
                ended = True
            monkeypatch.setattr(LocalStorage, "create", create)
            corpus.build(out, kernels)
            assert content(out) == expected
            if not ended:
                break
        else:
            pytest.fail("the build never finished")

    def test_two_machines_write_the_same_name(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Their processes may have the same number."""
        from btfmmap.corpus.storage import LocalStorage

        storage = LocalStorage(str(tmp_path))
        others: list[bool] = []
        sync = os.fsync

        def meanwhile(descriptor: int) -> None:
            sync(descriptor)
            if not others:
                others.append(False)
                others.append(storage.create("manifests/00000001.json", b"of the other"))

        monkeypatch.setattr(os, "fsync", meanwhile)
        assert not storage.create("manifests/00000001.json", b"of this one, which is longer")
        assert others == [False, True]
        assert storage.read("manifests/00000001.json") == b"of the other"
        assert storage.names("manifests") == ["00000001.json"]

    def test_compact_removes_what_was_left(self, tmp_path: Path) -> None:
        corpus.build(tmp_path, btfmmap.open(data=small_kernel(1)))
        left = ["manifests/00000002.json.0123.tmp", "types/0123.parquet", "types/0123.parquet.4567.tmp"]
        for name in left:
            (tmp_path / name).write_bytes(b"half")
        assert corpus.verify(tmp_path) == (1, [], left)
        corpus.compact(tmp_path)
        assert corpus.verify(tmp_path) == (1, [], [])

    def test_two_builders_lose_nothing(self, tmp_path: Path, series: list[Path]) -> None:
        corpus.build(tmp_path / "one", series)
        program = (
            "import sys; from btfmmap import corpus; from btfmmap.corpus import building; "
            "building._BATCH = 3; corpus.build(sys.argv[1], sys.argv[2:])"
        )
        out = str(tmp_path / "two")
        orders = [series, series[::-1]]
        processes = [
            subprocess.Popen([sys.executable, "-c", program, out, *map(str, order)]) for order in orders
        ]
        assert [process.wait() for process in processes] == [0, 0]
        assert content(tmp_path / "two") == content(tmp_path / "one")
        corpus.compact(out)
        assert content(tmp_path / "two") == content(tmp_path / "one")
        assert corpus.verify(out) == (INPUTS - BROKEN, [], [])

    def test_a_builder_that_others_have_left_behind(
        self, tmp_path: Path, series: list[Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The manifest that it would have continued has been removed meanwhile."""
        monkeypatch.setattr("btfmmap.corpus.building._BATCH", 1)
        corpus.build(tmp_path / "one", series)
        out = tmp_path / "two"

        def build_others(done: int, _total: object, _name: object) -> None:
            if done == 0:
                corpus.build(out, series[1:])

        corpus.build(out, series[:1], progress=build_others)
        assert min((out / "manifests").iterdir()).name > "00000001.json"
        assert content(out) == content(tmp_path / "one")

    def test_built_while_it_is_compacted(
        self, tmp_path: Path, series: list[Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("btfmmap.corpus.building._BATCH", 1)
        corpus.build(tmp_path / "one", series)
        out = tmp_path / "two"
        corpus.build(out, series[:1])
        with pytest.raises(btfmmap.FormatError, match="the corpus was changed while it was compacted"):
            corpus.compact(out, progress=lambda *_: corpus.build(out, series) and None)
        assert content(out) == content(tmp_path / "one")

    def test_a_manifest_that_is_not_listed(
        self, tmp_path: Path, series: list[Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A folder that changes while it is listed may lack the newest file."""
        monkeypatch.setattr("btfmmap.corpus.building._BATCH", 1)
        corpus.build(tmp_path, series)
        expected = content(tmp_path)
        listed = LocalStorage.names
        monkeypatch.setattr(LocalStorage, "names", lambda self, folder: sorted(listed(self, folder))[:-2])
        assert content(tmp_path) == expected

    def test_processes(self, tmp_path: Path, series: list[Path]) -> None:
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        corpus.build(tmp_path / "one", series)
        with ProcessPoolExecutor(2, get_context("spawn")) as executor:
            corpus.build(tmp_path / "two", series, executor=executor)
        assert content(tmp_path / "two") == content(tmp_path / "one")

    def test_the_current_folder_does_not_matter(
        self, tmp_path: Path, series: list[Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Errors are those of absolute paths; a corpus's inputs open in processes that are elsewhere."""
        built = corpus.build(tmp_path / "one", series)
        monkeypatch.chdir(tmp_path)
        again = corpus.build("two", [os.path.relpath(path) for path in series])
        assert again == built
        assert content("two") == content(tmp_path / "one")
        travelled = pickle.dumps(corpus.open("two").inputs()[0])
        monkeypatch.chdir("/")
        with pickle.loads(travelled).open() as kernel:
            assert same(kernel.base, corpus.open(tmp_path / "two").btf(0))

    def test_btfhub(self, tmp_path: Path) -> None:
        """Its tree: distro/release/arch/VERSION.btf.tar.xz."""
        paths = write_btfhub(tmp_path / "archive", range(3))
        built = corpus.build(tmp_path / "out", tmp_path / "archive")
        assert built == (3, 0, [])
        opened = corpus.open(tmp_path / "out")
        assert opened.kernels["release"].to_pylist() == [
            f"5.{seed}.0-{seed + 10}-generic" for seed in range(3)
        ]
        assert opened.kernels["arch"].to_pylist() == ["x86_64"] * 3
        assert opened.kernels["path"].to_pylist() == [*map(str, paths)]
        for seed in range(3):
            assert same(opened.btf(seed), btfmmap.open(data=small_kernel(seed)))

    def test_vmlinuz_with_modules(self, tmp_path: Path) -> None:
        """What a distribution's package has: a compressed kernel, and modules, which are split BTF."""
        folder = tmp_path / "6.12.43-amd64"
        (folder / "kernel").mkdir(parents=True)
        kernel = stored("7.2-amd64.btf")
        elf = ElfWriter()
        elf.add(".BTF", kernel)
        (folder / "vmlinuz").write_bytes(bzimage(gzip.compress(bytes(elf.build()), 1)))
        for name in MODULES:
            shutil.copy(DATA / f"{name}.ko.xz", folder / "kernel")
        assert corpus.build(tmp_path / "out", folder) == (1 + len(MODULES), 0, [])
        opened = corpus.open(tmp_path / "out")
        rows = opened.kernels.to_pylist()
        assert [row["module"] for row in rows] == ["", *sorted(MODULES)]
        assert [row["parent"] for row in rows] == [None] + [rows[0]["id"]] * len(MODULES)
        assert rows[0]["sha256"] == hashlib.sha256(kernel).hexdigest()
        base = btfmmap.open(data=kernel)
        for number, name in enumerate(sorted(MODULES), 1):
            assert same(opened.btf(number), btfmmap.open(data=stored(f"{name}.ko"), base=base))

    def test_a_bomb_is_a_failure(self, tmp_path: Path) -> None:
        bomb = tmp_path / "bomb.btf.gz"
        bomb.write_bytes(gzip.compress(bytes(64 << 20), mtime=0) * 17)
        built = corpus.build(tmp_path / "out", [bomb, btfmmap.open(data=small_kernel(1))])
        assert (built.added, len(built.failed)) == (1, 1)
        (row,) = corpus.open(tmp_path / "out").failures.to_pylist()
        assert row["path"] == str(bomb)
        assert "1,073,741,824" in row["error"]

    def test_what_failed_opens_later(self, tmp_path: Path) -> None:
        """A file that was replaced, and one that is given twice."""
        path = tmp_path / "6.1.btf"
        path.write_bytes(small_kernel(1)[:40])
        built = corpus.build(tmp_path / "out", [path, path])
        assert (built.added, built.known, len(built.failed)) == (0, 1, 1)
        again = corpus.build(tmp_path / "out", path)
        assert (again.added, again.known, again.failed) == (0, 1, built.failed)
        path.write_bytes(small_kernel(1))
        assert corpus.build(tmp_path / "out", path) == (1, 0, [])
        assert corpus.build(tmp_path / "out", path) == (0, 1, [])
        assert corpus.open(tmp_path / "out").failures.num_rows == 0
        path.write_bytes(b"bad once more")
        assert len(corpus.build(tmp_path / "out", path).failed) == 1
        assert len(corpus.build(tmp_path / "out", path).failed) == 1
        for _ in range(2):
            assert corpus.open(tmp_path / "out").failures["path"].to_pylist() == [str(path)]
            corpus.compact(tmp_path / "out")

    def test_what_is_not_the_files_fault_is_tried_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "6.1.btf.zst"
        path.write_bytes(CODECS["zstd"](small_kernel(1)))
        with monkeypatch.context() as patch:
            for module in ("zstandard", "compression", "compression.zstd"):
                patch.setitem(sys.modules, module, None)
            ((_, reason),) = corpus.build(tmp_path / "out", path).failed
            assert "pip install" in reason
        assert corpus.build(tmp_path / "out", path) == (1, 0, [])
        assert corpus.open(tmp_path / "out").failures.num_rows == 0

    def test_a_url_that_failed_is_tried_again(self) -> None:
        system = requirements.package("fsspec").filesystem("memory")
        system.pipe_file("/again/6.1.btf", b"bad")
        assert len(corpus.build("memory://of-again", "memory:///again/6.1.btf").failed) == 1
        system.pipe_file("/again/6.1.btf", small_kernel(1))
        assert corpus.build("memory://of-again", "memory:///again/6.1.btf") == (1, 0, [])
        assert corpus.build("memory://of-again", "memory:///again/6.1.btf") == (0, 1, [])

    def test_urls(self) -> None:
        fsspec = requirements.package("fsspec")
        system = fsspec.filesystem("memory")
        for seed in range(3):
            system.pipe_file(f"/kernels/6.{seed}-amd64.btf", small_kernel(seed))
        system.pipe_file("/kernels/bad.btf", b"bad")
        built = corpus.build("memory://out", ["memory:///kernels/*.btf"])
        assert (built.added, len(built.failed)) == (3, 1)
        opened = corpus.open("memory://out")
        assert opened.kernels["release"].to_pylist() == ["6.0-amd64", "6.1-amd64", "6.2-amd64"]
        assert opened.history("struct type_1")["present"].to_pylist() == [True] * 3
        assert corpus.verify("memory://out").problems == []


class TestQuestions:
    @pytest.fixture
    def opened(self, tmp_path: Path) -> tuple[corpus.Corpus, dict[str, btfmmap.Btf]]:
        kernels = {f"6.{seed}": btfmmap.open(data=small_kernel(seed)) for seed in range(25)}
        for name, btf in [*kernels.items()]:
            corpus.build(tmp_path, {name: btf}) if name < "6.12" else None
        corpus.build(tmp_path, kernels)
        return corpus.open(tmp_path), kernels

    def test_history(self, opened: tuple[corpus.Corpus, dict[str, btfmmap.Btf]]) -> None:
        asked, kernels = opened
        for path in ("type_1.field_2", "type_5.next", "type_8.inner.field_1", "struct type_9"):
            rows = asked.history(path).to_pylist()
            assert [row["kernel"] for row in rows] == [
                row["kernel"] for row in rows if row["kernel"] in kernels
            ]
            assert len(rows) == len(kernels)
            reference = btfmmap.diff(kernels)
            history = reference.history(path)
            names = reference.kernels.name.tolist()
            expected = dict(
                zip(
                    names,
                    zip(history.present.tolist(), history.bit_offset.tolist(), strict=True),
                    strict=True,
                )
            )
            for row in rows:
                offset = -1 if row["bit_offset"] is None else row["bit_offset"]
                assert (row["present"], offset) == expected[row["kernel"]]

    def test_presence(self, opened: tuple[corpus.Corpus, dict[str, btfmmap.Btf]]) -> None:
        asked, kernels = opened
        expected = [
            (kind, btf.name(type_id), name)
            for name, btf in kernels.items()
            for kind, pattern in (("STRUCT", "struct type_1*"), ("FUNC", "func function_?"))
            for type_id in btf.match(pattern.split()[1], kind=btfmmap.Kind[kind])
        ]
        found = [
            (row["kind"], row["name"], row["kernel"])
            for pattern in ("struct type_1*", "func function_?")
            for row in asked.presence(pattern).to_pylist()
        ]
        assert sorted(found) == sorted(expected)

    def test_functions(self, opened: tuple[corpus.Corpus, dict[str, btfmmap.Btf]]) -> None:
        asked, kernels = opened
        rows = asked.functions("function_6").to_pylist()
        assert {row["kernel"] for row in rows} == {
            name for name, btf in kernels.items() if btf.find("function_6") is not None
        }
        assert {row["prototype"] for row in rows} == {"int function_6(struct type_0 * self, int count)"}

    def test_size_changes(self, opened: tuple[corpus.Corpus, dict[str, btfmmap.Btf]]) -> None:
        asked, kernels = opened
        names = asked.kernels["name"].to_pylist()
        expected = []
        for old, new in pairwise(names):
            for number in range(40):
                sizes = [kernels[name][f"struct type_{number}"].size for name in (old, new)]
                if sizes[0] != sizes[1]:
                    expected.append((f"type_{number}", old, new, *sizes))
        rows = asked.size_changes().to_pylist()
        columns = ("name", "old_kernel", "new_kernel", "old_size", "new_size")
        assert expected
        assert sorted(tuple(row[name] for name in columns) for row in rows) == sorted(expected)

    def test_diff_and_map(self, opened: tuple[corpus.Corpus, dict[str, btfmmap.Btf]]) -> None:
        asked, kernels = opened
        found, expected = asked.diff([0, 1]), btfmmap.diff([kernels["6.0"], kernels["6.1"]])
        assert {found.name(each.entity) for each in found.changed()} == {
            expected.name(each.entity) for each in expected.changed()
        }
        lengths = [outcome.value for outcome in asked.map(lambda kernel: len(kernel.base))]
        assert lengths == [len(kernels[name]) for name in asked.kernels["name"].to_pylist()]

    def test_sql(self, opened: tuple[corpus.Corpus, dict[str, btfmmap.Btf]]) -> None:
        """The question of docs/corpus.md in SQL, as history answers it."""
        duckdb = requirements.package("duckdb")
        asked, _ = opened
        page = (Path(__file__).parent.parent / "docs" / "corpus.md").read_text()
        query = page.partition("```sql\n")[2].partition("```")[0]
        query = query.replace("'sock'", "'type_1'").replace("'sk_uid'", "'field_1'")
        with duckdb.connect() as connection:
            for table in ("kernels", "types", "members", "presence"):
                connection.execute(f"CREATE VIEW {table} AS FROM read_parquet({asked.files(table)})")
            found = connection.execute(query).fetchall()
        rows = asked.history("type_1.field_1").to_pylist()
        expected = [(row["kernel"], row["bit_offset"], row["type"]) for row in rows if row["present"]]
        assert found
        assert sorted(found) == sorted(expected)

    def test_names_of_kernels_that_are_escaped(self, tmp_path: Path) -> None:
        kernels = {name: btfmmap.open(data=small_kernel(1)) for name in ("back\\slash", "byte\udcff")}
        for name, btf in kernels.items():
            corpus.build(tmp_path / str(len(name)), {name: btf})
            opened = corpus.open(tmp_path / str(len(name)))
            assert same(opened.btf(name), btf)
            assert [outcome.identity.name for outcome in opened.map(str)] == [name]
            assert [kernel.name for kernel in opened.inputs()] == [name]

    @pytest.mark.parametrize("length", [100, 5_000, 100_000])
    def test_long_names(self, tmp_path: Path, length: int) -> None:
        """pyarrow writes no limits of texts beyond 4 KiB."""
        builder = btfmmap.Builder()
        for name in ("z" * length, "a", "A" * length):
            builder.struct(name, 8, [("m" * length, builder.int("int", 4), 0)])
        corpus.build(tmp_path, builder.build())
        opened = corpus.open(tmp_path)
        for name in ("z" * length, "a", "A" * length):
            assert opened.presence(f"struct {name}")["name"].to_pylist() == [name]
            assert opened.history(f"{name}.{'m' * length}")["bit_offset"].to_pylist() == [0]
        assert opened.presence("struct z*").num_rows == 1

    def test_members_without_a_name_in_one_another(self, tmp_path: Path) -> None:
        """Each struct has the next one twice, so that there are too many paths to follow each."""
        writer = BtfWriter()
        number = writer.add_int("int", 4)
        inner = writer.add_struct("", 8, [("there", number, 32)])
        for _ in range(50):
            inner = writer.add_struct("", 8, [("", inner, 0), ("", inner, 8)])
        writer.add_struct("outer", 16, [("", inner, 64)])
        corpus.build(tmp_path, btfmmap.open(data=writer.build()))
        opened = corpus.open(tmp_path)
        assert opened.history("outer.there")["bit_offset"].to_pylist() == [96]
        with pytest.raises(btfmmap.NotFoundError):
            opened.history("outer.nothing")

    def test_members_of_escaped_names(self, tmp_path: Path) -> None:
        writer = BtfWriter()
        number = writer.add_int("int", 4)
        held = writer.add_struct("a\\b", 4, [("c\\d", number, 0)])
        writer.add_struct("holder", 8, [("e", held, 32)])
        corpus.build(tmp_path, btfmmap.open(data=writer.build()))
        assert corpus.open(tmp_path).history("holder.e.c\\d")["bit_offset"].to_pylist() == [32]

    def test_what_is_not_there(self, opened: tuple[corpus.Corpus, dict[str, btfmmap.Btf]]) -> None:
        asked, _ = opened
        with pytest.raises(btfmmap.NotFoundError, match=r"no kernel has type_1\.nothing"):
            asked.history("type_1.nothing")
        with pytest.raises(ValueError, match="keywords"):
            asked.presence("structure x")
        with pytest.raises(ValueError, match="no table"):
            asked.table("nothing")
        with pytest.raises(ValueError, match="no table"):
            asked.count("nothing")


class TestHostile:
    @pytest.fixture
    def out(self, tmp_path: Path) -> Path:
        corpus.build(tmp_path / "out", [btfmmap.open(data=small_kernel(seed)) for seed in range(4)])
        return tmp_path / "out"

    def ask(self, out: Path) -> None:
        opened = corpus.open(out)
        opened.presence("*")
        opened.functions("*")
        opened.size_changes()
        opened.history("type_8.inner.field_0")
        for number in range(len(opened.kernels)):
            opened.btf(number)

    def test_damaged_files(self, out: Path) -> None:
        """Bytes are cut off or changed: an error of ours, or none."""
        chance = random.Random(1)
        failed = 0
        for path in sorted(out.rglob("*.parquet")):
            good = path.read_bytes()
            for _ in range(8):
                at = chance.randrange(len(good))
                bad = good[:at] if chance.random() < 0.3 else good[:at] + os.urandom(4) + good[at + 4 :]
                path.write_bytes(bad)
                assert corpus.verify(out).problems
                try:
                    self.ask(out)
                except (btfmmap.BtfError, OSError):
                    failed += 1
            path.write_bytes(good)
        assert failed
        assert not corpus.verify(out).problems

    @pytest.mark.parametrize(
        ("table", "column", "value"),
        [
            ("presence", "start", -1),
            ("presence", "stop", 0),
            ("presence", "stop", 2**63 - 1),
            ("presence", "first", 0),
            ("presence", "last", 2**63 - 1),
            ("kernels", "id", 5),
            ("kernels", "parent", 5),
            ("kernels", "byte_order", "middle"),
            ("types", "type", 5),
            ("types", "type", 2**63 - 1),
            ("members", "type", 5),
            ("members", "parent", 5),
            ("params", "type", -1),
        ],
    )
    def test_tables_that_contradict_each_other(
        self, out: Path, table: str, column: str, value: int | str
    ) -> None:
        """Files that are what their names say, with one cell that no build would write."""
        pa, parquet = requirements.package("pyarrow"), requirements.package("pyarrow.parquet")
        (manifest,) = out.glob("manifests/*.json")
        document = json.loads(manifest.read_text())
        file = document["parts"][0]["files"][table]
        path = out / table / file["name"]
        found = parquet.ParquetFile(path).read()
        cells = found[column].to_pylist()
        cells[next(at for at, cell in enumerate(cells) if cell is not None or column == "parent")] = value
        at = found.column_names.index(column)
        changed = found.set_column(at, found.schema.field(column), pa.array(cells, found.schema.types[at]))
        parquet.write_table(changed, path)
        content = path.read_bytes()
        file |= {"name": f"{hashlib.sha256(content).hexdigest()[:32]}.parquet", "size": len(content)}
        path.rename(out / table / file["name"])
        manifest.write_text(json.dumps(document))
        with pytest.raises(btfmmap.FormatError):
            self.ask(out)

    def test_damaged_manifests(self, out: Path) -> None:
        (path,) = out.glob("manifests/*.json")
        good = path.read_text()
        document = json.loads(good)
        part = document["parts"][0]
        variants = [
            "",
            "{",
            "[]",
            "null",
            good[: len(good) // 2],
            json.dumps({**document, "version": 99}),
            json.dumps({**document, "parts": [part, part]}),
            json.dumps({**document, "parts": [{**part, "needs": [5]}]}),
            json.dumps({**document, "parts": [{**part, "number": -1}]}),
            json.dumps(
                {**document, "parts": [{**part, "files": {"types": {"name": "../x", "rows": 1, "size": 1}}}]}
            ),
            json.dumps({**document, "parts": [{**part, "files": {"kernels": part["files"]["types"]}}]}),
        ]
        for text in variants:
            path.write_text(text)
            with pytest.raises((btfmmap.FormatError, OSError)):
                self.ask(out)
        path.write_text(good)
        self.ask(out)
        path.write_text(json.dumps({**document, "parts": []}))
        assert corpus.open(out).presence("*").num_rows == corpus.open(out).size_changes().num_rows == 0

    def test_there_is_none(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            corpus.open(tmp_path)
        with pytest.raises(FileNotFoundError):
            corpus.verify(tmp_path)


def test_needs_pyarrow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(btfmmap.NotSupportedError, match=r"pip install 'btfmmap\[corpus\]'"):
        corpus.build(tmp_path, btfmmap.SAMPLE_BTF)


class TestCommand:
    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "btfmmap", "corpus", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def test_actions(self, tmp_path: Path, series: list[Path]) -> None:
        out = str(tmp_path / "out")
        built = self.run("build", out, *map(str, series), "-j", "1")
        assert (built.returncode, built.stdout) == (2, f"{INPUTS - BROKEN} added, 0 known, {BROKEN} failed\n")
        assert all(str(path) in built.stderr for path in series if ".bad." in path.name)
        again = self.run("build", out, *map(str, series), "-j", "1", "--ignore-failed", "--json")
        assert again.returncode == 0
        assert json.loads(again.stdout)["known"] == INPUTS
        assert self.run("info", out).stdout.count("6.") >= INPUTS - BROKEN
        assert json.loads(self.run("info", out, "--json").stdout)["tables"]["kernels"] == INPUTS - BROKEN
        assert self.run("verify", out).stdout == f"{INPUTS - BROKEN} kernels restored, 0 problems\n"
        assert self.run("compact", out).returncode == 0
        victim = next(Path(out).glob("members/*.parquet"))
        victim.write_bytes(victim.read_bytes()[:-1])
        assert self.run("verify", out).returncode == 1

    def test_wrong_usage(self, tmp_path: Path) -> None:
        assert self.run("build", str(tmp_path)).returncode == 2
        assert self.run("info", str(tmp_path), "x").returncode == 2
        assert self.run("info", str(tmp_path / "none")).returncode == 2
        assert self.run("unknown", str(tmp_path)).returncode == 2
