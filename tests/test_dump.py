"""Dumps equal bpftool's byte for byte.

They are compared with hashes of version 7.8's output, with the installed bpftool (raw and JSON have not
changed), and with the compiler.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import btf_writer
import pytest
import requirements
from btf_writer import BtfWriter, every_kind
from stored_files import DATA, KERNELS, MODULES

import btfmmap
from btfmmap import Btf, Kind

_LINES = (DATA / "bpftool-7.8.sha256").read_text().splitlines()
HASHES = {name: digest for digest, name in map(str.split, _LINES)}
Format = Literal["raw", "json", "c"]
SUFFIX: dict[Format, str] = {"raw": "raw.txt", "json": "json", "c": "h"}


@pytest.fixture(scope="module")
def stored() -> dict[str, Btf]:
    kernels = {name: btfmmap.open(DATA / f"{name}.btf.xz") for name in KERNELS}
    base = kernels["7.2-amd64"]
    return kernels | {name: btfmmap.open(DATA / f"{name}.ko.xz", base=base) for name in MODULES}


@pytest.mark.parametrize("format_", list(SUFFIX))
@pytest.mark.parametrize("name", KERNELS + MODULES)
def test_hashes_of_bpftool_7_8(stored: dict[str, Btf], name: str, format_: Format) -> None:
    file = io.BytesIO()
    assert stored[name].dump(format_, file=file) is None
    assert hashlib.sha256(file.getvalue()).hexdigest() == HASHES[f"{name}.{SUFFIX[format_]}"]


def bpftool(*words: str) -> bytes:
    return subprocess.run([requirements.tool("bpftool"), *words], check=True, capture_output=True).stdout


FLAGS: list[tuple[tuple[str, ...], dict[str, bool]]] = [((), {}), (("-j",), {}), (("-p",), {"pretty": True})]


@pytest.mark.parametrize(("flags", "options"), FLAGS)
def test_against_the_installed_bpftool(
    kernel: Path, flags: tuple[str, ...], options: dict[str, bool]
) -> None:
    expected = bpftool(*flags, "btf", "dump", "file", str(kernel))
    file = io.BytesIO()
    btfmmap.open(kernel).dump("json" if flags else "raw", file=file, **options)  # type: ignore[arg-type]
    assert file.getvalue() == expected


@pytest.mark.parametrize("order", ["<", ">"])
def test_every_kind_against_bpftool(tmp_path: Path, order: str) -> None:
    writer = every_kind(order)
    writer.add_int("odd", 4, encoding=5)  # two encoding bits
    writer.add_int("hidden", 4, bits=7)
    writer.add(btf_writer.FUNC, "strange", size_or_type=20, vlen=7)
    writer.add(btf_writer.VAR, "strange", size_or_type=1, extra=(9,))
    writer.add_struct('quo"te\t', 0, [])
    writer.add_struct(b"\x01\x1b\x7f\xff", 0, [])  # no UTF-8, and letters that JSON wants escaped
    writer.add_datasec("empty", 0, [(0, 1, 2)])
    path = tmp_path / "kinds.btf"
    path.write_bytes(writer.build())
    btf = btfmmap.open(path)
    for flags, options in FLAGS:
        text = btf.dump("json" if flags else "raw", **options)  # type: ignore[arg-type]
        assert text is not None
        assert text.encode(errors="surrogateescape") == bpftool(*flags, "btf", "dump", "file", str(path))


@pytest.mark.parametrize(("flags", "options"), FLAGS)
def test_a_record_of_many_pieces(tmp_path: Path, flags: tuple[str, ...], options: dict[str, bool]) -> None:
    """Output to a descriptor goes through the writer thread, in several buffers."""
    writer = BtfWriter()
    name = writer.string("a_name_of_some_letters_" * 3)
    values = tuple(word for value in range(60000) for word in (name, value))
    writer.add(btf_writer.ENUM, "all", size_or_type=4, vlen=60000, extra=values)
    writer.add_int("an_int_whose_name_comes_after_the_others")
    path, written = tmp_path / "enum.btf", tmp_path / "written"
    path.write_bytes(writer.build())
    btfmmap.open(path).dump("json" if flags else "raw", file=written, **options)  # type: ignore[arg-type]
    assert written.stat().st_size > 4 << 20
    assert written.read_bytes() == bpftool(*flags, "btf", "dump", "file", str(path))


def test_roots() -> None:
    btf = btfmmap.open(btfmmap.SAMPLE_BTF)
    text, whole = btf.dump(roots=["flow", 1]), btf.dump()
    assert text is not None
    assert whole is not None
    records = re.findall(r"^\[(\d+)\].*(?:\n\t.*)*\n", whole, re.MULTILINE)
    assert len(records) == len(btf) - 1
    assert re.findall(r"^\[(\d+)\]", text, re.MULTILINE) == [str(btf.find("flow")), "1"]
    assert all(line in whole for line in text.splitlines())
    loaded = json.loads(btf.dump("json", roots=[2]) or "")
    assert [record["id"] for record in loaded["types"]] == [2]
    with pytest.raises(btfmmap.NotFoundError):
        btf.dump(roots=["no_such_type"])


def compile_c(text: str, tmp_path: Path, *command: str) -> str:
    """The compiler's messages about a header."""
    path = tmp_path / "header.c"
    path.write_text(text)
    done = subprocess.run([*command, "-fsyntax-only", path], capture_output=True, text=True, check=False)
    return done.stderr


