"""Runs benchmarks and prints one Markdown report."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from support.harness import Comparison, Growth, Skipped, short
from support.kernel_btf import KernelBtf, kernel_btf
from support.machine import machine

Result = Comparison | Growth | Skipped
Measure = Callable[[KernelBtf], Result]

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def report(measures: Iterable[Measure], *, whole: bool = False) -> None:
    """Print the machine, then each result as soon as it is measured, then a summary.

    `whole` says that these are all measures, and adds the option to write them to a page."""
    parser = argparse.ArgumentParser(description="Measure btfmmap and its peers, in turns.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers to this file")
    parser.set_defaults(docs=None)
    if whole:
        parser.add_argument(
            "--docs", type=Path, metavar="FILE", help=f"also write it to this page, between {BEGIN} and {END}"
        )
    arguments = parser.parse_args()
    page = ""
    if arguments.docs is not None:
        try:
            page = arguments.docs.read_text()
            replaced(page, "")
        except (OSError, ValueError) as error:  # before the measurements, which take minutes
            parser.error(f"{arguments.docs}: {error}")

    with kernel_btf() as btf:
        facts = machine() | {"BTF": f"{btf.origin}, {Path(btf.path).stat().st_size:,} bytes"}
        machine_table = _facts_table(facts)
        print(machine_table, flush=True)
        results = []
        for measure in measures:
            results.append(measure(btf))
            print(f"\n{results[-1].markdown()}", flush=True)
    print(f"\n{summary(results)}")

    if arguments.json is not None:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        numbers = {"machine": facts, "results": [asdict(result) for result in results]}
        arguments.json.write_text(json.dumps(numbers, indent=2) + "\n")
    if arguments.docs is not None:
        parts = [machine_table, summary(results), *(result.markdown() for result in results)]
        arguments.docs.write_text(replaced(page, "\n\n".join(parts)))


def summary(results: Iterable[Result]) -> str:
    """One line a comparison."""
    lines = ["### Summary", "", "| work | first line | ratios of the others |", "|---|---:|---|"]
    for result in results:
        if isinstance(result, Comparison):
            ours, *peers = result.timings
            others = ", ".join(f"{peer.name}: {short(peer.times_ours)}" for peer in peers)
            lines.append(f"| {result.title} | {short(ours.median)} {result.unit} | {others} |")
    return "\n".join(lines)


def replaced(page: str, text: str) -> str:
    """Return the page with `text` between its marks. Raises `ValueError` if it lacks them."""
    before, _, rest = page.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"the page lacks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"


def _facts_table(facts: dict[str, str]) -> str:
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {fact} |" for name, fact in facts.items())])
