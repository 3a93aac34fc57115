"""The part of a check that runs in the student's kernel: call the answer, send the values.

Imported by the zygote before any student's code runs. It holds nothing secret: no reference, no
seed, no tolerance. What it sends is worth something only if the numbers are right, so whoever
patches it can only lose.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import cloudpickle
import torch

from coursekit.grading import values
from genbook.checks.machinery.run import Outcome, outcomes

__all__ = ["emit"]

# With these the numbers of a tensor are read (see ``genbook.checks.machinery.compare``).
_READING = {
    name: getattr(torch.Tensor, name)
    for name in ("cpu", "detach", "float", "numpy", "resolve_conj", "resolve_neg", "to_dense")
}


def emit(payload: str, answer: Callable[[], Any], nonce: str, randomness: int = 0) -> None:
    """Try an answer on the cases of ``payload`` and publish what it did.

    Args:
        payload: base64 of the pickled pair (question without its reference, cases). The grader
            made it; pickles never travel the other way.
        answer: gives the student's function; raises NameError where there is none.
        nonce: comes back with the values, so that nothing sent earlier is taken for them.
        randomness: seed of the global generators, which an answer should leave alone.
    """
    from IPython.display import display

    for name, method in _READING.items():
        if getattr(torch.Tensor, name) is not method:  # a patch that would spoil every answer
            setattr(torch.Tensor, name, method)
    entry, cases = cloudpickle.loads(base64.b64decode(payload))
    try:
        function = answer()
    except NameError as error:
        done = [Outcome("missing", problem=str(error), error=NotImplementedError)] * len(cases)
    else:
        if callable(function):
            done = outcomes(entry, function, cases, randomness)
        else:
            what = f"a {type(function).__name__} instead of a function: keep `def {entry.name}(…)`"
            done = [Outcome("unreadable", problem=what)] * len(cases)
    text = values.dumps(done, nonce=nonce, question=entry.id)
    display({values.MIME: text}, raw=True)
