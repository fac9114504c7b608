"""`Btf.users`, against a search of bpftool's JSON from the other end: from each user to the types it uses."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import bpftool_json as bpftool
import btf_writer
import pytest
from btf_writer import BtfWriter
from command import run_btfmmap

import btfmmap
from btfmmap import Btf, FormatError, NotFoundError, Role
from btfmmap.users import EMBEDDED, THROUGH

WORDS = {
    "TYPEDEF": "typedef",
    "CONST": "const",
    "VOLATILE": "volatile",
    "RESTRICT": "restrict",
    "TYPE_TAG": "type_tag",
    "PTR": "pointer",
    "ARRAY": "array",
}

# The user's id, role, position, name, bit offset, pointers.
Use = tuple[int, Role, int, str, int, int]


class Reference:
    """The users of all types at once."""

    def __init__(self, records: list[bpftool.Record], through: tuple[str, ...]) -> None:
        self.records = {record["id"]: record for record in records}
        self.through = through
        self.uses: dict[int, set[Use]] = defaultdict(set)
        functions = defaultdict(list)
        for record in records:
            if record["kind"] == "FUNC":
                functions[record["type_id"]].append(record["id"])
        self.held = self.anonymous_held()
        for record in records:
            kind, type_id = record["kind"], record["id"]
            if kind in ("STRUCT", "UNION"):
                self.composite(record)
            elif kind == "FUNC_PROTO":
                for user in (type_id, *functions[type_id]):
                    self.add(user, Role.RETURN, record["ret_type_id"])
                    for position, param in enumerate(record["params"]):
                        name = bpftool.name(param["name"])
                        self.add(user, Role.PARAMETER, param["type_id"], position, name)
            elif kind == "VAR":
                self.add(type_id, Role.VARIABLE, record["type_id"])
            elif kind == "DECL_TAG":
                self.add(type_id, Role.TAG_TARGET, record["type_id"])
            elif kind == "DATASEC":
                for entry in record["vars"]:
                    self.add(type_id, Role.SECTION_ENTRY, entry["type_id"])
            elif kind == "FUNC":
                self.add(type_id, Role.PROTOTYPE, record["type_id"])
            elif kind == "ARRAY":
                self.add(type_id, Role.INDEX, record["index_type_id"])

    def peeled(self, type_id: int) -> Iterator[tuple[int, int]]:
        """A type and what it resolves to, with the pointers between."""
        seen, pointers = set(), 0
        while type_id not in seen:
            yield type_id, pointers
            seen.add(type_id)
            record = self.records.get(type_id)
            if record is None or WORDS.get(record["kind"]) not in self.through:
                return
            pointers += record["kind"] == "PTR"
            type_id = record["type_id"]

    def add(
        self, user: int, role: Role, type_id: int, position: int = -1, name: str = "", bit_offset: int = 0
    ) -> None:
        for used, pointers in self.peeled(type_id):
            self.uses[used].add((user, role, position, name, bit_offset, pointers))

    def is_anonymous(self, type_id: int) -> bool:
        record = self.records.get(type_id)
        return (
            "anonymous" in self.through
            and record is not None
            and record["kind"] in ("STRUCT", "UNION")
            and bpftool.name(record["name"]) == ""
        )

    def inside(self, type_id: int) -> int | None:
        """The anonymous struct that a member of this type unfolds to, if any."""
        seen = set()
        while type_id not in seen:
            if self.is_anonymous(type_id):
                return type_id
            seen.add(type_id)
            record = self.records.get(type_id)
            if record is None or record["kind"] in ("PTR", "TYPEDEF"):
                return None
            if WORDS.get(record["kind"]) not in self.through:
                return None
            type_id = record["type_id"]
        return None

    def anonymous_held(self) -> set[int]:
        """Anonymous structs that are members of others."""
        return {
            inner
            for record in self.records.values()
            if record["kind"] in ("STRUCT", "UNION")
            for member in record["members"]
            if (inner := self.inside(member["type_id"])) is not None
        }

    def composite(self, record: bpftool.Record) -> None:
        """The members, with those of nested anonymous structs. An anonymous struct inside of another one
        reports through that."""
        users = self.names_of(record["id"]) if self.is_anonymous(record["id"]) else [record["id"]]
        for user in users:
            self.members(user, record, 0, "")

    def names_of(self, type_id: int) -> list[int]:
        """The types that represent an anonymous struct: its typedefs; itself if a pointer, a variable or the
        like refers to it, or nothing does."""
        pending, found = [type_id], []
        while pending:
            one = pending.pop()
            for other in self.by_target().get(one, []):
                kind = other["kind"]
                if kind == "TYPEDEF":
                    found.append(other["id"])
                elif kind != "PTR" and WORDS.get(kind) in self.through and other["type_id"] == one:
                    pending.append(other["id"])
                elif kind not in ("STRUCT", "UNION"):
                    found.append(type_id)
        return found if found or type_id in self.held else [type_id]

    @lru_cache(maxsize=1)  # noqa: B019
    def by_target(self) -> dict[int, list[bpftool.Record]]:
        found = defaultdict(list)
        for record in self.records.values():
            targets = [record.get("type_id"), record.get("ret_type_id"), record.get("index_type_id")]
            for children in ("members", "params", "vars"):
                targets += [child["type_id"] for child in record.get(children, [])]
            for target in {target for target in targets if target is not None}:
                found[target].append(record)
        return found

    def members(self, user: int, record: bpftool.Record, base: int, prefix: str) -> None:
        for position, member in enumerate(record["members"]):
            name = ".".join(filter(None, (prefix, bpftool.name(member["name"]))))
            start = base + member["bits_offset"]
            self.add(user, Role.MEMBER, member["type_id"], position, name, start)
            inner = self.inside(member["type_id"])
            if inner is not None:
                self.members(user, self.records[inner], start, name)

    def of(self, type_id: int) -> list[Use]:
        return sorted(self.uses[type_id])


def uses(btf: Btf, type_id: int, **options: object) -> list[Use]:
    return sorted((user.type.id, *user[1:]) for user in btf.users(type_id, **options))  # type: ignore[arg-type]


def chosen(btf: Btf) -> list[int]:
    names = (
        "sk_buff",
        "struct list_head",
        "pid_t",
        "enum pid_type",
        "spinlock_t",
        "u64",
        "_Bool",
        "struct sock",
    )
    named = [type_id for name in names if (type_id := btf.find(name)) is not None]
    return named + random.Random(7).sample(range(1, len(btf)), min(300, len(btf) - 1))


def check(btf: Btf, records: list[bpftool.Record], through: tuple[str, ...]) -> None:
    reference = Reference(records, through)
    # Pointers, arrays and modifiers are users of their own only if they are not looked through.
    own = {
        Role.POINTEE: "pointer" not in through,
        Role.ELEMENT: "array" not in through,
        Role.UNDERLYING: not set(through) >= {"typedef", "const", "volatile", "restrict", "type_tag"},
    }
    for type_id in chosen(btf):
        found = uses(btf, type_id, through=through)
        assert all(own[use[1]] for use in found if use[1] in own)
        assert [use for use in found if use[1] not in own] == reference.of(type_id), btf[type_id]


def test_against_bpftool(kernel: Path) -> None:
    check(btfmmap.open(kernel), bpftool.records(kernel), THROUGH)


@pytest.mark.parametrize("through", [EMBEDDED, (), ("pointer", "const", "anonymous")])
def test_of_a_module_and_its_base(module: tuple[Path, Path], through: tuple[str, ...]) -> None:
    base, path = module
    btf = btfmmap.open(path, base=btfmmap.open(base))
    check(btf, bpftool.records(base) + bpftool.records(path, base), through)
    own = [use for use in uses(btf, btf["struct sk_buff"].id) if use[0] >= btf.first_id]
    assert "tun_net_xmit" in btf.names([use[0] for use in own])


def test_roles(module: tuple[Path, Path]) -> None:
    """Users of one role are the users with that role among all."""
    btf = btfmmap.open(module[0])
    whole = uses(btf, btf["struct sk_buff"].id)
    for role in Role:
        assert uses(btf, btf["struct sk_buff"].id, roles=[role]) == [use for use in whole if use[1] == role]
    some = {Role.PARAMETER, Role.MEMBER}
    assert uses(btf, btf["struct sk_buff"].id, roles=some) == [use for use in whole if use[1] in some]
    assert uses(btf, btf["struct sk_buff"].id, roles=[]) == []
    takers = {user.type.name for user in btf.users("sk_buff", roles=[Role.PARAMETER]) if user.type.name}
    assert {"ip_rcv", "skb_clone"} <= takers


def test_embedded_lists(module: tuple[Path, Path]) -> None:
    btf = btfmmap.open(module[0])
    places = {
        (user.type.name, user.name): user.bit_offset // 8 for user in btf.users("list_head", through=EMBEDDED)
    }
    for struct, member in [("task_struct", "tasks"), ("net_device", "dev_list"), ("inode", "i_lru")]:
        field = btf.find_member(f"{struct}.{member}")
        assert field is not None
        assert places[struct, member] == field.offset


def test_how_a_type_is_named() -> None:
    btf = btfmmap.open(btfmmap.SAMPLE_BTF)
    flow = btf["struct flow"]
    assert btf.users("flow") == btf.users("struct flow") == btf.users(flow) == btf.users(flow.id)
    assert btf.users("flow")
    with pytest.raises(NotFoundError):
        btf.users("no_such_type")
    with pytest.raises(ValueError, match=r"through contains 'pointers'; allowed are typedef, const,"):
        btf.users("flow", through=["pointers"])
    with pytest.raises(
        ValueError, match=r"roles contains 'parameter'; allowed are Role\.POINTEE, Role\.ELEMENT,"
    ):
        btf.users("flow", roles=["parameter"])  # type: ignore[list-item]
    with pytest.raises(TypeError, match=r"through must be a collection such as \['pointer'\], not 'pointer'"):
        btf.users("flow", through="pointer")
    with pytest.raises(TypeError, match=r"roles must be a collection"):
        btf.users("flow", roles=btfmmap.Role.MEMBER)  # type: ignore[arg-type]


class TestHostile:
    def test_cycles(self) -> None:
        writer = BtfWriter()
        writer.add(btf_writer.TYPEDEF, "one", size_or_type=2)
        writer.add(btf_writer.CONST, size_or_type=1)
        writer.add(btf_writer.PTR, size_or_type=3)
        writer.add_struct("", 8, [("", 4, 0), ("next", 5, 0)])
        writer.add_struct("", 8, [("", 4, 0)])
        for type_id in range(6):
            for user in btfmmap.open(data=writer.build()).users(type_id):
                assert user.type.id in (4, 5)

    def test_deep(self) -> None:
        """100,000 nested anonymous structs."""
        writer = BtfWriter()
        inner = writer.add_int()
        for _ in range(100_000):
            inner = writer.add_struct("", 4, [("", inner, 0)])
        btf = btfmmap.open(data=writer.build())
        with pytest.raises(FormatError, match="is nested in more than 200 anonymous structs"):
            btf.users("int")
        assert [user.type.id for user in btf.users(inner - 5)] == [inner]

    def test_a_long_chain(self) -> None:
        writer = BtfWriter()
        inner = writer.add_int()
        for _ in range(100_000):
            inner = writer.add(btf_writer.PTR, size_or_type=inner)
        writer.add(btf_writer.VAR, "end", size_or_type=inner, extra=(0,))
        (user,) = btfmmap.open(data=writer.build()).users("int")
        assert (user.type.name, user.pointers) == ("end", 100_000)

    def test_exponentially_many(self) -> None:
        """One int at 2^40 places of a struct."""
        writer = BtfWriter()
        inner = writer.add_int()
        for _ in range(40):
            inner = writer.add_struct("", 4, [("a", inner, 0), ("b", inner, 0)])
        writer.add_struct("outer", 4, [("", inner, 0)])
        with pytest.raises(ValueError, match="pass fewer `roles` or a smaller `through`"):
            btfmmap.open(data=writer.build()).users("int")

    def test_millions_of_users(self) -> None:
        """2^21 members of one type."""
        writer = BtfWriter()
        inner = writer.add_int()
        writer.add_struct("s", 4, [("m", inner, 0)] * (1 << 16))
        writer.records += writer.records[-1:] * 31
        btf = btfmmap.open(data=writer.build())
        with pytest.raises(ValueError, match="too many users"):
            btf.users("int")
        assert btf.users("int", roles=[Role.PARAMETER]) == []

    def test_a_prototype_of_many(self) -> None:
        """Each of many parameters is one of a prototype that many pointers refer to, and a few functions."""
        writer = BtfWriter()
        inner = writer.add_int()
        proto = writer.add_proto(0, [("p", inner)] * 5_000)
        for _ in range(50_000):
            writer.add(btf_writer.PTR, size_or_type=proto)
        functions = [writer.add(btf_writer.FUNC, "f", size_or_type=proto) for _ in range(3)]
        found = btfmmap.open(data=writer.build()).users("int", roles=[Role.PARAMETER])
        assert [(user.type.id, user.position) for user in found] == [
            (user, position) for user in (proto, *functions) for position in range(5_000)
        ]

    def test_cycles_of_many_references(self) -> None:
        """Anonymous structs that contain one another thousands of times."""
        writer = BtfWriter()
        inner = writer.add_int()
        first = inner + 1
        for number in range(3):
            others = [("", first + (number + 1) % 3, 0)] * 4_000
            writer.add_struct("", 4, [("x", inner, 0), *others])
        with pytest.raises(ValueError, match="too many users"):
            btfmmap.open(data=writer.build()).users("int")

    def test_equal_names_at_different_offsets(self) -> None:
        """Uses that differ in nothing are listed once, however their dotted names are put together."""
        writer = BtfWriter()
        inner = writer.add_int()
        halves = [writer.add_struct("", 4, [(name, inner, 0)]) for name in ("b.c", "c", "c")]
        middle = writer.add_struct("", 4, [("b", halves[1], 0)])
        outer = writer.add_struct("outer", 4, [("a", halves[0], 0), ("a", middle, 0), ("a.b", halves[2], 0)])
        btf = btfmmap.open(data=writer.build())
        assert uses(btf, inner) == [(outer, Role.MEMBER, 0, "a.b.c", 0, 0)]


class TestCommand:
    def test_json(self, module: tuple[Path, Path]) -> None:
        base, path = module
        btf = btfmmap.open(path, base=btfmmap.open(base))
        for words, options in [
            (["sk_buff", "--role", "parameter", "-r", "return"], {"roles": [Role.PARAMETER, Role.RETURN]}),
            (["list_head", "--embedded", "-r", "member"], {"roles": [Role.MEMBER], "through": EMBEDDED}),
        ]:
            done = run_btfmmap("users", *words, "--json", "-f", path, "-B", base)
            assert done.stderr == ""
            assert json.loads(done.stdout) == [
                {
                    "id": user.type.id,
                    "kind": user.type.kind.name,
                    "user": user.type.name,
                    "role": user.role.name,
                    "position": user.position,
                    "name": user.name,
                    "bit_offset": user.bit_offset,
                    "pointers": user.pointers,
                }
                for user in btf.users(words[0], **options)  # type: ignore[arg-type]
            ]

    def test_text(self, tmp_path: Path) -> None:
        path = tmp_path / "every_kind.btf"
        path.write_bytes(btf_writer.every_kind().build())
        done = run_btfmmap("users", "char", "-f", path)
        lines = [line.split() for line in done.stdout.splitlines()]
        assert ["7", "STRUCT", "pair", "member", "1", "4"] in lines
        assert ["7", "STRUCT", "pair", "member", "2", "right*", "8"] in lines
        assert ["21", "FUNC", "print", "parameter", "0", "format*"] in lines
        assert run_btfmmap("users", "opaque", "-f", path).stdout == ""

    def test_errors(self, tmp_path: Path) -> None:
        path = tmp_path / "every_kind.btf"
        path.write_bytes(btf_writer.every_kind().build())
        for words, code, message in [
            (["pai"], 1, "no type named 'pai'; close to it: pair"),
            (["pair", "-r", "owner"], 2, "unknown role 'owner'; roles are pointee, element,"),
        ]:
            done = run_btfmmap("users", *words, "-f", path)
            assert (done.returncode, done.stdout) == (code, "")
            assert message in done.stderr
