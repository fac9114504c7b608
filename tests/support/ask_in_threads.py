"""Asks everything of one Btf from several threads at once: python ask_in_threads.py FOLDER THREADS SEED."""

from __future__ import annotations

import random
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from exercise import Asker, asked_functions, context_of

import btfmmap

SAMPLE = Path(btfmmap.SAMPLE_BTF).read_bytes()
TYPES = 8
MOST_FOLLOWING = 300  # questions of what the answers hold


def opened() -> btfmmap.Btf:
    return btfmmap.open(data=SAMPLE)


def ask(btf: btfmmap.Btf, seed: str, folder: Path) -> Counter[tuple[str, str]]:
    """Ask with arguments that the seed draws. Returns how often each question was asked and answered."""
    folder.mkdir()
    source = random.Random(seed)
    context = context_of(btf, source.sample(range(len(btf)), TYPES), source, folder, SAMPLE)
    asker = Asker()
    found = asker.ask_btf(btf, context, TYPES)
    for type_id in context.type_ids:
        found += asker.ask_all(btf[type_id], context)
    for function in asked_functions():
        found += asker.ask(function, None, context)
    asker.explore(found, context, MOST_FOLLOWING)
    return Counter({("asked", key): count for key, count in asker.asked.items()}) + Counter(
        {("answered", key): count for key, count in asker.answered.items()}
    )


def main(folder: Path, threads: int, seed: int) -> None:
    """Compare what each thread is answered with what it is answered alone, of a Btf of its own."""
    seeds = [f"{seed} {number}" for number in range(threads)]
    alone = [ask(opened(), each, folder / f"alone {each}") for each in seeds]
    shared, barrier = opened(), Barrier(threads)

    def start(each: str) -> Counter[tuple[str, str]]:
        barrier.wait()
        return ask(shared, each, folder / f"shared {each}")

    sys.setswitchinterval(1e-5)
    with ThreadPoolExecutor(threads) as pool:
        together = list(pool.map(start, seeds))
    for each, expected, answers in zip(seeds, alone, together, strict=True):
        different = {key for key in expected | answers if expected[key] != answers[key]}
        assert not different, f"seed {each!r}: {sorted(different)}"
    print(sum(count for answers in together for count in answers.values()))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
