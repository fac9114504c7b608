"""Corpora on Dask, Ray and processes; the examples of docs/corpus.md run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from operator import attrgetter
from pathlib import Path

import pytest
import requirements
from corpus_content import content
from dask_cluster import dask_cluster
from kernel_series import write_series

from btfmmap import corpus

PAGE = Path(__file__).parent.parent / "docs" / "corpus.md"
SIZES = attrgetter("identity.name", "base.string_section.size")
INPUTS, BROKEN = 24, 6


@pytest.fixture(autouse=True)
def _pyarrow() -> None:
    requirements.package("pyarrow")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder "kernels" of inputs, some of which do not open, and "expected", their corpus."""
    (tmp_path / "kernels").mkdir()
    assert len([*write_series(tmp_path / "kernels", INPUTS, BROKEN)]) == INPUTS
    assert corpus.build(tmp_path / "expected", tmp_path / "kernels").added == INPUTS - BROKEN
    return tmp_path


def example(engine: str) -> str:
    """The program that the page shows below a heading."""
    section = PAGE.read_text().partition(f"### {engine}\n")[2].partition("\n#")[0]
    (program,) = re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    return str(program)


def run(program: str, folder: Path, **environment: str) -> None:
    """As a user would, in a process of its own: engines leave threads and warnings behind."""
    (folder / "program.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert content(folder / "kernels.corpus") == content(folder / "expected")


def test_processes(folder: Path) -> None:
    run(example("Processes"), folder)


def test_dask(folder: Path) -> None:
    requirements.package("distributed")
    with dask_cluster(folder) as (address, _):
        run(example("Dask"), folder, DASK_SCHEDULER_ADDRESS=address)


KILLING = """
import os, signal, sys
from dask.distributed import Client
from btfmmap import corpus

def killing(done, total, name):
    if done == 3:
        os.kill(int(sys.argv[1]), signal.SIGKILL)

with Client() as client:
    client.wait_for_workers(2)
    executor = client.get_executor(retries=3)
    corpus.build("kernels.corpus", "kernels", executor=executor, progress=killing)
    assert len(client.scheduler_info()["workers"]) == 1
"""


def test_a_worker_of_dask_is_killed(folder: Path) -> None:
    """What it had in hand, and results that were not fetched, are done by the other."""
    requirements.package("distributed")
    with dask_cluster(folder) as (address, workers):
        run(
            KILLING.replace("sys.argv[1]", str(workers[0].pid)),
            folder,
            DASK_SCHEDULER_ADDRESS=address,
        )
        assert workers[0].wait() < 0
        assert workers[1].poll() is None


def test_ray(folder: Path) -> None:
    """Ray is large: the dependency group `ray` has it, which `make test` does not install."""
    pytest.importorskip("ray", reason="Ray is not here: pip install --group ray")
    run(example("Ray"), folder, RAY_USAGE_STATS_ENABLED="0", RAY_DISABLE_IMPORT_WARNING="1")


def test_map_in_processes(folder: Path) -> None:
    opened = corpus.open(folder / "expected")
    here = [outcome.value for outcome in opened.map(SIZES)]
    assert len({size for _, size in here}) > 1
    with ProcessPoolExecutor(2, get_context("spawn")) as executor:
        assert [outcome.value for outcome in opened.map(SIZES, executor=executor)] == here


MAPPING = """
from operator import attrgetter
from dask.distributed import Client
from btfmmap import corpus

opened = corpus.open("expected")
question = attrgetter("identity.name", "base.string_section.size")
with Client() as client:
    executor = client.get_executor()
    there = [outcome.value for outcome in opened.map(question, executor=executor)]
    by_lambda = opened.map(lambda kernel: len(kernel.base), executor=executor)
    lengths = [outcome.value for outcome in by_lambda]
assert there == [outcome.value for outcome in opened.map(question)]
assert lengths == [count + 1 for count in opened.kernels["types"].to_pylist()]
corpus.build("kernels.corpus", "kernels")
"""


def test_map_on_dask(folder: Path) -> None:
    requirements.package("distributed")
    with dask_cluster(folder) as (address, _):
        run(MAPPING, folder, DASK_SCHEDULER_ADDRESS=address)
