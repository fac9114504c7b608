"""C structs with every sort of member, and their values as the compiler reads them: the reference for
`records`, `dtype` and `ctypes`."""

from __future__ import annotations

import itertools
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import requirements

import btfmmap

STRUCTS = """
enum colour { RED, GREEN = 5, BLUE, LAST = 0xffffffff };
enum degrees { COLD = -40, MILD = 15, HOT = 100 };
enum wide { NEAR = 1, FAR = 0x123456789abcULL };
enum signed_wide { BELOW = -1, ABOVE = 0x123456789abcLL };
typedef unsigned int u32;
struct small { char tag; unsigned low : 3; int high : 9; };
struct tight {
    char first;
    unsigned long long long_bits : 33;
    int sign : 31;
    unsigned five : 5;
    long long last;
} __attribute__((packed));
struct unaligned_bits { char c; u32 a : 7; unsigned long long all : 64; u32 z : 1; } __attribute__((packed));
struct all {
    unsigned a : 3;
    int b : 13;
    unsigned long long c : 37;
    _Bool flag : 1;
    enum colour colour_bits : 4;
    enum degrees degrees_bits : 9;
    const volatile u32 d : 31;
    long long e : 64;
    int : 5;
    signed char f : 1;
    short g : 11;
    union {
        int whole;
        struct { short left, right; };
        struct { unsigned char r : 5, g6 : 6, b5 : 5; union { unsigned char deep : 7; char other; }; } rgb;
        float real;
    };
    struct { struct { union { long long only; char *text; }; }; } named;
    struct small smalls[2][3];
    struct tight tight;
    struct tight tights[2];
    struct unaligned_bits unaligned;
    char name[5];
    signed char bytes[3];
    int cube[2][3][4];
    void *pointer;
    struct all *link;
    int (*function)(int);
    float single;
    double doubled;
    _Bool yes;
    enum colour colour;
    enum degrees degrees;
    enum wide wide;
    enum signed_wide signed_wide;
    unsigned char u8;
    unsigned short u16;
    unsigned long long u64;
    struct { } nothing;
};
"""
# Members with values. Array elements are in memory order; [n] stands for each of n elements.
LEAVES = [
    "a",
    "b",
    "c",
    "flag",
    "colour_bits",
    "degrees_bits",
    "d",
    "e",
    "f",
    "g",
    "whole",
    "left",
    "right",
    "rgb.r",
    "rgb.g6",
    "rgb.b5",
    "rgb.deep",
    "rgb.other",
    "real",
    "named.only",
    "named.text",
    "smalls[2][3].tag",
    "smalls[2][3].low",
    "smalls[2][3].high",
    "tight.first",
    "tight.long_bits",
    "tight.sign",
    "tight.five",
    "tight.last",
    "tights[2].first",
    "tights[2].long_bits",
    "tights[2].sign",
    "tights[2].five",
    "tights[2].last",
    "unaligned.c",
    "unaligned.a",
    "unaligned.all",
    "unaligned.z",
    "name[5]",
    "bytes[3]",
    "cube[2][3][4]",
    "pointer",
    "link",
    "function",
    "single",
    "doubled",
    "yes",
    "colour",
    "degrees",
    "wide",
    "signed_wide",
    "u8",
    "u16",
    "u64",
]
# Members that share another one's bytes.
OVERLAPPING = {"left", "right", "rgb.r", "rgb.g6", "rgb.b5", "rgb.deep", "rgb.other", "real", "named.text"}
# Members of enums with negative values: the enum, and the bits of the member.
ENUMS = {"degrees_bits": ("degrees", 9), "degrees": ("degrees", 32), "signed_wide": ("signed_wide", 64)}


def places(leaf: str) -> Iterator[str]:
    """smalls[0][0].tag, smalls[0][1].tag, ..."""
    words = re.split(r"\[(\d+)\]", leaf)
    for index in itertools.product(*(range(int(count)) for count in words[1::2])):
        numbers = iter(index)
        yield "".join(word if not i % 2 else f"[{next(numbers)}]" for i, word in enumerate(words))


PLACES = [place for leaf in LEAVES for place in places(leaf)]


def read_by_btf(btf: btfmmap.Btf, leaf: str, value: int) -> int:
    """The value of a member as its enum's flag has it. Old compilers mark all enums as unsigned."""
    if leaf not in ENUMS:
        return value
    enum, bits = ENUMS[leaf]
    value %= 1 << bits
    return value - (1 << bits) if btf[f"enum {enum}"].signed and value >> (bits - 1) else value


