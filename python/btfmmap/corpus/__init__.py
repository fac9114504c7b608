"""A corpus: many kernels in Parquet files, each definition stored once.

`build` adds kernels, and `open` returns a `Corpus`, which answers questions about them. Needs the extra
`corpus` (pyarrow); URLs need the extra `fsspec`.

- `content.py` reads one input and `segments.py` several, whose types `collecting.py` numbers; `building.py`
  merges them in batches; `parts.py` makes the files of a batch.
- `schema.py` has the tables, `manifest.py` the list of the parts that count, `storage.py` the files.
- `words.py`, `names.py` and `lineage.py` convert between the core's catalog and the tables; `restoring.py`
  makes a `Btf`.
- `files.py` reads parts of tables, and `questions.py` answers questions with it.
- `maintenance.py` verifies and compacts.
"""

from __future__ import annotations

from .building import Built, build, find_inputs
from .maintenance import Verified, compact, verify
from .opened import Corpus, CorpusInput, open  # noqa: A004 (named like `btfmmap.open`)
from .schema import TABLES, VERSION

__all__ = [
    "TABLES",
    "VERSION",
    "Built",
    "Corpus",
    "CorpusInput",
    "Verified",
    "build",
    "compact",
    "find_inputs",
    "open",
    "verify",
]
