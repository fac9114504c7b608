"""`btfmmap path`: tables, code, JSON and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from btf_writer import FUNC, PTR, UNION, BtfWriter

import btfmmap
from btfmmap.cli import main
from btfmmap.cli.exit_codes import DONE, WANTING, WRONG_INPUT


@pytest.fixture
def file(tmp_path: Path) -> str:
    writer = BtfWriter()
    int_id = writer.add_int()
    target = writer.add_struct("target", 8, [("flags", int_id, 3 << 24)], kind_flag=True)
    pointer = writer.add(PTR, size_or_type=target)
    middle = writer.add_struct("middle", 8, [("far", pointer, 0)])
    choice = writer.add_struct("", 8, [("near", pointer, 0), ("number", int_id, 0)], kind=UNION)
    start = writer.add_struct(
        "start", 32, [("", choice, 64), ("middle", writer.add(PTR, size_or_type=middle), 128)]
    )
    writer.add_struct("alone", 4, [("number", int_id, 0)])
    proto = writer.add_proto(0, [("self", writer.add(PTR, size_or_type=start))])
    writer.add(FUNC, "work", size_or_type=proto, vlen=1)
    path = tmp_path / "types.btf"
    path.write_bytes(writer.build())
    return str(path)


def run(capfd: pytest.CaptureFixture[str], file: str, *words: str) -> tuple[int, list[list[str]], list[str]]:
    code = main(["path", *words, "-f", file])
    said = capfd.readouterr()
    return code, [line.split(maxsplit=2) for line in said.out.splitlines()], said.err.splitlines()


def test_between_types(capfd: pytest.CaptureFixture[str], file: str) -> None:
    code, rows, err = run(capfd, file, "start", "target")
    assert (code, err) == (DONE, [])
    assert rows == [
        ["pointers", "offsets", "type             path"],
        ["1", "8", "struct target *  start.near  (union: near)"],
        ["2", "16,", "0    struct target *  start.middle->far"],
    ]
    _, rows, _ = run(capfd, file, "start", "target", "--limit", "1")
    assert len(rows) == 2
    _, rows, _ = run(capfd, file, "start", "target", "--avoid", "start.near")
    assert [row[2].split()[-1] for row in rows[1:]] == ["start.middle->far"]


def test_from_functions(capfd: pytest.CaptureFixture[str], file: str) -> None:
    code, rows, _ = run(capfd, file, "target", "--from-functions", "w*")
    assert code == DONE
    assert rows[1][:2] == ["1", "8"]
    assert "work.self->near" in rows[1][2]
    assert main(["path", "target", "--from-functions", "w*", "--bpf", "-f", file]) == DONE
    assert capfd.readouterr().out == "BPF_CORE_READ(self, near)  // work\n"
    assert main(["path", "target", "--from-functions", "w*", "--bpftrace", "-f", file]) == DONE
    assert capfd.readouterr().out == "args.self->near  // work\n"
    for patterns in (["x*"], ["w*", "--from-functions", "x*"]):
        code, _, err = run(capfd, file, "target", "--from-functions", *patterns)
        assert (code, err) == (WANTING, ["btfmmap: no function matches 'x*'"])
    code, _, err = run(capfd, file, "alone", "--from-functions", "w*")
    assert (code, err) == (WANTING, ["btfmmap: no path to alone with at most 4 pointers"])
    code, _, err = run(capfd, file, "work", "target")
    assert code == WRONG_INPUT
    assert err == ["btfmmap: work is a function; its parameters: --from-functions work target"]


def test_more_than_the_limit(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    writer = BtfWriter()
    pointer = writer.add(PTR, size_or_type=2)
    writer.add_struct("target", 8, [])
    writer.add_struct("start", 168, [(f"m{number}", pointer, 64 * number) for number in range(21)])
    path = tmp_path / "types.btf"
    path.write_bytes(writer.build())
    more = "btfmmap: there are more than 20 paths; -n sets how many are printed"
    for options, count, err in (((), 20, [more]), (("-n", "20"), 20, [more]), (("-n", "21"), 21, [])):
        code, rows, said = run(capfd, str(path), "start", "target", *options)
        assert (code, len(rows) - 1, said) == (DONE, count, err)
    assert main(["path", "start", "target", "--json", "-f", str(path)]) == DONE
    found = json.loads(capfd.readouterr().out)
    assert (found["more"], len(found["paths"])) == (True, 20)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ((), "2  16, 0, 0  int:3  start.middle->far->flags"),
        (
            ("--bpf",),
            "({ __auto_type __p1 = BPF_CORE_READ(ptr, middle, far); "
            "BPF_CORE_READ_BITFIELD_PROBED(__p1, flags); })",
        ),
        (("--bpftrace",), "((struct start *)$ptr)->middle->far->flags"),
    ],
)
def test_expression(
    capfd: pytest.CaptureFixture[str], file: str, options: tuple[str, ...], line: str
) -> None:
    assert main(["path", "start.middle->far->flags", *options, "-f", file]) == DONE
    assert capfd.readouterr().out.splitlines()[-1].strip() == line


def test_variables(capfd: pytest.CaptureFixture[str], file: str) -> None:
    code, rows, _ = run(capfd, file, "s->near->flags", "--variable", "s=struct start *")
    assert (code, rows[1][:2]) == (DONE, ["1", "8,"])


def test_kernels(capfd: pytest.CaptureFixture[str], file: str, tmp_path: Path) -> None:
    writer = BtfWriter()
    int_id = writer.add_int()
    writer.add_struct("start", 64, [("far", int_id, 256)])
    (tmp_path / "other.btf").write_bytes(writer.build())
    other = str(tmp_path / "other.btf")
    assert main(["path", "start.middle", "start.far", "--kernels", file, other]) == WANTING
    lines = capfd.readouterr().out.splitlines()
    assert [line.split() for line in lines][:2] == [
        ["kernel", "offsets", "type", "path"],
        ["types", "16", "struct", "middle", "*", "start.middle"],
    ]
    assert lines[2].split(maxsplit=3) == [
        *("other", "-", "-"),
        "start.middle  (struct start has no member 'middle')",
    ]
    assert main(["path", "start", "start.near", "--kernels", file]) == DONE
    assert main(["path", "start.far", "--kernels", other]) == DONE
    capfd.readouterr()
    assert main(["path", "x->far", "--kernels", other, "--variable", "x=struct start *", "--json"]) == DONE
    found = json.loads(capfd.readouterr().out)
    (path,) = found["paths"]
    assert (path["holds"], path["offsets"], path["types"], path["reasons"]) == ([True], [[32]], ["int"], [""])
    assert main(["path", "start.far", "--kernels", str(tmp_path / "none.btf"), other]) == WRONG_INPUT
    said = capfd.readouterr()
    assert "none.btf" in said.err
    assert [line.split() for line in said.out.splitlines()[1:]] == [
        ["none", "-", "-", "start.far", "(did", "not", "open)"],
        ["other", "32", "int", "start.far"],
    ]
    assert main(["path", "start.", "--kernels", str(tmp_path / "none.btf")]) == WANTING
    assert "expected the name of a member" in capfd.readouterr().err
    assert main(["path", "start.far", "--kernels", other, "--bpf"]) == WRONG_INPUT


def test_unions_on_kernels(capfd: pytest.CaptureFixture[str], file: str) -> None:
    """Members of unions are marked as on one kernel, in the table and in JSON."""
    expressions = ["start.near->flags", "start.middle", "container_of(p, struct start, near)->middle"]
    assert main(["path", *expressions, "--kernels", file]) == DONE
    listed = [line.split(maxsplit=1)[1] for line in capfd.readouterr().out.splitlines()[1:]]
    assert main(["path", *expressions, "--kernels", file, "--json"]) == DONE
    found = json.loads(capfd.readouterr().out)["paths"]
    for line, row, expression in zip(listed, found, expressions, strict=True):
        assert main(["path", expression, "-f", file]) == DONE
        alone = capfd.readouterr().out.splitlines()[-1].split()
        assert line.split() == alone[1:]
        assert main(["path", expression, "-f", file, "--json"]) == DONE
        assert row["unions"] == [json.loads(capfd.readouterr().out)["paths"][0]["unions"]]
    assert listed[0].endswith("start.near->flags  (union: near)")
    assert listed[1].endswith("start.middle")
    assert found[0]["unions"] == [["start.near"]]


def test_types_and_expressions(capfd: pytest.CaptureFixture[str], file: str) -> None:
    """What needs the other form says so."""
    for names in (["start", "target"], ["struct start", "struct target"]):
        assert main(["path", *names, "--kernels", file]) == WRONG_INPUT
        said = capfd.readouterr()
        assert said.out == ""
        assert said.err == (
            f"btfmmap: --kernels checks expressions, such as {names[0]}.MEMBER, and not paths between types\n"
        )
    code, _, err = run(capfd, file, "start.near", "start.middle->far")
    assert (code, err) == (WRONG_INPUT, ["btfmmap: two expressions: give one, or add --kernels"])
    code, _, _ = run(capfd, file, "start", "start.near")
    assert code == DONE


def test_bitfields_on_kernels(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The bit and the size of a bitfield, spelled as without `--kernels`; other members have none."""
    kernels = []
    for name, start, size in (("old", 37, 3), ("new", 38, 2)):
        writer = BtfWriter()
        number = writer.add_int()
        writer.add_struct(
            "flow", 8, [("whole", number, 0), ("flag", number, start | size << 24)], kind_flag=True
        )
        kernels.append(tmp_path / f"{name}.btf")
        kernels[-1].write_bytes(writer.build())
    paths = [str(path) for path in kernels]
    assert main(["path", "flow.flag", "flow.whole", "--kernels", *paths]) == DONE
    lines = [line.split() for line in capfd.readouterr().out.splitlines()]
    assert lines[1:] == [
        ["old", "4:5", "int:3", "flow.flag"],
        ["new", "4:6", "int:2", "flow.flag"],
        ["old", "0", "int", "flow.whole"],
        ["new", "0", "int", "flow.whole"],
    ]
    assert main(["path", "flow.flag", "-f", paths[0]]) == DONE
    assert capfd.readouterr().out.splitlines()[-1].split() == ["0", *lines[1][1:]]
    assert main(["path", "flow.flag", "flow.whole", "--kernels", *paths, "--json"]) == DONE
    flag, whole = json.loads(capfd.readouterr().out)["paths"]
    assert (flag["bit_offset"], flag["bitfield_size"]) == ([37, 38], [3, 2])
    assert (whole["bit_offset"], whole["bitfield_size"]) == ([0, 0], [0, 0])
    assert main(["path", "flow.flag", "-f", paths[0], "--json"]) == DONE
    (alone,) = json.loads(capfd.readouterr().out)["paths"]
    assert (alone["bit_offset"], alone["bitfield_size"]) == (37, 3)


