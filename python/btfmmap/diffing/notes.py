"""In what kernels differ as a whole: architecture, pointer size, byte order, encoder."""

from __future__ import annotations

from .neighbours import is_split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NamedTuple

    from ..btf import Btf
    from ..kernels.identity import Identity
else:
    from ..named_tuples import NamedTuple

_SAMPLES = 256
_KINDS = ("FLOAT", "DECL_TAG", "TYPE_TAG", "ENUM64")  # as encoders learned them


class Facts(NamedTuple):
    """What a BTF says of its kernel.

    Attributes:
        pointer_size: The size of a pointer in bytes.
        byte_order: "little" or "big".
        modules: The number of modules.
        encoder: What the encoder that wrote the BTF does, and others do not.
    """

    pointer_size: int
    byte_order: str
    modules: int
    encoder: tuple[str, ...]


def facts_of(btf: Btf, modules: int) -> Facts:
    """Return what a kernel's BTF says of it, and that it has so many modules."""
    core = btf._core
    kinds, _, _ = core.summary(0)
    encoder = [kind for kind in _KINDS if kind in kinds]
    if core.header.get("layout_len"):
        encoder.append("layout section")
    if _is_sorted(btf):
        encoder.append("types sorted by name")
    return Facts(core.pointer_size, core.byte_order, modules, tuple(encoder))


def _is_sorted(btf: Btf) -> bool:
    core = btf._core
    step = max(core.rows // _SAMPLES, 1)
    names = [*filter(None, core.names([*range(core.first_id + 1, core.first_id + core.rows, step)]))]
    return len(names) > 1 and names == sorted(names)


def notes(identities: Sequence[Identity], facts: Sequence[Facts | None]) -> list[str]:
    """Return a sentence for each thing in which some kernels differ as a whole."""
    known = [(identity, each) for identity, each in zip(identities, facts, strict=True) if each is not None]
    architectures = [identity.arch or "unknown" for identity, _ in known]
    within = "; kernels are compared with the one before of the same architecture" * is_split(architectures)
    found = [
        _note("the architectures differ", architectures, within),
        _note("the sizes of pointers differ", [f"{each.pointer_size} bytes" for _, each in known]),
        _note("the byte orders differ", [each.byte_order for _, each in known]),
    ]
    encoders = {each.encoder for _, each in known}
    if len(encoders) > 1:
        common = set.intersection(*map(set, encoders))
        extra = dict.fromkeys(word for each in encoders for word in each if word not in common)
        found.append(
            f"the BTFs were made by different encoders, or versions of one (only some have: "
            f"{', '.join(extra)}). Because of that, functions may appear or vanish, and types may be spelled "
            "otherwise."
        )
    found.append(_note_on_modules(known))
    return [*filter(None, found)]


def _note_on_modules(known: Sequence[tuple[Identity, Facts]]) -> str:
    having = [f"{identity.name} has {each.modules:,}" for identity, each in known if each.modules]
    lacking = [identity.name for identity, each in known if not each.modules]
    if not having or not lacking:
        return ""
    return (
        f"some kernels were given without modules ({', '.join(lacking)}; {', '.join(having)}): "
        "what modules define is not in these"
    )


def _note(what: str, values: list[str], rest: str = "") -> str:
    distinct = [*dict.fromkeys(values)]
    return f"{what}: {', '.join(distinct)}{rest}" if len(distinct) > 1 else ""
