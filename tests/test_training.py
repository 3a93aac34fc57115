"""Training: the same run whatever happens to it: killed, interrupted, or shared among processes."""

import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from genbook import training, weights
from genbook.nn import UNet
from genbook.training import Trainer, learning_rate, rows, train

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
    with pytest.raises(RuntimeError, match="non-finite"):
        run.step()


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
    assert training.main(["--list"]) == 0
    assert "digits-ddpm" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stop:
        training.main(["--help"])
    assert stop.value.code == 0 and "--resume" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stop:
        training.main(["digits-dpm"])
    assert stop.value.code == 2 and "digits-ddpm" in capsys.readouterr().err


def test_a_finished_folder_is_not_overwritten_by_accident(tmp_path, capsys):
    (tmp_path / "checkpoint.pt").touch()
    assert training.main(["digits-ddpm", "--out", str(tmp_path)]) == 2
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
