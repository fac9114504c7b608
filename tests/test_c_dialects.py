"""C for any compiler: `dump("c", dialect=...)`. Compilers for the kernel's architecture lay out each type as
the BTF says; what C cannot express is left out with a comment."""

from __future__ import annotations

import platform
import random
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import btf_writer
import pytest
import requirements
from btf_writer import ENUM, FWD, PTR, STRUCT, TYPEDEF, UNION, BtfWriter
from c_layout_probe import Probe, unique_types
from little_stack import on_little_stack
from stored_files import KERNELS, stored

import btfmmap
from btfmmap import Btf

STANDARDS = {"c11": "-std=c11", "c23": "-std=c2x"}
TRIPLES = {
    "7.2-amd64": "x86_64-linux-gnu",
    "6.12-cloud-arm64": "aarch64-linux-gnu",
    "6.12-s390x": "s390x-linux-gnu",
}


def gcc(triple: str) -> list[str]:
    """The compiler for an architecture, which is the system's own for this machine."""
    own = f"{platform.machine()}-linux-gnu"
    return [requirements.tool("gcc" if triple == own else f"{triple}-gcc")]


def compilers(triple: str) -> dict[str, list[str]]:
    clang = requirements.tool("clang")
    big = triple.startswith("s390x")
    return {
        "gcc": gcc(triple),
        "clang": [clang, "-target", triple],
        "bpf": [clang, "-target", "bpfeb" if big else "bpf"],
    }


def header_of(btf: Btf, dialect: Any, **options: Any) -> str:
    text = btf.dump("c", dialect=dialect, **options)
    assert isinstance(text, str)
    return text


def check(btf: Btf, dialect: str, compiler: list[str], folder: Path, *, each: bool = False) -> int:
    """Check the layout of structs, unions and enums with a name of their own or, with `each`, of all with a
    name. Returns the number of members."""
    unique, namesakes = unique_types(btf)
    compiler = [*compiler, STANDARDS[dialect]]
    probe = Probe(btf, unique, dialect)
    assert probe.wrong(header_of(btf, dialect), compiler, folder) == set()
    for type_id in namesakes if each else ():
        # The type is the last one in a header of its own.
        text = header_of(btf, dialect, roots=[type_id])
        last = re.findall(r"^((?:struct|union|enum) \w+) \{", text, re.MULTILINE)
        one = Probe(btf, [(last[-1], type_id)], dialect)
        assert one.wrong(text, compiler, folder) == set(), btf.name(type_id)
    return probe.checked


@pytest.mark.parametrize(
    ("dialect", "target"), [("c11", "gcc"), ("c11", "clang"), ("c11", "bpf"), ("c23", "gcc")]
)
@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel(name: str, dialect: str, target: str, tmp_path: Path) -> None:
    btf = btfmmap.open(data=stored(f"{name}.btf"))
    each = (dialect, target) == ("c11", "clang")
    assert check(btf, dialect, compilers(TRIPLES[name])[target], tmp_path, each=each) > 40_000


def test_the_running_kernel(tmp_path: Path) -> None:
    btf = btfmmap.open(requirements.kernel_btf())
    for compiler in compilers(f"{platform.machine()}-linux-gnu").values():
        assert check(btf, "c11", compiler, tmp_path) > 10_000


def test_bpftools_text_is_not_laid_out_so(tmp_path: Path) -> None:
    """The probe finds what bpftool's text gets wrong: without extensions, and packed structs that only their
    bitfields show."""
    compiler = compilers("s390x-linux-gnu")["clang"]
    btf = btfmmap.open(data=stored("6.12-s390x.btf"))
    probe = Probe(btf, unique_types(btf)[0], "bpftool")
    wrong = probe.wrong(
        header_of(btf, "bpftool"),
        [*compiler, "-fms-extensions", "-ferror-limit=0", "-DBPF_NO_PRESERVE_ACCESS_INDEX"],
        tmp_path,
    )
    assert {"struct pgid", "struct kvm_s390_sie_block"} <= wrong


# -- structs that compilers made

