"""Write the smallest BTFs that BPF objects need on kernels, as bpftool gen min_core_btf does.

Writes FOLDER/NAME.btf for each kernel, with what the CO-RE relocations of all objects need. libbpf takes such
a file as btf_custom_path. Prints a line for each file, and reports what failed on standard error.

The exit code is 1 if a relocation fails on a kernel, so that libbpf refuses the object there, and 2 if an
object or a kernel did not open. A relocation to what a kernel does not have is not a failure, as objects may
ask whether it is there: how many there are is reported, and btfmmap check tells whether they matter. --json
has their numbers as unmatched[kernel][object].

    btfmmap min-core 'kernels/*.btf' --objects prog.bpf.o other.bpf.o -o min
    btfmmap min-core vmlinux.btf --objects execsnoop --output-file min.btf
    btfmmap gen min_core_btf vmlinux.btf min.btf prog.bpf.o
"""

from __future__ import annotations

import os

from .common import (
    WrongUsageError,
    add_json,
    complain,
    file_beside_output,
    print_document,
    printable,
    reading,
)
from .jobs import Jobs
from .kernel_args import KernelArguments, add_kernels
from .progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from .. import MinCoreResult


_MAX_LISTED = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_kernels(parser, option=False)
    parser.add_argument(
        "--objects",
        nargs="+",
        action="extend",
        metavar="OBJECT",
        help="BPF object, glob, folder of objects, or program that embeds some",
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument("-o", "--output", metavar="FOLDER", help="where to write; default: this folder")
    output.add_argument(
        "--output-file", type=file_beside_output, metavar="FILE", help="the file to write, for one kernel"
    )
    parser.add_argument(
        "--byte-order",
        choices=("kernel", "host", "little", "big"),
        default="kernel",
        help="byte order of the files: the kernel's, or, as bpftool writes them, the host's",
    )
    add_json(parser, "an object with kernels, objects, files and failures")


def run(args: argparse.Namespace) -> int:
    from .. import min_core_btf  # imports numpy, which help texts do without

    if not args.objects:
        raise WrongUsageError("the objects are missing: --objects OBJECT...")
    arguments = KernelArguments(args)
    if args.output_file is not None and len(arguments.kernels) != 1:
        raise WrongUsageError(
            f"one output file is for one kernel, not {len(arguments.kernels):,}; -o FOLDER takes several"
        )
    with Progress() as progress, Jobs(args.jobs, len(arguments.kernels)) as executor:
        result = reading(
            min_core_btf,
            arguments.kernels,
            args.objects,
            byte_order=args.byte_order,
            executor=executor,
            progress=progress,
        )
    usable = any(not error for error in result.objects.error.tolist())
    files = _written(result, args) if usable else [""] * len(result)
    _report(result, files, as_json=args.json)
    arguments.complain(result.objects.error.tolist())
    if any(files):
        _complain_of_missing(result)
    arguments.complain(result.kernels.error.tolist())
    return arguments.exit_code(tried=sum(map(bool, files)), wanting=bool(result.failures))


def _written(result: MinCoreResult, args: argparse.Namespace) -> list[str]:
    """Write the files, and return their paths; empty for a kernel without one."""
    if args.output_file is None:
        try:
            return result.save(os.curdir if args.output is None else args.output)
        except ValueError as error:
            reason = str(error).partition(";")[0]
            raise WrongUsageError(f"{reason}; --name KERNEL=NAME gives one another") from None
    if result.content(0) is None:
        return [""]
    result.save_file(0, args.output_file)
    return [args.output_file]


def _report(result: MinCoreResult, files: list[str], *, as_json: bool) -> None:
    if as_json:
        print_document(
            "min_core",
            1,
            kernels=[result.kernels[row] for row in range(len(result.kernels))],
            objects=[result.objects[row] for row in range(len(result.objects))],
            files=files,
            failures=[failure._asdict() for failure in result.failures],
            unmatched=result.unmatched.tolist(),
        )
        return
    for number, path in enumerate(files):
        if path:
            btf = result.btf(number)
            print(f"{printable(path)}: {len(btf) - 1:,} types, {btf.source.size:,} bytes")
    _complain_of_relocations(result)


def _complain_of_relocations(result: MinCoreResult) -> None:
    """Print the relocations that fail, and for each kernel how many have no counterpart there."""
    names, objects = result.kernels.name, result.objects.name
    for failure in result.failures:
        place = f"{objects[failure.object]}, {failure.section}+{failure.insn_off:#x}"
        complain(f"{names[failure.kernel]}: {place}: {failure.reason}")
    opened = [not error for error in result.objects.error.tolist()]
    counts = result.objects.relocations.tolist()
    rows = zip(objects.tolist(), counts, opened, strict=True)
    if idle := [name for name, count, is_open in rows if is_open and not count]:
        have = "has" if len(idle) == 1 else "have"
        complain(f"{len(idle):,} of {_objects(sum(opened))} {have} no CO-RE relocations: {_listed(idle)}")
    for name, row in zip(names.tolist(), result.unmatched.tolist(), strict=True):
        if count := sum(row):
            have = "has" if count == 1 else "have"
            complain(
                f"{name}: {count:,} of {sum(counts):,} relocations, in {sum(map(bool, row)):,} of "
                f"{_objects(sum(opened))}, {have} no counterpart; btfmmap check tells whether that matters"
            )


def _complain_of_missing(result: MinCoreResult) -> None:
    """Print that the files lack what objects need that did not open."""
    rows = zip(result.objects.name.tolist(), result.objects.error.tolist(), strict=True)
    if failed := [name for name, error in rows if error]:
        needs = "needs" if len(failed) == 1 else "need"
        complain(f"the files written lack what {_objects(len(failed))} {needs}: {_listed(failed)}")


def _objects(count: int) -> str:
    return f"{count:,} object{'s' * (count != 1)}"


def _listed(names: list[str]) -> str:
    """The first of some names, and how many more there are."""
    more = len(names) - _MAX_LISTED
    return f"{', '.join(names[:_MAX_LISTED])}{f' and {more:,} more' if more > 0 else ''}"
