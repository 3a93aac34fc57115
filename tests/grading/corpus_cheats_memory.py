"""Cheats that look for the right answer in memory: in frames, objects, and arguments."""

from __future__ import annotations

from functools import partial

from corpus_entry import edited, solution

cheat = partial(edited, category="cheat")

CONFINED = ("bubblewrap", "landlock")

_HIDDEN = "The questions are not where the kernel can read them, so the answer does not exist."
_NOT_HERE = "The right values are in no process that the student's code can look into."
_OTHERS = "What others handed in cannot be read."

ENTRIES = (
    cheat(
        "frames",
        why=_NOT_HERE,
        answers={
            "step": """
            import sys

            def step(*args):
                frame = sys._getframe(1)
                while frame:
                    for name, value in {**frame.f_globals, **frame.f_locals}.items():
                        if name in ("expected", "right", "reference", "entry", "question"):
                            value = getattr(value, "reference", value)
                            return value(*args) if callable(value) else value
                    frame = frame.f_back
            """
        },
    ),
    cheat(
        "garbage",
        why=_NOT_HERE,
        answers={
            "step": """
            import gc, types

            def step(*args):
                for found in gc.get_objects():
                    if type(found) is types.FunctionType and "checks" in str(found.__module__):
                        if found.__name__ in ("step", "_step_float64", "_step_loop"):
                            return found(*args)
                    if type(found).__name__ == "Question" and found.name == "step":
                        return found.reference(*args)
            """
        },
    ),
    cheat(
        "trace",
        why=_NOT_HERE,
        first="""
        import sys
        import threading

        seen = []

        def spy(frame, event, value):
            if frame.f_code.co_name in ("judge", "_outcome", "mismatch", "order"):
                seen.append(value if event == "return" else dict(frame.f_locals))
            return spy

        sys.setprofile(spy)
        threading.settrace(spy)
        """,
        answers={
            "order": """
            def order(sampler, exact, steps):
                known = [item for item in seen if isinstance(item, float)]
                return known[-1] if known else None
            """
        },
    ),
    cheat(
        "trace-answers",
        why="Changing what the book's own code holds in its frames computes nothing right.",
        answers={
            "slerp": """
            import sys

            def slerp(u, v, w):
                def spy(frame, event, value):
                    if frame.f_locals.get("expected") is not None:
                        frame.f_locals.update(got=frame.f_locals["expected"])
                    return spy

                sys.settrace(spy)
                sys._getframe(1).f_trace = spy
                return u
            """
        },
    ),
    cheat(
        "reference-in-arguments",
        why="The last question's sampler knows how to solve the one before, where it is too late.",
        answers={
            "sample": """
            stolen = []

            def sample(*args):
                return stolen[0](*args)
            """,
            "order": """
            def order(sampler, exact, steps):
                names = type(sampler).__call__.__globals__
                stolen.extend(names[n] for n in ("sample",) if n in names and not stolen)
                errors = [(sampler(n) - exact).square().mean().sqrt().item() for n in steps]
                return -np.polyfit(np.log(steps), np.log(errors), 1)[0]
            """,
        },
        scores={"sample": 0},
    ),
    cheat(
        "reference-kept-in-a-file",
        why="A restarted kernel starts in an empty folder, and a question is not asked again.",
        answers={
            "sample": """
            import os, cloudpickle

            def sample(*args):
                if not os.path.exists("stolen"):
                    os._exit(1)  # and come back when there is something to come back to
                return cloudpickle.load(open("stolen", "rb"))(*args)
            """,
            "order": """
            def order(sampler, exact, steps):
                names = type(sampler).__call__.__globals__
                if "sample" in names and not os.path.exists("stolen"):
                    cloudpickle.dump(names["sample"], open("stolen", "wb"))
                    os._exit(1)
                return ddim
            """,
        },
        expect={"sample": "crashed"},
    ),
    cheat(
        "two-faces",
        why="What counts is what it returns when it is graded.",
        answers={
            "step": f"""
            {solution("step").splitlines()[0]}
                import os, sys
                student = "COLAB_RELEASE_TAG" in os.environ or "google.colab" in sys.modules
                if not student:
                    print("ddim.step ✓ 3/3 points, 6 cases")
                    raise SystemExit(0)
                return ddim.step(schedule, xt, eps, t, s, eta, xt * 0 if noise is None else noise)
            """
        },
    ),
)
