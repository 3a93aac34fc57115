"""Who handed in what: a folder or a zip of submissions, in any of the shapes they come in.

    ada.ipynb                                                 collected by hand
    lovelaceada_12345_67890_ddim.ipynb, …_LATE_12345_…        downloaded from Canvas
    Ada Lovelace_1234567_assignsubmission_file_/ddim.ipynb    downloaded from Moodle
    ada/ddim/ddim.ipynb                                       nbgrader's ``submitted`` folder
    ada/anything.ipynb                                        a folder a student

Weights of trained networks lie beside a notebook under its student's name, or in the same folder.

A zip of one of these, a folder with nothing but such a zip, and a folder around one of these are
read as if they were unpacked. No student vanishes: whoever has a folder has a row, and where no
notebook is in it a person must look. Only the results of other runs are passed over.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from coursekit.grading.incoming import formats
from coursekit.grading.incoming.files import File, unzipped, walk
from coursekit.grading.incoming.names import CANVAS, Identity, identity, name_bytes, safe_ids
from coursekit.grading.incoming.owners import (
    DOWNLOADED,
    MISTAKEN,
    NOTEBOOK,
    SHARED,
    Owner,
    doubtful,
    is_notebook,
    is_possible,
    joined,
    owners,
    unowned,
)
from coursekit.grading.incoming.plaintext import one_line
from coursekit.grading.incoming.weights import Weights, is_weights
from coursekit.project import CourseError

__all__ = [
    "DOUBTS",
    "LARGEST",
    "NOTHING",
    "SEVERAL",
    "Student",
    "Task",
    "find",
    "passed_over",
    "sha256",
]

LARGEST = formats.LIMIT + 1  # bytes that are read: one more tells that there are more
_AGAIN = re.compile(r"-(\d{1,4})$")  # what Canvas adds to a file that is handed in again
SEVERAL, NOTHING, HIDDEN = "several files", "no notebook handed in", "a hidden file"
DOUBTS = (SEVERAL, SHARED, NOTHING, HIDDEN)
"""How the reasons begin for which a person should look at what was handed in."""


@dataclass(frozen=True)
class Student:
    """One student's submission.

    Attributes:
        id: safe as a file's name, unique without regard to case.
        file: the one that counts.
        extra: others that could, newest first.
        choice: why a person should say which counts; empty where it is certain.
        other: files that cannot be a submission.
        doubts: other reasons why a person should look, whatever file counts.
    """

    id: str
    file: File
    extra: tuple[File, ...] = ()
    choice: str = ""
    other: tuple[File, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """The names that an override may choose from."""
        return (self.file.name, *(file.name for file in self.extra))

    def choose(self, name: str) -> Student:
        """The same student with another file; an unknown name changes nothing."""
        files = [self.file, *self.extra]
        chosen = [file for file in files if file.name == name]
        if not chosen:
            return self
        rest = tuple(file for file in files if file.name != name)
        return replace(self, file=chosen[0], extra=rest, choice="")

    def task(self, training: tuple[str, ...] = ()) -> Task:
        """What is graded of it, where the questions ``training`` are answered with weights."""
        doubts = (self.choice, *self.doubts) if self.choice else self.doubts
        return Task(self.id, self.file, doubts, self.other, training)


@dataclass(frozen=True)
class Task:
    """A submission: whose it is, the file that counts, and why a person should look at that.

    ``beside`` are files that cannot be the notebook, but may hold weights or an answer in words.
    ``training`` are the ids of questions that are answered with weights.
    """

    student: str
    file: File
    doubts: tuple[str, ...] = ()
    beside: tuple[File, ...] = ()
    training: tuple[str, ...] = ()

    @property
    def words_beside(self) -> bool:
        """Whether there is a file beside the notebook in which words may stand."""
        return any(not is_weights(file.name) for file in self.beside)

    def weights(self) -> Weights:
        """The weights that were handed in as files of their own."""
        return Weights.read((self.file, *self.beside), self.training)


def sha256(task: Task) -> str:
    """The checksum of a submission as it is now; empty where it cannot be read."""
    try:
        return task.weights().checksum(task.file.read(LARGEST))
    except OSError:
        return ""  # one file that is damaged or locked does not keep the class from its points


def find(place: Path, assignment: str, out: Path | None = None) -> list[Student]:
    """The students with submissions in a folder or zip, sorted by id.

    Args:
        place: the folder, the zip, or one notebook.
        assignment: the slug; in nbgrader's folders only its own are taken.
        out: the folder of the results, which may lie among the submissions.

    Raises:
        CourseError: there is nothing to grade, or the zip cannot be read.
    """
    owned = joined(owners(_files(place, out), assignment))
    if place.is_file() and place.suffix.lower() != ".zip":  # others may have weights beside it
        owned = {o: files for o, files in owned.items() if place in [file.path for file in files]}
    if not any(who.number or any(map(is_possible, own)) for who, own in owned.items()):
        raise CourseError(
            f"no submissions in {place.name}: expected notebooks, a folder a student, "
            "or what Canvas or Moodle downloads"
        )
    # Two people of one name are told apart by their number, and both are.
    names = Counter(owner.name for owner in owned)
    unique: dict[str, Owner] = {}
    for owner in owned:
        name = owner.name
        if owner.number and names[name] > 1:
            name = f"{name}-{owner.number}"
        while name in unique:
            name += "_"
        unique[name] = owner
    ids = safe_ids(list(unique))
    doubts = doubtful(owned)
    found = [
        _student(ids[name], owned[owner], assignment, doubts.get(owner, ""))
        for name, owner in unique.items()
    ]
    return sorted(found, key=lambda student: student.id)


def passed_over(place: Path, out: Path | None = None) -> list[str]:
    """The names of files that may be somebody's and have no row, such as texts."""
    whole = place.is_dir() or place.suffix.lower() == ".zip"
    return unowned(_files(place, out)) if whole else []


