"""`open_kernel`: a kernel and all its modules as one."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ._core import Btf as CoreBtf
from .btf import Btf, many
from .errors import BtfError, FormatError, NotFoundError
from .opening import check_base
from .opening import open as open_btf
from .table_properties import HasTables
from .tables import ChildTable, Table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from .opening import Path
    from .types import Type

_BASE = re.compile(r"vmlinux|vmlinux\.btf(\.\w+)?|vmlinux-.*|vmlinuz([-.].*)?")
_MODULE = re.compile(r"(?P<name>[^.]+)\.(ko|btf)(\.\w+)?")
_COMPRESSED = (".xz", ".zst", ".gz")


class Kernel(HasTables):
    """A kernel and its modules, made by `open_kernel`. Immutable; a context manager.

    Every module continues the same base, so their type ids overlap: what is asked by name gives `Type`s,
    which know their `Btf`, and every table has a column `module`, a number into `names`. The other columns
    are what they are in the row's own BTF: `kernel.strings(t.module, t.name_off)` gives names.

    Attributes:
        base: the kernel's own `Btf`.
        modules: from a module's name to its `Btf`, sorted by name; a read-only mapping.
        failed: from the path of each file that did not open to why, a `BtfError` or `OSError`.
        names: "vmlinux", then the modules' names: what the column `module` counts.
    """

    __slots__ = ("_owns_base", "_tables", "base", "failed", "modules", "names")

    def __init__(
        self, base: Btf, modules: dict[str, Btf], failed: dict[str, BtfError | OSError], *, owns_base: bool
    ) -> None:
        self._owns_base = owns_base
        self.base: Btf = base
        self.modules: Mapping[str, Btf] = MappingProxyType(modules)
        self.failed: Mapping[str, BtfError | OSError] = MappingProxyType(failed)
        self.names: tuple[str, ...] = ("vmlinux", *modules)
        self._tables: dict[str, Any] = {}

    def _btfs(self) -> Iterator[Btf]:
        yield self.base
        yield from self.modules.values()

    def close(self) -> None:
        """Close the modules, and the base unless it was given."""
        self._tables = {}
        for btf in self.modules.values():
            btf.close()
        if self._owns_base:
            self.base.close()

    def __enter__(self) -> Kernel:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        failed = f", {len(self.failed)} failed" if self.failed else ""
        return f"<Kernel {self.base!r} with {len(self.modules)} modules{failed}>"

    def __len__(self) -> int:
        """How many types there are in all, void included."""
        return sum(len(btf) for btf in self._btfs())

    # -- by name

    def find(self, name: str, kind: int | None = None) -> Type | None:
        """The first type of that name: of the base, else of the first module that has one; names, `kind` and
        errors as in `Btf.find`. Modules may have different types of one name, and the base a forward
        declaration of what a module defines: `find_all` gives all of them, "struct x" no declarations."""
        return next(self._found(name, kind), None)

    def find_all(self, name: str, kind: int | None = None) -> list[Type]:
        """Every type that `find` would accept: the base's, then those of each module."""
        return list(self._found(name, kind))

    def _found(self, name: str, kind: int | None) -> Iterator[Type]:
        for btf in self._btfs():
            first = btf.first_id
            yield from (btf[type_id] for type_id in btf.find_all(name, kind) if type_id >= first)

    def lookup(
        self, names: Iterable[str], kind: int | None = None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """`find` for many names, as two arrays `int64[len(names)]`: the number of the module (see `names`)
        and the type id in it, both -1 where there is no such type. Raises `TypeError` for a single one."""
        wanted = list(many(names))
        modules, ids = np.full(len(wanted), -1, np.int64), np.full(len(wanted), -1, np.int64)
        left = np.arange(len(wanted))
        for number, btf in enumerate(self._btfs()):
            found = btf.lookup([wanted[i] for i in left], kind)
            hit = found >= btf.first_id
            modules[left[hit]], ids[left[hit]] = number, found[hit]
            left = left[~hit]
            if not len(left):
                break
        return modules, ids

    def __getitem__(self, name: str) -> Type:
        """What `find` gives; `NotFoundError`, a `KeyError`, where that is nothing."""
        if not isinstance(name, str):
            raise TypeError(f"a kernel's types go by name, not by {name!r}: each module has ids of its own")
        found = self.find(name)
        if found is None:
            raise NotFoundError(f"no type named {name!r} in the kernel or its {len(self.modules)} modules")
        return found

    def __contains__(self, key: object) -> bool:
        if isinstance(key, str):
            return self.find(key) is not None
        owner = getattr(key, "btf", None)
        return any(btf is owner for btf in self._btfs())

    def module_of(self, type_: Type) -> str:
        """The name, as in `names`, of the BTF that a type is of. Raises `NotFoundError` for a stranger's."""
        for name, btf in zip(self.names, self._btfs(), strict=True):
            if btf is type_.btf:
                return name
        raise NotFoundError(f"{type_!r} is not of this kernel")

    def strings(
        self, module: Iterable[int] | npt.NDArray[Any], offsets: Iterable[int] | npt.NDArray[Any]
    ) -> list[str]:
        """What `name_off` columns stand for, each in the BTF that the column `module` says. The same string
        is the same `str`, of the base also for modules. Raises `NotFoundError`, and `NotSupportedError` for
        more than 1 GiB of text; `IndexError` for a number that no module has."""
        return CoreBtf.strings_of([btf._core for btf in self._btfs()], module, offsets)

    # -- tables

    def _table(self, name: str) -> Any:
        joined = self._tables.get(name)
        if joined is None:
            joined = self._tables[name] = _joined([getattr(btf, name) for btf in self._btfs()])
        return joined


def _joined(parts: list[Table]) -> Table:
    lengths = [len(part) for part in parts]
    columns = {"module": np.repeat(np.arange(len(parts), dtype=np.uint32), lengths)}
    for name in parts[0].columns:
        columns[name] = np.concatenate([part[name] for part in parts])
    with_children = [part for part in parts if isinstance(part, ChildTable)]
    if with_children:
        starts = np.concatenate([[0], np.cumsum(lengths)])
        pieces = [part.indptr[:-1] + start for part, start in zip(with_children, starts, strict=False)]
        columns["indptr"] = np.concatenate([*pieces, starts[-1:]]).astype(np.uint32)
    for column in columns.values():
        column.flags.writeable = False
    return type(parts[0])(columns)


def open_kernel(folder: Path = "/sys/kernel/btf", *, modules: bool = True, base: Btf | None = None) -> Kernel:
    """Open a kernel with all its modules.

    A module that does not open is left out and listed in `Kernel.failed`; only the kernel itself has to.

    Args:
        folder: with a kernel (`vmlinux`, `vmlinux.btf`, `vmlinuz`, ..., compressed or not) and its modules:
            either files without an extension beside it, as sysfs has them, or `*.ko` and `*.btf` files,
            compressed or not, anywhere below, as `/lib/modules/$(uname -r)` has them.
        modules: False opens the kernel alone.
        base: the kernel, where it lies elsewhere.

    Raises:
        OSError: the folder cannot be read, or holds no kernel.
        BtfError: the kernel itself does not open.
        TypeError: `base` is no `Btf`.
    """
    check_base(base)
    root = os.fsdecode(folder)
    own = None if base is not None else _base_path(root)
    kernel = open_btf(own) if base is None else base
    opened: dict[str, Btf] = {}
    failed: dict[str, BtfError | OSError] = {}
    paths = list(_module_paths(root, own)) if modules else []
    for path, btf in zip(paths, _all_opened(paths, kernel), strict=True):
        name = _module_name(path)
        if not isinstance(btf, Btf):
            failed[path] = btf
        elif name in opened:
            failed[path] = FormatError(f"{path}: another file of module {name} was opened before")
        else:
            opened[name] = btf
    return Kernel(kernel, dict(sorted(opened.items())), failed, owns_base=base is None)


def _all_opened(paths: list[str], base: Btf) -> Iterator[Btf | BtfError | OSError]:
    opened = partial(_opened, base=base)
    if not any(path.endswith(_COMPRESSED) for path in paths):
        # Each is done in the time that threads take to change over.
        yield from map(opened, paths)
        return
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(opened, paths)


def _opened(path: str, base: Btf) -> Btf | BtfError | OSError:
    try:
        return open_btf(path, base=base)
    except (BtfError, OSError) as error:
        return error


def _base_path(root: str) -> str:
    names = sorted(name for name in os.listdir(root) if _BASE.fullmatch(name))
    if not names:
        raise FileNotFoundError(errno.ENOENT, "no vmlinux or vmlinuz in this folder", root)
    return os.path.join(root, names[0])


def _module_paths(root: str, own: str | None) -> Iterator[str]:
    beside = own is None or own == os.path.join(root, "vmlinux")
    for folder, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            if folder == root and _BASE.fullmatch(name):
                continue
            bare = folder == root and "." not in name and beside
            if bare or _MODULE.fullmatch(name):
                yield os.path.join(folder, name)


def _module_name(path: str) -> str:
    """As the kernel has it: file names may have dashes where it has underscores."""
    return os.path.basename(path).partition(".")[0].replace("-", "_")
