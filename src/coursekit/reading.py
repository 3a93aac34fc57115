"""What the cards of the site and of the notebooks share: time to read, and where Colab opens."""

from __future__ import annotations

import math
import re

WORDS_PER_MINUTE = 180
"""Pace of reading prose; each displayed equation and each code cell counts as 40 words more."""


def minutes(text: str) -> int:
    """Minutes to read a page's MyST ``text`` (without its header), at least 1."""
    prose = re.sub(r"```\{code-cell\}.*?```", " ", text, flags=re.DOTALL)
    pauses = len(re.findall(r"\$\$|\{math\}", prose)) // 2 + text.count("{code-cell}")
    words = len(re.findall(r"[^\W\d_]{2,}", prose)) + 40 * pauses
    return max(1, math.ceil(words / WORDS_PER_MINUTE))


def colab_url(repository: str, branch: str, notebook: str) -> str:
    """Where Colab opens a notebook of a GitHub repository.

    ``repository`` is ``https://github.com/<owner>/<name>``; raises `ValueError` for another host.
    """
    host = "https://github.com/"
    if not repository.startswith(host):
        raise ValueError(f"repository.url of _config.yml must begin with {host}, not {repository}")
    name = repository.removeprefix(host).strip("/")
    return f"https://colab.research.google.com/github/{name}/blob/{branch}/{notebook}"
