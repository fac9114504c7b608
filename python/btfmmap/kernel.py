"""`open_kernel`: opens a kernel with all of its modules."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from ._core import Btf as CoreBtf
from .btf import Btf, many
from .errors import BtfError, FormatError, NotFoundError
from .inline_files import inline_paths
from .kernel_files import btf_module_path, kernel_path, listed_modules, module_name, module_paths
from .opening import KERNEL_BTF, check_base, open_with_holder
from .opening import open as open_btf
from .table_properties import HasTables
from .tables import ChildTable, Table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    import numpy.typing as npt

    from ._core import File
    from .opening import Path
    from .types import Type

_COMPRESSED = (".xz", ".zst", ".gz")


class Kernel(HasTables):
    """A kernel and its modules, opened with `open_kernel`.

    A `Kernel` is immutable, and a context manager. All modules continue the same base, so their type IDs
    overlap. Queries by name therefore return `Type` objects, which know their `Btf`. Each table has a column
    `module`, an index into `names`. The other columns of a row have the values of that module's BTF:
    `kernel.strings(table.module, table.name_off)` looks up the names.

    Attributes:
        base: The kernel's own `Btf`.
        modules: A read-only mapping from the name of each module to its `Btf`, sorted by name.
        failed: A read-only mapping from the path of each file that did not open to its `BtfError` or
            `OSError`.
        complete: Whether `modules` is known to have every module of the kernel. It is if the folder has a
            `modules.order` or `modules.dep`, and each module that they list opened. Of the running kernel in
            `/sys/kernel/btf`, the loaded modules count.
        missing: The names of the modules that did not open, or that these files list and the folder does not
            contain; sorted. Empty if `complete`.
        names: "vmlinux", then the names of the modules.
        inline: The paths of the files in the folder that say where functions are inlined, such as
            `vmlinux.inline`. They are split BTF on the kernel or on a module, and no modules, so they are not
            opened. `btfmmap.open` opens one on the base in its folder.

    Example:
        >>> kernel = btfmmap.open_kernel(base=btf, modules=False)
        >>> kernel.names
        ('vmlinux',)
    """

    __slots__ = (
        "_owns_base",
        "_tables",
        "base",
        "complete",
        "failed",
        "inline",
        "missing",
        "modules",
        "names",
    )

    def __init__(
        self,
        base: Btf,
        modules: dict[str, Btf],
        failed: dict[str, BtfError | OSError],
        *,
        owns_base: bool,
        complete: bool = False,
        missing: tuple[str, ...] = (),
        inline: tuple[str, ...] = (),
    ) -> None:
        self._owns_base = owns_base
        self.base: Btf = base
        self.modules: Mapping[str, Btf] = MappingProxyType(modules)
        self.failed: Mapping[str, BtfError | OSError] = MappingProxyType(failed)
        self.complete: bool = complete
        self.missing: tuple[str, ...] = missing
        self.names: tuple[str, ...] = ("vmlinux", *modules)
        self.inline: tuple[str, ...] = inline
        self._tables: dict[str, Any] = {}

    def _btfs(self) -> Iterator[Btf]:
        yield self.base
        yield from self.modules.values()

    def close(self) -> None:
        """Close the modules, and the base unless it was passed to `open_kernel`.

        Example:
            >>> kernel = btfmmap.open_kernel(base=btf, modules=False)
            >>> kernel.close()
            >>> btf.closed
            False
        """
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
        inline = f", {len(self.inline)} inline files not opened" if self.inline else ""
        return f"<Kernel {self.base!r} with {len(self.modules)} modules{failed}{inline}>"

    def __len__(self) -> int:
        """Return the number of types in the kernel and all modules, including void."""
        return sum(len(btf) for btf in self._btfs())

    # -- by name

    def find(self, name: str, kind: int | None = None) -> Type | None:
        """Return the first type with this name, or None.

        The base is searched first, then the modules in the order of `names`. Modules may have different types
        with the same name, and the base may have a forward declaration of a type that a module defines.
        `find_all` returns all of these. A name with a keyword, such as "struct x", does not match forward
        declarations.

        Args:
            name: A name, with or without a keyword, as in `Btf.find`.
            kind: A `Kind`; None for any.

        Returns:
            The type, or None if there is no such type.

        Raises:
            ValueError: The keyword and `kind` disagree, or there is no such kind.

        Example:
            >>> kernel.find("struct flow")
            <Type [2] STRUCT flow>
        """
        return next(self._found(name, kind), None)

    def find_all(self, name: str, kind: int | None = None) -> list[Type]:
        """Return all types with this name: those of the base, then those of each module.

        Args:
            name: A name, with or without a keyword, as in `Btf.find`.
            kind: A `Kind`; None for any.

        Returns:
            The types.

        Raises:
            ValueError: The keyword and `kind` disagree, or there is no such kind.

        Example:
            >>> kernel.find_all("decide")
            [<Type [38] FUNC decide>]
        """
        return list(self._found(name, kind))

    def _found(self, name: str, kind: int | None) -> Iterator[Type]:
        for btf in self._btfs():
            first = btf.first_id
            yield from (btf[type_id] for type_id in btf.find_all(name, kind) if type_id >= first)

    def lookup(
        self, names: Iterable[str], kind: int | None = None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Find several types by name.

        Args:
            names: Names, with or without a keyword, as in `Btf.find`.
            kind: A `Kind`; None for any.

        Returns:
            Two `int64[len(names)]` arrays: the index of the module in `Kernel.names`, and the type ID in that
            module. Both are -1 for a name that no type has.

        Raises:
            TypeError: `names` is a single string.
            ValueError: A keyword and `kind` disagree, or there is no such kind.

        Example:
            >>> modules, ids = kernel.lookup(["flow", "nothing"])
            >>> modules.tolist(), ids.tolist()
            ([0, -1], [2, -1])
        """
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

    def _ipython_key_completions_(self) -> list[str]:
        return [*dict.fromkeys(name for btf in self._btfs() for name in btf.names() if name)]

    def __getitem__(self, name: str) -> Type:
        """Return the first type with this name, as `find` does.

        Raises:
            NotFoundError: There is no type of this name. This is a `KeyError`.
            TypeError: `name` is not a string.

        Example:
            >>> kernel["flow"]
            <Type [2] STRUCT flow>
        """
        if not isinstance(name, str):
            raise TypeError(f"expected the name of a type, not {name!r}: type ids differ between modules")
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
        """Return the name of the module that records a type.

        Args:
            type_: A type of this kernel.

        Returns:
            An item of `names`.

        Raises:
            NotFoundError: The type does not belong to this kernel.

        Example:
            >>> kernel.module_of(kernel["flow"])
            'vmlinux'
        """
        for name, btf in zip(self.names, self._btfs(), strict=True):
            if btf is type_.btf:
                return name
        raise NotFoundError(f"{type_!r} does not belong to this kernel")

    def strings(
        self, module: Iterable[int] | npt.NDArray[Any], offsets: Iterable[int] | npt.NDArray[Any]
    ) -> list[str]:
        """Return the strings at several offsets, each in the string section of one module.

        Args:
            module: Indices into `names`, such as the column `module` of a table.
            offsets: Offsets in bytes, such as the column `name_off` of the same table.

        Returns:
            One string per offset. Equal offsets into the same section share one `str` object, also where
            several modules refer to a string of the base.

        Raises:
            NotFoundError: An offset is past the end of the section.
            NotSupportedError: The strings have more than 1 GiB of text.
            IndexError: There is no module with this index.
            ValueError: `module` and `offsets` differ in length.

        Example:
            >>> kernel.strings(kernel.vars.module, kernel.vars.name_off)
            ['decisions', 'latest']
        """
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
    found = [dict(part) for part in parts]
    for name in parts[0].columns:
        columns[name] = np.concatenate([each[name] for each in found])
    with_children = [part for part in parts if isinstance(part, ChildTable)]
    if with_children:
        starts = np.concatenate([[0], np.cumsum(lengths)])
        pieces = [part.indptr[:-1] + start for part, start in zip(with_children, starts, strict=False)]
        columns["indptr"] = np.concatenate([*pieces, starts[-1:]]).astype(np.uint32)
    for column in columns.values():
        column.flags.writeable = False
    return type(parts[0])(columns)


