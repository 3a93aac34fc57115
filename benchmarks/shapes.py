"""Captioned shapes: a batch drawn and rendered, beside the same scenes drawn by Pillow.

Pillow has no anti-aliasing: the usual way is to draw at four times the size and to shrink. It gets
the scenes for nothing, and has only to fill their polygons; we draw places and captions, too. Each
needs less than 333 µs a picture, if 3,000 are to be had in a second.
"""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image, ImageDraw

from benchmarks.harness import Comparison, compare
from genbook.data import shapes
from genbook.data.shapes.outlines import LOOPS

PICTURES, FINE = 256, 4


def corners(scenes: shapes.Scenes) -> list[list[tuple[tuple[int, ...], list[float]]]]:
    """For each picture its loops: colour, of the background for a hole, and corners."""
    result = []
    names, back = tuple(shapes.COLOURS.values()), shapes.BACKGROUND
    for i in range(len(scenes.kind)):
        loops = []
        for s in range(3):
            if scenes.kind[i, s] < 0:
                continue
            angle, radius = float(scenes.tilt[i, s]), float(scenes.radius[i, s])
            turn = radius * np.array(
                [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
            )
            for j, loop in enumerate(LOOPS[shapes.KINDS[scenes.kind[i, s]]]):
                points = FINE * (loop @ turn + scenes.middle[i, s].numpy())
                loops.append((back if j else names[scenes.colour[i, s]], points.ravel().tolist()))
        result.append(loops)
    return result


def pillow(pictures: list[list[tuple[tuple[int, ...], list[float]]]]) -> torch.Tensor:
    batch = np.empty((len(pictures), 32, 32, 3), np.uint8)
    for i, loops in enumerate(pictures):
        image = Image.new("RGB", (32 * FINE, 32 * FINE), shapes.BACKGROUND)
        draw = ImageDraw.Draw(image)
        for colour, points in loops:
            draw.polygon(points, fill=colour)
        batch[i] = image.reduce(FINE)
    return torch.from_numpy(batch).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def run() -> list[Comparison]:
    generator = torch.Generator().manual_seed(0)
    scenes = shapes.draw(PICTURES, generator).scenes
    pictures = corners(scenes)
    apart = (pillow(pictures) - shapes.render(scenes)).abs().mean()
    assert apart < 0.01, f"not the same pictures: {apart:.3f}"
    rendered = compare(
        f"shapes: {PICTURES} scenes rendered",
        lambda: shapes.render(scenes),
        {f"Pillow, {FINE}×{FINE}": (lambda: pillow(pictures), 1.0)},
        rounds=9,
    )
    drawn = compare(
        f"shapes: {PICTURES} captioned pictures",
        lambda: shapes.draw(PICTURES, generator),
        {f"Pillow, {FINE}×{FINE}, scenes given": (lambda: pillow(pictures), 2.0)},
        rounds=9,
    )
    return rendered + drawn
