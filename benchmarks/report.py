"""Runs benchmarks and prints one Markdown report."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from harness import Comparison
from kernel_btf import KernelBtf, kernel_btf
from machine import machine

Measure = Callable[[KernelBtf], Comparison]


def report(measures: Iterable[Measure]) -> None:
    """Print the machine, then each comparison as soon as it is measured; `--json FILE` keeps the numbers."""
    parser = argparse.ArgumentParser(description="Measure btfmmap and its peers, in turns.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there, too")
    arguments = parser.parse_args()

    with kernel_btf() as btf:
        facts = machine() | {"BTF": f"{btf.origin}, {Path(btf.path).stat().st_size:,} bytes"}
        print("| | |\n|---|---|")
        print(*(f"| {name} | {fact} |" for name, fact in facts.items()), sep="\n", flush=True)
        comparisons = []
        for measure in measures:
            comparisons.append(measure(btf))
            print(f"\n{comparisons[-1].markdown()}", flush=True)

    if arguments.json is not None:
        numbers = {"machine": facts, "comparisons": [asdict(comparison) for comparison in comparisons]}
        arguments.json.write_text(json.dumps(numbers, indent=2) + "\n")
