"""Pages for people: one a student with feedback, and one of the class for its instructor.

Names, messages and answers come from strangers. Every text is shown by ``plaintext.visible`` and
escaped by the templates; the pages carry a policy that allows one style sheet, known by its hash,
and pictures that are in the page itself: no script, no request. They hold no time and no path.
"""

from __future__ import annotations

import base64
import hashlib
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from coursekit.grading.incoming.names import safe_ids
from coursekit.grading.incoming.plaintext import one_line, visible
from coursekit.grading.outgoing.overrides import Change, Graded, GradedQuestion
from coursekit.grading.verdict.durable import write_file
from coursekit.grading.verdict.results import number

__all__ = ["LEVELS", "pages", "twins", "write"]

LEVELS = {
    "bubblewrap": (
        "every submission ran alone in namespaces of its own and under the kernel's Landlock and "
        "seccomp filters, where they exist: no network, no new processes, no files but its own, "
        "limits on memory, time, threads and disk."
    ),
    "landlock": (
        "every submission ran under the kernel's Landlock and seccomp filters, without namespaces: "
        "no network, no new processes, no files but its own, limits on memory, time, threads and "
        "disk. It could see that other processes exist, but not touch them."
    ),
    "none": (
        "submissions ran with the rights of the person who graded (--unsafe). The points are only "
        "worth as much as the students are trusted."
    ),
}
"""What each level of confinement means, in a sentence."""

_TEMPLATES = Path(__file__).parents[2] / "templates" / "grading"
_GENERATOR = b'<meta name="generator" content="coursekit grade">'
_EMPTY = hashlib.sha256(b"").hexdigest()
_LONGEST = 20_000  # characters of one text on a page
_WORDS = {
    "right": "Right",
    "wrong": "Not right yet",
    "missing": "No answer found",
    "error": "The code stopped with an error",
    "timeout": "Stopped: it took too long",
    "crashed": "The answer ended the program it ran in",
    "manual": "Read by a person",
}
_STOPPED = ("error", "timeout", "crashed")


def write(
    folder: Path, graded: Sequence[Graded], misconceptions: Mapping[str, Mapping[str, str]]
) -> None:
    """Write all pages, and remove those of students that are no longer there."""
    made = pages(graded, misconceptions)
    for name, data in made.items():
        write_file(folder / name, data)
    for path in sorted(folder.glob("*.html")):
        if path.name not in made and _GENERATOR in path.read_bytes()[:2000]:
            path.unlink()


def pages(
    graded: Sequence[Graded], misconceptions: Mapping[str, Mapping[str, str]]
) -> dict[str, bytes]:
    """The files of the report by name: ``index.html`` and one a student.

    Args:
        graded: the class, in the order to show.
        misconceptions: the sentences by question id and name.
    """
    names = {s: f"{safe}.html" for s, safe in safe_ids([e.student for e in graded]).items()}
    made = {"index.html": _render("index.html", _class(graded, names, misconceptions))}
    for entry in graded:
        made[names[entry.student]] = _render("student.html", _student(entry))
    return made


def twins(graded: Sequence[Graded]) -> list[list[str]]:
    """Students whose files are equal byte by byte, but for empty ones and blank sheets."""
    alike: dict[str, list[str]] = {}
    for entry in graded:
        if entry.row.sha256 not in ("", _EMPTY) and any(
            q.result.status != "missing" for q in entry.questions
        ):
            alike.setdefault(entry.row.sha256, []).append(entry.student)
    return [names for names in alike.values() if len(names) > 1]