def plain(text: str) -> str:
    """The text without the numbers of namesakes."""
    return re.sub(r"___\d+\b", "", text)


def assertions(btf: Btf, header: str) -> str:
    """Assertions that the compiler lays out each named struct as the BTF says, with all members that have
    addresses. The struct is found by its declaration, because the header may call it x___2."""
    declared = {
        plain(block): block[: block.index(" {")]
        for block in header.split(";\n\n")
        if re.match(r"(struct|union) \w+ {", block)
    }
    kinds, name_offs = btf.types.kind.tolist(), btf.types.name_off.tolist()
    sizes = btf.types.size_or_type.tolist()
    members, indptr = btf.members, btf.members.indptr.tolist()
    member_names, offsets = btf.strings(members.name_off), members.bit_offset.tolist()
    bitfields = members.bitfield_size.tolist()
    lines = []
    for row, kind in enumerate(kinds):
        if kind not in (Kind.STRUCT, Kind.UNION) or not name_offs[row]:
            continue
        tag = declared[plain(btf.c_declaration(row).removesuffix(";"))]
        lines.append(f'_Static_assert(sizeof({tag}) == {sizes[row]}, "{tag}");')
        lines += [
            f'_Static_assert(__builtin_offsetof({tag}, {member_names[at]}) == {offsets[at] // 8}, "{tag}");'
            for at in range(indptr[row], indptr[row + 1])
            if member_names[at] and not bitfields[at]
        ]
    return "\n".join(lines)


# warn_args has a va_list, which is smaller for BPF than in the kernel.
OTHER_FOR_BPF = {"7.2-amd64": {"warn_args"}, "6.12-cloud-arm64": set(), "6.12-s390x": {"warn_args"}}


@pytest.mark.parametrize("name", KERNELS)
def test_the_header_compiles_to_the_same_layout(stored: dict[str, Btf], name: str, tmp_path: Path) -> None:
    btf = stored[name]
    text = btf.to_c()
    target = "bpfeb" if btf.source.byte_order == "big" else "bpf"
    # The kernel is compiled with that option, for anonymous members.
    clang = [
        requirements.tool("clang"),
        "-target",
        target,
        "-fms-extensions",
        "-Wno-everything",
        "-ferror-limit=0",
    ]
    assert compile_c(text, tmp_path, *clang) == ""
    said = compile_c(f"{text}\n{assertions(btf, text)}", tmp_path, *clang)
    wrong = set(re.findall(r'"(?:struct|union) (\w+)"$', said, re.MULTILINE))
    assert wrong == OTHER_FOR_BPF[name]
    assert said.count("error:") == len(re.findall(r'"(?:struct|union) \w+"$', said, re.MULTILINE))


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the stored kernel is one for x86-64")
def test_the_header_compiles_with_gcc(stored: dict[str, Btf], tmp_path: Path) -> None:
    """Compiles for the kernel's own machine, where va_list has its size too."""
    btf = stored["7.2-amd64"]
    text = btf.to_c()
    gcc = [requirements.tool("gcc"), "-std=gnu11", "-fms-extensions", "-w"]
    assert "error" not in compile_c(f"{text}\n{assertions(btf, text)}", tmp_path, *gcc)


