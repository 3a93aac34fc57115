"""Every public module of the book's package has a page of its own, listed on the API's index."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import genbook
from coursekit import toc
from coursekit.project import Project

ROOT = Project.find(Path(__file__)).root
API = ROOT / "book" / "api"


def public_modules(package: str = "genbook") -> Iterator[str]:
    """Modules and packages without an underscore; of a package of mere modules, those."""
    for found in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if found.name.startswith("_"):
            continue
        name = f"{package}.{found.name}"
        module = importlib.import_module(name)
        inside = {part.name for part in pkgutil.iter_modules(getattr(module, "__path__", []))}
        if inside and set(module.__all__) <= inside:
            yield from public_modules(name)
        else:
            yield name


def documented() -> dict[str, str]:
    """Each module that a page documents, and the name of the page."""
    return {
        module: path.stem
        for path in sorted(API.glob("*.md"))
        for module in re.findall(r"automodule:: (\S+)", path.read_text("utf-8"))
    }


def test_every_public_module_has_a_page() -> None:
    assert sorted(documented()) == sorted(public_modules())
    for module, page in documented().items():
        assert page == module.removeprefix("genbook.").replace(".", "_")
        title = (API / f"{page}.md").read_text("utf-8").splitlines()[0]
        assert re.fullmatch(rf"# `{re.escape(module)}`: \S.*", title)


def test_the_index_and_the_contents_list_every_page() -> None:
    listed = re.findall(r"^- \[\]\(api/(\w+)\.md\)$", (ROOT / "book" / "api.md").read_text(), re.M)
    assert sorted(listed) == sorted(documented().values())
    pages = [name for name in toc.pages(ROOT / "_toc.yml") if name.startswith("book/api/")]
    assert sorted(pages) == sorted(f"book/api/{name}" for name in listed)


def test_the_walk_sees_modules_inside_a_package_of_modules() -> None:
    found = set(public_modules())
    assert {"genbook.data.digits", "genbook.ddim", "genbook.nn"} <= found
    assert genbook.__name__ == "genbook" and "genbook.data" not in found
