"""The CO-RE relocations of a BPF object, and their evaluation against kernels."""

from __future__ import annotations

from functools import cached_property, partial
from typing import Any

import numpy as np

from ._core import CoreReloObject, CoreReloOutcomes, Elf
from .ext_tables import ExtTable, names_of, object_texts
from .tables import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Literal

    import numpy.typing as npt

    from ._core import Btf as CoreBtf
    from ._core import Ext as CoreExt
    from ._core import File
    from .btf import Btf
    from .ext_tables import Names
    from .tables import U8, U32, Bool, Column

    U64 = Column[np.uint64]
    Semantics = Literal["libbpf", "independent"]
    Key = tuple[int, int, int]  # root type, access string and kind

_INSTRUCTION_SIZE = 8


class Relocations(ExtTable):
    """The CO-RE relocations of a BPF object, resolved in the object's own types.

    The rows are those of `Ext.core_relo`. Where the record or its access string is invalid, the columns about
    the field are 0 and `path` is "".
    """

    kind: U32
    """The `CoreReloKind`, or an unknown number."""
    type: U32
    """Type ID of the root type."""
    access_off: U32
    """Offset of the access string, in the string section."""
    insn: U32
    """Number of the instruction in its ELF section, counted in units of 8 bytes."""
    use: U8
    """How the instruction uses the value: an `InstructionUse`."""
    access_size: U8
    """Bytes that a load or store accesses; 0 for other instructions."""
    bit_offset: U32
    """Offset of the field from the start of the root type, in bits; 0 for types and enumerators."""
    bitfield_size: U8
    """Size of a bitfield in bits; 0 if the field is not a bitfield."""
    size: U32
    """Size in bytes of the declared type of the field, of the type, or of the enum; 0 if it has none."""
    value: U64
    """What the object's own types give: the value that the compiler put into the instruction. Compilers may
    choose another offset, size and left shift for a bitfield."""
    validate: Bool
    """Whether the instruction must hold `value`: libbpf refuses the object if it holds another one. False
    for type IDs, and for offsets, sizes and left shifts of bitfields."""
    field_type: U32
    """Type ID of the field, below typedefs and qualifiers, if its offset is relocated and it is not a
    bitfield; otherwise 0."""
    field_size: U32
    """Size in bytes of an access to that field: of an array, that of its innermost element. 0 if `field_type`
    is 0."""
    func: U32
    """Type ID of the FUNC that contains the instruction; 0 if it is not known."""
    line: U32
    """Number of the source line; 0 if it is not known."""
    line_off: U32
    """Offset of the text of the source line, in the string section."""
    file_name_off: U32
    """Offset of the name of the source file, in the string section."""

    def __init__(
        self, columns: dict[str, npt.NDArray[Any]], texts: Callable[[U32], Names], names: partial[Names]
    ) -> None:
        super().__init__(columns, texts)
        self.__dict__["_names"] = names

    @cached_property
    def access(self) -> Names:
        """The access string of each row, `object[n]` of `str`.

        Raises:
            NotSupportedError: the strings exceed 1 GiB.
        """
        return self._resolved("access_off")

    @cached_property
    def root(self) -> Names:
        """The name of the root type of each row, `object[n]` of `str`.

        Raises:
            NotSupportedError: the names exceed 1 GiB.
        """
        return self._named("type")

    @cached_property
    def function(self) -> Names:
        """The function that contains the instruction of each row, `object[n]` of `str`; "" if not known.

        Raises:
            NotSupportedError: the names exceed 1 GiB.
        """
        names: Names = self._named("func").copy()
        names[self.func == 0] = ""  # not the name of type 0
        names.flags.writeable = False
        return names

    @cached_property
    def file_name(self) -> Names:
        """The name of the source file of each row, `object[n]` of `str`; "" if not known.

        Raises:
            NotSupportedError: the names exceed 1 GiB.
        """
        return self._resolved("file_name_off")

    @cached_property
    def text(self) -> Names:
        """The text of the source line of each row, `object[n]` of `str`; often empty.

        Raises:
            NotSupportedError: the texts exceed 1 GiB.
        """
        return self._resolved("line_off")

    @cached_property
    def path(self) -> Names:
        """What is relocated below the root type, as C, `object[n]` of `str`.

        "a.b[3].c" for a field, the name of an enumerator, "" for a type. An index of the root itself comes
        first, as in "[2].a".

        Raises:
            NotSupportedError: the paths exceed 1 GiB.
        """
        paths = _paths(self.__dict__["_names"].args[0])
        found = np.array([paths[key] for key in _keys(self)], object)
        found.flags.writeable = False
        return found

    def _named(self, column: str) -> Names:
        named: Names = self.__dict__["_names"](self[column])
        named.flags.writeable = False
        return named

    def _selected(self, columns: dict[str, npt.NDArray[Any]]) -> Relocations:
        return Relocations(columns, self.__dict__["_texts"], self.__dict__["_names"])


