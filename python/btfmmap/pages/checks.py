"""The page of a `CheckResult`."""

from __future__ import annotations

from ..checking.verdicts import Verdict
from .document import FILTER, MAX_ROWS, code, document, left_out, marked, table, text
from .matrix import matrix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..checking.problems import Place, Problem
    from ..checking.result import CheckResult

_WORDS = {
    Verdict.FINE: ("ok", "good"),
    Verdict.MAYBE: ("maybe", "doubtful"),
    Verdict.BREAKS: ("BREAKS", "bad"),
    Verdict.NOT_TRIED: ("not tried", "none"),
}
_MAX_PLACES = 8
_MAX_SUBJECTS = 4  # of a tooltip


def check_page(result: CheckResult) -> str:
    """Return a page with the verdict on each object for each kernel, and with all problems.

    Args:
        result: The result of `check`.

    Returns:
        A whole document in HTML. Verdicts are words; their colours repeat them.

    Example:
        >>> "0 objects on 1 kernel" in btfmmap.pages.check_page(btfmmap.check([], btf))
        True
    """
    objects, kernels = len(result.objects), len(result.kernels)
    title = f"{objects:,} object{'s' * (objects != 1)} on {kernels:,} kernel{'s' * (kernels != 1)}"
    return document(title, _parts(result))


def _parts(result: CheckResult) -> Iterator[str]:
    counts = {verdict: int((result.verdict == verdict).sum()) for verdict in Verdict}
    said = (
        f"{counts[Verdict.FINE]:,} fine, {counts[Verdict.MAYBE]:,} maybe, {counts[Verdict.BREAKS]:,} break, "
        f"{counts[Verdict.NOT_TRIED]:,} not tried"
    )
    yield f"<p>{said}.</p>\n"
    yield FILTER
    problems = result.problems()
    yield matrix("Verdicts", "object", result.kernel_labels, _verdicts(result, problems))
    yield left_out(len(result.objects))
    if problems:
        heads = ("verdict", "what", "why", "kernels", "where", "instead")
        yield table("Problems", heads, _problem_rows(result, problems))
        yield left_out(len(problems))


def _verdicts(result: CheckResult, problems: Sequence[Problem]) -> Iterator[tuple[int, str, Sequence[str]]]:
    subjects: dict[tuple[int, int], dict[str, None]] = {}  # of a kernel and an object
    for problem in problems:
        for kernel in problem.kernels:
            for place in problem.places:
                subjects.setdefault((kernel, place.object), {})[problem.subject] = None
    names, verdicts = result.object_labels, result.verdict.T.tolist()
    kernels = result.kernel_labels
    for row, name in enumerate(names[:MAX_ROWS]):
        cells = []
        for kernel, verdict in enumerate(verdicts[row]):
            word, mark = _WORDS[Verdict(verdict)]
            found = [*subjects.get((kernel, row), ())] if verdict != Verdict.FINE else []
            more = f" and {len(found) - _MAX_SUBJECTS:,} more" if len(found) > _MAX_SUBJECTS else ""
            why = f": {', '.join(found[:_MAX_SUBJECTS])}{more}" if found else ""
            cells.append(marked(word, mark, f"{name} on {kernels[kernel]}: {word}{why}"))
        yield row, name, cells


def _problem_rows(result: CheckResult, problems: Sequence[Problem]) -> Iterator[tuple[int, Sequence[str]]]:
    objects, kernels = result.object_labels, result.kernel_labels
    for number, problem in enumerate(problems[:MAX_ROWS]):
        word, mark = _WORDS[problem.verdict]
        on = [kernels[kernel] for kernel in problem.kernels]
        places = [_place(place, objects) for place in problem.places[:_MAX_PLACES]]
        if len(problem.places) > _MAX_PLACES:
            places.append(f"and {len(problem.places) - _MAX_PLACES:,} more places")
        cells = (
            marked(word, mark),
            code(problem.subject),
            text(problem.reason),
            text(f"all {len(on)}" if len(on) == len(kernels) > 2 else ", ".join(on), 1000),
            text("; ".join(places), 2000),
            text(", ".join(problem.similar)),
        )
        yield -1 - number, cells


def _place(place: Place, objects: Sequence[str]) -> str:
    return ", ".join(filter(None, (objects[place.object], place.function or place.section, place.source)))
