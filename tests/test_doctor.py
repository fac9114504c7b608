"""The kernel's promises: kept by the running kernel, and reported as broken where something breaks them."""

from __future__ import annotations

import errno
import gc
import json
import mmap
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requirements
from command import run_btfmmap

import btfmmap
from btfmmap import contract
from btfmmap.cli import doctor as cli_doctor
from btfmmap.cli import main
from btfmmap.contract import controls, probing, rules
from btfmmap.contract.syscalls import PAGE, RefusedError
from btfmmap.contract.target import CannotTellError, Target

VERDICTS = {"holds", "does not hold", "could not be tried"}
SECONDS = 300  # that an emulator needs


@pytest.fixture(scope="module")
def mappable() -> Path:
    """The running kernel's BTF, if Python's own private mmap can map it."""
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
    findings = btfmmap.doctor(seconds=SECONDS)
    assert len(findings) >= 20
    assert not [finding for finding in findings if finding.verdict == "does not hold"]
    untried = {finding.rule for finding in findings if finding.verdict == "could not be tried"}
    modules = len(list(mappable.parent.iterdir())) - 1
    # What cannot be tried depends on the machine only.
    allowed = {"write() from the mapping with O_DIRECT"} | (set() if modules else {"mmap of a module's file"})
    assert untried <= allowed
    assert len({finding.rule for finding in findings}) == len(findings)


def test_command(mappable: Path) -> None:
    command = [sys.executable, "-m", "btfmmap", "doctor", "--seconds", str(SECONDS)]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    assert report["schema"] == {"name": "btfmmap.doctor", "version": 1}
    assert report["path"] == str(mappable)
    assert report["release"] == os.uname().release
    rows = report["findings"]
    assert [set(row) for row in rows] == [{"rule", "expected", "observed", "verdict"}] * len(rows)
    assert {row["verdict"] for row in rows} <= VERDICTS
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert all(row["rule"] in text for row in rows if row["verdict"] == "holds")
    assert f"maps this kernel's BTF: {mappable.stat().st_size:,} bytes" in text


@pytest.mark.parametrize("seconds", ["-1", "nan", "inf"])
def test_a_limit_that_is_none(seconds: str) -> None:
    with pytest.raises(ValueError, match=f"seconds is {float(seconds)}, must be 0 or more, and finite"):
        btfmmap.doctor(seconds=float(seconds))
    done = run_btfmmap("doctor", "--seconds", seconds)
    assert done.returncode == 2
    assert done.stderr == f"btfmmap: --seconds is {float(seconds)}, must be 0 or more, and finite\n"


def test_an_ordinary_file_breaks_the_rules(tmp_path: Path) -> None:
    """The rules can fail: the kernel allows for other files what it forbids for its BTF."""
    path = tmp_path / "sample.btf"
    path.write_bytes(Path(btfmmap.SAMPLE_BTF).read_bytes())
    findings = {finding.rule: finding for finding in btfmmap.doctor(path, seconds=SECONDS)}
    for rule in (
        "the file is on sysfs",
        "mmap shared, read-only",
        "mmap private, writable",
        "mmap private, executable",
        "mprotect to writable",
        "excluded from core dumps (VmFlags dd)",
        "may become writable (VmFlags mw)",
        "process_vm_readv() of the mapping",
        "vmsplice() from the mapping",
    ):
        assert findings[rule].verdict == "does not hold", findings[rule]
    assert findings["mmap private, read-only"].verdict == "holds"
    assert findings["the mapped bytes"].verdict == "holds"


def test_what_is_no_btf_to_map(tmp_path: Path) -> None:
    """A FIFO is not opened and nothing waits for it."""
    (tmp_path / "empty").touch()
    os.mkfifo(tmp_path / "pipe")
    inputs = {
        tmp_path / "absent": "No such file or directory",
        tmp_path / "empty" / "below": "Not a directory",
        tmp_path / "empty": "its size is 0",
        tmp_path / "pipe": "not a regular file",
        tmp_path: "not a regular file",
    }
    for path, reason in inputs.items():
        findings = btfmmap.doctor(path, seconds=SECONDS)
        assert {finding.verdict for finding in findings} == {"could not be tried"}
        assert {finding.observed for finding in findings} == {f"{path}: {reason}"}