def _render(template: str, values: Mapping[str, Any]) -> bytes:
    style = (_TEMPLATES / "style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    text = (
        _environment()
        .get_template(template)
        .render(style=Markup(style), style_hash=f"sha256-{digest}", **values)
    )
    return text.encode("utf-8")


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _shown(value: object) -> object:
    """What a template prints: every text is made visible and short enough, wherever it is used."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return visible(value, _LONGEST)
    return value


def _student(entry: Graded) -> dict[str, Any]:
    return {
        "entry": entry,
        "pictured": any(question.result.pictures for question in entry.questions),
        "assignment": entry.row.assignment,
        "questions": [_feedback(question) for question in entry.questions],
    }


def _feedback(question: GradedQuestion) -> dict[str, Any]:
    result = question.result
    words = _WORDS[result.status]
    if question.by == "instructor":
        before = "" if result.points is None else f"; the checks gave {number(result.points)}"
        words = f"Marked by your instructor{before}"
    elif question.possible == 0:
        words = "This question does not count"
    full = question.points is not None and question.points >= question.possible
    # What the checks say of a right answer, or of one a person reads, adds nothing.
    quiet = result.status == "manual" or (full and result.status == "right")
    return {
        "id": result.id,
        "title": result.title or result.id,
        "kind": _kind(question) if question.possible else "missing",
        "points": f"{_mark(question)} of {question.possible}" if question.possible else "–",
        "words": words,
        "message": "" if quiet else result.message.strip("\n"),
        "answer": result.answer.strip("\n"),
        "pictures": [Markup(picture) for picture in result.pictures],  # addresses, checked as such
        "comment": question.comment,
    }


def _kind(question: GradedQuestion) -> str:
    """The group a question is counted in: right, wrong, missing, stopped or open.

    Of a dropped question, what the checks found is still news for the instructor.
    """
    dropped = question.possible == 0 and question.result.status != "manual"
    if question.points is None:
        return "open"
    if question.result.status == "right" if dropped else question.points >= question.possible:
        return "right"
    if question.by == "checks" and question.result.status in _STOPPED:
        return "stopped"
    return "missing" if question.result.status == "missing" else "wrong"


def _mark(question: GradedQuestion) -> str:
    return "?" if question.points is None else str(question.points)


def _class(
    graded: Sequence[Graded],
    names: Mapping[str, str],
    misconceptions: Mapping[str, Mapping[str, str]],
) -> dict[str, Any]:
    ids = list(dict.fromkeys(q.result.id for entry in graded for q in entry.questions))
    entries = [_line(entry, ids, names) for entry in graded]
    levels = Counter(entry.row.level for entry in graded)
    totals = [entry.total for entry in graded]
    return {
        "pictured": False,
        "assignment": ", ".join(sorted({entry.row.assignment for entry in graded})),
        "seeds": sorted({entry.row.seed for entry in graded}),
        "entries": entries,
        "counts": Counter(entry.status for entry in graded),
        "median": number(statistics.median(totals)) if totals else None,
        "possible": max((entry.possible for entry in graded), default=0),
        "reviews": [line for line in entries if line["reason"]],
        "twins": [", ".join(one_line(name, 100) for name in alike) for alike in twins(graded)],
        "bins": _bins(graded),
        "questions": [_question(name, graded, misconceptions.get(name, {})) for name in ids],
        "changes": _changes(graded),
        "levels": [
            {
                "name": name,
                "count": levels[name],
                "words": LEVELS.get(name, "unknown here."),
            }
            for name in sorted(levels)
        ],
    }


def _line(entry: Graded, ids: Sequence[str], names: Mapping[str, str]) -> dict[str, Any]:
    reason = "; ".join(entry.row.review) or "no reason given"
    shown = {q.result.id: _mark(q) + "*" * (q.by == "instructor") for q in entry.questions}
    return {
        "student": entry.student,
        "href": quote(names[entry.student], safe=""),
        "total": entry.total,
        "possible": entry.possible,
        "status": entry.status,
        "reason": reason if entry.needs_review else "",
        "points": [shown.get(name, "–") for name in ids],
    }


def _question(name: str, graded: Sequence[Graded], sentences: Mapping[str, str]) -> dict[str, Any]:
    found = [q for entry in graded for q in entry.questions if q.result.id == name]
    counts = Counter(map(_kind, found))
    known = Counter(q.result.misconception for q in found if q.result.misconception is not None)
    manual = any(q.result.status == "manual" for q in found)
    words = {
        "right": "with all points" if manual else "right",
        "wrong": "with some points or none" if manual else "wrong",
        "missing": "without an answer",
        "stopped": "stopped with an error, by a limit or a crash",
        "open": "to mark",
    }
    parts = []
    start = 0.0
    for kind, text in words.items():
        if counts[kind]:
            width = 100 * counts[kind] / len(found)
            part = {"kind": kind, "words": text, "count": counts[kind]}
            parts.append({**part, "start": f"{start:.3f}", "width": f"{width:.3f}"})
            start += width
    maxima = sorted({q.possible for q in found})
    ranked = sorted(known.items(), key=lambda item: (-item[1], item[0]))
    return {
        "id": name,
        "short": name.partition(".")[2] or name,
        "title": next((q.result.title for q in found if q.result.title), name),
        "possible": f"{', '.join(map(str, maxima))} point{'' if maxima == [1] else 's'}",
        "parts": parts,
        "misconceptions": [
            {"name": key, "count": count, "sentence": sentences.get(key, "")}
            for key, count in ranked
        ],
    }


def _bins(graded: Sequence[Graded]) -> list[dict[str, Any]]:
    """How many students have how many points: one bar a point, or ten bars of a class of tests."""
    possible = max((entry.possible for entry in graded), default=0)
    steps = int(possible) if 1 <= possible <= 20 else 10
    width = possible / steps
    counts = [0] * (steps + 1)
    for entry in graded:
        counts[min(steps, int(entry.total / width + 1e-9)) if width else 0] += 1
    highest = max(counts) or 1
    bins = []
    for i, count in enumerate(counts):
        low, high = number(i * width), number((i + 1) * width)
        exact = width == 1 and all(float(entry.total).is_integer() for entry in graded)
        label = str(low) if exact or i == steps else f"{low} to < {high}"
        bins.append({"label": label, "count": count, "width": f"{100 * count / highest:.2f}"})
    return bins


def _changes(graded: Sequence[Graded]) -> list[dict[str, str]]:
    """What a person changed; what is the same for all students is said once."""
    listed = [(entry.student, change) for entry in graded for change in entry.changes]
    common = {change: None for _, change in listed if ": points: " in change.by}
    own = [(student, change) for student, change in listed if change not in common]
    return [_change("everybody", change) for change in common] + [
        _change(student, change) for student, change in own
    ]


def _change(student: str, change: Change) -> dict[str, str]:
    before = "" if change.before is None else f" {change.before} →"
    what = f"{change.what}:{before} {change.after}"
    return {"student": student, "what": one_line(what, 200), "by": one_line(change.by)}
