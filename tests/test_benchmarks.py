"""The harness of the benchmarks measures ratios, and says what it does not know."""

from __future__ import annotations

import json
import sys
import tomllib
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))


def busy(n):
    return lambda: sum(range(n))


def peer(target, n):
    from benchmarks.harness import Peer

    return Peer(target, lambda: busy(n))


def absent():
    raise ModuleNotFoundError("No module named 'nowhere'", name="nowhere")


def row(low, high, target=0.5, **given):
    from benchmarks.harness import Comparison

    middle = (low + high) / 2
    return Comparison("work", "peer", target, 1.0, 2.0, middle, low, high, 9, **given)


@pytest.fixture
def command(monkeypatch):
    """Runs the command on made-up rows: ``command(rows, *arguments)`` is its exit status."""
    from benchmarks import __main__ as module

    def call(rows, *arguments):
        fake = types.ModuleType("benchmarks.steps")
        fake.run = lambda: rows
        monkeypatch.setitem(sys.modules, "benchmarks.steps", fake)
        return module.main(["steps", *arguments])

    return call


def test_the_ratio_of_known_work():
    from benchmarks.harness import compare

    (same, four) = compare(
        "sums",
        busy(20_000),
        {"as much": peer(2.0, 20_000), "four times as much": peer(0.1, 80_000)},
        rounds=9,
        slice_seconds=0.002,
    )
    assert 0.6 < same.ratio < 1.6
    assert 0.15 < four.ratio < 0.4 and four.verdict == "missed"
    assert same.low <= same.ratio <= same.high and same.peer == "as much" and same.rounds == 9


def test_rounds_are_paired_and_their_whole_range_is_kept(monkeypatch):
    from benchmarks import harness

    # The machine slows down tenfold within the run, for both; one round of ours is disturbed.
    own, other = iter([1.0, 2.0, 6.0, 10.0, 10.0]), iter([2.0, 4.0, 8.0, 20.0, 20.0])
    monkeypatch.setattr(harness, "_calls_per", lambda seconds, work: 1)
    monkeypatch.setattr(harness, "_seconds", lambda work, calls: next(work()))
    (found,) = harness.compare(
        "work", lambda: own, {"peer": harness.Peer(0.7, lambda: lambda: other)}, rounds=5
    )
    assert (found.low, found.ratio, found.high) == (0.5, 0.5, 0.75)
    assert found.verdict == "undecided"
    assert (found.ours_us, found.peer_us) == (6e6, 8e6)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.1, 0.4, "met"),
        (0.1, 0.5, "met"),  # the target itself is within
        (0.1, 0.501, "undecided"),  # although the middle is well within
        (0.5, 0.9, "undecided"),
        (0.501, 0.9, "missed"),
    ],
)
def test_the_verdict_asks_the_whole_range(low, high, verdict):
    assert row(low, high).verdict == verdict


@pytest.mark.parametrize(
    ("low", "high", "status"), [(0.1, 0.4, 0), (0.4, 0.6, 1), (0.6, 0.7, 1)], ids=str
)
def test_only_rows_that_are_met_succeed(command, capsys, low, high, status):
    good = row(0.1, 0.2)
    assert command([good, row(low, high)]) == status
    assert command([row(low, high), good]) == status
    last = capsys.readouterr().out.splitlines()[-1]
    if status:
        assert last.startswith("1 of 2 met; NOT met: work against peer (")
        assert row(low, high).verdict in last
    else:
        assert last == "2 of 2 met"


def test_a_missing_peer_costs_its_own_row_and_fails_unless_allowed(command, capsys):
    from benchmarks.__main__ import installation
    from benchmarks.harness import Peer, compare

    peers = {"gone": Peer(0.5, absent), "here": peer(50.0, 1000)}
    gone, here = compare("sums", busy(1000), peers, rounds=3, slice_seconds=0.001)
    assert gone.verdict == "missing" and gone.missing == "nowhere" and gone.ratio is None
    assert here.verdict == "met"
    assert command([gone, here]) == 1
    table, *_, missing, last = capsys.readouterr().out.splitlines()[1:]
    assert "gone" in table and table.endswith("MISSING")
    assert missing == f"not installed: nowhere; all peers: {installation()}"
    assert last == "1 of 2 met; NOT met: sums against gone (missing)"
    assert command([gone, here], "--allow-missing") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 of 2 met"
    assert command([gone, row(0.6, 0.7)], "--allow-missing") == 1


