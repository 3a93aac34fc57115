"""Pictures: sizes, bytes that do not change, markup that says what is to be seen.

What needs a browser (the slider moves the picture) is in tests/site/test_scrubber.py.
"""

import io
import re
import textwrap
from collections import namedtuple
from html.parser import HTMLParser

import ipywidgets
import matplotlib
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from nbclient import NotebookClient
from PIL import Image
from sklearn.datasets import load_digits

from genbook import plots
from genbook.plots import noise_film


@pytest.fixture(scope="module")
def digits():
    return torch.tensor(load_digits().images, dtype=torch.float32)[:, None] / 8 - 1


@pytest.fixture(scope="module")
def states(digits):
    """21 states of 64 digits, from noise to images."""
    eps = torch.randn(64, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    angles = torch.linspace(torch.pi / 2, 0, 21)
    return [a.cos() * digits[:64] + a.sin() * eps for a in angles]


def open_png(data):
    return Image.open(io.BytesIO(data))


class Tags(HTMLParser):
    """All start tags, and whether every element is closed."""

    VOID = ("img", "input")

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def of(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


# The style ----------------------------------------------------------------------------------------


def test_the_style_is_opaque_and_legible():
    with matplotlib.rc_context():
        plots.use()
        rc = matplotlib.rcParams
        assert rc["figure.facecolor"] == rc["savefig.facecolor"] == plots.PAPER
        assert min(rc["font.size"], rc["xtick.labelsize"], rc["legend.fontsize"]) >= 9
        assert rc["figure.dpi"] == 100 and rc["figure.figsize"][0] <= 7


def luminance(colour):
    channels = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return float(np.dot(channels, [0.2126, 0.7152, 0.0722]))


def test_colours_stand_out_from_paper():
    def contrast(colour):
        return (luminance(plots.PAPER) + 0.05) / (luminance(colour) + 0.05)

    assert contrast(plots.INK) > 12
    assert all(contrast(colour) >= 3 for colour in plots.PALETTE[:4])
    assert all(contrast(colour) > 2 for colour in plots.PALETTE)


# Grids --------------------------------------------------------------------------------------------


def test_a_mosaic_has_its_tiles_where_they_belong():
    x = torch.linspace(-1, 1, 5).reshape(5, 1, 1, 1).expand(5, 1, 2, 3)
    sheet = plots.mosaic(x, columns=3)
    assert sheet.shape == (2 * 2 + 1, 3 * 3 + 2) and sheet.dtype == np.uint8
    assert (sheet[0, 0], sheet[0, 4], sheet[0, 8]) == (0, 64, 128)
    assert (sheet[3, 0], sheet[3, 4]) == (191, 255)
    assert (sheet[2] == 255).all() and (sheet[:, 3] == 255).all()
    assert (plots.mosaic(x * 9)[0, 0], plots.mosaic(x * 9)[0, -1]) == (0, 255)
    assert plots.mosaic(torch.zeros(4, 3, 2, 2), columns=2).shape == (5, 5, 3)


@pytest.mark.parametrize("shape", [(2, 2), (0, 1, 2, 2), (1, 2, 2, 2), (1, 2, 2)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="need the shape"):
        plots.mosaic(torch.zeros(shape))


def test_nan_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        plots.images(torch.full((1, 1, 2, 2), torch.nan))


def test_images_fit_the_page_and_their_titles(digits):
    grid = plots.images(digits[:20], titles=range(20))
    assert grid.get_figwidth() <= 7
    assert [text.get_text() for text in grid.texts] == [str(i) for i in range(20)]
    row = plots.digits_row(digits[:10], torch.arange(10))
    assert [text.get_text() for text in row.texts] == list("0123456789")
    # No text lies on an image: the boxes of the axes and of the words do not meet.
    for figure in (grid, row):
        figure.canvas.draw()
        boxes = [axes.get_window_extent() for axes in figure.axes]
        for text in figure.texts:
            assert not any(text.get_window_extent().overlaps(box) for box in boxes)
    with pytest.raises(ValueError, match="3 titles"):
        plots.images(digits[:20], titles="abc")


def test_a_film_has_a_row_an_image_and_a_column_a_time(digits):
    frames = [digits[:4], -torch.ones(4, 1, 8, 8), torch.ones(4, 1, 8, 8)]
    strip = plots.film(frames, ["t = 2", "t = 1", "t = 0"])
    assert [text.get_text() for text in strip.texts] == ["t = 2", "t = 1", "t = 0"]
    assert len(strip.axes) == 4
    pixels = strip.axes[2].get_images()[0].get_array()
    assert (pixels[:, :8] == plots.mosaic(digits[2:3])).all()
    assert (pixels[:, 9:17] == 0).all() and (pixels[:, 18:] == 255).all()


# Frames -------------------------------------------------------------------------------------------


def test_frames_are_small_palettes_with_the_same_bytes_each_time(digits):
    def draw():
        figure = plots.figure(5, 3)
        figure.subplots().plot([0, 1], [0, 1])
        return plots.frame(figure)

    assert draw() == draw()
    assert plots.frame(digits[:64]) == plots.frame(digits[:64])
    assert open_png(draw()).size == (500, 300)
    for data in (draw(), plots.frame(digits[:64])):
        picture = open_png(data)
        assert picture.mode == "P" and not picture.info.get("Software")
        assert len(picture.getcolors()) <= 64
        assert len(data) < 12_000
    # The paper's own colour survives the palette, or frames would flicker beside each other.
    assert open_png(draw()).convert("RGB").getpixel((1, 1)) == (251, 250, 247)


@pytest.mark.parametrize(
    ("source", "size"),
    [
        (torch.zeros(5, 7), (7, 5)),
        (torch.zeros(1, 5, 7), (7, 5)),
        (np.zeros((3, 5, 7)), (7, 5)),
        (torch.zeros(2, 1, 5, 7), (15, 5)),
        (np.zeros((5, 7), np.uint8), (7, 5)),
        (np.zeros((5, 7, 3), np.uint8), (7, 5)),
    ],
)
def test_a_frame_is_made_of_any_image(source, size):
    assert open_png(plots.frame(source)).size == size


def test_grey_values_survive_within_a_step():
    ramp = torch.linspace(-1, 1, 256).reshape(1, 256)
    pixels = np.asarray(open_png(plots.frame(ramp)).convert("L")).astype(int)[0]
    assert (np.diff(pixels) >= 0).all() and (pixels[0], pixels[-1]) == (0, 255)
    assert np.abs(pixels - np.arange(256)).max() <= 3


def test_a_figure_of_pyplot_is_closed():
    figure, _ = plt.subplots()
    plots.frame(figure)
    assert not plt.fignum_exists(figure.number)


# The scrubber -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def slider(states):
    return plots.scrubber(states, [50 * t for t in range(20, -1, -1)], alt="64 digits & noise")


def test_the_markup_of_a_scrubber(slider):
    text = slider._repr_html_()
    tags = Tags(text)
    images, (control,) = tags.of("img"), tags.of("input")
    assert len(images) == 21
    assert images[0]["alt"] == "64 digits & noise, t = 1000"
    assert all(image["src"].startswith("data:image/png;base64,") for image in images)
    assert (control["type"], control["min"], control["max"]) == ("range", "0", "20")
    assert control["value"] == "20" and control["aria-label"] == "t"
    assert not re.search(r"https?:", text)
    assert not any("id" in attributes for _, attributes in tags.found)  # no two elements clash


def test_a_scrubber_is_small_and_always_the_same(slider, states):
    text = slider._repr_html_()
    assert len(text) <= 120_000
    again = plots.scrubber(states, [50 * t for t in range(20, -1, -1)], alt="64 digits & noise")
    assert again._repr_html_() == text and repr(again) == repr(slider)
    other = plots.scrubber(states[::-1], range(21), alt="64 digits & noise")

    def key(html):
        return Tags(html).of("figure")[0]["data-scrubber"]

    assert key(other._repr_html_()) != key(text)
    assert repr(slider).startswith("[slider over 21 pictures, t = 1000 … t = 0: 64 digits")


def test_labels_are_escaped(states):
    hostile = '"><script>alert(1)</script>'
    words = plots.scrubber(
        states[:2], [hostile, 1], alt=[hostile] * 2, name=hostile, captions=[hostile] * 2
    )
    assert words._repr_html_().count("<script>") == 1
    assert len(Tags(words._repr_html_()).of("img")) == 2


def test_pixels_are_enlarged_by_whole_numbers(slider, states):
    assert slider.width % 89 == 0 and slider.width >= 284
    assert "image-rendering:pixelated" in slider._repr_html_()
    figure = plots.frame(plots.figure(5, 3))
    wide = plots.scrubber([figure, figure], [1, 2], alt="nothing")
    assert wide.width == 500 and "pixelated" not in wide._repr_html_()


def test_scrubbers_that_cannot_work_are_refused(states):
    for arguments, reason in [
        ((states[:1], [1], "x"), "two frames"),
        ((states[:2], [1], "x"), "1 labels for 2"),
        ((states[:2], [1, 2], ["x"]), "1 alt texts for 2"),
        ((states[:2], [1, 2], " "), "alternative text"),
        ((states[:2], [1, 2], ["x", ""]), "alternative text"),
    ]:
        with pytest.raises(ValueError, match=reason):
            plots.scrubber(*arguments)
    with pytest.raises(ValueError, match="captions"):
        plots.scrubber(states[:2], [1, 2], "x", captions=["only one"])


# Explorers ----------------------------------------------------------------------------------------


def shade(value):
    return torch.full((4, 4), float(value))


def test_what_an_explorer_stores_is_a_scrubber():
    explorer = plots.explore(shade, [0.0, 0.25, 1.0], "eta", alt="a grey square")
    stored = plots.scrubber(
        [shade(v) for v in (0.0, 0.25, 1.0)], [0.0, 0.25, 1.0], "a grey square", "eta"
    )
    assert explorer._repr_html_() == stored._repr_html_()
    assert repr(explorer) == repr(stored)
    assert "widget" not in explorer._repr_html_()


@pytest.mark.parametrize(
    ("values", "kind", "new"),
    [
        ([0.0, 0.25, 1.0], ipywidgets.FloatSlider, 0.5),
        ([-1, 0, 1], ipywidgets.IntSlider, 0),
        (["0.1", "0.9"], ipywidgets.SelectionSlider, "0.1"),
    ],
)
def test_a_live_explorer_draws_anew(values, kind, new):
    live = plots.explore(shade, values, "eta", alt="a grey square").live()
    control, image = live.children
    assert isinstance(control, kind) and control.value == values[-1]
    assert image.value == plots.frame(shade(values[-1]))
    control.value = new
    assert image.value == plots.frame(shade(new))


def test_an_explorer_without_ipywidgets_stays_a_scrubber(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ipywidgets", None)
    explorer = plots.explore(shade, [0, 1], "eta", alt="a grey square")
    assert explorer.live() is explorer.stored


# Tables -------------------------------------------------------------------------------------------

Interval = namedtuple("Interval", "value low high")


@pytest.fixture
def table():
    rows = [["ours", Interval(0.5712, 0.53, 0.6149), 20], ["paper <1>", "13.36", None]]
    return plots.table(rows, ["sampler", "distance", "steps"], caption="Twenty steps")


def test_a_table_names_its_rows_and_columns(table):
    tags = Tags(table._repr_html_())
    scopes = [attributes["scope"] for attributes in tags.of("th")]
    assert scopes == ["col"] * 3 + ["row"] * 2
    assert len(tags.of("caption")) == 1 and "paper &lt;1&gt;" in table._repr_html_()
    right = ["right" in a["style"] for a in tags.of("th")[:3]]
    assert right == [False, True, True]


def test_a_table_reads_as_plain_text_too(table):
    expected = """\
        Twenty steps
        sampler               distance  steps
        ─────────────────────────────────────
        ours       0.571 [0.530, 0.615]     20
        paper <1>                13.36      –"""
    lines = textwrap.dedent(expected).splitlines()
    assert [" ".join(line.split()) for line in repr(table).splitlines()][:2] == [
        "Twenty steps",
        "sampler distance steps",
    ]
    assert [line.split() for line in repr(table).splitlines()[3:]] == [
        line.split() for line in lines[3:]
    ]
    assert len({len(line) for line in repr(table).splitlines()[2:]}) == 1


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (0.5, "0.500"),
        (-0.5, "−0.500"),
        (1234.5, "1.23e+03"),
        (100.0, "100"),
        (1e-9, "1e-09"),
        (0.0, "0"),
        (1234, "1234"),
        (np.float32(2.5), "2.50"),
        (torch.tensor(2.5), "2.50"),
        (float("nan"), "nan"),
        (None, "–"),
        ("0.10", "0.10"),
        (True, "True"),
    ],
)
def test_words_of_a_table(value, word):
    assert plots.table([["x", value]], ["", "value"]).rows[0][1] == word


def test_a_ragged_table_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        plots.table([["ours", 1]], ["sampler", "distance", "steps"])


# In a notebook ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_notebook_stores_each_picture_once():
    cells = [
        "from genbook import plots\nimport torch\nplots.use()",
        "plots.images(torch.zeros(4, 1, 8, 8))",
        "plots.scrubber([torch.zeros(8, 8), torch.ones(8, 8)], [1, 0], alt='squares')",
        "def draw(v):\n    import matplotlib.pyplot as plt\n    fig, ax = plt.subplots()\n"
        "    ax.plot([0, v])\n    return fig\n"
        "plots.explore(draw, [1.0, 2.0], 'slope', alt='a line')",
        "plots.table([['a', 1]], ['', 'n'])",
        "from genbook.checks.machinery.run import Result\nResult(1, 1, '')",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    kinds = [[sorted(o.data) for o in cell.outputs] for cell in notebook.cells]
    assert kinds == [
        [],
        [["image/svg+xml", "text/plain"]],
        [["text/html", "text/plain"]],
        [["text/html", "text/plain"]],
        [["text/html", "text/plain"]],
        [],
    ]


def test_the_landing_pages_film_leads_from_noise_to_digits() -> None:
    frames = noise_film.frames()
    first, last = frames[0], frames[-1]
    # The background of a digit is black, x = -1; of a standard normal 23 % lie below -0.75.
    assert (first < -0.75).mean() < 0.25 and (last < -0.75).mean() > 0.35
    picture = noise_film.sprite()
    assert picture == noise_film.sprite() and len(picture) < 25_000
    shown = np.asarray(Image.open(io.BytesIO(picture)).convert("RGBA")).astype(float)
    assert shown.shape[:2] == (noise_film.FRAMES * noise_film.ROWS * 9, noise_film.COLUMNS * 9)
    digit = shown[-27:-19, 9:17]  # the 1 of the first row, finished
    assert (digit[..., 3] == 255).all() and np.abs(
        digit[..., 0] / 127.5 - 1 - last[0, 1]
    ).max() < 0.1
    assert (shown[8::9, :, 3] == 0).all() and (shown[:, 8::9, 3] == 0).all()
