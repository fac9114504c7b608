"""Runs in the guest: opens its kernel in every way, as root and as nobody, and writes a report to a disk."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

KERNEL = "/sys/kernel/btf/vmlinux"
DISKS = ("/dev/vda", "/dev/vdb")
NOBODY = 65534
SECONDS = {"command": 300, "tests": 3600}  # limits, times the job's scale
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

COMMANDS = {
    "info": ["-m", "btfmmap", "info", "--json"],
    "doctor": ["-m", "btfmmap", "doctor", "--json", "--seconds", "300"],
    "loaded": ["-m", "btfmmap", "loaded", "--json"],
    "opened": ["-c", OPENED],
}


def main() -> None:
    job = json.loads(Path("job.json").read_text())
    log(f"{os.uname().release}: loading {len(job['modules'])} modules")
    subprocess.run(["modprobe", "-q", "-a", *job["modules"]], stderr=subprocess.DEVNULL)
    limits = {what: round(job["scale"] * seconds) for what, seconds in SECONDS.items()}
    folder = Path(KERNEL).parent
    users: dict[str, dict[str, Any]] = {"root": {}, "nobody": {}}
    report: dict[str, Any] = {
        "complete": False,
        "release": os.uname().release,
        "bits": 64 if sys.maxsize >> 32 else 32,
        "page": os.sysconf("SC_PAGE_SIZE"),
        "bytes": {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in (sorted(folder.iterdir()) if folder.is_dir() else [])
        },
        "users": users,
    }
    for user, results in users.items():
        for name, command in COMMANDS.items():
            log(f"{user}: {name}")
            results[name] = ran([sys.executable, *command], user, limits["command"])
            store(report)
    for name in job["tests"]:
        for user, results in users.items():
            log(f"{user}: {name}")
            results[name] = tested(name, user, limits["tests"])
            store(report)
    report["complete"] = True
    store(report)


def store(report: dict[str, Any]) -> None:
    """Replace the report on the disk. It only grows, so nothing of the previous one is left after it."""
    root = os.stat("/").st_dev
    (answer,) = (path for path in DISKS if os.stat(path).st_rdev != root)
    with open(answer, "r+b") as disk:
        disk.write(json.dumps(report).encode() + b"\0")
        disk.flush()
        os.fsync(disk.fileno())


def tested(name: str, user: str, seconds: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"tests/{name}.py"]
    command += [f"--basetemp=/tmp/{user}-{name}"]
    done = ran(command, user, seconds)
    lines = done["output"].rstrip().split("\n")
    counts = re.findall(r"(\d+) (\w+)", lines[-1].partition(" in ")[0])
    done["counts"] = {word: int(count) for count, word in counts}
    if done["code"] == 0:
        done["output"] = "\n".join(line for line in lines if line.startswith("SKIP"))
    for line in (*lines[:-1], f"{user}: {name}: {lines[-1]}"):
        if line.startswith(("FAILED", "ERROR", user)):
            log(line)
    return done


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
    with open("/dev/console", "w") as console:
        console.write(f"test-boot: {text}\n")


if __name__ == "__main__":
    main()
