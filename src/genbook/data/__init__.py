"""Data sets that need no download: one module each."""

from . import digits

__all__ = ["digits"]
