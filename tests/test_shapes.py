"""Shapes: the rasteriser is exact, captions are true and clear, the stream is reproducible."""

from __future__ import annotations

import inspect
import itertools
import random

import numpy as np
import pytest
import shapely
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genbook import geometry
from genbook.data import shapes
from genbook.data.shapes import outlines, scenes, vocabulary

NAMES = tuple(shapes.COLOURS)

CAPTIONS_OF_SEED_0 = [
    "a yellow ring",
    "a green circle and a small red circle",
    "a small green circle",
]
MIDDLE_OF_SEED_0 = [14.767032, 16.776582]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def drawings() -> shapes.Drawings:
    return shapes.draw(3000, seeded(7), "all")


def things(scene: shapes.Scenes, i: int) -> list[int]:
    return [s for s in range(3) if scene.kind[i, s] >= 0]


# The rasteriser


def star_shaped(rng: np.random.Generator) -> np.ndarray:
    """A simple polygon around a random middle, partly outside, some of it on the grid's lines."""
    while True:
        angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 12)))
        radii = rng.uniform(0.5, 9, (len(angles), 1))
        corners = radii * np.stack([np.cos(angles), np.sin(angles)], 1) + rng.uniform(-3, 15, 2)
        if rng.random() < 0.3:
            corners = np.round(2 * corners) / 2
        if shapely.Polygon(corners).is_valid and shapely.Polygon(corners).area > 0:
            return corners[:: rng.choice([-1, 1])]


def test_coverage_and_outline_are_exact_beside_shapely():
    rng = np.random.default_rng(0)
    height, width = 9, 12
    boxes = np.array(
        [[shapely.box(j, i, j + 1, i + 1) for j in range(width)] for i in range(height)]
    )
    for _ in range(150):
        corners = star_shaped(rng)
        polygon = shapely.Polygon(corners)
        share = geometry.coverage(corners, height, width)
        np.testing.assert_allclose(share, shapely.area(polygon.intersection(boxes)), atol=1e-11)
        assert ((share >= 0) & (share <= 1)).all()
        if (2 * corners % 1).any():  # no edge along the grid: it would be two pixels' at once
            length = shapely.length(polygon.exterior.intersection(boxes))
            np.testing.assert_allclose(geometry.outline(corners, height, width), length, atol=1e-9)


def test_coverage_beside_supersampling():
    rng = np.random.default_rng(1)
    many = 64
    fine = (np.arange(9 * many) + 0.5) / many
    points = np.stack(np.meshgrid(fine, fine), -1)
    for _ in range(5):
        corners = star_shaped(rng)
        hits = geometry.point_in_polygon(points, corners)
        estimate = hits.reshape(9, many, 9, many).mean((1, 3))
        # A line through a pixel misses about one of the 64² points for each point of its length.
        np.testing.assert_allclose(geometry.coverage(corners, 9, 9), estimate, atol=4 / many)


def test_the_sum_is_the_area_and_the_circumference():
    for kind, number in zip(shapes.KINDS, range(6), strict=True):
        area, length = 0.0, 0.0
        for sign, loop in zip((1, -1), outlines.LOOPS[kind], strict=False):
            corners = 5.3 * loop + [15.2, 16.7]
            area += sign * geometry.coverage(corners, 32, 32).sum()
            length += geometry.outline(corners, 32, 32).sum()
        assert area == pytest.approx(5.3**2 * outlines.AREA[number], rel=1e-12)
        sides = sum(shapely.Polygon(loop).length for loop in outlines.LOOPS[kind])
        assert length == pytest.approx(5.3 * sides, rel=1e-12)
    assert outlines.AREA[0] == pytest.approx(np.pi)
    assert outlines.AREA[4] == pytest.approx(np.pi * (1.08**2 - 0.52**2))


def test_coverage_takes_many_polygons_repeated_corners_and_refuses_the_rest():
    rng = np.random.default_rng(2)
    corners = rng.uniform(-2, 12, (3, 2, 3, 2))
    together = geometry.coverage(np.repeat(corners, 2, axis=-2), 7, 10)
    assert together.shape == (3, 2, 7, 10)
    for index in np.ndindex(3, 2):
        assert (together[index] == geometry.coverage(corners[index], 7, 10)).all()
    far = geometry.coverage([[50, 50], [60, 50], [60, 60]], 4, 4)
    assert (far == 0).all()
    huge = 1e9 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    np.testing.assert_allclose(geometry.coverage(huge, 3, 3), 1, atol=1e-6)
    with pytest.raises(ValueError, match="at least 3 corners"):
        geometry.coverage([[0, 0], [1, 1]], 4, 4)
    with pytest.raises(ValueError, match="NaN or infinity in polygons"):
        geometry.outline([[0, 0], [1, 1], [np.nan, 2]], 4, 4)
    with pytest.raises(ValueError, match="height and width must be at least 1"):
        geometry.coverage([[0, 0], [1, 1], [1, 0]], 0, 4)


