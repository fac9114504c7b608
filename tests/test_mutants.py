"""Seeded mutants of files, through everything that can be asked: an answer or a typed error, never a crash.

Each test runs in processes of its own: a crash is then a failure with a signal's number. BTFMMAP_MUTANTS says
how many mutants of small files there are, BTFMMAP_KERNEL_MUTANTS how many of whole kernels,
BTFMMAP_MUTANT_JOBS how many processes share them. One is tried again by its number, 41 of seed 1:

    python tests/test_mutants.py small 1 41 42 /tmp/number
"""

from __future__ import annotations

import faulthandler
import json
import lzma
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))  # where this runs as a script

from arguments import TYPED_ERRORS, Context
from btf_writer import BtfWriter, every_kind
from exercise import Asker, asked_functions, asked_of
from fuzz import seeds
from layout_writer import NEXT, extended, func_of, inline_of
from mutants import mutant
from stored_files import DATA
from stored_files import KERNELS as STORED_KERNELS

import btfmmap

SMALL = int(os.environ.get("BTFMMAP_MUTANTS", "1500"))
JOBS = int(os.environ.get("BTFMMAP_MUTANT_JOBS", "2"))
KERNELS = int(os.environ.get("BTFMMAP_KERNEL_MUTANTS", "6"))
MOST_SECONDS = 120  # of one mutant, then it hangs
MOST_IDS = 6
MOST_FOLLOWING = 60  # questions of what the answers hold
ENOUGH = 1000  # mutants: some of them let everything be answered


def small_files() -> list[bytes]:
    content = dict.fromkeys(content for target, content in seeds.seeds() if target in ("raw", "elf"))
    base = every_kind()  # as `run` has it
    splits = [seeds.split_on(base), splits_every_kind(base), extended(inline_of(base, func_of(base)), NEXT)]
    return [*content, *splits, Path(btfmmap.SAMPLE_BTF).read_bytes()]


def splits_every_kind(base: BtfWriter) -> bytes:
    """Each kind of record in what continues a base; names and types are the base's."""
    return base.build(strings=b"own\0")


def kernels() -> list[bytes]:
    return [lzma.decompress((DATA / f"{name}.btf.xz").read_bytes()) for name in STORED_KERNELS]


def ask(btf: btfmmap.Btf, asker: Asker, context: Context) -> None:
    """All of the Btf, and a sample of the rest: over many mutants all of that, too."""
    last = btf.first_id + len(btf)
    context.type_ids = context.random.sample(range(last), min(MOST_IDS, last))
    found = asker.ask_btf(btf, context)
    for type_id in context.type_ids[:2]:
        with suppress(*TYPED_ERRORS):
            found += asker.ask_all(btf[type_id], context)
    asker.explore(found, context, MOST_FOLLOWING, 4)


def try_mutant(content: bytes, base: btfmmap.Btf, source: random.Random, asker: Asker, folder: Path) -> None:
    """Try one mutant alone, and as a split BTF on a base."""
    changed = mutant(content, source)
    asker.counts["mutants"] += 1
    distilled = False
    for below in (None, base):
        good = is_good(changed, below)
        context = Context(base, source, folder, changed, base, [0])
        if source.random() < 0.1:
            found = [each for function in asked_functions() for each in asker.ask(function, None, context)]
            asker.explore(found, context, MOST_FOLLOWING, 4)
        try:
            btf = btfmmap.open(data=changed, base=below)
        except btfmmap.BtfError:
            # On a distilled base that has no counterpart in this one, it is good all the same.
            assert distilled or not good, "lint finds no error where opening refuses"
            asker.counts["refused"] += 1
        else:
            assert good, "lint finds an error where opening does not refuse"
            distilled = btf.base is not None
            asker.counts["opened"] += 1
            ask(btf, asker, replace(context, btf=btf))


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
    asker = Asker()
    with place.open("wb", buffering=0) as number_file, tempfile.TemporaryDirectory() as folder:
        for number in range(first, end):
            os.pwrite(number_file.fileno(), b"%09d" % number, 0)
            faulthandler.dump_traceback_later(MOST_SECONDS, exit=True)
            source = random.Random(f"{seed} {number}")
            try_mutant(files[number % len(files)], base, source, asker, Path(folder))
    faulthandler.cancel_dump_traceback_later()
    if kind == "small" and end - first >= ENOUGH:
        missing = {attribute.key for class_ in (btfmmap.Btf, btfmmap.Type) for attribute in asked_of(class_)}
        assert not missing - asker.answered.keys()
    return asker.counts


@pytest.mark.parametrize(("kind", "count"), [("small", SMALL), ("kernels", KERNELS)])
def test_no_harm(kind: str, count: int, tmp_path: Path) -> None:
    """In as many processes as asked for, each with a part of the mutants."""
    bounds = [count * job // JOBS for job in range(JOBS + 1)]
    jobs = []
    for first, end in pairwise(bounds):
        place = tmp_path / f"{first}"
        command = [
            sys.executable,
            "-X",
            "faulthandler",
            __file__,
            kind,
            "1",
            str(first),
            str(end),
            str(place),
        ]
        jobs.append(
            (place, subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
        )
    total: Counter[str] = Counter()
    failures = []
    for place, job in jobs:
        out, errors = job.communicate()
        if job.returncode == 0:
            total += Counter(json.loads(out))
        else:
            failures.append(f"mutant {place.read_bytes()!r}, exit code {job.returncode}\n{errors[-4000:]}")
    assert not failures, "\n".join(failures)
    print(dict(total))
    # Some of both, else this tries nothing.
    assert total["opened"]
    assert total["refused"]


if __name__ == "__main__":
    seed, first, end = map(int, sys.argv[2:5])
    print(json.dumps(run(sys.argv[1], seed, first, end, Path(sys.argv[5]))))
