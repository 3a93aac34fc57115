"""The landing page: one screen, a film that starts by itself and can be stopped, a map in words."""

from __future__ import annotations

import re

import pytest
import yaml
from site_visits import PROJECT, ROOT, Visitor

from coursekit import numbers

pytestmark = [pytest.mark.browser, pytest.mark.slow]

INTRO = "book/intro"
BUDGET = 200_000
"""Bytes before pictures on first load."""

FRAMES = """() => [...document.querySelectorAll('.gb-film [role=img] > span')]
    .map(column => Number(column.style.getPropertyValue('--frame')))"""


@pytest.mark.parametrize(
    ("width", "height", "screens"), [(1440, 900, 1), (360, 740, 1.5)], ids=["desktop", "phone"]
)
def test_it_fits(width: int, height: int, screens: float, visit: Visitor) -> None:
    with visit(INTRO, {"width": width, "height": height}) as seen:
        end = "document.querySelector('article > section').getBoundingClientRect().bottom"
        assert seen.page.evaluate(end) <= screens * height
        # Nothing at the side narrows it.
        left = "document.querySelector('article').getBoundingClientRect().left"
        assert seen.page.evaluate(left) <= (0.15 * width if width > 1000 else 16)


def test_the_contents_at_the_side_open_when_asked(visit: Visitor) -> None:
    with visit(INTRO, {"width": 1440, "height": 900}) as seen:
        contents = seen.page.locator("#pst-primary-sidebar")
        assert not contents.is_visible()
        seen.page.locator("button.primary-toggle:visible").click()
        contents.get_by_role("link", name="Glossary").wait_for()
        assert seen.page.locator(".search-button:visible").count() == 1


def test_the_first_picture_leads_from_digits_to_noise_and_without_scripts_it_is_all(
    visit: Visitor,
) -> None:
    for script in (True, False):  # visits ask for reduced motion: the film waits
        with visit(INTRO, script=script) as seen:
            button = seen.page.locator(".gb-film button")
            last = int(seen.page.locator(".gb-film").get_attribute("data-last") or 0)
            if script:
                shown = seen.page.evaluate(FRAMES)
                assert shown == sorted(shown, reverse=True)  # noise at the right end
                assert shown[0] == last and shown[-1] < last / 3
                assert button.inner_text() == "Play"
            else:
                assert not button.is_visible()
            picture = seen.page.locator(".gb-film [role=img]")
            assert picture.is_visible() and picture.get_attribute("aria-label")


def test_the_film_plays_stops_and_goes_on_by_keyboard(visit: Visitor) -> None:
    with visit(INTRO) as seen:
        seen.page.emulate_media(reduced_motion="no-preference")
        seen.page.reload(wait_until="load")
        # What the first visit was still loading is aborted by the second: no fault of the page.
        seen.problems[:] = [line for line in seen.problems if "ERR_ABORTED" not in line]
        button = seen.page.locator(".gb-film button")
        moved = f"before => JSON.stringify(({FRAMES})()) !== before"

        def picture() -> str:
            return seen.page.evaluate(f"JSON.stringify(({FRAMES})())")

        seen.page.wait_for_function(moved, arg=picture())  # it starts by itself
        button.focus()
        seen.page.keyboard.press("Enter")
        assert button.inner_text() == "Play"
        stopped = picture()
        seen.page.wait_for_timeout(400)
        assert picture() == stopped
        seen.page.keyboard.press("Space")
        seen.page.wait_for_function(moved, arg=stopped)
        assert seen.problems == []


def test_the_map_says_in_words_what_it_draws(visit: Visitor) -> None:
    parts = yaml.safe_load((ROOT / "book" / "map.yml").read_text(encoding="utf-8"))
    written = {slug for slug in PROJECT.slugs() if PROJECT.chapter(slug).is_file()}
    with visit(INTRO) as seen:
        stops = seen.page.locator(".gb-map li")
        assert stops.count() == sum(len(part["chapters"]) for part in parts)
        linked = [
            (link.get_attribute("href") or "").removesuffix(".html")
            for link in stops.locator("a").all()
        ]
        assert set(linked) == written
        words = [stop.text_content() or "" for stop in stops.all()]
        assert sum("(planned)" in text for text in words) == len(words) - len(written)
        assert any("DDIM (finished), after DDPM" in text for text in words)
        # Each stop lies where its lines end, whatever the width.
        off = seen.page.evaluate(
            """() => {
                const map = document.querySelector('.gb-map').getBoundingClientRect();
                const lines = document.querySelector('.gb-lines').getBoundingClientRect();
                return [...document.querySelectorAll('.gb-part')].map((part, column, all) =>
                    Math.abs(part.querySelector('li').getBoundingClientRect().left
                        - lines.left - column * lines.width / all.length));
            }"""
        )
        assert max(off) <= 1


def test_the_numbers_are_those_of_the_repository(visit: Visitor) -> None:
    found = numbers.count(ROOT)
    wanted = [found.claims, found.tests, found.questions, found.seconds]
    assert min(wanted) > 20
    with visit(INTRO) as seen:
        shown = seen.page.locator(".gb-numbers strong").all_inner_texts()
        assert [int(number.replace(",", "")) for number in shown] == wanted


def test_it_is_light(visit: Visitor) -> None:
    with visit(INTRO) as seen:
        weight = sum(seen.weights().values())
        print(f"{weight / 1000:.0f} of {BUDGET / 1000:.0f} kB before pictures")
        assert weight <= BUDGET


def test_noise_is_at_the_right_end_of_each_slider(visit: Visitor) -> None:
    """A slider over the time runs from the picture at t = 0 to noise."""
    met = 0
    for slug in PROJECT.chapters():
        with visit(f"book/{slug}") as seen:
            for slider in seen.page.locator("[data-scrubber]").all():
                words = slider.locator("[data-frame]").evaluate_all(
                    "frames => frames.map(frame => frame.dataset.frame)"
                )
                times = [re.fullmatch(r"(?:time )?t = ([\d.]+)", text) for text in words]
                if all(times):
                    met += 1
                    values = [float(time[1]) for time in times if time]
                    assert values == sorted(values), f"{slug}: {words[0]} … {words[-1]}"
    assert met
