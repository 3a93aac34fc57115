"""Whose file is whose, in every shape that submissions come in."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coursekit.grading.incoming.files import File
from coursekit.grading.incoming.names import Identity, identity, safe_ids
from coursekit.grading.incoming.students import (
    HIDDEN,
    NOTHING,
    SHARED,
    Task,
    find,
    passed_over,
    sha256,
)
from coursekit.project import CourseError


def _make(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


def _found(place: Path) -> dict[str, tuple[str, ...]]:
    return {student.id: student.files for student in find(place, "ddim")}


def test_flat_files(tmp_path: Path) -> None:
    _make(tmp_path, "bob.ipynb", "ada.ipynb", "ddim_cleo.ipynb", "dan-ddim.IPYNB", "eve.ipynb.txt")
    _make(tmp_path, "overrides.yml", "roster.csv", "README.md", "fay.pdf")
    assert _found(tmp_path) == {
        "ada": ("ada.ipynb",),
        "bob": ("bob.ipynb",),
        "cleo": ("ddim_cleo.ipynb",),
        "dan": ("dan-ddim.IPYNB",),
        "eve": ("eve.ipynb.txt",),
        "fay": ("fay.pdf",),
    }
    assert list(_found(tmp_path)) == sorted(_found(tmp_path))


def test_canvas_takes_the_newest_attempt(tmp_path: Path) -> None:
    first = "lovelaceada_12345_67890_ddim.ipynb"
    late = "lovelaceada_LATE_12345_70001_ddim-1.ipynb"
    later = "lovelaceada_LATE_12345_80001_ddim-10.ipynb"
    _make(tmp_path, late, first, later, "hopper_LATE_9_100_x_1_2_y.ipynb")
    ada, hopper = sorted(find(tmp_path, "ddim"), key=lambda student: student.id, reverse=True)
    assert ada.id == "lovelaceada"
    assert ada.files == (later, late, first)
    assert ada.choice == ""
    assert hopper.id == "hopper"


def test_the_attempt_says_more_than_the_number_of_the_file(tmp_path: Path) -> None:
    _make(tmp_path, "ada_1_50_ddim-2.ipynb", "ada_1_90_ddim-1.ipynb", "ada_1_70_ddim.ipynb")
    (ada,) = find(tmp_path, "ddim")
    assert ada.file.name == "ada_1_50_ddim-2.ipynb"


def test_other_names_of_one_canvas_student_are_a_choice(tmp_path: Path) -> None:
    _make(tmp_path, "ada_1_20_final.ipynb", "ada_1_10_ddim.ipynb")
    (ada,) = find(tmp_path, "ddim")
    assert ada.file.name == "ada_1_20_final.ipynb"
    assert "ada_1_10_ddim.ipynb" in ada.choice
    chosen = ada.choose("ada_1_10_ddim.ipynb")
    assert chosen.files == ("ada_1_10_ddim.ipynb", "ada_1_20_final.ipynb")
    assert chosen.choice == ""


@pytest.mark.parametrize(
    "name",
    [
        "ada.ddpm.train.safetensors",
        "ada_ddpm.train.safetensors",
        "ada-ddpm_train.safetensors",
        "ada.ddpm.train (1).safetensors",
        "ada.ddpm.train - Copy.SafeTensors",
        "A_da - ddpm.train.safetensors",
        "ada.safetensors",  # for a person to look at
        "ada_weights.safetensors",
    ],
)
def test_weights_have_their_owners_name_first(tmp_path: Path, name: str) -> None:
    _make(tmp_path, "ada.ipynb", "ad.ipynb", name)
    _, ada = find(tmp_path, "ddpm")
    assert ada.id == "ada" and [file.name for file in ada.other] == [name]
    # Those of the teacher's are nobody's.
    _make(tmp_path, "reference.model.v2.safetensors", "ddpm.train.safetensors")
    assert [len(student.other) for student in find(tmp_path, "ddpm")] == [0, 1]


def test_weights_beside_a_single_notebook_are_seen(tmp_path: Path) -> None:
    _make(tmp_path, "ada.ipynb", "ada.ddpm.train.safetensors", "adam.ddpm.train.safetensors")
    (ada,) = find(tmp_path / "ada.ipynb", "ddpm")
    assert [file.name for file in ada.other] == ["ada.ddpm.train.safetensors"]


def test_weights_beside_the_only_notebook_are_its_own(tmp_path: Path) -> None:
    names = ["ddpm.train.safetensors"]
    _make(tmp_path, "ddpm.ipynb", *names)
    for place in (tmp_path, tmp_path / "ddpm.ipynb"):
        (student,) = find(place, "ddpm")
        assert [file.name for file in student.other] == names
    _make(tmp_path, "bob.ipynb")
    assert [student.other for student in find(tmp_path, "ddpm")] == [(), ()]


def test_a_dot_in_a_name_is_no_ending(tmp_path: Path) -> None:
    _make(tmp_path, "j.smith.ipynb", "j.jones.ipynb", "j.doe.ipynb.txt", "ada.pdf", "ddpm.ipynb")
    assert list(_found(tmp_path)) == ["ada", "ddpm", "j.doe", "j.jones", "j.smith"]


def test_a_file_that_is_also_a_folder_in_a_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        for name in ("ada/ddim/ddim.ipynb", "ada", "bob/ddim/ddim.ipynb"):
            archive.writestr(name, name)
    assert set(_found(tmp_path / "class.zip")) == {"ada", "bob"}


def test_weights_in_nbgraders_folders_are_no_other_assignment(tmp_path: Path) -> None:
    _make(tmp_path, "ada/ddpm/ddpm.ipynb", "ada/w/ddpm.train.safetensors", "ada/ddim/ddim.ipynb")
    _make(tmp_path, "bob/ddpm/ddpm.ipynb")
    ada, _ = find(tmp_path, "ddpm")
    assert [file.name for file in ada.other] == ["ada/w/ddpm.train.safetensors"]


def test_weights_belong_to_the_student_whose_name_they_carry(tmp_path: Path) -> None:
    _make(tmp_path, "ada.ipynb", "ada.ddpm.train.safetensors", "eve - ddpm.train.safetensors")
    _make(tmp_path, "alan/sheet.ipynb", "alan/w/ddpm.train.safetensors", "shared.safetensors")
    _make(tmp_path, "hopper_9_100_ddpm.ipynb", "hopper_9_101_ddpm.train.safetensors")
    found = {s.id: (s.file.name, *(file.name for file in s.other)) for s in find(tmp_path, "ddpm")}
    assert found == {
        "ada": ("ada.ipynb", "ada.ddpm.train.safetensors"),
        "alan": ("alan/sheet.ipynb", "alan/w/ddpm.train.safetensors"),
        "eve": ("eve - ddpm.train.safetensors",),
        "hopper": ("hopper_9_100_ddpm.ipynb", "hopper_9_101_ddpm.train.safetensors"),
    }
    (eve,) = [student for student in find(tmp_path, "ddpm") if student.id == "eve"]
    assert eve.doubts[0].startswith(NOTHING)


def test_two_people_of_one_name_are_two(tmp_path: Path) -> None:
    _make(tmp_path, "smithjo_1_10_ddim.ipynb", "smithjo_2_20_ddim.ipynb")
    assert set(_found(tmp_path)) == {"smithjo-1", "smithjo-2"}


def test_moodle(tmp_path: Path) -> None:
    ada = "Ada Lovelace_1234567_assignsubmission_file_"
    _make(tmp_path, f"{ada}/ddim.ipynb", "Grace Hopper_22_assignsubmission_file_/work/x.ipynb")
    _make(tmp_path, "Jo Smith_31_assignsubmission_file_/a.ipynb")
    _make(tmp_path, "Jo Smith_32_assignsubmission_file_ddim.ipynb")
    _make(tmp_path, "Tim_41_assignsubmission_onlinetext_/onlinetext.html")
    assert _found(tmp_path) == {
        "Ada_Lovelace": (f"{ada}/ddim.ipynb",),
        "Grace_Hopper": ("Grace Hopper_22_assignsubmission_file_/work/x.ipynb",),
        "Jo_Smith-31": ("Jo Smith_31_assignsubmission_file_/a.ipynb",),
        "Jo_Smith-32": ("Jo Smith_32_assignsubmission_file_ddim.ipynb",),
        "Tim": ("Tim_41_assignsubmission_onlinetext_/onlinetext.html",),
    }


def test_nbgrader_takes_only_this_assignment(tmp_path: Path) -> None:
    _make(tmp_path, "ada/ddim/ddim.ipynb", "ada/ddpm/ddpm.ipynb", "ada/ddim/timestamp.txt")
    _make(tmp_path, "ada/ddim/.ipynb_checkpoints/ddim-checkpoint.ipynb", "bob/ddim/ddim.ipynb")
    assert _found(tmp_path) == {"ada": ("ada/ddim/ddim.ipynb",), "bob": ("bob/ddim/ddim.ipynb",)}
    assert [file.name for file in find(tmp_path, "ddim")[0].other] == ["ada/ddim/timestamp.txt"]


def test_copies_of_colab_and_of_browsers(tmp_path: Path) -> None:
    _make(tmp_path, "Copy of ddim.ipynb", "Copy of ddim (1).ipynb", "ddim (2).ipynb")
    assert len(_found(tmp_path)) == 3, "a name that names nobody is one student each"
    _make(tmp_path, "ada/Copy of ddim.ipynb", "bob.ipynb", "bob (1).ipynb", "Kopie von cleo.ipynb")
    found = {student.id: student for student in find(tmp_path, "ddim")}
    assert found["ada"].file.name == "ada/Copy of ddim.ipynb"
    assert found["bob"].files == ("bob (1).ipynb", "bob.ipynb")
    assert found["bob"].choice
    assert found["cleo"].choice == ""


def test_late_belongs_to_the_early_one_only_if_there_is_one(tmp_path: Path) -> None:
    _make(tmp_path, "ada.ipynb", "ada_late.ipynb", "mary_late.ipynb")
    assert _found(tmp_path) == {
        "ada": ("ada.ipynb", "ada_late.ipynb"),
        "mary_late": ("mary_late.ipynb",),
    }


def test_a_folder_a_student(tmp_path: Path) -> None:
    _make(tmp_path, "ada/ddim.ipynb", "ada/scratch.ipynb", "bob/a.ipynb", "bob/b.ipynb")
    _make(tmp_path, "out/results.jsonl", "out/run.json", "out/report/index.html")
    ada, bob = find(tmp_path, "ddim")
    assert (ada.id, ada.file.name, ada.choice) == ("ada", "ada/ddim.ipynb", "")
    assert (bob.id, bob.file.name) == ("bob", "bob/a.ipynb")
    assert "bob/b.ipynb" in bob.choice


def _zip(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, f"inside {name}")
    return path


def test_a_zip_of_the_lot(tmp_path: Path) -> None:
    names = ["class/ada.ipynb", "class/bob.ipynb", "class/.DS_Store", "__MACOSX/class/._ada.ipynb"]
    whole = _zip(tmp_path / "submissions.zip", *names)
    assert _found(whole) == {"ada": ("ada.ipynb",), "bob": ("bob.ipynb",)}
    assert _found(tmp_path) == _found(whole), "a folder with nothing but the zip"
    ada = find(whole, "ddim")[0]
    assert ada.file.read(1000) == b"inside class/ada.ipynb"
    assert ada.file.read(6) == b"inside"


def test_a_zip_of_one_student_keeps_the_folder(tmp_path: Path) -> None:
    moodle = "Ada Lovelace_12_assignsubmission_file_/ddim.ipynb"
    assert _found(_zip(tmp_path / "a.zip", moodle)) == {"Ada_Lovelace": (moodle,)}
    assert _found(_zip(tmp_path / "b.zip", "ada/ddim/ddim.ipynb")) == {
        "ada": ("ada/ddim/ddim.ipynb",)
    }


def test_a_zip_cannot_name_anything_outside(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.ipynb").write_text("secret")
    path = _zip(tmp_path / "in" / "x.zip", "../secret.ipynb", "/etc/passwd.ipynb", "..\\c.ipynb")
    assert set(_found(path)) == {"secret", "etc", "c"}
    for student in find(path, "ddim"):
        assert ".." not in student.file.name and not student.file.name.startswith("/")
        assert student.file.read(100).startswith(b"inside")


def test_a_bomb_is_read_only_as_far_as_asked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ada.ipynb", bytes(50_000_000))
        archive.writestr("bob.ipynb", "{}")
    assert len(find(path, "ddim")[0].file.read(1000)) == 1000


def test_an_empty_zip(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="no submissions in"):
        find(_zip(tmp_path / "a.zip"), "ddim")
    _make(tmp_path, "bob.pdf")
    assert _found(tmp_path) == {"a": ("a.zip",), "bob": ("bob.pdf",)}


def test_one_zip_among_others_is_a_submission_and_not_the_class(tmp_path: Path) -> None:
    _zip(tmp_path / "ada.zip", "x.ipynb", "y.ipynb")
    _make(tmp_path, "bob.pdf", "cleo/photo.png")
    assert list(_found(tmp_path)) == ["ada", "bob", "cleo"]


def test_damaged_zips(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", "ada.ipynb", "bob.ipynb")
    data = bytearray(path.read_bytes())
    data[40] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(OSError, match=r"ada\.ipynb"):
        find(path, "ddim")[0].file.read(100)
    path.write_bytes(data[:50])
    with pytest.raises(CourseError, match=r"a\.zip cannot be read"):
        find(path, "ddim")


def test_links_and_pipes_are_not_followed(tmp_path: Path) -> None:
    root = _make(tmp_path / "in", "ada.ipynb")
    secret = _make(tmp_path, "secret/key.ipynb") / "secret"
    (root / "bob.ipynb").symlink_to(secret / "key.ipynb")
    (root / "cleo").symlink_to(secret)
    os.mkfifo(root / "dan.ipynb")
    ada, *others = find(root, "ddim")
    assert ada.files == ("ada.ipynb",) and ada.doubts == ()
    assert [student.files for student in others] == [("bob.ipynb",), ("cleo/",), ("dan.ipynb",)]
    for student in others:
        assert student.file.read(100) == b"" and student.doubts[0].startswith(NOTHING)
    (root / "ada.ipynb").unlink()
    (root / "ada.ipynb").symlink_to(secret / "key.ipynb")
    with pytest.raises(OSError):
        ada.file.read(100)


def test_a_link_in_a_zip_is_no_submission(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("bob.ipynb")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("ada.ipynb", "{}")
    ada, bob = find(path, "ddim")
    assert ada.doubts == () and bob.doubts[0].startswith(NOTHING) and bob.file.read(100) == b""


def test_nothing_to_grade_is_said(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="no submissions in"):
        find(tmp_path, "ddim")
    with pytest.raises(CourseError, match="there is no folder or zip"):
        find(tmp_path / "none", "ddim")


def test_one_notebook_is_a_class_of_one(tmp_path: Path) -> None:
    assert _found(_make(tmp_path, "ddim.ipynb") / "ddim.ipynb") == {"ddim": ("ddim.ipynb",)}


def test_the_order_on_disk_does_not_matter(tmp_path: Path) -> None:
    names = [f"s{i}.ipynb" for i in range(20)] + ["S1.ipynb", "s1 (1).ipynb", "s 1.ipynb"]
    _make(tmp_path / "a", *names)
    _make(tmp_path / "b", *reversed(names))
    assert _found(tmp_path / "a") == _found(tmp_path / "b")


def test_what_a_student_called_a_file_does_not_say_whose_it_is(tmp_path: Path) -> None:
    bob = "Bob Byte_55_assignsubmission_file_"
    names = [
        f"Ada Lovelace_123_assignsubmission_file_{bob}y.ipynb",
        f"Cleo_7_assignsubmission_file_/{bob}/y.ipynb",
        f"dan/{bob}y.ipynb",
        f"eveline_12_34_{bob}y.ipynb",
        "Fay_8_assignsubmission_file_1_2_y.ipynb",
    ]
    _make(tmp_path, *names)
    assert [student.id for student in find(tmp_path, "ddim")] == [
        "Ada_Lovelace", "Cleo", "Fay", "dan", "eveline"
    ]  # fmt: skip
    assert identity(names[0]) == Identity("Ada Lovelace", moodle="123")
    assert identity(names[1]) == Identity("Cleo", moodle="7")
    assert identity(names[2]) == Identity()
    assert identity(names[3]) == Identity("eveline", canvas="12")
    assert identity(names[4]) == Identity("Fay", moodle="8")
    (tmp_path / "alone").mkdir()
    _make(tmp_path / "alone", f"dan/{bob}y.ipynb")
    assert list(_found(tmp_path / "alone")) == ["dan"], "also where Dan is the whole class"


@pytest.mark.parametrize(
    "names",
    [
        ("Ada_7_assignsubmission_file_/x.ipynb", "Bob_7_assignsubmission_file_y.ipynb"),
        ("ada_7_10_x.ipynb", "bob_7_20_x.ipynb"),
    ],
)
def test_two_people_of_one_number(tmp_path: Path, names: tuple[str, str]) -> None:
    _make(tmp_path, *names, "zoe.ipynb")
    ada, bob, zoe = sorted(find(tmp_path, "ddim"), key=lambda student: student.id.lower())
    assert ada.doubts == bob.doubts and zoe.doubts == ()
    assert ada.doubts[0].startswith(SHARED) and ada.doubts[0].endswith("have the number 7")
    assert ada.choose("x").doubts == ada.doubts, "no choice of a file answers that"


def test_names_that_look_alike(tmp_path: Path) -> None:
    """Two files on a Linux machine, one on others: both have a row, and a person must look."""
    _make(tmp_path, "Ada.ipynb", "ada.ipynb", "Jos\u00e9.ipynb", "Jose\u0301.ipynb", "bob.ipynb")
    found = find(tmp_path, "ddim")
    assert len({student.id.casefold() for student in found}) == 5
    doubts = {student.file.name: student.doubts for student in found}
    assert doubts.pop("bob.ipynb") == ()
    assert all("case or accents" in text for (text,) in doubts.values())


# --- Nobody vanishes ---------------------------------------------------------------------------


def _doubts(place: Path, out: Path | None = None) -> dict[str, tuple[str, ...]]:
    return {student.id: student.doubts for student in find(place, "ddim", out)}


@pytest.mark.parametrize("name", ["results.jsonl", "run.json"])
def test_no_file_of_a_student_s_makes_the_student_vanish(tmp_path: Path, name: str) -> None:
    _make(tmp_path, "ada/work/ddim.ipynb", f"ada/{name}", "bob/x.ipynb", f"cleo/{name}")
    _make(tmp_path, "dan/x.ipynb", "dan/run.json", "dan/results.jsonl")
    _make(tmp_path, "Eve_7_assignsubmission_file_/run.json")
    _make(tmp_path, "Eve_7_assignsubmission_file_/results.jsonl")
    found = _doubts(tmp_path)
    assert list(found) == ["Eve", "ada", "bob", "cleo", "dan"]
    # JSON may be a notebook under another name; what reads it will tell.
    assert bool(found["cleo"]) == (name == "results.jsonl")


def test_a_folder_without_a_notebook_has_a_row(tmp_path: Path) -> None:
    _make(tmp_path, "ada/ddim.ipynb", "figures/plot.png", "cleo/.ipynb_checkpoints/x.ipynb")
    (tmp_path / "bob" / "deep").mkdir(parents=True)
    (tmp_path / "dan" / "ddim").mkdir(parents=True)
    _make(tmp_path, "dan/ddpm/ddpm.ipynb", ".git/config", "__pycache__/x.pyc")
    found = {student.id: student for student in find(tmp_path, "ddim")}
    assert list(found) == ["ada", "bob", "cleo", "dan", "figures"]
    assert found["figures"].doubts == ("no notebook handed in; there is figures/plot.png",)
    for name in ("bob", "cleo", "dan"):
        (doubt,) = found[name].doubts
        assert doubt.startswith(NOTHING) and found[name].file.read(10) == b""
    assert found["bob"].file.name == "bob/deep/"
    assert found["dan"].file.name == "dan/ddim/", "the other assignment does not stand in for this"


def test_the_same_in_a_zip(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", "class/ada/x.ipynb", "class/bob/", "class/cleo/.secret")
    found = _doubts(path)
    assert list(found) == ["ada", "bob", "cleo"]
    assert found["ada"] == () and found["bob"] and found["cleo"]


def test_the_run_s_own_results_are_nobody_s(tmp_path: Path) -> None:
    _make(tmp_path, "ada/ddim.ipynb", "ada/out/x.ipynb", "out/run.json", "out/report/ada.html")
    assert list(_found(tmp_path)) == ["ada", "out"]
    assert [student.id for student in find(tmp_path, "ddim", tmp_path / "out")] == ["ada"]
    (ada,) = find(tmp_path / "ada", "ddim", tmp_path / "ada" / "out")
    assert ada.files == ("ddim.ipynb",)


def test_a_file_that_cannot_be_read_does_not_stop_the_class(tmp_path: Path) -> None:
    path = tmp_path / "gus.ipynb"
    path.mkdir()
    assert sha256(Task("gus", File(path.name, path))) == ""


def test_folders_alone_are_no_class(tmp_path: Path) -> None:
    (tmp_path / "ada").mkdir()
    with pytest.raises(CourseError, match="no submissions in"):
        find(tmp_path, "ddim")


def test_tables_beside_a_download_do_not_hide_it(tmp_path: Path) -> None:
    names = ["Ada_1_assignsubmission_file_/x.ipynb", "Bob_2_assignsubmission_file_/x.ipynb"]
    _make(tmp_path, *(f"download/{name}" for name in names), "roster.csv", "overrides.yml")
    assert _found(tmp_path) == {"Ada": (names[0],), "Bob": (names[1],)}


def test_names_that_are_strange(tmp_path: Path) -> None:
    strange = [
        "new\nline.ipynb",
        "x" * 240 + "1.ipynb",
        "x" * 240 + "2.ipynb",
        "tab\t\x1b[31m.ipynb",
    ]
    _make(tmp_path, *strange)
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.ipynb"))).write_text("{}")
    found = find(tmp_path, "ddim")
    assert len({student.id for student in found}) == 5
    assert {student.file.name for student in found} >= set(strange)
    long = _zip(tmp_path / "in.zip", "a" * 300 + ".ipynb", "b_" + "9" * 6000 + "_1_x.ipynb")
    assert len(find(long, "ddim")) == 2


def test_identity() -> None:
    assert identity("ada_LATE_1_2_x.ipynb") == Identity("ada", canvas="1")
    assert identity("Ada L_7_assignsubmission_file_/x.ipynb") == Identity("Ada L", moodle="7")
    assert identity("Participant_7_assignsubmission_file_/x.ipynb") == Identity(moodle="7")
    assert identity("ada/ddim/bob_1_2_ddim.ipynb") == Identity()


@given(st.lists(st.text(st.characters(), max_size=60), unique=True, max_size=5))
def test_ids_are_safe_and_unique(names: list[str]) -> None:
    ids = safe_ids(names)
    assert list(ids) == list(dict.fromkeys(ids)) and set(ids) == set(names)
    assert len({value.casefold() for value in ids.values()}) == len(names)
    for value in ids.values():
        assert len(value.encode("utf-8")) <= 250
        assert value[0].isalnum() and not value.endswith(".")
        assert not set(value) & set("/\\:*?\"<>|'=+@; \x00\n")
        assert value.casefold() not in ("con", "nul", "index", "")
    assert safe_ids(names[::-1]) == ids
    assert safe_ids(list(ids.values())) == {v: v for v in ids.values()}, "an id is its own id"


def test_ids_keep_honest_names() -> None:
    names = ["ada", "Ernő", "李小龙", "jean-luc.picard", "O'Brien", "../../etc/passwd", "-rf"]
    assert list(map(safe_ids(names).get, names)) == [
        *names[:4],
        "O_Brien",
        "etc_passwd",
        "rf",
    ]


def test_ids_that_a_file_system_would_confuse_differ() -> None:
    ids = safe_ids(["ada", "Ada", "a b", "a/b", "CON", "nul.txt", "index"])
    assert len({value.casefold() for value in ids.values()}) == 7
    assert {ids["ada"], ids["Ada"]} & {"ada", "Ada"}, "one of two keeps its name"
    assert [ids["CON"], ids["nul.txt"], ids["index"]] == ["CON_", "nul.txt_", "index_"]
    assert len(safe_ids(["ä" * 10_000])["ä" * 10_000].encode()) <= 120


def test_a_file_that_came_by_mail_is_the_student_s_of_that_name(tmp_path: Path) -> None:
    """Beside a download from Canvas: the same id, one row, and a person looks."""
    for name in ("kelly_110_9110_ddim.ipynb", "omar_111_9111_ddim.ipynb", "kelly.ipynb"):
        (tmp_path / name).write_text("{}")
    kelly, omar = find(tmp_path, "ddim")
    assert (kelly.id, omar.id) == ("kelly", "omar")
    assert kelly.files == ("kelly_110_9110_ddim.ipynb", "kelly.ipynb") and kelly.choice
    assert not omar.choice


def test_a_file_that_came_by_mail_is_nobody_s_where_two_have_the_name(tmp_path: Path) -> None:
    for name in ("kelly_110_9110_ddim.ipynb", "kelly_112_9112_ddim.ipynb", "kelly.ipynb"):
        (tmp_path / name).write_text("{}")
    assert len(find(tmp_path, "ddim")) == 3


@pytest.mark.parametrize("again", ["bob_2024-05-01_1200", "bob v2", "Bob-final", "bob_20240501"])
def test_a_name_with_a_version_may_be_the_same_person(again: str, tmp_path: Path) -> None:
    for name in ("bob", again, "alice", "alice2000"):
        (tmp_path / f"{name}.ipynb").write_bytes(b"{}")
    doubts = {student.file.name: student.doubts for student in find(tmp_path, "ddim")}
    assert all("version or a date" in doubts[f"{n}.ipynb"][0] for n in ("bob", again))
    assert not doubts["alice.ipynb"] and not doubts["alice2000.ipynb"]


NOTEBOOK = '{"nbformat": 4, "cells": []}'


@pytest.mark.parametrize(
    "name",
    ["ada.txt", "ada.md", "ada", "ada.json", "ada.pdf", "ada.ipynb.txt", "ada.ipynb.json",
     "ada.ipynb_", "ada.ipynb~", "ada.ipynb.crdownload", "ada.ipynb.part", "ada.ipynb.ipynb",
     "ada.ipynb.html", "ada.ipynb.gz", "ada.tar.gz", ".ada.ipynb"],
)  # fmt: skip
def test_a_notebook_by_any_name_is_its_student_s(tmp_path: Path, name: str) -> None:
    _make(tmp_path, "bob.ipynb")
    (tmp_path / name).write_text(NOTEBOOK)
    assert _found(tmp_path) == {"ada": (name,), "bob": ("bob.ipynb",)}
    assert passed_over(tmp_path) == []


@pytest.mark.parametrize(
    "name", ["ada.png", "ada.heic", "ada.url", "ada.webloc", "ada.pages", "ada.mht", "ada.Rmd"]
)
def test_what_is_no_notebook_has_a_row(tmp_path: Path, name: str) -> None:
    _make(tmp_path, "bob.ipynb", name)
    assert _doubts(tmp_path)["ada"] == (f"{NOTHING}; there is {name}",)


def test_texts_are_told_by_name_and_tables_are_the_teacher_s(tmp_path: Path) -> None:
    _make(
        tmp_path, "bob.ipynb", "answers.txt", "README", "roster.csv", "overrides.yml", "Thumbs.db"
    )
    _make(tmp_path, "ada/notes.txt", "ada/x.ipynb")
    assert list(_found(tmp_path)) == ["ada", "bob"]
    assert passed_over(tmp_path) == ["README", "answers.txt"]


def test_a_hidden_notebook_counts_where_there_is_no_other(tmp_path: Path) -> None:
    _make(tmp_path, ".ada.ipynb", "bob.ipynb", ".bob.ipynb", "cleo/.ddim.ipynb", "dan/.x.ipynb")
    _make(tmp_path, "dan/ddim.ipynb", "._eve.ipynb", ".~fay.ipynb")
    found = _doubts(tmp_path)
    assert list(found) == ["ada", "bob", "cleo", "dan"]
    assert found["ada"] == (f"{HIDDEN}: the name of .ada.ipynb begins with a dot",)
    assert found["cleo"] == (f"{HIDDEN}: the name of cleo/.ddim.ipynb begins with a dot",)
    assert found["bob"] == found["dan"] == ()
    path = _zip(tmp_path / "c.zip", "cleo/.ddim.ipynb", "bob/x.ipynb", "._eve.ipynb")
    assert _doubts(path) == {"bob": (), "cleo": found["cleo"]}


def test_why_there_is_nothing_is_said_as_it_is(tmp_path: Path) -> None:
    _make(tmp_path, "ada.ipynb", "bob/.ipynb_checkpoints/x-checkpoint.ipynb", "cleo/.DS_Store")
    (tmp_path / "dan").mkdir()
    (tmp_path / "eve.ipynb").symlink_to(tmp_path / "ada.ipynb")
    os.mkfifo(tmp_path / "fay.ipynb")
    found = {name: doubts[0] for name, doubts in _doubts(tmp_path).items() if doubts}
    assert found == {
        "bob": f"{NOTHING}: bob/ has only hidden files in it: .ipynb_checkpoints",
        "cleo": f"{NOTHING}: cleo/ has only hidden files in it: .DS_Store",
        "dan": f"{NOTHING}: dan/ is an empty folder",
        "eve": f"{NOTHING}: eve.ipynb is a link, which is not followed",
        "fay": f"{NOTHING}: fay.ipynb is no regular file",
    }
    path = _zip(tmp_path / "c.zip", "bob/.ipynb_checkpoints/x.ipynb", "ada/x.ipynb")
    assert _doubts(path)["bob"] == (
        f"{NOTHING}: bob/ has only hidden files in it: .ipynb_checkpoints",
    )


def test_a_zip_of_zips_is_a_class(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "class.zip", "w") as archive:
        for name in ("ada.zip", "bob.zip"):
            archive.writestr(name, name)
    assert _found(tmp_path) == {"ada": ("ada.zip",), "bob": ("bob.zip",)}


def test_a_checkpoint_may_be_the_same_person(tmp_path: Path) -> None:
    _make(tmp_path, "ada.ipynb", "ada-checkpoint.ipynb")
    assert all(doubt[0].startswith(SHARED) for doubt in _doubts(tmp_path).values())
