"""Builds a corpus where one machine is too small, on one machine.

    make test-corpus-cluster
    make test-corpus-cluster ARGS='--kernels 300'

A Dask scheduler, two workers and moto's S3 server are processes on loopback. Workers read kernels from a
bucket, the corpus is written into another, and one worker is killed meanwhile. What the corpus says is
compared with one that was built in a local folder without any of this.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from corpus_content import content
from dask_cluster import dask_cluster
from kernel_series import broken, write_btfhub

from btfmmap import corpus

_SERVER = """
import sys, time
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Build a corpus on Dask into an S3 server.")
    parser.add_argument("--kernels", type=int, default=60)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, s3_server() as endpoint:
        # As the workers and s3fs read them.
        os.environ |= {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        check(Path(name), arguments.kernels)


def check(folder: Path, count: int) -> None:
    from dask.distributed import Client

    inputs = write_btfhub(folder / "archive", range(count))
    for seed in range(5):
        inputs.append(folder / "archive" / "ubuntu" / f"broken-{seed}.btf.tar.xz")
        inputs[-1].write_bytes(broken(seed))
    upload(folder / "archive", inputs)
    corpus.build(folder / "local", folder / "archive")
    start = time.perf_counter()
    with dask_cluster(folder) as (address, workers), Client(address) as client:
        client.wait_for_workers(len(workers))

        def progress(done: int, _total: int | None, _name: str) -> None:
            if done == count // 3:
                workers[0].kill()

        executor = client.get_executor(retries=3)
        out, blobs = "s3://corpora/out", "s3://blobs/**/*.btf.tar.xz"
        built = corpus.build(out, blobs, executor=executor, progress=progress)
        again = corpus.build(out, blobs, executor=executor)
        left = len(client.scheduler_info()["workers"])
    assert (built.added, len(built.failed)) == (count, 5), built
    assert (again.added, len(again.failed)) == (0, 5), again
    assert left == len(workers) - 1
    here, there = content(folder / "local"), content("s3://corpora/out")
    assert there["kernels"] == here["kernels"]
    assert there["definitions"] == here["definitions"]
    assert len(there["failures"]) == len(here["failures"]) == 5
    verified = corpus.verify("s3://corpora/out")
    assert verified.kernels == count
    assert verified.problems == []
    opened = corpus.open("s3://corpora/out")
    assert opened.history("struct type_1")["present"].to_pylist() == [True] * count
    print(
        f"{count} kernels and 5 broken inputs: s3://blobs to s3://corpora/out in "
        f"{time.perf_counter() - start:.1f} s, one of {len(workers)} workers killed; equal to a local build"
    )


def upload(root: Path, paths: list[Path]) -> None:
    """Put files into a bucket, and make one for the corpus."""
    import fsspec

    system: Any = fsspec.filesystem("s3")
    for bucket in ("blobs", "corpora"):
        system.mkdir(bucket)
    for path in paths:
        system.pipe_file(f"blobs/{path.relative_to(root)}", path.read_bytes())


@contextmanager
def s3_server() -> Iterator[str]:
    """Start moto's server in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()  # the server ends


if __name__ == "__main__":
    main()
