"""Check whether BPF objects load on kernels: CO-RE relocations, attach targets, kfuncs and ksyms.

Prints a table of the objects that break, or may, and then each problem once: the reason, the kernels, the
places in the objects, and close names that these kernels have. Programs that embed objects are searched for
them. Helpers, map types, program types and the verifier's other rules are not judged.

The exit code is 1 if an object breaks on a kernel.

    btfmmap check prog.bpf.o
    btfmmap check prog.bpf.o --kernels 'kernels/*.btf' /boot/vmlinuz-6.12
    btfmmap check /usr/sbin/execsnoop --kernels kernels --json
    btfmmap check prog.bpf.o --skip-program 'old_*'
"""

from __future__ import annotations

import os

from .. import CoreReloKind, Need, RelocationStatus, RequirementStatus, Verdict
from .common import add_json, print_document, printable, reading
from .jobs import Jobs
from .kernel_args import KernelArguments, add_kernels
from .matrix import Matrix, output_width
from .progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence
    from typing import Any

    from .. import CheckResult, Place, Problem

_WORDS = {
    Verdict.FINE: "ok",
    Verdict.MAYBE: "maybe",
    Verdict.BREAKS: "BREAKS",
    Verdict.NOT_TRIED: "-",
}
_LETTERS = {"ok": ".", "maybe": "?", "BREAKS": "X"}
_STATUS_LETTERS = {
    "ok": ".",
    "absent": "0",
    "poisoned": "X",
    "dead": "d",
    "maybe": "?",
    "ambiguous": "A",
    "error": "E",
    "not judged": "-",
    "present": ".",
}
_MAX_PLACES = 4
_INDENT = "    "


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "objects",
        nargs="+",
        metavar="OBJECT",
        help="BPF object, or program that embeds some; - for standard input",
    )
    add_kernels(parser, option=True)
    parser.add_argument(
        "--program",
        action="append",
        metavar="GLOB",
        help="programs that are loaded; default: those whose section's name does not start with ?",
    )
    parser.add_argument(
        "--skip-program", action="append", metavar="GLOB", help="programs that are not loaded"
    )
    parser.add_argument(
        "--semantics",
        choices=("libbpf", "independent"),
        default="libbpf",
        help="whether relocations narrow down the types that later ones consider, as in libbpf",
    )
    parser.add_argument("-a", "--all", action="store_true", help="also print what is fine")
    add_json(parser, "an object with kernels, objects, verdicts and problems")


def run(args: argparse.Namespace) -> int:
    from .. import check  # imports numpy, which help texts do without

    arguments = KernelArguments(args)
    with Progress() as progress, Jobs(args.jobs, len(arguments.kernels)) as executor:
        result = reading(
            check,
            ["/dev/stdin" if path == "-" else path for path in args.objects],
            arguments.kernels,
            semantics=args.semantics,
            programs=args.program,
            skip_programs=args.skip_program,
            similar=True,
            executor=executor,
            progress=progress,
        )
    if args.json:
        _print_json(result, everything=args.all)
    else:
        _print_report(result, everything=args.all)
    arguments.complain(result.objects.error.tolist())
    arguments.complain(result.kernels.error.tolist())
    tried = int((result.verdict != Verdict.NOT_TRIED).sum())
    return arguments.exit_code(tried=tried, wanting=bool((result.verdict == Verdict.BREAKS).any()))


# -- text


def _print_report(result: CheckResult, *, everything: bool) -> None:
    width = output_width()
    matrix = Matrix(result.kernels.name.tolist(), width)
    verdicts = result.verdict.T.tolist()
    shown = [
        (name, [_WORDS[verdict] for verdict in row])
        for name, row in zip(_object_names(result), verdicts, strict=True)
        if everything or any(verdict != Verdict.FINE for verdict in row)
    ]
    if shown:
        for line in matrix.lines(shown, _LETTERS):
            print(line)
        legend = [*filter(None, (matrix.letters(), *matrix.legend()))]
        if legend:
            print("", *legend, sep="\n")
        print()
    for problem in result.problems():
        for line in _problem_lines(problem, result, matrix, width):
            print(line)
        print()
    if everything:
        _print_statuses(result, width)
    print(*_wrapped(_summary(result), width, ""), sep="\n")


def _summary(result: CheckResult) -> str:
    counts = {verdict: int((result.verdict == verdict).sum()) for verdict in Verdict}
    parts = [f"{counts[Verdict.FINE]:,} fine", f"{counts[Verdict.MAYBE]:,} maybe"]
    parts.append(f"{counts[Verdict.BREAKS]:,} break" + "s" * (counts[Verdict.BREAKS] == 1))
    if counts[Verdict.NOT_TRIED]:
        parts.append(f"{counts[Verdict.NOT_TRIED]:,} not tried")
    objects, kernels = len(result.objects), len(result.kernels)
    return (
        f"{objects:,} object{'s' * (objects != 1)} on {kernels:,} kernel{'s' * (kernels != 1)}: "
        f"{', '.join(parts)}"
    )


