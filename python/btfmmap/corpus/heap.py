"""Keeps the heap of a long build small."""

from __future__ import annotations


def trim() -> None:
    """Return free pages of the heap to the system, if the C library can: glibc.

    Each kernel has blocks of megabytes, and leaves small ones that stay between them. Without this, glibc's
    heap grows to several times what is in use.

    Example:
        >>> from btfmmap.corpus.heap import trim
        >>> trim()
    """
    try:
        import ctypes

        function = ctypes.CDLL(None).malloc_trim
    except (ImportError, OSError, AttributeError, TypeError):  # another C library
        return
    function.argtypes = [ctypes.c_size_t]
    function(0)
