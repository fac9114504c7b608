"""Debian packages of another release or architecture, from an apt root of their own. Needs no privileges."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_TRIES = 3


class Packages:
    """The packages of one suite and architecture.

    They are downloaded and unpacked, never installed: no program of theirs runs on this machine.
    """

    def __init__(self, folder: Path, suite: str, architecture: str) -> None:
        self._folder = folder
        self._options = [
            f"Dir::State={folder}/state",
            f"Dir::State::status={folder}/status",
            f"Dir::Cache={folder}/cache",
            f"Dir::Log={folder}/log",
            f"Dir::Etc::sourcelist={folder}/sources.list",
            f"Dir::Etc::sourceparts={folder}/none",
            f"Dir::Etc::preferencesparts={folder}/none",
            f"APT::Architecture={architecture}",
            f"APT::Architectures={architecture}",
            "APT::Install-Recommends=false",
            "APT::Sandbox::User=",
            "Acquire::Languages=none",
            f"Acquire::Retries={_TRIES}",
        ]
        for made in ("state/lists/partial", "cache/archives/partial", "log", "none"):
            (folder / made).mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        self._from = f"{mirror()} {suite}, {architecture}"
        source = f"deb [signed-by={KEYRING}] {mirror()} {suite} main\n"
        (folder / "sources.list").write_text(source)

    def update(self) -> None:
        """Download the lists of packages.

        Raises:
            RuntimeError: the mirror does not answer, or has no such suite or architecture.
        """
        # Without this, apt-get only warns, and what cannot be downloaded seems not to exist.
        self._run("apt-get", "-qq", "-oAPT::Update::Error-Mode=any", "update")

    def matching(self, pattern: str) -> list[str]:
        """The names of packages that a regular expression matches entirely, the oldest version first."""
        names = self._run("apt-cache", "pkgnames").split()
        return sorted(filter(re.compile(pattern).fullmatch, names), key=_version)

    def unpack(self, names: list[str], into: Path, *, dependencies: bool = True) -> None:
        """Download packages, with what they depend on, and unpack them into a folder."""
        into.mkdir(parents=True, exist_ok=True)
        for archive in self._archives(names) if dependencies else self._downloaded(names):
            _unpack(archive, into)

    def _archives(self, names: list[str]) -> list[Path]:
        install = ("apt-get", "-qq", "--yes", "install")
        self._run(*install, "--download-only", *names)
        uris = self._run(*install, "--print-uris", "--reinstall", *names)
        if uris.strip():
            raise RuntimeError(f"not downloaded: {uris}")
        # With an empty dpkg status, what a simulation installs is the whole set.
        lines = self._run(*install, "--simulate", *names).splitlines()
        wanted = [re.match(r"Inst (\S+) \((\S+) .*\[(\S+)\]", line) for line in lines]
        return [self._archive(*match.groups()) for match in wanted if match]

    def _downloaded(self, names: list[str]) -> list[Path]:
        found = []
        for name in names:
            uri = self._run("apt-get", "-qq", "--print-uris", "download", name)
            archive = self._folder / "cache/archives" / uri.split()[1]
            if not archive.exists():
                self._run("apt-get", "-qq", "download", name, folder=archive.parent)
            found.append(archive)
        return found

    def _archive(self, name: str, version: str, architecture: str) -> Path:
        # apt writes ":" of an epoch as "%3a".
        name = name.partition(":")[0]
        return self._folder / "cache/archives" / f"{name}_{version.replace(':', '%3a')}_{architecture}.deb"

    def _run(self, program: str, *arguments: str, folder: Path | None = None) -> str:
        command = [program, *(f"-o{option}" for option in self._options), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
        if done.returncode:
            ran = " ".join((program, *arguments))
            raise RuntimeError(f"{ran} ({self._from}): {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout


def _unpack(archive: Path, into: Path) -> None:
    # dpkg-deb -x would replace a link to a folder, such as /lib, by the folder of an older package.
    tar = ["tar", "-x", "-C", str(into), "--keep-directory-symlink", "--no-same-owner"]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE) as reading:
        subprocess.run(tar, stdin=reading.stdout, check=True)
    if reading.returncode:
        raise RuntimeError(f"dpkg-deb cannot read {archive}")


def mirror() -> str:
    """The address from which this machine installs Debian's packages.

    Raises:
        RuntimeError: this machine is not a Debian system.
    """
    if shutil.which("apt-get") is None or not KEYRING.exists():
        raise RuntimeError("test-boot needs apt-get and debian-archive-keyring: it boots Debian's kernels")
    form = "$(ORIGIN)|$(LABEL)|$(REPO_URI)"
    command = ["apt-get", "indextargets", "--format", form, "Created-By: Packages"]
    for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
        origin, label, address = line.split("|")
        if (origin, label) == ("Debian", "Debian"):
            return address
    raise RuntimeError("apt has no lists of Debian's packages: run apt-get update once")


def _version(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", name)]
