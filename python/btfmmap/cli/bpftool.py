"""Understand bpftool's words for a dump, so that scripts change one word.

btfmmap btf dump file vmlinux format c
btfmmap -j -B vmlinux.btf btf dump file ext4.ko
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_FLAGS = {"-j": "json", "--json": "json", "-p": "pretty", "--pretty": "pretty"}


def translated(words: Sequence[str]) -> list[str]:
    """The words of `btfmmap dump` for those of `bpftool [OPTIONS] btf dump file FILE ...`; other words as
    they are. Raises `ValueError` where they start like that and then go wrong."""
    options: list[str] = []
    flags: set[str] = set()
    rest = list(words)
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        if word in _FLAGS:
            flags.add(_FLAGS[word])
        elif word in ("-B", "--base-btf") and rest:
            options += ["--base", rest.pop(0)]
        else:
            return list(words)
    if rest[:1] != ["btf"]:
        return list(words)
    if rest[1:3] != ["dump", "file"] or len(rest) < 4:
        raise ValueError("of bpftool's btf commands only 'btf dump file FILE' is understood")
    file, rest = rest[3], rest[4:]
    c = False
    while rest:
        word = rest.pop(0)
        if word == "format" and rest and rest[0] in ("raw", "c"):
            c = rest.pop(0) == "c"
        elif word == "root_id" and rest and rest[0].isdecimal():
            options += ["--root", rest.pop(0)]
        elif word == "unsorted":
            options.append("--unsorted")
        else:
            raise ValueError(f"'{word}' is not understood after btf dump file FILE")
    if c:
        options += ["--format", "c"]
    elif flags:
        options += ["--format", "json"] + (["--pretty"] if "pretty" in flags else [])
    return ["dump", *options, "--", file]
