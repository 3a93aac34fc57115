"""The reader sees what was drawn, also through noise, blur and JPEG, and not what was not."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from genbook import evaluation
from genbook.data import shapes

PICTURES = 1000


def blurred(x: Tensor, std: float) -> Tensor:
    """Gaussian blur, in pixels."""
    k = torch.exp(-(torch.arange(-4.0, 5.0) ** 2) / (2 * std**2))
    k = (k / k.sum()).outer(k / k.sum()).expand(3, 1, 9, 9)
    padded = torch.nn.functional.pad(x, (4, 4, 4, 4), mode="replicate")
    return torch.nn.functional.conv2d(padded, k, groups=3)


def compressed(x: Tensor, quality: int) -> Tensor:
    """Through a JPEG file and back, colours at half the resolution."""
    pictures = []
    for pixels in ((x.permute(0, 2, 3, 1) + 1) * 127.5).round().to(torch.uint8).numpy():
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "jpeg", quality=quality)
        pictures.append(np.asarray(Image.open(file)))
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1


def noisy(x: Tensor, std: float, generator: torch.Generator) -> Tensor:
    return x + std * torch.randn(x.shape, generator=generator)


def lower_bound(right: Tensor) -> float:
    """Wilson's 95 % bound on the share that is right; above 0.995 for 0 errors of 765."""
    n, p, z = len(right), right.mean().item(), 1.96
    spread = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n * n))
    return (p + z**2 / (2 * n) - spread) / (1 + z**2 / n)


@pytest.fixture(scope="module")
def held_out() -> shapes.Drawings:
    return shapes.draw(PICTURES, torch.Generator().manual_seed(2026), "held-out")


