"""The site's bibliography: entries named as the text cites them, "Ho et al., 2020".

A style of pybtex like its ``unsrt``, in the order of authors and years. Two entries that would have
one name get letters behind the year.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pybtex.database import Entry
from pybtex.plugin import register_plugin
from pybtex.richtext import Text
from pybtex.style.formatting.unsrt import Style as UnsrtStyle
from pybtex.style.labels import BaseLabelStyle

NAME = "author_year"
"""What ``bibtex_default_style`` in ``_config.yml`` calls it."""


class AuthorYearLabels(BaseLabelStyle):
    """Family names and the year: of up to two people both, of more the first."""

    def format_labels(self, entries: list[Entry]) -> Iterator[str]:
        """The label of each entry, in order."""
        plain = [_label(entry) for entry in entries]
        times, met = Counter(plain), Counter[str]()
        for label in plain:
            letter = chr(ord("a") + met[label]) if times[label] > 1 else ""
            met[label] += 1
            yield label + letter


def _label(entry: Entry) -> str:
    people = entry.persons.get("author") or entry.persons.get("editor") or []
    families = [" ".join([*person.prelast_names, *person.last_names]) for person in people]
    names = f"{families[0]} et al." if len(families) > 2 else " and ".join(families)
    return f"{Text.from_latex(names or entry.key)}, {entry.fields.get('year', 'no year')}"


class AuthorYearStyle(UnsrtStyle):
    """The entries as ``unsrt`` writes them, sorted and named by author and year."""

    default_label_style = AuthorYearLabels
    default_sorting_style = "author_year_title"


def register() -> None:
    """Make the style known to pybtex; called by ``coursekit.sphinx_ext.setup``."""
    register_plugin("pybtex.style.formatting", NAME, AuthorYearStyle)
