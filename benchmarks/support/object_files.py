"""The BPF objects of the tests' data."""

from __future__ import annotations

import io
import lzma
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.kernel_btf import DATA


@contextmanager
def object_files() -> Iterator[list[str]]:
    """The paths of the objects, valid inside the `with` block."""
    content = lzma.decompress((DATA / "bpf-objects.tar.xz").read_bytes())
    with tempfile.TemporaryDirectory() as folder, tarfile.open(fileobj=io.BytesIO(content)) as tar:
        paths = []
        for member in tar:
            file = tar.extractfile(member)
            if file is not None:
                path = Path(folder) / Path(member.name).name
                path.write_bytes(file.read())
                paths.append(str(path))
        yield sorted(paths)