def test_json(capfd: pytest.CaptureFixture[str], file: str) -> None:
    assert main(["path", "start", "target", "--json", "-f", file]) == DONE
    found = json.loads(capfd.readouterr().out)
    assert found["schema"] == {"name": "btfmmap.path", "version": 1}
    plans = btfmmap.open(file).paths("start", "target")
    for shown, plan in zip(found["paths"], plans, strict=True):
        assert shown["expression"] == plan.expression
        assert shown["core_read"] == plan.to_core_read()
        assert shown["offsets"] == [*plan.offsets]
        assert [hop["kind"] for hop in shown["hops"]] == [hop.kind for hop in plan.hops]
    assert main(["path", "alone", "target", "--json", "-f", file]) == DONE
    found = json.loads(capfd.readouterr().out)
    assert (found["paths"], found["more"]) == ([], False)


def test_nothing_found(capfd: pytest.CaptureFixture[str], file: str) -> None:
    code, _, err = run(capfd, file, "start", "target", "-p", "0")
    assert code == WANTING
    assert err == ["btfmmap: no path to target with at most 0 pointers; the shortest has 1: --max-pointers 1"]
    code, _, err = run(capfd, file, "alone", "target")
    assert (code, err) == (WANTING, ["btfmmap: no path to target with at most 4 pointers"])


