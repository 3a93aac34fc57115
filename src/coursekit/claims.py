"""Claims and their checks: nothing labelled ``eq-`` or ``claim-`` without a cell that verifies it.

``book/claims.json`` remembers a hash of each claim's LaTeX and of the code that checks it: its own
calls of ``verify`` and what they use, back through the chapter. When the LaTeX has changed and that
code has not, the check may no longer check what the page says: the derivation refuses until the
code changes too, or a person confirms that it still fits. It also refuses a claim that turned into
a definition, or into a formula without a label, and so would need no check any more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat

from coursekit import printed
from coursekit.calls import METHODS, checks
from coursekit.project import Project, write_atomically
from coursekit.references import load
from coursekit.source import Source, SourceError, blocks, directive, read

_FILE = Path("book") / "claims.json"
_PROVEN = ("eq-", "claim-")


@dataclass(frozen=True)
class Label:
    """A labelled equation or headline: its LaTeX (or text) and the line of the source."""

    name: str
    latex: str
    line: int


@dataclass(frozen=True)
class Entry:
    """One row of the equation ledger.

    Attributes:
        label: ``eq-ddim-update``.
        method: how it is verified, in words.
        slug, path, title: the chapter and its source relative to the root, ``book/ddim.md``.
        number: ``2.3`` as printed beside the equation; empty for headlines.
        latex: the formula, or the text of a headline.
        printed: the lines its checks printed when the chapter was last executed.
        rejects: the near mistakes that its checks refuse, by name.
        url: of the equation, relative to the root of the site.
    """

    label: str
    method: str
    slug: str
    path: str
    title: str
    number: str
    latex: str
    printed: tuple[str, ...]
    url: str
    rejects: tuple[str, ...] = ()


def labels(source: Source) -> list[Label]:
    """Every labelled equation and headline of a chapter, in order.

    Raises:
        SourceError: a label that does not begin with ``def-``, ``eq-`` or ``claim-`` and the slug.
    """
    found = [label for label in _formulas(source) if label.name]
    for label in found:
        accepted = [f"{kind}-{source.slug}-" for kind in ("def", "eq", "claim")]
        if not label.name.startswith(tuple(accepted)):
            message = f"label '{label.name}' must begin with one of {', '.join(accepted)}"
            raise SourceError(source.path, label.line, message)
    return found


def unmatched(source: Source) -> list[SourceError]:
    """Claims without a check and checks without a claim, as errors with their lines."""
    known = {label.name: label for label in labels(source)}
    checked = {check.label for check in checks(source)}
    problems = [
        SourceError(source.path, label.line, f"the claim '{label.name}' has no check")
        for label in known.values()
        if label.name.startswith(_PROVEN) and label.name not in checked
    ]
    problems += [
        SourceError(source.path, check.line, f"a check of '{check.label}', which is no label here")
        for check in checks(source)
        if check.label not in known
    ]
    problems += [
        SourceError(
            source.path, check.line, f"the check of '{check.label}' is empty: {check.empty}"
        )
        for check in checks(source)
        if check.empty
    ]
    return problems


def hashes(source: Source) -> dict[str, dict[str, str]]:
    """What ``claims.json`` stores of a chapter's checked claims."""
    by_label: dict[str, list[str]] = {}
    for check in checks(source):
        by_label.setdefault(check.label, []).append(check.hash)
    return {
        label.name: {
            "chapter": source.slug,
            "latex": _hash(label.latex),
            "check": _hash(" ".join(by_label[label.name])),
        }
        for label in labels(source)
        if label.name in by_label
    }


def refuse_unconfirmed(root: Path, source: Source, confirmed: Iterable[str] = ()) -> None:
    """Stop where a formula changed under a check that did not.

    Raises:
        SourceError: such a label that is not among ``confirmed``.
    """
    old, new = stored(root), hashes(source)
    lines = {label.name: label.line for label in labels(source)}
    for name, entry in new.items():
        before = old.get(name, entry)
        changed = before["latex"] != entry["latex"] and before["check"] == entry["check"]
        if changed and name not in confirmed:
            message = (
                f"'{name}' changed but its check did not: change the check too, or, if it still "
                f"checks what the page says: coursekit notebooks {source.slug} --confirm {name}"
            )
            raise SourceError(source.path, lines[name], message)
    _refuse_demoted(source, old, set(new), set(confirmed))


