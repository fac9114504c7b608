"""What a BPF object needs of a kernel besides the types it relocates against: targets, kfuncs, ksyms."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from .kinds import Kind
from .section_names import ProgramType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .btf import Btf
    from .programs import External, Function, Programs
    from .section_names import SectionName
    from .types import Type


class RequirementStatus(IntEnum):
    """Whether a kernel has what an object needs."""

    PRESENT = 0
    ABSENT = 1
    """The kernel's BTF, with the modules that were given, does not have it."""
    NOT_JUDGED = 2
    """BTF cannot say it."""


class Need(IntEnum):
    """What an object needs."""

    TARGET = 0
    """What a program attaches to."""
    KFUNC = 1
    """A function of the kernel that programs call."""
    KSYM = 2
    """A variable of the kernel."""
    KCONFIG = 3
    """A value of the kernel's configuration, or one that the loader sets."""
    STRUCT_OPS = 4
    """A struct of callbacks that the kernel lets programs implement."""


class Requirement(NamedTuple):
    """One thing that an object needs of a kernel.

    Attributes:
        need: What it is.
        name: Its name: the part of the section's name after the "/", or the name of the symbol or map.
        section: The name of the section that says so, without the "?".
        program: The program that needs it; None if the whole object does.
        default: Whether it is needed by default. False for a program or map that is not loaded by default
            (the section's name starts with "?"), and for a weak symbol.
        types: The kinds and names of the kernel's types that must exist; empty if BTF cannot say it.
        module: The only module to look in, or "vmlinux"; None for all.
        certain: Whether it is ABSENT if a type does not exist. Otherwise it is NOT_JUDGED.
        reason: Why it is NOT_JUDGED when it is.
    """

    need: Need
    name: str
    section: str
    program: str | None
    default: bool
    types: tuple[tuple[Kind, str], ...] = ()
    module: str | None = None
    certain: bool = False
    reason: str = ""


class Answer(NamedTuple):
    """Whether one kernel has what is required.

    Attributes:
        status: Whether it does.
        reason: Why it is NOT_JUDGED or ABSENT; empty if it is PRESENT.
        certain: False if it is ABSENT, but may be in a module whose BTF was not given.
        btf: The BTF that has the first of the types; None if none has it.
        type_id: The ID there of the type; None if no BTF has it.
    """

    status: RequirementStatus
    reason: str
    certain: bool = True
    btf: Btf | None = None
    type_id: int | None = None

    @property
    def prototype(self) -> str | None:
        """The declaration in C of a function or of a tracepoint's callback, to be compared between kernels.

        None if there is no such type, or if it is another kind of type.
        """
        if self.btf is None or self.type_id is None:
            return None
        declared = self.btf[self.type_id]
        return self.btf.c_declaration(declared) if declared.kind in (Kind.FUNC, Kind.TYPEDEF) else None


_LSM_PREFIX = "bpf_lsm_"  # hooks, which no module adds
# Families of sections whose target is a type of the kernel: the prefix of its name, and its kind. If it does
# not exist, the program does not load.
_TYPED_TARGETS = {
    "fentry": ("", Kind.FUNC),
    "fexit": ("", Kind.FUNC),
    "fmod_ret": ("", Kind.FUNC),
    "fsession": ("", Kind.FUNC),
    "tp_btf": ("btf_trace_", Kind.TYPEDEF),
    "raw_tracepoint": ("btf_trace_", Kind.TYPEDEF),
    "lsm": (_LSM_PREFIX, Kind.FUNC),
    "lsm_cgroup": (_LSM_PREFIX, Kind.FUNC),
    "iter": ("bpf_iter_", Kind.FUNC),
}
_KPROBES = {"kprobe", "kretprobe"}

_NOT_IN_BTF = {
    "uprobe": "a function of a program or library, not of the kernel",
    "uretprobe": "a function of a program or library, not of the kernel",
    "usdt": "a probe of a program or library, not of the kernel",
    "ksyscall": "the name of a system call's function depends on the architecture",
    "kretsyscall": "the name of a system call's function depends on the architecture",
    "freplace": "a function of another BPF program",
    "struct_ops": "attached by the map that refers to it",
}
_BY_KALLSYMS = "kprobes are attached by /proc/kallsyms, which has more functions than BTF"
_SET_BY_LOADER = "the target is set when the program is loaded"
_PATTERN = "a pattern of functions"
_NO_TARGET = "programs of this type have no target in BTF"
_UNKNOWN_SECTION = "not a section name that libbpf knows"
_SYSCALL_TRACEPOINT = "tracepoints of system calls are not in BTF"
_OTHER_TRACEPOINT = "a tracepoint may exist without a type in BTF"
_UNTYPED = "a symbol without a type is looked up in /proc/kallsyms"
_NO_MODULES = ", but the BTF of modules was not given"
_GIVEN_MODULES = " and the modules given, which are not known to be all"
_NO_CONFIG = "BTF does not have the kernel's configuration"
_FROM_LOADER = "set by the loader"