def _problem_lines(problem: Problem, result: CheckResult, matrix: Matrix, width: int) -> Iterator[str]:
    verb = "breaks" if problem.verdict == Verdict.BREAKS else "may break"
    yield from _wrapped(f"{printable(problem.subject)}: {verb} on {matrix.names(problem.kernels)}", width, "")
    yield from _wrapped(printable(problem.reason), width, _INDENT)
    names = _object_names(result)
    for place in problem.places[:_MAX_PLACES]:
        line = f"{_INDENT}{_place_text(place, names)}"
        yield line if len(line) <= width else f"{line[: width - 3]}..."
    more = problem.places[_MAX_PLACES:]
    if more:
        objects = len({place.object for place in problem.places})
        yield f"{_INDENT}and {len(more):,} more place{'s' * (len(more) != 1)}, in {objects:,} objects in all"
    if problem.similar:
        yield from _wrapped(f"close: {printable(', '.join(problem.similar))}", width, _INDENT)


def _place_text(place: Place, names: Sequence[str]) -> str:
    text = ", ".join(filter(None, (names[place.object], place.program or place.section, place.source)))
    if place.instructions > 1:
        text += f" ({place.instructions} instructions)"
    return printable(f"{text}: {' '.join(place.text.split())}" if place.text else text)


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    from textwrap import wrap

    width = max(width, 40)
    return wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent + _INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _print_statuses(result: CheckResult, width: int) -> None:
    """Print the status of each relocation and requirement on each kernel."""
    matrix = Matrix(result.kernels.name.tolist(), width)
    for row, name in enumerate(_object_names(result)):
        rows = [*_relocation_rows(result, row), *_requirement_rows(result, row)]
        if rows:
            print(printable(name))
            for line in matrix.lines([*dict.fromkeys(rows)], _STATUS_LETTERS):
                print(line)
            print()
    if letters := matrix.letters():
        print(*_wrapped(letters, width, ""), "", sep="\n")


def _relocation_rows(result: CheckResult, row: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    table = result.relocations
    for number in (table.object == row).nonzero()[0].tolist():
        statuses = (RelocationStatus(status) for status in result.status[:, number].tolist())
        path = table.path[number]
        label = f"  {table.root[number]}{'.' * bool(path)}{path} {_kind_word(int(table.kind[number]))}"
        yield label, tuple(_word(status.name) for status in statuses)


def _requirement_rows(result: CheckResult, row: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    table = result.requirements
    for number in (table.object == row).nonzero()[0].tolist():
        statuses = (RequirementStatus(status) for status in result.requirement_status[:, number].tolist())
        label = f"  {table.section[number] if table.program[number] else table.name[number]}"
        yield label, tuple(_word(status.name) for status in statuses)


def _word(name: str) -> str:
    return name.lower().replace("_", " ")


def _kind_word(kind: int) -> str:
    return _word(CoreReloKind(kind).name) if kind in [*CoreReloKind] else f"kind {kind}"


def _object_names(result: CheckResult) -> list[str]:
    """The names of the objects, or their paths if names repeat."""
    names: list[str] = result.objects.name.tolist()
    if len(set(names)) == len(names):
        return names
    paths = result.objects.path.tolist()
    return [
        os.path.join(os.path.dirname(path), name) if names.count(name) > 1 else name
        for name, path in zip(names, paths, strict=True)
    ]


# -- JSON


def _print_json(result: CheckResult, *, everything: bool) -> None:
    fields: dict[str, Any] = {
        "kernels": [result.kernels[row] for row in range(len(result.kernels))],
        "objects": [result.objects[row] for row in range(len(result.objects))],
        "verdicts": [[Verdict(verdict).name for verdict in row] for row in result.verdict.T.tolist()],
        "problems": [
            {
                **problem._asdict(),
                "verdict": problem.verdict.name,
                "places": [place._asdict() for place in problem.places],
            }
            for problem in result.problems()
        ],
    }
    if everything:
        fields["relocations"] = [*_json_relocations(result)]
        fields["requirements"] = [*_json_requirements(result)]
    print_document("check", 1, **fields)


def _json_relocations(result: CheckResult) -> Iterator[dict[str, Any]]:
    for row in range(len(result.relocations)):
        yield {
            **result.relocations[row],
            "status": [RelocationStatus(status).name for status in result.status[:, row].tolist()],
            "kernel_value": result.value[:, row].tolist(),
            "kernel_bit_offset": result.bit_offset[:, row].tolist(),
            "candidates": result.candidates[:, row].tolist(),
            "reasons": [result.reason(kernel, row) for kernel in range(len(result.kernels))],
        }


def _json_requirements(result: CheckResult) -> Iterator[dict[str, Any]]:
    for row in range(len(result.requirements)):
        statuses = result.requirement_status[:, row].tolist()
        yield {
            **result.requirements[row],
            "need": Need(int(result.requirements.need[row])).name,
            "status": [RequirementStatus(status).name for status in statuses],
            "breaks": result.requirement_breaks[:, row].tolist(),
            "prototypes": result.prototypes[:, row].tolist(),
            "reasons": [result.requirement_reason(kernel, row) for kernel in range(len(result.kernels))],
        }
