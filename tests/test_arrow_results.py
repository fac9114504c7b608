"""Results of `check` and `diff` in the libraries that read Arrow equal their arrays; nothing leaks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from kernel_series import small_kernel
from requirements import package
from stored_files import stored, stored_objects

import btfmmap
from btfmmap import CheckResult, DiffResult

pa = package("pyarrow")


def rows_of(table: Any) -> list[dict[str, Any]]:
    converted = pa.table(table)
    converted.validate(full=True)
    assert pa.schema(table) == converted.schema
    return converted.to_pylist()  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def checked() -> CheckResult:
    """Two objects, and one that does not open, on three kernels and one that does not open."""
    kernels: dict[str, Any] = {
        name: btfmmap.open(data=stored(f"{name}.btf")) for name in ("7.2-amd64", "6.12-cloud-arm64")
    }
    kernels |= {"sample": btfmmap.open(btfmmap.SAMPLE_BTF), "absent": "/nonexistent/kernel"}
    objects = [stored_objects()[f"{name}.bpf.o"] for name in ("runqlen", "bindsnoop")]
    return btfmmap.check([*objects, b"not an object"], kernels)


@pytest.fixture(scope="module")
def compared() -> DiffResult:
    kernels: dict[str, Any] = {f"6.{seed}": btfmmap.open(data=small_kernel(seed)) for seed in range(12)}
    kernels["absent"] = "/nonexistent/kernel"
    return btfmmap.diff(kernels, names="type_*")


def test_a_check_is_its_verdicts(checked: CheckResult) -> None:
    kernels, objects = checked.kernels.name.tolist(), checked.objects.name.tolist()
    expected = [
        {
            "kernel": kernel,
            "kernel_name": kernels[kernel],
            "object": number,
            "object_name": objects[number],
            "verdict": btfmmap.Verdict(verdict).name,
        }
        for kernel, verdicts in enumerate(checked.verdict.tolist())
        for number, verdict in enumerate(verdicts)
    ]
    assert rows_of(checked) == expected
    assert {row["verdict"] for row in expected} >= {"FINE", "BREAKS", "NOT_TRIED"}


def test_relocations_on_each_kernel(checked: CheckResult) -> None:
    found = rows_of(checked.relocation_answers)
    table = checked.relocations
    assert len(found) == len(checked.kernels) * len(table) > 20
    for row in found:
        kernel, number = row["kernel"], row["relocation"]
        assert row["kernel_name"] == checked.kernels.name[kernel]
        assert row["object_name"] == checked.objects.name[table.object[number]]
        assert row["kind"] == btfmmap.CoreReloKind(table.kind[number]).name
        assert (row["root"], row["path"]) == (table.root[number], table.path[number])
        assert row["status"] == btfmmap.RelocationStatus(checked.status[kernel, number]).name
        for name in ("value", "bit_offset", "target", "size", "candidates"):
            assert row[name] == getattr(checked, name)[kernel, number]
    assert sorted((row["kernel"], row["relocation"]) for row in found) == [
        (kernel, number) for kernel in range(len(checked.kernels)) for number in range(len(table))
    ]


def test_requirements_on_each_kernel(checked: CheckResult) -> None:
    found = rows_of(checked.requirement_answers)
    table = checked.requirements
    assert len(found) == len(checked.kernels) * len(table) > 4
    for row in found:
        kernel, number = row["kernel"], row["requirement"]
        assert row["kernel_name"] == checked.kernels.name[kernel]
        assert row["object_name"] == checked.objects.name[table.object[number]]
        assert (row["need"], row["name"]) == (btfmmap.Need(table.need[number]).name, table.name[number])
        assert row["status"] == btfmmap.RequirementStatus(checked.requirement_status[kernel, number]).name
        assert row["breaks"] == checked.requirement_breaks[kernel, number]
        assert row["prototype"] == checked.prototypes[kernel, number]


def test_a_diff_is_its_presence(compared: DiffResult) -> None:
    entities, kernels = compared.entities, compared.kernels.name.tolist()
    expected = [
        {
            "entity": entity,
            "kernel": kernel,
            "kind": btfmmap.EntityKind(entities.kind[entity]).name,
            "name": entities.name[entity],
            "kernel_name": kernels[kernel],
            "version": version,
        }
        for entity, versions in enumerate(compared.presence.tolist())
        for kernel, version in enumerate(versions)
        if version >= 0 and entities.selected[entity]
    ]
    assert rows_of(compared) == expected
    assert 0 < len(expected) < (compared.presence >= 0).sum()
    assert {row["version"] for row in expected} > {0}


def test_numbers_with_a_name_have_it(checked: CheckResult, compared: DiffResult) -> None:
    kinds = [btfmmap.EntityKind(kind).name for kind in compared.entities.kind.tolist()]
    assert [row["kind"] for row in rows_of(compared.entities)] == kinds
    changes = compared.changes(0, 1)
    assert [row["kind"] for row in rows_of(changes)] == [
        btfmmap.ChangeKind(kind).name for kind in changes.kind.tolist()
    ]
    assert len(changes)
    relocations = rows_of(checked.relocations)
    assert [row["use"] for row in relocations] == [
        btfmmap.InstructionUse(use).name for use in checked.relocations.use.tolist()
    ]
    assert [row["need"] for row in rows_of(checked.requirements)] == [
        btfmmap.Need(need).name for need in checked.requirements.need.tolist()
    ]


def test_names_that_are_not_utf8() -> None:
    builder = btfmmap.Builder()
    builder.struct("byte\udcff", 0, [])
    btf = builder.build()
    (row,) = rows_of(btfmmap.diff([btf]))
    assert row["name"] == b"byte\xff"


@pytest.mark.parametrize("which", ["checked", "compared"])
def test_other_libraries(which: str, request: pytest.FixtureRequest) -> None:
    """As pyarrow does."""
    result = request.getfixturevalue(which)
    expected = result.to_arrow().to_pydict()
    polars = package("polars")
    assert result.to_polars().equals(polars.DataFrame(result))
    assert result.to_polars().to_dict(as_series=False) == expected
    duckdb = package("duckdb")
    with duckdb.connect() as connection:
        rows = connection.sql("SELECT * FROM result").fetchall()
    assert rows == [*zip(*expected.values(), strict=True)]
    nanoarrow = package("nanoarrow")
    assert [*nanoarrow.ArrayStream(result).iter_tuples()] == rows


def test_results_without_rows() -> None:
    btf = btfmmap.open(btfmmap.SAMPLE_BTF)
    empty = btfmmap.check([], btf)
    none = btfmmap.diff([btf], names="nothing")
    for table in (empty, empty.relocation_answers, empty.requirement_answers, none):
        assert rows_of(table) == []


LEAKS = """
import resource, sys
import btfmmap, pyarrow
from pathlib import Path

