"""The instructor's file: strict about names and numbers, with lines, and applied on top."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_class import QUESTIONS, row, rows

from coursekit.grading.incoming import handwritten
from coursekit.grading.outgoing.overrides import (
    Overrides,
    StudentOverride,
    apply,
    checksum,
    load,
    parse,
)
from coursekit.grading.outgoing.store import to_mark
from coursekit.project import CourseError

FILES = {"ada": ["ada.ipynb", "ada_late.ipynb"], "007": ["007.ipynb"], "no": ["no.ipynb"]}
WHOLE = """\
# marked on Tuesday
points: {ddim.step: 5, ddim.timesteps: 0}
students:
  ada:
    questions: {ddim.explain: 2, ddim.by_hand: 1.5}
    comments:
      ddim.explain: "Good; but why …?"
    reviewed: true
    note: regraded after office hours
    submission: ada_late.ipynb
  007:
  no: {reviewed: false}
"""


def _parse(text: str | bytes) -> Overrides:
    data = text.encode() if isinstance(text, str) else text
    return parse(data, "overrides.yml", QUESTIONS, FILES)


def test_everything_is_read() -> None:
    assert _parse(WHOLE) == Overrides(
        {"ddim.step": 5, "ddim.timesteps": 0},
        {
            "ada": StudentOverride(
                {"ddim.explain": 2, "ddim.by_hand": 1.5},
                {"ddim.explain": "Good; but why …?"},
                True,
                "regraded after office hours",
                "ada_late.ipynb",
            ),
            "007": StudentOverride(),
            "no": StudentOverride(),
        },
    )


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "students:\npoints:\n", "\ufeffstudents:"])
def test_everything_is_optional(text: str) -> None:
    assert _parse(text) == Overrides()


def test_no_file_is_no_override(tmp_path: Path) -> None:
    assert load(tmp_path / "overrides.yml", QUESTIONS, FILES) == Overrides()
    (tmp_path / "overrides.yml").write_text(WHOLE)
    assert load(tmp_path / "overrides.yml", QUESTIONS, FILES) == _parse(WHOLE)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("point: {}", 1, "unknown key 'point'. Did you mean points"),
        ("points:\n  ddim.stop: 2", 2, "unknown question 'ddim.stop'. Did you mean ddim.step"),
        ("students:\n  adda: {}", 2, "unknown student 'adda'. Did you mean ada"),
        ("students:\n  ada:\n    marks: {}", 3, "unknown key 'marks'"),
        ("students:\n  ada:\n    question: {}", 3, "Did you mean questions"),
        ("students:\n\n  ada: {reviewed: maybe}", 3, "either true or false"),
        ("students: {ada: {reviewed: 1}}", 1, "either true or false"),
        ("students: {ada: {note: [a]}}", 1, "note must be text"),
        ("students: {ada: {note: }}", 1, "note must be text"),
        ("students: {ada: {comments: {ddim.step: {}}}}", 1, "must be text"),
        ("students: {ada: {submission: bob.ipynb}}", 1, "not among this student's files"),
        ("students: {ada: {questions: {ddim.explain: 20}}}", 1, "worth 2 points"),
        ("students: {ada: {questions: {ddim.explain: -1}}}", 1, "needs a number of points"),
        ("students: {ada: {questions: {ddim.explain: .nan}}}", 1, "needs a number of points"),
        ("students: {ada: {questions: {ddim.explain: 1:30}}}", 1, "not '1:30'"),
        ("students: {ada: {questions: {ddim.explain: 0x1}}}", 1, "not '0x1'"),
        ("students: {ada: {questions: {ddim.explain: '2'}}}", 1, "needs a number of points"),
        ("students: {ada: {questions: {ddim.explain: yes}}}", 1, "needs a number of points"),
        ("students: {ada: {questions: {ddim.explain: [2]}}}", 1, "needs a number of points"),
        ("points: {ddim.step: }", 1, "needs a number of points"),
        ("points: 3", 1, "expected 'name: value'"),
        ("- a\n- b", 1, "expected 'name: value'"),
        ("students:\n  ada: {}\n  ada: {}", 3, "already in line 2"),
        ("points:\n  [a, b]: 1", 2, "a question is a plain name"),
        ("students:\n  ada: &a {}\n  no: *a", 2, "no &anchors"),
        ("students: !!python/object:os.system {}", 1, "no &anchors, *aliases or !tags"),
        ("students:\n  ada: {note: 'open", 2, "invalid YAML"),
        ("students:\n\tada: {}", 2, "invalid YAML"),
        ("a: 1\n---\nb: 2", 2, "invalid YAML"),
        (b"students:\n  \xff: {}", 2, "not UTF-8"),
        ("points:\n  a\x07: 1", 2, "U+0007"),
        ("\n" + "[" * 300_000, 2, "nested too deeply"),
        ("students:\n  \u202eada: {}", 2, "unknown student '⟨U+202E⟩ada'"),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str | bytes, line: int, says: str) -> None:
    with pytest.raises(CourseError) as caught:
        _parse(text)
    assert str(caught.value).startswith(f"overrides.yml:{line}: ")
    assert says in str(caught.value)
    assert len(str(caught.value)) < 600


def test_a_mark_may_use_a_raised_maximum() -> None:
    text = "students: {ada: {questions: {ddim.step: 5}}}\npoints: {ddim.step: 5}"
    assert _parse(text).students["ada"].questions == {"ddim.step": 5}
    with pytest.raises(CourseError, match="worth 3 points"):
        _parse("students: {ada: {questions: {ddim.step: 5}}}")


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "overrides.yml"
    path.write_bytes(b"#" * (handwritten.LIMIT + 1))
    with pytest.raises(CourseError, match="larger than 1 MB"):
        load(path, QUESTIONS, FILES)


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda t: t.encode("utf-8", "replace")))
def test_any_bytes_are_overrides_or_a_course_error(data: bytes) -> None:
    try:
        _parse(data)
    except CourseError as error:
        assert str(error).startswith("overrides.yml:")


def test_without_overrides_the_checks_decide() -> None:
    entry = row("ada", ["right", "wrong", "missing", "right", "manual"])
    (graded,) = apply([entry], Overrides(), QUESTIONS)
    assert [q.points for q in graded.questions] == [2, 0, 0, 3, None]
    assert (graded.total, graded.possible, graded.pending) == (5, 12, 2)
    assert graded.changes == ()
    assert {q.by for q in graded.questions} == {"checks"}
    assert graded.status == "to mark"


def test_marks_of_a_person_win_and_are_recorded() -> None:
    entry = row("ada", ["right", "wrong", "missing", "right", "manual"])
    (graded,) = apply([entry], _parse(WHOLE), QUESTIONS)
    points = {q.result.id: (q.points, q.possible, q.by) for q in graded.questions}
    assert points == {
        "ddim.by_hand": (1.5, 2, "instructor"),
        "ddim.step": (0, 5, "checks"),
        "ddim.timesteps": (0, 0, "checks"),
        "ddim.repair": (3, 3, "checks"),
        "ddim.explain": (2, 2, "instructor"),
    }
    assert (graded.total, graded.possible, graded.status) == (6.5, 12, "final")
    assert graded.note == "regraded after office hours"
    changed = {(c.what, c.before, c.after) for c in graded.changes}
    assert ("ddim.by_hand", 2, 1.5) in changed
    assert ("maximum of ddim.step", 3, 5) in changed
    assert {c.by for c in graded.changes} >= {
        "overrides.yml: students: ada: questions: ddim.by_hand",
        "overrides.yml: points: ddim.step",
    }


def test_a_new_maximum_scales_what_the_checks_gave() -> None:
    entries = [row("ada", [word] * 4 + ["manual"]) for word in ("right", "wrong")]
    given_ = Overrides({"ddim.step": 5, "ddim.repair": 0, "ddim.explain": 0})
    right, wrong = apply(entries, given_, QUESTIONS)
    assert [q.points for q in right.questions] == [2, 5, 2, 0, 0]
    assert [q.points for q in wrong.questions] == [0, 0, 0, 0, 0]
    assert right.possible == wrong.possible == 9
    assert right.status == "final", "a dropped question waits for nobody"


def test_review_ends_when_somebody_has_looked() -> None:
    entry = row("ada", ["right"] * 4 + ["manual"], status="review", review=("salvaged",))
    marks = {"ddim.explain": 1.0}
    (before,) = apply([entry], Overrides(students={"ada": StudentOverride(marks)}), QUESTIONS)
    seen = StudentOverride(marks, reviewed=True)
    (after,) = apply([entry], Overrides(students={"ada": seen}), QUESTIONS)
    assert (before.status, after.status) == ("review", "final")
    assert before.total == after.total == 11
    assert [(c.what, c.before, c.after) for c in after.changes][-1] == (
        "status",
        "review",
        "reviewed",
    )


def test_decisions_about_another_file_are_kept_and_looked_at_again() -> None:
    """Marks do not pass silently from the file somebody read to one that nobody has seen."""
    entry = row("ada", ["right"] * 4 + ["manual"])
    marks = {"ddim.explain": 1.0}
    for of, status in ((checksum(entry), "final"), ("", "final"), ("0badf11e", "review")):
        decided = Overrides(students={"ada": StudentOverride(marks, reviewed=True, of=of)})
        (graded,) = apply([entry], decided, QUESTIONS)
        assert graded.status == status, of
        assert graded.total == 11, "never lost"
    assert checksum(entry) in graded.row.review[-1] and "0badf11e" in graded.row.review[-1]
    assert "status" not in [change.what for change in graded.changes], "not reviewed"


@pytest.mark.parametrize("of", ["3fa9", "ada.ipynb", "", "3fa9c1d2 "])
def test_a_checksum_looks_like_one(of: str) -> None:
    with pytest.raises(CourseError, match=r"overrides\.yml:1: .*(checksum|must be text)"):
        _parse(f"students: {{ada: {{of: {json.dumps(of)}}}}}")


def test_the_list_of_what_waits_is_an_overrides_file() -> None:
    """Copied whole and not filled in it decides nothing; filled in, everything it asks for."""
    entries = [
        row("ada", ["right"] * 4 + ["manual"]),
        row("007", ["right"] * 5, status="review", review=("cut off:\nof: x\u0085", "two files")),
        row("no", ["right"] * 5),
    ]
    waiting = to_mark(apply(entries, Overrides(), QUESTIONS))
    assert "no:" not in waiting and "# look: two files" in waiting
    before = apply(entries, _parse(waiting), QUESTIONS)
    assert [graded.status for graded in before] == ["to mark", "review", "final"]
    done = waiting.replace("reviewed:", "reviewed: true").replace("explain:", "explain: 2")
    after = apply(entries, _parse(done), QUESTIONS)
    assert [graded.status for graded in after] == ["final"] * 3
    newer = [replace(entry, sha256="f" * 64) for entry in entries]
    again = apply(newer, _parse(done), QUESTIONS)
    assert [graded.status for graded in again] == ["review", "review", "final"]


def test_applying_changes_no_row_and_forgets_nobody() -> None:
    entries = rows()
    copies = [replace(entry) for entry in entries]
    graded = apply(entries, _parse(WHOLE), QUESTIONS)
    assert entries == copies
    assert [entry.row for entry in graded] == entries


def test_a_mark_that_is_still_missing_is_none() -> None:
    """As copied from to_mark.yml, in which the numbers are to be filled in."""
    found = _parse("students:\n  ada:\n    questions:\n      ddim.explain:    # of 2\n")
    assert found.students["ada"].questions == {}
