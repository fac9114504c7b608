"""List the BTF objects loaded in the running kernel.

These are the BTF of the kernel, of its modules and of loaded BPF programs; btfmmap info --id ID opens one.
The kernel requires CAP_SYS_ADMIN, so run it as root.

    sudo btfmmap loaded
    sudo btfmmap loaded --json
"""

from __future__ import annotations

from .. import loaded
from .common import add_json, reading

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
