"""Training: the same run whatever happens to it: killed, interrupted, or shared among processes."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from genbook import objects, weights
from genbook.nn import UNet
from genbook.training import Trainer, learning_rate, rows, train
from genbook.training.__main__ import main

COMMAND = [sys.executable, "-m", "genbook.training"]


def toy(seed: int = 0) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(3, 8), nn.SiLU(), nn.Linear(8, 1))


def noisy_loss(model: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
    x = x + 0.1 * torch.randn(x.shape, generator=generator)
    return (model(x)[:, 0] - y).square().mean()


def data(n: int = 50) -> tuple[Tensor, Tensor]:
    x = torch.randn(n, 3, generator=torch.Generator().manual_seed(1))
    return x, x.sin().sum(1)


def same(a: nn.Module, b: nn.Module) -> bool:
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return all(torch.equal(x, y) for x, y in pairs)


def test_rows_pass_over_all_data_before_any_comes_again():
    seen = torch.cat([rows(3, step, 7, 20) for step in range(20)])
    for epoch in seen.split(20):
        assert epoch.sort().values.tolist() == list(range(20))
    assert seen[:20].tolist() != seen[20:40].tolist()
    assert rows(4, 0, 7, 20).tolist() != rows(3, 0, 7, 20).tolist()
    assert len(rows(0, 2, 50, 20)) == 50


def test_learning_rate_rises_then_falls_to_zero():
    rates = [learning_rate(step, 1000, 2.0) for step in range(1001)]
    assert rates[0] == pytest.approx(0.02) and max(rates) == pytest.approx(2.0)
    assert rates.index(max(rates)) in (99, 100) and rates[1000] == pytest.approx(0.0)
    assert all(a >= b for a, b in pairwise(rates[100:]))
    assert learning_rate(0, 1, 2.0) == 2.0


def test_the_loss_falls_and_the_average_follows():
    run = train(toy(), noisy_loss, data(), steps=400, batch=16, lr=1e-2, ema=0.95)
    assert len(run.losses) == 400 and run.seconds > 0
    assert sum(run.losses[-50:]) < 0.4 * sum(run.losses[:50])
    with run.ema.applied() as model:
        assert noisy_loss(model, *data(), generator=torch.Generator()) < 0.3


def test_a_run_depends_on_its_seed_alone():
    torch.manual_seed(1)
    a = train(toy(), noisy_loss, data(), steps=20, batch=8)
    torch.manual_seed(2)
    before = torch.get_rng_state()
    b = train(toy(), noisy_loss, data(), steps=20, batch=8)
    assert same(a.model, b.model) and torch.equal(torch.get_rng_state(), before)
    assert not same(a.model, train(toy(), noisy_loss, data(), steps=20, batch=8, seed=1).model)


def test_resuming_goes_on_bit_for_bit(tmp_path):
    whole = train(toy(), noisy_loss, data(), steps=40, batch=8)
    part = Trainer(toy(), noisy_loss, data(), steps=40, batch=8)
    for _ in range(17):
        part.step()
    part.save(tmp_path / "c.pt")
    resumed = train(
        toy(5), noisy_loss, data(), steps=40, batch=8, checkpoint=tmp_path / "c.pt", resume=True
    )
    assert same(whole.model, resumed.model) and whole.losses == resumed.losses
    assert all(torch.equal(v, resumed.ema.average[k]) for k, v in whole.ema.average.items())


def test_a_checkpoint_of_other_settings_is_refused(tmp_path):
    Trainer(toy(), noisy_loss, data(), steps=40, batch=8).save(tmp_path / "c.pt")
    with pytest.raises(ValueError, match="steps=40, this one has 50"):
        Trainer(toy(), noisy_loss, data(), steps=50, batch=8).restore(tmp_path / "c.pt")


# What a checkpoint is refused for: each difference by its name, and nothing is changed by it.
def other_network(kind: str) -> nn.Module:
    if kind == "layer":
        return nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))
    if kind == "shape":
        return nn.Sequential(nn.Linear(3, 9), nn.SiLU(), nn.Linear(9, 1))
    if kind == "more":
        return nn.Sequential(nn.Linear(3, 8), nn.SiLU(), nn.Linear(8, 1), nn.Identity())
    model = toy()
    if kind == "class":
        model.__class__ = type("Other", (nn.Sequential,), {})
    if kind == "config":
        model.config = {"width": 8}
    if kind == "type":
        model.double()
    return model


def other_data(kind: str) -> tuple[Tensor, ...]:
    x, y = data()
    if kind == "value":
        x[17, 1] += 1e-6
    if kind == "order":
        x, y = x.flip(0), y.flip(0)
    if kind == "labels":
        y = y.flip(0)
    return {"type": (x, y.double()), "rows": (x[:49], y[:49]), "columns": (x, y, y)}.get(
        kind, (x, y)
    )


OTHER_SETTINGS = [
    ({"steps": 50}, "steps=40, this one has 50"),
    ({"batch": 16}, "batch=8, this one has 16"),
    ({"lr": 3e-3}, "lr=0.002, this one has 0.003"),
    ({"weight_decay": 0.1}, "weight_decay=0.0, this one has 0.1"),
    ({"ema": 0.99}, "ema=0.999, this one has 0.99"),
    ({"clip": 2.0}, "clip=1.0, this one has 2.0"),
    ({"seed": 1}, "seed=0, this one has 1"),
    ({"pieces": 2}, "pieces=1, this one has 2"),
    ({"also": {"recipe": "lines", "drop": 0.1}}, "recipe=curves, this one has lines"),
    ({"also": {"recipe": "curves", "drop": 0.2}}, "drop=0.1, this one has 0.2"),
    ({"also": {"recipe": "curves"}}, "drop=0.1, this one has missing"),
    ({"also": {"recipe": "curves", "drop": 0.1, "T": 9}}, "T=missing, this one has 9"),
    ({"model": "layer"}, r"layer '1' is SiLU\(\) there and ReLU\(\) here"),
    ({"model": "shape"}, "layer '0' is Linear.*out_features=8.*out_features=9"),
    ({"model": "more"}, "layer '3' is missing there"),
    ({"model": "class"}, "class is Sequential there and Other here"),
    ({"model": "config"}, "config is None there and {'width': 8} here"),
    ({"model": "type"}, "'0.weight' is .*float32 there and .*float64 here"),
    ({"data": "value"}, "SHA-256 of tensor 0 was"),
    ({"data": "order"}, "SHA-256 of tensor 0 was"),
    ({"data": "labels"}, "SHA-256 of tensor 1 was"),
    ({"data": "type"}, r"shape of tensor 1 was \(50,\) of torch.float32 there"),
    ({"data": "rows"}, r"shape of tensor 0 was \(50, 3\).*is \(49, 3\)"),
    ({"data": "columns"}, "number of tensors was 2 there and is 3 here"),
]


def toy_run(model: str = "same", data: str = "same", **settings) -> Trainer:
    """A run that is like all others unless a change is named."""

    def loss(model, x, y, *more, generator):
        return noisy_loss(model, x.to(next(model.parameters())), y, generator)

    common = {"steps": 40, "batch": 8, "also": {"recipe": "curves", "drop": 0.1}}
    return Trainer(other_network(model), loss, other_data(data), **{**common, **settings})


def state_of(run: Trainer) -> list[Tensor]:
    """All numbers that a run has."""
    return objects.snapshot(
        [*run.model.state_dict().values(), *run.ema.average.values(), torch.tensor(run.losses)]
        + [v for s in run.optimiser.state_dict()["state"].values() for v in s.values()]
    )


def refused(run: Trainer, path: Path, message: str) -> None:
    """Assert that a checkpoint is refused with a message, and nothing changes here or there."""
    before, file = state_of(run), path.read_bytes()
    with pytest.raises(ValueError, match=message) as caught:
        run.restore(path)
    assert str(path) in str(caught.value) and "start anew" in str(caught.value)
    after = state_of(run)
    assert len(before) == len(after) and all(map(torch.equal, before, after)) and run.done == 2
    assert path.read_bytes() == file and sorted(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(("change", "message"), OTHER_SETTINGS, ids=lambda v: str(v)[:40])
def test_a_checkpoint_of_another_run_is_refused_by_name(change, message, tmp_path):
    path = tmp_path / "c.pt"
    run = toy_run()
    run.step()
    run.save(path)
    toy_run().restore(path)
    other = toy_run(**change)
    other.step(), other.step()
    refused(other, path, message)


def a_checkpoint(path: Path) -> Trainer:
    """A saved run of two steps."""
    run = toy_run()
    run.step(), run.step()
    run.save(path)
    return run


@pytest.mark.parametrize("part", [0.0, 0.0005, 0.01, 0.3, 0.5, 0.9, 0.99, 0.9999])
def test_a_truncated_checkpoint_is_refused(part, tmp_path):
    path = tmp_path / "c.pt"
    run = a_checkpoint(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    refused(run, path, "is empty" if part == 0 else "is damaged|begins with b'PK.?.?'")
    path.write_bytes(whole)
    run.restore(path)


def test_a_checkpoint_with_a_wrong_byte_anywhere_is_refused_or_restored_exactly(tmp_path):
    path = tmp_path / "c.pt"
    run = a_checkpoint(path)
    whole, expected = path.read_bytes(), state_of(run)
    seen = 0
    for place in range(7, len(whole), len(whole) // 60):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            run.restore(path)  # the byte was padding
        except ValueError as error:
            assert "damaged" in str(error), place
            seen += 1
        assert all(map(torch.equal, state_of(run), expected))
    assert seen >= 20


FOREIGN = {
    "text": (lambda path: path.write_text("steps: 40\n"), "begins with b'step'"),
    "one byte": (lambda path: path.write_bytes(b"P"), "begins with b'P'"),
    "gzip": (lambda path: path.write_bytes(gzip.compress(b"0" * 99)), "begins with"),
    "weights": (lambda path: torch.save(toy().state_dict(), path), "keys '0.weight', '0.bias'"),
    "list": (lambda path: torch.save([1, 2], path), "holds a list"),
    "tensor": (lambda path: torch.save(torch.zeros(2), path), "holds a Tensor"),
    "objects": (lambda path: torch.save({"run": Trainer}, path), "damaged, or not a checkpoint"),
    "numpy": (lambda path: np.savez(path.open("wb"), x=np.zeros(3)), "damaged, or not"),
    "version": (lambda path: torch.save({"format": "version 7"}, path), "itself 'version 7'"),
}


@pytest.mark.parametrize("kind", sorted(FOREIGN))
def test_a_file_that_is_no_checkpoint_is_refused(kind, tmp_path):
    write, message = FOREIGN[kind]
    write(tmp_path / "c.pt")
    run = toy_run()
    run.step(), run.step()
    refused(run, tmp_path / "c.pt", message)


def test_a_checkpoint_that_cannot_be_opened_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        toy_run().restore(tmp_path / "none.pt")
    with pytest.raises(IsADirectoryError):
        toy_run().restore(tmp_path)


def test_a_failing_save_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    run = Trainer(toy(), noisy_loss, data(), steps=4, batch=8)
    run.save(tmp_path / "c.pt")
    before = (tmp_path / "c.pt").read_bytes()

    def fail(state: object, file: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        run.save(tmp_path / "c.pt")
    assert (tmp_path / "c.pt").read_bytes() == before


def test_ctrl_c_finishes_the_step_and_saves(tmp_path):
    def loss(model, x, y, generator):
        if len(seen) == 6:
            os.kill(os.getpid(), signal.SIGINT)
        seen.append(1)
        return noisy_loss(model, x, y, generator)

    seen: list[int] = []
    path = tmp_path / "c.pt"
    with pytest.raises(KeyboardInterrupt, match="after step 7"):
        train(toy(), loss, data(), steps=40, batch=8, checkpoint=path)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    resumed = train(toy(), noisy_loss, data(), steps=40, batch=8, checkpoint=path, resume=True)
    assert len(resumed.losses) == 40
    assert same(resumed.model, train(toy(), noisy_loss, data(), steps=40, batch=8).model)


def test_training_works_outside_the_main_thread(tmp_path):
    def work() -> None:
        path = tmp_path / "c.pt"
        done.append(
            train(toy(), noisy_loss, data(), steps=20, batch=8, checkpoint=path, every=7).model
        )

    done: list[nn.Module] = []
    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert same(done[0], train(toy(), noisy_loss, data(), steps=20, batch=8).model)
    assert signal.getsignal(signal.SIGINT) is before
    run = Trainer(toy(), noisy_loss, data(), steps=20, batch=8)
    run.restore(tmp_path / "c.pt")
    assert run.done == 20


def test_a_checkpoint_every_no_step_is_refused():
    with pytest.raises(ValueError, match="every must be at least 1, not 0"):
        train(toy(), noisy_loss, data(), steps=4, batch=8, every=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "at least 1"),
        ({"steps": 5, "batch": 0}, "at least 1"),
        ({"steps": 5, "batch": 7, "pieces": 2}, "divisible by pieces=2"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Trainer(toy(), noisy_loss, data(), **settings)


def test_data_of_different_length_or_none_is_refused():
    for x, y in ((torch.zeros(5, 3), torch.zeros(4)), (torch.zeros(0, 3), torch.zeros(0))):
        with pytest.raises(ValueError, match="one length"):
            Trainer(toy(), noisy_loss, (x, y), steps=1)


def test_a_loss_that_is_nan_stops_the_run():
    def nan(model, x, y, generator):
        return noisy_loss(model, x, y, generator) * float("nan")

    run = Trainer(toy(), nan, data(), steps=5)
    before = state_of(run)
    with pytest.raises(RuntimeError, match=r"gradient of step 0 is non-finite \(its loss is nan"):
        run.step()
    assert all(map(torch.equal, state_of(run), before)) and run.done == 0


def test_pieces_change_the_noise_but_not_the_rows():
    def loss(model, x, y, generator):
        seen.append(x)
        return noisy_loss(model, x, y, generator)

    seen: list[Tensor] = []
    Trainer(toy(), loss, data(), steps=5, batch=8).step()
    Trainer(toy(), loss, data(), steps=5, batch=8, pieces=4).step()
    torch.testing.assert_close(torch.cat(seen[1:]), seen[0])


def test_the_bar_is_shown_only_when_asked(capsys):
    train(toy(), noisy_loss, data(), steps=20, batch=8)
    assert capsys.readouterr().err == ""
    train(toy(), noisy_loss, data(), steps=20, batch=8, progress=True)
    assert "loss=" in capsys.readouterr().err


def test_list_and_help(capsys):
    assert main(["--list"]) == 0
    assert "digits-ddpm" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0 and "--resume" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stop:
        main(["digits-dpm"])
    assert stop.value.code == 2 and "digits-ddpm" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "say which recipe: digits-classifier, digits-ddpm"),
        (["digit-ddpm"], "not digit-ddpm; did you mean digits-ddpm"),
        (["digits-ddpm", "--steps", "0"], "--steps: must be a whole number of at least 1, not 0"),
        (["digits-ddpm", "--every", "-3"], "--every: must be a whole number of at least 1, not -3"),
        (["digits-ddpm", "--threads", "two"], "--threads: must be a whole number"),
        (["digits-ddpm", "--sed", "1", "--see"], "--see"),
    ],
)
def test_wrong_arguments_are_named(arguments, message, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2 and message in capsys.readouterr().err


def test_the_command_refuses_a_checkpoint_of_another_recipe_and_keeps_it(tmp_path, capsys):
    assert main(["digits-classifier", "--out", str(tmp_path), "--steps", "2", "--every", "1"]) == 0
    out = capsys.readouterr()
    assert "test accuracy" in out.out and "error" not in out.err
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    others = {
        ("digits-ddpm", "--steps", "2"): "recipe=digits-classifier, this one has digits-ddpm",
        ("digits-classifier",): "steps=2, this one has 1500",
        ("digits-classifier", "--steps", "2", "--seed", "1"): "seed=0, this one has 1",
    }
    for arguments, message in others.items():
        assert main([*arguments, "--out", str(tmp_path), "--resume"]) == 2
        assert message in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == files


def test_the_command_says_that_a_run_has_diverged(tmp_path, capsys, monkeypatch):
    def nan(recipe, model, x, y, generator):
        return model(x).mean() * float("nan")

    monkeypatch.setattr("genbook.recipes.digits.DigitsClassifier.loss", nan)
    assert main(["digits-classifier", "--out", str(tmp_path / "run")]) == 2
    assert "error: the gradient of step 0 is non-finite" in capsys.readouterr().err


def test_a_folder_that_is_a_file_is_an_error_and_no_traceback(tmp_path, capsys):
    (tmp_path / "run").touch()
    assert main(["digits-ddpm", "--out", str(tmp_path / "run"), "--resume"]) == 2
    err = capsys.readouterr().err
    assert "error:" in err and "starting anew" in err


def test_the_loop_knows_no_recipe():
    code = "import sys, genbook.training; print(*[m for m in sys.modules if 'recipes' in m])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


def test_a_finished_folder_is_not_overwritten_by_accident(tmp_path, capsys):
    (tmp_path / "checkpoint.pt").touch()
    assert main(["digits-ddpm", "--out", str(tmp_path)]) == 2
    assert "--resume" in capsys.readouterr().err


def command(out: Path, *more: str) -> list[str]:
    steps = ["--steps", "60", "--every", "10", "--threads", "1"]
    return [*COMMAND, "digits-classifier", "--out", str(out), *steps, *more]


@pytest.mark.slow
def test_a_killed_run_ends_with_the_weights_of_an_undisturbed_one(tmp_path):
    subprocess.run(command(tmp_path / "whole"), check=True, capture_output=True)
    killed = subprocess.Popen(command(tmp_path / "killed"), stderr=subprocess.DEVNULL)
    checkpoint = tmp_path / "killed" / "checkpoint.pt"
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    assert checkpoint.exists() and not (tmp_path / "killed" / "digits-classifier.json").exists()
    subprocess.run(command(tmp_path / "killed", "--resume"), check=True, capture_output=True)
    a, b = (
        (tmp_path / run / "digits-classifier.safetensors").read_bytes()
        for run in ("whole", "killed")
    )
    assert a == b
    card = json.loads((tmp_path / "killed" / "digits-classifier.json").read_text())
    assert card["recipe"]["steps"] == 60 and card["machine"] == "one CPU core"
    assert weights.load("digits-classifier", tmp_path / "killed")


WORKER = """
import sys, torch, torch.distributed as dist
sys.path.insert(0, {folder!r})
from test_training import toy_unet
from genbook.training import Trainer
torch.set_num_threads(1)
dist.init_process_group("gloo")
run = Trainer(*toy_unet(), steps=5, batch=16, pieces=4, ema=0.5)
grads = []
for _ in range(5):
    run.step()
    grads.append({{n: p.grad.clone() for n, p in run.model.named_parameters()}})