# The grammar


def test_the_captions_are_counted():
    """By hand: 36 pairs, 3 ways to say a size, 10 endings; and so on."""
    assert shapes.count(1) == 36 * 3 * 10
    assert shapes.count(2) == 36 * 35 * 9 * 5
    assert shapes.count(3) == 36 * 35 * 34 * 20 * 13
    assert shapes.count(1, "train") == 24 * 30
    assert shapes.count(2, "held-out") == 12 * 11 * 45
    assert len(set(map(str, shapes.every(1)))) == shapes.count(1)


def test_every_caption_of_one_and_two_shapes_is_parsed_back():
    seen = set()
    for caption in itertools.chain(shapes.every(1), shapes.every(2)):
        text = str(caption)
        # Past the cache of texts, which makes a second reading cheap.
        assert shapes.captions._parse.__wrapped__(text) == caption
        seen.add(text)
    assert len(seen) == shapes.count(1) + shapes.count(2)


def test_captions_of_three_shapes_are_parsed_back():
    total = shapes.count(3)
    chosen = {0, total - 1, *random.Random(0).sample(range(total), 5000)}
    texts = set()
    for index in chosen:
        caption = shapes.nth(index, 3)
        assert shapes.parse(str(caption)) == caption
        texts.add(str(caption))
    assert len(texts) == len(chosen)
    with pytest.raises(IndexError, match=f"no number {total}"):
        shapes.nth(total, 3)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a red dog", "is no caption of this grammar"),
        ("red star", "is no caption"),
        ("a red star left of", "is no caption"),
        ("a red star and a blue ring and a green cross", "is no caption"),
        ("a red star and a blue ring and above a green cross", "is no caption"),
        ("a red star at the top and a blue ring", "is no caption"),
        ("a red star and a large red star", "the same colour and kind"),
        ("a large red star, a large blue ring and a green cross", "at most one can be large"),
        ("a red star left of a blue ring and right of a green cross", "never between"),
    ],
)
def test_what_is_no_caption_is_refused(text, complaint):
    with pytest.raises(ValueError, match=complaint):
        shapes.parse(text)


def test_captions_are_tidied_and_checked():
    assert shapes.parse("  a red   star ") == shapes.Caption((shapes.Thing("red", "star"),))
    with pytest.raises(TypeError, match="a caption is a str"):
        shapes.parse(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"kind must be one of circle, .*, not 'dog'"):
        shapes.Thing("red", "dog")
    star, ring = shapes.Thing("red", "star"), shapes.Thing("blue", "ring")
    with pytest.raises(ValueError, match="only the caption of a single thing"):
        shapes.Caption((star, ring), place="at the top")
    with pytest.raises(ValueError, match="no relations, or one for each"):
        shapes.Caption((star, ring), relations=("above", "below"))
    with pytest.raises(ValueError, match="1 to 3 things, not 0"):
        shapes.Caption(())
    with pytest.raises(ValueError, match="shapes must be 1 to 3, got 4"):
        shapes.count(4)


# Scenes and their captions


def test_every_caption_is_true_of_its_scene_and_clearly_so(drawings):
    """All that a caption says, derived again from numbers of the scene, by other code."""
    relations = 0
    for i, text in enumerate(drawings.captions):
        scene = drawings.scenes
        caption = shapes.parse(text)
        assert str(caption) == text
        assert len(caption.things) == len(things(scene, i))
        for s, thing in enumerate(caption.things):
            assert thing.kind == shapes.KINDS[scene.kind[i, s]]
            assert thing.colour == NAMES[scene.colour[i, s]]
            radius = float(scene.radius[i, s])
            assert 3.3 <= radius <= 4.1 or 5.2 <= radius <= 6.2
            assert thing.size in (None, "small" if radius < 4.65 else "large")
        x, y = scene.middle[i].T.tolist()
        for s, relation in enumerate(caption.relations, 1):
            ahead = {
                "left of": x[s] - x[0],
                "right of": x[0] - x[s],
                "above": y[s] - y[0],
                "below": y[0] - y[s],
            }
            across = abs(y[s] - y[0]) if relation.endswith("of") else abs(x[s] - x[0])
            assert ahead[relation] >= across + 3
            relations += 1
        if caption.place:
            words = caption.place.removeprefix("at the ").split()
            for value, low, high in ((x[0], "left", "right"), (y[0], "top", "bottom")):
                if low in words:
                    assert value <= 16 - 4.5
                elif high in words:
                    assert value >= 16 + 4.5
                else:
                    assert abs(value - 16) <= 2
    assert relations > 1000


