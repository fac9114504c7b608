"""The fast parser gives the same arguments as argparse, and accepts common command lines."""

from __future__ import annotations

import contextlib
import io
import random
from importlib import import_module
from typing import Any

import pytest

from btfmmap.cli import COMMANDS
from btfmmap.cli.argparse_cli import parser_of
from btfmmap.cli.bpftool import translated
from btfmmap.cli.fast_args import FastParser, NeedsArgparse

EVERY_DAY = [
    "find task_struct",
    "find tcp_* --kind func --json",
    "find x -r -k func -f vmlinux.btf",
    "show task_struct",
    "show sk_buff --expand",
    "users sk_buff --role parameter -r return",
    "holes --top 10",
    "at sk_buff 0x70 8 16",
    "path sk_buff task_struct --max-pointers 5",
    "path cgroup --from-functions tcp_* --bpf",
    "path task_struct.mm->owner --json",
    "dtype tcp_info --omit-bitfields",
    "dump",
    "dump --format c",
    "dump ext4.ko -B a -B b --format json --pretty",
    "dump - --root 5 --root x -o out",
    "info",
    "info --sample",
    "info vmlinux --json",
    "lint vmlinux.btf",
    "lint two.elf --unit 1",
    "find x -f two.elf --unit 1",
    "diff a.btf b.btf",
    "diff a.btf b.btf --kind struct --only tcp_* --layout-only --fail-on layout",
    "loaded",
    "doctor --json",
    "btf dump file vmlinux format c",
    "-j btf dump file vmlinux",
]
WORDS = """
    x -1 0 5 0x10 - -- -f --file -B --base --json --js -k --kind func -r --regex --role -e --embedded --unit
    --format raw xml c --pretty --unsorted -o out --id 7 --sample --top -n 3 --expand -E --c
    --omit-bitfields --file=x -fx info build
"""


def fast(words: list[str]) -> dict[str, Any]:
    command = import_module(f"btfmmap.cli.{words[0].replace('-', '_')}")
    parser = FastParser()
    command.add_arguments(parser)
    return vars(parser.parse(words[1:]))


def full(words: list[str]) -> dict[str, Any] | None:
    """Arguments by argparse; None if it ends the process with an error or its help."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            arguments = vars(parser_of(words[:1]).parse_args(words))
        except SystemExit:
            return None
    arguments.pop("run")
    return arguments


@pytest.mark.parametrize("line", EVERY_DAY)
def test_every_day(line: str) -> None:
    words = translated(line.split())
    assert fast(words) == full(words)


def test_an_option_between_positional_arguments() -> None:
    words = ["corpus", "build", "OUT", "--jobs", "1", "a", "--json", "b"]
    between, after = full(words), full([*words[:3], "a", "b", "--jobs", "1", "--json"])
    assert after is not None
    assert after["inputs"] == ["a", "b"]
    assert between == after


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_that_argparse_refuses(command: str) -> None:
    chosen = random.Random(command)
    words_of_all = WORDS.split()
    taken = 0
    for _ in range(1500):
        words = [command, *chosen.choices(words_of_all, k=chosen.randrange(6))]
        try:
            found = fast(words)
        except NeedsArgparse:
            continue
        taken += 1
        assert found == full(words), words
    assert taken > 5
