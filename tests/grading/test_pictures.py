"""Pictures as answers: whoever marks sees them, and they can do nothing."""

from __future__ import annotations

import base64
import io
import json
import re
import struct
from pathlib import Path

import pytest
from PIL import Image
from sample_class import QUESTIONS, question, row

from coursekit.grading.incoming import ingest, pictures
from coursekit.grading.incoming.assignment import Assignment
from coursekit.grading.incoming.merge import Plan, merge
from coursekit.grading.outgoing import report
from coursekit.grading.outgoing.overrides import Overrides, apply
from coursekit.grading.verdict.results import Row, dumps
from coursekit.project import Project

PROJECT = Project.find(Path(__file__))
DDIM = Assignment.load(PROJECT, "ddim")


def image(kind: str, size: tuple[int, int] = (8, 5)) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", size, "red").save(data, kind)
    return data.getvalue()


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


PNG = encoded(image("PNG"))
SVG = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><script>alert(1)</script></svg>"
SHOWN = f"data:image/png;base64,{PNG}"


def handed_in(*cells: dict) -> Plan:
    """The blank sheet with its answer in words replaced."""
    sheet = json.loads(PROJECT.notebook("exercises", "ddim").read_bytes())
    (at,) = [i for i, c in enumerate(sheet["cells"]) if "Write here" in "".join(c["source"])]
    sheet["cells"][at : at + 1] = cells
    return merge(DDIM, ingest.read(json.dumps(sheet).encode()))


def text(source: str, **more: object) -> dict:
    return {"cell_type": "markdown", "metadata": {}, "source": source, **more}


def output(**data: str) -> dict:
    found = {"output_type": "display_data", "metadata": {}, "data": data}
    return {"cell_type": "code", "metadata": {}, "source": "show()", "outputs": [found]}


@pytest.mark.parametrize(
    "cell",
    [
        text("![photo](attachment:p.png)", attachments={"p.png": {"image/png": PNG}}),
        text(f"![photo](data:image/png;base64,{PNG})"),
        text(f"<img src='data:image/png;base64,{PNG[:20]}\n{PNG[20:]}'>"),
        text("", attachments={"p.png": {"image/png": [PNG[:20] + "\n", PNG[20:]]}}),
        output(**{"image/png": PNG, "text/plain": "<Figure>"}),
    ],
    ids=["attached", "Colab", "in lines", "no words", "an output"],
)
def test_a_picture_is_an_answer(cell: dict) -> None:
    plan = handed_in(cell)
    assert [picture.uri for picture in plan.pictures["ddim.explain"]] == [SHOWN]
    assert plan.texts["ddim.explain"].endswith("[1: a picture (PNG, 1 kB)]")
    assert PNG[:20] not in plan.texts["ddim.explain"]
    assert not plan.silent or cell["cell_type"] == "code"


def test_a_photo_does_not_cost_the_words_beside_it() -> None:
    """Colab writes a photo into the source, which then has millions of letters."""
    photo = image("JPEG") + bytes(2_000_000)
    plan = handed_in(text(f"Because.\n\n![p](data:image/jpeg;base64,{encoded(photo)})"))
    assert plan.texts["ddim.explain"].startswith("Because.") and plan.notes == []
    assert len(plan.pictures["ddim.explain"]) == 1


def test_a_plot_elsewhere_is_no_answer() -> None:
    sheet = json.loads(PROJECT.notebook("exercises", "ddim").read_bytes())
    sheet["cells"].insert(5, output(**{"image/png": PNG}))
    plan = merge(DDIM, ingest.read(json.dumps(sheet).encode()))
    assert plan.texts == {"ddim.explain": ""} and plan.pictures == {"ddim.explain": ()}


BOMB = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 60_000, 60_000) + bytes(99)


