"""Records as text, as workloads."""

from __future__ import annotations

import os

from support.harness import FEW, Workload, repeated

import btfmmap


def format_to_file(btf: btfmmap.Btf, type_id: int, data: bytes, records: int) -> Workload:
    """Our text of records, one per line, to a file that keeps nothing."""

    def run() -> None:
        with open(os.devnull, "wb") as file:
            btf.format_each(type_id, data, file=file, compact=True)

    return repeated("`format_each`, to a file", run, FEW, records)
