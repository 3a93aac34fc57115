"""What one student handed in: the file that counts, and what lies beside it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from coursekit.grading.files import File
from genbook.checks import trained

__all__ = ["LARGEST", "Task", "checksum", "of_question", "sha256"]

LARGEST = 64 * 2**20  # bytes of a submission that are read
_MOST_WEIGHTS = 20  # files of them


@dataclass(frozen=True)
class Task:
    """A submission: whose it is, the file that counts, and why a person should look at that.

    ``beside`` are files that cannot be the notebook, but may hold weights or an answer in words.
    """

    student: str
    file: File
    doubts: tuple[str, ...] = ()
    beside: tuple[File, ...] = ()

    @property
    def words_beside(self) -> bool:
        """Whether there is a file beside the notebook in which words may stand."""
        return any(not _is_weights(file) for file in self.beside)

    def weights(self) -> dict[str, bytes]:
        """The weights beside the notebook, by the name of their file; those that can be read."""
        found = {}
        for file in [file for file in self.beside if _is_weights(file)][:_MOST_WEIGHTS]:
            with suppress(OSError):
                found[file.name] = file.read(trained.LIMIT + 1)
        return found


def checksum(data: bytes, weights: Mapping[str, bytes]) -> str:
    """SHA-256 of what is graded: of the notebook's bytes, and of weights where there are some."""
    digest = hashlib.sha256(data)
    for part in weights.values():
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def sha256(task: Task) -> str:
    """The checksum of a submission as it is now; empty where it cannot be read."""
    try:
        return checksum(task.file.read(LARGEST), task.weights())
    except OSError:
        return ""  # one file that is damaged or locked does not keep the class from its points


def _is_weights(file: File) -> bool:
    return not file.nothing and file.name.lower().endswith(".safetensors")


def of_question(weights: Mapping[str, bytes], question_id: str) -> list[bytes]:
    """The weights of a question, whatever a student or a platform put around its name."""
    # ddpm.train.safetensors, ada.ddpm.train.safetensors, lovelace_1_2_ddpm.train-1.safetensors
    form = re.compile(
        rf"(?:.*[^A-Za-z0-9])?{re.escape(question_id)}[^A-Za-z/]*\.safetensors", re.I | re.S
    )
    return [data for name, data in weights.items() if form.fullmatch(name)]
