"""The value of `LINUX_KERNEL_VERSION` on a kernel, as far as its release says it."""

from __future__ import annotations

import re

# Debian and Ubuntu count ABIs after a constant third number: 6.1.0-47-amd64 is Linux 6.1.170.
_RELEASE = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,5})(?!\d|\.|(?<=\.0)-\d)")


def kernel_version(release: str) -> int | None:
    """Return KERNEL_VERSION(a, b, c) of a release, or None if the release does not say it.

    Example:
        >>> from btfmmap.checking.kernel_version import kernel_version
        >>> hex(kernel_version("6.12.43+deb13-amd64"))
        '0x60c2b'
        >>> kernel_version("6.1.0-47-amd64"), kernel_version("6.12-arm64")
        (None, None)
    """
    found = _RELEASE.match(release)
    if found is None:
        return None
    version, patch, sub = map(int, found.groups())
    return (version << 16) + (patch << 8) + min(sub, 255)
