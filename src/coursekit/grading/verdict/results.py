"""Rows of results, and the journal they are written to while grading.

A row is what grading one submission came to, as one JSON object in a line. It holds no time and no
path of the machine: the same submissions and the same seed give the same bytes.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, get_args, get_type_hints

from coursekit.grading.incoming.pictures import URI
from coursekit.grading.incoming.plaintext import one_line
from coursekit.grading.verdict.durable import sync_folder, write_file
from coursekit.project import CourseError

__all__ = [
    "STATUSES",
    "Journal",
    "QuestionResult",
    "Row",
    "dumps",
    "number",
    "read",
]

STATUSES = ("right", "wrong", "missing", "error", "timeout", "crashed", "manual")


@dataclass(frozen=True)
class QuestionResult:
    """What a submission's answer to one question came to.

    Attributes:
        id: ``<slug>.<name>``.
        title: the question's heading.
        points: given by the checks; None until a person marks a question that they cannot.
        possible: the most there is to have.
        status: one of STATUSES.
        misconception: the name of the one recognised.
        message: feedback, plain text.
        answer: what the student wrote, for a question that a person marks.
        pictures: those in the answer, as addresses with the picture in them.
    """

    id: str
    title: str
    points: float | None
    possible: float
    status: str
    misconception: str | None = None
    message: str = ""
    answer: str = ""
    pictures: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _refuse_other_types(self)
        if self.status not in STATUSES:
            raise ValueError(f"status {self.status!r} is none of {', '.join(STATUSES)}")
        if not all(URI.fullmatch(picture) for picture in self.pictures):
            raise ValueError(f"{self.id}: a picture that is no address of one")
        for value in (self.points, self.possible):
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{self.id}: points must be a number ≥ 0, not {value!r}")


@dataclass(frozen=True)
class Row:
    """What grading one submission came to.

    Attributes:
        student: the id, also the name of the student's report.
        file: the submission, relative to the folder of submissions, with slashes.
        sha256: of the submission's bytes, and of weights that were handed in as files.
        assignment: the slug.
        level: what confined the student's code: "bubblewrap", "landlock" or "none".
        seed: a fingerprint of the seed; never the seed.
        status: "graded", or "review" where a person must look.
        review: why a person must look.
        notes: what the student should know about the file.
        questions: in the order of the sheet.
    """

    student: str
    file: str
    sha256: str
    assignment: str
    level: str
    seed: str
    status: str
    review: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    questions: tuple[QuestionResult, ...] = ()

    def __post_init__(self) -> None:
        _refuse_other_types(self)
        if self.status not in ("graded", "review"):
            raise ValueError(f"status {self.status!r} is neither 'graded' nor 'review'")

    @classmethod
    def from_json(cls, line: str | bytes) -> Row:
        """The row that ``dumps`` wrote.

        Raises:
            ValueError: no such row.
        """
        try:
            data = json.loads(line, parse_constant=_refuse_constant)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        if not isinstance(data, dict) or not isinstance(data.get("questions"), list):
            raise ValueError("not an object with questions")
        try:
            for name in ("review", "notes"):
                if isinstance(data.get(name), list):
                    data[name] = tuple(data[name])
            data["questions"] = tuple(map(_result, data["questions"]))
            return cls(**data)
        except TypeError as error:
            raise ValueError(str(error)) from None


def _result(entry: dict[str, Any]) -> QuestionResult:
    pictures = entry.get("pictures", [])
    if not isinstance(pictures, list):
        raise ValueError("pictures cannot be anything but a list")
    return QuestionResult(**{**entry, "pictures": tuple(pictures)})


def dumps(row: Row) -> str:
    """A row as one line of ASCII, with its newline: lone surrogates survive as escapes."""
    data = asdict(row)
    for entry in data["questions"]:
        entry["points"] = number(entry["points"])
        entry["possible"] = number(entry["possible"])
        if not entry["pictures"]:
            del entry["pictures"]
    return json.dumps(data, allow_nan=False, separators=(", ", ": ")) + "\n"


def number(value: float | None) -> float | None:
    """``value`` as it is written: 2 and not 2.0, and not 0.30000000000000004."""
    if value is None:
        return None
    rounded = round(float(value), 6)
    return int(rounded) if rounded.is_integer() else rounded


def read(path: Path) -> list[Row]:
    """The rows of a results file, sorted by student; for one student and file the last counts.

    A torn last line is left out.

    Raises:
        CourseError: the file cannot be read, or a line is no row; the message has its number.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise CourseError(f"there is no {path.name} in {path.parent}: nothing is graded") from None
    rows, _ = _parse(data, path.name)
    return _sorted(rows)


