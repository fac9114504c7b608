"""Check whether BPF objects load on kernels: CO-RE relocations, attach targets, kfuncs and ksyms.

Prints a table of the objects that break, or may, and then each problem once: the reason, the kernels, the
places in the objects, and close names that these kernels have. Files that embed objects, such as executables,
are searched for them. Of a folder, the BPF objects and all files named like one, such as *.bpf.o, are
checked. Helpers, map types, program types and the verifier's other rules are not judged.

The exit code is 2 if an object, a kernel, or all modules of a kernel do not open, or a glob or folder has
none, unless --ignore-failed is given. Otherwise it is 3 if nothing was checked, 1 if an object breaks on a
kernel or, with --fail-on maybe, may break, and 0 if not. The report is printed in every case, and --html
writes a page beside it.

    btfmmap check prog.bpf.o
    btfmmap check prog.bpf.o --kernels 'kernels/*.btf' /boot/vmlinuz-6.12
    btfmmap check /usr/sbin/execsnoop --kernels kernels --json
    btfmmap check prog.bpf.o --skip-program 'old_*'
    btfmmap check prog.bpf.o --kernels kernels --json --html check.html
"""

from __future__ import annotations

from .. import CoreReloKind, InstructionUse, Need, RelocationStatus, RequirementStatus, Verdict
from .common import (
    add_json,
    complain,
    explained,
    print_document,
    printable,
    reading,
)
from .jobs import Jobs
from .kernel_args import KernelArguments, add_kernels
from .matrix import Matrix, output_width
from .page_files import add_page_beside_output, add_plot, write_page, write_picture
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
_NOT_LOADED = "not loaded"  # a program
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
    _NOT_LOADED: "n",
}
_KIND_WORDS = {
    "FIELD_BYTE_OFFSET": "offset",
    "FIELD_BYTE_SIZE": "size",
    "FIELD_EXISTS": "exists",
    "FIELD_SIGNED": "signed",
    "FIELD_LSHIFT_U64": "left shift",
    "FIELD_RSHIFT_U64": "right shift",
    "ENUMVAL_EXISTS": "exists",
    "ENUMVAL_VALUE": "value",
}
_MAX_PLACES = 4
_MAX_PROGRAMS = 3
_INDENT = "    "
_HARD_SPACE = "\N{NO-BREAK SPACE}"  # lines are not broken there


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "objects",
        nargs="+",
        metavar="OBJECT",
        help="BPF object, glob, folder of objects, or file that embeds some; - for standard input",
    )
    add_kernels(parser, option=True)
    parser.add_argument(
        "--program",
        action="append",
        metavar="GLOB",
        help="programs that are loaded; default: those whose section's name does not start with a question "
        "mark",
    )
    parser.add_argument(
        "--skip-program", action="append", metavar="GLOB", help="programs that are not loaded"
    )
    parser.add_argument(
        "--semantics",
        choices=("libbpf", "independent"),
        default="libbpf",
        help="libbpf: once a relocation has selected types of the kernel, later ones with the same root "
        "consider only these; independent: each relocation considers all types; default: libbpf",
    )
    parser.add_argument(
        "--fail-on",
        choices=("breaks", "maybe"),
        default="breaks",
        help="exit with 1 if an object breaks, or also if it may break; default: breaks",
    )
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument(
        "-a", "--all", action="store_true", help="also print what is fine, each relocation, and all places"
    )
    extent.add_argument(
        "--table", action="store_true", help="print no problems, but the table with all objects"
    )
    form = parser.add_mutually_exclusive_group()
    add_json(form, "an object with kernels, objects, verdicts and problems")
    add_plot(form, "the verdicts, or for a single object its relocations,")
    add_page_beside_output(parser)


def run(args: argparse.Namespace) -> int:
    arguments = KernelArguments(args)
    with Progress() as progress, Jobs(args.jobs, len(arguments.kernels)) as executor:
        result = reading(
            _check,
            ["/dev/stdin" if path == "-" else path for path in args.objects],
            arguments,
            semantics=args.semantics,
            programs=args.program,
            skip_programs=args.skip_program,
            similar=True,
            executor=executor,
            progress=progress,
        )
    try:
        return _report(result, arguments, args)
    finally:  # also if standard output was closed early, as head does
        if args.html is not None:
            from .. import pages

            write_page(args.html, pages.check_page(result))


