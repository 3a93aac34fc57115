"""Print exact pins of the running environment: `python -m coursekit.pins > requirements.txt`.

Torch is pinned without its build label ("+cpu"), because the label differs between machines and the
Makefile has installed the right build already.
"""

from __future__ import annotations

from importlib.metadata import distributions

HEADER = """\
# The environment that made the stored outputs, exactly. Made by `make requirements`; floors for
# users of the package are in pyproject.toml. Torch is installed before this file (see Makefile).
"""
NOT_PINNED = {"genbook", "pip", "setuptools", "wheel"}


def pins() -> list[str]:
    """One `name==version` line for each installed distribution, sorted by name."""
    found = {
        dist.metadata["Name"]: dist.version.split("+")[0]
        for dist in distributions()
        if dist.metadata["Name"].lower() not in NOT_PINNED
    }
    return [f"{name}=={found[name]}" for name in sorted(found, key=str.lower)]


if __name__ == "__main__":
    print(HEADER + "\n".join(pins()))
