"""Figures as SVG: bytes that do not change, a phone version, colours for two themes."""

import base64
import gzip
import io
import re

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from coursekit.themes import darkened, variants
from genbook import plots
from genbook.plots.narrow import WIDTH, narrowed
from genbook.plots.style import DARK
from genbook.plots.svg import GROUND, _path, svg


@pytest.fixture(autouse=True)
def style():
    with matplotlib.rc_context():
        plots.use()
        yield
    plt.close("all")


def panels(n=3, **options):
    figure, axes = plt.subplots(1, n, figsize=(6.8, 2.2), sharey=True, **options)
    for i, axis in enumerate(np.ravel(axes)):
        axis.plot(np.linspace(0, 1, 50), np.linspace(0, 1, 50) ** (i + 1), color=f"C{i}")
        axis.set(title=f"$x^{i + 1}$", xlabel="x")
    np.ravel(axes)[0].set_ylabel("y")
    return figure


def packed(text):
    return gzip.decompress(
        base64.b64decode(re.search(r'class="narrow">([^<]*)<', text)[1])
    ).decode()


def box(text):
    return [float(side) for side in re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text).groups()]


def letters(text):
    """The smallest size of letters in points: glyphs are scaled by a hundredth of it."""
    return min(float(scale) * 100 for scale in re.findall(r"\) scale\(([\d.]+) -", text))


def test_the_same_figure_has_the_same_bytes():
    assert svg(panels()) == svg(panels())
    once = panels()
    assert svg(once) == svg(once)  # drawing it for a phone has changed nothing


def test_stored_figures_are_small_and_say_nothing_of_the_run():
    text = svg(panels())
    assert len(text) < 40_000
    assert "<!--" not in text and "dc:date" not in text and "Matplotlib" not in text
    assert not re.search(r'd="[^"]*\.\d\d', text)


def test_on_a_phone_panels_stand_below_each_other_with_letters_of_eleven_pixels():
    text = svg(panels())
    wide, narrow = box(text), box(packed(text))
    assert narrow[1] > 2 * wide[1] and narrow[0] < WIDTH * 72 + 10
    assert letters(packed(text)) * 312 / narrow[0] >= 11


def test_a_scale_that_was_shared_is_written_beside_each_panel():
    figure = panels()
    figure.canvas.draw()
    with narrowed(figure) as small:
        assert small.get_figwidth() == WIDTH
        assert [axes.get_ylabel() for axes in small.axes] == ["y", "y", "y"]
    assert [axes.get_ylabel() for axes in figure.axes] == ["y", "", ""]
    assert figure.get_figwidth() == pytest.approx(6.8)
    rows = {axes.get_subplotspec().rowspan.start for axes in figure.axes}
    assert rows == {0}


def test_a_figure_may_bring_its_own_phone_version():
    figure, own = panels(), panels(1)
    figure.narrow = lambda: own
    assert packed(svg(figure)).count("clip-path") < svg(figure).count("clip-path")
    figure.narrow = None
    assert "metadata" not in svg(figure)


def test_columns_with_titles_are_cut_into_blocks_and_rows_keep_their_names():
    x = np.linspace(-1, 1, 20 * 64).reshape(20, 1, 8, 8)
    sheet = plots.film([x[:2]] * 10, [f"t = {100 * i}" for i in range(10)])
    sheet.axes[0].text(-0.01, 0.5, "first", transform=sheet.axes[0].transAxes)
    small = sheet.narrow()
    assert len(small.axes) == 4 and small.get_figwidth() == pytest.approx(WIDTH)
    words = [text.get_text() for text in small.texts]
    assert words.count("first") == 2 and "t = 900" in words
    assert plots.images(x).narrow() is None


def test_pixels_stay_pixels():
    text = svg(plots.images(np.linspace(-1, 1, 640).reshape(10, 1, 8, 8)))
    (image,) = re.findall(r"<image[^>]*>", text)
    assert "pixelated" in image and len(text) < 4000


def test_grey_pixels_and_the_gaps_between_them_are_stored_unchanged():
    tiles = np.linspace(-1, 1, 640).reshape(10, 1, 8, 8)
    (packed_image,) = re.findall(r'base64,([^"]*)"', svg(plots.images(tiles)))
    image = Image.open(io.BytesIO(base64.b64decode(packed_image)))
    assert image.mode == "LA"
    grey, seen = np.moveaxis(np.asarray(image), 2, 0)
    expected = plots.mosaic(tiles, 10)
    inside = plots.mosaic(-np.ones_like(tiles), 10) == 0
    assert (seen == 255 * inside).all()
    assert np.abs(grey[inside].astype(int) - expected[inside]).max() <= 1


