"""C dumps: each construct against the installed bpftool, by type id, the order that every version has; single
declarations; hostile types."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import btf_writer
import pytest
import requirements
from btf_writer import ARRAY, ENUM, FUNC_PROTO, FWD, PTR, STRUCT, TYPEDEF, UNION, BtfWriter, every_kind
from little_stack import on_little_stack

import btfmmap
from btfmmap import FormatError, Kind, NotSupportedError

SOURCES = {
    "declarators": """
typedef int (*callback)(const char *, int, ...);
typedef void (*(*maker)(int))(void);
struct node;
struct declarators {
    int *a, **b, *c[3], (*d)[3], (*e[2])[3][4], f[2][3][4];
    const int g; int *const h; const char *const *const i; volatile const long *j;
    char *restrict k; const int l[4]; const char *m[2];
    callback n; callback o[2]; int (*p[2])(void); int (*(*q)(int))[3]; maker r; void (**s)(struct node *);
    int (*t)(int (*)(int), int (*)[2], char x[]); void *(*u)(void *(*)(void *)); int v[];
};
struct declarators d; callback *function(struct node *, callback, maker *);
callback *function(struct node *n, callback c, maker *m) { return 0; }
void ends(void) __attribute__((noreturn)); void (*pointer)(void) __attribute__((noreturn)) = ends;
""",
    "cycles": """
struct list { struct list *next, **previous; };
struct a { struct b *b; }; struct b { struct c *c; struct a inside; }; struct c { struct a a; struct b b; };
typedef struct later later_t; struct user { later_t *l; struct { later_t *m; } n; }; struct later { int x; };
typedef struct self { struct self *me; } self_t; typedef struct { self_t *s; } anonymous_t;
struct opaque; typedef struct opaque *handle; union u; typedef int (*takes)(struct opaque *, union u *);
struct list l; struct c c; struct user u; anonymous_t s; handle h; takes t;
""",
    "padding": """
struct p1 { char a; long b; char c; }; struct p2 { char a; int b __attribute__((aligned(16))); char c; };
struct p3 { int a : 3; int : 0; int b : 5; long c : 33; char d; }; struct p4 { char a; int b; }
    __attribute__((packed)); struct p5 { char a; struct p4 b; short c; } __attribute__((aligned(64)));
struct p6 { unsigned char a : 1, : 3, b : 2; short c : 9; unsigned long long d : 63; };
struct p7 { char a[3]; struct { char b; short c : 4; }; union { int d : 7; char e; }; };
struct p8 { long : 5; int a; } ; struct p9 { int a; char b; } __attribute__((aligned(8)));
struct p10 { struct p9 a; char b; } __attribute__((packed)); union p11 { int a : 3; long b; char c[9]; };
struct all { struct p1 a; struct p2 b; struct p3 c; struct p4 d; struct p5 e; struct p6 f; struct p7 g;
    struct p8 h; struct p9 i; struct p10 j; union p11 k; } all;
""",
    "enums": """
enum few { A, B = 5, C = -1 }; enum tiny { T1, T2 } __attribute__((packed)); enum { LOOSE = 7 };
enum unsigned_one { U = 0xffffffffu }; typedef enum { IN_TYPEDEF } enum_t; enum ahead;
struct enums { enum few a; enum tiny b; enum { INSIDE } c; enum_t d; enum unsigned_one e; enum ahead *f; };
struct enums e; int loose = LOOSE;
""",
    "anonymous": """
struct s { struct { int a; union { int b; struct { char c, d; }; float e; }; } f; union { long g; double h; };
    struct { struct { int deep; } x[2]; } y[3]; };
typedef struct { int a; } t1; typedef union { t1 a; struct s b; } t2; typedef t2 t3[2]; typedef t3 *t4;
struct s s; t4 t; long double ld; __int128 big; _Bool yes; _Complex double z;
""",
    "builtins": """