def _refuse_demoted(
    source: Source, old: dict[str, dict[str, str]], now: set[str], confirmed: set[str]
) -> None:
    """Stop where a claim is on the page still, but no longer as one that has to be checked."""
    formulas = [label for label in _formulas(source) if not label.name.startswith(_PROVEN)]
    for name, entry in old.items():
        if entry["chapter"] != source.slug or name in now or name in confirmed:
            continue
        definition = "def-" + name.partition("-")[2]
        for formula in formulas:
            if formula.name == definition or _hash(formula.latex) == entry["latex"]:
                became = f"the definition '{formula.name}'" if formula.name else "without a label"
                message = (
                    f"the claim '{name}' has become {became} and lost its check. If it claims "
                    "nothing and never did, say so: "
                    f"coursekit notebooks {source.slug} --confirm {name}"
                )
                raise SourceError(source.path, formula.line, message)


def stored(root: Path) -> dict[str, dict[str, str]]:
    """The contents of ``book/claims.json``."""
    path = root / _FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def text(root: Path) -> str:
    """The text of ``book/claims.json``, empty where there is none."""
    path = root / _FILE
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def updated(root: Path, sources: Iterable[Source], slugs: Iterable[str]) -> str:
    """The text of ``claims.json`` with the entries of ``sources`` replaced.

    Entries of chapters that are not among ``slugs`` (removed ones) are dropped.
    """
    fresh = {source.slug: hashes(source) for source in sources}
    kept = {
        name: entry
        for name, entry in stored(root).items()
        if entry["chapter"] not in fresh and entry["chapter"] in set(slugs)
    }
    merged = kept | {name: entry for group in fresh.values() for name, entry in group.items()}
    return json.dumps(merged, indent=1, sort_keys=True) + "\n"


def write(root: Path, text: str) -> None:
    """Store ``text`` as ``book/claims.json``."""
    write_atomically(root / _FILE, text)


def ledger(root: str | Path) -> list[Entry]:
    """The equation ledger: every checked claim of the book, in its order."""
    project = Project(Path(root))
    book = load(project.root)
    entries = []
    order = list(book.pages)
    chapters = [slug for slug in project.slugs() if "book" in project.sources(slug)]
    for slug in sorted(chapters, key=lambda slug: order.index(f"book/{slug}")):
        source = read(project.chapter(slug))
        methods = {check.label: METHODS[check.method] for check in reversed(checks(source))}
        rejects: dict[str, list[str]] = {}
        for check in checks(source):
            rejects.setdefault(check.label, []).extend(check.rejects)
        path = project.notebook("book", slug)
        stored_lines = printed.of_notebook(nbformat.read(path, 4)) if path.is_file() else {}
        for label in labels(source):
            if label.name not in methods:
                continue
            place = book.label(label.name, source.path, label.line)
            headline = label.name.startswith("claim-")
            entries.append(
                Entry(
                    label=label.name,
                    method=methods[label.name],
                    slug=slug,
                    path=project.relative(source.path),
                    title=book.titles[place.docname],
                    number="" if headline else place.number,
                    latex=label.latex,
                    printed=stored_lines.get(label.name, ()),
                    url=f"{place.docname}.html#{place.anchor}",
                    rejects=tuple(dict.fromkeys(rejects[label.name])),
                )
            )
    return entries


def _formulas(source: Source) -> list[Label]:
    """Every displayed formula and headline of a chapter; those without a label have no name."""
    return [
        label
        for cell in source.cells
        if cell.kind == "markdown"
        for label in _labels(cell.text, source.path, cell.line)
    ]


def _labels(text: str, path: Path, line: int) -> Iterator[Label]:
    for token in blocks(text, path, line):
        if token.map is None:
            continue
        if token.type == "math_block_label":
            yield Label(token.info, token.content.strip(), line + token.map[0])
        elif token.type in ("math_block", "amsmath"):
            yield Label("", token.content.strip(), line + token.map[0])
        elif token.type in ("fence", "colon_fence"):
            found = directive(token, path, line)
            if found is None or found.name in ("code-block", "literalinclude"):
                continue
            name = found.options.get("label", "")
            headline = found.name.startswith("prf:") and name.startswith("claim-")
            if headline or found.name == "math":
                yield Label(name, found.body.strip(), found.line)
            if found.name != "math":
                yield from _labels(found.body, path, found.body_line)


def _hash(text: str) -> str:
    """A short hash that spaces do not change."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:16]
