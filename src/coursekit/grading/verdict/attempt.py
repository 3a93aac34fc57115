"""What is remembered while a submission is graded: verdicts so far, and the time that is left."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from coursekit.grading.incoming.merge import Plan, Step
from coursekit.grading.jail.kernel import Limits, SandboxedKernel
from coursekit.grading.verdict.feedback import Finding
from coursekit.grading.verdict.reference import Prepared

__all__ = ["Clock", "Session"]

_RANKS = ("missing", "timeout", "crashed", "error", "wrong", "right")


@dataclass
class Session:
    """The grading of one submission: what to run, with what, and what came of it.

    Attributes:
        guessed: questions of which a try gave wrong values. No later try counts for these, or
            several answers could be handed in and the best would count.
    """

    plan: Plan
    prepared: dict[str, Prepared]
    limits: Limits
    new_kernel: Callable[[], SandboxedKernel]
    open_cases: bool = False
    findings: dict[str, Finding] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    guessed: set[str] = field(default_factory=set)

    @cached_property
    def lines(self) -> frozenset[str]:
        """The lines of code that were handed in, which may be quoted."""
        return frozenset(
            line.strip() for step in self.plan.steps for line in step.source.splitlines()
        )

    def settled(self, step: Step) -> bool:
        """Whether an answer need not be tried again: it is right, or would come to the same again.

        After the values of a known mistake no try gives points. One with all cells may still show
        that a person should look; one with the definitions alone would show the same mistake.
        """
        found = self.findings.get(step.question)
        if found is None or found.status == "right":
            return found is not None
        if step.again == "definitions":
            known = found.misconception is not None and step.question in self.guessed
            return known or (self.plan.plain and found.status == "timeout")
        return found.status in ("crashed", "timeout")

    def find(self, question: str, found: Finding) -> None:
        """Keep the better of two verdicts: an answer is tried where it stands and at the end.

        But after wrong values nothing counts; whether a right answer then was honest, a person
        has to say.
        """
        if question in self.guessed:
            if found.status == "right":
                self.plan.review.append(
                    f"{question} gave other values when it was tried again, and then the right ones"
                )
            return
        before = self.findings.get(question)
        if before is None or _RANKS.index(found.status) > _RANKS.index(before.status):
            self.findings[question] = found


class Clock:
    """The time of a notebook, with a reserve for what answers questions.

    Cells that define no function are experiments, and get at most half of it together.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.end = time.monotonic() + limits.notebook_s
        self.experiments = limits.notebook_s / 2

    def left(self) -> float:
        """Seconds that the notebook may still take."""
        return max(0.0, self.end - time.monotonic())

    def for_cell(self, experiment: bool) -> float:
        """Seconds that a cell may take."""
        seconds = min(self.limits.cell_s, self.left())
        return max(0.0, min(seconds, self.experiments)) if experiment else seconds

    def spend(self, seconds: float) -> None:
        """An experiment took so long."""
        self.experiments -= seconds

    def extend(self) -> None:
        """The last tries have time of their own, whatever was used up before."""
        self.end = max(self.end, time.monotonic() + self.limits.notebook_s / 4)
