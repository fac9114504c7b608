"""Any behaviour of mmap and read that the kernel allows gives the same bytes; faults are injected."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requirements

import btfmmap

OPEN = """
import hashlib, json, sys, btfmmap
btf = btfmmap.open(sys.argv[1], method=sys.argv[2])
print(json.dumps([btf.source.how, hashlib.sha256(btf.raw).hexdigest(), len(btf)]))
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if sys.platform != "linux":
        pytest.skip("LD_PRELOAD as Linux has it")
    path = tmp_path_factory.mktemp("faults") / "faults.so"
    source = Path(__file__).parent / "native" / "faults.c"
    subprocess.run([requirements.tool("gcc"), "-shared", "-fPIC", "-o", path, source, "-ldl"], check=True)
    return path


def under(
    library: Path, file: Path, faults: dict[str, int], *command: str
) -> subprocess.CompletedProcess[str]:
    environment = requirements.preloading(library) | {"FAULT_FILE": str(file.resolve())}
    environment |= {name: str(value) for name, value in faults.items()}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def opened(library: Path, file: Path, method: str = "auto", **faults: int) -> list[object]:
    done = under(library, file, faults, sys.executable, "-c", OPEN, str(file), method)
    assert done.returncode == 0, done.stderr
    answer: list[object] = json.loads(done.stdout)
    return answer


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


ERRORS = ["ENODEV", "EACCES", "EPERM", "EINVAL", "ENOMEM"]


@pytest.mark.parametrize("name", ERRORS)
def test_mmap_refused(library: Path, name: str) -> None:
    kernel = requirements.kernel_btf()
    answer = opened(library, kernel, FAULT_MMAP=getattr(errno, name))
    assert answer == ["read", digest(kernel), len(btfmmap.open())]


@pytest.mark.parametrize("name", ERRORS)
def test_mmap_demanded_and_refused(library: Path, name: str) -> None:
    """method="mmap" raises an error with the reason if the file cannot be mapped."""
    kernel = requirements.kernel_btf()
    code = getattr(errno, name)
    done = under(library, kernel, {"FAULT_MMAP": code}, sys.executable, "-c", OPEN, str(kernel), "mmap")
    assert done.returncode == 1
    assert f"[Errno {code}] {os.strerror(code)}: '{kernel}'" in done.stderr


@pytest.mark.parametrize("most", [1000, 4096])
def test_short_reads(library: Path, most: int) -> None:
    kernel = requirements.kernel_btf()
    assert opened(library, kernel, "read", FAULT_READ=most)[:2] == ["read", digest(kernel)]
    answer = opened(library, kernel, FAULT_MMAP=errno.ENODEV, FAULT_READ=most, FAULT_EINTR=1)
    assert answer[:2] == ["read", digest(kernel)]


def test_short_and_interrupted_reads_of_an_ordinary_file(library: Path) -> None:
    sample = Path(btfmmap.SAMPLE_BTF)
    for most in (1, 7, 4096):
        answer = opened(library, sample, FAULT_READ=most, FAULT_EINTR=1)
        assert answer == ["read", digest(sample), len(btfmmap.open(sample))]


@pytest.mark.parametrize("name", ["ENODEV", "EACCES", "EPERM"])
def test_doctor_on_a_kernel_that_cannot_map(library: Path, name: str) -> None:
    """One cause breaks one rule, not also the rules that expect a refusal."""
    kernel = requirements.kernel_btf()
    faults = {"FAULT_MMAP": getattr(errno, name)}
    done = under(library, kernel, faults, sys.executable, "-m", "btfmmap", "doctor", "--json")
    assert done.returncode == 1
    findings = json.loads(done.stdout)["findings"]
    assert [finding for finding in findings if finding["verdict"] == "does not hold"] == [
        {
            "rule": "mmap private, read-only",
            "expected": "accepted",
            "observed": name,
            "verdict": "does not hold",
        }
    ]
    reason = f"the file cannot be mapped ({name})"
    untried = [finding["rule"] for finding in findings if finding["observed"] == reason]
    assert {"the mapped bytes", "mmap shared, read-only", "mmap of one byte more"} <= set(untried)
    text = under(library, kernel, faults, sys.executable, "-m", "btfmmap", "doctor")
    assert text.returncode == 1
    assert f"{len(untried)} more rules could not be tried: {reason}\n" in text.stdout
    assert not [rule for rule in untried if f"{rule}  " in text.stdout]
    assert ("(Linux 6.16 and later do)" in text.stdout) == (name == "ENODEV")
    assert "btfmmap reads it" in text.stdout
    assert f"{kernel.stat().st_size:,} bytes of private memory" in text.stdout


def test_doctor_out_of_memory(library: Path) -> None:
    """ENOMEM does not answer whether the kernel maps its BTF."""
    kernel = requirements.kernel_btf()
    faults = {"FAULT_MMAP": errno.ENOMEM}
    done = under(library, kernel, faults, sys.executable, "-m", "btfmmap", "doctor", "--json")
    assert done.returncode == 3
    assert "does not hold" not in {finding["verdict"] for finding in json.loads(done.stdout)["findings"]}


def test_doctor_cannot_read(library: Path) -> None:
    """A kernel that cannot decompress its BTF answers reads and mappings with ENOMEM."""
    kernel = requirements.kernel_btf()
    faults = {"FAULT_MMAP": errno.ENOMEM, "FAULT_READ_ERROR": errno.ENOMEM}
    done = under(library, kernel, faults, sys.executable, "-m", "btfmmap", "doctor", "--json")
    assert done.returncode == 3
    findings = {finding["rule"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert "does not hold" not in {finding["verdict"] for finding in findings.values()}
    assert findings["read() of the whole file at once"]["observed"].startswith("read() fails with ENOMEM: ")
    assert findings["mmap private, read-only"]["observed"].startswith("mmap fails with ENOMEM: ")


@pytest.mark.parametrize("method", ["auto", "read"])
def test_no_memory_to_map_and_to_read(library: Path, method: str) -> None:
    """The error is the kernel's own, and names the file."""
    kernel = requirements.kernel_btf()
    faults = {"FAULT_MMAP": errno.ENOMEM, "FAULT_READ_ERROR": errno.ENOMEM}
    done = under(library, kernel, faults, sys.executable, "-c", OPEN, str(kernel), method)
    assert done.returncode == 1
    assert f"[Errno {errno.ENOMEM}] {os.strerror(errno.ENOMEM)}: '{kernel}'" in done.stderr
    done = under(library, kernel, faults, sys.executable, "-m", "btfmmap", "info", str(kernel))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"btfmmap: {kernel}: {os.strerror(errno.ENOMEM)}\n"


def test_no_memory_to_read_is_not_fatal_where_mapping_works(library: Path) -> None:
    kernel = requirements.kernel_btf()
    done = under(
        library, kernel, {"FAULT_READ_ERROR": errno.ENOMEM}, sys.executable, "-c", OPEN, str(kernel), "auto"
    )
    if done.returncode and "Errno" in done.stderr:
        pytest.skip("this kernel does not map its BTF")
    assert json.loads(done.stdout)[:2] == ["mmap", digest(kernel)]