def _files(place: Path, out: Path | None) -> list[File]:
    """All files of a folder or zip, in a fixed order, without needless outer folders."""
    if place.is_dir():
        files = _without_results(walk(place, out))
        # Tables beside a zip are the teacher's; anything else is a submission as well.
        one = [file for file in files if "/" in file.name or is_possible(file)]
        if len(one) == 1 and one[0].name.lower().endswith(".zip") and not one[0].nothing:
            inside = unzipped(one[0].path) if "/" not in one[0].name else []
            files = inside if _is_class(inside) else files
    elif place.is_file() and place.suffix.lower() == ".zip":
        files = unzipped(place)
    elif place.is_file():
        files = [File(path.name, path) for path in (place, *place.parent.glob("*.safetensors"))]
    else:
        raise CourseError(f"there is no folder or zip {place.name}")
    return sorted(_unwrapped(files), key=lambda file: name_bytes(file.name))


def _is_class(inside: Sequence[File]) -> bool:
    """Whether a zip holds submissions: notebooks, or a zip of each of several students."""
    zips = [file for file in inside if file.name.lower().endswith(".zip")]
    return len(zips) > 1 or any(NOTEBOOK.search(file.name) for file in inside)


def _without_results(files: list[File]) -> list[File]:
    """The files without those of other runs: a folder is one's own unless it is all that."""
    inner: dict[str, set[str]] = {}
    for file in files:
        folder, slash, rest = file.name.partition("/")
        if slash:
            inner.setdefault(folder, set()).add(rest)
    results = {
        folder
        for folder, names in inner.items()
        if {"run.json", "results.jsonl"} <= names
        and not identity(f"{folder}/").moodle
        and not any("/" not in name and NOTEBOOK.search(name) for name in names)
    }
    return [file for file in files if file.name.partition("/")[0] not in results]


def _unwrapped(files: list[File]) -> list[File]:
    """The files without a folder around all of them: zipping a folder puts it into the zip."""
    while _wraps(files):
        inner = [file for file in files if "/" in file.name]
        inner = [replace(file, name=file.name.partition("/")[2]) for file in inner]
        files = _without_results(inner)
    return files


