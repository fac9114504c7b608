"""The instructions of real BPF objects, against `llvm-objdump`."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import requirements
from guarded import PRELUDE, compile_bpf, opened
from stored_files import stored_objects

from btfmmap import CoreReloKind as K
from btfmmap.programs import External, Programs, Relocated
from btfmmap.relocation_kinds import InstructionUse as U
from btfmmap.relocations import Relocations

NO_INSTRUCTION = 0xFFFFFFFF
LOADS_OF_BITFIELDS = {K.FIELD_BYTE_OFFSET, K.FIELD_BYTE_SIZE, K.FIELD_LSHIFT_U64}

_SECTION = re.compile(r"^Disassembly of section (.*):$")
_LABEL = re.compile(r"^([0-9a-f]{16}) <(.*)>:$")
_INSTRUCTION = re.compile(r"^ *(\d+):\t((?:[0-9a-f]{2} )+|(?:[0-9a-f]{2} )*[0-9a-f]{2})\t(.*)$")
_RELOCATION = re.compile(r"^\t+([0-9a-f]{16}):  (R_BPF_\w+)\t(\S+)$")

_JUMP = re.compile(r"goto ([+-](?:0x[0-9a-f]+|\d+))")

_WIDTHS = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}
_ACCESS = re.compile(r"\*\((u\d+) \*\)\(r\d+ ([+-]) (0x[0-9a-f]+|\d+)\)")

Place = tuple[str, int]  # section and offset


@dataclass
class Section:
    """A disassembled section."""

    code: dict[int, tuple[bytes, str]] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)
    calls: dict[int, str] = field(default_factory=dict)
    references: dict[int, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        last = max(self.code)
        return last + len(self.code[last][0])


def disassembled(path: Path) -> dict[str, Section]:
    """The sections with code, by name: instructions by their offset, labels, and ELF relocations."""
    command = [requirements.tool("llvm-objdump"), "-d", "-r", "-z", str(path)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    sections: dict[str, Section] = {}
    section = Section()
    for line in text.splitlines():
        if match := _SECTION.match(line):
            section = sections.setdefault(match[1], Section())
        elif match := _LABEL.match(line):
            section.labels[match[2]] = int(match[1], 16)
        elif match := _INSTRUCTION.match(line):
            section.code[8 * int(match[1])] = bytes.fromhex(match[2]), match[3]
        elif match := _RELOCATION.match(line):
            relocations = section.calls if match[2] == "R_BPF_64_32" else section.references
            relocations[int(match[1], 16)] = match[3]
    return sections


def check_positions(programs: Programs, sections: dict[str, Section]) -> None:
    """Each section with code has one number for 8 bytes."""
    seen: set[int] = set()
    for name, section in sections.items():
        assert section.size == sum(len(code) for code, _ in section.code.values())  # without gaps
        offsets = np.arange(0, section.size + 16, 8)
        found = programs.positions([name] * len(offsets), offsets).tolist()
        assert found[-2:] == [NO_INSTRUCTION] * 2
        inside = found[:-2]
        assert inside == list(range(inside[0], inside[0] + section.size // 8))
        assert not seen.intersection(inside)
        seen.update(inside)


def check_functions(programs: Programs, sections: dict[str, Section]) -> None:
    for name, section in sections.items():
        functions = [function for function in programs.functions if function.section == name]
        labels = {label: at for label, at in section.labels.items() if not label.startswith("LBB")}
        assert {function.name: function.offset for function in functions} == labels
        # Each ends where the next one starts.
        ends = [*sorted(labels.values())[1:], section.size]
        assert sorted(function.offset + function.size for function in functions) == ends


def check_calls(programs: Programs, sections: dict[str, Section]) -> int:
    """Calls of functions that the object does not define."""
    defined = {function.name for function in programs.functions} | set(sections)
    expected = [
        (External(name, weak), int(programs.positions([section], [at])[0]))
        for section, code in sections.items()
        for at, name in code.calls.items()
        if name not in defined
        for weak in [external.weak for external in programs.externals if external.name == name]
    ]
    assert sorted(programs.calls, key=lambda call: call[1]) == sorted(expected, key=lambda call: call[1])
    return len(expected)


def check_relocations(local: Relocations, sections: dict[str, Section]) -> int:
    """How instructions use the value, and the value in them."""
    for row, section in enumerate(local.section.tolist()):
        at, use = int(local.insn_off[row]), U(local.use[row])
        assert at == 8 * local.insn[row]
        code, text = sections[section].code[at]  # not the second half of one
        value, size = int(local.value[row]), int(local.access_size[row])
        if use in (U.LOAD, U.STORE):
            access = _ACCESS.search(text)
            assert access is not None, text
            assert (_WIDTHS[access[1]], access[2], int(access[3], 0)) == (size, "+", value)
            assert (use == U.STORE) == text.startswith("*")
            continue
        assert size == 0
        assert (len(code) == 16) == (use == U.IMMEDIATE64) == text.endswith(" ll")
        assert use in (U.IMMEDIATE, U.IMMEDIATE64)
        number = re.fullmatch(r"[rw]\d+ \S*= (-?(?:0x[0-9a-f]+|\d+))(?: ll)?", text)
        assert number is not None, text
        # Compilers may load other bytes than libbpf does to read a bitfield.
        chosen = local.bitfield_size[row] != 0 and K(local.kind[row]) in LOADS_OF_BITFIELDS
        assert chosen or int(number[1], 0) % 2**64 == value
    return len(local)


def following(programs: Programs, sections: dict[str, Section], place: Place) -> Iterator[Place]:
    """Where the kernel's verifier may go from an instruction, if it knows nothing."""
    name, at = place
    section = sections[name]
    code, text = section.code[at]
    immediate = int.from_bytes(code[4:8], programs.byte_order, signed=True)  # type: ignore[arg-type]
    functions = {function.name: (function.section, function.offset) for function in programs.functions}
    if at in section.calls:
        target = section.calls[at]
        if target in sections:  # relative to the section
            yield target, 8 * (immediate + 1)
        elif target in functions:
            yield functions[target]
    elif re.match(r"call -?\d", text) and code[1] in (0x01, 0x10):
        yield name, at + 8 * (immediate + 1)
    if at in section.references:  # of a callback
        target = section.references[at]
        if target in sections:
            yield target, immediate
        elif target in functions:
            yield functions[target]
    if match := _JUMP.search(text):
        yield name, at + 8 * (int(match[1], 0) + 1)
    if text != "exit" and not text.startswith("goto"):
        yield name, at + len(code)


