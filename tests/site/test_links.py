"""Links, pictures and numbers of the rendered site, read without a browser."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from site_visits import CHAPTERS, PAGES, ROOT

pytestmark = pytest.mark.slow

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))


def soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@pytest.mark.parametrize("docname", PAGES)
def test_internal_links_lead_somewhere(docname: str, site: Path) -> None:
    page = site / f"{docname}.html"
    ids: dict[Path, set[str]] = {}
    broken = []
    for link in soup(page).find_all(["a", "link", "img", "script"]):
        target = urlsplit(link.get("href") or link.get("src") or "")
        if target.scheme or target.netloc or not (target.path or target.fragment):
            continue
        path = (page.parent / unquote(target.path)).resolve() if target.path else page
        if not path.is_file():
            broken.append(target.geturl())
        elif target.fragment and path.suffix == ".html":
            if path not in ids:
                ids[path] = {node["id"] for node in soup(path).find_all(id=True)}
            if unquote(target.fragment) not in ids[path]:
                broken.append(target.geturl())
    # The theme's own "back to top" link needs no target.
    assert [link for link in broken if link != "#"] == []


@pytest.mark.parametrize("docname", PAGES)
def test_every_picture_has_an_alternative_text(docname: str, site: Path) -> None:
    pictures = soup(site / f"{docname}.html").find("main").find_all("img")
    assert [str(img)[:120] for img in pictures if not (img.get("alt") or "").strip()] == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_colab_opens_a_notebook_that_exists(chapter: str, site: Path) -> None:
    repository = CONFIG["repository"]["url"].removeprefix("https://github.com/")
    branch = CONFIG["repository"]["branch"]
    start = f"https://colab.research.google.com/github/{repository}/blob/{branch}/"
    slug = Path(chapter).name
    for page, notebook in (
        (f"book/{slug}", f"book/{slug}.ipynb"),
        (f"solutions/{slug}", f"exercises/{slug}.ipynb"),
    ):
        button = soup(site / f"{page}.html").find("a", class_="gb-colab")
        assert button["href"] == start + notebook
        assert (ROOT / notebook).is_file()


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_numbers_of_equations_agree_with_the_notebook(chapter: str, site: Path) -> None:
    page = soup(site / f"{chapter}.html")
    on_site = [node.get_text().strip("()#¶ ") for node in page.find_all(class_="eqno")]
    notebook = nbformat.read(ROOT / f"{chapter}.ipynb", as_version=4)
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    in_notebook = re.findall(r"\\tag\{([\d.]+)\}", prose)
    assert on_site == in_notebook
    assert len(on_site) >= 3


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_leads_to_its_exercises(chapter: str, site: Path) -> None:
    card = soup(site / f"{chapter}.html").find(class_="gb-closing")
    assert card.find("a")["href"].endswith(f"solutions/{Path(chapter).name}.html")


def test_the_sitemap_lists_every_page(site: Path) -> None:
    sitemap = (site / "sitemap.xml").read_text(encoding="utf-8")
    base = CONFIG["html"]["baseurl"]
    assert [page for page in PAGES if f"<loc>{base}{page}.html</loc>" not in sitemap] == []


@pytest.mark.parametrize("docname", PAGES)
def test_every_page_asks_for_mistakes_by_its_name(docname: str, site: Path) -> None:
    link = soup(site / f"{docname}.html").select_one(".gb-report a")
    assert link["href"].startswith(CONFIG["repository"]["url"] + "/issues/new?")
    asked = parse_qs(urlsplit(link["href"]).query)
    assert asked["title"] == [f"Mistake on {docname}"]


def test_the_bibliography_is_named_as_the_text_cites(site: Path) -> None:
    labels = [
        node.get_text() for node in soup(site / "book/bibliography.html").select(".citation .label")
    ]
    assert "[Ho et al., 2020]" in labels and len(labels) == len(set(labels)) > 20
    assert [label for label in labels if not re.fullmatch(r"\[.+, \d{4}[a-z]?\]", label)] == []
    cited = soup(site / "book/ddpm.html").select_one('a[href*="bibliography.html#"]')
    assert re.search(r"\d{4}", cited.get_text())


def test_no_page_loads_the_index_that_only_the_search_needs(site: Path) -> None:
    for docname in PAGES:
        scripts = [node["src"] for node in soup(site / f"{docname}.html").select("script[src]")]
        assert [name for name in scripts if re.search("search-?index|minisearch", name)] == []
