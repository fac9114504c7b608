"""List the BTF objects loaded in the running kernel.

These are the BTF of the kernel, of its modules and of loaded BPF programs; btfmmap info --id ID opens one.
The kernel requires CAP_SYS_ADMIN, so run it as root.

    sudo btfmmap loaded
    sudo btfmmap loaded --json
"""

from __future__ import annotations

import os

from .. import KERNEL_BTF, loaded
from .common import add_json, printable, reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser, "a list of {id, name, size, kernel}")


def run(args: argparse.Namespace) -> None:
    objects = reading(loaded)
    if args.json:
        import json

        print(json.dumps([btf._asdict() for btf in objects], indent=2))
        return
    print(f"{'id':>6}  {'bytes':>10}  of       name")
    for btf in objects:
        print(f"{btf.id:>6}  {btf.size:>10,}  {'kernel ' if btf.kernel else 'program'}  {btf.name or '-'}")
    inline = inline_names(os.path.dirname(KERNEL_BTF), {btf.name for btf in objects if btf.kernel})
    if inline:
        print(f"Not loaded, but in {os.path.dirname(KERNEL_BTF)}: {', '.join(map(printable, inline))}")


def inline_names(folder: str, loaded_names: set[str]) -> list[str]:
    """The names of the files with the locations of inlined functions that are not loaded as BTF objects."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return sorted(name for name in names if name.endswith(".inline") and name not in loaded_names)
