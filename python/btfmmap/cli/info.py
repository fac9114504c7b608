"""Summarise a BTF.

Prints how it was opened, its sections, the numbers of types of each kind, of members, parameters and
enumerators, and the biggest structs.

    btfmmap info
    btfmmap info vmlinux.btf --json
    btfmmap info /boot/vmlinuz
    btfmmap info ext4.ko.xz --base vmlinux.btf
    xz -dc vmlinux.btf.xz | btfmmap info -
"""

from __future__ import annotations

import os
import time

from .. import open as open_btf
from .common import (
    add_base,
    add_file,
    add_json,
    file_path,
    open_base,
    printable,
    reading,
    report_units,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from .. import Btf

BIGGEST = 10
# Names of kinds that are in linux-next only.
_UPCOMING = {"UNKNOWN_20": "LOC_PARAM", "UNKNOWN_21": "LOC_PROTO", "UNKNOWN_22": "LOCSEC"}
_COUNTS = ("types", "kinds", "members", "params", "enumerators", "secinfos")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_file(parser, ": raw, ELF (a module, vmlinux, a BPF object), vmlinuz or compressed", by_id=True)
    add_base(parser)
    add_json(parser, "an object")


def run(args: argparse.Namespace) -> None:
    path = file_path(args)
    base = open_base(args.base)
    opened, seconds = open_timed(path, args.id, base, args.unit or 0)
    with opened as btf:
        if args.unit is None:
            report_units(btf, "--unit N opens another")
        facts = collect(btf, seconds)
    if args.json:
        import json

        print(json.dumps(facts, indent=2))
    else:
        print(render(facts))


def open_timed(path: str | None, btf_id: int | None, base: Btf | None, unit: int) -> tuple[Btf, float]:
    """Open a BTF and measure the time in seconds, without the time for its base."""
    start = time.perf_counter()
    btf = reading(open_btf, path, id=btf_id, base=base, unit=unit)
    seconds = time.perf_counter() - start
    if base is None and btf.base is not None and btf.base.source.path != btf.source.path:
        # `open` found the base and opened it as well. A distilled base is in the same file and is included.
        return open_timed(path, btf_id, btf.base, unit)
    return btf, seconds


def collect(btf: Btf, open_seconds: float) -> dict[str, Any]:
    """The object printed by `--json`."""
    counts = btf.summary(BIGGEST)
    return {
        "source": btf.source._asdict(),
        "open_ms": round(open_seconds * 1e3, 3),
        "header": btf.header,
        "distilled": btf.distilled,
        "base": btf.base and btf.base.source.path,
        "base_distilled": btf.base is not None and btf.base.distilled,
        "first_id": btf.first_id,
        "inline": _inline(btf.source.path),
        **{name: counts[name] for name in _COUNTS},
        "ext": btf.ext
        and {
            "func_info": len(btf.ext.func_info),
            "line_info": len(btf.ext.line_info),
            "core_relo": len(btf.ext.core_relo),
        },
        "strings": counts["strings"],
        "biggest_structs": counts["biggest_structs"],
    }


def _inline(path: str | None) -> str | None:
    """The file that continues this one with the locations of inlined functions, if there is one."""
    beside = f"{path}.inline"
    return beside if path is not None and os.path.isfile(beside) else None


def _kind(name: str) -> str:
    upcoming = _UPCOMING.get(name)
    return name if upcoming is None else f"{name} ({upcoming})"


def render(facts: dict[str, Any]) -> str:
    source, header = facts["source"], facts["header"]
    of_units = f", unit {source['unit']} of {source['units']:,} BTFs" if source["units"] > 1 else ""
    sections = [
        ("opened", f"{source['how']}, checked and indexed in {facts['open_ms']:.1f} ms"),
        ("size", f"{source['size']:,} bytes{of_units}"),
        ("data", f"{source['byte_order']}-endian, {source['pointer_size']}-byte pointers"),
        ("header", f"{header['hdr_len']} bytes, version {header['version']}, flags {header['flags']}"),
        ("types", f"{facts['types']:,} in {header['type_len']:,} bytes"),
        ("strings", f"{facts['strings']:,} in {header['str_len']:,} bytes"),
    ]
    if facts["distilled"]:
        sections.insert(2, ("kind", "a distilled base: names, kinds and sizes, no members"))
    if facts["base"]:
        distilled = " (distilled: names, kinds and sizes, no members)" if facts["base_distilled"] else ""
        sections.insert(
            2, ("base", f"{printable(facts['base'])}{distilled}, so type ids start at {facts['first_id']:,}")
        )
    if source["containers"]:
        sections.insert(1, ("inside", ", ".join(source["containers"])))
    if facts["ext"]:
        sections.append(("ext", ", ".join(f"{count:,} {name}" for name, count in facts["ext"].items())))
    if header["layout_len"]:
        sections.append(("layout", f"{header['layout_len']:,} bytes"))
    if facts["inline"]:
        sections.append(
            ("inline", f"{printable(facts['inline'])} has the inlined functions, as split BTF on this")
        )
    kinds = [(_kind(name), f"{count:,}") for name, count in facts["kinds"].items() if count]
    children = [
        ("members", f"{facts['members']:,}"),
        ("parameters", f"{facts['params']:,}"),
        ("enumerators", f"{facts['enumerators']:,}"),
        ("section entries", f"{facts['secinfos']:,}"),
    ]
    biggest = [(f"{row['size']:,}", printable(row["name"]) or "(anon)") for row in facts["biggest_structs"]]
    numbers = max(len(count) for _, count in kinds + children)
    names = max(len(name) for name, _ in kinds + children)
    sizes = max((len(size) for size, _ in biggest), default=0)
    return "\n".join(
        [
            printable(source["path"]),
            *(f"  {label:<8} {text}" for label, text in sections),
            "",
            "types by kind",
            *(f"  {name:<{names}} {count:>{numbers}}" for name, count in kinds),
            "",
            "contents of types",
            *(f"  {name:<{names}} {count:>{numbers}}" for name, count in children),
            "",
            "biggest structs, bytes",
            *(f"  {size:>{sizes}} {name}" for size, name in biggest),
        ]
    )
