"""Runs in the guest: opens its kernel in every way, as root and as nobody, and prints a report as JSON."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

KERNEL = "/sys/kernel/btf/vmlinux"
NOBODY = 65534
SECONDS = {"command": 300, "tests": 3600}
# Hashes all bytes of the kernel and of each module in every way that there is to open them.
OPENED = """
import hashlib, json, btfmmap
def digest(btf): return hashlib.sha256(btf.raw.tobytes()).hexdigest()
found = {}
for method in ("auto", "read", "mmap"):
    try:
        with btfmmap.open(btfmmap.KERNEL_BTF, method=method) as btf:
            found[method] = [btf.source.how, digest(btf), len(btf), btf.source.byte_order]
    except OSError as error:
        found[method] = [type(error).__name__, error.errno]
with btfmmap.open_kernel() as kernel:
    modules = {name: digest(btf) for name, btf in kernel.modules.items()}
    failed = {path: str(error) for path, error in kernel.failed.items()}
    print(json.dumps({"found": found, "modules": modules, "failed": failed, "complete": kernel.complete}))
"""


def main() -> None:
    job = json.loads(Path("job.json").read_text())
    log(f"{os.uname().release}: loading {len(job['modules'])} modules")
    subprocess.run(["modprobe", "-q", "-a", *job["modules"]], stderr=subprocess.DEVNULL)
    folder = Path(KERNEL).parent
    report: dict[str, Any] = {
        "release": os.uname().release,
        "machine": platform.machine(),
        "bits": 64 if sys.maxsize >> 32 else 32,
        "page": os.sysconf("SC_PAGE_SIZE"),
        "python": platform.python_version(),
        "bytes": {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in (sorted(folder.iterdir()) if folder.is_dir() else [])
        },
        "users": {},
    }
    for user in ("root", "nobody"):
        report["users"][user] = as_user(user, job["tests"])
    print(json.dumps(report), flush=True)


def as_user(user: str, tests: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, command in (
        ("info", ["-m", "btfmmap", "info", "--json"]),
        ("doctor", ["-m", "btfmmap", "doctor", "--json"]),
        ("loaded", ["-m", "btfmmap", "loaded", "--json"]),
        ("opened", ["-c", OPENED]),
    ):
        log(f"{user}: {name}")
        found[name] = ran([sys.executable, *command], user, SECONDS["command"])
    for name in tests:
        log(f"{user}: {name}")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"tests/{name}.py"]
        command += [f"--basetemp=/tmp/{user}-{name}"]
        done = ran(command, user, SECONDS["tests"])
        last = done["output"].rstrip().rpartition("\n")[2]
        done["counts"] = {
            word: int(count) for count, word in re.findall(r"(\d+) (\w+)", last.partition(" in ")[0])
        }
        if done["code"] == 0:
            done["output"] = "\n".join(
                line for line in done["output"].splitlines() if line.startswith("SKIP")
            )
        log(f"{user}: {name}: {last}")
        found[name] = done
    return found


def ran(command: list[str], user: str, seconds: int) -> dict[str, Any]:
    start = time.monotonic()
    number = 0 if user == "root" else NOBODY
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=seconds,
            user=number,
            group=number,
            extra_groups=[],
            env=os.environ | {"HOME": "/tmp", "COLUMNS": "150"},
        )
        code, output = done.returncode, done.stdout
    except subprocess.TimeoutExpired as expired:
        code, output = -1, f"{(expired.stdout or b'').decode(errors='replace')}\nno end within {seconds} s"
    return {"code": code, "output": output, "seconds": round(time.monotonic() - start, 1)}


def log(text: str) -> None:
    """Print a line on the console: standard output is the disk that takes the report."""
    with open("/dev/console", "w") as console:
        console.write(f"test-boot: {text}\n")


if __name__ == "__main__":
    main()