_LOADERS_VALUES = {"LINUX_KERNEL_VERSION", "LINUX_HAS_BPF_COOKIE", "LINUX_HAS_SYSCALL_WRAPPER"}
_STRUCT_OPS_SECTIONS = (".struct_ops", ".struct_ops.link", "?.struct_ops", "?.struct_ops.link")
_STRUCT_OPS_PREFIX = "bpf_struct_ops_"


def requirements(btf: Btf, programs: Programs) -> list[Requirement]:
    """Return what an object needs of a kernel besides the types that it relocates against.

    Does not consider helpers, map types, program types, or anything else that the verifier checks.

    Args:
        btf: The object's BTF.
        programs: The object's programs.

    Returns:
        The programs' targets in the order of `programs.programs`, then the external symbols, then the
        struct_ops maps.
    """
    found = [_target(program) for program in programs.programs]
    found += _externals(btf, programs.externals)
    found += _struct_ops(btf)
    return found


def judge(
    required: Sequence[Requirement],
    btfs: Mapping[str, Btf],
    *,
    complete: bool = False,
    running: bool = False,
    missing: Sequence[str] = (),
) -> list[Answer]:
    """Return whether a kernel has what an object needs.

    Args:
        required: The requirements, from `requirements`.
        btfs: The kernel's BTF, named "vmlinux", and those of its modules by their names.
        complete: Whether these are all of the kernel's modules.
        running: Whether these are the modules that are loaded, as far as reasons say it.
        missing: The names of modules that the kernel has and that did not open, or are not in its folder.

    Returns:
        An `Answer` for each requirement.
    """
    looked_up = _LookedUp(required, btfs, complete, running, missing)
    return [_answer(requirement, looked_up) for requirement in required]


# -- what an object needs


def _target(program: Function) -> Requirement:
    section = program.section_name
    requirement = Requirement(Need.TARGET, section.target or "", section.name, program.name, section.autoload)
    module, colon, name = (section.target or "").partition(":")
    if reason := _untyped_target(section):
        return requirement._replace(reason=reason)
    if not colon:
        module, name = "", module
    family = section.family
    if typed := _TYPED_TARGETS.get(family):
        prefix, kind = typed
        return requirement._replace(types=((kind, prefix + name),), module=module or None, certain=True)
    if family in _KPROBES:
        function = (section.target or "").partition("+")[0]
        return requirement._replace(types=((Kind.FUNC, function),), reason=_BY_KALLSYMS)
    # A tracepoint: "category/name".
    category, _, event = (section.target or "").rpartition("/")
    if category == "syscalls":
        return requirement._replace(reason=_SYSCALL_TRACEPOINT)
    return requirement._replace(types=((Kind.TYPEDEF, f"btf_trace_{event}"),), reason=_OTHER_TRACEPOINT)


def _untyped_target(section: SectionName) -> str:
    """Return why BTF cannot say whether a target exists; "" if it can."""
    if section.program_type == ProgramType.UNSPEC:
        return _UNKNOWN_SECTION
    family = section.family
    if reason := _NOT_IN_BTF.get(family):
        return reason
    if family not in _TYPED_TARGETS and family not in _KPROBES and family != "tracepoint":
        return _NO_TARGET
    if not section.target:
        return _SET_BY_LOADER
    return _PATTERN if section.is_multi else ""


def _externals(btf: Btf, externals: Iterable[External]) -> Iterator[Requirement]:
    places = {
        declared.name: (section, declared)
        for section in (".kconfig", ".ksyms")
        for declared in _entries(btf, section)
    }
    for external in externals:
        place = places.get(external.name)
        if place is None:
            continue  # libbpf refuses the object
        section, declared = place
        needed = not external.weak
        if section == ".kconfig":
            reason = _FROM_LOADER if external.name in _LOADERS_VALUES else _NO_CONFIG
            yield Requirement(Need.KCONFIG, external.name, section, None, needed, reason=reason)
        elif declared.kind == Kind.FUNC:
            types = ((Kind.FUNC, essential_name(external.name)),)
            yield Requirement(Need.KFUNC, external.name, section, None, needed, types, certain=True)
        elif _type_of(declared) is not None:
            types = ((Kind.VAR, external.name),)
            yield Requirement(Need.KSYM, external.name, section, None, needed, types, certain=True)
        else:
            yield Requirement(Need.KSYM, external.name, section, None, needed, reason=_UNTYPED)


