"""The API's types, for mypy and basedpyright in `make lint`. This file is not run."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from typing_extensions import assert_type

import btfmmap
from btfmmap import Kind
from btfmmap.checking.result import CheckedRelocations
from btfmmap.layouts import Layouts
from btfmmap.tables import Enumerators, Members, Types
from btfmmap.types import Enumerator, Member, NamedItems, Param

btf = btfmmap.open()
kernel = btfmmap.open_kernel()

# A selection of rows is a table of the same class.
assert_type(btf.types[btf.types.kind == Kind.STRUCT], Types)
assert_type(btf.members[btf.members.bitfield_size != 0], Members)
assert_type(btf.enumerators[~btf.enumerators.signed], Enumerators)
assert_type(kernel.types[kernel.types.module == 0], Types)
assert_type(btf.layouts[btf.layouts.holes > 2], Layouts)
assert_type(btf.types[np.argsort(btf.types.vlen)[-3:]], Types)
assert_type(btf.types[[1, 2]], Types)
assert_type(btf.types[2:], Types)
assert_type(btf.types[0], dict[str, Any])

# Objects on kernels.
result = btfmmap.check("prog.bpf.o", btf, programs="*")
assert_type(result, btfmmap.CheckResult)
assert_type(result.relocations[result.broken], CheckedRelocations)
assert_type(result.problems()[0].places[0], btfmmap.Place)
assert_type(result.verdict, npt.NDArray[np.uint8])

# Ids and texts.
assert_type(btf.lookup(["int"]), npt.NDArray[np.int64])
assert_type(btf.resolve(btf.members.type), npt.NDArray[np.int64])
assert_type(btf.find_all("int"), list[int])
assert_type(btf.names(btf.types.id), list[str])

# Items by number and name.
found = btfmmap.Type(btf, 1)
assert_type(found.members, NamedItems[Member])
assert_type(found.members["pid"], Member)
assert_type(found.params[0], Param)
assert_type(found.enumerators[1:], tuple[Enumerator, ...])
assert_type(btf.find_member("task_struct.pid"), btfmmap.Field | None)
by_column: btfmmap.Type = btf[btf.types.id[3]]
