"""Tables that no spreadsheet mistakes for a program, in the forms that Canvas and Moodle read."""

from __future__ import annotations

import csv
import html
import io
import re
import unicodedata
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sample_class import HOSTILE, QUESTIONS, graded, row

from coursekit.grading.incoming.plaintext import one_line
from coursekit.grading.incoming.roster import Roster
from coursekit.grading.outgoing.exports import (
    canvas_csv,
    cell,
    feedback,
    grades_csv,
    junit_xml,
    moodle_csv,
    strangers,
)
from coursekit.grading.outgoing.overrides import Graded, Overrides, StudentOverride, apply
from coursekit.grading.verdict.results import Row
from coursekit.project import CourseError

DANGEROUS = "=+-@\t\r＝＋－＠﹦﹢﹣﹫−"
_text = st.text(st.characters(), max_size=40)
_nasty = st.text(st.sampled_from(DANGEROUS + " ;,'\"\n\x00\ud800\u202ea1|!()"), max_size=12)


def _parse(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8"), newline="")))


def _final(student: str = "ada", file: str = "ada.ipynb", mark: float = 1.5) -> Graded:
    entry = row(student, ["right", "wrong", "right", "error", "manual"], file=file)
    marks = StudentOverride({"ddim.explain": mark})
    return apply([entry], Overrides(students={student: marks}), QUESTIONS)[0]


def _formulas(data: bytes) -> list[str]:
    """Cells that a spreadsheet would compute, whether it splits at commas, semicolons or tabs."""
    found = []
    for separator in ",;\t":
        text = data.decode("utf-8")
        for line in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            for value in line:
                bare = value.lstrip(" '\"")
                first = unicodedata.normalize("NFKC", bare)[:1]
                guarded = "'" in value[: len(value) - len(bare)]
                number = re.fullmatch(r"-?\d+(\.\d+)?", value)
                if first and first in "=+-@−" and not guarded and not number:
                    found.append(value)
                if separator == "," and any(char in value for char in "\t\r\n\x00"):
                    found.append(value)
    return found


@given(_nasty | _text)
@example("=1+1")
@example(" \t＝cmd|' /C calc'!A0")
@example("a;=1")
@example("'=1")
@example("\u200b=1")
@example("\r\n@SUM(A1)")
def test_no_cell_is_a_formula_and_nothing_is_lost(text: str) -> None:
    escaped = cell(text)
    file = io.StringIO(newline="")
    csv.writer(file).writerow(["x", escaped, -1.5])
    data = file.getvalue().encode("utf-8")
    assert _formulas(data) == []
    assert _parse(data) == [["x", escaped, "-1.5"]]
    if not re.search(r"'", text):
        assert escaped.replace("'", "") == one_line(text)
    assert cell(text) == cell(one_line(text))


@given(_nasty, _nasty)
def test_different_texts_stay_different(one: str, other: str) -> None:
    if one_line(one) != one_line(other):
        assert cell(one) != cell(other)


@pytest.mark.parametrize(
    "name",
    ["Ada Lovelace", "Jean-Luc", "O'Brien", "d'Arc; Jeanne", "ada@example.org", "Ernő", "-5", "1.5",
     "李小龙", "Smith, Jo", "a=b", "C++", "x; y", "Nobody \"Nemo\" None", "عمر"],
)  # fmt: skip
def test_honest_names_stay(name: str) -> None:
    assert cell(name) == name


@pytest.mark.parametrize("char", DANGEROUS.replace("\t", "").replace("\r", ""))
def test_every_dangerous_character_is_met(char: str) -> None:
    assert cell(f"{char}SUM(A1)") == f"'{char}SUM(A1)"
    assert cell(f"ada;{char}SUM(A1)") == f"ada;'{char}SUM(A1)"


def test_the_grade_book() -> None:
    ada = _final()
    waiting = apply([row("bob", ["right"] * 4 + ["manual"])], Overrides(), QUESTIONS)[0]
    review = apply(
        [row("eve", ["missing"] * 4 + ["manual"], status="review", review=("a PDF",))],
        Overrides(),
        QUESTIONS,
    )[0]
    assert grades_csv([ada, waiting, review]).decode().split("\r\n") == [
        "student,ddim.by_hand,ddim.step,ddim.timesteps,ddim.repair,ddim.explain,"
        "total,possible,percent,pending,status,reason,file",
        "ada,2,0,2,0,1.5,5.5,12,45.83,0,final,,ada.ipynb",
        "bob,2,3,2,3,,10,12,83.33,2,to mark,,bob.ipynb",
        "eve,0,0,0,0,,0,12,0,2,review,a PDF,eve.ipynb",
        "",
    ]


def test_the_class_comes_back_whole() -> None:
    for data in (grades_csv(graded()), canvas_csv(graded(), "ddim"), moodle_csv(graded())):
        assert _formulas(data) == []
        lines = _parse(data)
        assert len({len(line) for line in lines}) == 1
    lines = _parse(grades_csv(graded()))
    assert [line[0] for line in lines[1:]] == [cell(entry.student) for entry in graded()]
    assert [float(line[6]) for line in lines[1:]] == [entry.total for entry in graded()]


def test_exports_are_the_same_bytes_twice() -> None:
    for make in (grades_csv, moodle_csv, lambda g: canvas_csv(g, "d"), lambda g: junit_xml(g, "d")):
        assert make(graded()) == make(graded())


def test_canvas_from_its_own_file_names() -> None:
    lines = _parse(canvas_csv([_final("lovelaceada", "lovelaceada_12345_67_ddim.ipynb")], "DDIM"))
    assert lines == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "DDIM"],
        ["    Points Possible", "", "", "", "", "12"],
        ["lovelaceada", "12345", "", "", "", "5.5"],
    ]


