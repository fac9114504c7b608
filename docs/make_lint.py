# ruff: noqa: E501 (lines of the page)
"""Writes docs/lint.md: the rules of lint.

Errors and notes are described in the docstring of Diagnostic, the rules of the kernel in the table in
csrc/core/kernel_rules/rules.cpp.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from btfmmap import Diagnostic, _core

PAGE = Path(__file__).with_name("lint.md")

TOP = """\
# The rules of lint

`btfmmap lint` and `btfmmap.lint` list what keeps btfmmap from opening a BTF (errors), and what is invalid or unusual in
it (notes). A note can be a reason for the kernel to refuse the BTF: a note of the rule `kernel`, and the last line of
the command, say whether Linux {version} does. With `--kernel` or `rules="kernel"`, these reasons are the errors.

The command exits with 1 if there are errors, and with 0 if there are only notes. It prints 10 lines for each rule and
the number of others; `--limit 0` prints all, and `--json` always has all. Offsets are those in the BTF, not in the file
that contains it. Errors come first, then notes, each in the order of the BTF.

{rules}
"""

HEAD = """\
## The rules of the kernel

Linux checks BTF before it takes it: that of a program when `bpf(BPF_BTF_LOAD)` loads it, that of a module with the
module. `btfmmap lint --kernel` and `btfmmap.lint(..., rules="kernel")` apply these rules, those of `kernel/bpf/btf.c`
in Linux {version}, to any file, without privileges. All violations are listed, in the order in which the kernel looks
for them, so that the first one is its reason. No violation means that the kernel takes the BTF.

- A standalone BTF is judged like a program's, with all rules. The kernel's own BTF is held to fewer, but keeps to all.
- A split BTF is judged like a module's on its base: only records and chains of type tags, not what they refer to.
- A BPF object (ELF machine 247) is judged as libbpf 1.8 loads it. It sets sizes of sections and offsets of variables,
  which compilers leave 0, makes external functions and variables acceptable, and leaves out the layout section. With
  `--raw`, the bytes are judged as they are.
- Bytes that are neither BTF nor a file that may contain it are judged too: they break the rule `magic`.
- Byte order and pointer size are those of the file.

After a violation, the rest is judged as far as it can be read. What depends on a type at fault is not reported.

*Where* is the function of the kernel's source, or one of several with the same rule. *Log* is what the kernel writes
into the log of `BPF_BTF_LOAD`; some violations have no words there.

| rule | kinds | what must hold | where | log |
|---|---|---|---|---|
"""

TAIL = """
## What is not judged

Some refusals do not depend on the BTF alone. `lint` does not report them:

| refusal | reason |
|---|---|
| no memory (`ENOMEM`) | the machine's |
| no privilege (`EPERM`) | the caller's, and the settings of the kernel |
| the log does not fit (`ENOSPC`) | the caller's buffer |
| the type of a referenced kernel pointer (`kptr`) has no destructor (`ENOENT`) | the running kernel and its modules register destructors for some of their types |
| another byte order than the machine's (`Invalid magic`) | the file is judged in its own byte order |
| a FLOAT or pointer that fits only with 4-byte pointers | the file is judged with its own pointer size |
| kinds that an older kernel does not know | the rules are those of Linux {version} |

BTF with more than 1,048,575 types is taken as the kernel takes it: types past that number are dropped without an error,
and do not exist for those that refer to them.
"""


def cell(text: str) -> str:
    """Text that may stand in a cell."""
    return text.replace("|", "<br>")


def errors_and_notes() -> str:
    """The rules without those of the kernel: a section each for errors and notes."""
    assert Diagnostic.__doc__ is not None
    text = inspect.cleandoc(Diagnostic.__doc__)
    start, end = text.index("Rules of errors:"), text.index("The rules of the kernel, which")
    text = re.sub(r"^Rules of (\w+):$", r"## Rules of \1", text[start:end].rstrip(), flags=re.MULTILINE)
    return re.sub(r'"([a-z-]+)"', r"`\1`", text)


def page() -> str:
    """The text of the page."""
    rows = []
    for name, kinds, text, function, log in _core.kernel_rules():
        words = {"": "header", "*": "all"}.get(kinds) or ", ".join(kinds.split())
        where = function.partition(" (")
        place = f"`{where[0]}`{where[1]}{where[2]}"
        logged = "<br>".join(f"`{each}`" for each in log.split("|")) if log else ""
        rows.append(f"| `{name}` | {words} | {cell(text)} | {place} | {logged} |\n")
    version = _core.kernel_rules_version()
    return (
        TOP.format(version=version, rules=errors_and_notes())
        + HEAD.format(version=version)
        + "".join(rows)
        + TAIL.format(version=version)
    )


if __name__ == "__main__":
    PAGE.write_text(page())
