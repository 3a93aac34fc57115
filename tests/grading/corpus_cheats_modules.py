"""Cheats that replace or patch the modules of the book and of the grader."""

from __future__ import annotations

from functools import partial

from corpus_entry import edited

cheat = partial(edited, category="cheat")

_ELSEWHERE = "The comparison is made in another process, so the wrong values stay wrong."
_OWN_TOOLS = "The values are taken out with the grader's own tools, and they are wrong."

ENTRIES = (
    cheat(
        "patched-compare",
        why=_ELSEWHERE,
        first="""
        from genbook.checks.machinery import compare, run

        compare.mismatch = lambda *args, **kwargs: ""
        compare.same = lambda *args, **kwargs: True
        run._wrong = lambda *args, **kwargs: ""
        run._fits = lambda *args, **kwargs: True
        """,
        wrong=("step", "order"),
    ),
    cheat(
        "patched-judge",
        why=_ELSEWHERE,
        first="""
        from genbook import checks
        from genbook.checks.machinery import run

        def generous(*args, **kwargs):
            return run.Result(3, 3, "ddim.step ✓ 3/3 points, 6 cases")

        run.judge = run.verdict = run.check = checks.check = check = generous
        """,
        wrong=("step", "sample"),
    ),
    cheat(
        "patched-result",
        why="Points are counted where the student's classes do not exist.",
        first="""
        from genbook.checks.machinery import run

        run.Result.points = property(lambda self: 3, lambda self, value: None)
        run.Result.__init__ = lambda self, *args, **kwargs: None
        run.Outcome.__eq__ = lambda self, other: True
        """,
        wrong=("timesteps",),
    ),
    cheat(
        "patched-question",
        why="The questions that count are in another process, with their own cases and tolerances.",
        first="""
        from genbook.checks.machinery import registry

        registry.Question.cases = property(lambda self: lambda seed: [], lambda self, v: None)
        registry.Question.rtol = property(lambda self: float("inf"), lambda self, v: None)
        registry.Question.manual = property(lambda self: True, lambda self, v: None)
        """,
        wrong=("step", "slerp", "sample"),
    ),
    cheat(
        "patched-registry",
        why="A question defined by the student is not one of the instructor's.",
        first="""
        from genbook import checks
        from genbook.checks.machinery import registry

        def mine(question_id):
            name = question_id.split(".")[1]
            return registry.Question(question_id, 3, globals()[name])

        registry.question = checks.question = mine
        registry.questions = checks.questions = lambda slug: [mine("ddim.step")]
        """,
        wrong=("step",),
    ),
    cheat(
        "patched-import",
        why=_ELSEWHERE,
        first="""
        import builtins
        import types

        original = builtins.__import__
        fake = types.SimpleNamespace(check=lambda *args: print("ddim.sample ✓ 3/3 points"))

        def imported(name, *args, **kwargs):
            return fake if "checks" in name else original(name, *args, **kwargs)

        builtins.__import__ = imported
        """,
        wrong=("sample",),
    ),
    cheat(
        "fake-modules",
        why=_ELSEWHERE,
        first="""
        import sys
        import types

        for name in ("genbook.checks", "genbook.checks.machinery.run", "coursekit", "grader_side"):
            fake = types.ModuleType(name)
            fake.check = fake.judge = lambda *args: print("ddim.step ✓ 3/3 points, 6 cases")
            sys.modules[name] = fake
        """,
        wrong=("step",),
    ),
    cheat(
        "patched-grader",
        why="What is left of the grader in this process has no say in the verdict.",
        first="""
        import sys

        for name, module in list(sys.modules.items()):
            if "grader" in name or "coursekit" in name:
                for key, value in list(vars(module).items()):
                    if callable(value) and not key.startswith("__"):
                        setattr(module, key, lambda *args, **kwargs: True)
        """,
        wrong=("slerp", "sample"),
    ),
    cheat(
        "patched-exec",
        why="Even if the check cells never run as written, nothing right has been computed.",
        first="""
        import builtins

        original = builtins.compile

        def rewritten(source, *args, **kwargs):
            if isinstance(source, str) and "nonce" in source:
                source = "print('ddim.order ✓ 3/3 points, 4 cases')"
            return original(source, *args, **kwargs)

        builtins.compile = rewritten
        """,
        wrong=("order",),
    ),
)
