"""What BPF objects need of kernels: section names against libbpf's, requirements of an object by clang."""

from __future__ import annotations

import ctypes
import os
import subprocess

import pytest
import requirements
from btf_writer import FUNC, FUNC_PROTO, PTR, STRUCT, TYPEDEF, VAR, BtfWriter
from guarded import compile_bpf, opened

import btfmmap
from btfmmap import Btf, Kind
from btfmmap.requirements import Answer, Need, Requirement, RequirementStatus, essential_name, judge
from btfmmap.requirements import requirements as requirements_of
from btfmmap.section_names import _TYPES_OF_WHOLE, _TYPES_WITH_TARGET, ProgramType, parse

NAMES = [
    *_TYPES_OF_WHOLE,
    *_TYPES_WITH_TARGET,
    *(f"{name}/target" for name in (*_TYPES_WITH_TARGET, *_TYPES_OF_WHOLE)),
    *(f"{name}.s" for name in (*_TYPES_WITH_TARGET, *_TYPES_OF_WHOLE)),
    *(f"{name}x/target" for name in _TYPES_WITH_TARGET),
    *("kprobe/", "kprobe.multi.s/x", "kprobes", "maps", "license", ".text", "tc/x", "xdp/x", "xdp.frags/x"),
    *("lsm.cgroup", "cgroup", "netkit", "usdt.s/x", "ksyscall.s", "struct_ops.s/x", "xdp.frags/cpumap/x"),
    "a section",
    "",
]


def test_section_names_are_libbpfs() -> None:
    """BTFMMAP_LIBBPF is a libbpf that knows all names; an older one may know fewer."""
    path = os.environ.get("BTFMMAP_LIBBPF")
    try:
        library = ctypes.CDLL(path or "libbpf.so.1")
    except OSError as error:
        pytest.skip(f"no libbpf: {error}")
    library.libbpf_set_print.argtypes = [ctypes.c_void_p]
    library.libbpf_set_print(None)
    program_type, attach_type = ctypes.c_int(), ctypes.c_int()
    known = 0
    for name in NAMES:
        arguments = (name.encode(), ctypes.byref(program_type), ctypes.byref(attach_type))
        found = library.libbpf_prog_type_by_name(*arguments) == 0
        ours = parse(name).program_type
        known += found
        if found:
            assert ours == program_type.value, name
        elif path:
            assert ours == ProgramType.UNSPEC, name
    # libbpf 1.1 knows 120 of these names, 1.8 more than 150.
    assert known > (150 if hasattr(library, "bpf_object__prepare") else 100)


@pytest.mark.parametrize(
    ("name", "type_", "family", "target", "autoload"),
    [
        ("?fentry.s/vfs_read", ProgramType.TRACING, "fentry", "vfs_read", False),
        ("tp/sched/sched_switch", ProgramType.TRACEPOINT, "tracepoint", "sched/sched_switch", True),
        ("raw_tp.w/x", ProgramType.RAW_TRACEPOINT_WRITABLE, "raw_tracepoint", "x", True),
        ("kprobe", ProgramType.KPROBE, "kprobe", None, True),
        ("kprobe/", ProgramType.KPROBE, "kprobe", "", True),
        ("xdp/devmap", ProgramType.XDP, "xdp/devmap", None, True),
        ("cgroup/sock", ProgramType.CGROUP_SOCK, "cgroup/sock", None, True),
        ("nothing/x", ProgramType.UNSPEC, "nothing/x", None, True),
    ],
)
def test_parts_of_section_names(
    name: str, type_: ProgramType, family: str, target: str | None, autoload: bool
) -> None:
    parsed = parse(name)
    assert (parsed.program_type, parsed.family, parsed.target, parsed.autoload) == (
        type_,
        family,
        target,
        autoload,
    )


def test_essential_names() -> None:
    """The examples of libbpf's documentation, and its rule that neither side may be an underscore."""
    pairs = {
        "task_struct___old": "task_struct",
        "a___b___c": "a___b",
        "plain": "plain",
        "a___": "a___",
        "___a": "___a",
        "a____b": "a____b",
        "a___b____c": "a",
        "x___y": "x",
        "": "",
    }
    assert {name: essential_name(name) for name in pairs} == pairs