#include <stdarg.h>
struct v { va_list ap; }; struct v v; void f(va_list ap, __builtin_va_list *bp) {}
""",
}
COMPILERS = {
    "gcc": [*requirements.WIDE_GCC, "-gbtf", "-c", "-w"],
    "clang": ["clang", "-target", "bpf", "-g", "-O2", "-c", "-Wno-everything"],
}


def types_of(header: str) -> str:
    """A header's declarations, without differences between versions of bpftool: text around them, empty
    parameter lists, enums of other sizes than int."""
    text = header.partition("apply_to = record)\n#endif\n\n")[2]
    text = re.sub(r"#ifndef __ksym.*?__bpf_fastcall\n#endif\n#endif\n\n", "", text, count=1, flags=re.DOTALL)
    text = re.sub(r"\n/\* BPF kfuncs \*/\n.*?\n#endif\n\n", "", text, flags=re.DOTALL)
    return re.sub(r" __attribute__\(\(mode\((byte|word)\)\)\)", "", text.replace("()", "(void)")).strip()


def bpftool(path: Path) -> str:
    """bpftool's header in the order of type ids; versions that sort have an option for that."""
    words = [requirements.tool("bpftool"), "btf", "dump", "file", str(path), "format", "c"]
    done = subprocess.run([*words, "unsorted"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    return types_of(done.stdout)


def ours(path: Path) -> str:
    text = btfmmap.open(path).dump("c", sort=False)
    assert text is not None
    return types_of(text)


def test_a_kernel(kernel: Path) -> None:
    text = bpftool(kernel)
    assert text.count("struct ") > 5
    assert ours(kernel) == text


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("name", SOURCES)
def test_a_compilers_types(name: str, compiler: str, tmp_path: Path) -> None:
    source = tmp_path / f"{name}.c"
    source.write_text(SOURCES[name])
    path = source.with_suffix(".o")
    program, *flags = COMPILERS[compiler]
    words = [requirements.tool(program), *flags, str(source), "-o", str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if "long double" in done.stderr or "__int128" in done.stderr or "omplex" in done.stderr:
        source.write_text(
            SOURCES[name].replace("long double ld; __int128 big; ", "").replace("_Complex double z;", "")
        )
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = bpftool(path)
    assert text.count("\n") > 5
    assert ours(path) == text


def with_int(build: Callable[[BtfWriter, int], None]) -> BtfWriter:
    writer = BtfWriter()
    build(writer, writer.add_int())
    return writer


def conflicts(writer: BtfWriter, integer: int) -> None:
    """Structs and enums share a namespace, typedefs and enumerators another; declarations have none."""
    first = writer.add_struct("x", 4, [("a", integer, 0)])
    second = writer.add_struct("x", 8, [("a", integer, 0), ("b", first, 32)])
    union = writer.add_struct("x", 8, [("s", second, 0)], kind=UNION)
    enum = writer.add_enum("x", [("x", 0), ("y", 1)])
    for target in (first, second, union, enum):
        writer.add(TYPEDEF, "x", size_or_type=target)
    writer.add(FWD, "x")
    writer.add(ENUM, "x", size_or_type=4)
    writer.add_enum("", [("x", 2), ("x", 3)])
    writer.add_struct("long_" * 60, 0, [])
    writer.add_struct("long_" * 60, 4, [("a", integer, 0)])


def tags(writer: BtfWriter, integer: int) -> None:
    tag = writer.add(btf_writer.TYPE_TAG, "user", size_or_type=integer)
    pointer = writer.add(PTR, size_or_type=writer.add(btf_writer.CONST, size_or_type=tag))
    twice = writer.add(btf_writer.TYPE_TAG, "rcu", size_or_type=pointer)
    writer.add_struct("tagged", 16, [("a", pointer, 0), ("b", writer.add(PTR, size_or_type=twice), 64)])
    writer.add(TYPEDEF, "tag_t", size_or_type=tag)


def qualified_arrays(writer: BtfWriter, integer: int) -> None:
    """GCC marks an array const, and its elements too."""
    constant = writer.add(btf_writer.CONST, size_or_type=integer)
    array = writer.add_array(constant, integer, 3)
    outer = writer.add(btf_writer.CONST, size_or_type=array)
    writer.add_struct("arrays", 24, [("a", outer, 0), ("b", writer.add_array(outer, integer, 1), 96)])
    proto = writer.add_proto(integer, [])
    volatile = writer.add(btf_writer.VOLATILE, size_or_type=proto)
    writer.add(TYPEDEF, "noreturn_t", size_or_type=writer.add(PTR, size_or_type=volatile))


def missing_definitions(writer: BtfWriter, integer: int) -> None:
    """Types that GCC has built in on some machines."""
    writer.add(TYPEDEF, "__gnuc_va_list", size_or_type=0)
    writer.add(TYPEDEF, "__builtin_va_list", size_or_type=integer)
    for name, size in (("__Poly8_t", 1), ("__Poly16_t", 2), ("__Poly64_t", 8), ("__Poly128_t", 16)):
        writer.add_struct(f"of_{name}", size, [("a", writer.add_int(name, size, encoding=0), 0)])


def enums(writer: BtfWriter, _: int) -> None:
    writer.add_enum64("wide", [("TOP", 2**64 - 1), ("ONE", 1)])
    writer.add_enum64("low", [("LOW", -(2**63)), ("MINUS", -1)], signed=True)
    writer.add_enum64("fits", [("SMALL", 2**32 - 1)])
    writer.add_enum("negative", [("NEGATIVE", -(2**31))], signed=True)
    writer.add_enum("unsigned", [("HIGH", 2**32 - 1)])
    writer.add(ENUM, "eight", size_or_type=8, vlen=1, extra=(writer.string("EIGHT"), 5))
    writer.add(ENUM, "", size_or_type=4)


def bitfields(writer: BtfWriter, integer: int) -> None:
    """Gaps before, between and after bitfields; a packed struct; padding at the end."""
    long_id = writer.add_int("long", 8)
    for number, (size, places) in enumerate(
        [
            (8, [(3, 0), (5, 8)]),
            (8, [(3, 0), (5, 32)]),
            (16, [(1, 0), (0, 64), (4, 96)]),
            (5, [(0, 0), (8, 32)]),
            (64, [(0, 0)]),
            (12, [(31, 1), (0, 32)]),
            (24, [(7, 64), (9, 100)]),
        ]
    ):
        members = [(f"m{place}", integer, bits << 24 | place) for bits, place in places]
        writer.add_struct(f"b{number}", size, members, kind_flag=True)
    writer.add_struct("wide", 16, [("a", long_id, 40 << 24), ("b", long_id, 20 << 24 | 70)], kind_flag=True)


WRITTEN = {
    build.__name__: with_int(build)
    for build in (conflicts, tags, qualified_arrays, missing_definitions, enums, bitfields)
} | {"every kind": every_kind(), "every kind, big-endian": every_kind(">")}


@pytest.mark.parametrize("name", WRITTEN)
def test_written_types(name: str, tmp_path: Path) -> None:
    path = tmp_path / "types.btf"
    path.write_bytes(WRITTEN[name].build())
    text = bpftool(path)
    assert text.count("\n") > 5
    assert ours(path) == text


class TestDeclarations:
    def test_against_the_header(self, kernel: Path) -> None:
        """Each named struct, enum and typedef has in the header the text that it has alone."""
        btf = btfmmap.open(kernel)
        blocks = {re.sub(r"___\d+\b", "", block) for block in types_of(btf.to_c()).split(";\n\n")}
        kinds = (Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.ENUM64, Kind.TYPEDEF)
        named = [type_.id for type_ in btf if type_.kind in kinds and type_.name]
        missing = []
        for type_id in named:
            declaration = btf.c_declaration(type_id)
            assert declaration[-1] == ";"
            if types_of(f"apply_to = record)\n#endif\n\n{declaration[:-1]}") not in blocks:
                missing.append(btf.name(type_id))
        # The compiler has __builtin_va_list; bpftool leaves out the first type where nothing needs it.
        assert set(missing) <= {"__builtin_va_list", btf.name(1)}
        assert len(named) > 5

    def test_other_kinds(self) -> None:
        writer = BtfWriter()
        integer = writer.add_int()
        array = writer.add_array(writer.add(PTR, size_or_type=integer), integer, 3)
        proto = writer.add_proto(integer, [("a", array), ("", 0)])
        function = writer.add(btf_writer.FUNC, "f", size_or_type=proto, vlen=1)
        variables = [
            writer.add(btf_writer.VAR, "v", size_or_type=array, extra=(linkage,)) for linkage in (0, 1, 2)
        ]
        section = writer.add_datasec(".data", 8, [(variables[0], 0, 8)])
        union = writer.add(FWD, "u", kind_flag=True)
        anonymous = writer.add_struct("", 4, [("a", integer, 0)])
        btf = btfmmap.open(data=writer.build())
        declared = [
            btf.c_declaration(each) for each in (0, integer, array, proto, function, union, anonymous)
        ]
        assert declared == [
            "void;",
            "int;",
            "int *[3];",
            "int(int *a[3], ...);",
            "int f(int *a[3], ...);",
            "union u;",
            "struct {\n\tint a;\n};",
        ]
        assert [btf.c_declaration(each) for each in variables] == [
            "static int *v[3];",
            "int *v[3];",
            "extern int *v[3];",
        ]
        with pytest.raises(NotSupportedError, match=rf"type \[{section}\] is of kind DATASEC"):
            btf.c_declaration(section)
        with pytest.raises(btfmmap.NotFoundError):
            btf.c_declaration("none")


def test_types_with_what_they_need_compile_alone(kernel: Path, tmp_path: Path) -> None:
    """Each type on its own in a header of its own, compiled in one file."""
    btf = btfmmap.open(kernel)
    structs = [type_ for type_ in btf if type_.kind == Kind.STRUCT and type_.name and type_.size]
    compilers = [
        [requirements.tool("clang"), "-target", "bpf"],
        [requirements.tool(requirements.WIDE_GCC[0]), *requirements.WIDE_GCC[1:]],
    ]
    for number, type_ in enumerate(structs[:: max(1, len(structs) // 12)]):
        source = tmp_path / f"{number}.c"
        source.write_text(f"{btf.to_c(type_)}\nchar use[sizeof(struct {type_.name}) ? 1 : -1];\n")
        flags = ["-std=gnu11", "-fms-extensions", "-w", "-fsyntax-only"]
        words = [*compilers[number % 2], *flags, str(source)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (type_, done.stderr)


def name_of_megabytes() -> BtfWriter:
    """Names that are each a suffix of one string of a million letters: written out, they would take
    terabytes."""
    writer = BtfWriter()
    start = writer.string("a" * 1_000_000)
    names = range(start, start + 200_000)
    writer.records = [writer.words(name, STRUCT << 24, 0) for name in names]
    return writer


def deep(kind: int) -> BtfWriter:
    writer = BtfWriter()
    for number in range(2, 100_002):
        if kind == STRUCT:
            writer.add_struct("", 4, [("a", number, 0)])
        elif kind == ARRAY:
            writer.add_array(number, number, 1)
        else:
            writer.add(kind, "name", size_or_type=number)
    writer.add_int()
    return writer


def prototypes() -> BtfWriter:
    """Prototypes that each take two pointers to the next: libbpf would write 2^40 of them."""
    writer = BtfWriter()
    for number in range(40):
        writer.add_proto(0, [("a", 2 * number + 2), ("b", 2 * number + 2)])
        writer.add(PTR, size_or_type=2 * number + 3)
    writer.add_int()
    writer.add(TYPEDEF, "start", size_or_type=1)
    return writer


def unions() -> BtfWriter:
    """Anonymous structs that each have two of the next."""
    writer = BtfWriter()
    for number in range(2, 42):
        writer.add_struct("", 8, [("a", number, 0), ("b", number, 0)], kind=UNION)
    writer.add_int()
    writer.add_struct("start", 8, [("a", 1, 0)])
    return writer


def a_gap_of_gigabytes() -> BtfWriter:
    writer = BtfWriter()
    writer.add_struct("gap", 2**32 - 1, [])
    return writer


HOSTILE = {
    "names": (name_of_megabytes, "more text"),
    "pointers": (lambda: deep(PTR), "too deep"),
    "arrays": (lambda: deep(ARRAY), "too deep"),
    "typedefs": (lambda: deep(TYPEDEF), "too deep"),
    "structs": (lambda: deep(STRUCT), "too deep"),
    "prototypes": (prototypes, "more text"),
    "unions": (unions, "more text|too deep"),
    "gap": (a_gap_of_gigabytes, "more text"),
}


class TestHostileTypes:
    @pytest.mark.parametrize("name", HOSTILE)
    def test_text_and_depth_are_limited(self, name: str) -> None:
        """A thread has as little stack as musl gives."""
        build, message = HOSTILE[name]
        btf = btfmmap.open(data=build().build())

        class Counted:
            size = 0

            def write(self, piece: bytes) -> None:
                self.size += len(piece)

        written = Counted()

        def dump() -> None:
            btf.dump("c", sort=False, file=written)  # type: ignore[arg-type]

        with pytest.raises(NotSupportedError, match=message):
            on_little_stack(dump)
        assert written.size < 100_000_000

    def test_many_of_one_name(self) -> None:
        """Each of many namesakes gets a number, in linear time."""
        writer = BtfWriter()
        name = writer.string("x")
        writer.records = [writer.words(name, STRUCT << 24, 0)] * 100_000
        btf = btfmmap.open(data=writer.build())
        names = re.findall(r"^struct (x\S*) {", btf.dump("c", sort=False) or "", re.MULTILINE)
        assert names == ["x", *(f"x___{number}" for number in range(2, 100_001))]
        assert btf.to_c().count("struct x") == 99_999  # the first type is left out, as in bpftool

    def test_what_needs_the_first_one(self) -> None:
        """The first type is left out at the top, but written where the last one needs it: an anonymous struct
        or a prototype, but not a pointer (seen in bpftool 7.8)."""
        for last, times in ((PTR, 0), (STRUCT, 1), (FUNC_PROTO, 1)):
            writer = BtfWriter()
            first = writer.add_struct("x", 8, [])
            if last == PTR:
                writer.add(PTR, size_or_type=first)
            elif last == STRUCT:
                writer.add_struct("", 8, [("a", first, 0)])
            else:
                writer.add_proto(0, [("a", first)])
            assert btfmmap.open(data=writer.build()).to_c().count("struct x {") == times, last

    def test_many_kfuncs(self) -> None:
        writer = BtfWriter()
        function = writer.add(btf_writer.FUNC, "f", size_or_type=writer.add_proto(0, []), vlen=1)
        for tag in ("bpf_kfunc", "bpf_fastcall"):
            name = writer.string(tag)
            record = writer.words(name, btf_writer.DECL_TAG << 24, function, -1)
            writer.records += [record] * 100_000
        text = btfmmap.open(data=writer.build()).to_c()
        assert text.count("extern __bpf_fastcall void f(void) __weak __ksym;") == 100_000

    def test_a_struct_that_holds_itself(self) -> None:
        writer = BtfWriter()
        array = writer.add_array(2, 2, 1)
        writer.add_struct("me", 8, [("again", array, 0)])
        with pytest.raises(FormatError, match=r"type \[2\] holds itself"):
            btfmmap.open(data=writer.build()).dump("c", sort=False)
