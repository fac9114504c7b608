"""CO-RE relocations of random objects and kernels, against libbpf itself."""

from __future__ import annotations

import errno
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import libbpf_core_relo
from core_relo_cases import Generator

import btfmmap
from btfmmap.relocation_kinds import RelocationStatus
from btfmmap.relocations import RelocationResults, evaluate

if TYPE_CHECKING:
    from libbpf_core_relo import Result

PAIRS = int(os.environ.get("BTFMMAP_CORE_RELO_PAIRS", "500"))


def ours(row: dict[str, int | bool]) -> tuple[object, ...]:
    """A row in the terms of libbpf's messages: poisoned, a value, or an error."""
    status = RelocationStatus(row["status"])
    if status in (RelocationStatus.ERROR, RelocationStatus.AMBIGUOUS):
        return "error", errno.errorcode[row["error"]]
    if status == RelocationStatus.POISONED:
        return ("poisoned",)
    assert status in (RelocationStatus.OK, RelocationStatus.ABSENT)
    return "value", row["value"]


def theirs(result: Result) -> tuple[object, ...]:
    if result.error:
        return "error", result.error
    if result.poisoned:
        return ("poisoned",)
    assert result.value is not None
    return "value", result.value % 2**64


def differences(seed: int, folder: Path) -> tuple[list[str], Counter[str]]:
    """What differs for one pair, and how often each result occurs."""
    generator = Generator(seed)
    pair = generator.pair()
    kernel = pair.kernel.build()
    local = btfmmap.open(data=pair.object.build())
    assert local.ext is not None
    resolved = local.ext.relocations
    generator.fill(pair.object, resolved.value.tolist(), resolved.size.tolist())
    content = pair.object.build()
    path = folder / "kernel.btf"
    path.write_bytes(kernel)
    expected = libbpf_core_relo.preparer().relocate(content, str(path))
    assert expected is not None, seed
    results: RelocationResults = evaluate([btfmmap.open(data=content)], btfmmap.open(data=kernel))
    found: list[str] = []
    counts: Counter[str] = Counter()
    for number, result in enumerate(expected):
        own, wanted = ours(results[number]), theirs(result)
        counts[f"{wanted[0]} of kind {pair.object.relocations[number].kind}"] += 1
        if own != wanted or result.access_size not in (None, results.size[number]):
            found.append(f"seed {seed}, relocation {number}: {own} for {wanted}: {results.reason(number)}")
    if not expected or not expected[-1].error:
        assert len(expected) == len(results), seed
    return found, counts


def test_random_pairs(tmp_path: Path) -> None:
    counts: Counter[str] = Counter()
    found: list[str] = []
    for seed in range(PAIRS):
        differ, counted = differences(seed, tmp_path)
        found += differ
        counts += counted
    assert not found, "\n".join(found[:20])
    kinds = {
        int(key.rpartition(" ")[2]) for key, count in counts.items() if key.startswith("value") and count
    }
    assert kinds == set(range(13))
    assert sum(count for key, count in counts.items() if key.startswith("error")) > PAIRS / 20
