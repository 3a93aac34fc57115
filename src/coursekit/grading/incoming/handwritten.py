"""YAML that people write: read with suspicion, and every complaint has its line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator

import yaml

from coursekit.grading.incoming.plaintext import one_line
from coursekit.project import CourseError

__all__ = ["LIMIT", "Reader", "is_empty", "nearest", "short"]

LIMIT = 1_000_000
"""Bytes of the largest file that is read."""

_NUMBER = re.compile(r"\d{1,6}(\.\d{1,6})?")
_DEEPEST = 20
_OPEN = (
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
)
_CLOSE = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)


class Reader:
    """Walks YAML's nodes, which know their lines; only texts, numbers and booleans are made."""

    def __init__(self, name: str) -> None:
        self.name = name

    def fail(self, node: yaml.Node | int, message: str) -> CourseError:
        line = node if isinstance(node, int) else node.start_mark.line + 1
        return CourseError(f"{self.name}:{line}: {message}")

    def compose(self, data: bytes) -> yaml.Node | None:
        if len(data) > LIMIT:
            raise CourseError(f"{self.name} is larger than {LIMIT // 1_000_000} MB")
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            raise self.fail(line, "not UTF-8 text") from None
        try:
            # An alias stands for a whole tree: ten lines of them can stand for more than fits.
            depth = 0
            for token in yaml.scan(text, yaml.SafeLoader):
                depth += isinstance(token, _OPEN) - isinstance(token, _CLOSE)
                if depth > _DEEPEST:
                    raise self.fail(token.start_mark.line + 1, "nested too deeply")
                if isinstance(token, yaml.AliasToken | yaml.AnchorToken | yaml.TagToken):
                    line = token.start_mark.line + 1
                    raise self.fail(line, "write it out: no &anchors, *aliases or !tags here")
            node = yaml.compose(text, yaml.SafeLoader)
        except yaml.reader.ReaderError as error:
            line = text[: error.position].count("\n") + 1
            raise self.fail(
                line, f"the character U+{ord(text[error.position]):04X} is not allowed"
            ) from None
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            problem = one_line(getattr(error, "problem", None) or "not readable")
            raise self.fail(mark.line + 1 if mark else 1, f"invalid YAML: {problem}") from None
        return None if node is None or is_empty(node) else node

    def entries(
        self, node: yaml.Node, kind: str, known: Collection[str]
    ) -> Iterator[tuple[str, yaml.Node]]:
        """Keys and values of a mapping, each key known and there once. Keys are taken as written,
        so that a student may be called 007 or No."""
        if is_empty(node):
            return
        if not isinstance(node, yaml.MappingNode):
            raise self.fail(node, f"expected 'name: value' entries, each with a {kind}")
        seen: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self.fail(key, f"a {kind} is a plain name")
            text = key.value
            if text not in known:
                raise self.fail(key, f"unknown {kind} '{short(text)}'. {nearest(text, known)}")
            if text in seen:
                raise self.fail(key, f"{kind} '{short(text)}' is already in line {seen[text]}")
            seen[text] = key.start_mark.line + 1
            yield text, value

    def number(self, node: yaml.Node, what: str) -> float:
        plain = isinstance(node, yaml.ScalarNode) and node.tag.endswith((":int", ":float"))
        # Not float(): YAML 1.1 reads 1:30 as ninety and 1_0 as ten, which nobody means here.
        if not plain or not _NUMBER.fullmatch(node.value):
            given = f", not '{short(node.value)}'" if isinstance(node, yaml.ScalarNode) else ""
            raise self.fail(node, f"{what} needs a number of points such as 2 or 1.5{given}")
        return float(node.value)

    def text(self, node: yaml.Node, what: str) -> str:
        if not isinstance(node, yaml.ScalarNode) or is_empty(node):
            raise self.fail(node, f"{what} must be text")
        return str(node.value)

    def boolean(self, node: yaml.Node, what: str) -> bool:
        if not isinstance(node, yaml.ScalarNode) or not node.tag.endswith(":bool"):
            raise self.fail(node, f"{what} is either true or false")
        return node.value.lower() in ("true", "yes", "on")


def is_empty(node: yaml.Node) -> bool:
    """Whether a key has no value."""
    return isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null")


def nearest(text: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(text[:200], list(known), n=3, cutoff=0.5)
    if near:
        return f"Did you mean {' or '.join(map(short, near))}?"
    listed = [short(name) for name in list(known)[:12]]
    more = ", …" if len(known) > len(listed) else ""
    return f"Known: {', '.join(listed) or 'none'}{more}."


def short(text: str) -> str:
    return one_line(text, 80)
