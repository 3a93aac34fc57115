"""Pages that show what strangers wrote as text and as nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
import sample_class
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_class import HOSTILE, QUESTIONS, SENTENCES, graded, row

from coursekit.grading.incoming.plaintext import visible
from coursekit.grading.outgoing import report
from coursekit.grading.outgoing.exports import feedback
from coursekit.grading.outgoing.overrides import Overrides, StudentOverride, apply

VOID = {"meta", "rect", "br"}
TAGS = set(
    re.findall(
        r"\w+",
        "html head meta title style body main section h1 h2 h3 p b ul li a bdi span code pre div "
        "table thead tbody tr th td svg rect details summary",
    )
)
ATTRIBUTES = set(
    re.findall(
        r"[\w-]+",
        "lang charset http-equiv content name class dir href scope role tabindex aria-label "
        "aria-hidden x width height",
    )
)


class Page(HTMLParser):
    """What a browser would make of a page: elements, attributes and texts."""

    def __init__(self, data: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.comments: list[str] = []
        self.open: list[str] = []
        self.source = data.decode("utf-8")
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def one(self, tag: str, **attributes: str) -> dict[str, str | None]:
        """The attributes of the only such element."""
        wanted = attributes.items()
        found = [attrs for name, attrs in self.elements if name == tag and wanted <= attrs.items()]
        assert len(found) == 1
        return found[0]


@pytest.fixture(scope="module")
def pages() -> dict[str, bytes]:
    return report.pages(graded(), SENTENCES)


def _harmless(page: Page) -> None:
    assert page.open == []
    assert page.comments == []
    assert {tag for tag, _ in page.elements} <= TAGS
    for tag, attributes in page.elements:
        assert set(attributes) <= ATTRIBUTES, tag
        href = attributes.get("href")
        if href is not None:
            assert re.fullmatch(r"[A-Za-z0-9._~%-]+\.html", href)
            assert "/" not in unquote(href) and ":" not in unquote(href)


def test_a_page_for_everybody_and_one_for_the_class(pages: dict[str, bytes]) -> None:
    assert len(pages) == 31
    links = {
        unquote(attributes["href"] or "")
        for tag, attributes in Page(pages["index.html"]).elements
        if tag == "a"
    }
    assert links == set(pages) - {"index.html"}
    assert all("/" not in name and not name.startswith(".") for name in pages)


def test_hostile_texts_are_only_text(pages: dict[str, bytes]) -> None:
    for data in pages.values():
        _harmless(Page(data))
    index = Page(pages["index.html"]).text
    for text in HOSTILE[:7]:
        assert visible(text) in index
    for i, text in enumerate(HOSTILE[:7]):
        name = report.safe_ids([entry.student for entry in graded()])[text] + ".html"
        page = Page(pages[name])
        assert page.texts.count(visible(text)) >= 5, "student, note and four messages"
        answer = visible(HOSTILE[-i - 1])
        assert answer in page.texts or answer.strip("\n") in page.texts


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(), max_size=60) | st.text("<>&'\"{}%/!-[]=\n ascript", max_size=60))
def test_any_text_anywhere_is_only_text(text: str) -> None:
    entry = row("ada", ["wrong"] * 4 + ["manual"], status="review")
    done = tuple(
        replace(q, title=text, message=text, answer=text, misconception=text)
        for q in entry.questions
    )
    texts = {"student": text, "file": text, "level": text, "seed": text, "assignment": text}
    entry = replace(entry, **texts, review=(text,), notes=(text,), questions=done)
    given_ = StudentOverride({"ddim.step": 1}, {"ddim.step": text}, note=text)
    made = report.pages(
        apply([entry], Overrides(students={text: given_}, name=text), QUESTIONS),
        {"ddim.step": {text: text}},
    )
    for data in made.values():
        _harmless(Page(data))
    assert len(made) == 2


def test_the_policy_allows_this_style_and_nothing_else(pages: dict[str, bytes]) -> None:
    for data in pages.values():
        page = Page(data)
        policy = page.one("meta", **{"http-equiv": "Content-Security-Policy"})["content"]
        (style,) = re.findall(r"<style>(.*?)</style>", page.source, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert policy == (
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
        )
        assert "url(" not in style and "@import" not in style
        metas = [name for name, _ in page.elements if name in ("meta", "title", "style")]
        assert metas.index("style") > 1, "the policy comes before what it governs"


def test_nothing_of_this_run_or_machine_is_in_it(pages: dict[str, bytes]) -> None:
    assert report.pages(graded(), SENTENCES) == pages
    for data in pages.values():
        assert str(Path.cwd()).encode() not in data
        assert not re.search(rb"20\d\d-\d\d|\d\d:\d\d", data)


def test_the_class_page_counts(pages: dict[str, bytes]) -> None:
    page = Page(pages["index.html"])
    text = " ".join(page.text.split())
    for name in QUESTIONS:
        assert name in text
    kinds = [q for entry in graded() for q in entry.questions if q.result.id == "ddim.step"]
    right = sum(q.points == q.possible for q in kinds)
    known = sum(q.result.misconception == "variance" for q in kinds)
    assert f"{right} right" in text
    assert f"{known} × variance: {SENTENCES['ddim.step']['variance']}" in text
    assert "30 submissions" in text and "landlock (30)" in text
    assert "Needs review" in text and "ada: ddim.explain: 2" in text
    assert "tim: ddim.step: " in text
    bars = [attributes for tag, attributes in page.elements if tag == "rect"]
    assert all(0 < float((a["width"] or "")[:-1]) <= 100 or "x" not in a for a in bars)
    parts = [a for a in bars if "x" in a]
    ends = [float((a["x"] or "")[:-1]) + float((a["width"] or "")[:-1]) for a in parts]
    assert sum(abs(end - 100) < 0.01 for end in ends) == len(QUESTIONS), "they fill the bar"


def test_the_distribution_holds_everybody() -> None:
    for entries in (graded(), graded()[:1], []):
        assert sum(b["count"] for b in report._bins(entries)) == len(entries)
    half = apply(
        [row("ada", ["right"] * 4 + ["manual"])],
        Overrides(students={"ada": StudentOverride({"ddim.explain": 1.5})}),
        QUESTIONS,
    )
    assert [b["label"] for b in report._bins(half) if b["count"]] == ["11 to < 12"]
    large = apply(
        [row("ada", ["right"] * 4 + ["manual"])],
        Overrides({"ddim.step": 90}, {"ada": StudentOverride({"ddim.explain": 2})}),
        QUESTIONS,
    )
    assert [(b["label"], b["count"]) for b in report._bins(large)][-2:] == [
        ("89.1 to < 99", 0),
        ("99", 1),
    ]


def test_an_empty_class_is_a_page() -> None:
    assert list(report.pages([], {})) == ["index.html"]


def test_the_student_reads_points_feedback_and_comments(pages: dict[str, bytes]) -> None:
    page = " ".join(Page(pages["tim.html"]).text.split())
    assert "regraded after office hours" in page
    assert re.search(r"Marked by your instructor; the checks gave \d", page)
    page = " ".join(Page(pages["alan.html"]).text.split())
    assert "1.5 of 2" in page and "But why does it hold" in page
    assert "Because the path is nearly straight" in page
    wrong = next(e for e in graded() if any(q.result.misconception for q in e.questions))
    assert "→ " in Page(pages[f"{wrong.student}.html"]).text
    assert "still has to mark 2 of the points" in Page(pages["sophie.html"]).text


def test_a_right_answer_gets_no_lecture() -> None:
    entry = row("ada", ["right"] * 4 + ["manual"])
    assert "✓" not in Page(report.pages(apply([entry], Overrides(), {}), {})["ada.html"]).text


def test_the_same_file_twice_is_said_and_the_same_blank_is_not() -> None:
    answered, blank = ["right", "wrong", "missing", "missing", "manual"], ["missing"] * 5
    class_ = [
        *(row(name, answered, sha256="a" * 64) for name in ("ada", "alan", "hedy")),
        row("ida", answered, sha256="b" * 64),
        *(row(name, blank, sha256="c" * 64) for name in ("john", "mary")),
        *(row(name, answered, sha256="") for name in ("olga", "tim")),  # could not be read
        *(row(name, answered, sha256=hashlib.sha256(b"").hexdigest()) for name in ("radia", "leo")),
    ]
    entries = apply(class_, Overrides(), QUESTIONS)
    assert report.twins(entries) == [["ada", "alan", "hedy"]]
    made = report.pages(entries, {})
    assert "ada, alan, hedy" in Page(made["index.html"]).texts
    assert "alan" not in Page(made["ada.html"]).text
    alone = report.pages(entries[3:], {})["index.html"]
    assert "The same file" not in Page(alone).text


def test_a_sentence_about_the_file_is_said_once() -> None:
    entry = row(
        "ada", ["missing"] * 5, status="review", review=("A PDF.",), notes=("A PDF.", "Hm.")
    )
    for overrides in (Overrides(), Overrides(students={"ada": StudentOverride(reviewed=True)})):
        page = Page(report.pages(apply([entry], overrides, QUESTIONS), {})["ada.html"])
        assert page.texts.count("A PDF.") == page.texts.count("Hm.") == 1


def test_a_dropped_question_has_no_points_to_count() -> None:
    (entry,) = apply([row("ada", ["right"] * 5)], Overrides({"ddim.step": 0}), QUESTIONS)
    page = Page(report.pages([entry], {})["ada.html"]).text
    assert "This question does not count" in page and "0 of 0" not in page
    made = report.pages(apply(sample_class.rows(), Overrides({"ddim.step": 0}), QUESTIONS), {})
    usual = report.pages(apply(sample_class.rows(), Overrides(), QUESTIONS), {})
    parts = [re.findall(r"\d+ (?:right|wrong)", Page(p["index.html"]).text) for p in (made, usual)]
    assert parts[0] == parts[1] and len(parts[0]) >= 8, "what the checks found is still counted"
    assert "(ddim.step): it does not count" in feedback(entry) and "0 of 0" not in feedback(entry)


def test_a_megabyte_is_cut(pages: dict[str, bytes]) -> None:
    assert max(map(len, pages.values())) < 100_000
    shown = visible("x" * 1_000_000, 20_000)
    assert shown in Page(pages["vera.html"]).texts
    assert "980,000 characters left out" in shown


def test_writing_replaces_and_removes_pages(tmp_path: Path) -> None:
    report.write(tmp_path, graded(), SENTENCES)
    (tmp_path / "mine.html").write_text("<p>notes of the instructor")
    report.write(tmp_path, graded()[1:], SENTENCES)
    names = {path.name for path in tmp_path.iterdir()}
    assert "ada.html" not in names and "alan.html" in names and "mine.html" in names
    assert len(names) == 31


def _contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        line = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * line[0] + 0.7152 * line[1] + 0.0722 * line[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_colours_are_readable_in_light_and_dark() -> None:
    style = (report._TEMPLATES / "style.css").read_text()
    themes = [dict(re.findall(r"--(\w+): (#\w{6});", part)) for part in re.split("@media", style)]
    for theme in themes[:2]:
        assert len(theme) == 11
        for ground in ("page", "raised"):
            for name in ("text", "soft", "link"):
                assert _contrast(theme[name], theme[ground]) >= 4.5
            for name in ("right", "wrong", "missing", "stopped", "open"):
                assert _contrast(theme[name], theme[ground]) >= 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("report")
    report.write(place, sample_class.graded(), SENTENCES)
    return place


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_in_a_browser(browser, folder: Path, scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    context = browser.new_context(viewport={"width": width, "height": 700}, color_scheme=scheme)
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    names = ["index.html", "tim.html", "vera.html", "script_alert_1_script.html"]
    for name in names:
        page.goto((folder / name).as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        grounds = {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 28)"}
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert colour == grounds[scheme], "the policy lets its own style through"
        broken = axe.run(page).response["violations"]
        assert [(found["id"], found["nodes"][0]["html"]) for found in broken] == []
    context.close()
    assert said == []
    assert len(asked) == len(names), "nothing but the pages themselves"
