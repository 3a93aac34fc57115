"""A run may be killed at any moment, as a whole or in part: what it comes to stays the same.

pytest tests/grading/test_resume.py -m slow      # twenty moments, and everything else
"""

from __future__ import annotations

import os
import pty
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import killing
import psutil
import pytest
from corpus_entry import OTHER_POINTS
from killing import SLUG, Grader, exports, family, gone, listing, make_class, notebook, rows, until
from markupsafe import escape

from coursekit.grading.jail import sandbox, scratch
from coursekit.grading.outgoing.report import LEVELS
from coursekit.grading.verdict.results import read

WORKS = sandbox.detect()
pytestmark = pytest.mark.skipif(WORKS == "none", reason="no sandbox works here")


@dataclass
class Whole:
    """An uninterrupted run."""

    class_: Path
    out: Path
    seconds: float
    files: dict[str, bytes]


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    with killing.grader() as found:
        yield found


@pytest.fixture(scope="module")
def whole(grader: Grader, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp("whole")
    class_ = make_class(folder / "class")
    start = time.monotonic()
    code, said = grader.run(*grader.begin(class_, folder / "out"))
    assert code == 1, said
    assert not grader.litter()
    return Whole(class_, folder / "out", time.monotonic() - start, exports(folder / "out"))


def test_the_class_is_worth_the_trouble(whole: Whole) -> None:
    found = {row.student: row for row in read(whole.out / "results.jsonl")}
    assert len(found) == 12
    points = {name: sum(q.points or 0 for q in row.questions) for name, row in found.items()}
    by_machine = sum(OTHER_POINTS[SLUG].values())
    assert (
        points["ada"] == by_machine and points["fay"] == 0 and points["dee"] == points["bob"] == 2
    )
    assert {name for name, row in found.items() if row.status == "review"} == {"eve", "gus", "hal"}
    assert len([name for name in whole.files if name.startswith("report/")]) == 13


def killed_and_resumed(grader: Grader, whole: Whole, out: Path, moments: list[float]) -> None:
    """Kill run after run; whenever one is faster, it must have left what the whole run left."""
    out.mkdir()
    number, finished = 0, 0
    moments = list(moments)
    while moments or (out / f"{number}").exists():
        place = out / f"{number}"
        begun = (place / "run.json").exists()
        words = ("resume", place) if begun else grader.begin(whole.class_, place)
        with (out.parent / "said").open("w") as said:
            process = grader.start(*words, stdout=said)
            known = killing.kill_at(process, moments.pop() if moments else 300)
        if known is not None:
            assert not gone(known)
            assert len(grader.litter()) <= 1, "the folder of the last, and of none before"
            continue
        text = (out.parent / "said").read_text()
        assert process.returncode == 1 and "Traceback" not in text, text
        assert exports(place) == whole.files
        assert listing(place) == listing(whole.out)
        assert not grader.litter()
        number, finished = number + 1, finished + 1
    assert finished


@pytest.mark.slow
def test_killed_at_three_moments(grader: Grader, whole: Whole, tmp_path: Path) -> None:
    moments = killing.moments(3, whole.seconds, seed=time.time_ns())
    killed_and_resumed(grader, whole, tmp_path / "runs", moments)


@pytest.mark.long
def test_killed_at_twenty_moments(grader: Grader, whole: Whole, tmp_path: Path) -> None:
    seed = time.time_ns()
    print(f"seed of the moments: {seed}")
    killed_and_resumed(grader, whole, tmp_path / "runs", killing.moments(20, whole.seconds, seed))


def command(process: psutil.Process) -> list[str]:
    """Its command line; none if it has ended meanwhile."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:  # a zombie, too
        return []


def workers(pid: int) -> list[psutil.Process]:
    """The workers of a run: forks of it, with its own command line."""
    first, *others = family(pid)
    return [child for child in others if command(child) == command(first) and child.ppid() == pid]


def zygotes(pid: int) -> list[psutil.Process]:
    """The processes from bubblewrap's outermost to the zygote itself; not its kernels."""
    found: list[psutil.Process] = []
    parents = {pid}
    for process in family(pid)[1:]:
        ours = any("coursekit.grading.jail.zygote" in word for word in command(process))
        python = any(p.name().startswith("python") for p in found)
        if ours and process.ppid() in parents and not python:
            found.append(process)
            parents = {process.pid}
    return found


@pytest.mark.long
def test_a_killed_worker_is_replaced(grader: Grader, whole: Whole, tmp_path: Path) -> None:
    process = grader.start(*grader.begin(whole.class_, tmp_path / "out"))
    for count in (1, 4):
        until(lambda count=count: rows(tmp_path / "out") >= count)
        workers(process.pid)[0].kill()
    assert process.wait(120) == 1
    assert exports(tmp_path / "out") == whole.files
    assert listing(tmp_path / "out") == listing(whole.out) and not grader.litter()


@pytest.mark.long
@pytest.mark.parametrize("which", [0, -1], ids=["outermost", "innermost"])
def test_a_killed_zygote_is_replaced(
    grader: Grader, whole: Whole, tmp_path: Path, which: int
) -> None:
    process = grader.start(*grader.begin(whole.class_, tmp_path / "out"))
    for count in (1, 5):
        until(lambda count=count: rows(tmp_path / "out") >= count)
        zygotes(process.pid)[which].kill()
    assert process.wait(120) == 1
    assert exports(tmp_path / "out") == whole.files
    assert listing(tmp_path / "out") == listing(whole.out) and not grader.litter()


@pytest.mark.long
def test_interrupted_and_resumed(grader: Grader, whole: Whole, tmp_path: Path) -> None:
    """Ctrl-C goes to all processes of a terminal; a batch system sends SIGTERM to the first."""
    out = tmp_path / "out"
    words = grader.begin(whole.class_, out)
    codes = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
    for number, count in ((signal.SIGINT, 2), (signal.SIGTERM, 5), (signal.SIGHUP, 7)):
        process = grader.start(*words)
        until(lambda count=count: rows(out) >= count)
        known = family(process.pid)
        if number == signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == codes[number], said
        assert "go on with coursekit grade resume" in said and "Traceback" not in said
        assert not gone(known) and not grader.litter()
        words = ("resume", out)
    assert grader.run(*words)[0] == 1
    assert exports(out) == whole.files and listing(out) == listing(whole.out)


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("whom", ["first", "all"])
def test_asked_to_end_while_it_prepares(
    grader: Grader, tmp_path: Path, number: signal.Signals, whom: str
) -> None:
    """A second signal, which batch systems send without waiting, does not disturb the tidying."""
    (tmp_path / "ada.ipynb").write_bytes(notebook())
    process = grader.start(*grader.begin(tmp_path, tmp_path / "out"))
    until(lambda: (tmp_path / "out" / "run.json").exists())
    known = family(process.pid)
    for other in (number, signal.SIGTERM, signal.SIGHUP):
        (os.killpg if whom == "all" else os.kill)(process.pid, other)
        time.sleep(0.05)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number, said
    assert "go on with coursekit grade resume" in said and "Traceback" not in said
    assert not gone(known) and not grader.litter()


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_asked_to_end_while_it_imports(
    grader: Grader, tmp_path: Path, number: signal.Signals
) -> None:
    """Nothing is begun yet, so nothing is left."""
    (tmp_path / "ada.ipynb").write_bytes(notebook())
    process = grader.start(*grader.begin(tmp_path, tmp_path / "out"))
    until(lambda: list(grader.folder.glob("gk-run-*/z0/*")))
    known = family(process.pid)
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number and "Traceback" not in said, said
    assert not (tmp_path / "out").exists()
    assert not gone(known) and not grader.litter()


@pytest.mark.long
def test_commands_without_results_end_in_order_too(grader: Grader) -> None:
    process = grader.start("reference", SLUG, "--seeds", 1)
    until(lambda: list(grader.folder.glob("gk-run-*/z0/*")))
    process.terminate()
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 143 and "Traceback" not in said, said
    assert not grader.litter()


@pytest.mark.long
def test_a_terminal_that_is_closed(grader: Grader, tmp_path: Path) -> None:
    """The bar cannot say good-bye, and the folders still go."""
    (tmp_path / "ada.ipynb").write_bytes(notebook())
    mine, theirs = pty.openpty()
    words = grader.begin(tmp_path, tmp_path / "out")
    process = grader.start(*words, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    until(lambda: list(grader.folder.glob("gk-run-*/z0/*")))
    os.close(mine)
    process.send_signal(signal.SIGHUP)
    assert process.wait(60) in (129, 120), "120: Python could not write its last words"
    assert not grader.litter()


@pytest.mark.long
def test_nohup_stays_nohup(grader: Grader, tmp_path: Path) -> None:
    (tmp_path / "ada.ipynb").write_bytes(notebook("film"))
    words = grader.begin(tmp_path, tmp_path / "out")
    process = grader.start(*words, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    until(lambda: list(grader.folder.glob("gk-run-*/z0/*")))
    os.killpg(process.pid, signal.SIGHUP)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said


@pytest.mark.long
def test_two_runs_do_not_share_a_folder(grader: Grader, whole: Whole, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = grader.start(*grader.begin(whole.class_, out))
    until(lambda: rows(out) >= 1)
    first.send_signal(signal.SIGSTOP)  # or it might be done before the other has begun
    code, said = grader.run("resume", out)
    first.send_signal(signal.SIGCONT)
    assert code == 2 and "another `coursekit grade` is at work" in said
    assert first.wait(120) == 1
    assert exports(out) == whole.files


@pytest.mark.long
def test_shards_then_resume(grader: Grader, whole: Whole, tmp_path: Path) -> None:
    """Two shards at once, of which one is killed and begun again."""
    out = tmp_path / "out"
    shards = [grader.begin(whole.class_, out, "-j", 1, "--shard", f"{i}/2") for i in (1, 2)]
    one, two = (grader.start(*words) for words in shards)
    until(lambda: (out / "results-1-of-2.jsonl").exists())
    one.send_signal(signal.SIGSTOP)  # or it may be done before it is asked for again
    try:
        code, said = grader.run(*shards[0])
    finally:
        one.send_signal(signal.SIGCONT)
    assert code == 2 and "at work" in said, "the same shard twice"
    second = out / "results-2-of-2.jsonl"
    until(lambda: second.exists() and second.read_bytes().count(b"\n") >= 1)
    two.kill()
    assert one.wait(120) == 0
    code, said = grader.run(*shards[1])
    assert code == 0 and "resume" in said
    code, said = grader.run("resume", out)
    assert code == 1 and "0 new" in said
    assert exports(out) == whole.files
    assert not grader.litter()


@pytest.mark.long
def test_submissions_change_before_resume(grader: Grader, whole: Whole, tmp_path: Path) -> None:
    """One is changed, one comes, one goes, one gets a second file: as in a run that begins now."""
    class_ = make_class(tmp_path / "class")
    out, fresh = tmp_path / "out", tmp_path / "fresh"
    process = grader.start(*grader.begin(class_, out))
    until(lambda: rows(out) >= 6)
    killing.kill_at(process, 0)
    graded = [row.student for row in read(out / "results.jsonl")]
    changed, removed, doubled = graded[0], graded[1], graded[2]
    (class_ / f"{changed}.ipynb").write_bytes(notebook("film"))
    next(class_.glob(f"{removed}*")).unlink()
    name = next(class_.glob(f"{doubled}*"))
    name.with_name(f"{doubled} (7){name.suffix}").write_bytes(name.read_bytes())
    (class_ / "zoe.ipynb").write_bytes(notebook("plan"))
    assert grader.run("resume", out)[0] == 1
    assert grader.run(*grader.begin(class_, fresh))[0] == 1
    assert exports(out) == exports(fresh)
    assert listing(out) == listing(fresh)
    students = [row.student for row in read(out / "results.jsonl")]
    assert "zoe" in students and (removed not in students or removed == "eve")


@pytest.mark.long
def test_as_many_at_a_time_as_you_like(grader: Grader, whole: Whole, tmp_path: Path) -> None:
    code, said = grader.run(*grader.begin(whole.class_, tmp_path / "out", "-j", 4))
    assert code == 1, said
    assert exports(tmp_path / "out") == whole.files


@pytest.mark.long
@pytest.mark.parametrize("level", ["landlock", "none"])
def test_levels_differ_in_their_name_only(
    grader: Grader, whole: Whole, tmp_path: Path, level: str
) -> None:
    if sandbox.trouble(level):
        pytest.skip(f"{level} does not work here")
    word = ("--unsafe",) if level == "none" else ("--level", level)
    code, said = grader.run(*grader.begin(whole.class_, tmp_path / "out", *word))
    assert code == 1, said
    assert not grader.litter()
    here, there = exports(tmp_path / "out"), whole.files
    assert here.keys() == there.keys()
    for name in there:
        told = [str(escape(LEVELS[which])).encode() for which in (WORKS, level)]
        expected = there[name].replace(*told).replace(WORKS.encode(), level.encode())
        assert here[name] == expected, name


# --- Locks -------------------------------------------------------------------------------------


def test_a_lock_is_one_s_own_or_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch, "_PATIENCE", 0.1)
    path = tmp_path / "lock"
    shared = scratch.lock(path, shared=True)
    with shared, scratch.lock(path, shared=True), pytest.raises(scratch.Busy), scratch.lock(path):
        pass
    with scratch.lock(path), pytest.raises(scratch.Busy), scratch.lock(path, shared=True):
        pass
    with scratch.lock(path):
        pass


def test_a_file_that_is_replaced_has_a_new_lock(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    with scratch.lock(path):
        (tmp_path / "new").write_text("")
        (tmp_path / "new").replace(path)
        with scratch.lock(path):
            pass


def test_folders_without_an_owner_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(scratch, "_LONGEST", 1000)
    left = tmp_path / "gk-run-left"
    (left / "deep").mkdir(parents=True)
    (left / "deep").chmod(0)
    (tmp_path / "gk-other").mkdir()
    (tmp_path / "gk-run-link").symlink_to(tmp_path / "gk-other")
    with scratch.folder() as one, scratch.folder() as two:
        assert one != two and one.is_dir() and two.is_dir()
        assert not left.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gk-other", "gk-run-link"]
