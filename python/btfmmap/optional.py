"""Packages that an extra of btfmmap installs."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def optional(module: str, extra: str) -> Any:
    """The imported module. Raises `NotSupportedError`, which names the extra, where it is not installed."""
    from importlib import import_module

    from .errors import NotSupportedError

    try:
        return import_module(module)
    except ImportError:
        package = module.partition(".")[0]
        raise NotSupportedError(f"takes the package {package}: pip install 'btfmmap[{extra}]'") from None
