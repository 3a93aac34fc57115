"""Which questions a cell checks. By itself, because the grader reads no texts and asks this."""

from __future__ import annotations

import ast


def checked_ids(code: str) -> list[str]:
    """The literal ids of all calls ``check("<id>", …)`` or ``checks.check(…)`` in ``code``."""
    calls = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call))
    found = []
    for call in calls:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else None
        name = call.func.id if isinstance(call.func, ast.Name) else name
        if name == "check" and call.args and isinstance(call.args[0], ast.Constant):
            found.append(str(call.args[0].value))
    return found
