"""Whose a file is, as far as Canvas or Moodle wrote it into its name."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["CANVAS", "Identity", "identity"]

CANVAS = re.compile(
    r"(?P<name>.+?)_(?:late_)?(?P<user>[0-9]{1,18})_(?P<file>[0-9]{1,18})_(?P<rest>.+)",
    re.IGNORECASE | re.DOTALL,
)
_MOODLE = re.compile(
    r"(?P<name>.+?)_(?P<user>[0-9]{1,18})_assignsubmission_(?:file|onlinetext)(?:_.*)?", re.DOTALL
)


@dataclass(frozen=True)
class Identity:
    """What a file's name tells of its owner: a name, and Canvas' or Moodle's number."""

    name: str = ""
    canvas: str = ""
    moodle: str = ""


def identity(file: str) -> Identity:
    """What the name of a submission, as rows have it, tells of its owner.

    Canvas and Moodle begin a name; what a student called a file comes after. So the outermost part
    of a path decides, and in it the first number.
    """
    outer, slash, _ = file.partition("/")
    moodle = _MOODLE.fullmatch(outer)
    canvas = None if slash else CANVAS.fullmatch(outer)
    if moodle and not (canvas and canvas.start("user") < moodle.start("user")):
        name = "" if moodle["name"] == "Participant" else moodle["name"]
        return Identity(name, moodle=moodle["user"])
    return Identity(canvas["name"], canvas=canvas["user"]) if canvas else Identity()