def test_what_fails_in_a_peer_that_is_there_is_no_missing_peer():
    from benchmarks.harness import Peer, compare

    def broken():
        raise ValueError("finds another distance")

    with pytest.raises(ValueError, match="another distance"):
        compare("sums", busy(10), {"peer": Peer(1.0, broken)}, rounds=3)


def test_without_any_peer_nothing_is_measured():
    from benchmarks.harness import Peer, compare

    def never():
        raise AssertionError("measured")

    (gone,) = compare("sums", never, {"gone": Peer(0.5, absent)})
    assert gone.verdict == "missing"


def test_the_command_that_installs_the_peers_pins_torch_and_names_an_extra_that_is_there():
    import torch

    from benchmarks.__main__ import installation

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    assert f"'torch=={torch.__version__}'" in installation()
    assert installation().endswith("-e '.[bench]'")
    peers = [*extras["bench"], *extras["test"]]
    for package in ("denoising-diffusion-pytorch", "diffusers", "shapely", "torchmetrics"):
        assert any(line.startswith(f"{package}>=") for line in peers)


def test_the_table_and_the_json(command, capsys, tmp_path):
    file = tmp_path / "results.json"
    gone = __import__("benchmarks.harness").harness.Comparison("w", "p", 0.2, missing="p")
    assert command([row(0.09, 0.11), gone], "--json", str(file), "--allow-missing") == 0
    out, err = capsys.readouterr()
    head, first, second, *_ = out.splitlines()
    assert head.split()[:2] == ["work", "peer"] and first.split()[-1] == "met"
    assert "0.090–0.110" in first and second.split()[-1] == "MISSING"
    assert err == "steps …\nsteps: 1 met, 1 missing\n"
    first, second = json.loads(file.read_text())["results"]
    assert first["ratio"] == pytest.approx(0.1) and first["verdict"] == "met"
    assert (first["low"], first["high"], first["rounds"]) == (0.09, 0.11, 9)
    assert second["ratio"] is None and second["verdict"] == "missing"


def test_what_there_is():
    from benchmarks import __main__ as module

    assert {"steps", "samplers", "training_step", "evaluation"} <= set(module.available())
    assert "harness" not in module.available() and "grading" not in module.available()


def test_unknown_names_are_refused(capsys):
    from benchmarks import __main__ as module

    with pytest.raises(SystemExit) as stop:
        module.main(["nope"])
    assert stop.value.code == 2
    assert "unknown benchmark nope: use" in capsys.readouterr().err


def test_the_help_says_how_to_read_the_table(capsys):
    from benchmarks import __main__ as module

    with pytest.raises(SystemExit) as stop:
        module.main(["--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    for word in ("--allow-missing", "--json", "UNDECIDED", "training_step"):
        assert word in shown


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["evaluation", "geometry", "samplers", "shapes", "steps", "training_step"]
)
def test_every_module_runs(name, monkeypatch):
    """A smoke run with one short turn for each: the peers agree with ours where that is checked."""
    from importlib import import_module

    from benchmarks import harness

    module, measured = import_module(f"benchmarks.{name}"), harness.compare

    def once(work, ours, peers, rounds=0, slice_seconds=0.0, shared=None):
        return measured(work, ours, peers, rounds=1, slice_seconds=0, shared=shared)

    monkeypatch.setattr(module, "compare", once)
    if name == "evaluation":  # its peers take seconds there, and agree with nobody
        monkeypatch.delitem(module.SIZES, "256 × 1024")
    rows = module.run()
    assert len(rows) >= 3
    for found in rows:
        assert found.missing in (None, "denoising_diffusion_pytorch", "einops")
        # The ratio of one call, less what is shared, may be anything.
        assert found.missing or (found.ours_us > 0 and found.peer_us > 0)


def test_what_all_do_alike_is_taken_from_both(monkeypatch):
    from benchmarks import harness

    # 3 + 1 against 8 + 1, in two rounds, the second on a machine that is twice as slow.
    turns = {"ours": iter([4.0, 8.0]), "peer": iter([9.0, 18.0]), "shared": iter([1.0, 2.0])}
    monkeypatch.setattr(harness, "_calls_per", lambda seconds, work: 1)
    monkeypatch.setattr(harness, "_seconds", lambda work, calls: next(turns[work()]))
    (found,) = harness.compare(
        "work",
        lambda: "ours",
        {"peer": harness.Peer(0.4, lambda: lambda: "peer")},
        rounds=2,
        shared=lambda: "shared",
    )
    assert found.low == found.high == found.ratio == 3 / 8 and found.verdict == "met"
    assert found.whole == 4 / 9 and "0.444" in harness.table([found])