def check_paths(programs: Programs, sections: dict[str, Section]) -> int:
    """Where nothing is known, all ways are followed: the instructions reached are those of the flow graph."""
    places = [(name, at) for name, section in sections.items() for at in section.code]
    count = len(places)
    answers = programs.reachability(
        programs.positions([name for name, _ in places], [at for _, at in places]),
        np.full(count, Relocated.UNKNOWN),
        np.zeros(count, np.uint64),
        all_instructions=True,
    )
    for program, answer in zip(programs.programs, answers, strict=True):
        seen: set[Place] = set()
        left: list[Place] = [(program.section, program.offset)]
        while left:
            place = left.pop()
            if place not in seen:
                seen.add(place)
                left.extend(following(programs, sections, place))
        assert {places[number] for number in np.flatnonzero(answer)} == seen
    return len(programs.programs)


def check_object(path: Path) -> tuple[int, int, int]:
    """How many instructions, relocations and calls of external functions agree."""
    btf, programs = opened(path)
    sections = disassembled(path)
    check_positions(programs, sections)
    check_functions(programs, sections)
    assert check_paths(programs, sections) > 0
    relocations = 0 if btf.ext is None else check_relocations(btf.ext.relocations, sections)
    instructions = sum(len(section.code) for section in sections.values())
    return instructions, relocations, check_calls(programs, sections)


def test_real_objects(tmp_path: Path) -> None:
    instructions = relocations = 0
    for name, content in stored_objects().items():
        (tmp_path / name).write_bytes(content)
        counted = check_object(tmp_path / name)
        instructions += counted[0]
        relocations += counted[1]
    assert instructions > 10_000
    assert relocations == 602


@pytest.mark.parametrize("target", ["bpfel", "bpfeb"])
@pytest.mark.parametrize("options", ["-mcpu=v1", "-mcpu=v3"])
def test_compiled(target: str, options: str, tmp_path: Path) -> None:
    """Loads, stores, and calls of the kernel's functions, of either byte order."""
    source = """
    struct gone { char a; short b; int c; long d; } core;
    extern int of_kernel(int) __attribute__((section(".ksyms"), weak));
    static noinline long shared(long x) { return x + GONE; }
    SEC("socket") long prog(struct gone *it)
    {
        it->a = 1; it->b = it->c + HERE_SIZE; it->d = shared(it->d) + 0x123456789ab;
        if (of_kernel) it->c = of_kernel(2);
        return it->a;
    }
    SEC("xdp") long second(struct gone *it) { return of_kernel(HERE_EXISTS) + shared(it->b); }
    """
    path = compile_bpf(PRELUDE + source, tmp_path, target, options)
    _, relocations, calls = check_object(path)
    assert (relocations, calls) == (11, 2)
