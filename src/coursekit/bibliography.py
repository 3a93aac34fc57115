"""The bibliography as notebooks show it: "Ho et al. (2020)" in the text, a list at the end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pybtex.database import BibliographyDataError, Entry, Person, parse_string
from pybtex.exceptions import PybtexError
from pybtex.richtext import Text

from coursekit.source import SourceError


@dataclass(frozen=True)
class Work:
    """One entry of ``references.bib``, as plain text.

    ``authors`` are family names; ``url`` is empty when the entry has neither doi, url nor eprint.
    """

    key: str
    authors: tuple[str, ...]
    initials: tuple[str, ...]
    year: str
    title: str
    venue: str
    url: str

    @property
    def names(self) -> str:
        """ "Ho et al.", "Ho and Salimans" or "Vincent"."""
        if len(self.authors) > 2:
            return f"{self.authors[0]} et al."
        return " and ".join(self.authors)

    @property
    def reference(self) -> str:
        """The entry of the list at the notebook's end, in Markdown."""
        people = [
            f"{family}, {initials}" if initials else family
            for family, initials in zip(self.authors, self.initials, strict=True)
        ]
        listed = ", ".join(people[:-1]) + " and " + people[-1] if len(people) > 1 else people[0]
        title = f"[*{self.title}*]({self.url})" if self.url else f"*{self.title}*"
        venue = f" {self.venue}." if self.venue else ""
        return f"{listed} ({self.year}). {title}.{venue}"


def load(path: Path) -> dict[str, Work]:
    """All works of a BibTeX file by key; raises ``SourceError`` for syntax, duplicates, gaps."""
    if not path.is_file():
        raise SourceError(path, 1, "_config.yml names this bibliography, but it does not exist")
    text = path.read_text("utf-8")
    try:
        entries = parse_string(text, "bibtex").entries
    except BibliographyDataError as error:
        key = str(error).rsplit(" ", 1)[-1]
        raise SourceError(path, _line(text, key, last=True), str(error)) from None
    except PybtexError as error:
        raise SourceError(path, getattr(error, "lineno", None) or 1, str(error)) from None
    return {key: _work(key, entry, path, _line(text, key)) for key, entry in entries.items()}


def _work(key: str, entry: Entry, path: Path, line: int) -> Work:
    people = entry.persons.get("author") or entry.persons.get("editor") or []
    fields = {name: _plain(value) for name, value in entry.fields.items()}
    for name, present in (("author", people), ("year", fields.get("year"))):
        if not present:
            raise SourceError(path, line, f"the entry '{key}' has no {name}")
    if "title" not in fields:
        raise SourceError(path, line, f"the entry '{key}' has no title")
    return Work(
        key=key,
        authors=tuple(_family(person) for person in people),
        initials=tuple(_initials(person) for person in people),
        year=fields["year"],
        title=fields["title"],
        venue=fields.get("journal") or fields.get("booktitle") or fields.get("publisher") or "",
        url=_url(entry.fields),
    )


def _url(fields: dict[str, str]) -> str:
    if "doi" in fields:
        return "https://doi.org/" + fields["doi"]
    if "url" in fields:
        return fields["url"]
    return "https://arxiv.org/abs/" + fields["eprint"] if "eprint" in fields else ""


def _family(person: Person) -> str:
    return _plain(" ".join(person.prelast_names + person.last_names))


def _initials(person: Person) -> str:
    names = [_plain(name) for name in person.first_names + person.middle_names]
    return " ".join("-".join(part[0] + "." for part in name.split("-") if part) for name in names)


def _plain(latex: str) -> str:
    return " ".join(str(Text.from_latex(latex)).split()) if latex else ""


def _line(text: str, key: str, last: bool = False) -> int:
    found = list(re.finditer(rf"@\w+\s*\{{\s*{re.escape(key)}\s*,", text, re.IGNORECASE))
    return text.count("\n", 0, found[-1 if last else 0].start()) + 1 if found else 1
