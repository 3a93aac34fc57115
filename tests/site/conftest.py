"""A real browser over the rendered site, with the outside network cut.

The site is the one `make book` renders. Without it, or without a Chromium, these tests skip and say
so; with CI set they fail instead.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from one_browser import absent
from playwright.sync_api import Browser
from site_visits import SITE, Visitor


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the rendered site."""
    if not (SITE / "index.html").is_file():
        absent(f"no site in {SITE}: run `make book` first")
    return SITE


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """The site served on localhost."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


@pytest.fixture(scope="session")
def visit(browser: Browser, address: str) -> Visitor:
    """`with visit("book/ddim") as seen:` opens a page."""
    return Visitor(browser, address)
