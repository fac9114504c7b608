"""How bytes are opened, how long they live, and that they cannot be written to."""

from __future__ import annotations

import errno
import gc
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requirements
from btf_writer import every_kind

import btfmmap
from btfmmap import Btf

BLOB = every_kind().build()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "every_kind.btf"
    path.write_bytes(BLOB)
    return path


def mappings(path: Path) -> int:
    return Path("/proc/self/maps").read_text().count(str(path))


@pytest.fixture
def others() -> int:
    """Number of maps of the running kernel's BTF that other tests have left open."""
    gc.collect()
    return mappings(requirements.kernel_btf())


class TestRunningKernel:
    def test_maps_where_the_kernel_lets_it(self, others: int) -> None:
        kernel = requirements.kernel_btf()
        btf = btfmmap.open()
        assert btf.source.path == str(kernel)
        assert btf.source.how == ("mmap" if kernel_maps(kernel) else "read")
        assert mappings(kernel) - others == (btf.source.how == "mmap")

    def test_reading_gives_the_same_bytes(self) -> None:
        expected = requirements.kernel_btf().read_bytes()
        assert btfmmap.open().raw.tobytes() == expected
        read = btfmmap.open(method="read")
        assert read.source.how == "read"
        assert read.raw.tobytes() == expected

    def test_mapping_is_gone_with_the_last_array(self, others: int) -> None:
        kernel = requirements.kernel_btf()
        if not kernel_maps(kernel):
            pytest.skip("this kernel does not map its BTF")
        btf = btfmmap.open()
        strings = btf.string_section[:10]
        kinds = btf.types.kind
        btf.close()
        assert mappings(kernel) - others == 1
        assert strings[0] == 0
        del strings
        gc.collect()
        assert mappings(kernel) - others == 1
        assert kinds[0] == 0
        del kinds
        gc.collect()
        assert mappings(kernel) - others == 0

    def test_private_and_read_only(self) -> None:
        kernel = requirements.kernel_btf()
        btf = btfmmap.open()
        if btf.source.how != "mmap":
            pytest.skip("this kernel does not map its BTF")
        lines = Path("/proc/self/maps").read_text().splitlines()
        permissions = {line.split()[1] for line in lines if line.endswith(str(kernel))}
        assert permissions == {"r--p"}

    def test_falls_back_to_reading(self, tmp_path: Path) -> None:
        """A kernel before 6.16 answers ENODEV: a preloaded library refuses file maps."""
        kernel = requirements.kernel_btf()
        source = Path(__file__).parent / "native" / "faults.c"
        library = tmp_path / "faults.so"
        subprocess.run(
            [requirements.tool("cc"), "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True
        )
        for name in ("ENODEV", "EACCES", "EPERM", "EINVAL", "ENOMEM"):
            code = (
                "import btfmmap, hashlib; btf = btfmmap.open();"
                "print(btf.source.how, hashlib.sha256(btf.raw).hexdigest());"
                f"\ntry: btfmmap.open({str(kernel)!r}, method='mmap')"
                "\nexcept OSError as error: print(error.errno, error.filename)"
            )
            number = getattr(errno, name)
            environment = requirements.preloading(library) | {
                "FAULT_FILE": str(kernel),
                "FAULT_MMAP": str(number),
            }
            run = subprocess.run(
                [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
            )
            digest = subprocess.run(["sha256sum", kernel], check=True, capture_output=True, text=True)
            assert run.stdout.split() == ["read", digest.stdout.split()[0], str(number), str(kernel)]


def kernel_maps(path: Path) -> bool:
    """Whether the kernel lets its BTF be mapped, asked without btfmmap."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    with path.open("rb") as file:
        prot_read, map_private = 1, 2
        address = libc.mmap(None, 4096, prot_read, map_private, file.fileno(), 0)
    if address == ctypes.c_void_p(-1).value:
        return False
    libc.munmap(address, 4096)
    return True


class TestFiles:
    def test_read_by_default(self, file: Path) -> None:
        btf = btfmmap.open(file)
        assert btf.source == btfmmap.Source(str(file), "read", len(BLOB), "little", 8, unit=0, units=1)
        assert mappings(file) == 0
        file.unlink()
        assert btf.raw.tobytes() == BLOB

    def test_mapped_on_request(self, file: Path) -> None:
        btf = btfmmap.open(file, method="mmap")
        assert btf.source.how == "mmap"
        assert mappings(file) == 1
        assert btf.raw.tobytes() == BLOB

    @pytest.mark.parametrize("convert", [str, os.fsencode, Path])
    def test_kinds_of_path(self, file: Path, convert: Callable[[Path], str]) -> None:
        assert btfmmap.open(convert(file)).source.path == str(file)

    def test_any_bytes_in_a_path(self, tmp_path: Path) -> None:
        path = os.fsencode(tmp_path) + b"/\xff\xfe.btf"
        Path(os.fsdecode(path)).write_bytes(BLOB[:-1])
        with pytest.raises(btfmmap.FormatError, match=r"\\xff\\xfe"):
            btfmmap.open(path)
        Path(os.fsdecode(path)).write_bytes(BLOB)
        assert btfmmap.open(path).source.path == os.fsdecode(path)

    def test_fifo(self, tmp_path: Path) -> None:
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        writer = threading.Thread(target=fifo.write_bytes, args=(BLOB,))
        writer.start()
        btf = btfmmap.open(fifo)
        writer.join()
        assert btf.raw.tobytes() == BLOB
        with pytest.raises(btfmmap.NotSupportedError, match="not a regular file"):
            pickle.dumps(btf)

    def test_descriptors_are_closed(self, file: Path) -> None:
        before = os.listdir("/proc/self/fd")
        opened = [btfmmap.open(file, method="mmap"), btfmmap.open(file)]
        assert os.listdir("/proc/self/fd") == before
        del opened

    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError) as caught:
            btfmmap.open(tmp_path / "absent")
        assert caught.value.filename == str(tmp_path / "absent")

    def test_directory(self, tmp_path: Path) -> None:
        with pytest.raises(IsADirectoryError):
            btfmmap.open(tmp_path)

    def test_devices_are_refused(self) -> None:
        with pytest.raises(btfmmap.FormatError, match="/dev/zero: neither a regular file nor a pipe"):
            btfmmap.open("/dev/zero")

    def test_empty(self, tmp_path: Path) -> None:
        empty = tmp_path / "empty"
        empty.touch()
        with pytest.raises(btfmmap.FormatError, match="the file is empty"):
            btfmmap.open(empty)
        with pytest.raises(OSError, match="Invalid argument"):
            btfmmap.open(empty, method="mmap")

    def test_too_large(self, tmp_path: Path) -> None:
        large = tmp_path / "large"
        large.touch()
        os.truncate(large, 2**32)
        with pytest.raises(btfmmap.FormatError, match="4294967296 bytes"):
            btfmmap.open(large)

    def test_usage(self, file: Path) -> None:
        with pytest.raises(ValueError, match="'copy', must be 'auto', 'mmap' or 'read'"):
            btfmmap.open(file, method="copy")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="one of path, data and id"):
            btfmmap.open(file, data=BLOB)
        with pytest.raises(TypeError, match="base is 'vmlinux', must be a Btf"):
            btfmmap.open(file, base="vmlinux")  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="base is 'vmlinux', must be a Btf"):
            btfmmap.lint(file, base="vmlinux")  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="base is 'vmlinux', must be a Btf"):
            btfmmap.open_kernel(file.parent, base="vmlinux")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="null character"):
            btfmmap.open("a\0b")
        with pytest.raises(TypeError):
            btfmmap.open(3)  # type: ignore[arg-type]


class TestBuffers:
    @pytest.mark.parametrize("convert", [bytes, bytearray, memoryview, lambda b: np.frombuffer(b, "u1")])
    def test_borrowed_without_a_copy(self, convert: Callable[[bytes], bytes]) -> None:
        data = convert(BLOB)
        btf = btfmmap.open(data=data)
        assert btf.source == btfmmap.Source(None, "buffer", len(BLOB), "little", 8, unit=0, units=1)
        assert np.shares_memory(btf.raw, np.frombuffer(data, "u1"))

    def test_at_odd_addresses(self) -> None:
        padded = memoryview(b"xyz" + BLOB)
        for shift in range(3):
            data = padded[3:] if shift == 0 else memoryview(b"x" * shift + BLOB)[shift:]
            btf = btfmmap.open(data=data)
            assert btf.type_section.tobytes() == every_kind().type_section
            assert btf.find("pair") == 7

    def test_keeps_a_bytearray_from_moving(self) -> None:
        data = bytearray(BLOB)
        btf = btfmmap.open(data=data)
        with pytest.raises(BufferError):
            data.extend(b"more")
        del btf
        gc.collect()
        data.extend(b"more")

    def test_a_refused_buffer_is_released(self) -> None:
        data = bytearray(BLOB[:-1])
        with pytest.raises(btfmmap.FormatError, match=r"^buffer: "):
            btfmmap.open(data=data)
        data.extend(b"more")

    def test_not_contiguous(self) -> None:
        with pytest.raises(BufferError):
            btfmmap.open(data=memoryview(BLOB)[::2])

    def test_not_bytes(self) -> None:
        with pytest.raises(TypeError):
            btfmmap.open(data="text")  # type: ignore[arg-type]


class TestSections:
    @pytest.mark.parametrize("order", ["<", ">"])
    def test_views(self, order: str) -> None:
        writer = every_kind(order, header_size=32)
        btf = btfmmap.open(data=writer.build())
        assert btf.source.byte_order == ("little" if order == "<" else "big")
        assert btf.type_section.dtype == np.dtype(f"{order}u4")
        assert btf.type_section.tobytes() == writer.type_section
        assert btf.string_section.tobytes() == writer.strings
        assert btf.header["hdr_len"] == 32
        assert btf.header["type_len"] == len(writer.type_section)
        for array in (btf.raw, btf.type_section, btf.string_section):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 1
            with pytest.raises(ValueError, match="WRITEABLE"):
                array.flags.writeable = True

    def test_gaps_and_trailing_bytes(self) -> None:
        """libbpf accepts both."""
        writer = every_kind()
        types, strings = writer.type_section, writer.strings
        blob = writer.build(
            types=b"\xff" * 8 + types + b"\xff" * 4,
            type_off=8,
            type_len=len(types),
            str_off=len(types) + 12,
        )
        btf = btfmmap.open(data=blob + b"trailing")
        assert btf.type_section.tobytes() == types
        assert btf.string_section.tobytes() == strings

    @pytest.mark.parametrize(
        ("name", "size", "expected"),
        [
            ("long", 4, 4),
            ("unsigned long", 8, 8),
            ("long unsigned int", 4, 4),
            ("long", 16, None),
            ("x", 4, None),
        ],
    )
    def test_pointer_size(self, name: str, size: int, expected: int | None) -> None:
        writer = every_kind()
        writer.records.clear()
        writer.add_int(name, size)
        host = np.dtype(np.uintp).itemsize
        assert btfmmap.open(data=writer.build()).source.pointer_size == (expected or host)


class TestLifetime:
    def test_arrays_outlive_everything(self, file: Path) -> None:
        btf = btfmmap.open(file, method="mmap")
        arrays: list[np.ndarray[Any, Any]] = [
            btf.raw,
            btf.type_section,
            btf.string_section,
            btf.types.kind,
            btf.types.offset,
        ]
        arrays += [btf.members.bit_offset, btf.members.indptr, btf.enumerators.value]
        expected = [array.tobytes() for array in arrays]
        btf.close()
        del btf
        gc.collect()
        assert mappings(file) == 1
        assert [array.tobytes() for array in arrays] == expected
        arrays.clear()
        gc.collect()
        assert mappings(file) == 0

    def test_closed(self, file: Path) -> None:
        btf = btfmmap.open(file)
        pair = btf["pair"]
        assert not btf.closed
        btf.close()
        btf.close()
        assert btf.closed
        questions: list[Callable[[Btf], object]] = [
            lambda btf: btf.source,
            lambda btf: btf.raw,
            lambda btf: btf.types,
            lambda btf: btf.name(1),
            lambda btf: btf.names(),
            lambda btf: btf.find("int"),
            lambda btf: btf[1],
            len,
            iter,
            lambda btf: btf.__enter__(),
            lambda _: pair.name,
            lambda _: pair.members,
        ]
        for question in questions:
            with pytest.raises(ValueError, match="closed"):
                question(btf)
        assert "closed" in repr(btf)
        assert "closed" in repr(pair)

    def test_with(self, file: Path) -> None:
        with btfmmap.open(file) as btf:
            kinds = btf.types.kind
        assert btf.closed
        assert kinds[1] == 1

    def test_repr(self, file: Path) -> None:
        assert repr(btfmmap.open(file)) == f"<Btf {file} read {len(every_kind().records)} types>"


class TestPickling:
    def test_sends_the_path_only(self, kernel: Path) -> None:
        btf = btfmmap.open(kernel)
        pickled = pickle.dumps(btf)
        assert len(pickled) < 500
        copy = pickle.loads(pickled)
        assert copy.source == btf.source
        assert np.array_equal(copy.raw, btf.raw)

    def test_from_another_folder(self, file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.chdir(tmp_path)
        btf = btfmmap.open(file.name)
        monkeypatch.chdir("/")
        pickled = pickle.dumps(btf)
        assert pickle.loads(pickled).raw.tobytes() == BLOB

    def test_changed_file(self, file: Path) -> None:
        pickled = pickle.dumps(btfmmap.open(file))
        file.write_bytes(every_kind(header_size=32).build())
        with pytest.raises(btfmmap.BtfError, match="not the BTF that was pickled"):
            pickle.loads(pickled)

    def test_bytes_in_memory(self) -> None:
        with pytest.raises(btfmmap.NotSupportedError, match="in memory"):
            pickle.dumps(btfmmap.open(data=BLOB))

    def test_process_pool(self, file: Path) -> None:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            assert pool.submit(Btf.find, btfmmap.open(file), "pair").result() == 7

    def test_a_type(self, file: Path) -> None:
        pair = btfmmap.open(file)["pair"]
        copy = pickle.loads(pickle.dumps(pair))
        assert (copy.id, copy.name) == (pair.id, "pair")

    def test_errors(self) -> None:
        error = btfmmap.FormatError("bad", offset=3, type_id=4)
        copy = pickle.loads(pickle.dumps(error))
        assert (str(copy), copy.offset, copy.type_id) == ("bad", 3, 4)


def test_threads_share_one_btf(kernel: Path) -> None:
    """Sixteen threads build tables and the name index at once, and get the same."""
    btf = btfmmap.open(kernel)
    start = threading.Barrier(16)
    seen: list[tuple[int | None, int, int, int]] = []

    def work() -> None:
        start.wait()
        seen.append((btf.find("int"), len(btf.members), len(btf.types), int(btf.params.indptr[-1])))

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 16
    assert len(set(seen)) == 1


@pytest.mark.parametrize(
    "ask",
    [
        lambda btf: btf.members,
        lambda btf: btf.graph.reverse.role,
        lambda btf: btf.layouts,
        lambda btf: btf.fingerprints,
        lambda btf: btf.users("flow"),
        lambda btf: btf.ctypes("flow"),
        lambda btf: btf["flow"].members,
    ],
    ids=["tables", "graph", "layouts", "fingerprints", "users", "ctypes", "types"],
)
def test_nothing_waits_for_the_garbage_collector(ask: Callable[[Btf], object]) -> None:
    gc.collect()
    gc.disable()
    try:
        kept = [btf for btf in gc.get_objects() if type(btf) is Btf]
        ask(btfmmap.open(btfmmap.SAMPLE_BTF))
        assert [btf for btf in gc.get_objects() if type(btf) is Btf] == kept
    finally:
        gc.enable()
