"""The search: chapters' sections first, prose in the excerpts, links to sections."""

from __future__ import annotations

import pytest
from site_visits import SITE, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TEXT = 16_000
"""Bytes of the searched text, with gzip, for each page beside the API and the sheets."""

RESULTS = """() => [...document.querySelectorAll('#search-results li')].map(item => ({
    href: item.querySelector('a').getAttribute('href'),
    words: item.querySelector('p').textContent,
    marked: [...item.querySelectorAll('mark')].map(mark => mark.textContent),
}))"""


def results(visit: Visitor, query: str) -> list[dict]:
    with visit("search", query=f"?q={query}") as seen:
        found = seen.page.evaluate(RESULTS)
        assert seen.problems == []
        assert query in seen.page.inner_text("#search-status")
        return found


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("cosine schedule", "book/ddpm.html#beside-the-road-schedules"),
        ("slerp", "book/ddim.html#step-10-walking-between-two-codes"),
        ("Fréchet", "book/evaluation.html#step-3-the-frechet-distance"),
        ("frechet", "book/evaluation.html#step-3-the-frechet-distance"),
        ("posterior", "book/gaussians.html#step-5-a-bound-on-what-we-cannot-compute"),
    ],
)
def test_the_chapter_that_explains_it_comes_first(query: str, first: str, visit: Visitor) -> None:
    found = results(visit, query)
    assert found[0]["href"].startswith(first)
    kinds = [hit["href"].startswith(("book/api/", "book/glossary", "solutions/")) for hit in found]
    chapters = [hit for hit, other in zip(found, kinds, strict=True) if not other]
    assert chapters and not any(kinds[: kinds.index(True) if True in kinds else None])


def test_names_are_found_after_chapters(visit: Visitor) -> None:
    found = [hit["href"] for hit in results(visit, "slerp")]
    assert found.index("book/api/ddim.html#genbook.ddim.slerp") > 0


def test_excerpts_are_prose_with_the_words_marked(visit: Visitor) -> None:
    for hit in results(visit, "variance")[:20]:
        assert not any(sign in hit["words"] for sign in ("\\frac", "$", "def ", "import "))
        assert all(mark.lower().startswith(("varianc", "varian")) for mark in hit["marked"])


def test_a_word_that_is_nowhere_and_markup_are_no_trouble(visit: Visitor) -> None:
    assert results(visit, "zzzzqqq") == []
    assert results(visit, "<b>zzzzqqq</b>") is not None


def test_every_result_leads_to_a_place(visit: Visitor) -> None:
    for hit in results(visit, "noise"):
        page, _, anchor = hit["href"].partition("#")
        text = (SITE / page).read_text("utf-8")
        assert not anchor or f'id="{anchor}"' in text


def test_the_text_of_the_book_is_loaded_by_those_who_search(visit: Visitor) -> None:
    with visit("search") as seen:
        assert not [name for name in seen.weights() if name.startswith("search-index")]
    with visit("search", query="?q=score") as seen:
        weights = seen.weights()
        (index,) = (size for name, size in weights.items() if name.startswith("search-index"))
        print(f"the text {index / 1000:.0f} kB, with the page {sum(weights.values()) / 1000:.0f}")
        assert index <= TEXT * len(list((SITE / "book").glob("*.html")))


def test_text_that_does_not_load_is_said(visit: Visitor) -> None:
    with visit("search") as seen:
        page = seen.page
        page.route("**/search-index.js*", lambda route: route.abort())
        page.goto(f"{page.url}?q=score")
        page.wait_for_function(
            "document.getElementById('search-status').textContent.includes('did not load')"
        )
