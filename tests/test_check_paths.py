"""`check_paths`: offsets by kernel, and where expressions break."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bpftool_json
import pytest
from btf_writer import PTR, BtfWriter
from split_writer import SplitWriter
from stored_files import stored

import btfmmap
from btfmmap import ExpressionError, RelocationStatus

OK, ABSENT, AMBIGUOUS, NOT_JUDGED = (
    RelocationStatus.OK,
    RelocationStatus.ABSENT,
    RelocationStatus.AMBIGUOUS,
    RelocationStatus.NOT_JUDGED,
)
EXPRESSIONS = ["task_struct.mm->owner->comm", "cfs_rq.nr_running", "sk_buff.sk->sk_wmem_queued"]


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kernels")
    for name in ("6.12-cloud-arm64", "6.12-s390x", "7.2-amd64"):
        (folder / f"{name}.btf").write_bytes(stored(f"{name}.btf"))
    (folder / "9.9-broken.btf").write_bytes(stored("7.2-amd64.btf")[:1000])
    return folder


def member_offset(path: Path, struct: str, member: str) -> int:
    """As bpftool lists it, in bytes."""
    for record in bpftool_json.records(path):
        if record["kind"] == "STRUCT" and record["name"] == struct:
            for each in record["members"]:
                if each["name"] == member:
                    return int(each["bits_offset"]) // 8
    raise LookupError(member)


def test_real_kernels(kernels: Path) -> None:
    result = btfmmap.check_paths(EXPRESSIONS, kernels)
    assert result.kernels.name.tolist() == ["6.12-cloud-arm64", "6.12-s390x", "7.2-amd64", "9.9-broken"]
    assert result.status.tolist() == [[OK, OK, OK]] * 2 + [[OK, ABSENT, OK]] + [[NOT_JUDGED] * 3]
    assert result.kernels.error.tolist()[3]
    for row, name in enumerate(result.kernels.name.tolist()[:3]):
        path = kernels / f"{name}.btf"
        assert result.offsets(row, 0) == (
            member_offset(path, "task_struct", "mm"),
            btfmmap.open(path).path("mm_struct.owner").offsets[0],  # in an anonymous struct
            member_offset(path, "task_struct", "comm"),
        )
        assert result.bit_offset[row, 0] == 8 * member_offset(path, "task_struct", "comm")
        assert result.types[row, 0] == "char[16]"
    assert result.broken.tolist() == [1]
    offsets = [{result.offsets(row, column) for row in range(3)} - {()} for column in range(3)]
    assert result.drift.tolist() == [column for column in range(3) if len(offsets[column]) > 1]
    assert 0 in result.drift
    assert "has no member 'nr_running'" in result.reason(2, 1)
    assert result.reason(0, 0) == ""
    assert result.reason(3, 0) == result.kernels.error.tolist()[3]
    assert (result.offsets(2, 1), result.bit_offset[2, 1], result.types[2, 1]) == ((), -1, "")
    assert (
        repr(result)
        == f"<PathResult 3 expressions x 4 kernels: 3 not judged, 1 break, {len(result.drift)} differ>"
    )
    with pytest.raises(IndexError):
        result.reason(4, 0)
    with pytest.raises(IndexError):
        result.offsets(0, 3)


def test_executors_and_pickles(kernels: Path) -> None:
    alone = btfmmap.check_paths(EXPRESSIONS, kernels)
    with ThreadPoolExecutor(2) as executor:
        together = btfmmap.check_paths(EXPRESSIONS, kernels, executor=executor)
    assert (alone.status == together.status).all()
    again = pickle.loads(pickle.dumps(alone))
    assert again.offsets(0, 0) == alone.offsets(0, 0)


def structs(*offsets: int, name: str = "twice", base: BtfWriter | None = None) -> BtfWriter | SplitWriter:
    writer = BtfWriter() if base is None else SplitWriter(base)
    if base is None:
        writer.add_int()
    for offset in offsets:
        member = "value" if offset >= 0 else "other"
        writer.add_struct(name, 64, [(member, 1, max(offset, 0))])
    return writer


@pytest.mark.parametrize(
    ("offsets", "status", "offset"),
    [
        ((32,), OK, 32),
        ((32, 32), OK, 32),
        ((-1, 64), OK, 64),  # the first has no such member
        ((32, 64), AMBIGUOUS, -1),
        ((-1, -1), ABSENT, -1),
    ],
)
def test_namesakes(offsets: tuple[int, ...], status: int, offset: int) -> None:
    btf = btfmmap.open(data=structs(*offsets).build())
    for expression in ("twice.value", "((struct twice *)x)->value", "struct twice.value"):
        result = btfmmap.check_paths(expression, btf)
        assert result.status.tolist() == [[status]]
        assert result.bit_offset.tolist() == [[offset]]
    if status == AMBIGUOUS:
        assert result.reason(0, 0) == "several types match, with the offsets (4,), (8,)"


@pytest.mark.parametrize(
    ("own", "modules", "status", "offset"),
    [
        ((32,), ((64,),), OK, 32),  # modules are asked only if the kernel has no such type
        ((-1,), ((64,),), ABSENT, -1),
        ((), ((64,), ()), OK, 64),
        ((), ((64,), (64,)), OK, 64),
        ((), ((64,), (96,)), AMBIGUOUS, -1),
        ((), ((), ()), ABSENT, -1),
    ],
)
def test_modules(
    tmp_path: Path, own: tuple[int, ...], modules: tuple[tuple[int, ...], ...], status: int, offset: int
) -> None:
    base = structs(*own)
    assert isinstance(base, BtfWriter)
    (tmp_path / "vmlinux").write_bytes(base.build())
    for number, module in enumerate(modules):
        (tmp_path / f"m{number}").write_bytes(structs(*module, base=base).build())
        if not module:
            (tmp_path / f"m{number}").write_bytes(structs(0, name="else", base=base).build())
    result = btfmmap.check_paths("twice.value", tmp_path)
    assert result.status.tolist() == [[status]]
    assert result.bit_offset.tolist() == [[offset]]
    assert bool(result.reason(0, 0)) == (status != OK)


def test_changed_types() -> None:
    kernels = []
    for name, size in (("int", 4), ("long", 8)):
        writer = BtfWriter()
        writer.add_int(name, size)
        writer.add_struct("holder", 16, [("value", 1, 0), ("other", writer.add(PTR, size_or_type=1), 64)])
        kernels.append(btfmmap.open(data=writer.build()))
    result = btfmmap.check_paths(["holder.value", "holder.absent"], kernels)
    assert result.types[:, 0].tolist() == ["int", "long"]
    assert (result.changed_types.tolist(), result.drift.tolist(), result.broken.tolist()) == ([0], [], [1])


def test_bitfields() -> None:
    """Their sizes in bits; one that becomes wider where it is changes its type, but does not move."""
    kernels = []
    for size in (3, 4):
        writer = BtfWriter()
        number = writer.add_int()
        writer.add_struct(
            "flow", 8, [("whole", number, 0), ("flag", number, 37 | size << 24)], kind_flag=True
        )
        kernels.append(btfmmap.open(data=writer.build()))
    result = btfmmap.check_paths(["flow.flag", "flow.whole", "flow.absent"], kernels)
    assert result.bitfield_size.tolist() == [[3, 0, 0], [4, 0, 0]]
    assert str(result.bitfield_size.dtype) == "uint8"
    assert result.bit_offset.tolist() == [[37, 0, -1]] * 2
    assert [btf.path("flow.flag").bitfield_size for btf in kernels] == [3, 4]
    assert (result.changed_types.tolist(), result.drift.tolist()) == ([0], [])


@pytest.mark.parametrize(
    "expression",
    [
        *("", "a.", "a.b->", "a b", "a.b[", "a.b[1 2]", "(a.b", "a.b)", "&a.b", "(struct a *)b", "( *)a"),
        *("container_of(a, struct b)", "container_of(a, struct b, )", "((struct a *)b"),
        *("a" * 5000, "*" * 40 + "a"),
    ],
)
def test_wrong_syntax(expression: str) -> None:
    """It is refused without a kernel, as `path` refuses it with the same message."""
    for texts in (expression, ["twice.value", expression]):
        with pytest.raises(ExpressionError) as caught:
            btfmmap.check_paths(texts, [])
    assert caught.value.expression[:40] == expression[:40]


def test_right_syntax() -> None:
    """Whatever `path` takes has the right syntax, and what no types allow may have it."""
    for expression in (
        "twice.value",
        " ( ( struct twice * ) x ) -> value ",
        "((struct twice **)x)[1][i][]->value",
        "container_of(x.y->z, struct twice, value)->other",
        "(*twice).value",
        "nowhere.absent",
    ):
        assert btfmmap.check_paths(expression, []).status.shape == (0, 1)


def test_arguments() -> None:
    btf = btfmmap.open(data=structs(32).build())
    assert btfmmap.check_paths([], btf).status.shape == (1, 0)
    assert btfmmap.check_paths("x->value", [], variables={"x": "struct twice *"}).status.shape == (0, 1)
    assert btfmmap.check_paths("x->value", btf, variables={"x": "struct twice *"}).offsets(0, 0) == (4,)
    with pytest.raises(TypeError, match="an expression is a str"):
        btfmmap.check_paths([1], btf)  # type: ignore[list-item]
    with pytest.raises(ExpressionError, match="expected the name of a type"):
        btfmmap.check_paths("x->value", btf, variables={"x": " *"})
    with pytest.raises(ExpressionError):
        btf.path("twice.absent")