NUMBERS = {
    "x86_64-linux-gnu": (
        "char",
        "short",
        "int",
        "long",
        "long long",
        "__int128",
        "double",
        "void *",
        "enum small",
    ),
    "i686-linux-gnu": ("char", "short", "int", "long", "long long", "double", "void *", "enum small"),
}
TARGETS = {
    "x86_64-linux-gnu": "x86_64-linux-gnu",
    "i686-linux-gnu": "i686-linux-gnu",
    "aarch64-linux-gnu": "x86_64-linux-gnu",
    "s390x-linux-gnu": "x86_64-linux-gnu",
}


class Source:
    """Random structs and unions in C, nested, packed, aligned and with bitfields."""

    def __init__(self, seed: int, numbers: tuple[str, ...]) -> None:
        self.random = random.Random(seed)
        self.numbers = numbers
        self.named: list[str] = []
        self.count = 0
        self.lines = [
            "enum small { SMALL } __attribute__((packed));",
            "enum wide { WIDE = 1 } __attribute__((mode(DI)));",
        ]

    def attribute(self) -> str:
        chosen = self.random.choice(
            ["", "", "", "packed", "aligned(2)", "aligned(16)", "aligned(64)", "packed, aligned(4)"]
        )
        return f" __attribute__(({chosen}))" if chosen else ""

    def name(self) -> str:
        self.count += 1
        return f"m{self.count}"

    def choose(self, *choices: str) -> str:
        return self.random.choice(choices)

    def bitfield(self) -> str:
        number, most = self.random.choice(
            [("char", 8), ("short", 16), ("int", 32), ("long", 32), ("long long", 64)]
        )
        bits = self.random.randint(1, most)
        named = f"{self.choose('unsigned ', '')}{number} {self.name()} : {bits};"
        return self.choose(*[named] * 5, f"{number} : 0;", f"{number} : {bits};", f"_Bool {self.name()} : 1;")

    def nested(self, depth: int) -> str:
        body = " ".join(self.member(depth + 1) for _ in range(self.random.randint(1, 4)))
        body += f" char {self.name()};"  # a struct needs a named member
        name = self.choose("", self.name(), f"{self.name()}[2]")
        return f"{self.choose('struct', 'union')} {{ {body} }}{self.attribute()} {name};"

    def member(self, depth: int) -> str:
        drawn = self.random.random()
        if drawn < 0.35:
            return self.bitfield()
        if drawn < 0.5 and depth < 3:
            return self.nested(depth)
        if drawn < 0.6 and self.named:
            return f"{self.choose(*self.named)} {self.name()}{self.choose('', '[3]', '[0]')};"
        array, attribute = self.choose("", "", "[3]", "[0]"), self.choose("", "", "", self.attribute())
        return f"{self.choose(*self.numbers)} {self.name()}{array}{attribute};"

    def text(self, types: int) -> str:
        for number in range(types):
            keyword = self.random.choice(["struct", "struct", "struct", "union"])
            tag = f"{keyword} type{number}"
            body = "\n    ".join(self.member(0) for _ in range(self.random.randint(1, 7)))
            self.lines.append(
                f"{tag} {{\n    {body}\n    int {self.name()};\n}}{self.attribute()};\n{tag} v{number};"
            )
            self.named.append(tag)
        return "\n".join(self.lines) + "\nenum wide wide;\n"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("triple", TARGETS)
def test_structs_of_a_compiler(triple: str, seed: int, tmp_path: Path) -> None:
    """C is compiled to BTF, and the header from it again."""
    source, built = tmp_path / "random.c", tmp_path / "random.o"
    source.write_text(Source(seed, NUMBERS[TARGETS[triple]]).text(60))
    subprocess.run([*gcc(triple), "-gbtf", "-w", "-c", str(source), "-o", str(built)], check=True)
    btf = btfmmap.open(built)
    for name, compiler in compilers(triple).items():
        if name != "bpf" or not triple.startswith("i686"):  # pointers of BPF have 8 bytes
            for dialect in STANDARDS:
                assert check(btf, dialect, compiler, tmp_path) > 100


# -- what C cannot express


