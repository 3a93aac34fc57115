"""Captioned shapes: a batch drawn and rendered, beside the same scenes drawn by Pillow.

Pillow has no anti-aliasing: the usual way is to draw at four or eight times the size and to shrink,
for 16 or 64 levels of coverage; ours is exact. It gets the scenes for nothing and has only to fill
their polygons, in C; the second row draws places and captions, too. 3,000 pictures a second are
85,000 µs for 256.
"""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.harness import Comparison, Peer, Work, compare
from genbook.data import shapes
from genbook.data.shapes.outlines import LOOPS

PICTURES = 256


def corners(scenes: shapes.Scenes) -> list[list[tuple[tuple[int, ...], list[float]]]]:
    """For each picture its loops: colour, of the background for a hole, and corners."""
    result: list[list[tuple[tuple[int, ...], list[float]]]] = []
    names, back = tuple(shapes.COLOURS.values()), shapes.BACKGROUND
    for i in range(len(scenes.kind)):
        loops: list[tuple[tuple[int, ...], list[float]]] = []
        for s in range(3):
            if scenes.kind[i, s] < 0:
                continue
            angle, radius = float(scenes.tilt[i, s]), float(scenes.radius[i, s])
            turn = radius * np.array(
                [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
            )
            for j, loop in enumerate(LOOPS[shapes.KINDS[scenes.kind[i, s]]]):
                points = loop @ turn + scenes.middle[i, s].numpy()
                loops.append((back if j else names[scenes.colour[i, s]], points.ravel().tolist()))
        result.append(loops)
    return result


def pillow(scenes: shapes.Scenes, fine: int) -> Work:
    """The scenes drawn at so many times the size, and shrunk."""
    from PIL import Image, ImageDraw

    pictures = corners(scenes)

    def render() -> torch.Tensor:
        batch = np.empty((len(pictures), 32, 32, 3), np.uint8)
        for i, loops in enumerate(pictures):
            image = Image.new("RGB", (32 * fine, 32 * fine), shapes.BACKGROUND)
            draw = ImageDraw.Draw(image)
            for colour, points in loops:
                draw.polygon([fine * v for v in points], fill=colour)
            batch[i] = np.asarray(image.reduce(fine))
        return torch.from_numpy(batch).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)

    apart = (render() - shapes.render(scenes)).abs().mean()
    assert apart < 0.01, f"not the same pictures: {apart:.3f}"
    return render


def run() -> list[Comparison]:
    generator = torch.Generator().manual_seed(0)
    scenes = shapes.draw(PICTURES, generator).scenes
    rendered = compare(
        f"shapes: {PICTURES} scenes rendered",
        lambda: shapes.render(scenes),
        {
            "Pillow, 4×4": Peer(1.5, lambda: pillow(scenes, 4)),
            "Pillow, 8×8": Peer(1.0, lambda: pillow(scenes, 8)),
        },
        rounds=9,
    )
    drawn = compare(
        f"shapes: {PICTURES} captioned pictures",
        lambda: shapes.draw(PICTURES, generator),
        {"Pillow, 8×8, scenes given": Peer(2.0, lambda: pillow(scenes, 8))},
        rounds=9,
    )
    return rendered + drawn
