"""One BTF used from many threads, processes and forks."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import bpftool_json as bpftool
import pytest
import requirements
from exercise import TABLES
from stored_files import stored

import btfmmap
from btfmmap import _core

ROOT = Path(__file__).parent.parent
THREADS = 16


# -- the core under ThreadSanitizer


def compiled(folder: Path, *flags: str) -> Path:
    """`threads.cpp` with the core, without Python."""
    compiler = [*os.environ.get("CXX", "g++").split(), "-std=c++17", "-O1", "-g", "-D_FILE_OFFSET_BITS=64"]
    compiler += [f"-I{ROOT}/csrc", *flags]
    sources = [ROOT / "tests" / "native" / "threads.cpp", *sorted((ROOT / "csrc" / "core").rglob("*.cpp"))]
    objects = [folder / f"{source.parent.name}-{source.stem}.o" for source in sources]

    def compile_one(source: Path, target: Path) -> None:
        subprocess.run([*compiler, "-c", source, "-o", target], check=True)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_one, sources, objects))
    program = folder / "threads"
    subprocess.run([*compiler, *objects, "-o", program, "-pthread"], check=True)
    return program


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs `threads.cpp` under ThreadSanitizer."""
    requirements.sources()
    folder = tmp_path_factory.mktemp("threads")
    compiler = os.environ.get("CXX", "g++").split()
    requirements.tool(compiler[0])
    probe = folder / "probe.cpp"
    probe.write_text("int main() {}\n")
    command = [*compiler, "-fsanitize=thread", str(probe), "-o", str(folder / "probe")]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        requirements.absent("the compiler's ThreadSanitizer")
    # ThreadSanitizer's memory layout does not suit kernels with much address randomization.
    for prefix in ([], ["setarch", platform.machine(), "-R"]):
        if subprocess.run([*prefix, folder / "probe"], capture_output=True, check=False).returncode == 0:
            return [*prefix, str(compiled(folder, "-fsanitize=thread"))]
    pytest.skip("ThreadSanitizer does not run on this machine")


