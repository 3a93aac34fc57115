"""The layout of the tree and its licences: the rooms of a chapter, one story about the licence."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from coursekit.new import marks
from coursekit.project import Project
from coursekit.source import read
from genbook import checks

PROJECT = Project.find(Path(__file__))
ROOT = PROJECT.root
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
CHAPTERS = PROJECT.chapters()
ASSIGNMENTS = [slug for slug in PROJECT.slugs() if slug not in CHAPTERS]


def tracked() -> list[str]:
    """Files under version control; the tree itself where there is no git (an unpacked archive)."""
    listing = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listing.returncode != 0:
        pytest.skip("no git work tree here")
    return listing.stdout.splitlines()


def code(name: str) -> str:
    """A module, or a package of small ones."""
    return f"{name}/__init__.py" if (ROOT / name).is_dir() else f"{name}.py"


def test_no_two_files_of_tests_share_a_name() -> None:
    """Two of one name are one module to pytest: the second that a process collects is an error."""
    names = [Path(path).name for path in tracked() if re.match(r"tests/.*test_\w+\.py$", path)]
    assert sorted(name for name in set(names) if names.count(name) > 1) == []


@pytest.mark.parametrize("slug", CHAPTERS)
def test_a_chapter_has_all_its_rooms(slug: str) -> None:
    rooms = [
        f"book/{slug}.md",
        f"book/{slug}.ipynb",
        code(f"src/genbook/{slug}"),
        code(f"src/genbook/checks/{slug}"),
        f"solutions/{slug}.md",
        f"solutions/{slug}.ipynb",
        f"exercises/{slug}.ipynb",
        f"tests/test_{slug}.py",
    ]
    assert [room for room in rooms if not (ROOT / room).is_file()] == []


@pytest.mark.parametrize("slug", ASSIGNMENTS)
def test_an_assignment_has_its_rooms_and_joins_chapters(slug: str) -> None:
    rooms = [
        code(f"src/genbook/checks/{slug}"),
        f"solutions/{slug}.md",
        f"solutions/{slug}.ipynb",
        f"exercises/{slug}.ipynb",
        f"tests/test_{slug}.py",
    ]
    assert [room for room in rooms if not (ROOT / room).is_file()] == []
    joined = read(PROJECT.sheet(slug)).prerequisites
    assert len(joined) >= 2 and set(joined) <= set(CHAPTERS)


def test_the_registry_asks_about_chapters_and_assignments_only_and_about_all_of_them() -> None:
    assert sorted(checks.slugs()) == sorted(CHAPTERS + ASSIGNMENTS)


def slugs_of(part: dict) -> list[str]:
    return [Path(entry["file"]).name for entry in part["chapters"]]


def test_the_toc_numbers_exactly_the_parts_made_of_chapters() -> None:
    for part in TOC["parts"]:
        slugs = slugs_of(part)
        chapters = [slug for slug in slugs if slug in CHAPTERS]
        assert chapters in ([], slugs)
        assert bool(part.get("numbered")) == bool(chapters)
    for part in TOC["parts"]:
        for entry in part["chapters"]:
            slug = Path(entry["file"]).name
            sections = entry.get("sections", [])
            if slug in CHAPTERS:  # an assignment stands at the end of its part
                ends = slug == slugs_of(part)[-1]
                joining = [a for a in ASSIGNMENTS if _joined(a)[-1] in slugs_of(part)]
                wanted = [slug, *(joining if ends else [])]
                assert sections == [{"file": f"solutions/{name}"} for name in wanted]
            else:  # a page may have pages below it, in a folder of its name
                assert sections in ([], [{"glob": f"book/{slug}/*"}])


def _joined(slug: str) -> list[str]:
    """The chapters that an assignment joins, in the order of the book."""
    return [name for name in CHAPTERS if name in read(PROJECT.sheet(slug)).prerequisites]


def test_every_chapter_is_on_the_map() -> None:
    parts = yaml.safe_load((ROOT / "book" / "map.yml").read_text(encoding="utf-8"))
    planned = [slug for part in parts for slug in part["chapters"]]
    assert len(planned) == len(set(planned))
    assert [slug for slug in CHAPTERS if slug not in planned] == []


def test_nothing_of_a_template_is_left_in_what_is_committed() -> None:
    """A fresh chapter passes as it is until git knows it: then every mark must have gone."""
    rooms = re.compile(r"(?:book|solutions|book/api)/\w+\.md|src/genbook/.+\.py|tests/test_\w+\.py")
    files = [ROOT / name for name in tracked() if rooms.fullmatch(name)]
    assert {PROJECT.chapter(slug) for slug in ("ddpm", "ddim")} <= set(files)
    counts = {PROJECT.relative(path): marks(path.read_text("utf-8")) for path in files}
    assert {name: count for name, count in counts.items() if count} == {}


def test_licences_tell_one_story() -> None:
    project = PYPROJECT["project"]
    assert project["license"] == "MIT"
    assert project["license-files"] == ["LICENSE"]
    # PEP 639: next to an SPDX expression a licence classifier is an error; it could only disagree.
    assert not [line for line in project["classifiers"] if line.startswith("License ::")]
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")
    assert "CC BY 4.0" in (ROOT / "LICENSE-text").read_text(encoding="utf-8")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["license"] == "MIT"
    assert citation["version"] == project["version"]
    footer = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["html"]
    assert "CC BY 4.0" in footer["extra_footer"]
    assert "MIT" in footer["extra_footer"]


def test_one_repository_url() -> None:
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["repository-code"] == config["repository"]["url"]
    assert citation["url"] == config["html"]["baseurl"]
    assert config["repository"]["url"] in (ROOT / "README.md").read_text(encoding="utf-8")


def test_pyproject_has_floors_and_requirements_has_exact_pins() -> None:
    project = PYPROJECT["project"]
    for line in project["dependencies"]:
        # Colab keeps the torch and numpy it has: no upper bound, no exact version.
        assert re.fullmatch(r"[\w.-]+>=[\d.]+", line), line
    pins = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in pins if line and not line.startswith("#")]
    assert [line for line in pins if not re.fullmatch(r"[\w.-]+==[\w.!]+", line)] == []
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in pins}
    wanted = list(project["dependencies"])
    for name, extra in project["optional-dependencies"].items():
        # Peers of the benchmarks that nothing else needs are no part of the pinned environment.
        wanted += extra if name != "bench" else []
    names = {re.split(r"[\[><=]", line)[0].lower().replace("_", "-") for line in wanted}
    assert names - pinned - {"genbook"} == set()
    assert not [line for line in pins if line.startswith("nvidia")]


def test_no_pip_line_outside_the_places_for_it() -> None:
    """Notebooks install by the one generated set-up cell; shell lines quote their requirements."""
    allowed = {"Makefile", "README.md", "src/coursekit/setup_cell.py"}
    pip = re.compile(r"(?:^|[\s!%])pip3? install\b")
    for name in tracked():
        if name in allowed or name.startswith(("tests/", "exercises/")) or name.endswith(".ipynb"):
            continue
        if name.endswith((".md", ".py", ".yml", ".sh")):
            text = (ROOT / name).read_text(encoding="utf-8")
            lines = [line for line in text.splitlines() if pip.search(line)]
            assert not [line for line in lines if line.lstrip().startswith(("!", "%", "-", "$"))], (
                name
            )


def test_derived_files_are_marked_and_small() -> None:
    marks = (ROOT / ".gitattributes").read_text(encoding="utf-8")
    for room in ("book", "solutions", "exercises"):
        assert f"{room}/*.ipynb linguist-generated" in marks
    sizes = {name: (ROOT / name).stat().st_size for name in tracked() if (ROOT / name).is_file()}
    assert {name: size for name, size in sizes.items() if size > 4_000_000} == {}
    weights = sum(size for name, size in sizes.items() if name.endswith(".safetensors"))
    assert weights <= 24_000_000


def test_workflows_say_why_and_limit_themselves() -> None:
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        text = path.read_text(encoding="utf-8")
        workflow = yaml.safe_load(text)
        assert "permissions" in workflow, path.name
        assert all("timeout-minutes" in job for job in workflow["jobs"].values()), path.name
        assert re.search(r"^# ", text, re.MULTILINE), path.name
