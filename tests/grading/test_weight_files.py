"""Trained networks that are handed in as files: which question they are of, and what is unused."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import safetensors.torch
import torch

from coursekit.grading.incoming.files import File
from coursekit.grading.incoming.students import Task, find, sha256
from coursekit.grading.incoming.weights import Weights, owner

TRAIN = ("ddpm.train", "ddpm.again")
NAME, AGAIN = "ddpm.train.safetensors", "ddpm.again.safetensors"


def weights(value: float) -> bytes:
    """A whole file of weights."""
    return safetensors.torch.save({"w": torch.tensor([value])})


A, B = weights(1.0), weights(2.0)


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def task(
    folder: Path, files: Mapping[str, bytes] | None = None, notebook: bytes = b"notebook"
) -> Task:
    """A notebook, and files beside it, with questions answered by training."""
    made = []
    for name, data in {"ada.ipynb": notebook, **(files or {})}.items():
        (folder / name).write_bytes(data)
        made.append(File(name, folder / name))
    return Task("ada", made[0], beside=tuple(made[1:]), training=TRAIN)


def test_the_checksum_is_of_the_weights_as_well(tmp_path: Path) -> None:
    alone = sha256(task(tmp_path))
    assert alone == hashlib.sha256(b"notebook").hexdigest()
    kinds = [
        {NAME: A},
        {NAME: B},
        {AGAIN: A},
        {NAME: A, AGAIN: B},
        {NAME: B, AGAIN: A},
        {NAME: A, "x.ddpm.train.safetensors": B},
        {"w.safetensors": A},  # a row says that it was not used
        {"ddim.train.safetensors": A},
        {NAME: A[:-1]},
    ]
    sums = [sha256(task(tmp_path, files)) for files in kinds]
    assert len({alone, *sums}) == len(kinds) + 1
    assert sha256(task(tmp_path, {"a.txt": A})) == alone
    assert sha256(task(tmp_path, {NAME: A, "ddpm.train-1.safetensors": A})) == sums[0]
    without = task(tmp_path, {NAME: A, "w.safetensors": B})
    assert sha256(Task("ada", without.file, beside=without.beside)) == alone, "no such question"


def test_weights_that_are_not_used_are_remembered(tmp_path: Path) -> None:
    every = [weights(float(i)) for i in range(7)]
    many = {f"a{i}.ddpm.train.safetensors": data for i, data in enumerate(every)}
    found = task(tmp_path, {**many, "w.safetensors": A, "a.txt": b""}).weights()
    assert found.found == {"ddpm.train": every[:5]}
    assert found.unused == [*list(many)[5:], "w.safetensors"]
    gone = task(tmp_path, {NAME: A})
    gone.beside[0].path.unlink()
    assert gone.weights() == Weights({}, [NAME])
    checkpoints = {f"step_{i:03}.safetensors": A for i in range(30)}
    found = task(tmp_path, {**checkpoints, "z.ddpm.train.safetensors": B}).weights()
    assert found == Weights({"ddpm.train": [B]}, list(checkpoints))


@pytest.mark.parametrize("data", [b"", A[:-1], A + b"x", b"<html>", b"version https://git-lfs"])
def test_damaged_weights_are_not_used(tmp_path: Path, data: bytes) -> None:
    assert task(tmp_path, {NAME: data}).weights() == Weights({}, [NAME])
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        held = zipped({"w/" + NAME: data, "ddpm.ipynb": b"{}"}, method)
        assert task(tmp_path, notebook=held).weights() == Weights({}, ["w/" + NAME])


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_weights_in_a_students_own_zip(tmp_path: Path, method: int) -> None:
    checkpoints = {f"step_{i:03}.safetensors": A for i in range(30)}
    held = zipped({**checkpoints, "ddpm.ipynb": b"{}", "net/" + NAME: B}, method)
    expected = Weights({"ddpm.train": [B]}, list(checkpoints))
    assert task(tmp_path, notebook=held).weights() == expected
    assert task(tmp_path, {"weights.zip": held}).weights() == expected
    cut = held[: held.index(B) + len(B) - 3] if method == zipfile.ZIP_STORED else held[:2500]
    assert task(tmp_path, notebook=cut).weights().found == {}
    assert task(tmp_path, {"weights.zip": b"PK\x03\x04"}).weights() == Weights()


def test_the_same_weights_may_answer_two_questions(tmp_path: Path) -> None:
    found = task(tmp_path, {AGAIN: A, NAME: A}).weights()
    assert found == Weights({"ddpm.again": [A], "ddpm.train": [A]})
    longer = Weights()
    for name in ("ddpm.train2.safetensors", NAME):
        longer._take(name, lambda: A, ("ddpm.train", "ddpm.train2"))
    assert longer.found == {"ddpm.train2": [A], "ddpm.train": [A]}


def test_weights_alone_are_no_words_and_are_graded(tmp_path: Path) -> None:
    for name in ("ada/ddpm.train.safetensors", "bob/ddpm.ipynb"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(A)
    ada, _ = find(tmp_path, "ddpm")
    assert Task("ada", ada.file, training=TRAIN).weights().found == {"ddpm.train": [A]}
    assert not task(tmp_path, {"w.safetensors": b""}).words_beside
    assert task(tmp_path, {"w.txt": b""}).words_beside


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        (NAME, True),
        ("ada/sub/ddpm.train.SAFETENSORS", True),
        ("ada.ddpm.train.safetensors", True),
        ("hopper_9_101_ddpm.train-1.safetensors", True),
        ("ada/ddpm.train (2).safetensors", True),
        ("ada/ddpm.train - Copy.safetensors", True),
        ("ada/ddpm_train-copy2.safetensors", True),
        ("oddpm.train.safetensors", False),
        ("ddpm.trained.safetensors", False),
        ("ddpm.train/other.safetensors", False),
    ],
)
def test_weights_are_known_by_the_id_of_their_question(name: str, theirs: bool) -> None:
    found = Weights()
    found._take(name, lambda: A, ("ddpm.train",))
    assert found == (Weights({"ddpm.train": [A]}) if theirs else Weights({}, [name]))


def test_long_names_take_no_time() -> None:
    """A regular expression that tries again at every letter would take minutes for these."""
    for part in ("ddpm_", "ddpm.train-", "ddpm.train-copy", "-"):
        name = part * (60_000 // len(part))
        assert owner(f"{name}.safetensors", "ddpm") is None
        Weights()._take(f"{name}x.safetensors", lambda: A, ("ddpm.train",))
