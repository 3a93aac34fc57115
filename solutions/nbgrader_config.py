"""nbgrader's settings for a course made of these sheets: copy it into the folder of the course.

nbgrader puts its stub in the place of a solution. A question to repair hands out broken code
instead, which each answer's cell here carries in its metadata.
"""

from __future__ import annotations

from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import ClearSolutions


class HandOut(ClearSolutions):
    """``ClearSolutions`` that leaves in an answer's cell what the book's own sheet has there."""

    def preprocess_cell(self, cell, resources, cell_index):
        given = cell.metadata.get("genbook", {}).pop("given", None)
        if given is None:
            return super().preprocess_cell(cell, resources, cell_index)
        cell.source = given
        return cell, resources


usual = GenerateAssignment.preprocessors.default_args[0]
c = get_config()  # noqa: F821  (nbgrader runs this file with that name)
c.GenerateAssignment.preprocessors = [HandOut if step is ClearSolutions else step for step in usual]