class RelocationResults(Table):
    """What becomes of the relocations of objects on one kernel, in the order of their records.

    The results of several objects follow one another.
    """

    status: U8
    """The `RelocationStatus`."""
    error: U8
    """libbpf's error number (`errno.EINVAL`, `E2BIG` or `ERANGE`) if the status is ERROR or
    AMBIGUOUS; otherwise 0."""
    value: U64
    """The value that the instruction gets; 0 unless the status is OK."""
    bit_offset: U32
    """Offset of the field in the kernel's type, in bits."""
    size: U32
    """Size in bytes of an access to the field in the kernel, if its offset is relocated; otherwise 0."""
    type: U32
    """Type ID of the field in the kernel, below typedefs and qualifiers, if its offset is relocated."""
    poison: Bool
    """Whether the kernel has nothing that gives a value. The status can also be POISONED because a load or
    store does not fit the field."""
    unsafe_size: Bool
    """Whether a load or store of the field may not be adapted to its size in the kernel: sizes differ, and
    the field is neither a pointer nor an unsigned integer in both."""
    target: U32
    """Type ID of the kernel's type that matches the root type; 0 if none does."""
    source: U32
    """The BTF of that type, or of the one that the reason names: 0 for the kernel's own, i for the module at
    index i - 1."""
    candidates: U32
    """Number of the kernel's types that the relocation considered."""

    row: U32
    """Number of the relocation among those of all objects."""

    def __init__(self, columns: dict[str, npt.NDArray[Any]], outcomes: CoreReloOutcomes) -> None:
        super().__init__(columns)
        self.__dict__["_outcomes"] = outcomes

    @property
    def outcomes(self) -> CoreReloOutcomes:
        """What the core knows of all rows."""
        outcomes: CoreReloOutcomes = self.__dict__["_outcomes"]
        return outcomes

    def reason(self, row: int) -> str:
        """Return why a row has its status, as a sentence; "" if its status is OK.

        Args:
            row: The number of a row.

        Returns:
            What was looked for and what was found.

        Raises:
            IndexError: There is no such row.
        """
        return self.outcomes.reason(int(self.row[row]))

    def _selected(self, columns: dict[str, npt.NDArray[Any]]) -> RelocationResults:
        return RelocationResults(columns, self.outcomes)


def prepare(btf: Btf, core: CoreBtf, ext: CoreExt, elf: File | None) -> CoreReloObject:
    """Prepare the relocations of an object for evaluation. `elf` has the instructions."""
    code: list[tuple[int, File]] = []
    if elf is not None:
        sections = Elf(elf)
        # Not numpy.unique, which imports numpy.ma.
        offsets = sorted({*ext.core_relo()["section_off"]})
        for offset, name in zip(offsets, btf.strings(offsets), strict=True):
            section = sections.find(name.encode("utf-8", "surrogateescape"))
            if section is not None and section.compression == "none":
                code.append((offset, elf.part(section.offset, section.size, name)))
    return CoreReloObject(core, ext, code)


