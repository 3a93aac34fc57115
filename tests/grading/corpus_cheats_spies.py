"""Cheats that look for the right answer: in files, in memory, in the calls that check it."""

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
        "import-reference",
        why=_HIDDEN,
        only=CONFINED,
        answers={
            "step": "from genbook.checks.ddim.step import step",
            "order": "import genbook.checks.ddim.order as key\norder = key.order",
        },
    ),
    cheat(
        "question-reference",
        why=_HIDDEN,
        only=CONFINED,
        answers={
            "step": """
            from genbook.checks import question
            step = question("ddim.step").reference
            """,
            "slerp": """
            def slerp(u, v, w):
                from genbook.checks import questions
                found = [entry for entry in questions("ddim") if entry.name == "slerp"]
                return found[0].alternatives[0](u, v, w)
            """,
        },
    ),
    cheat(
        "open-reference",
        why=_HIDDEN,
        only=CONFINED,
        first="""
        import pathlib
        import genbook.checks

        def stolen(name):
            path = pathlib.Path(genbook.checks.__path__[0]) / "ddim" / f"{name}.py"
            found = {}
            exec(path.read_text(), found)
            return found[name]
        """,
        answers={
            "step": "step = stolen('step')",
            "sample": "def sample(*args):\n    return stolen('sample')(*args)",
        },
    ),
    cheat(
        "reference-source",
        why=_HIDDEN,
        only=CONFINED,
        first="""
        import importlib.util, inspect, linecache, pkgutil
        import genbook.checks

        place = genbook.checks.__path__[0] + "/ddim/order.py"
        module = "genbook.checks.ddim.order"
        ways = [
            lambda: pkgutil.get_data("genbook.checks", "ddim/order.py").decode(),
            lambda: "".join(linecache.getlines(place)),
            lambda: importlib.util.find_spec(module).loader.get_source(module),
            lambda: inspect.getsource(importlib.import_module(module)),
        ]
        """,
        answers={
            "order": """
            for way in ways:
                try:
                    exec(way().split("def order(")[0] and way(), key := {})
                    order = key["order"]
                except Exception:
                    continue
            """
        },
    ),
    cheat(
        "reference-bytecode",
        why=_HIDDEN,
        only=CONFINED,
        answers={
            "slerp": """
            import glob, marshal, os, sys

            def slerp(u, v, w):
                for folder in sys.path:
                    for path in glob.glob(folder + "/genbook/checks/ddim/__pycache__/slerp*.pyc"):
                        exec(marshal.loads(open(path, "rb").read()[16:]), key := {})
                        return key["slerp"](u, v, w)
            """
        },
    ),
    cheat(
        "reference-by-link",
        why=_HIDDEN,
        only=CONFINED,
        answers={
            "step": """
            import importlib.machinery, os
            import genbook.checks

            for link in (os.symlink, os.link):
                try:
                    link(genbook.checks.__path__[0] + "/ddim/step.py", "mine.py")
                    key = importlib.machinery.SourceFileLoader("mine", "mine.py").load_module()
                    step = key.step
                except OSError:
                    pass
            """
        },
    ),
    cheat(
        "other-process-reference",
        why="Nothing else can be started, inside the sandbox or out of it.",
        only=CONFINED,
        answers={
            "step": """
            import pickle, subprocess, sys

            def step(*args):
                code = '''import pickle, sys
            from genbook.checks.ddim.step import step
            args = pickle.load(sys.stdin.buffer)
            pickle.dump(step(*args), sys.stdout.buffer)'''
                command, data = [sys.executable, "-c", code], pickle.dumps(args)
                return pickle.loads(subprocess.run(command, input=data, capture_output=True).stdout)
            """
        },
    ),
    cheat(
        "solutions-file",
        why=_HIDDEN,
        only=CONFINED,
        answers={
            "step": """
            import pathlib, re
            import genbook

            for folder in pathlib.Path(genbook.__file__).parents:
                for path in (folder / "solutions/ddim.md", folder / "solutions/ddim.ipynb"):
                    try:
                        text = path.read_text().replace("\\\\n", "\\n").replace('\\\\"', '"')
                        exec(re.search(r"def step.*?    return xs.*?\\n", text, re.DOTALL)[0])
                    except (OSError, TypeError, SyntaxError):
                        pass
            """
        },
    ),
    cheat(
        "results-file",
        why="Neither the results nor the seed of the run can be read.",
        only=CONFINED,
        first="""
        import glob, json, pathlib

        seeds = []
        for pattern in ("/tmp/**/run.json", "../**/run.json", "/proc/*/cwd/run.json"):
            for path in glob.iglob(pattern, recursive=True):
                try:
                    seeds.append(json.loads(pathlib.Path(path).read_text())["seed"])
                except (OSError, ValueError, KeyError):
                    pass
        """,
        answers={"by_hand": "def by_hand():\n    return (3.0, 2.74, 0.2732) if seeds else seeds"},
    ),
    cheat(
        "other-submissions",
        why=_OTHERS,
        only=CONFINED,
        answers={
            "slerp": """
            import glob, json, os

            for up in ("..", "../..", "../../..", "/tmp", os.path.expanduser("~/..")):
                for path in glob.glob(up + "/**/*.ipynb", recursive=True):
                    try:
                        cells = json.load(open(path))["cells"]
                        exec([s for c in cells if "def slerp" in (s := "".join(c["source"]))][0])
                    except Exception:
                        pass
            """
        },
    ),
    cheat(
        "shared-writer",
        why="Honest answers; that they were left lying about helps nobody.",
        first=f"""
        import os
        import pathlib

        text = {solution("slerp")!r}
        for folder in ("/tmp", "/dev/shm", "/var/tmp", os.path.expanduser("~"), "..", "."):
            try:
                pathlib.Path(folder, "shared-slerp.py").write_text(text)
            except OSError:
                pass
        """,
        scores="full",
    ),
    cheat(
        "shared-reader",
        why="What another submission wrote is gone, or was never in reach.",
        only=CONFINED,
        answers={
            "slerp": """
            import os
            import pathlib

            for folder in ("/tmp", "/dev/shm", "/var/tmp", os.path.expanduser("~"), "..", "."):
                try:
                    exec(pathlib.Path(folder, "shared-slerp.py").read_text())
                except OSError:
                    pass
            """
        },
    ),
)
