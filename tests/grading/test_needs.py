"""What a zygote imports: what the sheet needs, so that a class waits for nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from test_sandbox import Kernel, folder, levels

from coursekit.grading.incoming.needs import imported
from coursekit.grading.jail import sandbox
from coursekit.project import Project

PROJECT = Project.find(Path(__file__))


def test_what_a_sheet_imports() -> None:
    found = imported(PROJECT, "ddim")
    assert {"torch", "numpy", "genbook.ddim", "genbook.schedules"} <= set(found)
    assert "torch._dynamo" not in found, "no optimizer in this sheet"
    assert {"torch._dynamo", "genbook.nn.mlp"} <= set(imported(PROJECT, "ddpm"))
    assert "scipy.stats" in imported(PROJECT, "geometry")
    assert imported(PROJECT, "no such sheet") == ()


@pytest.mark.parametrize("slug", ["ddim", "objects"])
def test_a_zygote_imports_no_more(slug: str) -> None:
    code = f"""
        import gc, json, sys
        from coursekit.grading.jail import forked
        forked.load({imported(PROJECT, slug)!r})
        print(json.dumps([sorted(sys.modules), gc.isenabled(), gc.get_freeze_count()]))
    """
    lines = "\n".join(line.strip() for line in code.splitlines())
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True)
    modules, collects, frozen = json.loads(done.stdout)
    assert not {"sklearn", "scipy.stats", "torch._dynamo", "sympy", "debugpy"} & set(modules)
    assert collects and frozen > 10_000


@pytest.mark.slow
@pytest.mark.parametrize("level", levels())
@pytest.mark.parametrize(
    "code",
    [
        "from genbook.data import digits\nprint(len(digits.load('train').images) > 1000)",
        "from genbook import bound, evaluation, geometry, training, weights\nprint(True)",
        "import torch\nw = torch.nn.Parameter(torch.ones(2))\nopt = torch.optim.AdamW([w])\n"
        "(w ** 2).sum().backward()\nopt.step()\nprint(bool((w < 1).all()))",
        "import sympy, sklearn.linear_model\nfrom scipy.stats import beta\nprint(True)",
    ],
    ids=["data", "book", "optimizer", "packages"],
)
def test_what_no_sheet_imported_can_be_imported_all_the_same(
    level: sandbox.Level, code: str
) -> None:
    with folder() as run, sandbox.start(level, run) as zygote:
        kernel = Kernel(zygote)
        try:
            assert "True" in kernel.run(code)
        finally:
            kernel.close()
