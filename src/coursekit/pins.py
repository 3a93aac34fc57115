"""Print exact pins of the running environment: ``python -m coursekit.pins > requirements.txt``.

What ``genbook[test]`` needs, directly or not, is pinned; what else is installed is not. Torch is
pinned without its build label ("+cpu"), because the label differs between machines and the Makefile
has installed the right build already.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HEADER = """\
# The environment that made the stored outputs, exactly. Made by `make requirements`; floors for
# users of the package are in pyproject.toml. Torch is installed before this file (see Makefile).
"""


def pins(root: str = "genbook[test]") -> list[str]:
    """One ``name==version`` line for each distribution that ``root`` needs, sorted by name.

    Raises ``PackageNotFoundError`` when ``root`` itself is not installed.
    """
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    todo = [Requirement(root)]
    distribution(todo[0].name)
    while todo:
        wanted = todo.pop()
        try:
            installed = distribution(wanted.name)
        except PackageNotFoundError:  # of another platform, or of an extra nobody asked for
            continue
        name = installed.metadata["Name"]
        found[name] = installed.version.split("+")[0]
        for extra in ("", *wanted.extras):
            if (canonicalize_name(name), extra) in seen:
                continue
            seen.add((canonicalize_name(name), extra))
            for line in installed.requires or []:
                need = Requirement(line)
                if need.marker is None or need.marker.evaluate({"extra": extra}):
                    todo.append(need)
    return [f"{name}=={found[name]}" for name in sorted(found, key=str.lower) if name != "genbook"]


if __name__ == "__main__":
    print(HEADER + "\n".join(pins()))
