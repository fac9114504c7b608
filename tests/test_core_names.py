"""The names of the extension, most of which it registers when one is first asked for."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import btfmmap._core

STUB = Path(btfmmap._core.__file__).parent / "_core.pyi"
NAMES = [
    node.name
    for node in ast.parse(STUB.read_text()).body
    if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name[0] != "_"
]


def run(code: str, *words: str) -> str:
    """The output of Python code in a process that has registered nothing yet."""
    command = [sys.executable, "-c", f"import sys\nfrom btfmmap import _core\n{code}", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("order", [NAMES, NAMES[::-1]], ids=["forward", "backward"])
def test_each_name_of_the_stub(order: list[str]) -> None:
    told = run("for name in sys.argv[1:]: print(getattr(_core, name).__name__)", *order)
    assert told.split() == order


def test_dir_lists_what_the_stub_has() -> None:
    assert [name for name in run("print(*dir(_core))").split() if name[0] != "_"] == sorted(NAMES)


def test_classes_and_functions_say_where_they_are() -> None:
    told = run("for name in sys.argv[1:]: print(getattr(_core, name).__module__)", *NAMES)
    assert set(told.split()) == {"btfmmap._core"}


def test_functions_are_pickled() -> None:
    """As names of the extension, also those of parts that are registered later."""
    functions = [name for name in NAMES if inspect.isbuiltin(getattr(btfmmap._core, name))]
    code = """
import gc, pickle
for name in sys.argv[1:]:
    function = getattr(_core, name)
    gc.collect()
    print(pickle.loads(pickle.dumps(function)) is function)
"""
    assert run(code, *functions).split() == ["True"] * len(functions)


@pytest.mark.parametrize("name", ["nosuch", "__path__", "btf"])
def test_no_such_name(name: str) -> None:
    told = run("try: getattr(_core, sys.argv[1])\nexcept AttributeError as error: print(error)", name)
    assert told == f"module 'btfmmap._core' has no attribute '{name}'\n"


def test_import_registers_little() -> None:
    assert int(run("print(sum(name[0] != '_' for name in vars(_core)))")) < len(NAMES) // 2


def test_names_asked_for_by_many_threads() -> None:
    code = """
from threading import Barrier, Thread
sys.setswitchinterval(1e-6)
names = sys.argv[1:]
together = Barrier(16)
failed = []
def ask(first):
    together.wait()
    for name in names[first:] + names[:first]:
        try:
            getattr(_core, name)
        except BaseException as error:
            failed.append(error)
threads = [Thread(target=ask, args=(i * len(names) // 16,)) for i in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(failed, len({id(getattr(_core, name)) for name in names}) == len(names))
"""
    for _ in range(5):
        assert run(code, *NAMES) == "[] True\n"
