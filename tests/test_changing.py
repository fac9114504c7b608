"""Bytes that change after `open`: wrong answers or typed errors, never a crash.

Each test runs in its own process, so that a crash fails only that test, with the signal's number.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))  # where this runs as a script

from arguments import TYPED_ERRORS
from btf_writer import STRUCT, BtfWriter, every_kind
from exercise import walk
from stored_files import stored

import btfmmap

ROUNDS = int(os.environ.get("BTFMMAP_CHANGES", "6"))
MOST_IDS = 24


def sample() -> bytes:
    return Path(btfmmap.SAMPLE_BTF).read_bytes()


def blobs() -> list[bytes]:
    return [every_kind("<").build(), every_kind(">").build(), sample()]


def overwritten(blob: bytes, how: int, random_: random.Random) -> bytes:
    """Replace the bytes by others of the same length."""
    size = len(blob)
    if how == 0:
        return b"\xff" * size
    if how == 1:
        return bytes(size)
    if how == 2:
        return random_.randbytes(size)
    if how == 3:  # some words, each one a plausible number or an absurd one
        changed = bytearray(blob)
        for _ in range(max(1, size // 64)):
            at = random_.randrange(0, size - 4) & ~3
            word = random_.choice([0, 1, 2**31, 2**32 - 1, random_.randrange(400), random_.getrandbits(32)])
            changed[at : at + 4] = word.to_bytes(4, random_.choice(["little", "big"]))
        return bytes(changed)
    if how == 4:  # records moved to another place
        shift = 4 * random_.randrange(1, size // 4)
        return blob[shift:] + blob[:shift]
    words = [blob[at : at + 4] for at in range(0, size & ~3, 4)]
    random_.shuffle(words)
    return b"".join(words) + blob[size & ~3 :]


HOWS = range(6)


def ids_of(btf: btfmmap.Btf, random_: random.Random) -> list[int]:
    last = btf.first_id + len(btf)
    return sorted(random_.sample(range(last), min(MOST_IDS, last)))


def changed_after_open() -> None:
    """Ask every question after the checked bytes were replaced."""
    random_ = random.Random(7)
    for blob in blobs():
        for how in HOWS:
            for _ in range(ROUNDS if how > 1 else 1):
                data = bytearray(blob)
                btf = btfmmap.open(data=data)
                ids = ids_of(btf, random_)
                data[:] = overwritten(blob, how, random_)
                walk(btf, ids)
                # Ask again with tables, graph and layouts built before the change.
                data[:] = blob
                btf = btfmmap.open(data=data)
                walk(btf, ids)
                data[:] = overwritten(blob, how, random_)
                walk(btf, ids)


def changing_while_asked() -> None:
    """Another thread writes all the time, between any two instructions of the core."""
    sys.setswitchinterval(1e-5)
    random_ = random.Random(11)
    for blob in blobs():
        others = [overwritten(blob, how, random_) for how in HOWS]
        for _ in range(4 * ROUNDS):
            data = bytearray(blob)
            btf = btfmmap.open(data=data)
            stop = threading.Event()

            def write(data: bytearray = data, stop: threading.Event = stop, blob: bytes = blob) -> None:
                while not stop.is_set():
                    for other in others:  # noqa: B023 (of this round of the loop)
                        data[:] = blob
                        data[:] = other

            writer = threading.Thread(target=write)
            writer.start()
            try:
                walk(btf, ids_of(btf, random_)[:8])
            finally:
                stop.set()
                writer.join()


def changing_bases() -> None:
    """A split BTF whose base changes, or that changes itself, and its relocation."""
    random_ = random.Random(17)
    base_blob = every_kind().build()
    for how in HOWS:
        for _ in range(ROUNDS):
            base_data = bytearray(base_blob)
            base = btfmmap.open(data=base_data)
            writer = BtfWriter(strings=b"")
            end = len(base)
            # The base's types and names, and its own.
            writer.add_struct("", 16, [("", 1, 0), ("", end, 64)])
            writer.add(STRUCT, size_or_type=4, vlen=1, extra=(1, end, 0))
            split_data = bytearray(writer.build(strings=b"own\0"))
            split = btfmmap.open(data=split_data, base=base)
            split_blob = bytes(split_data)
            if random_.random() < 0.7:
                base_data[:] = overwritten(base_blob, how, random_)
            if random_.random() < 0.7:
                split_data[:] = overwritten(split_blob, how, random_)
            walk(split, ids_of(split, random_))


def changing_while_relocated() -> None:
    random_ = random.Random(19)
    kernel = stored("7.2-amd64.btf")
    split_blob, distilled_blob = stored("tun.distilled.btf"), stored("tun.distilled-base.btf")
    changing = btfmmap.open(data=(base_data := bytearray(kernel)))
    full = btfmmap.open(data=kernel)
    for number in range(4 * ROUNDS):
        split_data, distilled_data = bytearray(split_blob), bytearray(distilled_blob)
        split = btfmmap.open(data=split_data, base=btfmmap.open(data=distilled_data))
        how = random_.choice(HOWS)
        which = number % 4
        if which in (0, 3):
            split_data[:] = overwritten(split_blob, how, random_)
        if which in (1, 3):
            distilled_data[:] = overwritten(distilled_blob, how, random_)
        if which == 2:
            base_data[:] = overwritten(kernel, min(how, 4), random_)
        try:
            split.relocate(changing if which == 2 else full)
        except TYPED_ERRORS:
            continue


CASES = [changed_after_open, changing_while_asked, changing_bases, changing_while_relocated]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_no_harm(case: object) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", __file__, case.__name__],  # type: ignore[attr-defined]
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]


if __name__ == "__main__":
    {case.__name__: case for case in CASES}[sys.argv[1]]()
