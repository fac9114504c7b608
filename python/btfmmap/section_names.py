"""What the names of a BPF object's sections say: types of programs and targets, as libbpf 1.8 reads them."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class ProgramType(IntEnum):
    """The type of a BPF program: `enum bpf_prog_type` of the kernel's `include/uapi/linux/bpf.h`."""

    UNSPEC = 0
    SOCKET_FILTER = 1
    KPROBE = 2
    SCHED_CLS = 3
    SCHED_ACT = 4
    TRACEPOINT = 5
    XDP = 6
    PERF_EVENT = 7
    CGROUP_SKB = 8
    CGROUP_SOCK = 9
    LWT_IN = 10
    LWT_OUT = 11
    LWT_XMIT = 12
    SOCK_OPS = 13
    SK_SKB = 14
    CGROUP_DEVICE = 15
    SK_MSG = 16
    RAW_TRACEPOINT = 17
    CGROUP_SOCK_ADDR = 18
    LWT_SEG6LOCAL = 19
    LIRC_MODE2 = 20
    SK_REUSEPORT = 21
    FLOW_DISSECTOR = 22
    CGROUP_SYSCTL = 23
    RAW_TRACEPOINT_WRITABLE = 24
    CGROUP_SOCKOPT = 25
    TRACING = 26
    STRUCT_OPS = 27
    EXT = 28
    LSM = 29
    SK_LOOKUP = 30
    SYSCALL = 31
    NETFILTER = 32


class SectionName(NamedTuple):
    """A section's name and what it says.

    Attributes:
        name: The name without the "?".
        autoload: False if the name starts with "?": the program is not loaded by default.
        program_type: The type of the section's programs; UNSPEC if libbpf does not know the name.
        spelling: The part of the name that decides the type, such as "fentry.s" or "cgroup/sock_create".
        target: What follows the spelling and a "/", such as "vfs_read"; None if nothing does.
    """

    name: str
    autoload: bool
    program_type: ProgramType
    spelling: str
    target: str | None

    @property
    def family(self) -> str:
        """The spelling without a suffix such as ".s", and with the long form of abbreviations."""
        base = self.spelling.partition(".")[0]
        return _LONG_FORMS.get(base, base)

    @property
    def is_multi(self) -> bool:
        """Whether the target is a pattern of many functions."""
        return not _PATTERNS.isdisjoint(self.spelling.split("."))


_LONG_FORMS = {"tp": "tracepoint", "raw_tp": "raw_tracepoint"}
_PATTERNS = {"multi", "session"}

# Names that are followed by "/" and a target, or by nothing.
_WITH_TARGET = {
    ProgramType.KPROBE: (
        "kprobe uprobe uprobe.s kretprobe uretprobe uretprobe.s kprobe.multi kretprobe.multi kprobe.session "
        "uprobe.multi uretprobe.multi uprobe.session uprobe.multi.s uretprobe.multi.s uprobe.session.s "
        "ksyscall kretsyscall usdt usdt.s"
    ),
    ProgramType.TRACEPOINT: "tracepoint tp tracepoint.s tp.s",
    ProgramType.RAW_TRACEPOINT: "raw_tracepoint raw_tp raw_tracepoint.s raw_tp.s",
    ProgramType.RAW_TRACEPOINT_WRITABLE: "raw_tracepoint.w raw_tp.w",
    ProgramType.TRACING: (
        "tp_btf tp_btf.s fentry fentry.s fexit fexit.s fmod_ret fmod_ret.s fsession fsession.s "
        "fentry.multi fentry.multi.s fexit.multi fexit.multi.s fsession.multi fsession.multi.s iter iter.s"
    ),
    ProgramType.EXT: "freplace",
    ProgramType.LSM: "lsm lsm.s lsm_cgroup",
    ProgramType.STRUCT_OPS: "struct_ops struct_ops.s",
}
# Whole names.
_WHOLE = {
    ProgramType.SOCKET_FILTER: "socket",
    ProgramType.SK_REUSEPORT: "sk_reuseport/migrate sk_reuseport",
    ProgramType.SCHED_CLS: (
        "tc/ingress tc/egress tcx/ingress tcx/egress tc classifier netkit/primary netkit/peer"
    ),
    ProgramType.SCHED_ACT: "action",
    ProgramType.SYSCALL: "syscall",
    ProgramType.XDP: "xdp.frags/devmap xdp/devmap xdp.frags/cpumap xdp/cpumap xdp.frags xdp",
    ProgramType.PERF_EVENT: "perf_event",
    ProgramType.LWT_IN: "lwt_in",
    ProgramType.LWT_OUT: "lwt_out",
    ProgramType.LWT_XMIT: "lwt_xmit",
    ProgramType.LWT_SEG6LOCAL: "lwt_seg6local",
    ProgramType.SOCK_OPS: "sockops",
    ProgramType.SK_SKB: "sk_skb/stream_parser sk_skb/stream_verdict sk_skb/verdict sk_skb",
    ProgramType.SK_MSG: "sk_msg",
    ProgramType.LIRC_MODE2: "lirc_mode2",
    ProgramType.FLOW_DISSECTOR: "flow_dissector",
    ProgramType.CGROUP_SKB: "cgroup_skb/ingress cgroup_skb/egress cgroup/skb",
    ProgramType.CGROUP_SOCK: (
        "cgroup/sock_create cgroup/sock_release cgroup/sock cgroup/post_bind4 cgroup/post_bind6"
    ),
    ProgramType.CGROUP_SOCK_ADDR: (
        "cgroup/bind4 cgroup/bind6 cgroup/connect4 cgroup/connect6 cgroup/connect_unix cgroup/sendmsg4 "
        "cgroup/sendmsg6 cgroup/sendmsg_unix cgroup/recvmsg4 cgroup/recvmsg6 cgroup/recvmsg_unix "
        "cgroup/getpeername4 cgroup/getpeername6 cgroup/getpeername_unix cgroup/getsockname4 "
        "cgroup/getsockname6 cgroup/getsockname_unix"
    ),
    ProgramType.CGROUP_SYSCTL: "cgroup/sysctl",
    ProgramType.CGROUP_SOCKOPT: "cgroup/getsockopt cgroup/setsockopt",
    ProgramType.CGROUP_DEVICE: "cgroup/dev",
    ProgramType.SK_LOOKUP: "sk_lookup",
    ProgramType.NETFILTER: "netfilter",
}


def _by_name(table: dict[ProgramType, str]) -> dict[str, ProgramType]:
    return {name: type_ for type_, names in table.items() for name in names.split()}


_TYPES_WITH_TARGET, _TYPES_OF_WHOLE = _by_name(_WITH_TARGET), _by_name(_WHOLE)


def parse(name: str) -> SectionName:
    """Return what the name of an ELF section says about the programs in it."""
    autoload = not name.startswith("?")
    name = name if autoload else name[1:]
    if (type_ := _TYPES_OF_WHOLE.get(name)) is not None:
        return SectionName(name, autoload, type_, name, None)
    spelling, slash, target = name.partition("/")
    if (type_ := _TYPES_WITH_TARGET.get(spelling)) is not None:
        return SectionName(name, autoload, type_, spelling, target if slash else None)
    return SectionName(name, autoload, ProgramType.UNSPEC, name, None)
