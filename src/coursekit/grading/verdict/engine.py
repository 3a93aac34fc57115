"""nbval's classes, extended: the merged notebook runs in a kernel that may die at any cell.

A notebook is a list of steps (see ``merge``). Each is one of nbval's cells, executed and compared
by nbval. Extended are the kernel, which comes from the zygote, and the comparison: the output of a
check is compared with the reference's by ``judge`` of ``genbook.checks``, here, in the grader's
process.

A kernel that dies is replaced, what was defined is defined again, and the next cell follows.
"""

from __future__ import annotations

import secrets
import time
from collections import defaultdict
from collections.abc import Iterator
from queue import Empty
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError

from coursekit.grading.incoming.merge import Step
from coursekit.grading.incoming.source import after
from coursekit.grading.jail import values
from coursekit.grading.jail.kernel import KernelDied
from coursekit.grading.jail.messages import failed_line
from coursekit.grading.verdict.attempt import Clock, Session
from coursekit.grading.verdict.feedback import DIED, Finding, finding, quiet
from coursekit.grading.verdict.reference import Prepared
from genbook.checks.machinery.run import Outcome

__all__ = ["GradedCell", "GradedNotebook"]

_EMIT = """\
from grader_side import emit as _emit
_emit({payload!r}, lambda: {name}, {nonce!r}, {randomness})
"""
_CELL: dict[str, Any] = {
    "cell_type": "code",
    "execution_count": None,
    "metadata": {},
    "outputs": [],
}
_RANDOM = (
    "Called twice with the same arguments, your function gave two different results. "
    "Use the random numbers it is given, and draw no others."
)
_UNJUDGED = "Your function returned something that could not be judged. A person will look at it."
_BROKEN = "Your code broke the check that should have tried it."
_LEAST = 0.05  # seconds; a cell that has less is not begun
_OUTPUT_WAIT = 2.0  # seconds nbval waits for the rest of the output, and for an interrupt to work


class GradedNotebook(IPyNbFile):
    """A submission merged with its sheet. ``session_of`` is set before it is collected."""

    session_of: Session

    def collect(self) -> Iterator[GradedCell]:
        """One item a step; the notebook exists in memory only."""
        self.nb = nbformat.v4.new_notebook()
        for number, step in enumerate(self.session_of.plan.steps):
            cell = nbformat.from_dict({**_CELL, "source": step.source})
            options = defaultdict(bool, check=step.role == "check", check_exception=True)
            yield GradedCell.from_parent(
                self, name=f"Cell {number}", cell_num=number, cell=cell, options=options, step=step
            )

    def setup(self) -> None:
        """A kernel of our own in place of nbval's."""
        self.clock = Clock(self.session_of.limits)
        self.replayed: list[str] = []
        self.stage = ""
        self.kernel = self.session_of.new_kernel()

    def revive(self) -> None:
        """A new kernel for a dead one, with what was defined before; a step that kills is left out.

        Raises:
            KernelDied: the notebook's time is up.
        """
        while not self.kernel.is_alive():
            self.kernel.stop()
            self._need_time()
            self.kernel = self.session_of.new_kernel()
            for i, source in enumerate(self.replayed):
                self._need_time()
                try:
                    self.kernel.run(source, self.clock.for_cell(experiment=False))
                except KernelDied:
                    self.replayed[i] = ""
                    break
        self._need_time()
        self.timed_out = False

    def _need_time(self) -> None:
        if not self.clock.left():
            raise KernelDied("time")

    def begin(self, again: str) -> None:
        """A new kernel for another try: what earlier checks showed this one must not have seen."""
        if again == self.stage:
            return
        self.stage = again
        if again == "definitions":
            self.clock.extend()
            steps = (step for step in self.session_of.plan.steps if step.role != "check")
            self.replayed = [
                step.source if step.role == "given" else step.fallback for step in steps
            ]
        self.kernel.stop()

    def teardown(self) -> None:
        """The kernel goes, dead or alive."""
        if self.kernel is not None:
            self.kernel.stop()