def test_students_whom_an_import_may_not_find_are_named() -> None:
    canvas = _final("lovelaceada", "lovelaceada_12345_67_ddim.ipynb")
    moodle = _final("tim", "Tim_99_assignsubmission_file_/ddim.ipynb")
    mailed = [_final(name, f"{name}.ipynb") for name in ("eve", "ida")]
    assert strangers([canvas]) == strangers([moodle]) == strangers([]) == {}
    assert strangers([canvas, *mailed]) == {"canvas.csv": ["eve", "ida"]}
    assert strangers([*mailed, moodle]) == {"moodle.csv": ["eve", "ida"]}
    everybody = ["eve", "ida"]
    assert strangers(mailed) == {"canvas.csv": everybody, "moodle.csv": everybody}
    for text in (b"student,ID\neve,5\n", b"student,SIS Login ID\neve,e1\n"):
        assert strangers(mailed, Roster.parse(text, "r.csv")) == {"canvas.csv": ["ida"]}
    known = Roster.parse(b"student,Identifier\neve,Participant 5\nida,Participant 6\n", "r.csv")
    assert strangers(mailed, known) == {}


GRADEBOOK = (
    "\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,DDIM (991),DDPM (992),Final Score\r\n"
    "    Points Possible,,,,,12,10,(read only)\r\n"
    '"Lovelace, Ada",12345,S1,al1815,Autumn,,,\r\n'
    '"Hopper, Grace",777,S2,gh1906,Spring,,,\r\n'
)


def test_canvas_gets_back_what_it_exported() -> None:
    roster = Roster.parse(GRADEBOOK.encode(), "roster.csv")
    assert len(roster.people) == 2, "the maxima are nobody"
    entries = [
        _final("lovelaceada", "lovelaceada_12345_67_ddim.ipynb"),
        _final("gh1906", "gh1906.ipynb", 2),
        _final("nobody", "nobody.ipynb", 0),
    ]
    lines = _parse(canvas_csv(entries, "ddim", roster))
    assert lines[0][-1] == "DDIM (991)"
    assert lines[2:] == [
        ["Lovelace, Ada", "12345", "S1", "al1815", "Autumn", "5.5"],
        ["Hopper, Grace", "777", "S2", "gh1906", "Spring", "6"],
        ["nobody", "", "", "", "", "4"],
    ]


