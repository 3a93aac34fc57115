"""Rows keep everything, and a journal survives being killed at any byte."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_class import question, row, rows

from coursekit.grading.verdict import durable
from coursekit.grading.verdict.results import STATUSES, Journal, QuestionResult, Row, dumps, read
from coursekit.project import CourseError

_text = st.text(st.characters(), max_size=30)  # lone surrogates and controls included
_points = st.one_of(st.integers(0, 1000), st.decimals(0, 1000, places=3).map(float))
_questions = st.builds(
    QuestionResult,
    id=_text,
    title=_text,
    points=st.none() | _points,
    possible=_points,
    status=st.sampled_from(STATUSES),
    misconception=st.none() | _text,
    message=_text,
    answer=_text,
)
_rows = st.builds(
    Row,
    student=_text,
    file=_text,
    sha256=_text,
    assignment=_text,
    level=_text,
    seed=_text,
    status=st.sampled_from(["graded", "review"]),
    review=st.lists(_text, max_size=3).map(tuple),
    notes=st.lists(_text, max_size=3).map(tuple),
    questions=st.lists(_questions, max_size=3).map(tuple),
)


@given(_rows)
def test_a_row_survives_its_line(entry: Row) -> None:
    line = dumps(entry)
    assert line.count("\n") == 1 and line.endswith("\n")
    assert line.isascii()
    assert Row.from_json(line) == entry
    assert dumps(Row.from_json(line)) == line


def test_points_are_written_as_people_write_them() -> None:
    done = replace(question("ddim.step", "wrong"), points=2.0, possible=0.1 + 0.2)
    entry = replace(row("ada", ["right"] * 4 + ["manual"]), questions=(done,))
    assert '"points": 2, "possible": 0.3, ' in dumps(entry)
    assert json.loads(dumps(entry))["questions"][0]["misconception"] is None


@pytest.mark.parametrize(
    "change",
    [
        '"points": "2"',
        '"points": true',
        '"points": NaN',
        '"points": -1',
        '"points": Infinity',
        '"points": 1e999',
        '"points": [1]',
        '"status": "fine"',
        '"title": null',
        '"surprise": 1',
        '"message": {"a": 1}',
    ],
)
def test_a_line_that_is_no_row_is_refused(change: str) -> None:
    line = dumps(row("ada", ["wrong"] * 4 + ["manual"]))
    key = change.partition(":")[0]
    if key in line:
        start = line.index(key)
        broken = line[:start] + change + line[line.index(", ", start) :]
    else:
        broken = line.replace('"title"', f'{change}, "title"', 1)
    assert broken.startswith('{"student": "ada"') and broken != line
    with pytest.raises(ValueError):
        Row.from_json(broken)


def test_a_deep_line_is_refused() -> None:
    with pytest.raises(ValueError):
        Row.from_json('{"questions": ' + "[" * 100_000)


def test_a_journal_torn_at_every_byte_keeps_all_whole_rows(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # two thousand of them take long
    entries = [row(name, ["right"] * 4 + ["manual"]) for name in ("zoe", "ada", "max")]
    entries = [replace(entry, questions=()) for entry in entries]
    lines = [dumps(entry).encode() for entry in entries]
    data = b"".join(lines)
    ends = [sum(map(len, lines[: i + 1])) for i in range(3)]
    path = tmp_path / "results.jsonl"
    late = row("late", ["wrong"] * 4 + ["manual"])
    for cut in range(len(data) + 1):
        path.write_bytes(data[:cut])
        whole = sum(end <= cut for end in ends)
        with Journal(path) as journal:
            assert {entry.student for entry in journal.rows} == {
                entry.student for entry in entries[:whole]
            }
        assert path.read_bytes() == data[: ([0, *ends])[whole]]
        if cut % 13 == 0:
            with Journal(path) as journal:
                journal.append(late)
            assert len(read(path)) == whole + 1


def test_a_hole_in_the_last_line_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    first, last = dumps(row("ada", ["right"] * 4 + ["manual"])).encode(), bytes(300) + b"\n"
    path.write_bytes(first + last)
    with Journal(path) as journal:
        assert [entry.student for entry in journal.rows] == ["ada"]
    assert path.read_bytes() == first


def test_a_broken_line_in_the_middle_is_named(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    line = dumps(row("ada", ["right"] * 4 + ["manual"]))
    path.write_text(line + "{nonsense}\n" + line)
    with pytest.raises(CourseError, match=r"results\.jsonl:2: not a row"):
        Journal(path)
    assert path.read_text().count("\n") == 3, "a file that is not understood is left alone"
    path.write_text(line + "{nonsense}\n" + line[:-9])
    with pytest.raises(CourseError, match=r"results\.jsonl:2: not a row"):
        Journal(path)


def test_the_last_row_of_a_submission_wins_and_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    old, new = (row("ada", [word] * 4 + ["manual"]) for word in ("wrong", "right"))
    with Journal(path) as journal:
        journal.append(old)
        journal.append(row("bob", ["wrong"] * 4 + ["manual"]))
        journal.append(new)
        assert (new.student, new.sha256) in journal
        assert ("ada", "other file") not in journal
    assert read(path) == [new, row("bob", ["wrong"] * 4 + ["manual"])]


def test_what_append_returned_from_is_on_the_disk(tmp_path: Path, monkeypatch) -> None:
    synced: list[int] = []
    real = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda handle: (synced.append(os.fstat(handle).st_size), real(handle))
    )
    with Journal(tmp_path / "results.jsonl") as journal:
        entry = row("ada", ["right"] * 4 + ["manual"])
        journal.append(entry)
        assert synced[-1] == len(dumps(entry))
        assert (tmp_path / "results.jsonl").read_text() == dumps(entry)


def test_finishing_gives_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    entries = rows()
    made = []
    for i, order in enumerate((entries, entries[::-1], entries[10:] + entries[:20])):
        with Journal(tmp_path / f"{i}.jsonl") as journal:
            for entry in order:
                journal.append(entry)
            assert journal.finish() == read(tmp_path / f"{i}.jsonl")
        made.append((tmp_path / f"{i}.jsonl").read_bytes())
    assert made[0] == made[1] == made[2]
    students = [entry.student for entry in read(tmp_path / "0.jsonl")]
    assert students == sorted(students)


def test_finishing_drops_rows_of_replaced_files(tmp_path: Path) -> None:
    entry = row("ada", ["right"] * 4 + ["manual"])
    other = replace(entry, sha256="older")
    with Journal(tmp_path / "results.jsonl") as journal:
        journal.append(other)
        journal.append(entry)
        assert journal.finish({("ada", entry.sha256)}) == [entry]
    assert read(tmp_path / "results.jsonl") == [entry]


def test_a_file_is_whole_or_old_whenever_writing_stops(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "grades.csv"
    durable.write_file(path, "old")

    def dies(*args: object) -> None:
        raise KeyboardInterrupt

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(os, name, dies)
            durable.write_file(path, "new")
        assert path.read_text() == "old"
    durable.write_file(path, b"new")
    assert path.read_text() == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["grades.csv"], "no litter"


def test_a_private_file_is_private_from_the_start(tmp_path: Path) -> None:
    durable.write_file(tmp_path / "run.json", "{}", mode=0o600)
    assert (tmp_path / "run.json").stat().st_mode & 0o777 == 0o600


def test_a_link_in_the_place_of_the_growing_file_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / ".grades.csv.part").symlink_to(victim)
    durable.write_file(tmp_path / "grades.csv", "new")
    assert victim.read_text() == "precious"


def test_no_results_is_said(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="nothing is graded"):
        read(tmp_path / "results.jsonl")


@settings(max_examples=50)
@given(st.binary(max_size=200))
def test_any_bytes_are_rows_or_a_course_error(tmp_path_factory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("journal") / "results.jsonl"
    path.write_bytes(data)
    try:
        Journal(path).close()
    except CourseError as error:
        assert "results.jsonl:" in str(error)
