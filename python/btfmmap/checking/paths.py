"""`check_paths`: evaluates expressions on kernels."""

from __future__ import annotations

from itertools import islice, product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import ExpressionError
from ..kernels.listing import kernel_table
from ..kernels.mapping import map_kernels
from ..paths.expressions import parsed
from ..paths.keeping import plan_from
from ..paths.plans import stages
from ..paths.syntax import check_syntax
from ..relocation_kinds import RelocationStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Executor

    import numpy.typing as npt

    from ..btf import Btf
    from ..kernels.inputs import Kernels
    from ..kernels.listing import KernelTable
    from ..kernels.mapping import Progress
    from ..kernels.opened import OpenKernel

_MAX_COMBINATIONS = 64  # of the types that names of an expression may mean
_BREAKING = (RelocationStatus.ABSENT, RelocationStatus.AMBIGUOUS)


class _Answer(NamedTuple):
    """What an expression means on one kernel."""

    status: RelocationStatus
    offsets: tuple[int, ...] = ()  # in bits
    type: str = ""
    bitfield_size: int = 0
    reason: str = ""
    unions: tuple[str, ...] = ()


class PathResult:
    """What `check_paths` found. Arrays have one row per kernel, and one column per expression.

    Attributes:
        kernels: The kernels, with the error of each that did not open.
        expressions: The expressions.
        status: A `RelocationStatus`, `uint8[kernels, expressions]`: OK; ABSENT if the expression does not
            hold; AMBIGUOUS if it holds for several types of the name, with different offsets; NOT_JUDGED if
            the kernel did not open.
        bit_offset: The offset of the value from where the last pointer leads in bits,
            `int64[kernels, expressions]`; -1 unless the status is OK.
        bitfield_size: The size of the value in bits if it is a bitfield, `uint8[kernels, expressions]`; 0 for
            others, and unless the status is OK.
        types: The type of the value in C, `object[kernels, expressions]` of `str`; empty unless the status is
            OK.

    Example:
        >>> btfmmap.check_paths(["flow.link.next->prev"], btf)
        <PathResult 1 expressions x 1 kernels: 0 break, 0 differ>
    """

    def __init__(
        self, kernels: KernelTable, expressions: Sequence[str], answers: Sequence[Sequence[_Answer] | None]
    ) -> None:
        self.kernels: KernelTable = kernels
        self.expressions: tuple[str, ...] = tuple(expressions)
        self._answers = [
            [_Answer(RelocationStatus.NOT_JUDGED, reason=error)] * len(self.expressions)
            if row is None
            else row
            for row, error in zip(answers, kernels.error.tolist(), strict=True)
        ]
        shape = len(answers), len(self.expressions)
        self.status: npt.NDArray[np.uint8] = np.zeros(shape, np.uint8)
        self.bit_offset: npt.NDArray[np.int64] = np.full(shape, -1, np.int64)
        self.bitfield_size: npt.NDArray[np.uint8] = np.zeros(shape, np.uint8)
        self.types: npt.NDArray[np.object_] = np.full(shape, "", object)
        for row, answered in enumerate(self._answers):
            for column, answer in enumerate(answered):
                self.status[row, column] = answer.status
                if answer.status == RelocationStatus.OK:
                    self.bit_offset[row, column] = answer.offsets[-1]
                    self.bitfield_size[row, column] = answer.bitfield_size
                    self.types[row, column] = answer.type
        for made in (self.status, self.bit_offset, self.bitfield_size, self.types):
            made.flags.writeable = False

    @property
    def broken(self) -> npt.NDArray[np.int64]:
        """The numbers of the expressions that are ABSENT or AMBIGUOUS on some kernel, `int64[n]`.

        Example:
            >>> btfmmap.check_paths(["flow.link", "flow.absent"], btf).broken.tolist()
            [1]
        """
        return np.flatnonzero(np.isin(self.status, _BREAKING).any(axis=0)).astype(np.int64)

    @property
    def drift(self) -> npt.NDArray[np.int64]:
        """The numbers of the expressions whose offsets differ between kernels, `int64[n]`.

        Kernels on which an expression is not OK do not count.

        Example:
            >>> btfmmap.check_paths(["flow.link"], [btf, btf]).drift.tolist()
            []
        """
        return self._differing(lambda answer: answer.offsets)

    @property
    def changed_types(self) -> npt.NDArray[np.int64]:
        """The numbers of the expressions whose values have several types in C, `int64[n]`.

        A bitfield of another size is of another type.

        Example:
            >>> btfmmap.check_paths(["flow.link"], [btf, btf]).changed_types.tolist()
            []
        """
        return self._differing(lambda answer: (answer.type, answer.bitfield_size))

    def offsets(self, kernel: int, expression: int) -> tuple[int, ...]:
        """Return the offsets in bytes of what is read, as `Plan.offsets` does; empty unless the status is OK.

        A bitfield has the byte in which it starts; `bit_offset` has the bit.

        Args:
            kernel: The row of the kernel.
            expression: The number of the expression.

        Raises:
            IndexError: There is no such row or number.

        Example:
            >>> btfmmap.check_paths(["flow.link.next->prev"], btf).offsets(0, 0)
            (0, 8)
        """
        return tuple(bits // 8 for bits in self._answer(kernel, expression).offsets)

    def reason(self, kernel: int, expression: int) -> str:
        """Return why an expression does not hold, as a sentence; "" if it does.

        If the kernel did not open, that is the reason.

        Args:
            kernel: The row of the kernel.
            expression: The number of the expression.

        Raises:
            IndexError: There is no such row or number.

        Example:
            >>> btfmmap.check_paths(["flow.lnk"], btf).reason(0, 0)
            "struct flow has no member 'lnk'; close to it: 'link'"
        """
        return self._answer(kernel, expression).reason

    def unions(self, kernel: int, expression: int) -> tuple[str, ...]:
        """Return the expressions up to each member of a union, as `Plan.unions` does.

        The path holds only while these members are active.

        Args:
            kernel: The row of the kernel.
            expression: The number of the expression.

        Returns:
            The expressions; none unless the status is OK.

        Raises:
            IndexError: There is no such row or number.

        Example:
            >>> btfmmap.check_paths(["flow.from.words[1]"], btf).unions(0, 0)
            ('flow.from.words',)
        """
        return self._answer(kernel, expression).unions

    def _answer(self, kernel: int, expression: int) -> _Answer:
        if not 0 <= kernel < len(self._answers):
            raise IndexError(f"there is no kernel {kernel}")
        if not 0 <= expression < len(self.expressions):
            raise IndexError(f"there is no expression {expression}")
        return self._answers[kernel][expression]

    def _differing(self, get: Callable[[_Answer], object]) -> npt.NDArray[np.int64]:
        columns = [[*column] for column in zip(*self._answers, strict=True)]
        found = [
            number
            for number, column in enumerate(columns)
            if len({get(answer) for answer in column if answer.status == RelocationStatus.OK}) > 1
        ]
        return np.array(found, np.int64)

    def __repr__(self) -> str:
        not_judged = int((self.status == RelocationStatus.NOT_JUDGED).sum())
        return (
            f"<PathResult {len(self.expressions)} expressions x {len(self.kernels)} kernels: "
            f"{f'{not_judged} not judged, ' if not_judged else ''}"
            f"{len(self.broken)} break, {len(self.drift)} differ>"
        )


def check_paths(
    expressions: str | Iterable[str],
    kernels: Kernels,
    *,
    variables: Mapping[str, str] | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> PathResult:
    """Check whether expressions hold on kernels, and with which offsets.

    Types are found as for CO-RE relocations: all types of the kernel that have the name are considered, those
    of modules only if the kernel itself has none. Members are found by name, through anonymous structs and
    unions. If several types fit, they must agree on all offsets.

    One kernel is open at a time; with an executor, one per worker.

    Args:
        expressions: An expression as for `Btf.path`, or several.
        kernels: As for `find_kernels`.
        variables: The types of variables, as for `Btf.path`.
        executor: A `concurrent.futures.Executor` that evaluates kernels; None for this process.
        progress: Called with the number of kernels done, their number if it is known, and the name of the
            next one, before each.

    Returns:
        The result. Kernels that do not open have a row with the error.

    Raises:
        ExpressionError: The syntax of an expression or declaration is wrong. No kernel is opened.
        FileNotFoundError: A glob of kernels matches no file, or a folder contains no kernel.
        TypeError: An expression or kernel is of another type.
        ValueError: A `Btf` is closed, or one name is given to several kernels.

    Example:
        >>> result = btfmmap.check_paths(["flow.link.next->prev", "flow.lnk"], btf)
        >>> result.status.tolist(), result.bit_offset.tolist()
        ([[0, 1]], [[64, -1]])
    """
    texts = [expressions] if isinstance(expressions, str) else [*expressions]
    types = dict(variables or {})
    for text in texts:
        check_syntax(text, types)
    evaluator = _Evaluator(texts, types)
    outcomes = [*map_kernels(evaluator, kernels, executor=executor, progress=progress)]
    return PathResult(kernel_table(outcomes), texts, [outcome.value for outcome in outcomes])


class _Evaluator:
    """Evaluates expressions on a kernel. Can be pickled."""

    def __init__(self, expressions: Sequence[str], variables: Mapping[str, str]) -> None:
        self.expressions = expressions
        self.variables = variables

    def __call__(self, kernel: OpenKernel) -> list[_Answer]:
        levels = [[kernel.base], [*kernel.modules.values()]]
        return [self.answer(levels, expression) for expression in self.expressions]

    def answer(self, levels: Sequence[Sequence[Btf]], expression: str) -> _Answer:
        """The answer of the first level that has types of all names."""
        failed: list[_Answer] = []
        for level in levels:
            found: dict[tuple[int, ...], _Answer] = {}
            is_known = False
            for btf in level:
                answers, knows_names = self.answers_of(btf, expression)
                is_known |= knows_names
                for answer in answers:
                    if answer.status == RelocationStatus.OK:
                        found.setdefault(answer.offsets, answer)
                    else:
                        # What an existing type lacks says more than that there is no type.
                        failed.insert(0 if knows_names else len(failed), answer)
            if len(found) > 1:
                several = ", ".join(str(tuple(bits // 8 for bits in offsets)) for offsets in found)
                reason = f"several types match, with the offsets {several}"
                return _Answer(RelocationStatus.AMBIGUOUS, reason=reason)
            if found:
                return next(iter(found.values()))
            if is_known:
                break
        return failed[0]

    def answers_of(self, btf: Btf, expression: str) -> tuple[list[_Answer], bool]:
        """The answers for each type that the names may mean, and whether there are types of all names."""
        looked_up: dict[str, list[int]] = {}
        answers = [self.evaluate(btf, expression, {}, looked_up)]
        several = {name: _of_one_kind(btf, ids) for name, ids in looked_up.items() if len(ids) > 1}
        choices = product(*several.values())
        for choice in islice(choices, 1, _MAX_COMBINATIONS):  # the first one is done
            answers.append(self.evaluate(btf, expression, dict(zip(several, choice, strict=True)), {}))
        return answers, all(looked_up.values())

    def evaluate(
        self, btf: Btf, expression: str, chosen: Mapping[str, int], looked_up: dict[str, list[int]]
    ) -> _Answer:
        try:
            meaning = parsed(btf, expression, self.variables, chosen, looked_up)
        except ExpressionError as error:
            return _Answer(RelocationStatus.ABSENT, reason=error.reason)
        return _Answer(
            RelocationStatus.OK,
            stages((kind, bits) for kind, _, _, bits, *_ in meaning.hops),
            btf.c_names([meaning.type])[0],
            meaning.bitfield_size,
            unions=plan_from(btf, meaning).unions if any(hop[5] for hop in meaning.hops) else (),
        )


def _of_one_kind(btf: Btf, ids: Sequence[int]) -> list[int]:
    """The candidates of the first one's kind, as a CO-RE relocation considers them."""
    kinds = btf.kind_names(ids)
    return [type_id for type_id, kind in zip(ids, kinds, strict=True) if kind == kinds[0]]
