"""Trained networks that were handed in as files: in a folder, in a zip, or beside the notebook.

A file belongs to a question by its name, whatever a student, a browser or a platform put around
the question's id:

    ddpm.train.safetensors, ddpm.train (1).safetensors, ada.ddpm.train.safetensors,
    lovelaceada_12345_67891_ddpm.train-1.safetensors

One that belongs to no question, or is damaged, is remembered: a person must look before somebody
gets no points for it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import cache, partial

from coursekit.grading.incoming.archives import ZIP, inside
from coursekit.grading.incoming.files import File
from genbook.checks.machinery import trained

__all__ = ["Weights", "is_weights", "owner"]

_ENDING = ".safetensors"
_LONGEST_NAME = 1000  # in a zip there may be some that take seconds to be matched
_LARGEST_ZIP = 64 * 2**20
_MOST = 5  # files of a question that are tried
_COPY = r"(?:[ _-]*(?:copy|kopie|copia))?[^A-Za-z/]*"


@dataclass
class Weights:
    """What was handed in, by question, and the names of files that could not be used."""

    found: dict[str, list[bytes]] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, files: Iterable[File], questions: Collection[str]) -> Weights:
        """The weights among the files of a student, for the questions with these ids."""
        weights = cls()
        if questions:
            for file in files:
                if is_weights(file.name):
                    weights._take(file.name, partial(file.read, trained.LARGEST + 1), questions)
                else:
                    weights._unpack(file, questions)
        return weights

    def checksum(self, data: bytes) -> str:
        """SHA-256 of what is graded: of a file's bytes, and of weights if there are any.

        The names of weights that could not be used count as well: a row says so.
        """
        digest = hashlib.sha256(data)
        for question in sorted(self.found):
            for part in self.found[question]:
                digest.update(f"\0{question}\0".encode() + hashlib.sha256(part).digest())
        for name in self.unused:
            digest.update(b"\0\0" + hashlib.sha256(name.encode("utf-8", "replace")).digest())
        return digest.hexdigest()

    def _unpack(self, file: File, questions: Collection[str]) -> None:
        """Take what lies in a zip; of other files, nothing."""
        try:
            if file.read(len(ZIP)) != ZIP:
                return
            data = file.read(_LARGEST_ZIP)
        except OSError:
            return
        for name, content in inside(data):
            if is_weights(name):
                self._take(name, content, questions)

    def _take(self, name: str, read: Callable[[], bytes], questions: Collection[str]) -> None:
        # Of ddpm.train and ddpm.train2, the longer is tried first.
        for question in sorted(questions, key=len, reverse=True):
            if len(name) < _LONGEST_NAME and _form(*question.split(".", 1)).fullmatch(name):
                known = self.found.get(question, [])
                try:
                    data = read() if len(known) < _MOST else b""
                except OSError:
                    data = b""
                if trained.intact(data):
                    self.found[question] = known if data in known else [*known, data]
                    return
        self.unused.append(name)


def is_weights(name: str) -> bool:
    """Whether a file of this name holds weights, of whatever question."""
    return name.lower().endswith(_ENDING)


def owner(name: str, slug: str) -> str | None:
    """Whose weights for a question of the sheet a file holds, going by its name alone.

    That is what stands before the question's id, which may be nothing; None if it is no such file.
    """
    match = _form(slug, None).fullmatch(name) if len(name) < _LONGEST_NAME else None
    return match and (match["before"] or "").strip(" ._-()[]")


@cache
def _form(slug: str, word: str | None) -> re.Pattern[str]:
    words = r"[A-Za-z]\w*?" if word is None else re.escape(word)
    question = rf"{re.escape(slug)}[._-]{words}"
    whole = rf"(?:(?P<before>.*)[^A-Za-z0-9])?{question}{_COPY}{re.escape(_ENDING)}"
    return re.compile(whole, re.IGNORECASE | re.DOTALL)
