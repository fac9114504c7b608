"""Imports packages that an extra of btfmmap installs."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def optional(module: str, extra: str) -> Any:
    """Import a module.

    Raises:
        NotSupportedError: The module is not installed. The message names the extra that installs it.
    """
    from importlib import import_module

    from .errors import NotSupportedError

    try:
        return import_module(module)
    except ImportError:
        package = module.partition(".")[0]
        raise NotSupportedError(f"needs the package {package}: pip install 'btfmmap[{extra}]'") from None
