"""Questions about many kernels without a corpus: a Parquet per kernel and table, or `bpftool -j`."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

from support.peer_bpftool import Bpftool

import btfmmap

_TABLES = ("types", "members", "params", "enumerators")


def write_naive(paths: Iterable[Path], folder: Path) -> None:
    """Write each table of each kernel to a file of its own, with names."""
    pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    for path in paths:
        with btfmmap.open(path) as btf:
            for table in _TABLES:
                columns = pyarrow.table(getattr(btf, table).with_names(btf))
                (folder / path.stem).mkdir(exist_ok=True)
                parquet.write_table(columns, folder / path.stem / f"{table}.parquet", compression="zstd")


def naive_member(folder: Path, parent: str, name: str) -> list[Any]:
    """The bit offset of a member in each kernel."""
    parquet = import_module("pyarrow.parquet")
    wanted = [("parent_name", "=", parent), ("name", "=", name)]
    return [
        parquet.read_table(path / "members.parquet", columns=["bit_offset"], filters=wanted).to_pylist()
        for path in sorted(folder.iterdir())
    ]


def naive_changes(folder: Path) -> int:
    """The number of structs whose size differs in the next kernel."""
    parquet = import_module("pyarrow.parquet")
    columns, wanted = ["name", "size_or_type"], [("kind", "=", int(btfmmap.Kind.STRUCT))]
    frames = [
        parquet.read_table(path / "types.parquet", columns=columns, filters=wanted).to_pandas()
        for path in sorted(folder.iterdir())
    ]
    return _changes(frames, "size_or_type")


def bpftool_member(paths: Iterable[Path], parent: str, name: str) -> list[Any]:
    """The bit offset of a member in each kernel."""
    found = []
    for path in paths:
        frame = _frame(path)
        members = frame[(frame["kind"] == "STRUCT") & (frame["name"] == parent)]["members"]
        found.append([each["bits_offset"] for row in members for each in row if each["name"] == name])
    return found


def bpftool_changes(paths: Iterable[Path]) -> int:
    """The number of structs whose size differs in the next kernel."""
    frames = (_frame(path) for path in paths)
    return _changes([frame[frame["kind"] == "STRUCT"][["name", "size"]] for frame in frames], "size")


def _frame(path: Path) -> Any:
    dump: Any = Bpftool().load(str(path))
    return import_module("pandas").DataFrame(dump["types"])


def _changes(frames: list[Any], size: str) -> int:
    pairs = (old.merge(new, on="name") for old, new in pairwise(frames))
    return sum(int((pair[f"{size}_x"] != pair[f"{size}_y"]).sum()) for pair in pairs)
