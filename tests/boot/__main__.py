"""Boots Debian's kernels in an emulator and runs btfmmap and its tests there.

    make test-boot                              the newest kernel of amd64
    make test-boot ARCH=s390x                   that of s390x
    make test-boot ARCH='amd64 i386' KERNEL='7.2 6.1'
    make test-boot ARCH=arm64-16k ARGS='--tests test_opening test_doctor'

Everything is downloaded to and made in `build/boot`. Programs of a guest run in the emulator
only, and nothing is installed.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from .compiling import compiled
from .guests import GUESTS, MODULES, SUITES, TESTS, TOOLS, USERLAND, Guest
from .images import (
    ROOT,
    add_kernel,
    add_project,
    image_of,
    make_disk,
    make_initramfs,
    merge_usr,
    set_up,
    system_path,
)
from .packages import Packages
from .reporting import failures, table

BUILD = ROOT / "build" / "boot"
_MINUTES = 90
_REPORT_SIZE = 16 << 20  # bytes


def main() -> None:
    parser = argparse.ArgumentParser(description="Boot kernels and test btfmmap there.")
    parser.add_argument("--arch", nargs="+", choices=GUESTS, default=["amd64"])
    parser.add_argument("--kernel", nargs="+", default=[""], help="starts of versions; default: the newest")
    parser.add_argument("--tests", nargs="*", default=TESTS, help="test files without .py")
    parser.add_argument("--minutes", type=int, default=_MINUTES, help="limit for one boot")
    arguments = parser.parse_args()
    missing = {TOOLS[tool] for name in arguments.arch for tool in _tools(GUESTS[name]) if not _has(tool)}
    if missing:
        sys.exit(f"test-boot: apt-get install {' '.join(sorted(missing))}")
    reports: list[dict[str, Any]] = []
    for name in arguments.arch:
        for version in arguments.kernel:
            print(f"test-boot: {name} {version}", flush=True)
            try:
                booted = _booted(name, version, arguments.tests, 60 * arguments.minutes)
                reports.append({"guest": name} | booted)
            except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
                reports.append({"guest": name, "release": version or "newest", "error": str(error)})
            print(table(reports[-1:]), flush=True)
    print(table(reports))
    problems = [problem for report in reports for problem in failures(report)]
    print("\n".join(problems))
    if problems:
        sys.exit(1)


def _tools(guest: Guest) -> tuple[str, ...]:
    return ("cpio", "depmod", "mke2fs", guest.machine[0], guest.compiler)


def _has(tool: str) -> bool:
    return shutil.which(tool, path=system_path()["PATH"]) is not None


def _booted(name: str, version: str, tests: list[str], seconds: int) -> dict[str, Any]:
    guest = GUESTS[name]
    root = _userland(guest)
    kernel = _kernel(guest, version)
    start = time.monotonic()
    extension = compiled(guest.compiler, root, BUILD / "compiled" / guest.architecture)
    compile_seconds = time.monotonic() - start
    add_project(root, extension)
    # Who allows a boot more time has a slow machine.
    job = {"modules": MODULES.split(), "tests": tests, "scale": max(1, seconds / (60 * _MINUTES))}
    (root / "btfmmap/job.json").write_text(json.dumps(job))
    release = add_kernel(kernel, root)
    folder = BUILD / "boots" / f"{name}-{release}"
    folder.mkdir(parents=True, exist_ok=True)
    initramfs = make_initramfs(root, release, folder)
    disk, answer = folder / "disk", folder / "report"
    make_disk(root, disk)
    with answer.open("wb") as file:
        file.truncate(_REPORT_SIZE)
    start = time.monotonic()
    _run(guest, image_of(kernel, release), initramfs, disk, answer, folder / "console", seconds)
    boot_seconds = time.monotonic() - start
    disk.unlink()
    content = answer.read_bytes().partition(b"\0")[0]
    if not content:
        raise RuntimeError(f"{release} gave no report within {seconds} s; see {folder / 'console'}")
    report: dict[str, Any] = json.loads(content)
    report |= {"compile_seconds": round(compile_seconds), "boot_seconds": round(boot_seconds)}
    (folder / "report.json").write_text(json.dumps(report, indent=1))
    return report


def _run(
    guest: Guest, image: Path, initramfs: Path, disk: Path, answer: Path, console: Path, seconds: int
) -> None:
    command = [
        *guest.machine,
        *("-accel", "tcg,thread=multi", "-m", "2048", "-smp", "2"),
        *("-nographic", "-no-reboot", "-nic", "none", "-monitor", "none", "-serial", "stdio"),
        *("-kernel", str(image), "-initrd", str(initramfs)),
        *("-drive", f"file={disk},format=raw,if=virtio,cache=unsafe"),
        *("-drive", f"file={answer},format=raw,if=virtio"),
        *("-append", f"console={guest.console} quiet panic=-1"),
    ]
    with console.open("wb") as log:
        try:
            subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, timeout=seconds
            )
        except subprocess.TimeoutExpired:
            log.write(b"\ntest-boot: the time limit is over\n")


def _userland(guest: Guest) -> Path:
    root = BUILD / "roots" / guest.architecture
    if not root.exists():
        packages = Packages(
            BUILD / "apt" / f"{_release()}-{guest.architecture}", _release(), guest.architecture
        )
        packages.update()
        part = root.with_name(f"{root.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        merge_usr(part)
        packages.unpack([*USERLAND], part)
        set_up(part)
        part.rename(root)
    return root


def _kernel(guest: Guest, version: str) -> Path:
    """Unpack the newest kernel of this version. Its modules may be in packages of their own."""
    start = rf"{re.escape(version)}(?![0-9])" if version else "(?=[0-9])"
    kinds = "linux-(?:image|binary|modules|base)"
    rest = rf"[0-9.]*(?:-rc[0-9]+)?(?:[+][^-]+|-[0-9]+)?-{guest.flavour}"
    others: list[str] = []
    for suite in SUITES:
        folder = BUILD / "apt" / f"{suite}-{guest.kernel_architecture}"
        packages = Packages(folder, suite, guest.kernel_architecture)
        packages.update()
        names = packages.matching(f"{kinds}-{start}{rest}")
        if not names:
            others += packages.matching(f"linux-image-[0-9]{rest}")[-1:]
            continue
        newest = names[-1].split("-", 2)[2]
        found = [each for each in names if each.split("-", 2)[2] == newest]
        # From 7.x on, the package of the image only depends on the others.
        if len(found) > 1:
            found = [each for each in found if not each.startswith("linux-image-")]
        unpacked = BUILD / "kernels" / f"{guest.kernel_architecture}-{newest}"
        if not unpacked.exists():
            part = unpacked.with_name(f"{unpacked.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            packages.unpack(found, part, dependencies=False)
            part.rename(unpacked)
        return unpacked
    raise RuntimeError(
        f"no kernel {version} of {guest.flavour} in {', '.join(SUITES)} (newest there: {', '.join(others)})"
    )


def _release() -> str:
    """The code name of this machine's Debian."""
    lines = Path("/etc/os-release").read_text().splitlines()
    fields = dict(line.split("=", 1) for line in lines if "=" in line)
    return fields.get("VERSION_CODENAME", "unstable").strip('"')


if __name__ == "__main__":
    main()