def test_no_shape_leaves_the_picture_or_touches_another(drawings):
    masks = shapes.masks(drawings.scenes)
    assert (masks >= 0).all() and (masks <= 1).all()
    for border in (masks[..., 0, :], masks[..., -1, :], masks[..., 0], masks[..., -1]):
        assert (border == 0).all()
    # Each pixel, and each 2 × 2 block of pixels, sees at most one shape ...
    assert ((masks > 0).sum(1) <= 1).all()
    # ... and each mask is all there: its sum is the area.
    area = torch.from_numpy(outlines.AREA)[drawings.scenes.kind] * drawings.scenes.radius**2
    there = drawings.scenes.kind >= 0
    torch.testing.assert_close(masks.double().sum((2, 3))[there], area[there], rtol=1e-5, atol=0)
    assert (masks.sum((2, 3))[~there] == 0).all()


def test_pictures_are_colour_times_mask(drawings):
    masks, (back, colours) = shapes.masks(drawings.scenes), shapes.palette()
    images = drawings.images
    assert images.dtype == torch.float32 and images.min() >= -1 and images.max() <= 1
    for s in range(3):
        full = masks[:, s] == 1
        pixels = images.permute(0, 2, 3, 1)[full]
        wanted = colours[drawings.scenes.colour[:, s]][:, None, None].expand(-1, 32, 32, 3)[full]
        torch.testing.assert_close(pixels, wanted)
    empty = masks.sum(1) == 0
    assert (images.permute(0, 2, 3, 1)[empty] == back).all()


def test_edges_lie_where_masks_change(drawings):
    """The gradient of an exact mask is the outline, spread over the neighbours."""
    scene = drawings.scenes.select(slice(300))
    edges, masks = shapes.edges(scene), shapes.masks(scene).sum(1, keepdim=True)
    assert edges.shape == masks.shape and edges.min() >= 0 and edges.max() <= 1
    partial = (masks > 0) & (masks < 1)
    assert (edges[partial] > 0).all()
    dilated = torch.nn.functional.max_pool2d(partial.float(), 3, 1, 1) > 0
    assert (dilated[edges > 0]).all()
    # A planted fault, one pixel to the right, is noticed.
    assert not (edges.roll(1, -1)[partial] > 0).all()


def test_key_points_lie_on_the_shapes(drawings):
    scene = drawings.scenes.select(slice(500))
    points, present = shapes.key_points(scene)
    assert points.shape == (500, 3, 6, 2) and present.shape == (500, 3, 6)
    tips = {"circle": 4, "square": 4, "triangle": 3, "star": 5, "ring": 4, "cross": 4}
    for i, s in (scene.kind >= 0).nonzero().tolist():
        kind = shapes.KINDS[scene.kind[i, s]]
        assert present[i, s].sum() == tips[kind] + 1
        torch.testing.assert_close(points[i, s, 0].double(), scene.middle[i, s], atol=1e-5, rtol=0)
        own = points[i, s][present[i, s]]
        assert (own >= 1 - 1e-4).all() and (own <= 31 + 1e-4).all()
        mask = shapes.masks(scene.select([i]))[0, s].double()
        # The mean of the tips is the middle; so is the mask's centroid, but for the pixels' size.
        torch.testing.assert_close(own[1:].mean(0), own[0], atol=1e-4, rtol=0)
        grid = torch.arange(32) + 0.5
        centroid = torch.stack([(mask.sum(0) * grid).sum(), (mask.sum(1) * grid).sum()])
        torch.testing.assert_close(centroid / mask.sum(), scene.middle[i, s], atol=0.02, rtol=0)
    assert (points[~present] == 0).all()


def test_the_triangle_points_up():
    (image,) = shapes.illustrate(["a large white triangle in the middle"], seeded()).images
    rows = (image[0] > 0.5).sum(1)
    used = rows.nonzero().flatten()
    assert rows[used[1]] < rows[used[-2]]