def resolved(
    btf: Btf, prepared: CoreReloObject, core_relo: Table, func_info: Table, line_info: Table
) -> Relocations:
    """The relocations of an object, with their functions and source lines."""
    own = {name: np.asarray(view) for name, view in prepared.columns().items()}
    functions = _latest(core_relo, func_info)
    lines = _latest(core_relo, line_info)
    columns: dict[str, npt.NDArray[Any]] = {
        "kind": core_relo["kind"],
        "type": core_relo["type"],
        "access_off": core_relo["access_off"],
        "section_off": core_relo["section_off"],
        "insn_off": core_relo["insn_off"],
        "insn": core_relo["insn_off"] // _INSTRUCTION_SIZE,
        **own,
        "func": _taken(func_info, "type", functions),
        "line": _taken(line_info, "line", lines),
        "line_off": _taken(line_info, "line_off", lines),
        "file_name_off": _taken(line_info, "file_name_off", lines),
    }
    for column in columns.values():
        column.flags.writeable = False
    return Relocations(columns, partial(object_texts, btf), partial(names_of, btf))


def evaluate(
    objects: Sequence[Btf], kernel: Btf, modules: Sequence[Btf] = (), semantics: Semantics = "libbpf"
) -> RelocationResults:
    """Evaluate the relocations of objects on a kernel.

    Args:
        objects: The BTFs of BPF objects. Those without `.BTF.ext` have no relocations.
        kernel: The kernel's BTF.
        modules: The BTFs of its modules, in the order in which they are asked. A root type is looked for in
            modules only if the kernel has no type of that name.
        semantics: "libbpf" evaluates the relocations of an object in the order of their records: once one of
            them has found types that match its root, later ones consider only these. "independent" evaluates
            each relocation on its own.

    Returns:
        A table with one row per relocation, those of the first object first.

    Raises:
        FormatError: An object's `.BTF.ext` is invalid.
        ValueError: `semantics` is unknown.
    """
    if semantics not in ("libbpf", "independent"):
        raise ValueError(f"semantics is {semantics!r}, must be 'libbpf' or 'independent'")
    from ._core import CoreReloTarget

    target = kernel._core_relo_target
    if modules:
        target = CoreReloTarget(kernel._core, [module._core for module in modules])
    exts = [btf.ext for btf in objects]
    prepared = [ext._prepared for ext in exts if ext is not None]
    outcomes = CoreReloOutcomes(prepared, target, semantics == "independent")
    columns = {name: np.asarray(view) for name, view in outcomes.columns().items()}
    columns["row"] = np.arange(len(columns["status"]), dtype=np.uint32)
    columns["row"].flags.writeable = False
    return RelocationResults(columns, outcomes)


def _keys(table: Table) -> Iterator[Key]:
    return zip(table["type"].tolist(), table["access_off"].tolist(), table["kind"].tolist(), strict=True)


def _paths(btf: Btf) -> dict[Key, str]:
    """The path of each root type, access string and kind that occurs."""
    ext = btf.ext
    assert ext is not None
    return dict(zip(_keys(ext.core_relo), ext._prepared.paths(), strict=True))


def _latest(relocations: Table, infos: Table) -> npt.NDArray[np.int64]:
    """For each relocation, the row of the last record at or before its instruction; -1 if there is none."""
    wanted = _positions(relocations)
    if not len(infos):
        return np.full(len(wanted), -1)
    starts = _positions(infos)
    order = np.argsort(starts, kind="stable")
    at = np.searchsorted(starts[order], wanted, side="right") - 1
    rows = order[np.maximum(at, 0)]
    known = (at >= 0) & (infos["section_off"][rows] == relocations["section_off"])
    found: npt.NDArray[np.int64] = np.where(known, rows, -1)
    return found


def _positions(table: Table) -> npt.NDArray[np.uint64]:
    """Section and offset of each instruction as one number that sorts by both."""
    sections = table["section_off"].astype(np.uint64) << np.uint64(32)
    positions: npt.NDArray[np.uint64] = sections | table["insn_off"]
    return positions


def _taken(table: Table, column: str, rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """A column at some rows; 0 for row -1."""
    if not len(table):
        return np.zeros(len(rows), np.uint32)
    return np.where(rows >= 0, table[column][rows], 0).astype(np.uint32)
