"""Seeded mutants of files, through everything that can be asked: an answer or a typed error, never a crash.

Each test runs in a process of its own: a crash is then a failure with a signal's number. BTFMMAP_MUTANTS says
how many mutants of small files there are, BTFMMAP_KERNEL_MUTANTS how many of whole kernels.
"""

from __future__ import annotations

import faulthandler
import lzma
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from btf_writer import BtfWriter, every_kind
from conftest import DATA, STORED
from exercise import TYPED_ERRORS, questions
from fuzz import seeds
from mutants import mutant

import btfmmap

SMALL = int(os.environ.get("BTFMMAP_MUTANTS", "1500"))
KERNELS = int(os.environ.get("BTFMMAP_KERNEL_MUTANTS", "6"))
MOST_SECONDS = 120  # of one mutant, then it hangs
MOST_IDS = 6


def small_files() -> list[bytes]:
    content = dict.fromkeys(content for target, content in seeds.seeds() if target in ("raw", "elf"))
    base = every_kind()  # as `run` has it
    return [*content, seeds.split_on(base), splits_every_kind(base), Path(btfmmap.SAMPLE_BTF).read_bytes()]


def splits_every_kind(base: BtfWriter) -> bytes:
    """Each kind of record in what continues a base; names and types are the base's."""
    return base.build(strings=b"own\0")


def kernels() -> list[bytes]:
    return [lzma.decompress((DATA / f"{name}.btf.xz").read_bytes()) for name in STORED]


def ask(btf: btfmmap.Btf, source: random.Random) -> Counter[str]:
    """Every question; how many were answered and how many refused."""
    last = btf.first_id + len(btf)
    ids = source.sample(range(last), min(MOST_IDS, last))
    counts: Counter[str] = Counter()
    for question in [*questions(btf, ids), *more_questions(btf)]:
        counts["questions"] += 1
        try:
            question()
        except TYPED_ERRORS:
            counts["refused questions"] += 1
    return counts


def more_questions(btf: btfmmap.Btf) -> Iterator[Callable[[], object]]:
    def ext() -> object:
        found = btf.ext
        return found and [dict(table) for table in (found.func_info, found.line_info, found.core_relo)]

    yield ext
    yield lambda: btf.relocate(btf)


def try_mutant(content: bytes, base: btfmmap.Btf, source: random.Random) -> Counter[str]:
    """One mutant by itself, and as what continues a base."""
    changed = mutant(content, source)
    counts: Counter[str] = Counter(mutants=1)
    distilled = False
    for below in (None, base):
        good = is_good(changed, below)
        try:
            btf = btfmmap.open(data=changed, base=below)
        except btfmmap.BtfError:
            # On a distilled base that has no counterpart in this one, it is good all the same.
            assert distilled or not good, "lint finds no error where opening refuses"
            counts["refused"] += 1
        else:
            assert good, "lint finds an error where opening does not refuse"
            distilled = btf.base is not None
            counts["opened"] += 1
            counts += ask(btf, source)
    return counts


def is_good(content: bytes, base: btfmmap.Btf | None) -> bool:
    """Whether lint finds no error that opening refuses."""
    try:
        diagnostics = btfmmap.lint(data=content, base=base)
    except btfmmap.BtfError:
        return False
    return all(each.severity == "note" or each.rule == "section-entry" for each in diagnostics)


def run(kind: str, seed: int, first: int, end: int, place: Path) -> Counter[str]:
    """Mutants `first` to `end`; `place` always has the number of the one that is tried."""
    files = {"small": small_files, "kernels": kernels}[kind]()
    base = btfmmap.open(data=every_kind().build())
    total: Counter[str] = Counter()
    with place.open("wb", buffering=0) as number_file:
        for number in range(first, end):
            os.pwrite(number_file.fileno(), b"%09d" % number, 0)
            faulthandler.dump_traceback_later(MOST_SECONDS, exit=True)
            total += try_mutant(files[number % len(files)], base, random.Random(f"{seed} {number}"))
    faulthandler.cancel_dump_traceback_later()
    return total


@pytest.mark.parametrize(("kind", "count"), [("small", SMALL), ("kernels", KERNELS)])
def test_no_harm(kind: str, count: int, tmp_path: Path) -> None:
    place = tmp_path / "number"
    command = [sys.executable, "-X", "faulthandler", __file__, kind, "1", "0", str(count), str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"mutant {place.read_bytes()!r}\n{done.stderr[-4000:]}"
    print(done.stdout)
    # Some of both, else this tries nothing.
    assert "'opened'" in done.stdout
    assert "'refused'" in done.stdout


if __name__ == "__main__":
    seed, first, end = map(int, sys.argv[2:5])
    print(dict(run(sys.argv[1], seed, first, end, Path(sys.argv[5]))))
