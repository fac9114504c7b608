"""`btfmmap.check` on the running kernel, against libbpf and the kernel's verifier. Needs root."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from guarded import compile_bpf, program
from loader import Loader, loader_of_this_kernel
from stored_files import stored_objects

import btfmmap
from btfmmap import RelocationStatus, RequirementStatus, Verdict, check

NO_TARGET = b"failed to prepare load attributes: -"


@pytest.fixture(scope="module")
def loader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loader]:
    yield from loader_of_this_kernel(tmp_path_factory.mktemp("plain"))


def test_real_objects(loader: Loader, tmp_path: Path) -> None:
    """What breaks does not load, and for no other reason; what is fine does not fail because of a relocation.

    It may fail because of a map or trampoline that this kernel does not have.
    """
    for name, content in stored_objects().items():
        (tmp_path / name).write_bytes(content)
    result = check(f"{tmp_path}/*.o", Path(btfmmap.KERNEL_BTF).parent)
    seen = set()
    for row, path in enumerate(result.objects.path):
        verdict = Verdict(result.verdict[0, row])
        outcome = loader.load(Path(path))
        seen.add((verdict, outcome if outcome in ("loads", "poison") else "other"))
        poisoned = result.status[0, result.relocations.object == row] == RelocationStatus.POISONED
        if outcome == "loads":
            assert verdict != Verdict.BREAKS, path
        if poisoned.any():
            # Unless maps or targets fail before.
            assert outcome == "poison" or NO_TARGET in loader.log or b"failed to create" in loader.log, path
        else:
            assert outcome != "poison" or verdict == Verdict.MAYBE, path
        if NO_TARGET in loader.log:
            needs = result.requirement_status[0, result.requirements.object == row]
            assert (needs == RequirementStatus.ABSENT).any(), path
    assert (Verdict.FINE, "loads") in seen


@pytest.mark.parametrize(
    "before", ["", "if (GONE_EXISTS) return gone_info(1);", "if (RUNTIME == 3) return 7;"]
)
def test_instruction(before: str, loader: Loader, tmp_path: Path) -> None:
    """The verifier stops at the instruction that `check` names."""
    path = compile_bpf(program(f"{before} return GONE + 1;"), tmp_path)
    result = check(path, btfmmap.KERNEL_BTF)
    assert result.verdict.tolist() == [[Verdict.BREAKS]]
    (problem,) = result.problems()
    assert loader.load(path) == "poison"
    (refused,) = {
        int(number) for number in re.findall(rb"^(\d+): <invalid CO-RE relocation>", loader.log, re.M)
    }
    assert problem.places[0].offset == 8 * refused
    dead = np.flatnonzero(result.status[0] == RelocationStatus.DEAD)
    assert len(dead) == ("GONE_EXISTS" in before)
