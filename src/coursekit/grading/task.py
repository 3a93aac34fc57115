"""What one student handed in: the file that counts, and what lies beside it."""

from __future__ import annotations

from dataclasses import dataclass

from coursekit.grading.files import File
from coursekit.grading.weights import Weights, is_weights

__all__ = ["LARGEST", "Task", "sha256"]

LARGEST = 64 * 2**20  # bytes of a submission that are read


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