def test_a_grade_that_is_not_final_is_empty_and_never_zero() -> None:
    entry = row("ada", ["right"] * 4 + ["manual"])
    review = replace(entry, student="bob", status="review", review=("salvaged",))
    both = apply([entry, review], Overrides(), QUESTIONS)
    assert [line[-1] for line in _parse(canvas_csv(both, "ddim"))[2:]] == ["", ""]
    assert [line[4] for line in _parse(moodle_csv(both))[1:]] == ["", ""]
    partial = canvas_csv(both, "ddim", partial=True)
    assert [line[-1] for line in _parse(partial)[2:]] == ["10", "10"]


def test_a_student_is_not_taken_for_the_maxima() -> None:
    lines = _parse(canvas_csv([_final("Points Possible")], "ddim"))
    assert [("Points Possible" in line[0]) for line in lines] == [False, True, False]


def test_moodle_from_its_own_folder_names() -> None:
    file = "Ada Lovelace_1234567_assignsubmission_file_/ddim.ipynb"
    header, line = _parse(moodle_csv([_final("Ada_Lovelace", file)]))
    got = dict(zip(header, line, strict=True))
    assert got["Identifier"] == "Participant 1234567"
    assert (got["Full name"], got["Grade"], got["Maximum Grade"]) == ("Ada Lovelace", "5.5", "12")
    assert "Last modified (grade)" in header, "the import refuses a file without it"
    assert got["Feedback comments"].startswith("5.5 of 12 points.<br><br>One step by hand")


def test_moodle_gets_back_what_it_exported() -> None:
    sheet = (
        "Identifier,Full name,Email address,Status,Grade,Maximum Grade,Grade can be changed,"
        "Last modified (submission),Last modified (grade),Feedback comments\n"
        'Participant 31,Jo Smith,jo@example.org,Submitted,,12.00,Yes,"Monday, 9:00",-,\n'
        "Participant 32,Jo Smith,js@example.org,Submitted,,12.00,Yes,-,-,\n"
    )
    roster = Roster.parse(sheet.encode(), "roster.csv")
    file = "Jo Smith_32_assignsubmission_file_/x.ipynb"
    lines = _parse(moodle_csv([_final("Jo_Smith-32", file), _final("jo")], roster))
    assert lines[1][:9] == [
        "Participant 32", "Jo Smith", "js@example.org", "Submitted", "5.5", "12.00", "Yes",
        "'-", "'-",
    ]  # fmt: skip
    assert lines[2][0] == "Participant 31"
    (nobody,) = _parse(moodle_csv([_final("Jo_Smith")], roster))[1:]
    assert nobody[0] == "", "two people of one name: neither is meant"


def test_feedback_in_moodle_is_text_even_though_moodle_reads_html() -> None:
    entry = graded()[21]
    assert entry.student == HOSTILE[0]
    for entry in graded():
        value = _parse(moodle_csv([entry]))[1][-1]
        assert "<" not in value.replace("<br>", "")
        assert not set("=+@\t\r\n") & set(value)
        assert html.unescape(value.replace("<br>", "\n")) == feedback(entry)
        assert len(value) < 120_000