@requirements.unsanitized("ThreadSanitizer does not share a process with it")
def test_core_under_thread_sanitizer(sanitized: list[str]) -> None:
    done = subprocess.run([*sanitized, btfmmap.SAMPLE_BTF, "20"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stderr == ""
    found, _, _, _, raw, json_, c, _, _, split_found = map(int, done.stdout.split())
    dump = [requirements.tool("bpftool"), "btf", "dump", "file", btfmmap.SAMPLE_BTF]
    assert raw == len(subprocess.run(dump, check=True, capture_output=True).stdout)
    dump.insert(1, "-j")
    assert json_ == len(subprocess.run(dump, check=True, capture_output=True).stdout)
    ids = [record["id"] for record in bpftool.records(Path(btfmmap.SAMPLE_BTF)) if record["name"] == "int"]
    assert found == split_found == ids[0]
    assert c > 0


# -- one Btf from many Python threads


def in_threads(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Results of `work` in many threads that start together."""
    barrier = threading.Barrier(count)

    def started(number: int) -> Any:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(started, range(count)))


@pytest.fixture
def eager_switching() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("eager_switching")
def test_what_is_built_on_demand_is_the_same_for_all_threads(kernel: Path) -> None:
    records = bpftool.records(kernel)
    by_name: dict[str, int] = {}
    for record in records:
        by_name.setdefault(record["name"], record["id"])
    for _ in range(2):
        btf = btfmmap.open(kernel)

        def ask(number: int, btf: btfmmap.Btf = btf) -> list[Any]:
            questions: list[Callable[[], Any]] = [
                *(lambda name=name: getattr(btf, name) for name in TABLES),
                lambda: btf._core_graph,
                lambda: btf.layouts,
                lambda: btf.fingerprints,
                lambda: btf._core_layout,
                lambda: btf.find("int"),
                lambda: [*btf.sizeof([1, 2, 3]).tolist(), int(btf.graph.reverse.indptr.sum())],
            ]
            order = [*range(number % len(questions), len(questions)), *range(number % len(questions))]
            answers = {place: questions[place]() for place in order}
            return [answers[place] for place in range(len(questions))]

        answers = in_threads(THREADS, ask)
        for answer in answers:
            *objects, found, sizes = answer
            *first, _, first_sizes = answers[0]
            assert all(one is other for one, other in zip(objects, first, strict=True))
            assert (found, sizes) == (by_name["int"], first_sizes)
        assert len(answers[0][TABLES.index("types")]) == len(records) + 1
        members = sum(len(record.get("members", ())) for record in records)
        assert len(answers[0][TABLES.index("members")]) == members


@pytest.mark.usefixtures("eager_switching")
def test_elements_of_types_read_at_once(kernel: Path) -> None:
    """All threads read the same types, and slice the same columns."""
    by_id = {record["id"]: record for record in bpftool.records(kernel)}
    composites = [type_id for type_id, each in by_id.items() if each["kind"] in ("STRUCT", "UNION")][:200]
    prototypes = [type_id for type_id, each in by_id.items() if each["kind"] == "FUNC_PROTO"][:200]
    members = [
        [(each["name"], each["type_id"], each["bits_offset"]) for each in by_id[type_id]["members"]]
        for type_id in composites
    ]
    params = [
        [(each["name"], each["type_id"]) for each in by_id[type_id]["params"]] for type_id in prototypes
    ]
    btf = btfmmap.open(kernel)

    def read(_number: int) -> tuple[list[Any], list[Any]]:
        return (
            [
                [(each.name or "(anon)", each.type.id, each.bit_offset) for each in btf[i].members]
                for i in composites
            ],
            [[(each.name or "(anon)", each.type.id) for each in btf[i].params] for i in prototypes],
        )

    for _ in range(3):
        assert in_threads(THREADS, read) == [(members, params)] * THREADS


def test_every_question_from_many_threads(tmp_path: Path) -> None:
    """Of one Btf: each thread is answered what it is answered alone. In a process that may crash."""
    script = ROOT / "tests" / "support" / "ask_in_threads.py"
    seed = os.environ.get("BTFMMAP_THREADS_SEED", "1")
    folders = [str(ROOT / "tests"), *sys.path]
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-W", "error", script, tmp_path, "4", seed],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(folders)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert int(done.stdout) > 1000


@pytest.mark.usefixtures("eager_switching")
def test_close_while_in_use() -> None:
    """A thread gets an answer or ValueError; the bytes are freed with the last array, and no cache keeps
    them."""
    blob = Path(btfmmap.SAMPLE_BTF).read_bytes()
    size = int(btfmmap.open(data=blob).members.bit_offset.sum())
    for _ in range(20):
        data = bytearray(blob)
        btf = btfmmap.open(data=data)

        def ask(number: int, btf: btfmmap.Btf = btf) -> tuple[int, Any]:
            answers, kept = 0, None
            if number == 0:
                btf.close()
            try:
                for _ in range(100):
                    assert btf.members.bit_offset.sum() == size
                    assert len(btf.graph) == len(btf.types) == len(btf)
                    assert len(btf.layouts) > 0
                    kept = btf.raw
                    answers += 1
            except ValueError:  # it is closed
                assert btf.closed
            return answers, kept

        kept = [raw for _, raw in in_threads(THREADS, ask) if raw is not None]
        assert btf.closed
        assert all(bytes(raw) == blob for raw in kept)
        kept.clear()
        data.append(0)  # raises while a buffer is in use
        with pytest.raises(ValueError, match="closed"):
            _ = btf.types


# -- long native work lets other threads run


FREE_THREADED = not getattr(sys, "_is_gil_enabled", lambda: True)()


class Ticker(threading.Thread):
    """Counts whenever it runs, and releases the interpreter each time."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.count = 0
        self.stopped = False

    def run(self) -> None:
        while not self.stopped:
            self.count += 1
            time.sleep(0)


@pytest.fixture
def ticker() -> Iterator[Ticker]:
    """A running ticker, with a switch interval so long that no computing thread is interrupted."""
    ticker = Ticker()
    ticker.start()
    while ticker.count == 0:
        threading.Event().wait(0.001)
    before = sys.getswitchinterval()
    sys.setswitchinterval(10_000)
    yield ticker
    ticker.stopped = True
    sys.setswitchinterval(before)
    ticker.join()


def lets_others_run(ticker: Ticker, work: Callable[[], object], tries: int = 300) -> bool:
    """Whether the ticker advanced while `work` ran; on a busy machine that may take several tries."""
    for _ in range(tries):
        before = ticker.count
        work()
        if ticker.count != before:
            return True
    return False


@pytest.mark.skipif(FREE_THREADED, reason="threads of a free-threaded Python run at once")
def test_the_ticker_stands_still_while_python_computes(ticker: Ticker) -> None:
    assert not lets_others_run(ticker, lambda: sum(range(100_000)), tries=50)


class LongWork:
    """Each method is one call of the core that takes a while on a kernel."""

    def __init__(self, btf: btfmmap.Btf, blob: bytes) -> None:
        self.btf = btf
        self.blob = blob
        self.core = btf._core

    def file(self) -> _core.File:
        return _core.File.of_buffer(self.blob, "buffer", True)

    def open(self) -> None:
        _core.Btf(self.file(), None, 8)

    def read(self) -> None:
        _core.File.open(os.fsencode(str(self.btf.source.path)), "read").whole()

    def lint(self) -> None:
        _core.lint(self.file(), None, 8, 10, None)

    def table(self) -> None:
        _core.Btf(self.file(), None, 8).column_views("members", ["parent", "type"])

    def names(self) -> None:
        _core.Btf(self.file(), None, 8).find("int", None)

    def rows_named(self) -> None:
        self.core.rows_named("members", "next")

    def graph(self) -> None:
        _core.Graph(self.core)

    def reachable(self) -> None:
        self.btf._core_graph.reachable([1], True)

    def sizes(self) -> None:
        _core.Sizes(self.core, None)

    def layouts(self) -> None:
        _core.Sizes(self.core, None).column_views()

    def dump_raw(self) -> None:
        _core.dump_raw(self.core, [], len)

    def dump_json(self) -> None:
        _core.dump_json(self.core, [], False, len)

    def dump_c(self) -> None:
        _core.dump_c(self.btf._core_layout, [], "bpftool", True, False, len)


WORKS = [name for name in vars(LongWork) if name[0] != "_" and name != "file"]


@pytest.fixture(scope="module")
def long_work(tmp_path_factory: pytest.TempPathFactory) -> LongWork:
    blob = stored("6.12-cloud-arm64.btf")
    path = tmp_path_factory.mktemp("kernel") / "vmlinux.btf"
    path.write_bytes(blob)
    btf = btfmmap.open(path)
    _ = btf.graph, btf.layouts, btf.members
    return LongWork(btf, blob)


@pytest.mark.parametrize("work", WORKS)
def test_long_work_lets_others_run(long_work: LongWork, work: str, ticker: Ticker) -> None:
    assert lets_others_run(ticker, getattr(long_work, work))


# -- processes


FORK = """
import hashlib, os, sys, btfmmap
btf = btfmmap.open(sys.argv[1], method=sys.argv[2])
expected, types = hashlib.sha256(btf.raw).hexdigest(), len(btf)
read, write = os.pipe()
child = os.fork()
if child == 0:
    os.close(write)
    os.read(read, 1)  # until the parent has let go
    good = hashlib.sha256(btf.raw).hexdigest() == expected and len(btf.types) == types
    good = good and btf.find("int") and btf.graph and btf.dump("c", file=open(os.devnull, "wb")) is None
    btf.close()
    os._exit(0 if good else 1)
btf.close()
del btf
assert sys.argv[1] not in open("/proc/self/maps").read()
os.write(write, b"x")
os.close(write)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
@pytest.mark.parametrize("method", ["auto", "mmap", "read"])
def test_fork_with_a_live_mapping(method: str) -> None:
    """The child continues after the parent has closed its own `Btf`."""
    path = requirements.kernel_btf() if method != "mmap" else Path(btfmmap.SAMPLE_BTF)
    done = subprocess.run(
        [sys.executable, "-c", FORK, path, method], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


MANY = """
import json, os, sys, btfmmap

def private():
    lines = open("/proc/self/smaps_rollup").read().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))

def child(report, go):
    before = private()
    btf = btfmmap.open(sys.argv[1])
    opened = private()
    assert btf.find("int")
    asked = private()
    os.write(report, json.dumps([btf.source.how, opened - before, asked - before]).encode() + b"\\n")
    os.read(go, 1)  # so that all of them live at once
    os._exit(0)

count = int(sys.argv[2])
report, ours = os.pipe()
go, end = os.pipe()
children = []
for _ in range(count):
    children.append(os.fork())
    if children[-1] == 0:
        os.close(end)
        child(ours, go)
os.close(ours)
lines = open(report)
rows = [json.loads(next(lines)) for _ in range(count)]
os.close(end)
codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
assert codes == [0] * count, codes
print(json.dumps(rows))
"""


@requirements.unsanitized("its own memory would be counted")
@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_private_memory_of_64_processes() -> None:
    """Mapped pages count in neither RSS nor PSS, so the private memory of a process is compared: the
    index."""
    path = requirements.kernel_btf()
    with btfmmap.open(path) as btf:
        how, size = btf.source.how, btf.source.size
    if how != "mmap":
        pytest.skip("this kernel does not let its BTF be mapped")
    done = subprocess.run(
        [sys.executable, "-c", MANY, path, "64"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert len(rows) == 64
    for row_how, opened, asked in rows:
        assert row_how == "mmap"
        assert opened <= asked < size
    for what, column in (("opened", 1), ("after a question", 2)):
        bytes_ = sorted(row[column] for row in rows)
        print(f"\nprivate bytes, {what}: {bytes_[0]:,} to {bytes_[-1]:,}, median {bytes_[32]:,}", end="")


# -- free-threaded Python


def test_no_lock_is_asked_for() -> None:
    """On a free-threaded Python, importing the core does not bring the global lock back."""
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        pytest.skip("this Python is not a free-threaded one")
    code = "import sys, btfmmap; btfmmap.open(btfmmap.SAMPLE_BTF); sys.exit(sys._is_gil_enabled())"
    subprocess.run([sys.executable, "-X", "gil=0", "-W", "error", "-c", code], check=True)
    subprocess.run(
        [sys.executable, "-W", "error", "-c", code.replace("import sys", "import sys, numpy")], check=True
    )
