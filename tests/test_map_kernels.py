"""A function applied to many kernels, in this process, in threads and in processes; the table of kernels."""

from __future__ import annotations

import errno
import gc
import gzip
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import weakref
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

import pytest
from btf_writer import every_kind
from stored_files import DATA, KERNELS, MODULES, stored

import btfmmap
from btfmmap import Btf, FormatError, OpenKernel
from btfmmap.kernels.listing import kernel_table
from btfmmap.kernels.mapping import map_kernels

BLOB = every_kind().build()


def count(kernel: OpenKernel) -> tuple[int, int, int]:
    return len(kernel.base), len(kernel.modules), os.getpid()


def invalid(kernel: OpenKernel) -> int:
    if kernel.identity.name == "6.12":
        raise FormatError("the bytes changed", offset=7)
    return len(kernel.base)


def wrong(kernel: OpenKernel) -> int:
    if kernel.identity.name == "6.12":
        raise ZeroDivisionError("wrong")
    return len(kernel.base)


def killed(kernel: OpenKernel) -> None:
    if kernel.identity.name == "6.12":
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        yield pool


@pytest.fixture(params=["in process", "threads", "processes"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor | None]:
    if request.param == "in process":
        yield None
    elif request.param == "threads":
        with ThreadPoolExecutor(2) as pool:
            yield pool
    else:
        yield request.getfixturevalue("processes")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Kernels; 6.10 and 6.11 do not open."""
    for name in ("6.9", "6.12", "7.0"):
        (tmp_path / f"{name}.btf").write_bytes(BLOB)
    (tmp_path / "6.10.btf").write_bytes(BLOB[:-1])
    (tmp_path / "6.11.btf").write_bytes(gzip.compress(BLOB)[:-30])
    return tmp_path


class Recorder(Executor):
    """Runs what is submitted when its result is asked for, and records that."""

    def __init__(self) -> None:
        self.submitted = 0
        self.most = 0
        self.futures: list[Future[object]] = []

    def submit(self, function: object, /, *args: object, **options: object) -> Future[object]:  # type: ignore[override]
        recorder = self
        recorder.submitted += 1
        recorder.most = max(recorder.most, recorder.submitted)

        class Lazy(Future[object]):
            def result(self, timeout: float | None = None) -> object:  # noqa: ARG002
                recorder.submitted -= 1
                assert callable(function)
                return function(*args, **options)

        self.futures.append(Lazy())
        return self.futures[-1]


class TestMap:
    def test_in_order(self, folder: Path, executor: Executor | None) -> None:
        found = [*map_kernels(count, folder, executor=executor)]
        assert [outcome.identity.name for outcome in found] == ["6.9", "6.10", "6.11", "6.12", "7.0"]
        assert [outcome.path for outcome in found] == [
            str(folder / f"{each.identity.name}.btf") for each in found
        ]
        lengths = [outcome.value and outcome.value[0] for outcome in found]
        size = len(btfmmap.open(data=BLOB))
        assert lengths == [size, None, None, size, size]
        cut, compressed = found[1].error, found[2].error
        assert isinstance(cut, FormatError)
        assert "6.10.btf" in str(cut)
        assert isinstance(compressed, FormatError)
        assert "broken gzip data" in str(compressed)
        if isinstance(executor, ProcessPoolExecutor):
            assert all(outcome.value[2] != os.getpid() for outcome in found if outcome.value)

    def test_real_kernels(self, processes: ProcessPoolExecutor, tmp_path: Path) -> None:
        """The same in processes, with modules, as in this process."""
        (tmp_path / "mods" / "kernel").mkdir(parents=True)
        (tmp_path / "mods" / "vmlinux").write_bytes(stored("7.2-amd64.btf"))
        for name in MODULES:
            (tmp_path / "mods" / "kernel" / f"{name}.ko").write_bytes(stored(f"{name}.ko"))
        for name in KERNELS:
            (tmp_path / f"{name}.btf").write_bytes(stored(f"{name}.btf"))
        given = [tmp_path, DATA / "6.12-s390x.btf.xz"]
        here = [*map_kernels(count, given)]
        there = [*map_kernels(count, given, executor=processes)]
        assert [outcome[:2] for outcome in here] == [outcome[:2] for outcome in there]
        assert [outcome.value[:2] for outcome in here] == [outcome.value[:2] for outcome in there]
        assert [outcome.value[1] for outcome in here] == [0, 0, 0, len(MODULES), 0]
        assert here[0].value[0] == len(btfmmap.open(data=stored("6.12-cloud-arm64.btf")))

    def test_open_objects(self, folder: Path, executor: Executor | None) -> None:
        """A Btf from a file travels as its path; what cannot be pickled stays in this process."""
        buffer, file = btfmmap.open(data=BLOB), btfmmap.open(folder / "6.9.btf")
        kernel = btfmmap.open_kernel(base=file, modules=False)
        found = [*map_kernels(count, [buffer, file, kernel, folder / "7.0.btf"], executor=executor)]
        assert [outcome.error for outcome in found] == [None] * 4
        assert not buffer.closed
        assert not file.closed
        ids = [outcome.value[2] for outcome in found]
        assert ids[0] == ids[2] == os.getpid()
        if isinstance(executor, ProcessPoolExecutor):
            assert os.getpid() not in (ids[1], ids[3])

    def test_missing(self, folder: Path, executor: Executor | None) -> None:
        (outcome,) = map_kernels(count, folder / "6.13+x.btf", executor=executor)
        assert isinstance(outcome.error, FileNotFoundError)
        assert outcome.error.errno == errno.ENOENT
        assert outcome.error.filename == str(folder / "6.13+x.btf")
        assert outcome.identity.release == "6.13+x"
        with pytest.raises(FileNotFoundError, match="no kernel matches"):
            map_kernels(count, [folder, f"{folder}/x*"], executor=executor)

    def test_invalid_bytes_found_later(self, folder: Path, executor: Executor | None) -> None:
        found = [*map_kernels(invalid, folder, executor=executor)]
        error = found[3].error
        assert isinstance(error, FormatError)
        assert error.offset == 7
        assert found[4].error is None

    def test_other_errors_propagate(self, folder: Path, executor: Executor | None) -> None:
        results = map_kernels(wrong, folder, executor=executor)
        assert [next(results).identity.name for _ in range(3)] == ["6.9", "6.10", "6.11"]
        with pytest.raises(ZeroDivisionError):
            next(results)
        assert [*results] == []

    def test_worker_killed(self, folder: Path) -> None:
        with (
            ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
            pytest.raises(BrokenProcessPool),
        ):
            list(map_kernels(killed, folder, executor=pool))

    def test_progress(self, folder: Path, executor: Executor | None) -> None:
        said: list[tuple[int, int | None, str]] = []
        given: list[Path | Btf] = [folder / "6.9.btf", btfmmap.open(data=BLOB)]
        for _ in map_kernels(count, given, executor=executor, progress=lambda *args: said.append(args)):
            pass
        for _ in map_kernels(count, iter(given), executor=executor, progress=lambda *args: said.append(args)):
            pass
        assert said == [
            (0, 2, "6.9.btf"),
            (1, 2, "buffer"),
            (0, None, "6.9.btf"),
            (1, None, "buffer"),
        ]


class TestBounds:
    def test_iterator_is_consumed_as_results_are(self) -> None:
        opened: list[Btf] = []

        def kernels() -> Iterator[Btf]:
            for _ in range(1000):
                opened.append(btfmmap.open(data=BLOB))
                yield opened[-1]

        results = map_kernels(count, kernels())
        next(results)
        next(results)
        assert len(opened) == 2

    def test_in_flight(self, folder: Path) -> None:
        recorder = Recorder()
        results = map_kernels(count, iter([folder / "6.9.btf"] * 1000), executor=recorder)
        assert sum(1 for _ in results) == 1000
        assert recorder.most == 64  # an executor that does not tell how many workers it has

    def test_one_is_open_at_a_time(self, folder: Path) -> None:
        alive: weakref.WeakSet[Btf] = weakref.WeakSet()

        def function(kernel: OpenKernel) -> int:
            found = sum(not btf.closed for btf in alive)
            alive.add(kernel.base)
            return found

        assert [outcome.value for outcome in map_kernels(function, [folder / "6.9.btf"] * 5)] == [0] * 5

    def test_errors_keep_no_bytes(self, tmp_path: Path) -> None:
        """The traceback of an error would keep the decompressed bytes."""
        (tmp_path / "x.gz").write_bytes(gzip.compress(b"no BTF" * 1000))
        (outcome,) = map_kernels(count, tmp_path / "x.gz")
        assert outcome.error is not None
        assert outcome.error.__traceback__ is None
        assert outcome.error.__context__ is None
        assert outcome.error.__cause__ is None

    def test_closing_cancels(self, folder: Path) -> None:
        recorder = Recorder()
        results = map_kernels(count, [folder / "6.9.btf"] * 10, executor=recorder)
        next(results)
        results.close()  # type: ignore[attr-defined]
        assert [future.cancelled() for future in recorder.futures] == [False, *[True] * 9]

    def test_interrupt(self, folder: Path) -> None:
        """Ctrl-C while a kernel is awaited: the rest does not run.

        In a process of its own: an interrupt during a callback of this one's garbage collection is lost.
        """
        script = f"""
            import signal, threading
            from concurrent.futures import ThreadPoolExecutor
            from btfmmap.kernels.mapping import map_kernels

            ran, go, waiting, main = [], threading.Event(), threading.Event(), threading.get_ident()

            class Pool(ThreadPoolExecutor):
                submitted = 0

                def submit(self, *args, **kwargs):
                    future = super().submit(*args, **kwargs)
                    self.submitted += 1
                    if self.submitted == 2:  # as many as are submitted before one is awaited
                        waiting.set()
                    return future

            def slow(kernel):
                ran.append(kernel.identity.name)
                waiting.wait(20)
                threading.Timer(0.3, signal.pthread_kill, [main, signal.SIGINT]).start()
                go.wait(20)

            with Pool(1) as pool:
                try:
                    list(map_kernels(slow, [{str(folder / "6.9.btf")!r}] * 10, executor=pool))
                except KeyboardInterrupt:
                    print("interrupted")
                go.set()
            print(len(ran))
        """
        command = [sys.executable, "-c", textwrap.dedent(script)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout == "interrupted\n1\n"

    def test_results_are_released(self, folder: Path) -> None:
        class Value:
            pass

        results = map_kernels(lambda _: Value(), [folder / "6.9.btf"] * 3)
        first = weakref.ref(next(results).value)
        next(results)
        gc.collect()
        assert first() is None


class TestTable:
    def test_columns(self, folder: Path) -> None:
        btf = btfmmap.open(data=BLOB)
        outcomes = [*map_kernels(count, [folder, btf, folder / "absent"])]
        table = kernel_table(outcomes)
        assert table.name.tolist() == ["6.9", "6.10", "6.11", "6.12", "7.0", "buffer", "absent"]
        assert table.release_how.tolist() == ["path"] * 5 + ["unknown"] * 2
        assert [bool(error) for error in table.error] == [False, True, True, False, False, False, True]
        assert table.error[6] == f"{folder / 'absent'}: No such file or directory"
        assert table.path[5] == ""
        assert table[0]["arch"] == ""
        assert table[table.error == ""].name.tolist() == ["6.9", "6.12", "7.0", "buffer"]
        copy = pickle.loads(pickle.dumps(table))
        assert repr(copy) == repr(table)
        assert not copy.name.flags.writeable

    def test_none(self) -> None:
        table = kernel_table([])
        assert len(table) == 0
        assert table.columns[0] == "name"
        assert "0 rows" in repr(table)
