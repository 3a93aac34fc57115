"""A signal that asks for an end is heard, also where somebody swallowed what it raised."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from coursekit.grading import run
from coursekit.grading.ending import heed, orderly
from coursekit.grading.incoming.assignment import Assignment
from coursekit.grading.jail.zygotes import Zygotes


@pytest.fixture(autouse=True)
def usual() -> Iterator[None]:
    """Signals as a shell gives them, and again as they were."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.SIG_DFL) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def swallow(number: signal.Signals) -> None:
    """What a misconception of the chapter on objects does with every exception."""
    try:
        signal.raise_signal(number)
    except BaseException:
        return
    raise AssertionError("the signal raised nothing")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_heard_later(number: signal.Signals) -> None:
    done: list[str] = []

    def work() -> int:
        heed()  # nothing came yet
        swallow(number)
        done.append("swallowed")
        heed()
        done.append("went on")
        return 0

    assert orderly(work) == 128 + number
    assert done == ["swallowed"]
    heed()  # it was for that work, not for what comes after


def test_the_exit_code_tells_of_a_signal_that_nobody_heeded() -> None:
    def work() -> int:
        swallow(signal.SIGTERM)
        return 0

    assert orderly(work) == 128 + signal.SIGTERM
    assert orderly(lambda: 0) == 0, "the next run has nothing to do with it"


def test_what_goes_wrong_while_ending_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            raise OSError("the disk is full")

    assert orderly(work) == 128 + signal.SIGTERM
    assert capsys.readouterr().err == "while ending: the disk is full\n"


def test_cases_are_no_longer_drawn_after_a_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[object] = []

    def prepare(question: object, seed: str) -> None:
        drawn.append(question)
        swallow(signal.SIGTERM)

    monkeypatch.setattr(run, "prepare", prepare)
    assignment = Assignment.load(run.Project.find(run.Path(run.__file__)), "objects")

    def work() -> int:
        with Zygotes("none", 1, ()) as zygotes:
            run._settings(assignment, run.Limits(), zygotes, "a", 1, False)
        return 0

    assert orderly(work) == 128 + signal.SIGTERM
    assert len(drawn) == 1