def open_kernel(folder: Path = "/sys/kernel/btf", *, modules: bool = True, base: Btf | None = None) -> Kernel:
    """Open a kernel with all of its modules.

    A module that does not open is left out and listed in `Kernel.failed`. Only the kernel itself must open.
    If there are modules and none of them opens, a `RuntimeWarning` is issued.

    Args:
        folder: A folder with a kernel and its modules. The kernel is named `vmlinux`, `vmlinux.btf`,
            `vmlinuz` or similar; if there is none, or it has no BTF, the module `btf_vmlinux.ko` of a kernel
            with CONFIG_DEBUG_INFO_BTF=m is opened. In sysfs, modules are files without an extension beside
            `vmlinux`. Elsewhere, such as in `/lib/modules/$(uname -r)`, they are `*.ko` and `*.btf` files in
            the folder or any folder below. The kernel and the modules may be compressed.
        modules: False opens the kernel alone.
        base: The kernel, if it is not in the folder.

    Returns:
        The kernel and its modules.

    Raises:
        OSError: The folder cannot be read, or contains no kernel.
        BtfError: The kernel itself does not open.
        TypeError: `base` is not a `Btf`.

    Example:
        >>> with btfmmap.open_kernel(base=btf, modules=False) as kernel:
        ...     len(kernel.types)
        49
    """
    check_base(base)
    root = os.fsdecode(folder)
    own, opened = None, base
    if opened is None:
        opened, _, own = open_base(kernel_path(root), root)
    if not modules:
        return Kernel(opened, {}, {}, owns_base=base is None)
    kernel = with_modules(opened, root, own, owns_base=base is None)
    if kernel.failed and not kernel.modules:
        first = next(iter(kernel.failed.values()))
        message = f"{root}: none of the {len(kernel.failed):,} modules opened; the first: {first}"
        warnings.warn(message, RuntimeWarning, stacklevel=2)
    return kernel


