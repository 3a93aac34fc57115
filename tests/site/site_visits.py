"""What the browser tests share: the list of pages, and visits that notice what goes wrong."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page, Response, Route

from coursekit import toc
from coursekit.project import Project

PROJECT = Project.find(Path(__file__))
ROOT = PROJECT.root
SITE = Path(os.environ.get("GENBOOK_SITE", ROOT / "_build" / "html"))

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
WIDE = {"width": 1440, "height": 900}

WATCH_SHIFTS = """
window.shifts = [];
new PerformanceObserver(list => list.getEntries().forEach(entry => window.shifts.push({
    value: entry.value,
    moved: entry.sources.map(source => source.node?.className ?? source.node?.nodeName),
}))).observe({type: "layout-shift", buffered: true});
"""


# Pages that Sphinx adds. _modules/… are the sources that the API page links to.
GENERATED = ["genindex", "search"]
PAGES = list(toc.pages(ROOT / "_toc.yml"))  # docnames in reading order
CHAPTERS = [f"book/{slug}" for slug in PROJECT.chapters()]
SHEETS = [f"solutions/{slug}" for slug in PROJECT.slugs()]


@dataclass
class Visit:
    """An open page and what went wrong while it loaded."""

    page: Page
    problems: list[str] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)

    def weights(self) -> dict[str, int]:
        """Bytes that a server with gzip would have sent so far for each file, images left out."""
        found = {}
        for response in self.responses:
            kind = response.header_value("content-type") or ""
            if response.status != 200 or kind.startswith("image/"):
                continue
            body = response.body()
            if "html" in kind:  # pictures inside the page are pictures all the same
                body = re.sub(rb"data:image/[^\"')]*", b"", body)
            name = response.url.rpartition("/")[2]
            found[name] = len(body) if "font" in kind else len(gzip.compress(body))
        return found


class Visitor:
    """Opens pages; every visit has a fresh profile."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser = browser
        self.address = address

    @contextmanager
    def __call__(
        self,
        docname: str,
        size: dict = DESKTOP,
        theme: str = "light",
        script: bool = True,
        query: str = "",
        touch: bool = False,
        watch_shifts: bool = False,
    ) -> Iterator[Visit]:
        """The page `docname`, loaded with its fonts; `window.shifts`, if watched, is what moved."""
        context = self.browser.new_context(
            viewport=size,
            color_scheme=theme,
            java_script_enabled=script,
            has_touch=touch,
            reduced_motion="reduce",
        )
        visit = Visit(context.new_page())
        if watch_shifts:
            context.add_init_script(WATCH_SHIFTS)

        def keep_inside(route: Route) -> None:
            if route.request.url.startswith((self.address, "data:", "blob:")):
                route.continue_()
            else:
                visit.problems.append(f"asks the outside network for {route.request.url}")
                route.abort()

        page = visit.page
        context.route("**/*", keep_inside)
        page.on("pageerror", lambda error: visit.problems.append(f"script error: {error}"))
        page.on(
            "console",
            lambda line: line.type == "error" and visit.problems.append(f"console: {line.text}"),
        )
        page.on(
            "requestfailed",
            lambda request: visit.problems.append(f"failed: {request.url} {request.failure}"),
        )

        def note(response: Response) -> None:
            visit.responses.append(response)
            if response.status >= 400:
                visit.problems.append(f"{response.status}: {response.url}")

        page.on("response", note)
        page.goto(f"{self.address}/{docname}.html{query}", wait_until="load")
        if script:
            page.evaluate("async () => { await document.fonts.ready }")
        try:
            yield visit
        finally:
            context.close()