def with_mounts(mounts: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command where a shell script has mounted other file systems."""
    unshare = [requirements.tool("unshare"), "--map-root-user", "--mount"]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no namespaces to mount in")
    script = f'{mounts} && exec "$@"'
    command = [sys.executable, "-m", "btfmmap", "doctor", "--seconds", str(SECONDS), *words]
    return subprocess.run(
        [*unshare, "sh", "-c", script, "sh", *command], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("mounts", "reason"),
    [
        (
            "mount -t tmpfs none /sys/kernel/btf",
            "No such file or directory; it requires a kernel built with CONFIG_DEBUG_INFO_BTF=y "
            "(for its modules: CONFIG_DEBUG_INFO_BTF_MODULES=y)",
        ),
        ("mount -t tmpfs none /sys", "No such file or directory; sysfs is not mounted on /sys"),
        ("mount --bind /proc/version /sys/kernel/btf/vmlinux", "its size is 0"),
    ],
    ids=["absent", "no sysfs", "empty"],
)
def test_no_kernel_btf(mappable: Path, mounts: str, reason: str) -> None:
    done = with_mounts(mounts)
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout == f"No rule could be tried: {mappable}: {reason}\n"
    report = with_mounts(mounts, "--json")
    assert report.returncode == 3
    assert {row["verdict"] for row in json.loads(report.stdout)["findings"]} == {"could not be tried"}


def test_a_kernel_btf_that_may_not_be_read(mappable: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    path = tmp_path / "of another user"
    path.write_bytes(Path(btfmmap.SAMPLE_BTF).read_bytes())
    os.chown(path, 12345, 12345)
    path.chmod(0o600)
    done = with_mounts(f"mount --bind '{path}' {mappable}")
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout == f"No rule could be tried: {mappable}: Permission denied\n"


@pytest.mark.usefixtures("mappable")
def test_sysfs_mounted_read_only() -> None:
    """Opening for writing is refused with EROFS, as in containers."""
    done = with_mounts("mount --rbind /sys /sys && mount -o remount,bind,ro /sys")
    assert done.returncode == 0, done.stdout + done.stderr


def test_another_sysfs_file_instead(mappable: Path) -> None:
    """The kernel refuses to map any other sysfs file, as it refused to map BTF before 6.16."""
    notes = Path("/sys/kernel/notes")
    if not os.access(notes, os.R_OK):
        pytest.skip(f"no {notes}")
    done = with_mounts(f"mount --bind {notes} {mappable}")
    assert done.returncode == 1
    assert "more rules could not be tried: the file cannot be mapped (ENODEV)\n" in done.stdout
    assert f"This kernel, {os.uname().release}, does not map its BTF" in done.stdout
    findings = btfmmap.doctor(notes, seconds=SECONDS)
    assert [finding.rule for finding in findings if finding.verdict == "does not hold"] == [
        "the file's size equals that of its BTF header",
        "mmap private, read-only",
    ]


DIRECT = "write() from the mapping with O_DIRECT"
PINNING = {"ext2/ext3", "xfs"}
COPYING = {"tmpfs", "btrfs"}


def test_where_direct_writes_copy(mappable: Path) -> None:
    """tmpfs accepts O_DIRECT (Linux 6.6) and copies, which tells nothing about the mapping."""
    folder = "/dev/shm"
    if file_system(folder) != "tmpfs" or not os.access(folder, os.W_OK):
        pytest.skip(f"no tmpfs on {folder}")
    command = [sys.executable, "-m", "btfmmap", "doctor", "--json", "--seconds", str(SECONDS)]
    environment = {**os.environ, "TMPDIR": folder}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    found = next(row for row in json.loads(done.stdout)["findings"] if row["rule"] == DIRECT)
    assert found["verdict"] != "does not hold"
    with (
        Target(str(mappable)).mapped() as address,
        pytest.raises(CannotTellError, match=r"copies|does not support O_DIRECT"),
    ):
        controls._write_directly(folder, address)


def test_a_mapping_that_is_pinned(tmp_path: Path) -> None:
    """Writing an ordinary file's pages directly is noticed on file systems that pin pages."""
    kind = file_system(tmp_path)
    if kind not in PINNING | COPYING:
        pytest.skip(f"nothing is known of direct writes on {kind}")
    with Target(btfmmap.SAMPLE_BTF).mapped() as address:
        if kind in PINNING:
            assert controls._write_directly(str(tmp_path), address) == "accepted"
        else:
            with pytest.raises(CannotTellError, match=r"copies|does not support O_DIRECT"):
                controls._write_directly(str(tmp_path), address)
    assert list(tmp_path.iterdir()) == []


def test_no_folder_for_temporary_files(monkeypatch: pytest.MonkeyPatch, mappable: Path) -> None:
    monkeypatch.setattr(controls, "_folders", list)
    with pytest.raises(CannotTellError, match="no folder for temporary files"):
        controls.write_directly(Target(str(mappable)))


def test_a_call_that_fails_with_ordinary_memory() -> None:
    """A sandbox that forbids a system call does not count as a broken promise."""

    def forbidden(_address: int) -> str:
        raise RefusedError(errno.EPERM)

    with pytest.raises(CannotTellError, match=r"also fails with ordinary memory \(EPERM\)"):
        controls.with_control(forbidden)(Target(btfmmap.SAMPLE_BTF))


def file_system(path: str | Path) -> str:
    command = [requirements.tool("stat"), "--file-system", "--format=%T", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    ("compiler", "emulator"),
    [
        ("g++", None),
        ("i686-linux-gnu-g++", None),
        ("s390x-linux-gnu-g++", "qemu-s390x"),
        ("aarch64-linux-gnu-g++", "qemu-aarch64"),
    ],
)
def test_magic_number_by_architecture(tmp_path: Path, compiler: str, emulator: str | None) -> None:
    """`f_type` differs in size and sign: 32 bits on s390x and i386, 64 on most others."""
    if compiler != "g++" and shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    if compiler.startswith("i686") and os.uname().machine != "x86_64":
        pytest.skip("programs for i386 run on x86-64")
    root = Path(__file__).parent.parent
    core = requirements.sources()
    program = tmp_path / "file_system"
    flags = [
        "-std=c++17",
        "-D_FILE_OFFSET_BITS=64",
        "-static",
        "-Wall",
        "-Wextra",
        "-Wconversion",
        "-Werror",
        f"-I{root / 'csrc'}",
    ]
    sources = [
        root / "tests" / "native" / "file_system.cpp",
        core / "input" / "file.cpp",
        core / "input" / "mapping.cpp",
    ]
    subprocess.run([requirements.tool(compiler), *flags, "-o", program, *sources], check=True)
    paths = [path for path in ("/sys", "/proc", "/dev/shm", "/", str(tmp_path)) if os.path.isdir(path)]
    command = [str(program)] if emulator is None else [requirements.tool(emulator), str(program)]
    found = subprocess.run([*command, *paths], capture_output=True, text=True, check=True).stdout
    reference = [requirements.tool("stat"), "--file-system", "--format=%t", *paths]
    assert found == subprocess.run(reference, capture_output=True, text=True, check=True).stdout


class Ring(Target):
    """vmalloc's pages, mapped as a kernel with CONFIG_DEBUG_INFO_BTF_LAZY maps its BTF, by vm_insert_page():
    the ring of a packet socket."""

    def __init__(self) -> None:
        af_packet, sol_packet, packet_rx_ring = 17, 263, 5
        try:
            self.socket = socket.socket(af_packet, socket.SOCK_RAW, 0)
        except OSError as error:
            pytest.skip(f"no packet sockets here: {error.strerror}")
        self.path = "ring"
        self.fd = self.socket.fileno()
        self.size = self.pages_size = 8 * PAGE
        request = struct.pack("4I", PAGE, 8, PAGE, 8)  # blocks, then frames: size and number
        self.socket.setsockopt(sol_packet, packet_rx_ring, request)


class TestVmalloc:
    """A kernel that maps vmalloc's pages keeps other promises than one that maps its image."""

    def test_rules(self) -> None:
        ring = Ring()
        with ring.socket:
            self.check_rules(ring)

    def check_rules(self, ring: Ring) -> None:
        assert rules.PAGES.probe(ring) == "vmalloc"
        depends = [rule for rule in rules.RULES if rule.with_vmalloc is not None]
        assert len(depends) == 4
        for rule in depends:
            try:
                observed = rule.probe(ring)
            except CannotTellError:
                assert rule.uses_disk
                continue
            assert observed in rule.on("vmalloc").expected, rule.name
            assert observed not in rule.on("the kernel's image").expected
        for rule in rules.RULES:
            if rule.name in ("mmap private, read-only", "write() from the mapping"):
                assert tried(rule, ring) in rule.expected, rule.name

    def test_the_image_breaks_them(self, mappable: Path) -> None:
        """What holds on one kind of kernel does not hold on the other."""
        target = Target(str(mappable))
        pages = rules.PAGES.probe(target)
        other = {"vmalloc": "the kernel's image", "the kernel's image": "vmalloc"}[pages]
        for rule in rules.RULES:
            if rule.with_vmalloc is not None and not rule.uses_disk:
                observed = tried(rule, Target(str(mappable)))
                assert observed in rule.on(pages).expected
                assert observed not in rule.on(other).expected

    def test_findings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is expected is what such a kernel promises."""
        number = rules.RULES.index(rules.PAGES)
        for pages, expected in (("vmalloc", "accepted"), ("the kernel's image", "EFAULT")):
            line = json.dumps([number, pages, "holds"])
            monkeypatch.setattr(contract, "_PROBE", f"print({line!r})")
            findings = {finding.rule: finding for finding in btfmmap.doctor(seconds=SECONDS)}
            assert findings["vmsplice() from the mapping"].expected == expected
            assert findings["the pages that are mapped"].expected == "the kernel's image or vmalloc"

    def test_probing(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """Rules after the one about the pages are judged by its result."""
        asked = {}

        def observe(rule: rules.Rule, _path: str) -> tuple[str, str]:
            asked[rule.name] = rule.expected
            return ("vmalloc" if rule is rules.PAGES else rule.expected[0]), "holds"

        monkeypatch.setattr(probing, "observe", observe)
        monkeypatch.setattr(sys, "argv", ["probing", "path", str(SECONDS)])
        probing.main()
        assert len(capsys.readouterr().out.splitlines()) == len(rules.RULES)
        assert asked["vmsplice() from the mapping"] == ("accepted",)
        assert asked["mremap to a larger size"] == ("EFAULT",)

    def test_advice(self) -> None:
        def advice(pages: str) -> str:
            findings = [
                btfmmap.Finding(rule.name, "", pages if rule is rules.PAGES else "", "holds")
                for rule in rules.RULES
            ]
            return cli_doctor.render(findings)

        requirements.kernel_btf()
        assert "resident memory" in advice("vmalloc")
        assert "resident memory" not in advice("the kernel's image")


def tried(rule: rules.Rule, target: Target) -> str:
    try:
        return rule.probe(target)
    except RefusedError as error:
        return error.name


@pytest.mark.parametrize(
    "error", [RefusedError(errno.ENOMEM), OSError(errno.ENOMEM, "Cannot allocate memory")]
)
def test_out_of_memory_breaks_no_rule(error: Exception) -> None:
    def probe(_target: Target) -> str:
        raise error

    observed, verdict = probing._tried(rules.Rule("any", ("EINVAL",), probe), btfmmap.SAMPLE_BTF)
    assert verdict == "could not be tried"
    assert "fails with ENOMEM" in observed


def test_a_read_that_fails_breaks_its_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    def pread(*_: int) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "pread", pread)
    rule = next(rule for rule in rules.RULES if rule.name == "read() of the whole file at once")
    monkeypatch.setattr(rules, "PAGE", 1)
    assert probing._tried(rule, btfmmap.SAMPLE_BTF) == ("EIO", "does not hold")


CRASH = """
import ctypes, os, signal, sys
from btfmmap.contract.probing import observe
from btfmmap.contract.rules import Rule
import btfmmap
def segfault(target): ctypes.string_at(8)
def bus_error(target): os.kill(os.getpid(), signal.SIGBUS)
def leave(target): sys.exit(3)
def killed(target): os.kill(os.getpid(), signal.SIGKILL)
for probe in (segfault, bus_error, leave, killed):
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
        "('the probe was killed by SIGSEGV', 'does not hold')",
        "('the probe was killed by SIGBUS', 'does not hold')",
        "('the probe gave no answer', 'could not be tried')",
        "('the probe was killed by SIGKILL', 'could not be tried')",
        "('fine', 'holds')",
    ]