class GradedCell(IPyNbCell):
    """One step of a submission."""

    def __init__(
        self,
        name: str,
        parent: GradedNotebook,
        cell_num: int,
        cell: NotebookNode,
        options: dict[str, bool],
        step: Step,
    ) -> None:
        super().__init__(name, parent, cell_num, cell, options)
        self.step = step
        self.session_of = parent.session_of
        self.output_timeout = _OUTPUT_WAIT
        self.comparison_traceback: list[str] = []
        self._guessed = False

    def setup(self) -> None:
        """Unlike nbval, do not expect a cell to fail because the one before it took too long."""

    def runtest(self) -> None:
        """Run the step; only a check can fail.

        Raises:
            NbCellError: the answer is wrong.
        """
        step, session = self.step, self.session_of
        if step.role == "check" and session.settled(step):
            return
        try:
            self.parent.begin(step.again)
            self.parent.revive()
            if step.role == "check":
                self._run_check(min(session.limits.question_s, self.parent.clock.left()))
            else:
                self._run_code()
        except KernelDied as death:
            self._died(str(death))

    def _run_code(self) -> None:
        """Given and student's cells: an error costs what the failed statement would have defined.

        What took too long is stopped, and only defines then.
        """
        parent, step, clock = self.parent, self.step, self.parent.clock
        seconds, start = clock.for_cell(step.experiment), time.monotonic()
        done: list[str] | None = None  # what another kernel would have to run
        try:
            if seconds < _LEAST:
                parent.timed_out, rest = True, step.fallback
            elif self._execute(seconds):
                rest = step.fallback if parent.timed_out else self._rest()
                done = [rest] if parent.timed_out else [step.source, rest]
            else:
                done, rest = [step.source], ""
            if rest:
                parent.kernel.run(rest, clock.for_cell(experiment=False))
        except NbCellError:
            pass  # nbval has stopped the kernel
        finally:
            parent.replayed += [step.fallback] if done is None else done
            if step.experiment:
                clock.spend(time.monotonic() - start)
            if parent.timed_out:
                self.session_of.notes.append(_stopped(seconds))

    def _rest(self) -> str:
        """What stands below the statement that raised; all definitions if that is not known."""
        line = failed_line(next(o for o in self.test_outputs if o.output_type == "error"))
        return self.step.fallback if line is None else after(self.step.source, line)

    def _execute(self, seconds: float) -> bool:
        """nbval's run of the cell; returns whether it raised or took too long."""
        parent = self.parent
        parent.timed_out = False
        self.config.option.nbval_cell_timeout = seconds
        parent.kernel.deadline = time.monotonic() + seconds + 2 * _OUTPUT_WAIT
        super().runtest()
        if parent.timed_out and not parent.kernel.answers():
            parent.kernel.stop()
        return parent.timed_out or any(out.output_type == "error" for out in self.test_outputs)

    def _run_check(self, seconds: float) -> None:
        """Let the kernel try the answer on the secret cases, and judge what it sends."""
        prepared = self.session_of.prepared[self.step.question]
        self.nonce = secrets.token_hex(16)
        self.cell.source = self._emission(prepared, self.nonce, 0)
        # For nbval, a cell with outputs to compare is one that has been executed.
        self.cell.execution_count = 1
        shown = NotebookNode({values.MIME: prepared.shown})
        self.cell.outputs = [NotebookNode(output_type="display_data", data=shown, metadata={})]
        self.parent.kernel.collecting = True
        end = time.monotonic() + seconds
        try:
            self._execute(seconds)
        finally:
            self.parent.kernel.collecting = False
            if self.parent.timed_out and time.monotonic() >= end:
                self._find(Finding("timeout", self._too_long(seconds)))
            elif self.parent.timed_out:  # for nbval, this is an output that does not come
                self._find(Finding("crashed", _BROKEN))

    def compare_outputs(self, test: list, ref: list, skip_compare: Any = None) -> bool:
        """The verdict on a check: nbval's comparison, with tolerances and without trust."""
        prepared = self.session_of.prepared[self.step.question]
        if self.parent.timed_out:
            return False
        try:
            rows = self._sent(test, self.nonce)
            done = prepared.decode(rows)
        except ValueError as error:
            self._find(Finding("crashed", _BROKEN))
            self.comparison_traceback = [str(error)]
            return False
        try:
            found = self._judge(prepared, rows, done)
        except Exception as error:
            found = self._unjudged(error)
        self._find(found)
        self.comparison_traceback = [found.message]
        return found.status == "right"

    def _judge(self, prepared: Prepared, rows: list[Any], done: list[Outcome]) -> Finding:
        """The verdict on what a check sent; wrong values are remembered."""
        session, told = self.session_of, done
        if not session.open_cases:
            told = quiet(prepared.question, done, session.lines)
        result = prepared.judge(told)
        found = finding(prepared.question, done, result)
        if session.open_cases:
            found = Finding(found.status, result.message, found.misconception, longest=20_000)
        if not result.points and result.misconception is None and self._is_random(prepared, rows):
            found = Finding("wrong", _RANDOM)
        self._guessed = prepared.has_wrong_value(done)
        return found

    def _unjudged(self, error: Exception) -> Finding:
        """Judging itself failed on a value: that costs this question only, and a person looks."""
        question = self.step.question
        self._guessed = True  # whatever it was, it was not right
        self.session_of.plan.review.append(
            f"{question}: the grader could not judge this answer ({type(error).__name__})"
        )
        return Finding("wrong", _UNJUDGED)

    def _emission(self, prepared: Prepared, nonce: str, randomness: int) -> str:
        words = {"name": self.step.name, "nonce": nonce, "randomness": randomness}
        return _EMIT.format(payload=prepared.payload, **words)

    def _sent(self, outputs: list, nonce: str) -> list[Any]:
        """The outcomes in the outputs of a check; the last message that is the check's own.

        Raises:
            ValueError: there is none.
        """
        for out in reversed(outputs):
            if out.output_type != "display_data":
                continue
            found = values.loads(out.data.get(values.MIME))
            if found.get("nonce") == nonce and found.get("question") == self.step.question:
                return found["outcomes"]
        raise ValueError("the check sent nothing")

    def _is_random(self, prepared: Prepared, rows: list[Any]) -> bool:
        """Whether a second run with other global random numbers gives other values."""
        if not any(isinstance(row, dict) and row.get("kind") == "value" for row in rows):
            return False
        kernel, nonce = self.parent.kernel, secrets.token_hex(16)
        kernel.collecting = True
        source = self._emission(prepared, nonce, 1)
        try:
            outputs = kernel.run(source, self.session_of.limits.question_s)
            return prepared.differ(rows, self._sent(outputs, nonce))
        except (KernelDied, Empty, ValueError):
            return False
        finally:
            kernel.collecting = False

    def _died(self, reason: str) -> None:
        """The kernel ended in this step."""
        words = DIED.get(reason, f"your code ended the process ({reason})")
        if self.step.role == "check":
            status = "timeout" if reason in ("time", "not to be interrupted") else "crashed"
            self._find(Finding(status, f"{words[0].upper()}{words[1:]}."))
        else:
            self.session_of.notes.append(f"In a cell that is no answer, {words}.")

    def _too_long(self, seconds: float) -> str:
        if seconds < self.session_of.limits.question_s:
            return f"{DIED['time'][0].upper()}{DIED['time'][1:]}."
        return f"It took longer than {seconds:.0f} seconds."

    def _find(self, found: Finding) -> None:
        self.session_of.find(self.step.question, found)
        if self._guessed:
            self.session_of.guessed.add(self.step.question)


def _stopped(seconds: float) -> str:
    if seconds < _LEAST:
        return "A cell was not run, because those above it took all the time for such cells."
    return f"A cell was stopped after {max(1.0, seconds):.0f} seconds."
