"""How many wrong answers are told what is wrong: the share of a pool that gets a sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from wrong_answers import LIKELY, OTHERS

from genbook import checks
from genbook.checks.machinery.run import trial, verdict

ASKED = [q for slug in checks.slugs() for q in checks.questions(slug) if q.reference]
WITH_CASES = [q for q in ASKED if q.training is None]
by_id = pytest.mark.parametrize("q", WITH_CASES, ids=lambda q: q.id)


def pool(q, table):
    """The wrong answers to a question, by name."""
    found = checks.answers(table[q.id]) if q.id in table else ()
    return {each.name: replace(each, reference=q.reference).function for each in found}


def test_every_question_has_likely_wrong_answers():
    assert set(LIKELY) == {q.id for q in WITH_CASES}
    assert set(OTHERS) <= set(LIKELY)


@by_id
def test_what_any_seed_refuses_the_students_seed_refuses(q):
    for name, wrong in {**pool(q, OTHERS), **pool(q, LIKELY)}.items():
        result = verdict(q, wrong, 0)
        assert not result.points, f"{name} is accepted with the student's seed"


def test_most_wrong_answers_are_named(capsys):
    """95 % of the likely ones, 70 % of all."""
    silent, counts = [], {}
    for q in WITH_CASES:
        known = trial(q, 0)
        for kind, table in {"likely": LIKELY, "other": OTHERS}.items():
            for name, wrong in pool(q, table).items():
                named = verdict(q, wrong, 0, known).misconception is not None
                counts.setdefault(kind, []).append(named)
                silent += [] if named else [f"{kind}: {q.id}, {name}"]
    every = [named for kind in counts.values() for named in kind]
    shares = {**counts, "all": every}
    lines = [
        f"{kind}: {sum(n)} of {len(n)} named, {sum(n) / len(n):.0%}" for kind, n in shares.items()
    ]
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    report = "\n".join([*lines, "without a sentence:", *silent])
    assert sum(counts["likely"]) >= 0.95 * len(counts["likely"]), report
    assert sum(every) >= 0.7 * len(every), report
