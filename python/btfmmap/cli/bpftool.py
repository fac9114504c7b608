"""Translates bpftool's commands, so that scripts only need to replace the program name.

As in bpftool, options may be anywhere, and words may be abbreviated:

    btfmmap btf dump file vmlinux format c
    btfmmap -j -B vmlinux.btf btf dump file ext4.ko root_id 150000
    btfmmap -p bt d i 42
    btfmmap gen min_core_btf vmlinux.btf min.btf prog.bpf.o
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_NAMES = ("btf", "bt")  # "b" alone is bpftool's batch
_GEN = ("gen", "ge", "g")
_MIN_CORE = "min_core_btf"
_OPTIONS = {"-j": "json", "--json": "json", "-p": "pretty", "--pretty": "pretty"}


def translated(words: Sequence[str]) -> list[str]:
    """Translate bpftool's arguments.

    `[OPTIONS] btf dump SOURCE ...` becomes the arguments of `btfmmap dump`, and
    `gen min_core_btf INPUT OUTPUT OBJECT...` those of `btfmmap min-core`. Other arguments are returned
    unchanged.

    Raises:
        ValueError: The arguments start like those of bpftool but are not valid. Names what is supported.
    """
    if words and words[0] in _GEN:
        return _generated(words[1:])
    if not words or not (words[0] in _NAMES or (words[0][0:1] == "-" and not {*_NAMES}.isdisjoint(words))):
        return list(words)
    import getopt

    try:
        given, rest = getopt.gnu_getopt(list(words), "jpB:", ["json", "pretty", "base-btf="])
    except getopt.GetoptError as error:
        raise ValueError(f"{error}; supported bpftool options are -j, -p and -B BASE") from None
    if not rest or rest[0] not in _NAMES:
        return list(words)
    output = {_OPTIONS[option] for option, _ in given if option in _OPTIONS}
    options = [
        word for option, value in given if option in ("-B", "--base-btf") for word in ("--base", value)
    ]

    if len(rest) < 4 or not _is("dump", rest[1]) or not (_is("file", rest[2]) or _is("id", rest[2])):
        raise ValueError(
            "supported bpftool commands are 'btf dump file FILE' and 'btf dump id ID'; "
            "btfmmap loaded lists BTF objects"
        )
    source = ["--", rest[3]]
    if _is("id", rest[2]):
        source = ["--id", str(_number(rest[3]))]
    return ["dump", *options, *_filters(rest[4:], output), *source]


def _generated(words: Sequence[str]) -> list[str]:
    """Translate the arguments after `gen`."""
    if not {"-h", "--help"}.isdisjoint(words[:2]):
        return ["min-core", "--help"]
    if len(words) < 4 or not _is(_MIN_CORE, words[0]):
        raise ValueError(f"the supported bpftool command is 'gen {_MIN_CORE} INPUT OUTPUT OBJECT...'")
    source, output, *objects = words[1:]
    # A name that starts with "-" would be an option.
    source, *objects = [f"./{word}" if word.startswith("-") else word for word in (source, *objects)]
    return [
        *("min-core", "--byte-order", "host", f"--output-file={output}"),
        *("--objects", *objects, "--", source),
    ]


def _filters(words: list[str], output: set[str]) -> list[str]:
    """Translate the arguments after the source."""
    options: list[str] = []
    format_ = "raw"
    while words:
        word = words.pop(0)
        if _is("unsorted", word):
            options.append("--unsorted")
        elif _is("file", word):
            raise ValueError("several files, which bpftool merges, are not supported")
        elif _is("format", word) and words and words[0] in ("raw", "c"):
            format_ = words.pop(0)
        elif _is("format", word):
            raise ValueError("'format' must be followed by raw or c")
        elif _is("root_id", word) and words:
            options += ["--root", str(_number(words.pop(0)))]
        else:
            raise ValueError(f"unknown argument '{word}'; allowed are format raw|c, root_id ID and unsorted")
    if format_ == "c" and output:
        raise ValueError("'format c' cannot be combined with -j or -p, a C header is not JSON")
    if output:
        options += ["--format", "json"] + (["--pretty"] if "pretty" in output else [])
    return [*options, "--format", "c"] if format_ == "c" else options


def _is(whole: str, word: str) -> bool:
    return word != "" and whole.startswith(word)


def _number(word: str) -> int:
    """A number in C's notation, as parsed by bpftool's strtoul."""
    try:
        return int(word, 8 if word.isdecimal() and word[0] == "0" else 0)
    except ValueError:
        raise ValueError(f"{word!r} is not an id") from None
