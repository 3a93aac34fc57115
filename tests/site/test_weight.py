"""What a page costs its reader: bytes before pictures, layout shift, work of the main thread."""

from __future__ import annotations

import pytest
from site_visits import GENERATED, PAGES, PHONE, WIDE, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LANDING = PAGES[0]
BUDGET, LANDING_BUDGET = 350_000, 200_000
"""Bytes that a server with gzip sends on first load, pictures left out."""
SHIFT = 0.02
WORK = 1.8
"""Seconds of CPU time of the main thread until `ddpm` has loaded."""

SCROLL = """async () => {
    const pause = () => new Promise(done => setTimeout(done, 60));
    for (let y = 0; y < document.body.scrollHeight; y += 2000) { scrollTo(0, y); await pause(); }
    await new Promise(done => setTimeout(done, 300));
}"""


@pytest.mark.parametrize("docname", [*PAGES, *GENERATED])
def test_a_page_is_light(docname: str, visit: Visitor, record_property) -> None:
    budget = LANDING_BUDGET if docname == LANDING else BUDGET
    with visit(docname) as seen:
        weights = seen.weights()
        total = sum(weights.values())
        record_property("bytes_before_images", total)
        heaviest = sorted(weights.items(), key=lambda item: -item[1])[:5]
        parts = ", ".join(f"{name} {size / 1000:.0f}" for name, size in heaviest)
        print(f"{docname}: {total / 1000:.0f} of {budget / 1000:.0f} kB before images ({parts})")
        assert total <= budget, parts


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("docname", PAGES)
def test_nothing_moves_once_it_is_seen(docname: str, size: dict, visit: Visitor) -> None:
    with visit(docname, size, watch_shifts=True) as seen:
        seen.page.evaluate(SCROLL)
        shifts = seen.page.evaluate("window.shifts")
        print(f"{docname}: layout shift {sum(shift['value'] for shift in shifts):.3f}")
        assert sum(shift["value"] for shift in shifts) <= SHIFT, shifts


def test_a_shift_is_seen(visit: Visitor) -> None:
    with visit("book/how_to_read", PHONE, watch_shifts=True) as seen:
        seen.page.evaluate(
            """() => document.querySelector('article').insertAdjacentHTML('afterbegin',
                '<p style="height: 200px">late</p>')"""
        )
        seen.page.evaluate(SCROLL)
        assert sum(shift["value"] for shift in seen.page.evaluate("window.shifts")) > SHIFT


def test_the_longest_page_is_little_work(visit: Visitor) -> None:
    """Thread ticks are CPU time: a busy machine makes the page slow, not the number large."""
    seconds = min(_work(visit) for _ in range(2))
    print(f"book/ddpm: {seconds:.2f} s of main-thread work")
    assert 0 < seconds <= WORK


def _work(visit: Visitor) -> float:
    with visit("book/how_to_read") as seen:  # the browser's own start is not the page's
        page = seen.page
        devtools = page.context.new_cdp_session(page)
        devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
        before = _ticks(devtools)
        page.goto(page.url.replace("how_to_read", "ddpm"), wait_until="load")
        page.evaluate("async () => { await document.fonts.ready }")
        page.wait_for_timeout(500)
        return _ticks(devtools) - before


def _ticks(devtools) -> float:
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    return {metric["name"]: metric["value"] for metric in metrics}["TaskDuration"]