class Journal:
    """The results file of a run: rows are appended and are on the disk when ``append`` returns.

    One process writes. It can be killed at any moment: opening the file again cuts a torn last
    line.

    Args:
        path: the file, made where there is none.

    Raises:
        CourseError: a line before the last is no row.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        data = path.read_bytes() if path.is_file() else b""
        rows, whole = _parse(data, path.name)
        self._rows = {(row.student, row.sha256): row for row in rows}
        path.parent.mkdir(parents=True, exist_ok=True)
        new = not path.exists()
        self._file: BinaryIO = path.open("ab")
        if whole < len(data):
            self._file.truncate(whole)
            self._sync()
        if new:
            sync_folder(path.parent)

    @property
    def rows(self) -> list[Row]:
        """All rows, sorted by student."""
        return _sorted(self._rows.values())

    def __contains__(self, key: tuple[str, str]) -> bool:
        """Whether the submission with this (student, sha256) has its row."""
        return key in self._rows

    def append(self, row: Row) -> None:
        """Write a row; it replaces an earlier one of the same student and file."""
        self._file.write(dumps(row).encode("ascii"))
        self._sync()
        self._rows[row.student, row.sha256] = row

    def finish(self, keep: Collection[tuple[str, str]] | None = None) -> list[Row]:
        """Rewrite the file sorted by student, with one row a submission, and close it.

        Args:
            keep: the (student, sha256) of the submissions there are now; rows of others, of a file
                that has since been replaced, are dropped. None keeps all.

        Returns:
            The rows, as they are in the file.
        """
        self.close()
        rows = [row for row in self.rows if keep is None or (row.student, row.sha256) in keep]
        write_file(self.path, "".join(map(dumps, rows)).encode("ascii"))
        return rows

    def close(self) -> None:
        """Close the file as it is; ``finish`` rewrites it first."""
        self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())


def _parse(data: bytes, name: str) -> tuple[list[Row], int]:
    """The rows of a file, and how many of its bytes hold them: all but a torn last line."""
    rows: list[Row] = []
    whole = 0
    lines = data.split(b"\n")
    tail = lines.pop()
    for count, line in enumerate(lines, 1):
        try:
            rows.append(Row.from_json(line))
        except ValueError as error:
            # After a power cut a block of the last line may be missing though its end is there.
            if count == len(lines) and not tail:
                break
            message = f"{name}:{count}: not a row of results: {one_line(str(error))}"
            raise CourseError(f"{message}. Delete this line to grade it again.") from None
        whole += len(line) + 1
    return rows, whole


def _sorted(rows: Iterable[Row]) -> list[Row]:
    latest = {(row.student, row.sha256): row for row in rows}
    return [latest[key] for key in sorted(latest)]


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of points")


_HINTS: dict[type, dict[str, Any]] = {}


def _refuse_other_types(item: QuestionResult | Row) -> None:
    """A row comes from a file that anybody may have edited: no text where a number is expected."""
    hints = _HINTS.setdefault(type(item), get_type_hints(type(item)))
    for field in fields(item):
        value, hint = getattr(item, field.name), hints[field.name]
        kinds = get_args(hint) if hint in (float | None, str | None) else (hint,)
        if float in kinds:
            good = (value is None and type(None) in kinds) or type(value) in (int, float)
        elif str in kinds:
            good = (value is None and type(None) in kinds) or type(value) is str
        else:
            inner = get_args(hint)[0]
            good = type(value) is tuple and all(isinstance(part, inner) for part in value)
        if not good:
            raise ValueError(f"{field.name} cannot be {type(value).__name__}")