SLOW = """
import os, signal, sys, time
from btfmmap.contract import probing
from btfmmap.contract.rules import Rule
import btfmmap
probing._SECONDS_TO_ANSWER = probing._SECONDS_TO_DIE = float(sys.argv[1])
def sleep(target): time.sleep(1000)
def sleep_in_a_child(target):
    if os.fork(): return "fine"
    time.sleep(1000)
real, sent = os.killpg, []
def observe(probe, killpg, **fields):
    os.killpg = killpg
    print(probing.observe(Rule("bad", ("fine",), probe, **fields), btfmmap.SAMPLE_BTF))
for probe in (sleep, sleep_in_a_child):
    observe(probe, real)
    # One that a signal does not end.
    observe(probe, lambda *call: sent.append(call))
    observe(probe, lambda *call: sent.append(call), uses_disk=True)
# One that had no time to end.
def spin(target):
    while True: pass
observe(spin, lambda *call: sent.append(call))
for call in sent:
    real(*call)
"""


def test_a_probe_that_does_not_answer() -> None:
    """The process is killed with its children; if it does not die, it is left behind and reported."""
    stuck = "process N is blocked in the kernel and was left behind"
    for seconds in ("0.2", "2", "8"):  # on a slow machine, a process takes longer to die
        command = [sys.executable, "-c", SLOW, seconds]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        lines = [re.sub(r"process \d+", "process N", line) for line in done.stdout.splitlines()]
        expected = 2 * [
            f"('no answer within {seconds} s', 'could not be tried')",
            f"('{stuck}', 'does not hold')",
            f"('{stuck}', 'could not be tried')",
        ]
        expected.append("('process N did not get enough time to end', 'could not be tried')")
        if lines == expected:
            break
    assert lines == expected