def open_base(own: str, folder: str) -> tuple[Btf, File | None, str]:
    """Open the kernel of a folder.

    If the kernel's file has no BTF, that of the module `btf_vmlinux.ko` in the folder or below is opened.

    Returns:
        The BTF, the ELF file or image that has it as of `open_with_holder`, and the path of what was opened.

    Raises:
        OSError: The file cannot be read.
        BtfError: The kernel does not open.
    """
    try:
        return (*open_with_holder(own), own)
    except FormatError:
        module = btf_module_path(folder)
        if module is None or module == own:
            raise
        return (*open_with_holder(module), module)


def with_modules(base: Btf, folder: str, own: str | None, *, owns_base: bool) -> Kernel:
    """Open the modules of a kernel that are in a folder. `own` is the kernel's path, or None if unknown."""
    opened: dict[str, Btf] = {}
    failed: dict[str, BtfError | OSError] = {}
    paths = list(module_paths(folder, own))
    for path, btf in zip(paths, _all_opened(paths, base), strict=True):
        name = module_name(path)
        if not isinstance(btf, Btf):
            failed[path] = btf
        elif name in opened:
            failed[path] = FormatError(f"{path}: module {name} was already opened from another file")
        else:
            opened[name] = btf
    listed = listed_modules(folder)
    is_running = os.path.abspath(folder) == os.path.dirname(KERNEL_BTF)
    complete = not failed if is_running else listed is not None and listed <= opened.keys()
    wanted = {*map(module_name, failed), *(listed or ())}
    return Kernel(
        base,
        dict(sorted(opened.items())),
        failed,
        owns_base=owns_base,
        complete=complete,
        missing=() if complete else tuple(sorted(wanted - opened.keys())),
        inline=tuple(inline_paths(folder)),
    )


def _all_opened(paths: list[str], base: Btf) -> Iterator[Btf | BtfError | OSError]:
    opened = partial(_opened, base=base)
    if not any(path.endswith(_COMPRESSED) for path in paths):
        # Opening an uncompressed module takes less time than a switch between threads.
        yield from map(opened, paths)
        return
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(opened, paths)


def _opened(path: str, base: Btf) -> Btf | BtfError | OSError:
    try:
        return open_btf(path, base=base)
    except (BtfError, OSError) as error:
        return error