def program(count: int) -> str:
    """Fills `count` structs with pseudo-random values; writes them to the first file named, and to the second
    the values read back from them, 64 bits each: a floating-point number's bits, else the number."""
    sets = "".join(f"    r->{place} = next();\n" for place in PLACES if place not in OVERLAPPING)
    gets = "".join(f"    put(r->{place});\n" for place in PLACES)
    return f"""
#include <stdio.h>
#include <string.h>
{STRUCTS}
struct all variable;
static unsigned long long state = 0x9e3779b97f4a7c15ULL, values[{len(PLACES)}], *end;
static unsigned long long next(void) {{
    state ^= state << 13; state ^= state >> 7; state ^= state << 17;
    return state % 5 ? state >> (state & 31) : state & 1;
}}
static void put_float(float x) {{ unsigned bits; memcpy(&bits, &x, 4); *end++ = bits; }}
static void put_double(double x) {{ memcpy(end++, &x, 8); }}
static void put_pointer(const void *x) {{ *end++ = (unsigned long)x; }}
static void put_number(long long x) {{ *end++ = x; }}
#define put(x) _Generic((x), float: put_float, double: put_double, void *: put_pointer, \\
    char *: put_pointer, struct all *: put_pointer, int (*)(int): put_pointer, default: put_number)(x)
static void fill(struct all *r) {{
{sets}}}
static void write_values(struct all *r) {{
    end = values;
{gets}}}
int main(int argc, char **argv) {{
    FILE *structs = fopen(argv[1], "wb"), *plain = fopen(argv[2], "wb");
    for (long i = 0; i < {count}; i++) {{
        struct all r;
        memset(&r, i, sizeof(r)); /* what is between the members may not matter */
        fill(&r);
        write_values(&r);
        fwrite(&r, sizeof(r), 1, structs);
        fwrite(values, sizeof(values), 1, plain);
    }}
    return fclose(structs) || fclose(plain);
}}
"""


def initialised(
    count: int, structs: str = STRUCTS, chosen: list[str] = PLACES
) -> tuple[str, list[dict[str, int]]]:
    """An array of structs for a compiler to lay out, and the initial values by place. Only fields that
    integers initialise are included, and the first of overlapping ones."""
    bits = {
        "a": 3, "b": -13, "c": 37, "flag": 1, "colour_bits": 4, "degrees_bits": 9, "d": 31, "e": -64, "f": -1,
        "g": -11, "rgb.r": 5, "rgb.g6": 6, "rgb.b5": 5, "rgb.deep": 7, "named.only": -64, "tag": -8, "low": 3,
        "high": -9, "first": -8, "long_bits": 33, "sign": -31, "five": 5, "last": -64, "unaligned.c": -8,
        "unaligned.a": 7, "unaligned.all": 64, "unaligned.z": 1, "name": 7, "bytes": -8, "cube": -32,
        "yes": 1, "colour": 32, "degrees": 31, "wide": 48, "signed_wide": -48, "u8": 8, "u16": 16, "u64": 64,
    }  # fmt: skip
    drawn = random.Random(5)
    rows = []
    for _ in range(count):
        row = {}
        for place in chosen:
            bare = re.sub(r"\[\d+\]", "", place)
            size = bits.get(bare) or bits.get(bare.rpartition(".")[2] if "." in bare else "")
            if size is not None:
                top = 1 << abs(size) if size > 0 else 1 << (-size - 1)
                row[place] = drawn.choice([0, top - 1, drawn.randrange(top), -(top if size < 0 else 0)])
        rows.append(row)
    text = ",\n".join(
        "{" + ", ".join(f".{place} = {_literal(value)}" for place, value in row.items()) + "}" for row in rows
    )
    return f"{structs}\nstruct all records[] = {{\n{text}\n}};\n", rows


def _literal(value: int) -> str:
    return f"{value}ULL" if value >= 0 else f"({value + 1}LL - 1)"


def compiled(folder: Path, command: list[str], source: str, output: str) -> Path:
    """Compiles C with a command whose first word is a tool."""
    path, made = folder / f"{output}.c", folder / output
    path.write_text(source)
    # Numbers are assigned to pointers, an error since gcc 14.
    words = [*command[1:], "-w", "-Wno-error=int-conversion", "-o", str(made), str(path)]
    subprocess.run([requirements.tool(command[0]), *words], check=True)
    return made