CORRUPTIONS = {
    "as drawn": lambda x, g: x,
    "noise 0.05": lambda x, g: noisy(x, 0.05, g),
    "noise 0.15": lambda x, g: noisy(x, 0.15, g),
    "blur 0.8": lambda x, g: blurred(x, 0.8),
    "JPEG 90": lambda x, g: compressed(x, 90),
    "faded": lambda x, g: 0.9 * x,
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_every_attribute_of_held_out_drawings_is_read(name, held_out, generator):
    images = CORRUPTIONS[name](held_out.images, generator)
    held = shapes.tally(shapes.read(images, held_out.captions))
    assert set(held) == {"count", "colour", "kind", "size", "place", "relation", "all"}
    for attribute, right in held.items():
        if len(right) >= 765:
            assert lower_bound(right) >= 0.995, (attribute, len(right))
        assert right.mean() >= 0.995, (attribute, len(right))


def test_free_reading_finds_every_shape_where_it_is(held_out):
    scenes = held_out.scenes
    names = tuple(shapes.COLOURS)
    for i, found in enumerate(shapes.see(held_out.images)):
        there = scenes.kind[i] >= 0
        assert len(found) == there.sum()
        drawn = {
            (shapes.KINDS[k], names[c], shapes.SIZES[s]): (middle, radius)
            for k, c, s, middle, radius in zip(
                *(f[i][there].tolist() for f in scenes[:5]), strict=True
            )
        }
        for shape in found:
            middle, radius = drawn.pop((shape.kind, shape.colour, shape.size))
            assert np.hypot(*np.subtract(shape.middle, middle)) < 0.1
            assert abs(shape.radius - radius) < 0.05
            assert shape.misfit < 0.02 and shape.tint < 0.01


def swapped(word: str, words: tuple[str, ...]) -> str:
    return words[(words.index(word) + 1) % len(words)]


@pytest.mark.parametrize("attribute", ["colour 1", "kind 1", "size 1", "place", "relation 2"])
def test_a_wrong_word_is_noticed_and_no_other(attribute, generator):
    """One word of the caption is replaced: exactly its attribute must fail."""
    related = attribute == "relation 2"
    images, captions, _ = shapes.draw(400, generator, "held-out", 2 if related else 1)
    checked = 0
    for image, text in zip(images, captions, strict=True):
        caption = shapes.parse(text)
        thing, *others = caption.things
        place, relations = caption.place, caption.relations
        if attribute == "colour 1":
            colour = swapped(thing.colour, tuple(shapes.COLOURS))
            thing = shapes.Thing(colour, thing.kind, thing.size)
        elif attribute == "kind 1":
            thing = shapes.Thing(thing.colour, swapped(thing.kind, shapes.KINDS), thing.size)
        elif attribute == "size 1" and thing.size:
            thing = shapes.Thing(thing.colour, thing.kind, swapped(thing.size, shapes.SIZES))
        elif attribute == "place" and place:
            place = swapped(place, shapes.PLACES)
        elif relations:
            relations = (swapped(relations[0], shapes.RELATIONS),)
        else:
            continue
        wrong = shapes.Caption((thing, *others), place, relations)
        (verdict,) = shapes.read(image[None], [wrong])
        assert not verdict.holds
        assert [name for name, held in verdict.attributes.items() if not held] == [attribute]
        checked += 1
    assert checked > 100


def test_one_shape_too_many_or_too_few_is_counted(generator):
    images, captions, _ = shapes.draw(50, generator, shapes=2)
    first = [str(shapes.Caption(shapes.parse(c).things[:1])) for c in captions]
    for verdict in shapes.read(images, first):
        assert verdict.attributes.pop("count") is False
        assert all(verdict.attributes.values())
    blank = shapes.palette()[0].view(1, 3, 1, 1).expand(50, 3, 32, 32)
    for verdict in shapes.read(blank, captions):
        assert verdict.found == () and not any(verdict.attributes.values())


def test_noise_and_blank_pictures_hold_nothing(generator):
    """False alarms: shapes that are read, with kind and colour, where nothing was drawn."""

    def read(x: Tensor) -> int:
        return sum(bool(f.kind and f.colour) for found in shapes.see(x) for f in found)

    noise = torch.randn(300, 3, 32, 32, generator=generator)
    assert read(noise) == 0
    assert read(0.5 * noise) == 0
    assert read(2 * torch.rand(300, 3, 32, 32, generator=generator) - 1) == 0
    levels = torch.linspace(-1, 1, 41).view(-1, 1, 1, 1).expand(-1, 3, 32, 32)
    assert read(levels) == 0
    painted = shapes.palette()[1].view(6, 3, 1, 1).expand(6, 3, 32, 32)
    assert read(painted) == 0
    # Smooth noise has blobs, and a round blob of one colour is a small circle: it is read at times.
    assert read(3 * blurred(noise[:60], 1.5)) < 0.3 * 60


def test_foreign_drawings_are_read_or_refused():
    """A diamond, a half disc and an ellipse are none of the six; another program's disc is."""
    y, x = np.mgrid[0:32, 0:32] + 0.5 - 16
    discs = {
        "disc": np.clip(6 - np.hypot(x, y) + 0.5, 0, 1),
        "diamond": np.clip(7 - np.abs(x) - np.abs(y) + 0.5, 0, 1),
        "half": np.clip(7 - np.hypot(x, y) + 0.5, 0, 1) * (y > 0),
        "ellipse": np.clip(7 - np.hypot(x, 1.5 * y) + 0.5, 0, 1),
    }
    back, colours = shapes.palette()
    mask = torch.from_numpy(np.stack(list(discs.values()))).float()[:, None]
    images = back[:, None, None] + mask * (colours[0] - back)[:, None, None]
    kinds = [[f.kind for f in found] for found in shapes.see(images)]
    assert kinds == [["circle"], [None], [None], [None]]


def test_what_stands_on_its_head_is_refused(generator):
    images, _, scenes = shapes.draw(200, generator, shapes=1)
    for kind, (found,) in zip(scenes.kind[:, 0], shapes.see(images.flip(2)), strict=True):
        upside = shapes.KINDS[kind]
        assert found.kind == (None if upside in ("triangle", "star") else upside)


def test_shapes_that_touch_are_told_apart_by_colour():
    back, colours = shapes.palette()
    images = back[:, None, None].repeat(1, 32, 32)
    images[:, 10:20, 6:16] = colours[0][:, None, None]
    images[:, 10:20, 16:26] = colours[3][:, None, None]
    (found,) = shapes.see(images[None])
    assert {(f.kind, f.colour) for f in found} == {("square", "red"), ("square", "blue")}


def test_reading_does_not_depend_on_the_batch(held_out):
    images, captions = held_out.images[:40], held_out.captions[:40]
    together = shapes.read(images, captions)
    alone = [shapes.read(images[i : i + 1], captions[i : i + 1])[0] for i in range(40)]
    assert [v.attributes for v in together] == [v.attributes for v in alone]
    for one, other in zip(together, alone, strict=True):
        for f, g in zip(one.found, other.found, strict=True):
            assert (f.kind, f.colour, f.size) == (g.kind, g.colour, g.size)
            numbers = (f.radius, f.misfit, *f.middle), (g.radius, g.misfit, *g.middle)
            assert numbers[0] == pytest.approx(numbers[1], abs=1e-9)


def test_the_tally_goes_into_an_interval(held_out):
    held = shapes.tally(shapes.read(held_out.images[:50], held_out.captions[1:51]))
    interval = evaluation.bootstrap(torch.mean, held["kind"])
    assert 0 < interval.low < interval.value < interval.high < 1
    assert shapes.tally([]) == {}


def test_any_input_is_read_or_refused(held_out):
    captions = held_out.captions[:2]
    images = held_out.images[:2]
    assert shapes.read(images[:0], []) == [] and shapes.see(images[:0]) == []
    assert shapes.read(images.double() * 1e6, captions)[0].caption == shapes.parse(captions[0])
    with pytest.raises(ValueError, match=r"shape \(N, \(3, 32, 32\)\), not \(2, 3, 32, 31\)"):
        shapes.see(images[..., 1:])
    with pytest.raises(ValueError, match="not \\(3, 32, 32\\)"):
        shapes.see(images[0])
    with pytest.raises(ValueError, match="NaN or infinity"):
        shapes.see(images / 0)
    with pytest.raises(TypeError, match=r"not torch\.int64"):
        shapes.see(images.long())
    with pytest.raises(TypeError, match="not ndarray"):
        shapes.see(images.numpy())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="1 captions for 2 images"):
        shapes.read(images, captions[:1])
    with pytest.raises(ValueError, match="'a red dog' is no caption of this grammar"):
        shapes.read(images, ["a red dog", captions[1]])
    with pytest.raises(TypeError, match="not one text"):
        shapes.read(images, captions[0])
