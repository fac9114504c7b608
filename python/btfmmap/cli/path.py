"""Find the way from a type to another one through pointers, or check such a path.

With two types, prints the shortest paths from the first to the second. With --from-functions, prints the
parameters of functions that are closest to a type. With an expression of C, prints its offsets and type, or
points at what is wrong. With --kernels, checks expressions on each of them; the exit code is 2 if a kernel
does not open, otherwise 1 if an expression breaks.

Offsets are those of the pointers that are read, each from where the one before leads, and of the value. A
bitfield has its first bit in the byte, 128:5, unless that is 0, and its size after the type, __u8:2. A member
of a union is marked: the path holds only while it is the active one. Array indices that the path does not fix
are printed as i, j and so on.

    btfmmap path sk_buff task_struct
    btfmmap path --from-functions 'tcp_*' cgroup
    btfmmap path 'task_struct.mm->owner->comm' --bpf
    btfmmap path 'skb->cb[4]' --variable 'skb=struct sk_buff *'
    btfmmap path 'task_struct.mm->owner->comm' --kernels kernels
"""

from __future__ import annotations

from .. import ExpressionError, NotFoundError
from .common import (
    WrongUsageError,
    add_json,
    add_limit,
    add_source,
    complain,
    find_type,
    open_source,
    print_columns,
    print_document,
    printable,
    wrong_usage,
)
from .exit_codes import WANTING
from .member_text import marked, offsets_text, type_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from .. import Btf, Plan, Type

_LIMIT = 20  # of paths, by default
_MOST_POINTERS = 8  # that the search goes on to, to say how far it is


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "words", nargs="+", metavar="TYPE", help="a type and the one to reach; or an expression"
    )
    parser.add_argument(
        "--from-functions",
        action="append",
        metavar="GLOB",
        help="start from the parameters of functions with such names; may be repeated",
    )
    parser.add_argument(
        "-p",
        "--max-pointers",
        type=_count,
        default=4,
        metavar="N",
        help="greatest number of pointers to follow; default: 4",
    )
    add_limit(parser, "paths", default=_LIMIT)
    parser.add_argument("--up", action="store_true", help="also lead up from members, as container_of does")
    parser.add_argument(
        "--avoid",
        action="append",
        default=[],
        metavar="NAME",
        help="type or member (task_struct.parent) that paths must not pass; may be repeated",
    )
    parser.add_argument(
        "--variable",
        action="append",
        default=[],
        type=_variable,
        metavar="NAME=TYPE",
        help="type of a variable in the expression; may be repeated",
    )
    parser.add_argument(
        "--kernels",
        nargs="+",
        action="extend",
        metavar="KERNEL",
        help="check expressions on these: files with BTF, globs, folders of these, or of a kernel",
    )
    spelling = parser.add_mutually_exclusive_group()
    spelling.add_argument("--bpf", action="store_true", help="print the paths with BPF_CORE_READ")
    spelling.add_argument("--bpftrace", action="store_true", help="print the paths for bpftrace")
    add_source(parser)
    add_json(parser, "an object with the paths")


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


_count.__name__ = "count"  # in argparse's messages


def _variable(text: str) -> tuple[str, str]:
    name, _, type_ = text.partition("=")
    if not name or not type_:
        wrong_usage(f"{text!r} is not NAME=TYPE")
    return name, type_


def run(args: argparse.Namespace) -> int | None:
    if args.kernels:
        return _on_kernels(args)
    with open_source(args) as btf:
        limit: int | None = args.limit or None
        try:
            # One more, to know whether there are more.
            plans = _plans(btf, args, limit and limit + 1)
        except ExpressionError as error:
            _explain(error)
            return WANTING
        has_more = limit is not None and len(plans) > limit
        if has_more:
            del plans[limit:]
        if args.json:
            print_document("path", 1, paths=[_facts(plan) for plan in plans], more=has_more)
        elif plans:
            _print(plans, args)
            if has_more and limit == _LIMIT:
                complain(f"there are more than {limit} paths; -n sets how many are printed")
        else:
            raise NotFoundError(_why_none(btf, args))
    return None


def _on_kernels(args: argparse.Namespace) -> int:
    if args.file or args.sample or args.from_functions or args.bpf or args.bpftrace:
        raise WrongUsageError(
            "--kernels is for expressions, without --file, --sample, --from-functions, --bpf and --bpftrace"
        )
    if len(args.words) > 1 and all(map(_is_name, args.words)):
        raise WrongUsageError(
            f"--kernels checks expressions, such as {args.words[0]}.MEMBER, and not paths between types"
        )
    from .path_kernels import report

    try:
        return report(args.words, args.kernels, dict(args.variable), json=args.json)
    except ExpressionError as error:
        _explain(error)
        return WANTING


