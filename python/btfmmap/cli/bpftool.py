"""Understand bpftool's words for a dump, so that scripts change one word. As there, options may stand
anywhere, and words may be cut short.

btfmmap btf dump file vmlinux format c
btfmmap -j -B vmlinux.btf btf dump file ext4.ko root_id 150000
btfmmap -p bt d i 42
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_NAMES = ("btf", "bt")  # what "b" alone begins is bpftool's batch
_OPTIONS = {"-j": "json", "--json": "json", "-p": "pretty", "--pretty": "pretty"}


def translated(words: Sequence[str]) -> list[str]:
    """The words of `btfmmap dump` for those of `bpftool [OPTIONS] btf dump SOURCE ...`; other words as they
    are. Raises `ValueError`, with what is understood, where they start like that and then go wrong."""
    if not words or not (words[0] in _NAMES or (words[0][0:1] == "-" and not {*_NAMES}.isdisjoint(words))):
        return list(words)
    import getopt

    try:
        given, rest = getopt.gnu_getopt(list(words), "jpB:", ["json", "pretty", "base-btf="])
    except getopt.GetoptError as error:
        raise ValueError(f"{error}; of bpftool's options -j, -p and -B BASE are understood") from None
    if not rest or rest[0] not in _NAMES:
        return list(words)
    output = {_OPTIONS[option] for option, _ in given if option in _OPTIONS}
    options = [
        word for option, value in given if option in ("-B", "--base-btf") for word in ("--base", value)
    ]

    if len(rest) < 4 or not _is("dump", rest[1]) or not (_is("file", rest[2]) or _is("id", rest[2])):
        raise ValueError(
            "of bpftool's btf commands 'btf dump file FILE' and 'btf dump id ID' are understood; "
            "btfmmap loaded lists BTF objects"
        )
    source = ["--", rest[3]]
    if _is("id", rest[2]):
        source = ["--id", str(_number(rest[3]))]
    return ["dump", *options, *_filters(rest[4:], output), *source]


def _filters(words: list[str], output: set[str]) -> list[str]:
    """What follows the source."""
    options: list[str] = []
    format_ = "raw"
    while words:
        word = words.pop(0)
        if _is("unsorted", word):
            options.append("--unsorted")
        elif _is("file", word):
            raise ValueError("several files at once, which bpftool merges, are not understood")
        elif _is("format", word) and words and words[0] in ("raw", "c"):
            format_ = words.pop(0)
        elif _is("format", word):
            raise ValueError("after 'format' stands raw or c")
        elif _is("root_id", word) and words:
            options += ["--root", str(_number(words.pop(0)))]
        else:
            raise ValueError(f"'{word}' is none of format raw|c, root_id ID and unsorted")
    if format_ == "c" and output:
        raise ValueError("a C header is no JSON: 'format c' goes without -j and -p")
    if output:
        options += ["--format", "json"] + (["--pretty"] if "pretty" in output else [])
    return [*options, "--format", "c"] if format_ == "c" else options


def _is(whole: str, word: str) -> bool:
    return word != "" and whole.startswith(word)


def _number(word: str) -> int:
    """In C's spelling, as bpftool's strtoul reads it."""
    try:
        return int(word, 8 if word.isdecimal() and word[0] == "0" else 0)
    except ValueError:
        raise ValueError(f"{word!r} is no id") from None
