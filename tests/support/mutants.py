"""Mutants of a file: a seed and a number always give the same one."""

from __future__ import annotations

import random

# Values that break readers: ends of ranges, off by one, signs.
_WORDS = (0, 1, 2, 3, 4, 23, 24, 25, 32, 0x7FFFFFFF, 0x80000000, 0xFFFFFF, 0x1000000, 0xFFFFFFFF, 0xFFFFFFFE)


def mutant(content: bytes, source: random.Random, header: float = 0.2) -> bytes:
    """Change `content` in a few places, each with the chance `header` of being within the first 32 bytes."""
    changed = bytearray(content)
    for _ in range(source.choice((1, 1, 1, 2, 3, 6))):
        end = min(32, len(changed)) if source.random() < header else len(changed)
        if end:
            _change(changed, source, source.randrange(end))
    return bytes(changed)


def _change(content: bytearray, source: random.Random, at: int) -> None:
    kind = source.randrange(10)
    if kind == 0:
        content[at] ^= 1 << source.randrange(8)
    elif kind == 1:
        content[at] = source.randrange(256)
    elif kind == 2:
        del content[at:]
    elif kind == 3:
        del content[at : at + 4 * source.randrange(1, 8)]
    elif kind == 4:
        content[at:at] = source.randbytes(4 * source.randrange(1, 8))
    elif kind == 5:
        start = source.randrange(len(content))
        content[at : at + 12] = content[start : start + 12]
    else:  # a whole word, as numbers and references are
        at &= ~3
        word = source.choice(
            (source.choice(_WORDS), source.randrange(256), source.randrange(256) << 24 | source.randrange(4))
        )
        content[at : at + 4] = word.to_bytes(4, source.choice(("little", "big")))
