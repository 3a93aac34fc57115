"""Grids of images. Everywhere an image has values in [−1, 1] and shape (C, H, W), C = 1 or 3."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genbook.plots.narrow import WIDTH
from genbook.plots.style import INK, figure

__all__ = ["digits_row", "film", "images", "mosaic"]

_WIDEST = 6.8  # inches
_TITLE = 0.22  # inches
_GAP = 0.08  # inches between rows without titles
_LETTER = 0.09  # inches at most, of 9 points
_SMALLEST = 0.6  # inches of an image on a phone, where there are words to be read


def mosaic(x: Any, columns: int | None = None, gap: int = 1) -> np.ndarray:
    """A batch (N, C, H, W) in [−1, 1] as one picture of tiles, uint8 (H', W') or (H', W', 3).

    Tiles are ``gap`` white pixels apart. Values outside [−1, 1] are clipped: an x_t is no image
    yet.

    Raises:
        ValueError: another shape, or a NaN.
    """
    batch = _batch(x)
    n, _, height, width = batch.shape
    columns = columns or min(n, 10)
    rows = -(-n // columns)
    sheet = np.ones((rows * (height + gap) - gap, columns * (width + gap) - gap, batch.shape[1]))
    for i, image in enumerate(batch):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = image.transpose(1, 2, 0)
    pixels = np.rint((np.clip(sheet, -1, 1) + 1) * 127.5).astype(np.uint8)
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels


def images(
    x: Any,
    columns: int | None = None,
    titles: Sequence[Any] | None = None,
    size: float | None = None,
) -> Figure:
    """A grid of images (N, C, H, W) in [−1, 1], as a figure.

    ``titles`` has one entry an image, or one a column. ``size`` is the width of an image in inches;
    by default the grid fills 6.8 inches, an image at most 0.8.
    """
    batch = _batch(x)
    n = batch.shape[0]
    columns = columns or min(n, 10)
    words = [str(title.item() if hasattr(title, "item") else title) for title in titles or []]
    if words and len(words) not in (n, columns):
        raise ValueError(f"{len(words)} titles for {n} images in {columns} columns")
    size = size or min(0.8, _WIDEST / columns)
    rows = [_Row(batch[i : i + columns], words[i : i + columns]) for i in range(0, n, columns)]
    sheet = _sheet(rows, columns, size)
    sheet.narrow = partial(_narrow, sheet, rows, columns)  # type: ignore[attr-defined]
    return sheet


class _Row(NamedTuple):
    """Images side by side, their titles, and a name for all of them."""

    tiles: np.ndarray
    titles: list[str]
    name: str = ""


def _sheet(rows: Sequence[_Row], columns: int, size: float) -> Figure:
    """Rows of images ``size`` inches wide, one below the other, on a figure without margins."""
    tall = size * rows[0].tiles.shape[2] / rows[0].tiles.shape[3]
    lines = [bool(row.titles) + bool(row.name) for row in rows]
    spaces = [_TITLE * n if n else _GAP if i else 0.0 for i, n in enumerate(lines)]
    total = len(rows) * tall + sum(spaces)
    sheet = figure(columns * size, total)
    sheet.set_layout_engine("none")
    top = total
    for space, row in zip(spaces, rows, strict=True):
        top -= space
        for column, word in enumerate(row.titles):
            at = ((column + 0.5) / columns, (top + 0.06) / total)
            sheet.text(*at, word, ha="center", va="bottom", fontsize=9, color=INK)
        if row.name:
            at = (0.0, (top + 0.06 + _TITLE * bool(row.titles)) / total)
            sheet.text(*at, row.name, ha="left", va="bottom", fontsize=9, color=INK)
        top -= tall
        axes = sheet.add_axes((0.0, top / total, len(row.tiles) / columns, tall / total))
        axes.imshow(_on_glass(row.tiles), cmap="gray", vmin=0, vmax=255, aspect="auto")
        axes.set_axis_off()
    return sheet


def _narrow(sheet: Figure, rows: Sequence[_Row], columns: int) -> Figure | None:
    """The phone version of a sheet with words: its columns in blocks, one below the other."""
    titles = [title for row in rows for title in row.titles]
    if not titles and not any(axes.texts for axes in sheet.axes):
        return None  # pictures alone may be as small as the page makes them
    widest = _LETTER * max(map(len, titles), default=0)
    blocks = -(-columns // max(1, int(WIDTH / max(widest, _SMALLEST)))) if titles else 1
    each = -(-columns // blocks)
    parts = [
        _Row(row.tiles[start : start + each], row.titles[start : start + each], _words(axes))
        for start in range(0, columns, each)
        for row, axes in zip(rows, sheet.axes, strict=True)
        if len(row.tiles) > start
    ]
    return _sheet(parts, each, WIDTH / each)


def _words(axes: Axes) -> str:
    """What an author wrote beside a row."""
    return " ".join(text.get_text() for text in axes.texts)


def _on_glass(tiles: np.ndarray) -> np.ndarray:
    """A row of tiles as one picture whose gaps let the page shine through."""
    picture, gaps = mosaic(tiles, len(tiles)), mosaic(-np.ones_like(tiles), len(tiles)) > 0
    if picture.ndim == 2:
        return np.ma.masked_array(picture, gaps)
    alpha = np.where(gaps.any(2, keepdims=True), 0, 255).astype(np.uint8)
    return np.concatenate([picture, alpha], axis=2)


def digits_row(x: Any, labels: Sequence[Any] | None = None) -> Figure:
    """One row of images (N, C, H, W), with the labels above."""
    batch = _batch(x)
    words = None if labels is None else [str(int(v)) if hasattr(v, "item") else v for v in labels]
    return images(batch, columns=len(batch), titles=words)


def film(frames: Sequence[Any], titles: Sequence[Any]) -> Figure:
    """The same images at several times: a row an image, a column a time, the titles above.

    ``frames`` are batches (N, C, H, W) of one shape, ``titles`` one word for each.
    """
    stack = np.stack([_batch(frame) for frame in frames], axis=1)
    return images(stack.reshape(-1, *stack.shape[2:]), columns=len(frames), titles=titles)


def _batch(x: Any) -> np.ndarray:
    values = x.detach().cpu().float().numpy() if isinstance(x, torch.Tensor) else np.asarray(x)
    if values.ndim != 4 or values.shape[1] not in (1, 3) or values.shape[0] == 0:
        raise ValueError(f"images need the shape (N, 1 or 3, H, W), not {values.shape}")
    if np.isnan(values).any():
        raise ValueError("the images contain NaN")
    return values
