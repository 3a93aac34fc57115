"""Data sets that need no download: one module each."""

from . import digits, photos, shapes, toy2d

__all__ = ["digits", "photos", "shapes", "toy2d"]