def test_a_larger_picture_is_the_same_picture(drawings):
    scene = drawings.scenes.select(slice(20))
    large = shapes.render(scene, side=128)
    small = torch.nn.functional.avg_pool2d(large, 4)
    torch.testing.assert_close(small, drawings.images[:20], atol=1e-5, rtol=0)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3), st.integers(0, 10**9), st.integers(0, 10**6))
def test_any_caption_can_be_illustrated(many, index, seed):
    caption = shapes.nth(index % shapes.count(many), many)
    images, captions, scene = shapes.illustrate([caption] * 3, seeded(seed))
    assert captions == [str(caption)] * 3
    assert (scene.said.sum(1) == sum(t.size is not None for t in caption.things)).all()
    assert all(verdict.holds for verdict in shapes.read(images, captions))


def test_the_tightest_captions_have_room():
    """Two large triangles in relation, and three shapes with all twelve pairs of relations."""
    texts = [f"a large red triangle {r} a large blue triangle" for r in shapes.RELATIONS]
    for pair in itertools.product(shapes.RELATIONS, repeat=2):
        text = "a large red triangle {} a small blue triangle and {} a small green triangle"
        try:
            shapes.parse(text.format(*pair))
        except ValueError:
            continue
        texts.append(text.format(*pair))
    assert len(texts) == 4 + 12
    verdicts = shapes.read(*shapes.illustrate(texts * 20, seeded())[:2])
    assert all(verdict.holds for verdict in verdicts)


def test_sizes_unsaid_are_drawn_both_ways():
    scene = shapes.illustrate(
        ["a red star"] * 400 + ["a red star and a blue ring"] * 400, seeded()
    )[2]
    share = scene.size[scene.kind >= 0].double().mean()
    assert abs(share - 0.5) < 4 * 0.5 / 1200**0.5


# Splits, seeds, streams


def test_the_splits_share_no_combination():
    train, held = set(shapes.pairs("train")), set(shapes.pairs("held-out"))
    assert len(train) == 24 and len(held) == 12 and not train & held
    assert train | held == set(shapes.pairs("all"))
    for i, words in ((0, NAMES), (1, shapes.KINDS)):
        for word in words:
            assert sum(pair[i] == word for pair in train) == 4
            assert sum(pair[i] == word for pair in held) == 2
    for split, allowed in (("train", train), ("held-out", held)):
        scene = shapes.draw(2000, seeded(), split).scenes
        seen = {
            (NAMES[c], shapes.KINDS[k])
            for c, k in zip(scene.colour.flatten(), scene.kind.flatten(), strict=True)
            if k >= 0
        }
        assert seen == allowed


def test_all_words_are_used_evenly():
    n = 6000
    scene = shapes.draw(n, seeded(3), "train").scenes
    many = (scene.kind >= 0).sum(1)
    for value, name in ((1, "one"), (2, "two"), (3, "three")):
        assert abs((many == value).double().mean() - 1 / 3) < 4 * (2 / 9 / n) ** 0.5, name
    for field, words in ((scene.kind, 6), (scene.colour, 6)):
        counts = torch.bincount(field[field >= 0], minlength=words).double()
        # Shapes of a picture differ, so counts vary less than independent ones would.
        assert (counts / counts.sum() - 1 / words).abs().max() < 4 * (5 / 36 / counts.sum()) ** 0.5
    places = torch.bincount(scene.place[scene.place >= 0], minlength=9)
    assert (places - n / 54).abs().max() < 4.5 * (n / 54) ** 0.5
    one = scene.relation[many == 2, 0]
    counts = torch.bincount(one[one >= 0], minlength=4)
    assert (counts - n / 16).abs().max() < 4.5 * (n / 16) ** 0.5
    chosen = scene.relation[many == 3]
    pairs = torch.bincount((4 * chosen[:, 0] + chosen[:, 1])[chosen[:, 0] >= 0], minlength=16)
    assert (pairs > 0).sum() == 12
    assert (pairs[pairs > 0] - n / 72).abs().max() < 4.5 * (n / 72) ** 0.5


def test_a_picture_does_not_depend_on_the_batch():
    whole = shapes.draw(600, seeded(1))
    generator = seeded(1)
    parts = [shapes.draw(n, generator) for n in (1, 0, 2, 255, 257, 85)]
    assert torch.equal(whole.images, torch.cat([part.images for part in parts]))
    assert whole.captions == [text for part in parts for text in part.captions]
    for one, field in zip(whole.scenes, zip(*(p.scenes for p in parts), strict=True), strict=True):
        assert torch.equal(one, torch.cat(field))
    stream = shapes.stream(200, seeded(1))
    assert torch.equal(whole.images, torch.cat([next(stream).images for _ in range(3)]))