def _report(result: CheckResult, arguments: KernelArguments, args: argparse.Namespace) -> int:
    """Print the result and what did not open. Returns the exit code."""
    if args.plot is not None:
        from .. import pictures

        draw = pictures.relocations if len(result.objects) == 1 else pictures.verdicts
        write_picture(args.plot, draw, result)
    elif args.json:
        _print_json(result, everything=args.all)
    else:
        _print_report(result, everything=args.all, only_table=args.table)
    _report_repeated(result)
    arguments.complain(result.objects.error.tolist())
    arguments.complain(result.kernels.error.tolist())
    arguments.complain_of_modules(result.kernels[row] for row in range(len(result.kernels)))
    tried = int((result.verdict != Verdict.NOT_TRIED).sum())
    wanting = (Verdict.BREAKS, Verdict.MAYBE) if args.fail_on == "maybe" else (Verdict.BREAKS,)
    return arguments.exit_code(tried=tried, wanting=any((result.verdict == each).any() for each in wanting))


def _check(objects: list[str], arguments: KernelArguments, **options: Any) -> CheckResult:
    """Check the objects, and complain about globs and folders that contain none."""
    from .. import check  # imports numpy, which help texts do without

    while True:
        try:
            return check(objects, arguments.kernels, **options)
        except FileNotFoundError as error:
            left = [path for path in objects if path != error.filename]
            if left == objects:
                raise
            arguments.complain([explained(error)])
            objects = left


def _report_repeated(result: CheckResult) -> None:
    """Print which objects and kernels were given more than once: each counts."""
    objects = zip(result.objects.path.tolist(), result.objects.offset.tolist(), strict=True)
    kernels = ((path, 0) for path in result.kernels.path.tolist())
    for inputs in (objects, kernels):
        seen: set[tuple[str, int]] = set()
        repeated: dict[str, None] = {}
        for each in inputs:
            if each in seen and each[0]:  # a buffer has no path
                repeated[each[0]] = None
            seen.add(each)
        for path in repeated:
            complain(f"{path}: given more than once, and counted each time")


# -- text


def _print_report(result: CheckResult, *, everything: bool, only_table: bool) -> None:
    width = output_width()
    matrix = Matrix(result.kernel_labels, width)
    verdicts = result.verdict.T.tolist()
    shown = [
        (name, [_WORDS[verdict] for verdict in row])
        for name, row in zip(result.object_labels, verdicts, strict=True)
        if everything or only_table or any(verdict != Verdict.FINE for verdict in row)
    ]
    if shown:
        for line in matrix.lines(shown, _LETTERS):
            print(line)
        untried = any(Verdict.NOT_TRIED in row for row in verdicts)
        if legend := [*matrix.letters(), *["- not tried"] * untried, *matrix.legend()]:
            print("", *legend, sep="\n")
        print()
    for problem in () if only_table else result.problems():
        if problem.verdict == Verdict.NOT_TRIED:
            continue  # on standard error
        for line in _problem_lines(problem, result, matrix, width, everything=everything):
            print(line)
        print()
    if everything:
        _print_statuses(result, width)
    if idle := _without_loaded_programs(result):
        print(*_wrapped(f"no program is loaded of: {printable(', '.join(idle))}", width, ""), "", sep="\n")
    print(*_wrapped(_summary(result), width, ""), sep="\n")


def _without_loaded_programs(result: CheckResult) -> list[str]:
    """The names of the objects that have programs, but load none."""
    idle = (result.objects.programs > 0) & (result.objects.loaded == 0)
    return [name for name, is_idle in zip(result.object_labels, idle.tolist(), strict=True) if is_idle]


def _summary(result: CheckResult) -> str:
    counts = {verdict: int((result.verdict == verdict).sum()) for verdict in Verdict}
    parts = [f"{counts[Verdict.FINE]:,} fine", f"{counts[Verdict.MAYBE]:,} maybe"]
    parts.append(f"{counts[Verdict.BREAKS]:,} break" + "s" * (counts[Verdict.BREAKS] == 1))
    if counts[Verdict.NOT_TRIED]:
        parts.append(f"{counts[Verdict.NOT_TRIED]:,} not tried")
    objects, kernels = len(result.objects), len(result.kernels)
    on = f"{kernels:,} kernels" if kernels != 1 else f"1 kernel ({printable(result.kernel_labels[0])})"
    return f"{objects:,} object{'s' * (objects != 1)} on {on}: {', '.join(parts)}"


