"""A scrubber's light form on the site: every frame is on the sheet, every word beside it."""

from __future__ import annotations

import re

import torch

from coursekit import scrubbers
from genbook import plots

LEVELS = (-1.0, -0.5, 0.0, 0.5, 1.0)


def test_all_frames_and_words_of_a_scrubber_are_read() -> None:
    frames = [torch.full((1, 1, 8, 8), value) for value in LEVELS]
    alts = [f"grey {value}" for value in LEVELS]
    captions = [f"It is <{value}>." for value in LEVELS]
    made = plots.scrubber(frames, LEVELS, alts, "a & b", captions, start=1)
    found = scrubbers.Scrubber.read(made._repr_html_())
    assert (found.frames, found.labels) == (list(made.frames), list(made.labels))
    assert (found.alts, found.captions) == (alts, captions)
    assert (found.name, found.start, found.width) == ("a & b", 1, str(made.width))
    assert found.pixelated

    picture, (width, height), columns = scrubbers.sheet(found.frames)
    assert columns == 4 and picture.size == (4 * width, 2 * height)
    greys = [picture.getpixel((i % 4 * width + 4, i // 4 * height + 4))[0] for i in range(5)]
    assert greys == sorted(greys) and len(set(greys)) == 5

    html = scrubbers.light(found, "sheet.webp", (width, height), columns)
    assert "data:image" not in html and len(html) < 3000
    assert html.count("<li") == 5 and "It is &lt;0.5&gt;." in html
    assert re.search(r'--column:1;--row:0;.*max="4" value="1"', html)


def test_a_scrubber_without_captions_has_none() -> None:
    made = plots.scrubber([torch.zeros(8, 8), torch.ones(8, 8)], [1, 0], "squares")
    found = scrubbers.Scrubber.read(made._repr_html_())
    assert found.captions == ["", ""]
    assert "gb-told" not in scrubbers.light(found, "sheet.webp", (8, 8), 2)