def _struct_ops(btf: Btf) -> Iterator[Requirement]:
    for section in _STRUCT_OPS_SECTIONS:
        for variable in _entries(btf, section):
            struct = _type_of(variable)
            if struct is None or struct.kind != Kind.STRUCT or not struct.name:
                continue  # libbpf refuses the object
            name = essential_name(struct.name)
            types = ((Kind.STRUCT, _STRUCT_OPS_PREFIX + name), (Kind.STRUCT, name))
            default = not section.startswith("?")
            plain = section.removeprefix("?")
            yield Requirement(Need.STRUCT_OPS, variable.name, plain, None, default, types, certain=True)


# -- what a kernel has


class _LookedUp:
    """The types that requirements name, and the names of the BTFs that have each."""

    def __init__(
        self,
        required: Sequence[Requirement],
        btfs: Mapping[str, Btf],
        complete: bool,
        running: bool,
        missing: Sequence[str],
    ) -> None:
        self.btfs = btfs
        self.complete = complete
        self.running = running
        self.missing = missing
        self._ids: dict[tuple[Kind, str], dict[str, int]] = {}
        names: dict[Kind, dict[str, None]] = {}
        for requirement in required:
            for kind, name in requirement.types:
                names.setdefault(kind, {})[name] = None
        for kind, of_kind in names.items():
            for module, btf in btfs.items():
                # A lookup in a split BTF finds the types of its base too.
                first_own = 1 if btf.base is None else btf.first_id
                for name, type_id in zip(of_kind, btf.lookup(list(of_kind), kind).tolist(), strict=True):
                    if type_id >= first_own:
                        self._ids.setdefault((kind, name), {})[module] = type_id

    def find(self, kind: Kind, name: str, module: str | None) -> tuple[Btf, int] | None:
        for found, type_id in self._ids.get((kind, name), {}).items():
            if module is None or found == module:
                return self.btfs[found], type_id
        return None

    def searched(self, certain: bool) -> str:
        """What was searched, and what may be missing from it if an absence is not certain."""
        if self.complete:
            return f"vmlinux and {'the loaded' if self.running else 'its'} modules"
        if certain:
            return "vmlinux"
        if self.missing:
            given = " and the modules that opened" if len(self.btfs) > 1 else ""
            return f"vmlinux{given}, but {_missing(self.missing)}"
        return "vmlinux" + (_GIVEN_MODULES if len(self.btfs) > 1 else _NO_MODULES)


def _answer(requirement: Requirement, looked_up: _LookedUp) -> Answer:
    if not requirement.types:
        return Answer(RequirementStatus.NOT_JUDGED, requirement.reason)
    module = requirement.module
    if module is not None and module not in looked_up.btfs:
        if looked_up.complete and requirement.certain:
            reason = "is not loaded" if looked_up.running else "does not exist"
            return Answer(RequirementStatus.ABSENT, f"the module {module} {reason}")
        reason = (
            _missing([module]) if module in looked_up.missing else f"the BTF of module {module} was not given"
        )
        return Answer(RequirementStatus.NOT_JUDGED, reason)
    found = [looked_up.find(kind, name, module) for kind, name in requirement.types]
    missing = [name for (_, name), pair in zip(requirement.types, found, strict=True) if pair is None]
    btf, type_id = found[0] or (None, None)
    if not missing:
        # A kprobe's function may be in BTF, but kallsyms decides.
        status = (
            RequirementStatus.NOT_JUDGED if requirement.reason == _BY_KALLSYMS else RequirementStatus.PRESENT
        )
        return Answer(status, requirement.reason if status else "", True, btf, type_id)
    if not requirement.certain:
        return Answer(RequirementStatus.NOT_JUDGED, requirement.reason)
    certain = module is not None or looked_up.complete or missing[0].startswith(_LSM_PREFIX)
    reason = f"no {missing[0]} in {module or looked_up.searched(certain)}"
    return Answer(RequirementStatus.ABSENT, reason, certain, btf, type_id)


def _missing(modules: Sequence[str]) -> str:
    # The number of modules is left out: kernels that differ only in it have one problem.
    if len(modules) == 1:
        return f"the module {modules[0]} did not open or is missing"
    return f"modules did not open or are missing, the first: {modules[0]}"


# -- shared


def essential_name(name: str) -> str:
    """Return a name without its flavour: what precedes the last "___" between other characters."""
    for end in range(len(name) - 4, 0, -1):
        if name[end : end + 3] == "___" and name[end - 1] != "_" and name[end + 3] != "_":
            return name[:end]
    return name


def _entries(btf: Btf, section: str) -> list[Type]:
    """Return the variables and functions of a DATASEC."""
    type_id = btf.find(section, Kind.DATASEC)
    return [] if type_id is None else [entry.type for entry in btf[type_id].secinfos]


def _type_of(variable: Type) -> Type | None:
    """Return the type of a variable without qualifiers and typedefs; None for one that has no type."""
    if variable.type is None:
        return None
    type_id = int(variable.btf.resolve([variable.type.id])[0])
    return variable.btf[type_id] if type_id > 0 else None