if run.rank == 0:
    torch.save([grads, run.losses, run.ema.average], {out!r})
dist.destroy_process_group()
"""


def toy_unet():
    """Model, loss and data of the test with two processes."""
    from genbook import ddpm
    from genbook.data import digits
    from genbook.schedules import NoiseSchedule

    schedule = NoiseSchedule.linear(100)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = UNet(1, 8, (1, 1), classes=10, patch=2)

    def loss(model, x, y, generator):
        return ddpm.loss(model, schedule, x, y, generator)

    return model, loss, digits.load()


@pytest.mark.slow
def test_two_processes_make_the_gradients_of_one(tmp_path):
    out = tmp_path / "two.pt"
    script = tmp_path / "worker.py"
    script.write_text(WORKER.format(folder=str(Path(__file__).parent), out=str(out)))
    two = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)]
    subprocess.run([sys.executable, *two], check=True, capture_output=True, timeout=300)
    grads, losses, average = torch.load(out, weights_only=True)
    run = Trainer(*toy_unet(), steps=5, batch=16, pieces=4, ema=0.5)
    for step in range(5):
        run.step()
        for name, parameter in run.model.named_parameters():
            torch.testing.assert_close(grads[step][name], parameter.grad, rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(torch.tensor(losses), torch.tensor(run.losses), rtol=1e-5, atol=0)
    for key, value in run.ema.average.items():
        torch.testing.assert_close(average[key], value, rtol=1e-3, atol=1e-5)