def test_mistakes(capfd: pytest.CaptureFixture[str], file: str) -> None:
    code, _, err = run(capfd, file, "start.middle->farr")
    assert code == WANTING
    assert err == [
        "btfmmap: struct middle has no member 'farr'; close to it: 'far'",
        "btfmmap:   start.middle->farr",
        "btfmmap:                 ^^^^",
    ]
    code, _, err = run(capfd, file, "s->near")
    assert code == WANTING
    assert err[0] == "btfmmap: no type, function or variable named 's'"
    assert err[-1] == "btfmmap: if it is a variable, give its type: --variable 's=struct TYPE *'"
    code, _, err = run(capfd, file, "start.near", "--variable", "unused=struct absent *")
    assert code == WANTING
    assert err[0].startswith("btfmmap: the type of unused, 'struct absent *': no type named")
    assert run(capfd, file, "start", "target", "--variable", "x=int")[0] == WRONG_INPUT
    assert run(capfd, file, "start", "tarjet")[0] == WANTING
    assert run(capfd, file, "start", "target", "more")[0] == WRONG_INPUT
    assert run(capfd, file, "start", "target", "--from-functions", "*")[0] == WRONG_INPUT
    assert run(capfd, file, "start", "target", "--max-pointers", "65")[0] == WANTING
    for words in (["start", "--limit", "-1"], ["start", "--variable", "x"]):
        with pytest.raises(SystemExit) as caught:
            main(["path", *words])
        assert caught.value.code == WRONG_INPUT


def test_hostile_names(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    writer = BtfWriter()
    target = writer.add_struct("t\x1b[2J", 8, [])
    writer.add_struct("s\n", 8, [("m\x1b]0;x\x07", writer.add(PTR, size_or_type=target), 0)])
    path = tmp_path / "hostile.btf"
    path.write_bytes(writer.build())
    for options in ((), ("--bpf",), ("--bpftrace",), ("--json",)):
        assert main(["path", "3", "1", *options, "-f", str(path)]) == DONE
    main(["path", "s\n.x\x1b", "-f", str(path)])
    said = capfd.readouterr()
    assert all(letter.isprintable() or letter == "\n" for letter in said.out + said.err)