def _problem_lines(
    problem: Problem, result: CheckResult, matrix: Matrix, width: int, *, everything: bool
) -> Iterator[str]:
    verb = "breaks" if problem.verdict == Verdict.BREAKS else "may break"
    yield from _wrapped(f"{printable(problem.subject)}: {verb} on {matrix.names(problem.kernels)}", width, "")
    yield from _wrapped(printable(problem.reason), width, _INDENT)
    names = result.object_labels
    shown = problem.places if everything else problem.places[:_MAX_PLACES]
    for place in shown:
        yield from _place_lines(place, names, width)
    if more := problem.places[len(shown) :]:
        yield from _wrapped(f"and {len(more):,} more place{'s' * (len(more) != 1)}", width, _INDENT)
        known = {place.object for place in shown}
        others = dict.fromkeys(names[place.object] for place in more if place.object not in known)
        if others:
            yield from _wrapped(f"also: {printable(', '.join(others))}", width, _INDENT)
    if problem.similar:
        yield from _wrapped(f"close: {printable(', '.join(problem.similar))}", width, _INDENT)


def _place_lines(place: Place, names: Sequence[str], width: int) -> list[str]:
    """The place and the text of its source line, on a line of its own if they do not fit into one."""
    instruction = f"{place.section}+{place.offset:#x}" if place.offset >= 0 else ""
    parts = names[place.object], _program_text(place), instruction, place.source
    where = ", ".join(filter(None, parts))
    where, text = printable(where), printable(" ".join(place.text.split()))
    if place.instructions > 1:
        where += f" ({place.instructions}{_HARD_SPACE}instructions)"
    if text and len(_INDENT) + len(where) + len(": ") + len(text) <= width:
        return [f"{_INDENT}{where}: {text}".replace(_HARD_SPACE, " ")]
    lines = [line.replace(_HARD_SPACE, " ") for line in _wrapped(where, width, _INDENT, break_words=True)]
    return lines + (_wrapped(text, width, 2 * _INDENT, break_words=True) if text else [])


def _program_text(place: Place) -> str:
    """The function with the programs that come there, or only the programs if there is no other function."""
    shown = ", ".join(place.programs[:_MAX_PROGRAMS])
    if len(place.programs) > _MAX_PROGRAMS:
        shown += f" and {len(place.programs) - _MAX_PROGRAMS:,} more"
    if place.function in ("", *place.programs[:1]):
        return shown or ("" if place.offset >= 0 else place.section)
    return f"{place.function} (called by {shown})" if shown else place.function


def _wrapped(text: str, width: int, indent: str, *, break_words: bool = False) -> list[str]:
    from textwrap import wrap

    width = max(width, 40)
    return wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent + _INDENT,
        break_long_words=break_words,
        break_on_hyphens=False,
    )


def _print_statuses(result: CheckResult, width: int) -> None:
    """Print the status of each relocation and requirement on each kernel."""
    matrix = Matrix(result.kernel_labels, width)
    for row, name in enumerate(result.object_labels):
        rows = [*_relocation_rows(result, row), *_requirement_rows(result, row)]
        if rows:
            print(printable(name))
            for line in matrix.lines([*dict.fromkeys(rows)], _STATUS_LETTERS):
                print(line)
            print()
    if letters := [*matrix.letters()]:
        print(*letters, "", sep="\n")


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
        of_program = bool(table.program[number])
        label = f"  {table.section[number] if of_program else table.name[number]}"
        if of_program and not table.needed[number]:
            yield label, tuple(_NOT_LOADED for _ in statuses)
        else:
            yield label, tuple(_word(status.name) for status in statuses)


def _word(name: str) -> str:
    return name.lower().replace("_", " ")


def _kind_word(kind: int) -> str:
    name = _kind_name(kind)
    return _KIND_WORDS.get(name) or _word(name)


def _kind_name(kind: int) -> str:
    return CoreReloKind(kind).name if kind in [*CoreReloKind] else f"KIND_{kind}"


# -- JSON


def _print_json(result: CheckResult, *, everything: bool) -> None:
    fields: dict[str, Any] = {
        "kernels": [result.kernels[row] for row in range(len(result.kernels))],
        "objects": [result.objects[row] for row in range(len(result.objects))],
        "verdicts": [[Verdict(verdict).name for verdict in row] for row in result.verdict.tolist()],
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
            "kind": _kind_name(int(result.relocations.kind[row])),
            "use": InstructionUse(int(result.relocations.use[row])).name,
            "status": [RelocationStatus(status).name for status in result.status[:, row].tolist()],
            "kernel_value": result.value[:, row].tolist(),
            "kernel_bit_offset": result.bit_offset[:, row].tolist(),
            "kernel_size": result.size[:, row].tolist(),
            "target": result.target[:, row].tolist(),
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
