"""Files that others rename, overwrite and truncate during opening: no signal, and all answers of one `Btf`
come from the same bytes.

A file rewritten in place may be read half old, half new; the mixture is then checked like any blob.
`BTFMMAP_RACES=10000` sets the number of opens. Reader and writers are separate processes, so that a signal
fails the test with its number.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))  # where this runs as a script

from btf_writer import every_kind
from elf_writer import ElfWriter
from exercise import TABLES

import btfmmap

RACES = int(os.environ.get("BTFMMAP_RACES", "180"))


def states(how: str) -> list[bytes]:
    """The file's contents by turns: of different sizes, each several pages long."""
    sample = Path(btfmmap.SAMPLE_BTF).read_bytes()
    many = every_kind()
    for number in range(2000):
        many.add_struct(f"struct_number_{number}", 8, [("a", 1, 0), ("b", 1, 32)])
    blobs = [sample, many.build(), every_kind(">").build()]
    if not how.endswith("elf"):
        return blobs
    files = []
    for blob in blobs:
        writer = ElfWriter()
        writer.add(".text", bytes(len(blob)))
        writer.add(".BTF", blob)
        files.append(writer.build())
    return files


def rename(path: Path, blob: bytes, number: int) -> None:
    beside = path.with_name(f"{number}.new")
    beside.write_bytes(blob)
    beside.rename(path)


def overwrite(path: Path, blob: bytes, _: int) -> None:
    """Overwrite in place, in pieces, and truncate last."""
    with path.open("r+b", buffering=0) as file:
        for at in range(0, len(blob), 4096):
            file.write(blob[at : at + 4096])
        file.truncate()


def truncate(path: Path, blob: bytes, number: int) -> None:
    """Truncate somewhere, then extend again."""
    with path.open("r+b", buffering=0) as file:
        file.truncate(random.Random(number).randrange(len(blob)))
        file.seek(0)
        file.write(blob)
        file.truncate()


WRITERS = {"rename": rename, "overwrite": overwrite, "truncate": truncate, "rename elf": rename}
WRITERS |= {"overwrite elf": overwrite, "truncate elf": truncate}


def write(how: str, path: Path) -> None:
    """Write until standard input ends."""
    import threading

    ended = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    blobs = states(how)
    number = 0
    while not ended.is_set():
        WRITERS[how](path, blobs[number % len(blobs)], number)
        number += 1
        if number % 3 == 0:
            time.sleep(0.001)  # some opens see one state, and some a write in progress
        if number == 3:
            print("ready", flush=True)


def answers(btf: btfmmap.Btf) -> list[Any]:
    tables = [
        [hashlib.sha256(column.tobytes()).hexdigest() for column in dict(getattr(btf, table)).values()]
        for table in TABLES
    ]
    graph = hashlib.sha256(btf.graph.indices.tobytes()).hexdigest()
    return [tables, btf.names(), graph, btf.find("int"), btf.dump("raw")]


def read(path: Path, count: int) -> dict[str, int]:
    """The outcome: the digest of what was read, or a typed error."""
    outcomes: dict[str, int] = {}
    known: dict[str, list[Any]] = {}
    for _ in range(count):
        try:
            btf = btfmmap.open(path)
        except btfmmap.FormatError:
            outcomes["FormatError"] = outcomes.get("FormatError", 0) + 1
            continue
        before = hashlib.sha256(btf.raw.tobytes()).hexdigest()
        found = answers(btf)
        assert hashlib.sha256(btf.raw.tobytes()).hexdigest() == before
        if before not in known:
            known[before] = answers(btfmmap.open(data=bytes(btf.raw)))
        assert found == known[before]
        outcomes[before] = outcomes.get(before, 0) + 1
    return outcomes


def process(*words: object, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-X", "faulthandler", __file__, *map(str, words)]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


@pytest.mark.parametrize("how", WRITERS)
def test_races(how: str, tmp_path: Path) -> None:
    path = tmp_path / "racing"
    blobs = states(how)
    path.write_bytes(blobs[0])
    with process("write", how, path, stdin=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        with process("read", path, RACES // len(WRITERS)) as reader:
            out, errors = reader.communicate()
        assert writer.poll() is None
        assert writer.stdin is not None
        writer.stdin.close()
        writer.wait()
    assert reader.returncode == 0, errors[-4000:]
    outcomes: dict[str, int] = json.loads(out)
    print(how, outcomes)
    assert sum(outcomes.values()) == RACES // len(WRITERS)
    if how.startswith("rename"):
        # Each file is complete whenever it exists.
        assert outcomes.keys() <= {hashlib.sha256(blob).hexdigest() for blob in states(how.partition(" ")[0])}


def test_a_file_mapped_on_request_is_at_its_writers_mercy(tmp_path: Path) -> None:
    """Truncating a mapped file ends the process that reads it, as `open` documents."""
    path = tmp_path / "mapped.btf"
    path.write_bytes(Path(btfmmap.SAMPLE_BTF).read_bytes() + bytes(8192))
    with process("look", path) as reader:
        reader.communicate()
    assert reader.returncode == -signal.SIGBUS


def look(path: Path) -> None:
    signal.signal(signal.SIGBUS, signal.SIG_DFL)  # neither faulthandler's nor AddressSanitizer's
    btf = btfmmap.open(path, method="mmap")
    os.truncate(path, 0)
    bytes(btf.raw)


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(sys.argv[2], Path(sys.argv[3]))
    elif sys.argv[1] == "read":
        print(json.dumps(read(Path(sys.argv[2]), int(sys.argv[3]))))
    else:
        look(Path(sys.argv[2]))
