"""The kernel's promises: kept on the running kernel, and seen to be broken where they are."""

from __future__ import annotations

import json
import mmap
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requirements

import btfmmap

VERDICTS = {"holds", "does not hold", "could not be tried"}


@pytest.fixture(scope="module")
def mappable() -> Path:
    """The running kernel's BTF, where Python's own mmap, asked privately, can map it."""
    kernel = requirements.kernel_btf()
    with kernel.open("rb") as file:
        try:
            mmap.mmap(
                file.fileno(), kernel.stat().st_size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ
            ).close()
        except OSError as error:
            pytest.skip(f"this kernel does not map its BTF: {error.strerror}")
    return kernel


def test_every_rule_holds(mappable: Path) -> None:
    findings = btfmmap.doctor()
    assert len(findings) >= 20
    assert not [finding for finding in findings if finding.verdict == "does not hold"]
    untried = {finding.rule for finding in findings if finding.verdict == "could not be tried"}
    modules = len(list(mappable.parent.iterdir())) - 1
    # What cannot be tried depends on the machine, and on nothing else.
    allowed = {"write() out of it with O_DIRECT"} | (set() if modules else {"mmap of a module's file"})
    assert untried <= allowed
    assert len({finding.rule for finding in findings}) == len(findings)


def test_command(mappable: Path) -> None:
    command = [sys.executable, "-m", "btfmmap", "doctor"]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    rows = json.loads(done.stdout)
    assert [set(row) for row in rows] == [{"rule", "expected", "observed", "verdict"}] * len(rows)
    assert {row["verdict"] for row in rows} <= VERDICTS
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert all(row["rule"] in text for row in rows)
    assert f"maps this kernel's BTF: {mappable.stat().st_size:,} bytes" in text


def test_an_ordinary_file_breaks_the_rules(tmp_path: Path) -> None:
    """So the rules can fail: what the kernel forbids of its BTF, it allows of other files."""
    path = tmp_path / "sample.btf"
    path.write_bytes(Path(btfmmap.SAMPLE_BTF).read_bytes())
    findings = {finding.rule: finding for finding in btfmmap.doctor(path)}
    for rule in (
        "the file lies on sysfs",
        "mmap shared, read-only",
        "mmap private, writable",
        "mmap private, executable",
        "mprotect to writable",
        "left out of core dumps (VmFlags dd)",
        "may become writable (VmFlags mw)",
        "process_vm_readv() of the mapping",
        "vmsplice() out of the mapping",
    ):
        assert findings[rule].verdict == "does not hold", findings[rule]
    assert findings["mmap private, read-only"].verdict == "holds"
    assert findings["the mapped bytes"].verdict == "holds"


def test_no_such_file(tmp_path: Path) -> None:
    findings = btfmmap.doctor(tmp_path / "absent")
    about_it = [finding for finding in findings if finding.rule != "mmap of a module's file"]
    assert {finding.verdict for finding in about_it} == {"could not be tried"}
    assert "No such file" in findings[0].observed


CRASH = """
import ctypes, os, signal, sys
from btfmmap.contract.probing import observe
from btfmmap.contract.rules import Rule
import btfmmap
def segfault(target): ctypes.string_at(8)
def bus_error(target): os.kill(os.getpid(), signal.SIGBUS)
def leave(target): sys.exit(3)
for probe in (segfault, bus_error, leave):
    print(observe(Rule("bad", ("fine",), probe), btfmmap.SAMPLE_BTF))
print(observe(Rule("good", ("fine",), lambda t: "fine"), btfmmap.SAMPLE_BTF))
"""


def test_a_probe_may_die() -> None:
    # AddressSanitizer would make a crash an exit.
    options = os.environ.get("ASAN_OPTIONS", "") + ":handle_segv=0:handle_sigbus=0"
    done = subprocess.run(
        [sys.executable, "-c", CRASH],
        env={**os.environ, "ASAN_OPTIONS": options},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "('the probe was ended by SIGSEGV', 'does not hold')",
        "('the probe was ended by SIGBUS', 'does not hold')",
        "('the probe gave no answer', 'could not be tried')",
        "('fine', 'holds')",
    ]