def in_memory():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()

btf = btfmmap.open(btfmmap.SAMPLE_BTF)
subject = {subject}
def export(times):
    for _ in range(times):
        subject.__arrow_c_schema__()
        subject.__arrow_c_stream__()  # never read: released with the capsule
        pyarrow.table(subject)
    return in_memory()

export({times} // 10)
before = export({times} // 10)
print(export({times}) - before)
"""
SUBJECTS: dict[str, Callable[[int], tuple[str, int]]] = {
    "table": lambda times: ("btf.members", times),
    "names": lambda times: ("btf.members.with_names(btf)", times),
    "check": lambda times: ("btfmmap.check([], [btf, btf])", times // 5),
    "diff": lambda times: ("btfmmap.diff([btf, btf])", times // 5),
}


@pytest.mark.parametrize("which", SUBJECTS)
def test_exports_and_releases_leave_memory_as_it_was(which: str) -> None:
    """In a process of its own. AddressSanitizer would keep what is freed, to detect its use."""
    subject, times = SUBJECTS[which](int(os.environ.get("BTFMMAP_EXPORTS", "10000")))
    options = os.environ.get("ASAN_OPTIONS", "")
    environment = os.environ | {
        "ASAN_OPTIONS": f"{options}:quarantine_size_mb=1:thread_local_quarantine_size_kb=64".strip(":"),
        # Freed memory goes back to the system's allocator at once.
        "ARROW_DEFAULT_MEMORY_POOL": "system",
    }
    code = LEAKS.format(subject=subject, times=times)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 50 * times  # bytes; the least leak, of a node, is twice as much
