"""Messages of a kernel, read without trusting them.

Whoever runs in a kernel has its keys and can send what he likes. So a message that is not of the
form that it should have is dropped, and one that is has nothing in it but what the grader looks at.
"""

from __future__ import annotations

import re
from typing import Any

import zmq
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.session import Session

from coursekit.grading.jail.values import LIMIT, MIME

__all__ = ["CHANNELS", "client", "failed_line", "read"]

CHANNELS = ("shell", "iopub", "stdin", "control", "hb")

_LINE = re.compile(r"In\s?\[\d+\], line (\d+)")
_COLOURS = re.compile(r"\x1b\[[\d;]*m")

_context: zmq.Context | None = None


def client(connection: Any) -> BlockingKernelClient:
    """A client whose sockets refuse what is too large and connect without waiting."""
    global _context
    if _context is None or _context.closed:
        _context = zmq.Context()
        _context.setsockopt(zmq.MAXMSGSIZE, 2 * LIMIT)
        _context.setsockopt(zmq.RCVHWM, 200)
        _context.setsockopt(zmq.RECONNECT_IVL, 4)  # the kernel binds a moment after we connect
        _context.setsockopt(zmq.LINGER, 0)
    found = BlockingKernelClient(context=_context)
    found.load_connection_info(connection)
    return found


def read(session: Session, parts: list[bytes], collecting: bool) -> dict[str, Any] | None:
    """A message from its parts on the wire, or None if nobody would want it.

    Args:
        collecting: whether displays of values are wanted: only in a check.
    """
    try:
        message = session.deserialize(session.feed_identities(parts)[1])
        return message if _wanted(message, collecting) else None
    except Exception:  # forged or broken; nothing in it is needed
        return None


def _wanted(message: dict[str, Any], collecting: bool) -> bool:
    """Replies and states always, errors by their name, displays only from a check."""
    kind, content = message["msg_type"], message["content"]
    message["parent_header"].get("msg_id")
    if kind in ("execute_reply", "kernel_info_reply"):
        message["content"] = {"status": "ok"}  # what became of a cell is read from its outputs
        return True
    if kind == "status":
        return bool(content["execution_state"] == "idle")
    if kind == "error":
        content["traceback"] = [str(line)[:2000] for line in content["traceback"][:20]]
        return isinstance(content["ename"], str) and isinstance(content["evalue"], str)
    if kind == "display_data" and collecting:
        text = content["data"].get(MIME)
        message["content"] = {"metadata": {}, "data": {MIME: text}}
        return isinstance(text, str) and len(text) <= LIMIT + 1000
    return False


def failed_line(error: Any) -> int | None:
    """The line of the cell whose statement raised, if the error's message tells it."""
    if error.ename in ("SyntaxError", "IndentationError", "TabError"):
        return None  # nothing of the cell was run
    found = _LINE.search(_COLOURS.sub("", "\n".join(error.traceback)))
    return int(found[1]) if found else None