@pytest.mark.usefixtures("mappable")
def test_a_probe_stuck_in_the_kernel(tmp_path: Path) -> None:
    """Writing to a frozen file system cannot be killed. The command and its output end all the same."""
    if os.geteuid() != 0:
        pytest.skip("only root freezes a file system")
    image, folder = tmp_path / "image", tmp_path / "folder"
    with image.open("wb") as file:
        file.truncate(16 << 20)
    folder.mkdir()
    subprocess.run([requirements.tool("mkfs.ext4"), "-q", image], check=True)
    mounted = subprocess.run(
        [requirements.tool("mount"), "-o", "loop", image, folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"no loop device: {mounted.stderr}")
    try:
        subprocess.run([requirements.tool("fsfreeze"), "--freeze", folder], check=True)
        try:
            environment = {**os.environ, "TMPDIR": str(folder)}
            for seconds in (20, SECONDS):
                command = [sys.executable, "-m", "btfmmap", "doctor", "--json", "--seconds", str(seconds)]
                done = subprocess.run(
                    command,
                    env=environment,
                    capture_output=True,
                    text=True,
                    check=False,
                    timeout=seconds + 20,
                )
                if "no time left" not in done.stdout:
                    break
        finally:
            subprocess.run([requirements.tool("fsfreeze"), "--unfreeze", folder], check=True)
    finally:
        subprocess.run([requirements.tool("umount"), "--lazy", folder], check=True)
    assert done.returncode == 0
    findings = {row["rule"]: row for row in json.loads(done.stdout)["findings"]}
    assert "is blocked in the kernel" in findings[DIRECT]["observed"]
    assert findings[DIRECT]["verdict"] == "could not be tried"
    assert findings["vmsplice() from the mapping"]["verdict"] == "holds"


def test_the_process_that_probes_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Findings made before then are reported."""
    script = 'print(\'[0, "sysfs", "holds"]\\n[1, "eq\', end=\'\', flush=True); import time; time.sleep(100)'
    monkeypatch.setattr(contract, "_PROBE", script)
    for seconds in (1, 5, 25):  # on a slow machine, Python takes longer to start
        monkeypatch.setattr(contract, "_SECONDS_TO_FINISH", 0)
        first, *others = btfmmap.doctor(seconds=seconds)
        if first.verdict == "holds":
            break
    assert (first.observed, first.verdict) == ("sysfs", "holds")
    assert {finding.verdict for finding in others} == {"could not be tried"}
    assert {finding.observed for finding in others} == {
        f"the process that probes the kernel did not finish within {seconds} s"
    }


def test_the_process_that_probes_dies_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not waited for, but collected when it ends, without a ResourceWarning."""
    left: list[int] = []
    monkeypatch.setattr(contract, "_SECONDS_TO_FINISH", 0.1)
    monkeypatch.setattr(contract, "_SECONDS_TO_DIE", 0.1)
    monkeypatch.setattr(contract, "_PROBE", "import time; time.sleep(100)")
    monkeypatch.setattr(subprocess.Popen, "kill", lambda process: left.append(process.pid))
    assert {finding.verdict for finding in btfmmap.doctor(seconds=0)} == {"could not be tried"}
    gc.collect()
    os.kill(left[0], signal.SIGKILL)
    for _ in range(1000):
        if not Path(f"/proc/{left[0]}").exists():
            break
        time.sleep(0.01)
    else:
        pytest.fail("the process is a zombie")


@pytest.mark.parametrize(
    ("script", "reason"),
    [("raise OSError('broken')", "exited with 1: OSError: broken"), (None, "could not be started: ")],
)
def test_the_process_that_probes_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], script: str | None, reason: str
) -> None:
    """The report is printed and nothing was tried."""
    if script is None:
        monkeypatch.setattr(sys, "executable", "/no/such/python")
    else:
        monkeypatch.setattr(contract, "_PROBE", script)
    assert main(["doctor"]) == 3
    assert reason in capsys.readouterr().out
