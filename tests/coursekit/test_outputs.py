"""Stored outputs are the same for every run on one machine."""

from __future__ import annotations

import base64
import io

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from PIL import Image

from coursekit.outputs import StandardErrorOutput, carry, normalise, palette_png, strip_png


def png() -> bytes:
    stream = io.BytesIO()
    figure, axes = plt.subplots(figsize=(1, 1))
    axes.plot([0, 1])
    figure.savefig(stream, metadata={"Author": "somebody"})
    plt.close(figure)
    return stream.getvalue()


def test_png_loses_its_metadata_and_keeps_its_pixels() -> None:
    data = png()
    assert b"somebody" in data and b"Matplotlib" in data
    stripped = strip_png(data)
    assert b"somebody" not in stripped and b"Matplotlib" not in stripped
    before, after = (plt.imread(io.BytesIO(file)) for file in (data, stripped))
    assert (before == after).all()
    assert strip_png(stripped) == stripped
    assert strip_png(b"no picture") == b"no picture"


def encoded(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def test_plots_get_a_palette_and_look_the_same() -> None:
    data = png()
    small = palette_png(data)
    assert len(small) < 0.7 * len(data)
    before, after = (
        np.asarray(Image.open(io.BytesIO(file)).convert("RGB"), float) for file in (data, small)
    )
    assert before.shape == after.shape and ((before - after) ** 2).mean() ** 0.5 < 2
    assert palette_png(small) == small
    assert palette_png(b"no picture") == b"no picture"


def test_photographs_and_transparent_pictures_keep_their_colours() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 4), np.uint8)
    assert palette_png(encoded(noise[..., :3])) == encoded(noise[..., :3])
    glass = np.full((64, 64, 4), 128, np.uint8)
    assert palette_png(encoded(glass)) == encoded(glass)


def test_streams_are_merged_and_carriage_returns_resolved() -> None:
    printed = [new_output("stream", name="stdout", text=text) for text in ("a\n", "1\r2\r3\n")]
    (merged,) = normalise(printed)
    assert merged.text == "a\n3\n"


def test_addresses_and_widgets_go() -> None:
    widget = {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}, "text/plain": "Bar"}
    data = {"text/plain": "<Line2D at 0x7f12ab>"}
    outputs = [new_output("display_data", widget), new_output("execute_result", data)]
    (kept,) = normalise(outputs)
    assert kept.data["text/plain"] == "<Line2D>"


def test_progress_bars_on_standard_error_go_and_warnings_are_refused() -> None:
    bar = " 50%|█████     | 5/10 [00:01<00:01,  4.9it/s]"
    assert normalise([new_output("stream", name="stderr", text=bar)]) == []
    warning = "/somewhere/module.py:3: UserWarning: careful"
    with pytest.raises(StandardErrorOutput, match="careful"):
        normalise([new_output("stream", name="stderr", text=warning)])


def test_normalising_twice_changes_nothing() -> None:
    picture = {"image/png": base64.encodebytes(png()).decode(), "text/plain": "<Figure at 0x1>"}
    outputs = [
        new_output("stream", name="stdout", text="a\rb\n"),
        new_output("display_data", picture),
        new_output("execute_result", {"text/plain": "3"}, execution_count=4),
    ]
    once = normalise(outputs)
    assert normalise(once) == once
    assert "\n" not in once[1].data["image/png"]


def test_outputs_are_carried_only_between_equal_code() -> None:
    def notebook(*sources: str) -> nbformat.NotebookNode:
        return new_notebook(cells=[new_code_cell(source) for source in sources])

    old, same, longer, other = (
        notebook("a = 1", "a"),
        notebook("a = 1", "a"),
        notebook("a = 1", "a", "b"),
        notebook("a = 2", "a"),
    )
    old.cells[1].outputs = [new_output("execute_result", {"text/plain": "1"}, execution_count=2)]
    old.cells[1].execution_count = 2
    assert carry(old, same)
    assert same.cells[1].outputs == old.cells[1].outputs
    for changed in (longer, other):
        assert not carry(old, changed)
        assert changed.cells[1].outputs == []
