"""Sections beside the main road are folded on the site, heading outside, and nothing else is."""

from __future__ import annotations

import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

TEXT = """
Chapter
=======

Road
----

On the road.

Beside the road. Variants
-------------------------

First variant.

.. _inner:

Deeper
~~~~~~

Second variant.

Further
-------

Back on the road. See :ref:`inner`.
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    root = tmp_path_factory.mktemp("beside")
    (root / "index.rst").write_text(TEXT)
    (root / "conf.py").write_text(
        "from coursekit import beside\n"
        "def setup(app):\n    beside.connect(app)\n"
    )  # fmt: skip
    with docutils_namespace():  # or every later build in this process would warn
        folders = (root, root, root / "out", root / "doctrees")
        Sphinx(*folders, "html", status=None, warning=None).build()
    return (root / "out/index.html").read_text()


def test_only_what_is_beside_the_road_is_folded(page):
    before, rest = page.split("<details", 1)
    inside, after = rest.split("</details>", 1)
    assert "<details" not in after and "On the road." in before and "Back on the road." in after
    assert "First variant." in inside and "Second variant." in inside
    assert "Beside the road. Variants" in before, "the heading is readable without opening"
    assert "<summary>" in inside


def test_links_and_contents_still_lead_inside(page):
    assert page.count('href="#inner"') >= 1 and 'id="inner"' in page
    assert "Deeper" in page.split("<details")[0] or 'href="#deeper"' in page