SOURCE = """\
#define SEC(name) __attribute__((section(name), used))
#define ksym __attribute__((section(".ksyms")))
#define kconfig __attribute__((section(".kconfig")))
#define weak __attribute__((weak))
#define PROGRAM(number, section) SEC(section) int p##number(void *ctx) { return number; }
PROGRAM(1, "fentry/present")
PROGRAM(2, "?fexit.s/missing")
PROGRAM(3, "fmod_ret/missing")
PROGRAM(4, "tp_btf/event")
PROGRAM(5, "raw_tp/no_event")
PROGRAM(6, "lsm/hook")
PROGRAM(7, "lsm_cgroup/no_hook")
PROGRAM(8, "iter.s/thing")
PROGRAM(9, "iter/no_thing")
PROGRAM(10, "kprobe/present+8")
PROGRAM(11, "kretprobe/missing")
PROGRAM(12, "kprobe.multi/pre*")
PROGRAM(13, "tp/group/event")
PROGRAM(14, "tracepoint/group/no_event")
PROGRAM(15, "tracepoint/syscalls/sys_enter_read")
PROGRAM(16, "uprobe//bin/bash:readline")
PROGRAM(17, "usdt")
PROGRAM(18, "ksyscall/read")
PROGRAM(19, "fentry")
PROGRAM(20, "freplace/f")
PROGRAM(21, "xdp")
PROGRAM(22, "my_own/section")
PROGRAM(23, "fentry/mod:in_module")
PROGRAM(24, "fentry/mod:present")
PROGRAM(25, "fentry/other:in_module")
PROGRAM(26, "fexit/in_module")
PROGRAM(27, "fexit/vmlinux:in_module")
PROGRAM(28, "fsession/present")
struct ops { int (*call)(int); };
struct ops___v2 { int (*call)(int); };
struct no_ops { int (*call)(int); };
SEC("struct_ops/call") int call(unsigned long long *ctx) { return 0; }
SEC(".struct_ops") struct ops___v2 first = { .call = (void *)call };
SEC("?.struct_ops.link") struct no_ops second = { .call = (void *)call };
extern int kfunc(int) ksym;
extern int kfunc___v2(long) ksym weak;
extern int no_kfunc(int) ksym;
extern int no_weak_kfunc(int) ksym weak;
extern const int typed ksym;
extern const int no_typed ksym;
extern const void untyped ksym;
extern int LINUX_KERNEL_VERSION kconfig;
extern _Bool CONFIG_X kconfig weak;
SEC("socket") int uses(void *ctx) {
    return kfunc(1) + kfunc___v2(2) + no_kfunc(3) + no_weak_kfunc(4) + typed + no_typed + (int)(long)&untyped
        + LINUX_KERNEL_VERSION + CONFIG_X;
}
SEC("license") char license_of_this[] = "GPL";
"""


def kernel() -> BtfWriter:
    writer = BtfWriter()
    number = writer.add_int()
    proto = writer.add(FUNC_PROTO, size_or_type=number, vlen=1, extra=(writer.string("x"), number))
    for name in ("present", "bpf_lsm_hook", "bpf_iter_thing", "kfunc"):
        writer.add(FUNC, name, size_or_type=proto)
    writer.add(TYPEDEF, "btf_trace_event", size_or_type=writer.add(PTR, size_or_type=proto))
    writer.add(VAR, "typed", size_or_type=number, extra=(1,))
    writer.add_struct("ops", 8, [("call", number, 0)])
    writer.add_struct("bpf_struct_ops_ops", 8, [("data", number, 0)])
    # Of other kinds than what is looked for.
    writer.add(STRUCT, "missing")
    writer.add(VAR, "no_kfunc", size_or_type=number, extra=(1,))
    return writer


def module(base: BtfWriter) -> bytes:
    writer = BtfWriter(strings=b"")
    name = writer.string("in_module") + len(base.strings)
    writer.records.append(writer.words(name, FUNC << 24, 2))
    return writer.build()


P, A, N = RequirementStatus.PRESENT, RequirementStatus.ABSENT, RequirementStatus.NOT_JUDGED
EXPECTED = {
    **dict(
        zip(
            [f"p{number}" for number in range(1, 19)],
            [P, A, A, P, A, P, A, P, A, N, N, N, P, N, N, N, N, N],
            strict=True,
        )
    ),
    **dict(zip([f"p{number}" for number in range(19, 29)], [N, N, N, N, P, A, A, P, A, P], strict=True)),
    "call": N,
    "uses": N,
    "first": P,
    "second": A,
    "kfunc": P,
    "kfunc___v2": P,
    "no_kfunc": A,
    "no_weak_kfunc": A,
    "typed": P,
    "no_typed": A,
    "untyped": N,
    "LINUX_KERNEL_VERSION": N,
    "CONFIG_X": N,
}
BY_DEFAULT = {"p2": False, "second": False, "kfunc___v2": False, "no_weak_kfunc": False, "CONFIG_X": False}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Requirement], Btf, Btf]:
    path = compile_bpf(SOURCE, tmp_path_factory.mktemp("needs"), "bpfel", "-Wno-everything")
    writer = kernel()
    base = btfmmap.open(data=writer.build())
    return requirements_of(*opened(path)), base, btfmmap.open(data=module(writer), base=base)


def key(requirement: Requirement) -> str:
    return requirement.program if requirement.need == Need.TARGET else requirement.name  # type: ignore[return-value]


