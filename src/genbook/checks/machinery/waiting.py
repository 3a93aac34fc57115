"""Cells of a sheet that use an answer: before there is one, they say so and let the next run.

"Run all" would stop at the first cell that raises, and show a student who has only opened the sheet
a traceback of code that nobody wrote yet.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["once_answered"]


@contextmanager
def once_answered(*question_ids: str) -> Iterator[None]:
    """Run what is within; where it meets an answer still to be written, print that in a sentence.

        with once_answered("ddim.order"):
            print(order(sampler, exact, [10, 20, 40]))

    Only the bare ``NotImplementedError()`` of a sheet's stub is met like this. One with a message,
    as torch raises it for a type that it cannot compute with, and every other error pass.

    Args:
        question_ids: of the answers that are used.
    """
    try:
        yield
    except NotImplementedError as error:
        if error.args:
            raise
        stub = traceback.extract_tb(error.__traceback__)[-1].name
        open_ = [name for name in question_ids if name.partition(".")[2] == stub] or question_ids
        print(
            f"This cell uses your answer to {' and '.join(open_)}, which is still to be written. "
            "Write it above, then run this cell again."
        )