def test_a_type_with_what_it_needs(stored: dict[str, Btf], tmp_path: Path) -> None:
    btf = stored["7.2-amd64"]
    text = btf.to_c("sk_buff", "enum pid_type")
    assert text.count("\n") < btf.to_c().count("\n") / 4
    use = "struct sk_buff a; enum pid_type b;"
    clang = [requirements.tool("clang"), "-target", "bpf", "-fms-extensions", "-Wno-everything"]
    assert compile_c(f"{text}\n{use}", tmp_path, *clang) == ""


class TestC:
    """Constructs of C survive a round trip: compiled, dumped as C and compiled again."""

    SOURCE = """
typedef int (*callback)(const char *, int, ...);
struct node { struct node *next; callback call[3]; int (*table)[4][5]; };
union either { struct node node; char text[8]; unsigned long long wide; };
struct flags { int a : 3; unsigned b : 5; long : 0; unsigned long long c : 40; };
struct __attribute__((packed)) tight { char a; int b; short c; };
struct wide { char a; long long b __attribute__((aligned(32))); };
struct nested { struct { int x; union { int y; float z; }; } in; const volatile int *const q; };
enum color { RED, GREEN = 7, BLUE = 3 };
struct uses { enum color c; union either e; struct flags f; struct tight t; struct wide w; struct nested n; };
struct uses u; int (*fn(void))(struct uses *, enum color);
int (*fn(void))(struct uses *, enum color) { return 0; }
"""

    def test_round_trip(self, tmp_path: Path) -> None:
        """gcc's BTF of the header has the same layouts as gcc's BTF of the source."""
        source, again = tmp_path / "a.c", tmp_path / "b.c"
        source.write_text(self.SOURCE)
        gcc = [requirements.tool("gcc"), "-gbtf", "-c", "-w"]
        subprocess.run([*gcc, source, "-o", tmp_path / "a.o"], check=True)
        first = btfmmap.open(tmp_path / "a.o")
        again.write_text(first.to_c() + "struct uses u;")
        subprocess.run([*gcc, again, "-o", tmp_path / "b.o"], check=True)
        second = btfmmap.open(tmp_path / "b.o")
        for name in ("node", "either", "flags", "tight", "wide", "nested", "uses"):
            before, after = first[name], second[name]
            assert before.size == after.size, name
            # Gaps have become unnamed bitfields.
            assert [(*tuple(member)[::2], member.bitfield_size) for member in before.members] == [
                (*tuple(member)[::2], member.bitfield_size)
                for member in after.members
                if member.name or not (member.bitfield_size)
            ], name
        assert [tuple(value) for value in first["enum color"].enumerators] == [
            tuple(value) for value in second["enum color"].enumerators
        ]

    def test_conflicting_names(self) -> None:
        writer = BtfWriter()
        integer = writer.add_int("int")
        writer.add_struct("x", 4, [("a", integer, 0)])
        writer.add_struct("x", 8, [("a", integer, 0), ("b", integer, 32)])
        writer.add(btf_writer.TYPEDEF, "t", size_or_type=2)
        writer.add(btf_writer.TYPEDEF, "t", size_or_type=3)
        writer.add_enum("", [("t", 1)])
        text = btfmmap.open(data=writer.build()).dump("c", sort=False)
        assert text is not None
        assert re.findall(r"struct x\w* \{", text) == ["struct x {", "struct x___2 {"]
        assert "typedef struct x t;" in text
        assert "typedef struct x___2 t___2;" in text
        assert "t___3 = 1," in text

    def test_a_kfunc(self) -> None:
        writer = BtfWriter()
        integer = writer.add_int("int")
        proto = writer.add_proto(integer, [("n", integer)])
        function = writer.add(btf_writer.FUNC, "bpf_thing", size_or_type=proto, vlen=1)
        writer.add(btf_writer.DECL_TAG, "bpf_kfunc", size_or_type=function, extra=(-1,))
        writer.add(btf_writer.DECL_TAG, "bpf_fastcall", size_or_type=function, extra=(-1,))
        text = btfmmap.open(data=writer.build()).dump("c")
        assert "extern __bpf_fastcall int bpf_thing(int n) __weak __ksym;\n" in (text or "")

    def test_a_kind_without_a_word(self) -> None:
        writer = BtfWriter(header_size=32)
        writer.add(100, "new")
        layout = bytes(4 * 101)
        types = writer.type_section
        blob = writer.build(
            types=types + layout, type_len=len(types), layout_off=len(types), layout_len=len(layout)
        )
        btf = btfmmap.open(data=blob)
        assert btf.dump() == "[1] UNKNOWN 'new'\n"
        with pytest.raises(btfmmap.NotSupportedError, match="unknown kind 100"):
            btf.dump("c")


