"""Data sets that need no download: one module each."""

from __future__ import annotations

from genbook.data import digits, photos, shapes, toy2d

__all__ = ["digits", "photos", "shapes", "toy2d"]
