"""Pictures of types, kernels and results, with matplotlib.

Each function takes `ax`, the matplotlib axes to draw into, and returns it. Without it, a figure of a
suitable size is made: one of pyplot's if `matplotlib.pyplot` has been imported, so that notebooks show it,
and otherwise a `matplotlib.figure.Figure`, which `ax.figure.savefig` writes. A function named `_data` returns
what its picture shows, as arrays, and needs no matplotlib. The extra `btfmmap[plot]` installs matplotlib.

Colours can be told apart with colour vision deficiencies, and nothing is said by colour alone. Letters
outside of ASCII are escaped in labels.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .histories import appearances, appearances_data
    from .kernel_matrix import KernelMatrix
    from .neighbours import Neighbourhood, neighbourhood, neighbourhood_data, neighbourhood_dot
    from .offsets import member_offsets, member_offsets_data
    from .statuses import relocations, relocations_data, verdicts, verdicts_data
    from .structs import struct_map, struct_map_data
    from .wasted import waste, waste_data

__all__ = [
    "KernelMatrix",
    "Neighbourhood",
    "appearances",
    "appearances_data",
    "member_offsets",
    "member_offsets_data",
    "neighbourhood",
    "neighbourhood_data",
    "neighbourhood_dot",
    "relocations",
    "relocations_data",
    "struct_map",
    "struct_map_data",
    "verdicts",
    "verdicts_data",
    "waste",
    "waste_data",
]

_LAZY = {
    "KernelMatrix": "kernel_matrix",
    "Neighbourhood": "neighbours",
    "appearances": "histories",
    "appearances_data": "histories",
    "member_offsets": "offsets",
    "member_offsets_data": "offsets",
    "neighbourhood": "neighbours",
    "neighbourhood_data": "neighbours",
    "neighbourhood_dot": "neighbours",
    "relocations": "statuses",
    "relocations_data": "statuses",
    "struct_map": "structs",
    "struct_map_data": "structs",
    "verdicts": "statuses",
    "verdicts_data": "statuses",
    "waste": "wasted",
    "waste_data": "wasted",
}


def __getattr__(name: str) -> object:
    if name in _LAZY:
        module = __import__(f"{__name__}.{_LAZY[name]}", fromlist=[name])
        value = getattr(module, name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