def test_seeds_matter_and_the_global_one_does_not():
    before = torch.get_rng_state()
    first = shapes.draw(50, seeded(1)).images
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    assert torch.equal(first, shapes.draw(50, seeded(1)).images)
    other = shapes.draw(50, seeded(2)).images
    assert not torch.equal(first, other)
    both = torch.cat([first, other]).flatten(1)
    assert len(both.unique(dim=0)) == 100


def test_the_first_picture_of_seed_0_is_the_one_of_the_book():
    """Cards and stored outputs rely on it."""
    _, captions, scene = shapes.draw(3, seeded(0))
    assert captions == CAPTIONS_OF_SEED_0
    assert scene.middle[0, 0].tolist() == pytest.approx(MIDDLE_OF_SEED_0)


def test_uniform_numbers_are_uniform_and_independent():
    seeds = scenes.draw_seeds(4000, seeded())
    u = scenes.uniforms(seeds, 0, 50)
    assert u.min() >= 0 and u.max() < 1
    assert abs(u.mean() - 0.5) < 4 * (1 / 12 / u.size) ** 0.5
    assert abs(u.var() - 1 / 12) < 4 * (1 / 180 / u.size) ** 0.5
    correlation = np.corrcoef(u.T) - np.eye(50)
    assert np.abs(correlation).max() < 5 / 4000**0.5
    assert (scenes.uniforms(seeds, 7, 5) == u[:, 7:12]).all()
    # The generator of Steele, Lea and Flood itself: the first three outputs of seed 1234567.
    known = np.array([6457827717110365317, 3203168211198807973, 9817491932198370423], np.uint64)
    first = scenes.uniforms(np.array([1234567], np.uint64), 0, 3)[0]
    assert (first == (known >> np.uint64(11)) * 2.0**-53).all()


def test_what_cannot_be_drawn_is_said(generator):
    with pytest.raises(ValueError, match="n must not be negative"):
        shapes.draw(-1, generator)
    with pytest.raises(TypeError, match=r"must be a torch\.Generator, not int"):
        shapes.draw(1, 0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="split must be one of"):
        shapes.draw(1, generator, "test")  # type: ignore[arg-type]
    for wrong in (0, 4, (), (1, 5)):
        with pytest.raises(ValueError, match="shapes must be one or several of 1 to 3"):
            shapes.draw(1, generator, shapes=wrong)
    with pytest.raises(TypeError, match="not one text"):
        shapes.illustrate("a red star", generator)
    with pytest.raises(ValueError, match="batch must be at least 1"):
        shapes.stream(0, generator)
    with pytest.raises(ValueError, match="side must be at least 1"):
        shapes.render(shapes.draw(1, generator).scenes, side=0)
    images, captions, scene = shapes.draw(0, generator)
    assert images.shape == (0, *shapes.SHAPE) and captions == [] == scene.captions()


# The colours


# Full dichromacy on linear RGB (Machado, Oliveira and Fernandes 2009, severity 1).
EYES = {
    "all cones": np.eye(3),
    "no red cones": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no green cones": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "no blue cones": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def lab(linear: np.ndarray) -> np.ndarray:
    """CIELAB of linear sRGB, D65."""
    matrix = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = matrix @ np.clip(linear, 0, 1) / matrix.sum(1)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("eyes", EYES)
def test_the_colours_can_be_told_apart(eyes):
    colours = np.array([shapes.BACKGROUND, *shapes.COLOURS.values()]) / 255
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    seen = [lab(np.array(EYES[eyes]) @ c) for c in linear]
    apart = {
        (i, j): np.linalg.norm(seen[i] - seen[j]) for i, j in itertools.combinations(range(7), 2)
    }
    assert min(apart.values()) > 18  # 2.3 is just noticeable
    light = linear @ [0.2126, 0.7152, 0.0722]
    assert (light[1:] + 0.05).min() / (light[0] + 0.05) > 3  # WCAG's contrast for graphics


def test_every_public_function_is_documented():
    for name in shapes.__all__:
        thing = getattr(shapes, name)
        if inspect.isfunction(thing) or (inspect.isclass(thing) and name != "Split"):
            assert thing.__doc__ and len(thing.__doc__) > 40, name
    assert vocabulary.GAP > 2**0.5  # a pixel's diagonal: no pixel sees two shapes