@pytest.mark.parametrize(
    ("kind", "data", "words", "shown"),
    [
        ("image/png", image("PNG"), "a picture (PNG, 1 kB)", True),
        ("image/jpg", image("JPEG"), "a picture (JPEG, 1 kB)", True),
        ("image/png", image("GIF"), "a picture (GIF, 1 kB)", True),
        ("image/svg+xml", SVG.encode(), "a picture (SVG, 1 kB)", True),
        ("image/webp", image("WEBP"), "of a kind that is not shown here (webp", False),
        ("image/png", b"<script>alert(1)</script>", "of a kind that is not shown here", False),
        ("image/png", SVG.encode(), "of a kind that is not shown here", False),
        ("image/png", BOMB, "too large to be shown here (PNG, 1 kB)", False),
        ("image/png", image("PNG") + bytes(4_000_000), "too large to be shown here", False),
        ("image/jpeg", b"\xff\xd8\xff\xe0\0\0" * 9, "of a kind that is not shown here", False),
    ],
)
def test_what_is_shown(kind: str, data: bytes, words: str, shown: bool) -> None:
    (found,) = pictures.attached({"attachments": {"x": {kind: encoded(data)}}})
    assert words in found.words and bool(found.uri) == shown
    assert not found.uri or pictures.URI.fullmatch(found.uri)


def test_what_is_no_base64_is_damaged() -> None:
    (found,) = pictures.attached({"attachments": {"x": {"image/png": "!!!!"}}})
    assert found == pictures.Picture("a picture that is damaged")


@pytest.mark.parametrize(
    "cell",
    [{"attachments": 1}, {"attachments": {"x": [1]}}, {"attachments": {"x": {"image/png": 1}}},
     {"attachments": {"x": {"text/plain": "a"}}}, {"outputs": 3}, {"outputs": [None, {"data": 1}]}],
)  # fmt: skip
def test_odd_cells_have_no_pictures(cell: dict) -> None:
    assert pictures.attached(cell) == pictures.drawn(cell) == ()


def with_pictures(*found: str) -> Row:
    answer = question("ddim.explain", "manual", answer="[1: a picture (PNG, 1 kB)]", pictures=found)
    made = row("ada", ["right"] * len(QUESTIONS))
    return Row(**{**vars(made), "questions": (*made.questions[:-1], answer)})


@pytest.mark.parametrize(
    "address",
    ["https://example.org/x.png", "data:text/html;base64,AAAA", f"{SHOWN}' onerror='alert(1)",
     "data:image/png;base64,AA AA", "data:image/webp;base64,AAAA", ""],
)  # fmt: skip
def test_a_row_takes_no_other_address(address: str) -> None:
    with pytest.raises(ValueError, match="no address of one"):
        with_pictures(address)


def test_a_row_keeps_its_pictures_and_one_without_is_as_before() -> None:
    assert Row.from_json(dumps(with_pictures(SHOWN))) == with_pictures(SHOWN)
    assert "pictures" not in dumps(with_pictures())


def pages(*found: str) -> dict[str, str]:
    made = report.pages(apply([with_pictures(*found)], Overrides(), QUESTIONS), {})
    return {name: data.decode() for name, data in made.items()}


def test_the_page_shows_the_picture_and_allows_no_other() -> None:
    page = pages(SHOWN)["ada.html"]
    assert re.findall(r"<img[^>]*>", page) == [
        f'<img src="{SHOWN}" alt="Picture 1 of this answer">'
    ]
    assert "default-src 'none'; img-src data:; style-src" in page
    assert "<img" not in pages()["ada.html"] + pages(SHOWN)["index.html"]
    assert "img-src" not in pages()["ada.html"] + pages(SHOWN)["index.html"]


@pytest.mark.browser
def test_in_a_browser_it_is_drawn_and_does_nothing(browser, tmp_path: Path) -> None:
    hostile = (
        "<svg xmlns='http://www.w3.org/2000/svg' xmlns:x='http://www.w3.org/1999/xlink' width='9' "
        "height='9' onload='top.ran=1'><script>top.ran = 1</script>"
        "<image x:href='http://localhost:9/x.png' href='http://localhost:9/y.png'/></svg>"
    )
    found = (SHOWN, f"data:image/svg+xml;base64,{encoded(hostile.encode())}")
    (tmp_path / "ada.html").write_text(pages(*found)["ada.html"])
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((tmp_path / "ada.html").as_uri())
    widths = page.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert widths == [8, 9] and page.evaluate("window.ran") is None
    assert not [url for url in asked if url.startswith("http")]
    page.close()
