"""Build a corpus of many kernels in Parquet files, each definition stored once; verify, describe, compact it.

build adds kernels to the corpus CORPUS, which is created if there is none: files, globs, folders of these,
such as BTFHub's, folders of a kernel with its modules, and URLs. It skips what the corpus has, so it goes on
where an earlier build stopped. verify reads all files and restores each kernel. info prints what there is.
compact writes the corpus again with fewer files.

Needs pyarrow: pip install 'btfmmap[corpus]'. The exit code of build is 2 if an input did not open, unless
--ignore-failed is given; that of verify is 1 if something is wrong.

    btfmmap corpus build kernels.corpus btfhub-archive
    btfmmap corpus build kernels.corpus /boot/vmlinuz-* /lib/modules/6.12.43
    btfmmap corpus info kernels.corpus
    btfmmap corpus verify kernels.corpus
"""

from __future__ import annotations

from .common import WrongUsageError, add_json, complain, print_columns, print_document, printable, reading
from .exit_codes import DONE, WANTING, WRONG_INPUT
from .jobs import Jobs, add_jobs
from .progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

_ACTIONS = ("build", "verify", "info", "compact")
_IDENTITY = ("name", "release", "arch", "flavour")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=_ACTIONS, metavar="ACTION", help="build, verify, info or compact")
    parser.add_argument("path", metavar="CORPUS", help="folder, or URL that fsspec opens")
    parser.add_argument("inputs", nargs="*", metavar="KERNEL", help="what build adds")
    parser.add_argument(
        "--ignore-failed",
        action="store_true",
        help="do not count inputs that do not open, and globs without a match, as an error",
    )
    add_jobs(parser, every_cpu=True)
    add_json(parser, "an object with what info, build or verify found")


def run(args: argparse.Namespace) -> int:
    if args.action == "build" and not args.inputs:
        raise WrongUsageError("the kernels are missing: btfmmap corpus build CORPUS KERNEL...")
    if args.action != "build" and args.inputs:
        raise WrongUsageError(f"{args.action} takes one corpus, and no kernels")
    return _RUN[args.action](args)


def _build(args: argparse.Namespace) -> int:
    from .. import corpus

    inputs, failed = [], 0
    for argument in args.inputs:
        try:
            inputs += corpus.find_inputs(argument)
        except OSError as error:  # a glob or folder without a kernel
            complain(f"{error.filename}: {error.strerror}")
            failed += 1
    with _Rate() as progress, Jobs(args.jobs, len(inputs)) as executor:
        built = reading(corpus.build, args.path, inputs, executor=executor, progress=progress)
    if args.json:
        failures = [{"path": path, "error": reason} for path, reason in built.failed]
        print_document("corpus_build", 1, added=built.added, known=built.known, failed=failures)
    else:
        print(f"{built.added:,} added, {built.known:,} known, {len(built.failed):,} failed")
    for path, reason in built.failed:
        complain(reason if reason.startswith(path) else f"{path}: {reason}")
    wrong = bool(built.failed) or bool(failed)
    return WRONG_INPUT if wrong and not args.ignore_failed else DONE


def _verify(args: argparse.Namespace) -> int:
    from .. import corpus

    with Progress() as progress:
        found = reading(corpus.verify, args.path, progress=progress)
    if args.json:
        print_document("corpus_verify", 1, **found._asdict())
    else:
        print(f"{found.kernels:,} kernels restored, {len(found.problems):,} problems")
        if found.unused:
            print(f"{len(found.unused):,} files that no part has; compact removes them")
    for problem in found.problems:
        complain(problem)
    return WANTING if found.problems else DONE


def _info(args: argparse.Namespace) -> int:
    from .. import corpus

    found = reading(corpus.open, args.path)
    rows = found.kernels.to_pylist()
    tables = {name: found.count(name) for name in corpus.TABLES}
    if args.json:
        print_document("corpus_info", 1, kernels=rows, tables=tables, failures=found.failures.to_pylist())
        return DONE
    shown = [
        (*(printable(row[name]) for name in _IDENTITY), f"{row['types']:,}")
        for row in rows
        if not row["parent"]
    ]
    print_columns([(*_IDENTITY, "types"), *shown], (False,) * len(_IDENTITY) + (True,))
    modules = len(rows) - len(shown)
    print(f"\n{len(shown):,} kernels, {modules:,} modules, {found.failures.num_rows:,} failures")
    sizes = {name: found.size(name) for name in corpus.TABLES}
    counts = [(name, f"{tables[name]:,}", f"{sizes[name]:,}") for name in corpus.TABLES]
    counts.append(("", "", f"{sum(sizes.values()):,}"))
    print()
    print_columns([("table", "rows", "bytes"), *counts], (False, True, True))
    return DONE


def _compact(args: argparse.Namespace) -> int:
    from .. import corpus

    with Progress() as progress:
        reading(corpus.compact, args.path, progress=progress)
    return DONE


_RUN = {"build": _build, "verify": _verify, "info": _info, "compact": _compact}


class _Rate(Progress):
    """Progress with the rate and the time that is left."""

    def __init__(self) -> None:
        from time import monotonic

        super().__init__()
        self._clock = monotonic
        self._start = monotonic()

    def __call__(self, done: int, total: int | None, name: str) -> None:
        elapsed = self._clock() - self._start
        text = name
        if done and total and elapsed > 0:
            left = int((total - done) * elapsed / done)
            text = f"{done / elapsed:.1f}/s, {left // 60}:{left % 60:02} left, {name}"
        super().__call__(done, total, text)
