"""`Plan.to_bpftrace`: bpftrace itself finds the types and members, without attaching anything."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from path_expressions import Kernel, kernel_with_header, random_expression

from btfmmap import Kind, Plan
from btfmmap.fields import resolved

COUNT = 60
SCALARS = (Kind.INT, Kind.ENUM, Kind.PTR)


@pytest.fixture(scope="module")
def bpftrace() -> str:
    path = shutil.which("bpftrace")
    if path is None:
        pytest.skip("the program bpftrace is not here")
    if os.geteuid():
        pytest.skip("bpftrace runs only as root")
    return path


@pytest.fixture(scope="module")
def kernel(bpftrace: str, tmp_path_factory: pytest.TempPathFactory) -> Kernel:  # noqa: ARG001
    return kernel_with_header(tmp_path_factory.mktemp("paths_bpftrace"))


def version(bpftrace: str) -> tuple[int, ...]:
    said = subprocess.run([bpftrace, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, re.findall(r"\d+", said)[:2]))


def is_known(plan: Plan, release: tuple[int, ...]) -> bool:
    """Whether this release of bpftrace has what the path needs."""
    if resolved(plan.type).kind not in SCALARS:
        return False
    if plan.open_indices and release < (0, 19):  # "only accepts literal integer indices"
        return False
    for before, hop in zip(plan.hops, plan.hops[1:], strict=False):
        held = resolved(before.type)
        element = resolved(held.type) if hop.kind == "index" and held.type is not None else None
        if element is not None and element.name == "char":  # a string for bpftrace
            return False
    return True


def run(bpftrace: str, kernel: Path, statements: list[str]) -> str:
    """What is wrong with a program; empty if nothing is."""
    program = f"BEGIN {{ {' '.join(statements)} }}"
    environment = os.environ | {"BPFTRACE_BTF": str(kernel)}
    command = [bpftrace, "-d", "-e", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_random_expressions(bpftrace: str, kernel: Kernel, tmp_path: Path) -> None:
    vmlinux = tmp_path / "vmlinux"
    vmlinux.write_bytes(bytes(kernel.btf.raw))
    release = version(bpftrace)
    rng = random.Random(1)
    statements = ["$i = 1; $j = 1; $k = 1; $l = 1; $ptr = (uint64)0;"]
    while len(statements) <= COUNT:
        plan = kernel.btf.path(random_expression(kernel, rng))
        if is_known(plan, release):
            statements.append(f"$v{len(statements)} = {plan.to_bpftrace()};")
    table = kernel.btf.path("files_struct.fdt->fd[0]->f_inode")
    statements.append(f"$table = {table.to_bpftrace()};")
    said = run(bpftrace, vmlinux, statements)
    assert not said, [line for line in said.splitlines() if "ERROR" in line]
    wrong = run(bpftrace, vmlinux, [statements[0], "$v = ((struct task_struct *)$ptr)->mm->ownr;"])
    assert "does not contain a field named 'ownr'" in wrong