class TestFiles:
    def test_a_path_is_whole_or_not_at_all(self, tmp_path: Path) -> None:
        btf = btfmmap.open(btfmmap.SAMPLE_BTF)
        path = tmp_path / "out.txt"
        path.write_text("before")
        with pytest.raises(btfmmap.NotFoundError):
            btf.dump(file=path, roots=[10**6])
        assert path.read_text() == "before"
        btf.dump(file=path)
        assert path.read_text() == btf.dump()
        assert [file.name for file in tmp_path.iterdir()] == ["out.txt"]

    def test_text_files_and_devices(self, tmp_path: Path) -> None:
        btf = btfmmap.open(btfmmap.SAMPLE_BTF)
        text = io.StringIO()
        btf.dump(file=text)
        assert text.getvalue() == btf.dump()
        btf.dump(file=os.devnull)
        with pytest.raises(OSError, match="No space left"):
            btf.dump(file="/dev/full")
        with pytest.raises(FileNotFoundError, match="nowhere"):
            btf.dump(file=tmp_path / "nowhere" / "out")
        with pytest.raises(ValueError, match="roots is empty"):
            btf.dump(roots=[])
        assert btf.dump(roots="int") == btf.dump(roots=["int"])
        with pytest.raises(TypeError, match="file is 1, must be a path or an open file"):
            btf.dump(file=1)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="format is 'xml'"):
            btf.dump("xml")  # type: ignore[arg-type]

    def test_other_names_of_standard_output(self, tmp_path: Path) -> None:
        """Earlier content of a device or pipe stays; a pipe is not replaced by a file."""
        dump = f"{sys.executable} -m btfmmap dump {btfmmap.SAMPLE_BTF} --root 1 -o"
        text = (btfmmap.open(btfmmap.SAMPLE_BTF).dump(roots=[1]) or "").encode()
        out, link = tmp_path / "out", tmp_path / "link"
        link.symlink_to("/dev/stdout")
        for name in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", str(link), "-"):
            script = f"(echo before; {dump} {name}; echo behind) > {out}; {dump} {name} | cat"
            done = subprocess.run(["bash", "-c", script], capture_output=True, check=True)
            assert (done.stdout, done.stderr) == (text, b""), name
            assert out.read_bytes() == b"before\n" + text + b"behind\n", name

    def test_what_was_there(self, tmp_path: Path) -> None:
        """A symbolic link stays one, and a file keeps its mode."""
        btf = btfmmap.open(btfmmap.SAMPLE_BTF)
        path, link = tmp_path / "out.txt", tmp_path / "link"
        path.write_text("before")
        path.chmod(0o604)
        link.symlink_to("out.txt")
        btf.dump(file=link)
        assert link.is_symlink()
        assert path.read_text() == btf.dump()
        assert path.stat().st_mode & 0o777 == 0o604
        with pytest.raises(IsADirectoryError, match=str(tmp_path)):
            btf.dump(file=tmp_path)

    def test_a_stream_that_takes_little_at_once(self) -> None:
        class Narrow(io.RawIOBase):
            taken = b""

            def writable(self) -> bool:
                return True

            def write(self, piece: Any) -> int | None:
                self.taken += bytes(piece[:1000])
                return None if len(self.taken) > self.most else len(piece[:1000])

            most = 10**9

        btf, narrow = btfmmap.open(btfmmap.SAMPLE_BTF), Narrow()
        btf.dump(file=narrow)  # type: ignore[arg-type]
        assert narrow.taken.decode() == btf.dump()
        narrow.most = 0
        with pytest.raises(BlockingIOError):
            btf.dump(file=narrow)  # type: ignore[arg-type]

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
    def test_a_signal_leaves_no_part_behind(self, tmp_path: Path, number: signal.Signals) -> None:
        """A copy of the command gets the signal in the middle of writing."""
        script = f"""
import os, sys
from btfmmap import _core, cli
def dump(btf, roots, descriptor):
    os.write(descriptor, b"half")
    os.kill(os.getpid(), {number})
    os.write(descriptor, b"a file")
_core.dump_raw = dump
sys.exit(cli.main(["dump", {btfmmap.SAMPLE_BTF!r}, "-o", "out.txt"]))
"""
        done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (128 + number, b"")
        assert list(tmp_path.iterdir()) == []

    def test_a_write_of_ones_own_is_called(self, tmp_path: Path) -> None:
        class Counting(io.BufferedWriter):
            count = 0

            def write(self, piece: Any) -> int:
                self.count += memoryview(piece).nbytes
                return super().write(piece)

        path = tmp_path / "out.txt"
        btf = btfmmap.open(btfmmap.SAMPLE_BTF)
        with Counting(io.FileIO(path, "w")) as file:
            btf.dump(file=file)
        assert file.count == path.stat().st_size
        assert path.read_text() == btf.dump()

    def test_an_error_while_writing_ends_it(self) -> None:
        class Full:
            def write(self, _: bytes) -> int:
                raise OSError(28, "No space left on device")

        with pytest.raises(OSError, match="No space"):
            btfmmap.open(btfmmap.SAMPLE_BTF).dump(file=Full())  # type: ignore[arg-type]