def test_requirements(found: tuple[list[Requirement], Btf, Btf]) -> None:
    required, base, split = found
    answers = judge(required, {"vmlinux": base, "mod": split}, complete=True)
    statuses = {
        key(requirement): answer.status for requirement, answer in zip(required, answers, strict=True)
    }
    assert statuses == EXPECTED
    assert {key(requirement) for requirement in required if not requirement.default} == set(BY_DEFAULT)
    for requirement, answer in zip(required, answers, strict=True):
        assert (answer.status == P) == (not answer.reason), requirement
        assert answer.certain


def answers_by_key(found: tuple[list[Requirement], Btf, Btf], *, with_module: bool) -> dict[str, Answer]:
    required, base, split = found
    btfs = {"vmlinux": base, "mod": split} if with_module else {"vmlinux": base}
    judged = judge(required, btfs, complete=with_module)
    return {key(row): answer for row, answer in zip(required, judged, strict=True)}


def test_reasons_and_prototypes(found: tuple[list[Requirement], Btf, Btf]) -> None:
    answers = answers_by_key(found, with_module=True)
    assert answers["p1"].prototype == "int present(int x);"
    assert answers["p4"].prototype == "typedef int (*btf_trace_event)(int x);"
    assert answers["p10"].prototype == "int present(int x);"  # not judged, but shown
    assert answers["p23"].btf is found[2]
    assert answers["p23"].prototype == "int in_module(int x);"
    assert answers["kfunc___v2"].prototype == "int kfunc(int x);"
    assert answers["p11"].prototype is None
    assert answers["first"].prototype is None
    assert answers["p3"].reason == "no missing in vmlinux and its modules"
    assert answers["p24"].reason == "no present in mod"
    assert answers["p25"].reason == "the module other does not exist"
    assert answers["second"].reason == "no bpf_struct_ops_no_ops in vmlinux and its modules"
    assert "kallsyms" in answers["untyped"].reason
    assert "loader" in answers["LINUX_KERNEL_VERSION"].reason


def test_loaded_modules(found: tuple[list[Requirement], Btf, Btf]) -> None:
    required, base, split = found
    judged = judge(required, {"vmlinux": base, "mod": split}, complete=True, running=True)
    answers = {key(row): answer for row, answer in zip(required, judged, strict=True)}
    assert answers["p3"].reason == "no missing in vmlinux and the loaded modules"
    assert answers["p25"].reason == "the module other is not loaded"
    assert answers["p25"].certain


def test_modules_that_may_not_be_all(found: tuple[list[Requirement], Btf, Btf]) -> None:
    """What is in none of them is absent, but not for certain."""
    required, base, split = found
    answers = {
        key(row): answer
        for row, answer in zip(required, judge(required, {"vmlinux": base, "mod": split}), strict=True)
    }
    assert answers["p3"].status == A
    assert not answers["p3"].certain
    reason = "no missing in vmlinux and the modules given, which are not known to be all"
    assert answers["p3"].reason == reason
    assert answers["p24"].certain  # asked of a module that was given
    assert answers["p25"].status == N
    assert answers["p25"].reason == "the BTF of module other was not given"


def test_without_modules(found: tuple[list[Requirement], Btf, Btf]) -> None:
    answers = answers_by_key(found, with_module=False)
    assert answers["p26"].status == A
    assert not answers["p26"].certain
    assert "modules was not given" in answers["p26"].reason
    assert answers["p7"].certain  # no module adds an LSM hook
    assert answers["p23"].status == N
    assert answers["p27"].certain  # asked of vmlinux only


def test_the_running_kernel_has_what_its_tools_find() -> None:
    """FUNCs and tracepoints of the running kernel by bpftool's dump."""
    path = requirements.kernel_btf()
    with btfmmap.open(path) as btf:
        required = [
            Requirement(Need.TARGET, "x", "fentry/x", "x", True, ((Kind.FUNC, "vfs_read"),), certain=True),
            Requirement(
                Need.TARGET,
                "x",
                "tp_btf/x",
                "x",
                True,
                ((Kind.TYPEDEF, "btf_trace_sched_switch"),),
                certain=True,
            ),
        ]
        answers = judge(required, {"vmlinux": btf})
        command = [requirements.tool("bpftool"), "btf", "dump", "file", str(path)]
        dumped = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        for answer, line in zip(
            answers, ("FUNC 'vfs_read'", "TYPEDEF 'btf_trace_sched_switch'"), strict=True
        ):
            assert f"[{answer.type_id}] {line} " in dumped


def test_a_damaged_section_of_variables() -> None:
    """DATASECs whose entries are not variables are passed over or raise a `BtfError`."""
    writer = BtfWriter()
    number = writer.add_int()
    writer.add(15, ".struct_ops", size_or_type=8, vlen=1, extra=(number, 0, 8))
    writer.add(15, ".ksyms", size_or_type=8, vlen=1, extra=(number, 0, 8))
    btf = btfmmap.open(data=writer.build())

    class NoPrograms:
        programs: tuple[()] = ()
        externals = ()

    assert requirements_of(btf, NoPrograms()) == []  # type: ignore[arg-type]
