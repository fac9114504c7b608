"""Completions for bash, zsh and fish: those of shtab, with the names of types from the BTF that is read."""

from __future__ import annotations

import argparse

import shtab
from command_parsers import full_parser, subparsers

import btfmmap

SHELLS = ("bash", "zsh", "fish")

_FILES = {"BASE", "FILE", "KERNEL", "OBJECT"}
_FOLDERS = {"FOLDER"}
_TYPES = {"PATTERN", "TYPE"}

# Prints distinct names of types, or none if there are too many to choose from. A file may have any bytes as
# names, so only identifiers are offered.
_NAMES = """awk '
    NF == 3 && $3 ~ /^[A-Za-z_][A-Za-z0-9_]*$/ && !seen[$3]++ { names[count++] = $3; if (count > 10000) exit }
    END { if (count <= 10000) for (i = 0; i < count; i++) print names[i] }
  '"""

# Each passes on the options that select the input. One letter would find thousands of names.
_TYPES_OF_SHELL = {
    "bash": f"""\
_btfmmap_types() {{
  local -a input=()
  local index
  [[ $1 =~ ^[A-Za-z_][A-Za-z0-9_]+$ ]] || return 0
  for ((index = 1; index < COMP_CWORD; index++)); do
    case ${{COMP_WORDS[index]}} in
      --sample) input+=(--sample) ;;
      -f | --file | -B | --base | --unit)
        input+=("${{COMP_WORDS[index]}}" "${{COMP_WORDS[index + 1]/#\\~\\//$HOME/}}")
        ;;
    esac
  done
  "${{COMP_WORDS[0]/#\\~\\//$HOME/}}" find "$1*" "${{input[@]}}" 2>/dev/null | {_NAMES}
}}
""",
    "zsh": f"""\
_btfmmap_types() {{
  local -a input names
  local index word
  local program=${{_comp_command1:-btfmmap}}
  [[ $PREFIX =~ '^[A-Za-z_][A-Za-z0-9_]+$' ]] || return 0
  for ((index = 1; index < CURRENT; index++)); do
    case $words[index] in
      --sample) input+=(--sample) ;;
      -f | --file | -B | --base | --unit)
        word=${{(Q)words[index + 1]}}
        input+=($words[index] "${{word/#\\~\\//$HOME/}}")
        ;;
    esac
  done
  names=(${{(f)"$("${{program/#\\~\\//$HOME/}}" find "$PREFIX*" $input 2>/dev/null | {_NAMES})"}})
  compadd -a names
}}
""",
    "fish": f"""\
function _btfmmap_types
  set -l tokens (commandline -opc | string replace -r '^~/' "$HOME/")
  set -l start (commandline -ct)
  set -l input
  string match -qr '^[A-Za-z_][A-Za-z0-9_]+$' -- $start; or return 0
  for index in (seq 2 (count $tokens))
    switch $tokens[$index]
      case --sample
        set -a input --sample
      case -f --file -B --base --unit
        set -a input $tokens[$index] $tokens[(math $index + 1)]
    end
  end
  $tokens[1] find "$start*" $input 2>/dev/null | {_NAMES}
end
""",
}
# __fish_complete_path does not know a home folder.
_FILES_OF_FISH = """\
function _btfmmap_files
  set -l start (commandline -ct)
  if string match -q '~/*' -- $start
    __fish_complete_path (string replace '~' $HOME -- $start) | string replace $HOME '~'
  else
    __fish_complete_path $start
  end
end
"""
_FILES_COMPLETION: dict[str, str | dict[str, str]] = {
    **shtab.FILE,
    "fish": "(_btfmmap_files)",
    "preamble": {"fish": _FILES_OF_FISH},
}
_TYPES_COMPLETION: dict[str, str | dict[str, str]] = {
    "bash": "_btfmmap_types",
    "zsh": "_btfmmap_types",
    "fish": "(_btfmmap_types)",
    "preamble": _TYPES_OF_SHELL,
}


def _prepare(command: str, action: argparse.Action) -> None:
    """Say how the values of an argument are completed, in the way that shtab reads."""
    placeholder = action.metavar or action.dest.upper()
    if placeholder in _FILES:
        action.complete = _FILES_COMPLETION  # type: ignore[attr-defined]
    elif placeholder in _FOLDERS:
        action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    elif placeholder in _TYPES:
        action.complete = _TYPES_COMPLETION  # type: ignore[attr-defined]
    elif placeholder == "KIND":
        kinds = btfmmap.EntityKind if command == "diff" else btfmmap.Kind
        action.choices = [kind.name.lower() for kind in kinds]
    elif placeholder == "ROLE":
        action.choices = [role.name.lower() for role in btfmmap.Role]


def completion(shell: str) -> str:
    """The completions for a shell.

    Args:
        shell: One of `SHELLS`.
    """
    parser = full_parser()
    for command, subparser in subparsers(parser).items():
        for action in subparser._actions:
            _prepare(command, action)
    text = shtab.complete(parser, shell)
    if shell == "zsh":  # shtab completes only the first of several positional arguments
        text = text.replace('"(*):', '"*:')
    return text.rstrip("\n") + "\n"
