"""The BTF of the running kernel where sysfs does not show it, in a mount namespace with an empty /sys."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import requirements

import btfmmap

RELEASE = os.uname().release
NOBODY = 65534


def without_sysfs(script: str, *words: str | Path, user: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a shell script, with arguments, where /sys and /boot are empty. `$python` runs Python as a user."""
    if os.geteuid():
        pytest.skip("mounting needs root")
    unshare, setpriv = requirements.tool("unshare"), requirements.tool("setpriv")
    python = (
        f"{setpriv} --reuid {user} --regid {user} --clear-groups {sys.executable}" if user else sys.executable
    )
    prepare = "set -e; mount -t tmpfs none /sys; mkdir -p /boot; mount -t tmpfs none /boot; chmod 755 /boot"
    done = subprocess.run(
        [unshare, "-m", "sh", "-c", f"{prepare}; python='{python}'; set +e; {script}", "sh", *words],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    if "mount: " in done.stderr or done.stderr.startswith("unshare: "):  # the latter in a chroot
        pytest.skip(f"no mounts here: {done.stderr.splitlines()[0]}")
    if "Permission denied" in done.stderr and "python" in done.stderr:
        pytest.skip("other users cannot run this Python")
    if user and "No module named" in done.stderr:
        pytest.skip("other users cannot read the packages of this Python")
    return done


def kernel_object() -> int:
    """The id of the kernel's BTF object."""
    try:
        objects = btfmmap.loaded()
    except OSError as error:
        pytest.skip(f"BTF objects cannot be listed: {error}")
    return next(each.id for each in objects if each.kernel and each.name == "vmlinux")


def test_object_of_the_kernel() -> None:
    """Root gets the kernel's BTF object, and is told so."""
    kernel = requirements.kernel_btf()
    name = f"BTF object {kernel_object()}"
    done = without_sysfs("$python -m btfmmap info --json")
    facts = json.loads(done.stdout)
    expected = btfmmap.open(kernel).source._asdict() | {"path": name, "how": "", "containers": []}
    assert facts["source"] | {"how": ""} == expected
    assert without_sysfs("$python -m btfmmap").stdout.splitlines()[0] == name
    shown = without_sysfs("$python -m btfmmap show list_head")
    assert shown.stdout == btfmmap.open(kernel).layout("list_head").text()
    pickled = without_sysfs("$python -c 'import btfmmap, pickle; pickle.dumps(btfmmap.open())'")
    assert "cannot be pickled" in pickled.stderr
    lint = without_sysfs("$python -m btfmmap lint --limit 0").stdout.splitlines()
    assert len(lint) == len(btfmmap.lint(kernel)) + 1
    assert all(line.startswith("running kernel: ") for line in lint[:-1])


@pytest.mark.parametrize("user", [0, NOBODY])
def test_files_of_distributions(user: int) -> None:
    """A file where libbpf looks is taken before the object in the kernel."""
    place = f"/boot/vmlinux-{RELEASE}"
    done = without_sysfs(
        f'cp "$1" {place}; chmod 644 {place}; $python -m btfmmap info --json', btfmmap.SAMPLE_BTF, user=user
    )
    facts = json.loads(done.stdout)
    assert facts["source"]["path"] == place
    assert facts["types"] == len(btfmmap.open(btfmmap.SAMPLE_BTF)) - 1


def test_files_without_btf_are_passed_over(tmp_path: Path) -> None:
    """As by libbpf: a kernel without debug information does not hide the next place."""
    library = tmp_path / "library"
    (library / "build").mkdir(parents=True)
    shutil.copy(btfmmap.SAMPLE_BTF, library / "build" / "vmlinux")
    script = (
        "mkdir /boot/upper /boot/work\n"
        "mount -t overlay none -o lowerdir=/usr/lib,upperdir=/boot/upper,workdir=/boot/work /usr/lib "
        "|| exit 9\n"
        f"[ -e /lib/modules ] || mkdir -p /usr/lib/modules; mkdir -p /lib/modules/{RELEASE}\n"
        f'cp -r "$1"/. /lib/modules/{RELEASE}; echo none > /boot/vmlinux-{RELEASE}; $python -m btfmmap info'
    )
    if Path(f"/lib/modules/{RELEASE}/build").exists() or not Path("/lib").samefile("/usr/lib"):
        pytest.skip("needs a /lib that is /usr/lib, without the build folder of this kernel")
    done = without_sysfs(script, library)
    if done.returncode == 9:
        pytest.skip(f"no overlay here: {done.stderr}")
    assert done.stdout.splitlines()[0] == f"/lib/modules/{RELEASE}/build/vmlinux"


@pytest.mark.parametrize(
    "words", ["", "info", "show list_head", "find x", "users x", "holes", "at x 0", "dtype x", "dump", "lint"]
)
def test_error_says_what_to_do(words: str) -> None:
    done = without_sysfs(f"$python -m btfmmap {words}", user=NOBODY)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"btfmmap: {btfmmap.KERNEL_BTF}: no such file; ")
    for part in (
        "type information (BTF)",
        "CONFIG_DEBUG_INFO_BTF",
        f"/boot/vmlinux-{RELEASE}",
        "--file",
        "--sample",
    ):
        assert part in done.stderr


def test_error_names_the_files_that_did_not_open() -> None:
    place = f"/boot/vmlinux-{RELEASE}"
    done = without_sysfs(f"echo none > {place}; chmod 644 {place}; $python -m btfmmap info", user=NOBODY)
    assert f"({place}: neither BTF nor " in done.stderr


def test_error_in_python() -> None:
    code = (
        "import btfmmap\n"
        "for function in (btfmmap.open, btfmmap.lint):\n"
        "    try: function()\n"
        "    except FileNotFoundError as error: print(error.filename)\n"
    )
    done = without_sysfs('$python -c "$1"', code, user=NOBODY)
    assert done.stdout.splitlines() == [btfmmap.KERNEL_BTF] * 2


def test_broken_file_in_sysfs_is_not_passed_over() -> None:
    place = btfmmap.KERNEL_BTF
    done = without_sysfs(f"mkdir -p {Path(place).parent}; echo none > {place}; $python -m btfmmap info")
    assert done.returncode == 2
    assert done.stderr.startswith(f"btfmmap: {place}: neither BTF nor ")