def compile_all(text: str, folder: Path, dialect: str, *more: str) -> None:
    source = folder / "header.c"
    source.write_text("\n".join([text, *more, ""]))
    for compiler in compilers(f"{platform.machine()}-linux-gnu").values():
        words = [*compiler, STANDARDS[dialect], "-w", "-fsyntax-only", str(source)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (words, done.stderr, text)


def overlapping(writer: BtfWriter, integer: int) -> None:
    char = writer.add_int("char", 1)
    writer.add_struct("s", 8, [("a", integer, 0), ("b", char, 16), ("c", integer, 32)])


def incomplete(writer: BtfWriter, integer: int) -> None:
    writer.add_struct("s", 8, [("a", writer.add(FWD, "f"), 0), ("c", integer, 32)])


def within_a_byte(writer: BtfWriter, integer: int) -> None:
    writer.add_struct("s", 8, [("a", integer, 3), ("c", writer.add_int("char", 1), 56)])


def without_a_name(writer: BtfWriter, integer: int) -> None:
    writer.add_struct("s", 8, [("", integer, 0), ("c", integer, 32)])


def past_the_end(writer: BtfWriter, integer: int) -> None:
    writer.add_struct("s", 8, [("c", integer, 0), ("a", integer, 64)])


def past_the_start(writer: BtfWriter, integer: int) -> None:
    writer.add_struct("s", 8, [("c", integer, 0), ("a", integer, 32)], kind=UNION)


def wide_bitfield(writer: BtfWriter, integer: int) -> None:
    writer.add_struct(
        "s", 8, [("a", integer, 33 << 24), ("c", writer.add_int("char", 1), 56)], kind_flag=True
    )


def bitfield_of_a_pointer(writer: BtfWriter, integer: int) -> None:
    pointer = writer.add(PTR, size_or_type=integer)
    writer.add_struct("s", 8, [("a", pointer, 5 << 24), ("c", integer, 32)], kind_flag=True)


def odd_integer(writer: BtfWriter, integer: int) -> None:
    odd = writer.add_int("i24", 3)
    writer.add_struct("s", 8, [("a", writer.add(TYPEDEF, "odd_t", size_or_type=odd), 0), ("c", integer, 32)])
    writer.add(TYPEDEF, "odd_ptr", size_or_type=writer.add(PTR, size_or_type=odd))
    writer.add(TYPEDEF, "odd_function", size_or_type=writer.add_proto(odd, [("x", odd)]))


LEFT_OUT = {
    build.__name__: build
    for build in (
        overlapping,
        incomplete,
        within_a_byte,
        without_a_name,
        past_the_end,
        past_the_start,
        wide_bitfield,
        bitfield_of_a_pointer,
        odd_integer,
    )
}


def with_int(build: Callable[[BtfWriter, int], None]) -> Btf:
    writer = BtfWriter()
    build(writer, writer.add_int())
    return btfmmap.open(data=writer.build())


@pytest.mark.parametrize("dialect", STANDARDS)
@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_member_is_left_out(name: str, dialect: str, tmp_path: Path) -> None:
    """The others stay where they are."""
    btf = with_int(LEFT_OUT[name])
    text = header_of(btf, dialect, sort=False)
    struct = btf["union s" if name == "past_the_start" else "struct s"]
    offset = next(member.bit_offset for member in struct.members if member.name == "c") // 8
    assert text.count("/* left out: member ") == 1
    tag = "union s" if name == "past_the_start" else "struct s"
    asserts = [
        f'_Static_assert(sizeof({tag}) == 8, "");',
        f'_Static_assert(__builtin_offsetof({tag}, c) == {offset}, "");',
    ]
    compile_all(text, tmp_path, dialect, *asserts)


def names(writer: BtfWriter, integer: int) -> None:
    """Names of other languages, keywords, and one that would end a comment."""
    tuple_ = writer.add_struct("Option<u32>", 8, [("__0", integer, 0), ("default", integer, 32)])
    writer.add_struct("int", 4, [("*/ int x; /*", integer, 0)])
    writer.add(TYPEDEF, "core::int", size_or_type=tuple_)
    writer.add_struct("holder", 8, [("Option<u32>", tuple_, 0)])
    writer.add_struct("1st", 8, [("p", writer.add(PTR, size_or_type=tuple_), 0)])
    writer.add_enum("while", [("for", 0), ("a.b", 1), ("a-b", 2), ("", 3), ("", 4)])
    numbers = (writer.add_int("u32", 4), writer.add_int("char", 4), writer.add_int("usize", 8))
    writer.add_struct("numbers", 16, list(zip("abc", numbers, (0, 32, 64), strict=True)))


def declared_enums(writer: BtfWriter, _: int) -> None:
    none = writer.add(ENUM, "none", size_or_type=4)
    odd = writer.add(ENUM, "odd", size_or_type=3, vlen=1, extra=(writer.string("ODD"), 1))
    big = writer.add(ENUM, "too_small", size_or_type=1, vlen=1, extra=(writer.string("BIG"), 1000))
    pointer = writer.add(PTR, size_or_type=none)
    writer.add_struct("s", 24, [("a", none, 0), ("b", big, 32), ("p", pointer, 64), ("o", odd, 128)])
    writer.add(TYPEDEF, "odd_t", size_or_type=odd)
    writer.add(TYPEDEF, "big_t", size_or_type=writer.add_proto(big, [("x", none)]))


def strange_declarations(writer: BtfWriter, integer: int) -> None:
    """Types that a file may have although no C compiler produces them."""
    forward = writer.add(FWD, "f")
    array = writer.add_array(forward, integer, 3)
    proto = writer.add_proto(0, [])
    writer.add(TYPEDEF, "array_t", size_or_type=array)
    writer.add(TYPEDEF, "pointer_t", size_or_type=writer.add(PTR, size_or_type=array))
    writer.add(TYPEDEF, "restrict_int", size_or_type=writer.add(btf_writer.RESTRICT, size_or_type=integer))
    pointer = writer.add(PTR, size_or_type=proto)
    writer.add(TYPEDEF, "restrict_f", size_or_type=writer.add(btf_writer.RESTRICT, size_or_type=pointer))
    function = writer.add(btf_writer.FUNC, "function", size_or_type=proto)
    writer.add(TYPEDEF, "to_function", size_or_type=writer.add(PTR, size_or_type=function))
    writer.add_struct("all", 16, [("a", array, 0), ("b", pointer, 0), ("c", function, 64), ("d", 0, 64)])


def booleans(writer: BtfWriter, integer: int) -> None:
    boolean = writer.add_int("_Bool", 1, encoding=4)
    alias = writer.add(TYPEDEF, "bool", size_or_type=boolean)
    writer.add_enum("", [("false", 0), ("true", 1)])
    other = writer.add(TYPEDEF, "nullptr", size_or_type=integer)
    writer.add_struct("s", 8, [("bool", alias, 0), ("constexpr", other, 32)])


STRANGE = {build.__name__: build for build in (names, declared_enums, strange_declarations, booleans)}


@pytest.mark.parametrize("dialect", STANDARDS)
@pytest.mark.parametrize("name", STRANGE)
def test_strange_types_compile(name: str, dialect: str, tmp_path: Path) -> None:
    btf = with_int(STRANGE[name])
    sizes = [
        f'_Static_assert(sizeof(struct {type_.name}) == {type_.size}, "");'
        for type_ in btf
        if type_.kind == STRUCT and type_.name in ("holder", "s", "all", "numbers")
    ]
    assert sizes
    for sort in (True, False):
        compile_all(header_of(btf, dialect, sort=sort), tmp_path, dialect, *sizes)


def test_what_the_comments_say() -> None:
    text = header_of(with_int(names), "c11", sort=False)
    assert "struct Option_u32_ /* Option<u32> */ {" in text
    assert "int default_ /* default */;" in text
    assert "/* *? int x; /? */" in text or "/* *? int x; /* */" in text
    assert "unsigned int /* u32 */ a;" in text or "int /* u32 */ a;" in text
    text = header_of(with_int(declared_enums), "c11", sort=False)
    assert "/* left out: enum none, which has no values; an integer is used instead */" in text
    assert (
        "/* left out: enum too_small, whose values C cannot give its size; an integer is used instead */"
        in text
    )
    assert "char /* enum too_small */ b;" in text
    text = header_of(with_int(booleans), "c23", sort=False)
    assert "typedef" not in text.replace("typedef int nullptr_ /* nullptr */;", "")
    assert "_Bool bool_ /* bool */;" in text
    assert "bool bool;" in header_of(with_int(booleans), "c11", sort=False)


@pytest.mark.parametrize("dialect", STANDARDS)
def test_rusts_types(dialect: str, tmp_path: Path) -> None:
    path = tmp_path / "rust.bpf.o"
    path.write_bytes(stored("rust.bpf.o"))
    compile_all(header_of(btfmmap.open(path), dialect), tmp_path, dialect)


def test_a_union_past_its_members(tmp_path: Path) -> None:
    def unions(writer: BtfWriter, integer: int) -> None:
        char = writer.add_int("char", 1)
        writer.add_struct("u64", 64, [("a", integer, 0)], kind=UNION)
        writer.add_struct("u5", 5, [("a", integer, 0), ("b", char, 0)], kind=UNION)
        writer.add_struct("empty", 12, [], kind=UNION)
        writer.add_struct("padding", 300, [])
        writer.add_struct("bytes", 300, [("a", char, 0), ("b", char, 2296)])

    btf = with_int(unions)
    text = header_of(btf, "c11")
    sizes = [
        f'_Static_assert(sizeof({btf.c_declaration(type_).split(" {")[0]}) == {type_.size}, "");'
        for type_ in btf
        if type_.kind in (STRUCT, UNION)
    ]
    assert len(sizes) == 5
    compile_all(text, tmp_path, "c11", *sizes)


def test_a_struct_without_a_name_in_c11(tmp_path: Path) -> None:
    """The case of `struct ns_common` since Linux 7.1."""

    def inside(writer: BtfWriter, integer: int) -> None:
        tree = writer.add_struct("tree", 12, [("left", integer, 0), ("right", integer, 64)])
        alias = writer.add(TYPEDEF, "tree_t", size_or_type=tree)
        writer.add_struct("holder", 32, [("a", integer, 0), ("", tree, 32)])
        writer.add_struct("other", 16, [("", alias, 32)])

    btf = with_int(inside)
    asserts = [
        '_Static_assert(sizeof(struct holder) == 32, "");',
        '_Static_assert(__builtin_offsetof(struct holder, right) == 12, "");',
        '_Static_assert(__builtin_offsetof(struct other, right) == 12, "");',
    ]
    for dialect in STANDARDS:
        compile_all(header_of(btf, dialect), tmp_path, dialect, *asserts)


def test_bitfields_of_old_compilers(tmp_path: Path) -> None:
    """Their size and offset are in an INT."""

    def old(writer: BtfWriter, integer: int) -> None:
        bits = writer.add(btf_writer.INT, "int", size_or_type=4, extra=(1 << 24 | 5,))
        more = writer.add(btf_writer.INT, "int", size_or_type=4, extra=(1 << 24 | 5 << 16 | 3,))
        writer.add_struct("s", 8, [("a", bits, 0), ("b", more, 0), ("c", integer, 32)])

    text = header_of(with_int(old), "c11")
    assert re.search(r"int a: 5;\s+int b: 3;\s+int c;", text)
    compile_all(text, tmp_path, "c11", '_Static_assert(__builtin_offsetof(struct s, c) == 4, "");')


def test_options() -> None:
    btf = btfmmap.open(btfmmap.SAMPLE_BTF)
    with pytest.raises(ValueError, match="dialect is 'c99', must be 'bpftool', 'c11', 'c23'"):
        header_of(btf, "c99")
    for dialect, flag in (("bpftool", "-fms-extensions"), ("c11", "-std=c11"), ("c23", "-std=c23")):
        plain, commented = header_of(btf, dialect), header_of(btf, dialect, comment=True)
        comment, rest = commented.split("\n", 1)
        assert rest == plain
        assert re.fullmatch(r"/\* .* \*/", comment)
        assert flag in comment
    assert btf.dump("c") == btf.dump("c", dialect="bpftool")


@pytest.mark.parametrize("dialect", ["bpftool", "c11", "c23"])
def test_depth_is_limited(dialect: str) -> None:
    """A thread has as little stack as musl gives."""

    def nested(levels: int) -> Btf:
        writer = BtfWriter()
        for number in range(2, levels + 2):
            writer.add_struct("", 8, [("a", number, 0)])
        writer.add_int()
        writer.add_struct("start", 8, [("", 1, 0)])
        return btfmmap.open(data=writer.build())

    def dump() -> None:
        header_of(nested(40), dialect)
        with pytest.raises(btfmmap.NotSupportedError, match="too deep"):
            header_of(nested(100_000), dialect)

    on_little_stack(dump)
