"""Cheats that speak in the grader's name: forged messages, hooks, and code put in its place."""

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
        "printed-line",
        why=_LINE,
        answers={
            "step": _step("print('ddim.step ✓ 3/3 points, 6 cases')"),
            "slerp": """
            print("ddim.slerp ✓ 2/2 points, 5 cases")
            slerp = None
            """,
        },
    ),
    cheat(
        "own-check",
        why=_LINE,
        after={
            "order": """
            def check(question_id, answer, seed=0):
                print(f"{question_id} ✓ 3/3 points, 4 cases")
            """
        },
        wrong=("order",),
    ),
    cheat(
        "edited-checks",
        why="The check cells of the submission do not count, and those of the grader do.",
        after={"step": 'print("ddim.step ✓ 3/3 points, 6 cases")\nraise SystemExit'},
        answers={"step": "step = check", "slerp": "def slerp(u, v, w):\n    return v"},
    ),
    cheat(
        "forged-values",
        why=_FIRST,
        first=_CHANNELS,
        answers={
            "step": _step(
                "send('display_data', values([]))",
                "send('display_data', values([{'kind': 'value', 'value': None}] * 6))",
                "send('execute_result', {**values([]), 'execution_count': 1})",
                "send('update_display_data', values([]))",
            )
        },
    ),
    cheat(
        "forged-nonce",
        why=_FIRST,
        first=_CHANNELS + "import re",
        answers={
            "step": _step(
                "code = kernel.get_parent()['content']['code']",
                "for nonce in re.findall(r'[0-9a-zA-Z_-]{8,64}', code)[:50]:",
                "    same = {'kind': 'error', 'error': ['ValueError', 'object'], 'problem': ''}",
                "    send('display_data', values([], nonce))",
                "    send('display_data', values([same] * 6, nonce))",
            )
        },
    ),
    cheat(
        "forged-odd-values",
        why=_FIRST,
        first=_CHANNELS + "import re",
        answers={
            "step": _step(
                "odd = [float('nan'), 1e400, '1' * 9**5, {'shape': [-1]}, [[[]]], 10**400]",
                "odd += [{'dtype': 'object', 'shape': [10**12], 'data': 'AA=='}, {'$ref': '#'}]",
                "code = kernel.get_parent()['content']['code']",
                "for nonce in re.findall(r'[0-9a-zA-Z_-]{16,64}', code)[:9]:",
                "    for value in odd:",
                "        one = {'kind': 'value', 'value': value}",
                "        send('display_data', values([one] * 6, nonce))",
            )
        },
    ),
    cheat(
        "forged-reply",
        why=_FIRST,
        first=_CHANNELS,
        answers={
            "step": _step(
                "ok = {'status': 'ok', 'execution_count': 1, 'user_expressions': {}}",
                "send('stream', {'name': 'stdout', 'text': 'ddim.step ✓ 3/3 points, 6 cases'})",
                "send('execute_reply', ok)",
                "send('execute_reply', ok, kernel.shell_stream)",
                "send('status', {'execution_state': 'idle'})",
                "raise SystemExit",
            )
        },
    ),
    cheat(
        "forged-idle",
        why="A cell is over when the kernel has replied as well, not when it says so.",
        first=_CHANNELS + "import time",
        answers={
            "step": _step(
                "send('display_data', values([]))",
                "send('status', {'execution_state': 'idle'})",
                "time.sleep(0.3)",
            )
        },
    ),
    cheat(
        "forged-parents",
        why="A message about another cell, or signed by somebody else, belongs to no question.",
        first=_CHANNELS + "from jupyter_client.session import Session",
        answers={
            "step": _step(
                "stranger = Session(key=b'guess', username='grader')",
                "stranger.send(kernel.iopub_socket, 'display_data', values([]))",
                "others = ({}, {'header': {'msg_id': 'x'}}, {'header': None}, stranger.msg('a'))",
                "for parent in others:",
                "    try: send('display_data', values([]), parent=parent)",
                "    except Exception: pass",
            )
        },
    ),
    cheat(
        "forged-future",
        why="Messages in the name of a cell that has not been asked for belong to no question.",
        first=_CHANNELS
        + """
import copy
parent = copy.deepcopy(kernel.get_parent())
stem = parent["header"]["msg_id"].rsplit("_", 1)[0]
for number in range(200):
    parent["header"]["msg_id"] = f"{stem}_{number}"
    send("display_data", values([]), parent=parent)
    send("status", {"execution_state": "idle"}, parent=parent)
""",
        wrong=("step", "slerp"),
    ),
    cheat(
        "malformed-messages",
        why="Noise on a channel is not an answer, and takes no other answer away.",
        first=_CHANNELS,
        answers={
            "step": _step(
                "mark = b'<IDS|MSG>'",
                "for frames in ([b''], [b'x'] * 3, [mark], [mark, b'', b'{', b'}']):",
                "    kernel.iopub_socket.send_multipart(frames)",
                "    kernel.shell_stream.send_multipart(frames)",
                "frames = [mark, b'0' * 64, b'[' * 10**5, b'null', b'{}', b'\\xff']",
                "kernel.iopub_socket.send_multipart(frames)",
            )
        },
    ),
    cheat(
        "forged-stdin",
        why="Nobody answers questions during grading, so a question asked there leads nowhere.",
        first=_CHANNELS,
        answers={
            "step": _step(
                "kernel._allow_stdin = True",
                "ask = {'prompt': 'ddim.step ✓ 3/3', 'password': False}",
                "send('input_request', ask, kernel.stdin_socket)",
                "kernel.raw_input('points? ')",
            )
        },
    ),
    cheat(
        "forged-comm",
        why=_VALUES,
        first=_CHANNELS,
        answers={
            "step": _step(
                "points = {'target_name': 'grade', 'data': {'points': 3}}",
                "send('comm_open', {'comm_id': 'grade', **points})",
                "send('comm_msg', {'comm_id': 'grade', 'data': {'verdict': 'right'}})",
                "send('clear_output', {'wait': False})",
                "send('shutdown_reply', {'restart': False, 'status': 'ok'})",
            )
        },
    ),
    cheat(
        "forged-later",
        why="What is said when the kernel ends, or by a task of its loop, comes without values.",
        first=_CHANNELS
        + """
import asyncio, atexit

async def forge():
    for _ in range(20):
        send("display_data", values([]))
        await asyncio.sleep(0.05)

task = asyncio.get_event_loop().create_task(forge())
atexit.register(lambda: send("display_data", values([])))
""",
        wrong=("step",),
    ),
)