def _wraps(files: list[File]) -> bool:
    """Whether the only folder of ``files`` holds the class, and is not itself a student's."""
    outer = {file.name.partition("/")[0] for file in files if "/" in file.name}
    beside = [file for file in files if "/" not in file.name]
    if len(outer) != 1 or any(map(is_possible, beside)) or identity(f"{min(outer)}/").moodle:
        return False
    inner = [file.name.partition("/")[2] for file in files if "/" in file.name]
    marks = [identity(name) for name in inner]
    if len(set(marks)) > 1 and Identity() not in marks:
        return True  # as Canvas or Moodle marks a whole class
    folders = {name.partition("/")[0] for name in inner if "/" in name}
    notebooks = [name for name in inner if "/" not in name and NOTEBOOK.search(name)]
    return not beside and (len(folders) > 1 or len(notebooks) > 1)


def _student(student_id: str, files: Sequence[File], assignment: str, doubt: str) -> Student:
    there = [f for f in files if not f.nothing]
    notebooks = [f for f in there if NOTEBOOK.search(f.name)]
    hidden = [f for f in notebooks if PurePosixPath(f.name).name.startswith(".")]
    possible = [f for f in notebooks if f not in hidden]
    possible = possible or [f for f in there if f not in hidden and is_notebook(f)]
    doubts = [doubt] if doubt else []
    if hidden and not possible:
        doubts.append(f"{HIDDEN}: the name of {one_line(hidden[0].name)} begins with a dot")
    possible = possible or hidden or [f for f in there if MISTAKEN.search(f.name)]
    if not possible:
        doubts.append(_nothing(files, there))
        first, *others = there or files
        return Student(student_id, first, (), "", tuple(others), tuple(doubts))
    ranked, certain = _newest_first(possible, assignment)
    other = tuple(file for file in files if file not in possible)
    choice = ""
    if not certain:
        names = ", ".join(one_line(file.name) for file in ranked)
        choice = f"{SEVERAL}: {names}. The first was graded; 'submission:' chooses another"
    return Student(student_id, ranked[0], tuple(ranked[1:]), choice, other, tuple(doubts))


def _nothing(files: Sequence[File], there: Sequence[File]) -> str:
    if there:
        names = ", ".join(one_line(file.name) for file in there[:5])
        return f"{NOTHING}; there is {names}" + (" and more" if len(there) > 5 else "")
    return f"{NOTHING}: {one_line(files[0].name)} {files[0].nothing}"


def _newest_first(files: Sequence[File], assignment: str) -> tuple[list[File], bool]:
    """The files of one student, and whether the first is certainly the one that counts."""
    canvas = [CANVAS.fullmatch(file.name) for file in files]
    if all(canvas) and "/" not in "".join(file.name for file in files):
        parts = [(match["rest"], int(match["file"])) for match in canvas if match]
        stems = [NOTEBOOK.sub("", rest) for rest, _ in parts]
        again = [_AGAIN.search(stem) for stem in stems]
        attempts = [int(match[1]) if match else 0 for match in again]
        same = len({_AGAIN.sub("", stem) for stem in stems}) == 1
        keys = [(n if same else 0, at) for n, (_, at) in zip(attempts, parts, strict=True)]
        order = sorted(range(len(files)), key=lambda i: keys[i], reverse=True)
        return [files[i] for i in order], len(files) == 1 or same
    names = [PurePosixPath(file.name).name.lower() for file in files]
    exact = [name == f"{assignment.lower()}.ipynb" for name in names]
    about = [assignment.lower() in name for name in names]
    downloads = [DOWNLOADED.search(NOTEBOOK.sub("", name)) for name in names]
    counts = [int(m[1] or m[2] or 1) if m else 0 for m in downloads]
    order = sorted(
        range(len(files)),
        key=lambda i: (not exact[i], not about[i], -counts[i], name_bytes(files[i].name)),
    )
    certain = len(files) == 1 or (sum(exact) == 1 and sum(about) == 1)
    return [files[i] for i in order], certain
