"""Instruction counts of the core's workloads, independent of the machine's load: valgrind counts them, and
they are compared with the committed counts.

`python benchmarks/instructions.py [--update]` fails on growth of over 10%. Counts are stored per compiler and
architecture; a pair without counts does not fail.
"""

from __future__ import annotations

import argparse
import json
import lzma
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
COMMITTED = Path(__file__).with_suffix(".json")
KERNELS = ("7.2-amd64", "6.12-s390x")
"""Kernels with types sorted by name and not, little and big endian."""
TOLERANCE = 0.10

Counts = dict[str, int]
"""Counts by the name of a kernel and a workload."""


def count() -> Counts:
    """Build the workloads with the package's own flags, and run them."""
    with TemporaryDirectory() as folder:
        program = _built(Path(folder))

        def count_one(kernel: str) -> Counts:
            here = Path(folder) / kernel
            here.mkdir()
            blob = lzma.decompress((ROOT / "tests" / "data" / f"{kernel}.btf.xz").read_bytes())
            (here / "kernel.btf").write_bytes(blob)
            counted = _counted([str(program), "kernel.btf"], here)
            return {f"{kernel} {name}": number for name, number in counted.items()}

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return {
                name: number for counts in pool.map(count_one, KERNELS) for name, number in counts.items()
            }


def _built(folder: Path) -> Path:
    sys.path.insert(0, str(ROOT))
    from setup import core_extension

    flags = [*core_extension().extra_compile_args, "-fPIC", f"-I{ROOT / 'csrc'}"]
    sources = [*(ROOT / "csrc" / "core").rglob("*.cpp"), ROOT / "benchmarks" / "support" / "workloads.cpp"]
    objects = [folder / f"{source.parent.name}-{source.stem}.o" for source in sources]

    def compile_one(source: Path, object_: Path) -> None:
        subprocess.run([*_compiler(), *flags, "-c", source, "-o", object_], check=True)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_one, sources, objects))
    program = folder / "workloads"
    subprocess.run([*_compiler(), *objects, "-o", program], check=True)
    return program


def _compiler() -> list[str]:
    return shlex.split(os.environ.get("CXX", "c++"))


def _counted(command: list[str], folder: Path) -> Counts:
    callgrind = [
        "valgrind",
        "--quiet",
        "--tool=callgrind",
        "--instr-atstart=no",
        "--callgrind-out-file=counted",
    ]
    subprocess.run([*callgrind, *command], cwd=folder, stdout=subprocess.DEVNULL, check=True)
    counts = {}
    for file in sorted(folder.glob("counted.*"), key=lambda file: int(file.suffix[1:])):
        head = file.read_text()
        name = re.search(r"^desc: Trigger: Client Request: (\w+)$", head, re.MULTILINE)
        total = re.search(r"^summary: (\d+)$", head, re.MULTILINE)
        if name and total:
            counts[name[1]] = int(total[1])
    return counts


def compiler_and_machine() -> str:
    """The compiler and architecture that counts depend on, such as `gcc 12, x86_64`."""

    def said(option: str) -> str:
        return subprocess.run([*_compiler(), option], capture_output=True, text=True, check=True).stdout

    name = "clang" if "clang" in said("--version") else "gcc"
    return f"{name} {said('-dumpversion').partition('.')[0].strip()}, {platform.machine()}"


def grown(counts: Counts, committed: Counts) -> list[str]:
    """Workloads that exceed their committed count by more than TOLERANCE, and those without one."""
    return [
        name
        for name, number in counts.items()
        if name not in committed or number > committed[name] * (1 + TOLERANCE)
    ]


def table(counts: Counts, committed: Counts) -> str:
    """A Markdown table of the committed counts, the new ones and the change."""
    lines = ["| workload | committed | now | change |", "|---|---:|---:|---:|"]
    for name, number in counts.items():
        before = committed.get(name)
        change = "new" if before is None else f"{number / before - 1:+.1%}"
        lines.append(f"| {name} | {before or 0:,} | {number:,} | {change} |")
    return "\n".join(lines)


def main() -> int:
    """Count, print and compare; the exit code is returned."""
    parser = argparse.ArgumentParser(description="Count the instructions of the core's workloads.")
    parser.add_argument("--update", action="store_true", help="commit to these counts from now on")
    arguments = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("valgrind is not installed (Debian: valgrind)", file=sys.stderr)
        return 1

    pair = compiler_and_machine()
    all_committed: dict[str, Counts] = json.loads(COMMITTED.read_text()) if COMMITTED.exists() else {}
    counts = count()
    if arguments.update:
        all_committed[pair] = counts
        COMMITTED.write_text(json.dumps(all_committed, indent=2) + "\n")

    other = next(iter(all_committed), pair)
    known = pair if pair in all_committed else other
    print(f"{pair}, against {known}\n\n{table(counts, all_committed.get(known, {}))}")
    if known != pair:
        print(f"\nNothing is committed for {pair}: this tells little, and fails nothing.")
        return 0
    worse = grown(counts, all_committed[pair])
    if worse:
        print(f"\nMore than {TOLERANCE:.0%} more instructions: {', '.join(worse)}.", file=sys.stderr)
        print("If that is worth it: make bench-instructions ARGS=--update", file=sys.stderr)
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