def test_feedback_says_what_a_person_wrote_and_not_what_is_right() -> None:
    entry = row("ada", ["right", "wrong", "right", "right", "manual"])
    given_ = StudentOverride(comments={"ddim.explain": "Why so?"}, note="regraded")
    text = feedback(apply([entry], Overrides(students={"ada": given_}), QUESTIONS)[0])
    assert text.startswith("7 of 12 points so far, 2 still to be marked.")
    assert "Why so?" in text and text.endswith("regraded")
    assert "case 2 of 4" in text and "✓" not in text


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_simple_roster(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "roster.csv"
    lines = [["student", "Name", "SIS Login ID"], ["ada", "Ada Lovelace", "al"], ["", "", ""]]
    path.write_text("\n".join(separator.join(line) for line in lines))
    roster = Roster.load(path)
    assert roster.person("ada", "x.ipynb")["name"] == "Ada Lovelace"
    assert roster.person("ADA", "x.ipynb") == roster.person("al", "x.ipynb") == roster.people[0]
    assert roster.person("Ada_Lovelace", "x.ipynb") == roster.people[0]
    assert roster.person("eve", "x.ipynb") == {}
    line = _parse(canvas_csv([_final()], "ddim", roster))[2]
    assert line == ["Ada Lovelace", "", "", "al", "", "5.5"]


@pytest.mark.parametrize("data", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b"\n\n"])
def test_a_file_that_is_no_roster_is_refused(data: bytes) -> None:
    with pytest.raises(CourseError, match=r"r\.csv"):
        Roster.parse(data, "r.csv")


@given(st.binary(max_size=80).map(lambda data: b"student,name\n" + data))
def test_any_roster_is_read_or_refused(data: bytes) -> None:
    try:
        roster = Roster.parse(data, "r.csv")
    except CourseError:
        return
    assert _formulas(canvas_csv([_final()], "ddim", roster)) == []


def test_junit_counts_what_it_holds() -> None:
    root = ElementTree.fromstring(junit_xml(graded(), "ddim"))
    assert root.tag == "testsuites"
    assert len(root) == 30
    assert root[0].get("name") == "ada"
    for suite, entry in zip(root, graded(), strict=True):
        cases = suite.findall("testcase")
        assert [case.get("name") for case in cases] == [q.result.id for q in entry.questions]
        assert suite.get("tests") == str(len(cases))
        for kind in ("failure", "error", "skipped"):
            total = sum(case.find(kind) is not None for case in cases)
            plural = kind if kind == "skipped" else f"{kind}s"
            assert suite.get(plural) == str(total)
        for case, question in zip(cases, entry.questions, strict=True):
            if question.points is None:
                assert case.find("skipped") is not None
            else:
                assert (len(case) == 0) == (question.points == question.possible)
    totals = [int(root.get(key, "")) for key in ("tests", "failures", "errors", "skipped")]
    sums = [
        sum(int(s.get(k, "")) for s in root) for k in ("tests", "failures", "errors", "skipped")
    ]
    assert totals == sums and totals[1] > 0 and totals[2] > 0 and totals[3] > 0


def test_junit_has_the_message() -> None:
    root = ElementTree.fromstring(
        junit_xml(apply([_wrong("a < b\nc & ]]> d")], Overrides(), {}), "x")
    )
    failure = root.find("testsuite/testcase/failure")
    assert failure is not None
    assert failure.text == "a < b\nc & ]]> d"
    assert failure.get("message") == "a < b"
    assert failure.get("type") == "wrong"


def _wrong(message: str) -> Row:
    entry = row("ada", ["wrong"] * 4 + ["manual"])
    done = tuple(replace(question, message=message) for question in entry.questions)
    return replace(entry, questions=done)


@settings(deadline=None)
@given(_text | st.sampled_from(HOSTILE))
@example("x" * 1_000_000)
@example("\ufffe\uffff\x0b\x85\U0001fffe")
def test_any_text_is_valid_xml(text: str) -> None:
    entry = replace(_wrong(text), student=text, status="review", review=(text,))
    data = junit_xml(apply([entry], Overrides(), {}), text)
    root = ElementTree.fromstring(data)
    assert len(root) == 1 and len(root[0].findall("testcase")) == 5
    assert len(data) < 200_000