@pytest.mark.parametrize(
    ("steps", "short"),
    [
        ("M 10 20 \nL 13 20.5 \nL 12 18 \nz", "M10 20l3 0.5-1-2.5z"),
        ("M 10 20 \nQ 10 25 15 25 \nQ 20 25 20 20 \nz", "M10 20q0 5 5 5 5 0 5-5z"),
        ("M 1 2 \nC 1 3 2 4 3 4 \nL 5 5 \nM 0 0 \nL 1 1 \n", "M1 2c0 1 1 2 2 2l2 1M0 0l1 1"),
        ("M 0 0 \nA 1 1 0 0 1 2 2 \n", "M0 0A1 1 0 0 1 2 2"),
    ],
)
def test_a_path_is_written_from_point_to_point(steps, short):
    assert _path(steps) == short


def test_a_crowd_of_points_is_a_picture():
    figure, axis = plt.subplots()
    axis.plot(*np.random.default_rng(0).normal(size=(2, 3000)), ".", ms=2)
    text = svg(figure)
    assert text.count("<image") == 1 and len(text) < 80_000


# Two themes ---------------------------------------------------------------------------------------


def luminance(colour):
    channels = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return float(np.dot(channels, [0.2126, 0.7152, 0.0722]))


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def test_every_colour_stands_out_in_both_themes():
    for colour in plots.PALETTE:
        assert contrast(colour, "#ffffff") >= 3 and contrast(colour, plots.PAPER) >= 2.9
        assert contrast(DARK[colour], DARK[plots.PAPER]) >= 3
    assert contrast(DARK[plots.INK], DARK[plots.PAPER]) >= 7


# Machado, Oliveira and Fernandes (2009), severity 1, on linear light.
BLIND = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
               [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
               [-0.011820, 0.042940, 0.968881]],
}  # fmt: skip


@pytest.mark.parametrize("kind", BLIND)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_are_told_apart_by_colour_blind_eyes(kind, theme):
    colours = [c if theme == "light" else DARK[c] for c in plots.PALETTE]
    linear = np.array([to_rgb(c) for c in colours]) ** 2.2
    seen = np.clip(linear @ np.array(BLIND[kind]).T, 0, 1) ** (1 / 2.2)
    apart = np.abs(seen[:, None] - seen[None]).max(-1) + np.eye(len(seen))
    assert apart.min() > 0.08, apart.round(2)


def test_the_site_gets_four_variants_without_the_ground():
    found = variants(svg(panels()), DARK)
    assert set(found) == {(t, w) for t in ("light", "dark") for w in ("wide", "narrow")}
    for (theme, _), variant in found.items():
        assert GROUND not in variant.text and "metadata" not in variant.text
        assert ("#0072b2" in variant.text) == (theme == "light")
        assert (DARK["#0072B2"] in variant.text) == (theme == "dark")
    assert found["light", "wide"].width > 600 > found["light", "narrow"].width


def test_other_pictures_are_left_alone():
    assert variants('<svg viewBox="0 0 1 1"><path fill="#000000"/></svg>', DARK) == {}


def test_pale_becomes_deep_and_what_has_no_colour_is_light():
    text = darkened('<svg><path style="fill:#d9d9d9"/><path style="fill:none"/></svg>', DARK)
    assert text.startswith('<svg fill="#FFFFFF"') and "fill:none" in text
    assert luminance(re.search(r"fill:(#\w+)", text)[1]) < 0.1


@pytest.mark.parametrize("rows", [1, 3])
def test_digits_are_no_negatives_on_a_dark_page(rows):
    """Of one picture and of several, whose style is then a class."""
    stored = svg(plots.images(np.linspace(-1, 1, rows * 4 * 64).reshape(-1, 1, 8, 8), columns=4))
    found = variants(stored, DARK)
    pixels = {
        theme: re.findall(r'base64,([^"]*)"', found[theme, "wide"].text)
        for theme in ("light", "dark")
    }
    assert len(pixels["light"]) == rows and pixels["light"] == pixels["dark"]
