"""Replaces a file as a whole."""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def replace_file(path: str, write_to: Callable[[int], object]) -> None:
    """Write a temporary file beside the path and rename it, so that the path never holds a partial file.

    An existing path that is not a regular file (/dev/null, a pipe) is written to directly.

    Args:
        path: The path.
        write_to: Writes the contents to a file descriptor.

    Raises:
        OSError: The file cannot be written; names the path. What was there before is unchanged.
    """
    beside = None
    try:
        mode = os.stat(path).st_mode if os.path.exists(path) else None
        if mode is not None and not stat.S_ISREG(mode):
            with open(path, "wb", buffering=0) as device:
                write_to(device.fileno())
            return
        target = os.path.realpath(path)
        beside = f"{target}.{os.urandom(4).hex()}.part"
        permissions = 0o666 if mode is None else stat.S_IMODE(mode)
        with open(
            beside, "xb", buffering=0, opener=lambda name, flags: os.open(name, flags, permissions)
        ) as file:
            write_to(file.fileno())
        if mode is not None:
            os.chmod(beside, permissions)  # the umask may have removed some
        os.replace(beside, target)
    except BaseException as error:
        if beside is not None and os.path.exists(beside):
            os.unlink(beside)
        if isinstance(error, OSError) and error.filename in (None, beside):
            error.filename = path
        raise
