"""Sizes and alignments: against libbpf for every type of real kernels, against the compiler's `sizeof` and
`_Alignof`, and on hostile BTF."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import btf_writer
import pytest
import requirements
from btf_writer import BtfWriter

import btfmmap
from btfmmap import Kind

# A type expression, and the member of `struct all` with that type.
TYPES = {
    "a": "char",
    "b": "_Bool",
    "c": "short",
    "d": "int",
    "e": "unsigned long long",
    "f": "float",
    "g": "double",
    "h": "void *",
    "i": "enum small",
    "j": "enum wide",
    "k": "struct packed",
    "l": "struct aligned",
    "m": "struct nested",
    "n": "union either",
    "o": "struct flexible",
    "p": "struct empty",
    "q": "cube",
    "r": "const volatile word",
    "s": "struct bits",
    "t": "struct packed_pairs",
    "u": "callback",
}
SOURCE = """
enum small { LOW, HIGH };
enum wide { FAR = 0x100000000ULL };
struct packed { char c; long l; } __attribute__((packed));
struct aligned { char c; long l __attribute__((aligned(32))); };
struct nested { char c; struct { short s; union { int i; char bytes[7]; }; } in; };
union either { char bytes[11]; int i; void *p; };
struct flexible { int count; long items[]; };
struct empty { };
struct bits { unsigned a : 3; unsigned long b : 40; char c; };
struct packed_pairs { struct packed pairs[3][2]; };
typedef struct nested cube[2][3][5];
typedef unsigned long word;
typedef int (*callback)(int, char *);
"""
# Alignments that BTF lacks: `aligned` asks for more than its members need.
OVERALIGNED = {"l"}


@pytest.mark.skipif(requirements.NARROW, reason="this host's compiler has no __int128")
def test_against_the_compiler(tmp_path: Path) -> None:
    compiler = requirements.tool("gcc")
    numbers = ", ".join(f"sizeof({type_}), _Alignof({type_})" for type_ in TYPES.values())
    variables = "".join(f"{type_} {name}_;\n" for name, type_ in TYPES.items())
    source = tmp_path / "types.c"
    source.write_text(
        f"#include <stdio.h>\n{SOURCE}{variables}"
        f"int main(void) {{ unsigned long n[] = {{{numbers}}};\n"
        'for (unsigned i = 0; i < sizeof(n) / 8; i++) printf("%lu ", n[i]); }\n'
    )
    program = tmp_path / "types"
    subprocess.run([compiler, "-w", "-gbtf", "-o", program, source], check=True)
    printed = [
        int(word) for word in subprocess.run([program], capture_output=True, check=True).stdout.split()
    ]
    btf = btfmmap.open(program)
    ids = []
    for name in TYPES:
        variable = btf[f"{name}_"]
        assert variable.kind == Kind.VAR
        assert variable.type is not None
        ids.append(variable.type.id)
    assert btf.sizeof(ids).tolist() == printed[::2]
    wrong = {
        name
        for name, ours, theirs in zip(TYPES, btf.alignof(ids).tolist(), printed[1::2], strict=True)
        if ours != theirs
    }
    assert wrong == OVERALIGNED


def test_against_libbpf(kernel: Path) -> None:
    try:
        libbpf = ctypes.CDLL("libbpf.so.1")
    except OSError:
        requirements.absent("libbpf.so.1")
    libbpf.btf__parse.restype = ctypes.c_void_p
    libbpf.btf__parse.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    libbpf.btf__free.argtypes = [ctypes.c_void_p]
    libbpf.btf__resolve_size.argtypes = libbpf.btf__align_of.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
    libbpf.btf__resolve_size.restype = ctypes.c_int64
    libbpf.libbpf_set_print.argtypes = [ctypes.c_void_p]
    libbpf.libbpf_set_print(None)  # it reports each type without a size
    btf = btfmmap.open(kernel)
    theirs = libbpf.btf__parse(bytes(kernel), None)
    assert theirs
    sizes, alignments = btf.sizeof(range(len(btf))).tolist(), btf.alignof(range(len(btf))).tolist()
    kinds = [type_.kind for type_ in btf]
    try:
        for type_id, kind in enumerate(kinds):
            # libbpf gives these the size of the type that they refer to; C has no such types.
            if kind in (Kind.VAR, Kind.DECL_TAG):
                assert sizes[type_id] == alignments[type_id] == -1
                continue
            size = libbpf.btf__resolve_size(theirs, type_id)
            assert sizes[type_id] == (size if size >= 0 else -1), (type_id, kind)
            alignment = libbpf.btf__align_of(theirs, type_id)
            assert alignments[type_id] == (alignment if alignment > 0 else -1), (type_id, kind)
    finally:
        libbpf.btf__free(theirs)
    assert {kind for kind, size in zip(kinds, sizes, strict=True) if size < 0} <= {
        Kind.VOID,
        Kind.FWD,
        Kind.FUNC,
        Kind.FUNC_PROTO,
        Kind.VAR,
        Kind.DECL_TAG,
        *(Kind.TYPEDEF, Kind.CONST, Kind.VOLATILE, Kind.RESTRICT, Kind.TYPE_TAG),
    }


@pytest.mark.parametrize("order", ["<", ">"])
def test_what_has_no_size(order: str) -> None:
    writer = BtfWriter(order)
    int_id = writer.add_int()
    writer.add(btf_writer.CONST, size_or_type=3)  # a cycle of modifiers: 2 and 3
    writer.add(btf_writer.TYPEDEF, "round", size_or_type=2)
    writer.add_array(4, int_id, 2)  # an array of itself
    deep = int_id
    for _ in range(3):
        deep = writer.add_array(deep, int_id, 1 << 10)
    huge = writer.add_array(deep, int_id, 1 << 30)
    none = writer.add_array(huge, int_id, 0)
    forward = writer.add(btf_writer.FWD, "forward")
    void = writer.add_array(0, int_id, 4)
    itself = len(writer.records) + 1
    writer.add_struct("itself", 4, [("me", itself, 0)])
    largest = writer.add_struct("largest", 2**32 - 1, [])
    two = writer.add_array(largest, int_id, 2)
    one = writer.add_array(largest, int_id, 1)
    btf = btfmmap.open(data=writer.build())
    ids = [0, 2, 3, 4, deep, huge, none, forward, void, largest, two, one, itself]
    # libbpf multiplies in 32 bits and so lacks 2^32 bytes; `deep` is 4 GiB.
    sizes = [-1, -1, -1, -1, -1, -1, -1, -1, -1, 2**32 - 1, -1, 2**32 - 1, 4]
    assert btf.sizeof(ids).tolist() == sizes
    assert btf.alignof([0, 2, 3, 4, forward, void]).tolist() == [-1] * 6
    # An array's alignment is its element's, whatever their number.
    assert btf.alignof([deep, huge, none]).tolist() == [4, 4, 4]


def test_ids_that_are_not_there() -> None:
    writer = BtfWriter()
    int_id = writer.add_int()
    btf = btfmmap.open(data=writer.build())
    ids = [-1, int_id, int_id + 1, 2**31, 2**32, 2**62, -(2**63)]
    expected = [-1, 4, -1, -1, -1, -1, -1]
    assert btf.sizeof(ids).tolist() == btf.alignof(ids).tolist() == expected
    assert btf.sizeof([]).tolist() == []
    with pytest.raises(TypeError):
        btf.sizeof(["int"])  # type: ignore[list-item]


def test_chains_of_100_000() -> None:
    """No walk may recurse: each record refers to the next one, the last to an int."""
    count = 100_000
    writer = BtfWriter()
    for number in range(count):
        writer.add(btf_writer.CONST, size_or_type=number + 2)
    writer.add_int()
    for number in range(count):
        writer.add_array(count + number + 1, 1, 1)
    top = len(writer.records)
    member = top
    for _ in range(count):
        member = writer.add_struct("", 4, [("m", member, 0)])
    btf = btfmmap.open(data=writer.build())
    assert btf.sizeof([1, top, member]).tolist() == [4, 4, 4]
    assert btf.alignof([1, top, member]).tolist() == [4, 4, 4]
