"""Grids of images. Everywhere an image has values in [−1, 1] and shape (C, H, W), C = 1 or 3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from genbook.plots.style import INK, figure

__all__ = ["digits_row", "film", "images", "mosaic"]

_WIDEST = 6.8  # inches
_TITLE = 0.22  # inches
_GAP = 0.08  # inches between rows without titles


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
    rows = -(-n // columns)
    words = [str(title.item() if hasattr(title, "item") else title) for title in titles or []]
    if words and len(words) not in (n, columns):
        raise ValueError(f"{len(words)} titles for {n} images in {columns} columns")
    size = size or min(0.8, _WIDEST / columns)
    tall = size * batch.shape[2] / batch.shape[3]
    titled_rows = -(-len(words) // columns)
    total = rows * tall + titled_rows * _TITLE + (rows - max(titled_rows, 1)) * _GAP
    sheet = figure(columns * size, total)
    sheet.set_layout_engine("none")
    top = total
    for row in range(rows):
        if row < titled_rows:
            top -= _TITLE
            for column, word in enumerate(words[row * columns : (row + 1) * columns]):
                at = ((column + 0.5) / columns, (top + 0.06) / total)
                sheet.text(*at, word, ha="center", va="bottom", fontsize=9, color=INK)
        elif row:
            top -= _GAP
        top -= tall
        tiles = batch[row * columns : (row + 1) * columns]
        box = (0.0, top / total, len(tiles) / columns, tall / total)
        axes = sheet.add_axes(box)
        axes.imshow(mosaic(tiles, len(tiles)), cmap="gray", vmin=0, vmax=255, aspect="auto")
        axes.set_axis_off()
    return sheet


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
