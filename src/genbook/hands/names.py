"""Names and objects as boxes and arrows: a small program, one line at a time, forwards and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from genbook.hands.drawing import Canvas
from genbook.hands.frame import Button, Choice, Hand, Row, Slider, State
from genbook.hands.traces import programs

_START = {"lists": 2, "numbers": 2, "calls": 1, "copies": 2, "tensors": 3}
_LETTER, _PAD = 7.85, 7  # the width of one, and the room beside them
_TOP, _ROOM = 24, 250  # where boxes begin, and the height that they share
_NAMES, _OBJECTS, _INSIDE = 382, 428, 574  # columns
_CELL = 27
_MONO: dict[str, Any] = {"family": "monospace", "size": 13}
Places = dict[Any, float]


def _last(now: State) -> int:
    return len(programs()[now["program"]]["states"]) - 1


def _at(now: State, back: int = 0) -> dict[str, Any]:
    """The program's state at this step, or so many before."""
    state: dict[str, Any] = programs()[now["program"]]["states"][max(0, now["line"] - back)]
    return state


def _readout(now: State) -> list[Row]:
    names = _at(now)["names"]
    return [
        ("names", str(len(names)), "one"),
        ("objects with a name", str(len(set(names.values()))), "one"),
    ]


def _follow(now: State, changes: State) -> State:
    return {"line": _START[now["program"]]} if "program" in changes else {}


def _rows(keys: list[Any]) -> Places:
    share = _ROOM / max(len(keys), 3)
    return {key: _TOP + share * (i + 0.5) for i, key in enumerate(keys)}


def _plan(program: str) -> tuple[Places, Places, Places]:
    """The heights of names, objects and numbers: one place for each, whatever the step."""
    states = programs()[program]["states"]
    objects = states[-1]["objects"]
    outer = [i for i, it in enumerate(objects) if not it["inner"]]
    inner = [i for i, it in enumerate(objects) if it["inner"]]
    names = list(dict.fromkeys(name for state in states for name in state["names"]))
    storages = list(dict.fromkeys(it["storage"] for it in objects if "storage" in it))
    return _rows(names), _rows(outer) | _rows(inner), _rows(storages)


def _words(it: dict[str, Any]) -> str:
    if "held" in it:
        return f"[{', '.join('•' for _ in it['held'])}]"
    if "sees" in it:
        first, count = it["sees"]
        return f"places {first}–{first + count - 1}"
    return str(it["text"])


def _wide(text: str) -> float:
    return len(text) * _LETTER + 2 * _PAD


def _arrow(
    canvas: Canvas, start: tuple[float, float], end: tuple[float, float], tied: bool = False
) -> None:
    """From a name or a box to what it leads to; a name that was just tied has a strong one."""
    (x, y), (u, v) = start, end
    bend, s = max(18, (u - x) / 2), np.linspace(0, 1, 31)[:, None]
    corners = np.array([[x, y], [x + bend, y], [u - bend - 6, v], [u - 6, v]])
    weights = np.hstack([(1 - s) ** 3, 3 * s * (1 - s) ** 2, 3 * s**2 * (1 - s), s**3])
    colour = "two" if tied else "muted"
    across, up = (weights @ corners).T
    canvas.line(across, up, colour, 3 if tied else 1.6)
    canvas.area([(u, v), (u - 8, v - 4.5), (u - 8, v + 4.5)], colour, 1)


def _code(canvas: Canvas, now: State, height: int) -> None:
    """The program, with a mark at the line that comes next."""
    here = _at(now)
    for i, text in enumerate(programs()[now["program"]]["lines"]):
        y = 34 + 24 * i
        if i == here["line"]:
            canvas.box((0, y - 15), (268, 22), "three", 0.18, round=4)
            mark = "↩" if here["event"] == "return" else "▸"
            canvas.text(5, y, mark, "three", "start", 13)
        indent = _LETTER * (len(text) - len(text.lstrip()))
        canvas.text(20 + indent, y, text.strip(), "ink", "start", **_MONO)
    canvas.line(288, [14, height - 76], "line", 1)


