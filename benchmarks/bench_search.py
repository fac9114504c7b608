"""Searches through all types: by a pattern of names, by use, and by the name of a member."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable

from support.harness import MANY, SOME, Comparison, Run, Workload, compare, repeated
from support.kernel_btf import KernelBtf
from support.report import report

import btfmmap


def measure_globs(btf: KernelBtf) -> Comparison:
    """Globs, beside a loop over the names."""
    opened = btfmmap.open(btf.path)
    names = opened.names()
    accepts = re.compile(fnmatch.translate("tcp_*")).match

    def in_a_loop() -> object:
        return [type_id for type_id, name in enumerate(names) if name and accepts(name)]

    def glob(pattern: str) -> Workload:
        return repeated(f"`match({pattern!r})`", lambda: opened.match(pattern), MANY)

    loop = repeated("`re` on each of `names()`, made before", in_a_loop, SOME)
    others = [glob(pattern) for pattern in ("*_ops", "*sk_buff*", "[a-c]?*_ops", "struct tcp_*")]
    return compare("Types whose name matches a glob", glob("tcp_*"), [*others, loop])


def measure_expressions(btf: KernelBtf) -> Comparison:
    """Regular expressions, beside a loop over the names."""
    opened = btfmmap.open(btf.path)
    names = opened.names()
    search = re.compile("^tcp_").search

    def in_a_loop() -> object:
        return [type_id for type_id, name in enumerate(names) if name and search(name)]

    def expression(text: str) -> Workload:
        return repeated(f"`match({text!r}, regex=True)`", lambda: opened.match(text, regex=True), MANY)

    loop = repeated("`re` on each of `names()`, made before", in_a_loop, SOME)
    others = [expression(text) for text in ("_ops$", "(sk|net)_buff", "[0-9]{3}", r"\bfoo")]
    return compare("Types whose name matches a regular expression", expression("^tcp_"), [*others, loop])


def measure_users(btf: KernelBtf) -> Comparison:
    """Ours alone: no peer has this search."""
    opened = btfmmap.open(btf.path)

    def first() -> Run:
        fresh = btfmmap.open(btf.path)
        return lambda: fresh.users("list_head")

    def users(name: str) -> Workload:
        return repeated(
            f"`users({name!r})`, {len(opened.users(name)):,} of them", lambda: opened.users(name), MANY
        )

    fresh = Workload("`users('list_head')` of an open `Btf`, graph included", first, MANY)
    return compare("Users of a type", users("list_head"), [users("sk_buff"), users("pid_t"), fresh])


def measure_members(btf: KernelBtf) -> Comparison:
    """Members of a name, beside a loop over the names of all members."""
    opened = btfmmap.open(btf.path)
    names = opened.strings(opened.members.name_off)

    def members(name: str) -> Callable[[], object]:
        return lambda: opened.find_members(name)

    loop = repeated(
        "rows in a loop over `strings()`, made before", lambda: [n for n in names if n == "pid"], MANY
    )
    ours = repeated("`find_members('pid')`", members("pid"), MANY)
    return compare(
        "Members of a name", ours, [repeated("`find_members('flags')`", members("flags"), MANY), loop]
    )


if __name__ == "__main__":
    report([measure_globs, measure_expressions, measure_users, measure_members])
