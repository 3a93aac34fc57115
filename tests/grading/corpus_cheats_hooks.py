"""Cheats that put code of their own into the shell, its displays and its loop."""

from __future__ import annotations

from functools import partial

from corpus_entry import edited

cheat = partial(edited, category="cheat")

_LINE = "A line that was printed is not a verdict."
_VALUES = "Only values decide, and a message that claims points has none that are right."
_FIRST = "Whatever is said before or beside the true message, no right value has been computed."
_OWN_CELL = "The check cells are the grader's, and rewriting them computes nothing."

# What an answer needs to speak on the kernel's own channels.
_CHANNELS = """
MIME = "application/vnd.genbook.values+json"
kernel = get_ipython().kernel

def send(kind, content, socket=None, parent=None):
    parent = kernel.get_parent() if parent is None else parent
    kernel.session.send(socket or kernel.iopub_socket, kind, content, parent)

def values(outcomes, nonce=""):
    forged = {"nonce": nonce, "question": "ddim.step", "outcomes": outcomes, "points": 3}
    return {"data": {MIME: forged}, "metadata": {}, "transient": {}}
"""


def _step(*lines: str) -> str:
    """A wrong answer to ddim.step that runs lines of code before it returns."""
    head = "def step(schedule, xt, eps, t, s, eta=0.0, noise=None):\n    "
    return head + "\n    ".join([*lines, "return xt * 0"])


ENTRIES = (
    cheat(
        "patched-stdout",
        why=_LINE,
        first="""
        import sys

        class Edited:
            def write(self, text):
                return len(text)

            def flush(self):
                sys.__stdout__.write("ddim.sample ✓ 3/3 points, 4 cases\\n")

        sys.stdout = sys.stderr = Edited()
        """,
        wrong=("sample",),
    ),
    cheat(
        "patched-displayhook",
        why=_VALUES,
        first="""
        import sys

        def shown(value):
            print("ddim.step ✓ 3/3 points, 6 cases")

        sys.displayhook = sys.__displayhook__ = shown
        get_ipython().displayhook.write_output_prompt = lambda: None
        type(get_ipython().displayhook).__call__ = lambda self, result=None: shown(result)
        """,
        wrong=("step",),
    ),
    cheat(
        "patched-publish",
        why=_VALUES,
        first="""
        publisher = get_ipython().display_pub
        publish = publisher.publish

        def forged(data, *args, **kwargs):
            for mime, value in data.items():
                if "json" in mime and isinstance(value, dict):
                    value.update(outcomes=[], points=3, verdict="right")
            publish(data, *args, **kwargs)

        publisher.publish = type(publisher).publish = forged
        """,
        wrong=("step", "slerp"),
    ),
    cheat(
        "patched-display",
        why=_VALUES,
        first="""
        import IPython.display
        from IPython.core import display_functions, formatters

        def nothing(*values, **how):
            return None

        IPython.display.display = IPython.display.publish_display_data = nothing
        display_functions.display = display_functions.publish_display_data = nothing
        formatters.DisplayFormatter.format = lambda self, *args, **kwargs: ({}, {})
        """,
        wrong=("slerp",),
    ),
    cheat(
        "patched-send",
        why=_VALUES,
        first="""
        session = get_ipython().kernel.session
        original = session.send

        def send(socket, kind, content=None, *args, **kwargs):
            if kind == "error":
                kind, content = "stream", {"name": "stdout", "text": "✓ 3/3 points"}
            if kind == "execute_reply":
                content = {**content, "status": "ok"}
            return original(socket, kind, content, *args, **kwargs)

        object.__setattr__(session, "send", send)
        """,
        wrong=("order", "by_hand"),
    ),
    cheat(
        "input-transformer",
        why=_OWN_CELL,
        first="""
        def rewritten(lines):
            if any("nonce" in line or "check(" in line for line in lines):
                return ["print('ddim.step ✓ 3/3 points, 6 cases')\\n"]
            return lines

        get_ipython().input_transformers_cleanup.append(rewritten)
        get_ipython().input_transformers_post.append(rewritten)
        """,
        wrong=("step",),
    ),
    cheat(
        "ast-transformer",
        why=_OWN_CELL,
        first="""
        import ast

        class Rewritten(ast.NodeTransformer):
            def visit_Name(self, node):
                if node.id in ("slerp", "order"):
                    node.id = "ddim"
                return node

        get_ipython().ast_transformers.append(Rewritten())
        """,
        answers={"slerp": "def slerp(u, v, w):\n    return u"},
        before={"order": "get_ipython().ast_transformers.clear()"},
    ),
    cheat(
        "cell-hooks",
        why=_OWN_CELL,
        first="""
        def before(info):
            info.raw_cell = "print('ddim.sample ✓ 3/3 points, 4 cases')"
            globals().update(check=print, sample=lambda *args: None)

        def after(result):
            result.success, result.error_in_exec = True, None

        get_ipython().events.register("pre_run_cell", before)
        get_ipython().events.register("post_run_cell", after)
        """,
        wrong=("sample",),
    ),
    cheat(
        "patched-run-cell",
        why=_OWN_CELL,
        first="""
        shell = get_ipython()
        run_cell = shell.run_cell_async

        async def forged(raw_cell, *args, **kwargs):
            if "nonce" in raw_cell and "ddim.order" in raw_cell:
                raw_cell = "print('ddim.order ✓ 3/3 points, 4 cases')"
            return await run_cell(raw_cell, *args, **kwargs)

        type(shell).run_cell_async = lambda self, *args, **kwargs: forged(*args, **kwargs)
        """,
        wrong=("order",),
    ),
    cheat(
        "patched-kernel",
        why=_OWN_CELL,
        first="""
        kernel = get_ipython().kernel
        execute = kernel.shell_handlers["execute_request"]

        def forged(stream, ident, parent):
            if "ddim.slerp" in parent["content"]["code"]:
                parent["content"]["code"] = "print('ddim.slerp ✓ 2/2 points, 5 cases')"
            return execute(stream, ident, parent)

        kernel.shell_handlers["execute_request"] = forged
        """,
        wrong=("slerp",),
    ),
    cheat(
        "rewriting-thread",
        why="A race for the results is a race for values that nobody has computed.",
        first="""
        import gc
        import threading
        import time

        def race():
            for _ in range(100):
                for found in gc.get_objects():
                    if type(found) is dict and found.get("question") == "ddim.step":
                        found.update(outcomes=[], points=3)
                time.sleep(0.1)

        threading.Thread(target=race, daemon=True).start()
        """,
        wrong=("step",),
    ),
)