def _objects(canvas: Canvas, now: State) -> None:
    """Boxes, what lies inside of them, and the numbers below tensors."""
    here, before = _at(now)["objects"], _at(now, back=1)["objects"]
    _, places, storages = _plan(now["program"])
    for i, it in enumerate(here):
        x, y, words = _INSIDE if it["inner"] else _OBJECTS, places[i], _words(it)
        known = i < len(before)
        changed = known and any(it.get(k) != before[i].get(k) for k in ("text", "held"))
        alive = it["alive"]
        canvas.box(
            (x, y - 14), (_wide(words), 28), "one", 0.13 if alive else 0,
            "two" if changed else "muted", 3 if changed else 1.2, not alive, round=4,
        )  # fmt: skip
        canvas.text(x + _PAD, y + 4.5, words, "ink" if alive else "muted", "start", **_MONO)
        right = x + _wide(words)
        for k, j in enumerate(it.get("held", [])):
            _arrow(canvas, (right, y + (6 if k else -6)), (_INSIDE - 3, places[j]))
        if "storage" not in it:
            continue
        line = storages[it["storage"]]
        _arrow(canvas, (right, y), (_INSIDE - 3, line))
        for c, value in enumerate(it["cells"]):
            fresh = known and before[i]["cells"][c] != value
            place = _INSIDE + c * _CELL, line - 14
            edge, wide = ("two", 3) if fresh else ("muted", 1.2)
            if it["storage"] not in [other.get("storage") for other in here[:i]]:
                canvas.box(place, (_CELL, 28), "three", 0.13)
                canvas.text(place[0] + _CELL / 2, line + 4.5, str(value), **_MONO)
            canvas.box(place, (_CELL, 28), edge=edge, wide=wide)


def _draw(now: State) -> Figure:
    width, height = 720, 340
    canvas, here, before = Canvas(width, height), _at(now), _at(now, back=1)
    _code(canvas, now, height)
    canvas.text(_NAMES, _TOP - 6, "names", "muted", "end", 13)
    canvas.text(_OBJECTS, _TOP - 6, "objects", "muted", "start", 13)
    if any("storage" in it for it in here["objects"]):
        canvas.text(_INSIDE, _TOP - 6, "numbers", "muted", "start", 13)
    elif any(it["inner"] for it in here["objects"]):
        canvas.text(_INSIDE, _TOP - 6, "inside", "muted", "start", 13)
    names, objects, _ = _plan(now["program"])
    _objects(canvas, now)
    for name, i in here["names"].items():
        tied, y = before["names"].get(name) != i, names[name]
        _arrow(canvas, (_NAMES + 6, y), (_OBJECTS - 3, objects[i]), tied)
        short, _, within = name.partition(" in ")
        weight = "bold" if tied else "normal"
        canvas.text(_NAMES, y + 4.5, short, "ink", "end", weight=weight, **_MONO)
        if within:
            canvas.text(_NAMES, y + 19, f"in {within}", "muted", "end", 13)
    canvas.line([0, width], height - 58, "line", 1)
    for i, text in enumerate(here["words"][:2]):
        canvas.text(8, height - 32 + 22 * i, text, "ink", "start")
    if not here["words"]:
        canvas.text(8, height - 32, "Nothing has run yet.", "muted", "start")
    return canvas.figure


HAND = Hand(
    title="A program, line by line",
    state={"program": "lists", "line": _START["lists"]},
    controls=[
        Choice(
            "program",
            "program",
            {
                "lists": "lists",
                "numbers": "numbers, tuples",
                "calls": "calls",
                "copies": "copies",
                "tensors": "tensors",
            },
        ),
        Slider("line", "steps", 0, _last, 1, digits=0),
        Button("◂ Back", lambda now: {"line": now["line"] - 1}),
        Button("Step ▸", lambda now: {"line": now["line"] + 1}),
    ],
    draw=_draw,
    readout=_readout,
    follow=_follow,
)