def _is_name(word: str) -> bool:
    """Whether a word is the name of a type, perhaps after a keyword, and not an expression with members."""
    return word.rpartition(" ")[2].isidentifier()


def _explain(error: ExpressionError) -> None:
    """Print what is wrong with an expression, and where."""
    complain(error.reason)
    for line in str(error).splitlines()[-2:]:
        complain(line)
    word = error.expression[error.start : error.end]
    if error.reason.startswith("no type, function or variable named") and word.isidentifier():
        complain(f"if it is a variable, give its type: --variable '{word}=struct TYPE *'")


def _plans(btf: Btf, args: argparse.Namespace, limit: int | None) -> list[Plan]:
    words: list[str] = args.words
    options: dict[str, Any] = {
        "max_pointers": args.max_pointers,
        "limit": limit,
        "up": args.up,
        "avoid": args.avoid,
    }
    if args.variable and (args.from_functions or len(words) != 1):
        raise WrongUsageError("--variable is for an expression")
    if args.from_functions:
        if len(words) != 1:
            raise WrongUsageError("--from-functions takes one type, the one to reach")
        target = _find_type(btf, words[0])
        return btf.closest(target, from_functions=args.from_functions, **options)
    if len(words) > 2:
        raise WrongUsageError("expected two types, or one expression: quote it")
    if len(words) == 2:
        if all(("." in word or "->" in word) and not btf.find_all(word) for word in words):
            raise WrongUsageError("two expressions: give one, or add --kernels")
        start, target = (_find_type(btf, word) for word in words)
        if btf.kind_names([start.id]) == ["FUNC"]:
            raise WrongUsageError(
                f"{words[0]} is a function; its parameters: --from-functions {words[0]} {words[1]}"
            )
        return btf.paths(start, target, **options)
    return [btf.path(words[0], variables=dict(args.variable))]


def _find_type(btf: Btf, word: str) -> Type:
    """Find a type. If the word may start with a variable, the error says how to give its type."""
    try:
        return find_type(btf, word, "find_member")
    except NotFoundError as error:
        from .suggestions import variable_advice

        advice = variable_advice(btf, word)
        raise NotFoundError(f"{error}; {advice}" if advice else str(error)) from None


def _why_none(btf: Btf, args: argparse.Namespace) -> str:
    """The message that there is no path. Says how many pointers the shortest one has."""
    what = f"no path to {args.words[-1]} with at most {args.max_pointers} pointers"
    args.max_pointers = max(_MOST_POINTERS, args.max_pointers)
    nearest = _plans(btf, args, 1)
    if nearest:
        return f"{what}; the shortest has {nearest[0].pointers}: --max-pointers {nearest[0].pointers}"
    return what


def _print(plans: list[Plan], args: argparse.Namespace) -> None:
    if args.bpf or args.bpftrace:
        for plan in plans:
            code = plan.to_core_read() if args.bpf else plan.to_bpftrace()
            function = plan.start.rpartition(".")[0] if args.from_functions else ""
            print(printable(f"{code}  // {function}" if function else code))
        return
    lines: list[tuple[str, ...]] = [("pointers", "offsets", "type", "path")]
    for plan in plans:
        lines.append(
            (
                str(plan.pointers),
                offsets_text(plan.offsets, plan.bit_offset),
                printable(type_text(_type_name(plan), plan.bitfield_size)),
                printable(marked(plan.expression, plan.unions)),
            )
        )
    print_columns(lines, (True, False, False, False))


def _type_name(plan: Plan) -> str:
    """The type of the value in C. That of `container_of` is a pointer."""
    is_pointer = bool(plan.hops) and plan.hops[-1].kind == "container"
    return f"{plan.type.c_name} *" if is_pointer else plan.type.c_name


def _facts(plan: Plan) -> dict[str, Any]:
    return {
        "expression": plan.expression,
        "c": plan.to_c(),
        "core_read": plan.to_core_read(),
        "bpftrace": plan.to_bpftrace(),
        "type": _type_name(plan),
        "type_id": plan.type.id,
        "pointers": plan.pointers,
        "offsets": plan.offsets,
        "bit_offset": plan.bit_offset,
        "bitfield_size": plan.bitfield_size,
        "unions": plan.unions,
        "hops": [{**hop._asdict(), "type": hop.type.c_name, "type_id": hop.type.id} for hop in plan.hops],
    }
