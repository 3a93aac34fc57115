"""Who the students are: the class as a learning platform knows it.

A roster (``--roster FILE``) is a CSV file with a header that says who the students are. The
simplest has a column ``student`` with the ids of the grade book; the gradebook that Canvas exports
and the grading worksheet that Moodle exports are rosters, too, as they are. Columns are known by
these names, in upper or lower case, and others are ignored:

    student         the id that the grade book uses
    name            full name ("Student" in Canvas' file, "Full name" in Moodle's)
    ID              Canvas' number of the person, also in the names of downloaded files
    SIS User ID, SIS Login ID, Section                     as Canvas exports them
    Identifier      "Participant 1234567", Moodle's number, also in the names of downloaded folders
    Email address, Status, Maximum Grade, Grade can be changed,
    Last modified (submission), Last modified (grade)      as Moodle exports them

A line belongs to a student if the id, Canvas' or Moodle's number, the login, the part of the
address before the @, or the name agrees, tried in this order. A column of Canvas' file whose
heading is the assignment's, with the number that Canvas puts behind it, keeps its heading in the
export, so that the import finds the assignment.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from coursekit.grading.incoming.names import identity, plain_name
from coursekit.grading.incoming.plaintext import one_line
from coursekit.project import CourseError

__all__ = ["Roster"]

_LIMIT = 20_000_000


@dataclass(frozen=True)
class Roster:
    """Who the students are: lines of a CSV file, with lower-case headings."""

    headings: tuple[str, ...] = ()
    people: tuple[Mapping[str, str], ...] = ()
    _found: dict[str, Mapping[str, str]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def load(cls, path: Path) -> Roster:
        """The roster in a file.

        Raises:
            CourseError: no such file, or no CSV with a header that names people.
        """
        try:
            data = path.read_bytes()[: _LIMIT + 1]
        except OSError as error:
            raise CourseError(f"{path.name} cannot be read: {error.strerror}") from None
        return cls.parse(data, path.name)

    @classmethod
    def parse(cls, data: bytes, name: str) -> Roster:
        """``load`` of the bytes of a file called ``name``."""
        if len(data) > _LIMIT:
            raise CourseError(f"{name} is larger than {_LIMIT // 1_000_000} MB")
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", errors="replace")  # what Excel saves as "CSV"
        first = text.partition("\n")[0]
        separator = max(",;\t", key=first.count)
        try:
            lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
        except csv.Error as error:
            raise CourseError(f"{name}: no CSV file: {error}") from None
        headings = tuple(one_line(heading) for heading in lines[0]) if lines else ()
        keys = [heading.lower() for heading in headings]
        if not {"student", "name", "full name", "id", "identifier", "sis login id"} & set(keys):
            raise CourseError(
                f"{name}:1: the first line must be a header with one of the columns "
                "student, name, ID, SIS Login ID, Full name or Identifier"
            )
        people = []
        for line in lines[1:]:
            person = {key: one_line(value) for key, value in zip(keys, line, strict=False)}
            if any(person.values()) and not line[0].strip().startswith("Points Possible"):
                people.append(person)
        return cls(headings, tuple(people))

    def person(self, student: str, file: str) -> Mapping[str, str]:
        """The line of a student whose submission is ``file``; empty where the roster has none.

        Where nothing else agrees, a name counts only if nobody else has it.
        """
        if not self._found:
            for kind in ("student", "id", "identifier", "sis login id", "email address", "name"):
                self._index(kind)
        who = identity(file)
        keys = [("student", student)]
        if who.canvas:
            keys.append(("id", who.canvas))
        if who.moodle:
            keys.append(("identifier", who.moodle))
        keys += [(kind, student) for kind in ("sis login id", "email address")]
        keys += [("name", plain_name(name)) for name in (student, who.name)]
        for kind, value in keys:
            found = self._found.get(f"{kind}={value.lower()}")
            if found is not None:
                return found
        return {}

    def _index(self, kind: str) -> None:
        names: dict[str, list[Mapping[str, str]]] = {"": [{}, {}]}
        for person in self.people:
            for value in _values(kind, person):
                names.setdefault(value.lower(), []).append(person)
        self._found[""] = {}
        for value, people in names.items():
            if len(people) == 1:
                self._found[f"{kind}={value}"] = people[0]


def _values(kind: str, person: Mapping[str, str]) -> set[str]:
    """What a line of the roster offers to be found by."""
    value = person.get(kind, "")
    if kind == "identifier":
        match = re.search(r"\d+$", value)
        return {match[0]} if match else set()
    if kind == "email address":
        return {value.partition("@")[0], value} if value else set()
    if kind == "name":
        # Canvas has "Lovelace, Ada" in its table and lovelaceada in its file names.
        given = [person.get(key, "") for key in ("name", "full name", "student")]
        turned = [" ".join(reversed(name.split(",", 1))) for name in given if "," in name]
        return {plain_name(name) for name in given + turned} - {""}
    return {value} if value else set()
