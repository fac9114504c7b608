"""The order of kernels: by version, as dpkg compares, with release candidates before their release."""

from __future__ import annotations

import random
import subprocess

import pytest
import requirements

from btfmmap.kernels.versions import path_key, version_key

IN_ORDER = [
    "4.18.0-553.el8_10.x86_64",
    "5.4.0-42-generic",
    "5.4.0-150-generic",
    "5.15.0-1034-aws",
    "6.1.0-47-cloud-amd64",
    "6.9.12",
    "6.12-rc1",
    "6.12-rc2",
    "6.12~rc10-amd64",
    "6.12",
    "6.12.1-arch1-1",
    "6.12.43+deb12-amd64",
    "6.12.43+deb13-amd64",
    "6.12.73+deb12-cloud-amd64",
    "6.12.111+deb12-cloud-amd64",
    "6.13.0-0.rc3.20241218git.30.fc42.x86_64",
    "6.13.0-0.rc10.20250118git.30.fc42.x86_64",
    "6.13.0-30.fc42.x86_64",
    "v7.0.1",
    "7.2~rc7-cloud-amd64",
    "7.2-cloud-amd64",
    "10.0",
]


@pytest.mark.parametrize("seed", range(5))
def test_releases(seed: int) -> None:
    shuffled = random.Random(seed).sample(IN_ORDER, len(IN_ORDER))
    assert sorted(shuffled, key=version_key) == IN_ORDER


def test_trailing_zeros_do_not_count() -> None:
    assert version_key("6.12") == version_key("6.12.0") == version_key("v6.12.0")
    assert version_key("6.12.0-rc2") == version_key("6.12-rc2") < version_key("6.12")
    assert version_key("6.10") != version_key("6.1")


def test_anything_has_a_key() -> None:
    texts = [
        "",
        "no version",
        "rc1",
        "6",
        "6.",
        "6..1",
        "6.12.\u0663",
        "\udc80",
        "9" * 9000,
        "~",
        "6-rc",
    ]
    assert sorted(random.Random(1).sample(texts, len(texts)), key=version_key) == sorted(
        texts, key=version_key
    )
    assert version_key("6.12-1" + "0" * 9000) > version_key("6.12-9" + "0" * 8999)


def test_against_dpkg() -> None:
    """Releases that are no candidates, whose last number is not 0: for dpkg, 6.12.0 is later than 6.12."""
    dpkg = requirements.tool("dpkg")
    source = random.Random(5)

    def release() -> str:
        numbers = ".".join(str(source.choice((1, 2, 9, 10, 11, 100))) for _ in range(source.choice((2, 3))))
        return numbers + "".join(
            source.choice(("", "+deb12", "+deb13", "~bpo", "+b1", "~1", "a", "+1", "ubuntu2", "+el9"))
            for _ in range(source.randrange(3))
        )

    for _ in range(300):
        left, right = release(), release()
        found = subprocess.run([dpkg, "--compare-versions", left, "lt", right], check=False).returncode == 0
        assert (version_key(left) < version_key(right)) == found, (left, right)


def test_paths() -> None:
    """Folder by folder; what has a version precedes what has none."""
    in_order = [
        "debian/6.9/vmlinux-6.9.1",
        "debian/6.12/vmlinuz-6.12-rc1",
        "debian/6.12/vmlinux-6.12",
        "debian/6.12/vmlinux-6.12.1.btf.xz",
        "debian/6.12/old",
        "ubuntu/18.04/x86_64/4.15.0-20-generic.btf.tar.xz",
        "ubuntu/18.04/x86_64/4.15.0-101-generic.btf.tar.xz",
        "ubuntu/20.04/arm64/5.4.0-42-generic.btf.tar.xz",
        "x/build2",
        "x/build10",
    ]
    for seed in range(5):
        assert sorted(random.Random(seed).sample(in_order, len(in_order)), key=path_key) == in_order