def command(*words: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "btfmmap", *map(str, words)], capture_output=True, check=False
    )


class TestCommand:
    def test_bpftools_spelling(self, module: tuple[Path, Path]) -> None:
        base, path = module
        for flags in ([], ["-j"], ["-p"], ["--json"]):
            words = [*flags, "-B", str(base), "btf", "dump", "file", str(path)]
            assert command(*words).stdout == bpftool(*words)
        done = command("-B", base, "btf", "dump", "file", path, "format", "c")
        assert hashlib.sha256(done.stdout).hexdigest() == HASHES["tun.h"]

    def test_bpftools_ways_to_say_it(self) -> None:
        """Abbreviated words, options anywhere, numbers in C's notation."""
        sample = btfmmap.SAMPLE_BTF
        btf = btfmmap.open(sample)
        for words in (
            ["bt", "d", "f", sample, "-j"],
            ["-pj", "btf", "dump", "file", sample, "format", "raw"],
        ):
            assert command(*words).stdout == bpftool(*words)
        # The installed bpftool may be too old for these.
        for words in (["root_id", "2", "root_id", "0x3"], ["r", "02", "roo", "3", "forma", "raw"]):
            assert command("btf", "dump", "file", sample, *words).stdout.decode() == btf.dump(roots=[2, 3])
        unsorted = command("btf", "dump", "file", sample, "unsorted", "form", "c").stdout
        assert unsorted.decode() == btf.dump("c", sort=False)
        assert command(f"-B{sample}", "btf", "dump", "file", DATA / "none").returncode == 2

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["btf", "list"], "are 'btf dump file FILE' and 'btf dump id ID'"),
            (["btf", "dump", "prog", "id", "1"], "are 'btf dump file FILE' and 'btf dump id ID'"),
            (["btf", "dump", "file", "x", "format", "xml"], "'format' must be followed by raw or c"),
            (
                ["btf", "dump", "file", "x", "xml"],
                "unknown argument 'xml'; allowed are format raw|c, root_id ID and unsorted",
            ),
            (["btf", "dump", "file", "x", "file", "y"], "several files, which bpftool merges"),
            (["btf", "dump", "file", "x", "root_id", "x"], "'x' is not an id"),
            (["-j", "btf", "dump", "file", "x", "format", "c"], "a C header is not JSON"),
            (["-d", "btf", "dump", "file", "x"], "supported bpftool options are -j, -p and -B BASE"),
        ],
    )
    def test_what_is_not_understood(self, words: list[str], message: str) -> None:
        done = command(*words)
        assert (done.returncode, done.stdout) == (2, b"")
        assert message in done.stderr.decode()

    def test_enumerators_as_roots(self, tmp_path: Path) -> None:
        """The enum is written; a type of the name goes first, and of several enums the first is taken."""
        writer = BtfWriter()
        number = writer.add_int()
        enums = [
            writer.add_enum(name, [(each, value) for value, each in enumerate(enumerators)])
            for name, enumerators in (("", ["ALONE", "TWICE"]), ("named", ["TWICE", "both"]))
        ]
        both = writer.add_struct("both", 4, [("value", number, 0)])
        path = tmp_path / "enums.btf"
        path.write_bytes(writer.build())
        btf = btfmmap.open(path)
        several = f"enum [{enums[0]}] (taken), enum [{enums[1]}]; choose by id"
        for root, wanted, said in [
            ("ALONE", enums[0], ""),
            ("TWICE", enums[0], f"btfmmap: 2 enums have an enumerator 'TWICE': {several}\n"),
            ("named.TWICE", enums[1], ""),
            ("enum named.both", enums[1], ""),
            ("both", both, ""),
            (str(enums[0]), enums[0], ""),
        ]:
            done = command("dump", path, "--root", root)
            assert (done.returncode, done.stderr.decode()) == (0, said)
            assert done.stdout.decode() == btf.dump(roots=[wanted])
        done = command("dump", path, "--root", "ALONE", "--root", "both", "--format", "c")
        assert done.stdout.decode() == btf.dump("c", roots=[enums[0], both])
        for root in ("named.ALONE", "ABSENT", "absent.TWICE", "both.TWICE", "ALONE.value"):
            assert command("dump", path, "--root", root).returncode == 1, root

    def test_mistyped_enumerators(self, tmp_path: Path) -> None:
        writer = BtfWriter()
        number = writer.add_int()
        plain = writer.add_enum("pid_type", [("TYPE_PID", 0), ("LEADER", 1)])
        writer.add(Kind.TYPEDEF, "state_t", size_or_type=writer.add_enum("", [("STATE_UP", 7)]))
        writer.add_struct("state_up_t", 4, [("value", number, 0)])
        path = tmp_path / "enums.btf"
        path.write_bytes(writer.build())
        where = f"an enumerator of enum pid_type [{plain}], value 1"
        for root, error in (
            ("pid_type.TYPE_PIE", "enum pid_type has no enumerator 'TYPE_PIE'; close to it: TYPE_PID"),
            ("pid_type.ABSENT", "enum pid_type has no enumerator 'ABSENT'"),
            ("state_t.STATE_U", "state_t has no enumerator 'STATE_U'; close to it: STATE_UP"),
            ("STATE_U", "no type or enumerator named 'STATE_U'; close to it: STATE_UP, state_t, state_up_t"),
            ("absent.X", "no type named 'absent'"),
            ("LEADER.X", f"no type named 'LEADER'; it is {where}"),
        ):
            done = command("dump", path, "--root", root)
            assert (done.returncode, done.stderr.decode()) == (1, f"btfmmap: {error}\n")
        for shown in ("LEADER", "pid_type.LEADER"):
            done = command("show", shown, "-f", path)
            assert (done.returncode, done.stdout) == (1, b"")
            assert done.stderr.decode() == f"btfmmap: no type named {shown!r}; it is {where}\n"

    def test_roots_that_a_header_does_not_declare(self, tmp_path: Path) -> None:
        """Exactly the roots for which the header has no declaration are reported."""
        for path in (btfmmap.SAMPLE_BTF, tmp_path / "all.btf"):
            if isinstance(path, Path):
                path.write_bytes(every_kind().build())
            btf = btfmmap.open(path)
            empty = len(btf.dump("c", roots=[0]) or "")
            undeclared = [
                btf[type_id]
                for type_id in range(len(btf))
                if len(btf.dump("c", roots=[type_id]) or "") == empty
            ]
            assert {Kind.FUNC, Kind.VAR, Kind.DATASEC, Kind.INT, Kind.PTR} < {
                each.kind for each in undeclared
            }
            roots = [word for type_id in range(len(btf)) for word in ("--root", str(type_id))]
            done = command("dump", path, "--format", "c", *roots)
            assert (done.returncode, done.stdout.decode()) == (0, btf.dump("c", roots=range(len(btf))))
            said = done.stderr.decode().splitlines()
            for line, root in zip(said, undeclared, strict=True):
                assert "which a header does not declare" in line
                assert root.c_name in line or root.name in line
            assert b"declare" not in command("dump", path, "--root", "0").stderr
        done = command("dump", btfmmap.SAMPLE_BTF, "--format", "c", "--root", "judge", "--root", "flow")
        (judge,) = btfmmap.open(btfmmap.SAMPLE_BTF).find_all("judge")
        assert done.stderr.decode() == (
            "btfmmap: judge is a function, which a header does not declare: --root takes the types of its "
            f"parameters, and btfmmap show {judge} --c prints its declaration\n"
        )
        assert b"struct flow {" in done.stdout

    def test_options(self, tmp_path: Path) -> None:
        sample = btfmmap.SAMPLE_BTF
        btf = btfmmap.open(sample)
        assert command("dump", sample, "--root", "flow").stdout.decode() == btf.dump(roots=["flow"])
        assert command("dump", sample, "--format", "c").stdout.decode() == btf.dump("c")
        out = tmp_path / "out.h"
        assert command("dump", sample, "--format", "c", "--unsorted", "-o", out).stdout == b""
        assert out.read_text() == btf.dump("c", sort=False)
        assert command("dump", sample, "--root", "nope").returncode == 1
        with open(sample, "rb") as file:
            piped = subprocess.run(
                [sys.executable, "-m", "btfmmap", "dump", "-"], stdin=file, capture_output=True, check=True
            )
        assert piped.stdout.decode() == btf.dump()
        closed = f"{sys.executable} -m btfmmap dump {sample} >&-"
        done = subprocess.run(["bash", "-c", closed], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (2, "btfmmap: standard output is closed\n")
        unbuffered = subprocess.run(
            [sys.executable, "-u", "-m", "btfmmap", "dump", sample], capture_output=True, check=True
        )
        assert unbuffered.stdout.decode() == btf.dump()

    def test_show_c(self) -> None:
        sample = btfmmap.SAMPLE_BTF
        declaration = btfmmap.open(sample).c_declaration("flow")
        shown = command("show", "flow", "--c", "-f", sample).stdout.decode()
        assert shown == f"{declaration}\n"
        facts = json.loads(command("show", "flow", "--c", "-f", sample, "--json").stdout)
        assert facts["c"] == declaration

    def test_a_closed_pipe_ends_it_quietly(self) -> None:
        kernel = requirements.kernel_btf()
        script = (
            f"{sys.executable} -m btfmmap dump {kernel} | head -c 100 >/dev/null; echo ${{PIPESTATUS[0]}}"
        )
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
        assert (done.stdout, done.stderr) == ("141\n", "")

    def test_a_signal_ends_it_while_nobody_reads(self) -> None:
        kernel = requirements.kernel_btf()
        with subprocess.Popen(
            [sys.executable, "-m", "btfmmap", "dump", str(kernel)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.read(1) == b"["  # so that it writes, and soon waits for the full pipe
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == 130
            assert process.stderr.read() == b""

    def test_no_more_threads(self, tmp_path: Path) -> None:
        """Without another thread, making the text and writing it take turns."""
        if os.getuid() != 0:
            pytest.skip("needs root, to be a user who may have no more threads")
        out = tmp_path / "out"
        script = (
            "import os, resource, btfmmap\n"
            "btf = btfmmap.open(btfmmap.SAMPLE_BTF)\n"
            "btf.dump(file=os.devnull)\n"
            f"file = open({str(out)!r}, 'wb')\n"
            "resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))\n"
            "os.setuid(65534)\n"
            "import _thread\n"
            "try: _thread.start_new_thread(print, ())\n"
            "except RuntimeError: pass\n"
            "else: raise SystemExit('threads can be had')\n"
            "btf.dump(file=file)\n"
        )
        subprocess.run([sys.executable, "-c", script], check=True)
        assert out.read_text() == btfmmap.open(btfmmap.SAMPLE_BTF).dump()

    @pytest.mark.parametrize("words", ["--pretty", "--format c --pretty", "--unsorted"])
    def test_what_does_not_go_together(self, words: str) -> None:
        done = command("dump", btfmmap.SAMPLE_BTF, *words.split())
        assert (done.returncode, done.stdout) == (2, b"")
        assert b" requires --format " in done.stderr

    def test_a_full_disk(self) -> None:
        script = f"{sys.executable} -m btfmmap dump {btfmmap.SAMPLE_BTF} > /dev/full"
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (2, "btfmmap: standard output: No space left on device\n")

    def test_a_file_that_cannot_grow(self, tmp_path: Path) -> None:
        """The earlier file stays, and no partial file is left."""
        out = tmp_path / "out.json"
        out.write_text("before")
        words = f"dump {btfmmap.SAMPLE_BTF} --format json --pretty -o {out}"
        script = f"ulimit -f 1; {sys.executable} -m btfmmap {words}"
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (2, f"btfmmap: {out}: File too large\n")
        assert [file.read_text() for file in tmp_path.iterdir()] == ["before"]
