"""Patches of photographs: two parts that share no pixel, the same stream in any batches."""

from __future__ import annotations

import importlib.util
import sys

import pytest
import torch
from sklearn.datasets import load_sample_image

from genbook.data import photos

carried = importlib.util.find_spec("skimage") is not None
names = [
    pytest.param(n, marks=pytest.mark.skipif(n not in photos.ALWAYS and not carried, reason="no"))
    for n in photos.ALL
]


@pytest.mark.parametrize("name", names)
def test_the_parts_make_the_picture_and_share_no_pixel(name):
    whole = photos.picture(name)
    assert whole.dtype == torch.float32 and whole.shape[0] == 3
    assert -1 <= whole.min() < -0.9 and 0.8 < whole.max() <= 1
    parts = photos.region(name, "train"), photos.region(name, "held-out")
    assert torch.equal(torch.cat(parts, 2), whole)
    assert parts[0].shape[2] == 3 * whole.shape[2] // 4


def test_the_pixels_are_those_of_the_file():
    expected = torch.from_numpy(load_sample_image("china.jpg").copy()).permute(2, 0, 1)
    found = ((photos.picture("china") + 1) * 127.5).round().to(torch.uint8)
    assert torch.equal(found, expected)


@pytest.mark.skipif(not carried, reason="needs scikit-image")
def test_the_pictures_of_scikit_image_are_its_own():
    from skimage import data

    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        expected = torch.from_numpy(getattr(data, name)().copy()).permute(2, 0, 1)
        found = ((photos.picture(name) + 1) * 127.5).round().to(torch.uint8)
        # Two JPEG decoders may differ by a grey level.
        apart = (found.int() - expected.int()).abs().max()
        assert apart <= (2 if name == "rocket" else 0)


def positions(patches: torch.Tensor, part: torch.Tensor) -> list[list[tuple[int, int]]]:
    """Where in a region each patch occurs."""
    size = patches.shape[-1]
    windows = part.unfold(1, size, 1).unfold(2, size, 1).permute(1, 2, 0, 3, 4)
    return [
        [(int(i), int(j)) for i, j in (windows == patch).flatten(2).all(2).nonzero()]
        for patch in patches
    ]


@pytest.mark.parametrize("split", ["train", "held-out"])
def test_patches_come_from_their_part_only(split, generator):
    other = "held-out" if split == "train" else "train"
    # Busy patches only: a piece of clear sky may well occur twice.
    x = photos.patches(12, generator, size=16, split=split, pictures=["china"])
    x = x[x.std((1, 2, 3)) > 0.2][:4]
    assert len(x) == 4
    assert all(positions(x, photos.region("china", split)))
    assert not any(positions(x, photos.region("china", other)))


def test_every_position_is_as_likely(generator, monkeypatch):
    """On a tiny picture that numbers its pixels: 5 × 4 and 2 × 3 positions, 26 in all."""
    one = torch.arange(6 * 5).view(1, 6, 5).expand(3, 6, 5).float()
    two = torch.arange(100, 100 + 3 * 4).view(1, 3, 4).expand(3, 3, 4).float()
    monkeypatch.setattr(photos, "_region", lambda name, *_: one if name == "china" else two)
    n = 26_000
    first = photos.patches(n, generator, size=2)[:, 0, 0, 0].long()
    expected = {5 * r + c for r in range(5) for c in range(4)}
    expected |= {100 + 4 * r + c for r in range(2) for c in range(3)}
    values, counts = first.unique(return_counts=True)
    assert set(values.tolist()) == expected
    assert (counts - 1000).abs().max() < 4.5 * 1000**0.5


def test_the_stream_is_the_same_in_any_batches():
    def seeded() -> torch.Generator:
        return torch.Generator().manual_seed(5)

    whole = photos.patches(10, seeded())
    generator = seeded()
    cut = torch.cat([photos.patches(n, generator) for n in (1, 2, 7)])
    assert torch.equal(whole, cut)
    stream = photos.stream(5, seeded())
    assert torch.equal(whole, torch.cat([next(stream), next(stream)]))
    assert not torch.equal(whole, photos.patches(10, torch.Generator().manual_seed(6)))


def test_scale_averages_squares(generator):
    part = photos.region("flower", "held-out")
    half = photos.region("flower", "held-out", scale=2)
    assert half.shape[1:] == (part.shape[1] // 2, part.shape[2] // 2)
    torch.testing.assert_close(half[:, 3, 7], part[:, 6:8, 14:16].mean((1, 2)))
    assert photos.patches(2, generator, 48, scale=3).shape == (2, 3, 48, 48)


def test_a_caller_may_change_what_it_gets():
    photos.region("china", "train").zero_()
    photos.picture("china").zero_()
    assert photos.region("china", "train").std() > 0.1


def test_without_scikit_image_the_message_says_what_to_install(monkeypatch, generator):
    photos._pixels.cache_clear()
    photos._region.cache_clear()
    monkeypatch.setitem(sys.modules, "skimage", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert photos.patches(1, generator).shape == (1, 3, 32, 32)
    with pytest.raises(ImportError, match="install scikit-image, or use china, flower"):
        photos.patches(1, generator, pictures=["chelsea"])


def test_what_cannot_be_done_is_said(generator):
    with pytest.raises(ValueError, match=r"picture must be one of china, .*, got 'lena'"):
        photos.picture("lena")
    with pytest.raises(ValueError, match="split must be"):
        photos.patches(1, generator, split="test")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"patches of 200 do not fit .* 427 × 160"):
        photos.patches(1, generator, 200, "held-out")
    with pytest.raises(ValueError, match="got -1 and 32"):
        photos.patches(-1, generator)
    with pytest.raises(ValueError, match="sequence of names"):
        photos.patches(1, generator, pictures="china")
    with pytest.raises(ValueError, match="scale must be at least 1"):
        photos.region("china", "train", scale=0)
    with pytest.raises(ValueError, match="batch must be at least 1"):
        photos.stream(0, generator)
