"""What reading says is reached: the traps of Python's names, one by one, and against what runs."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from watching import unreached, watching

from coursekit.dependencies import Reach, reach


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in {"__init__.py": "", **files}.items():
        path = folder / "genbook" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "genbook"


def names(found: Reach) -> set[str]:
    """What is reached, as ``module:name``; an entry of a registry as ``module:name[key]``."""
    reached = set()
    for statement, keys in found.keys.items():
        name = f"{statement.module}:{','.join(statement.binds)}".removeprefix("genbook.")
        reached |= {name} if keys is None else {f"{name}[{key}]" for key in keys}
    return reached


@dataclass
class Trap:
    """Files, the code of a notebook, and all that it reaches."""

    name: str
    files: dict[str, str]
    code: str
    reaches: str
    weights: str = ""
    id: str = field(init=False)

    def __post_init__(self) -> None:
        self.id = self.name.replace(" ", "-")


HANDS = {
    "hands/__init__.py": "from importlib import import_module\n\ndef show(name):\n"
    "    return import_module(f'genbook.hands.{name}').HAND\n",
    "hands/bell.py": "from genbook import a\nHAND = (a.g,)\n",
    "hands/two_bells.py": "from genbook import a\nHAND = (a.other,)\n",
}
A = "def f(x):\n    return g(x)\n\ndef g(x):\n    return x\n\ndef other():\n    return 1\n"
TRAPS = [
    # Figures to handle
    Trap(
        "a figure that is shown",
        {"a.py": A, **HANDS},
        "from genbook import hands\nhands.show('bell')\nplt.show('x')",
        "hands:show hands.bell:HAND a:g",
    ),
    Trap(
        "a figure with two words, by the function",
        {"a.py": A, **HANDS},
        "from genbook.hands import show as see\nsee('two-bells')\n'bell'",
        "hands:show hands.two_bells:HAND a:other",
    ),
    Trap(
        "a figure whose name is computed",
        {"a.py": A, **HANDS},
        "from genbook import hands\nfor name in ('bell',):\n    hands.show(name)",
        "hands:show hands.bell:HAND a:g hands.two_bells:HAND a:other",
    ),
    Trap("a figure that is not shown", {"a.py": A, **HANDS}, "from genbook import hands", ""),
    # From the notebook into the package
    Trap("a name of a module", {"a.py": A}, "from genbook import a\na.f(1)", "a:f a:g"),
    Trap("a name that is imported", {"a.py": A}, "from genbook.a import g", "a:g"),
    Trap("a module under another name", {"a.py": A}, "import genbook.a as b\nb.g(1)", "a:g"),
    Trap("a chain from the top", {"a.py": A}, "import genbook.a\ngenbook.a.other()", "a:other"),
    Trap("a name under another name", {"a.py": A}, "from genbook.a import g as h\nh(1)", "a:g"),
    Trap("a module that is only imported", {"a.py": A}, "from genbook import a", ""),
    Trap(
        "an import in a function of the notebook",
        {"a.py": A},
        "def mine():\n    from genbook import a\n    return a.g(1)",
        "a:g",
    ),
    Trap(
        "a local name hides a module",
        {"a.py": A},
        "from genbook import a\ndef mine(a):\n    return a.other()\na.g(1)",
        "a:g",
    ),
    Trap(
        "everything by a star",
        {"a.py": "__all__ = ['f']\n" + A},
        "from genbook.a import *\n",
        "a:f a:g",
    ),
    Trap(
        "a star without a list",
        {"a.py": A + "def _hidden(): ...\n"},
        "from genbook.a import *\n",
        "a:f a:g a:other",
    ),
    Trap(
        "a star whose list is computed",
        {"a.py": "__all__ = [n for n in ('f',)]\n" + A},
        "from genbook.a import *\n",
        "a:f a:g a:other a:__all__",
    ),
    Trap("a module as an object", {"a.py": A}, "from genbook import a\nvars(a)", "a:f a:g a:other"),
    Trap(
        "a module under a new name",
        {"a.py": A},
        "from genbook import a\nb = a\nb.g(1)",
        "a:f a:g a:other",
    ),
    Trap(
        "an attribute by a computed name",
        {"a.py": A},
        "from genbook import a\ngetattr(a, 'f' + '')(1)",
        "a:f a:g a:other",
    ),
    Trap(
        "an attribute that is bound nowhere",
        {"a.py": A},
        "from genbook import a\na.missing",
        "a:f a:g a:other",
    ),
    Trap(
        "a module by its written name",
        {"a.py": A, "b.py": A},
        "import importlib\nimportlib.import_module('genbook.a').f(1)",
        "a:f a:g a:other",
    ),
    Trap(
        "modules by a computed name",
        {"d/__init__.py": "", "d/a.py": A, "b.py": A},
        "import importlib\nk = 'a'\nimportlib.import_module(f'genbook.d.{k}').f(1)",
        "d.a:f d.a:g d.a:other",
    ),
    Trap("a path in a string", {"a.py": A}, "patch = 'genbook.a.f'", "a:f a:g"),
    # Faces
    Trap(
        "through two faces",
        {
            "n/__init__.py": "from .m import f\nfrom .k import unused\n",
            "n/m/__init__.py": "from genbook.n.m.a import f, other\n",
            "n/m/a.py": A,
            "n/k.py": "def unused(): ...\n",
        },
        "from genbook import n\nn.f(1)",
        "n.m.a:f n.m.a:g",
    ),
    Trap(
        "a face that renames",
        {"n/__init__.py": "from ._a import g as f\n", "n/_a.py": A},
        "from genbook.n import f",
        "n._a:g",
    ),
    Trap(
        "a face over a module of the same name",
        {"n/__init__.py": "from .table import table\n", "n/table.py": "def table(): ...\nx = 1\n"},
        "from genbook import n\nn.table()",
        "n.table:table",
    ),
    Trap(
        "that face by import as",
        {"n/__init__.py": "from .table import table\n", "n/table.py": "def table(): ...\nx = 1\n"},
        "import genbook.n.table as t\nt()",
        "n.table:table n.table:x",
    ),
    Trap(
        "modules given on by a face",
        {"d/__init__.py": "from . import a, b\n", "d/a.py": A, "d/b.py": A},
        "from genbook.data import a\nfrom genbook import d\nd.b.g(1)",
        "d.b:g",
    ),
    Trap(
        "a star in a face",
        {"n/__init__.py": "from .a import *\n", "n/a.py": A},
        "from genbook import n\nn.g(1)",
        "n.a:g",
    ),
    Trap(
        "faces in a circle",
        {"n/__init__.py": "from .a import f\n", "n/a.py": "from genbook.n import f\n"},
        "from genbook.n import f",
        "",
    ),
    Trap(
        "a face that makes names when asked",
        {
            "n/__init__.py": "import importlib\n_WHERE = {'f': '.a'}\n\ndef __getattr__(name):\n"
            "    return getattr(importlib.import_module(_WHERE[name], __name__), name)\n",
            "n/a.py": A,
        },
        "from genbook import n\nn.f(1)",
        "n:__getattr__ n:_WHERE n.a:f n.a:g n.a:other",
    ),
    # Definitions
    Trap(
        "an import inside a function",
        {"a.py": A, "b.py": "def h():\n    from .a import g\n    return g(1)\n"},
        "from genbook.b import h",
        "b:h a:g",
    ),
    Trap(
        "a name in a quoted annotation",
        {
            "a.py": "class A: ...\nclass B: ...\n",
            "b.py": "from __future__ import annotations\nfrom typing import TYPE_CHECKING\n"
            "if TYPE_CHECKING:\n    from genbook.a import A, B\n\ndef h(x: 'A'): ...\n",
        },
        "from genbook.b import h",
        "b:h a:A",
    ),
    Trap(
        "a decorator",
        {"a.py": "def twice(f): return f\n\n@twice\ndef h(): ...\n\ndef lone(): ...\n"},
        "from genbook.a import lone",
        "a:twice a:h a:lone",
    ),
    Trap(
        "a base class and its methods",
        {
            "a.py": "X = 1\nY = 2\nclass Base:\n    def m(self):\n        return X\n"
            "class Child(Base):\n    y = Y\nclass Lone: ...\n"
        },
        "from genbook.a import Child",
        "a:Child a:Base a:X a:Y",
    ),
    Trap(
        "a default",
        {"a.py": "N = 3\nM = 4\ndef h(n=N, *, m=None): ...\n"},
        "from genbook.a import h",
        "a:h a:N",
    ),
    Trap(
        "a local name hides a constant",
        {"a.py": "n = 1\nm = 2\nk = 3\ndef h(m):\n    n = m\n    return [k for k in n]\n"},
        "from genbook.a import h",
        "a:h",
    ),
    Trap(
        "a comprehension hides only inside",
        {"a.py": "k = [1]\ndef h():\n    return [k for k in k]\n"},
        "from genbook.a import h",
        "a:h a:k",
    ),
    Trap(
        "a name of a class hides nothing in its methods",
        {"a.py": "n = 1\nclass C:\n    n = 2\n    def m(self):\n        return n\n"},
        "from genbook.a import C",
        "a:C a:n",
    ),
    Trap(
        "a nested function",
        {"a.py": "n = 1\ndef h():\n    def inner():\n        return lambda: n\n    return inner\n"},
        "from genbook.a import h",
        "a:h a:n",
    ),
    Trap(
        "a name declared global",
        {"a.py": "n = 1\ndef h():\n    global n\n    n = 2\n"},
        "from genbook.a import h",
        "a:h",
    ),
    Trap(
        "a conditional definition",
        {
            "a.py": "import sys\nif sys.platform == 'linux':\n    def h(): return X\n"
            "else:\n    def h(): return Y\nX = 1\nY = 2\nZ = 3\n"
        },
        "from genbook.a import h",
        "a:h a:X a:Y",
    ),
    Trap(
        "an import that may fail",
        {"a.py": A, "b.py": "try:\n    from .a import g\nexcept ImportError:\n    g = None\n"},
        "from genbook.b import g",
        "b:g a:g",
    ),
    Trap(
        "a constant that grows",
        {"a.py": "N = [1]\nN += [M]\nM = 2\nO = 3\n"},
        "from genbook.a import N",
        "a:N a:M",
    ),
    Trap(
        "two names at once",
        {"a.py": "x, y = 1, 2\nz = 3\n"},
        "from genbook.a import y",
        "a:x,y",
    ),
    Trap(
        "a look at its own namespace",
        {"a.py": "x = 1\ndef h(name):\n    return globals()[name]\n"},
        "from genbook.a import h",
        "a:h a:x",
    ),
    Trap(
        "code in a string",
        {"a.py": "x = 1\ndef h(text):\n    return eval(text)\n"},
        "from genbook.a import h",
        "a:h a:x",
    ),
    Trap(
        "a method called eval is none",
        {"a.py": "x = 1\ndef h(model):\n    return model.eval()\n"},
        "from genbook.a import h",
        "a:h",
    ),
    # What a module does when it is imported
    Trap(
        "a call at the top level",
        {"a.py": "def f(): ...\nseen = []\nseen.append(f)\n"},
        "from genbook import a",
        "a: a:seen a:f",
    ),
    Trap(
        "what a module does that is imported on the way",
        {"a.py": "import genbook.b\ndef f(): ...\n", "b.py": "print('loud')\nx = 1\n"},
        "from genbook.a import f",
        "a:f b:",
    ),
    Trap(
        "what a module does that a function imports",
        {"a.py": "def h():\n    import genbook.b\n", "b.py": "print('loud')\nx = 1\n"},
        "from genbook.a import h",
        "a:h b:",
    ),
    Trap(
        "a script's last lines",
        {"a.py": "def main(): ...\nif __name__ == '__main__':\n    main()\n"},
        "from genbook import a",
        "",
    ),
    Trap(
        "a registry filled by a decorator",
        {
            "a.py": "KNOWN = {}\ndef known(f):\n    KNOWN[f.__name__] = f\n    return f\n",
            "b.py": "from genbook.a import known\n@known\ndef h(): return X\nX = 1\nY = 2\n",
        },
        "import genbook.b\nfrom genbook.a import KNOWN",
        "a:KNOWN a:known b:h b:X",
    ),
    Trap(
        "a registry filled by deriving",
        {
            "a.py": "class Base:\n    known = []\n    def __init_subclass__(cls):\n"
            "        cls.known.append(cls)\n",
            "b.py": "from genbook.a import Base\nclass Child(Base): ...\nclass Lone: ...\n",
        },
        "import genbook.b\nfrom genbook.a import Base",
        "a:Base b:Child",
    ),
    Trap(
        "a class asked for its subclasses",
        {
            "a.py": "class Base: ...\n\ndef all_of():\n    return Base.__subclasses__()\n",
            "b.py": "from genbook.a import Base\nclass Child(Base): ...\nclass Lone: ...\n",
        },
        "import genbook.b\nfrom genbook.a import all_of",
        "a:Base a:all_of b:Child",
    ),
    Trap(
        "a registry filled by a value",
        {
            "a.py": "KNOWN = []\ndef known(x):\n    KNOWN.append(x)\n    return x\n",
            "b.py": "from genbook.a import known\nONE = known(1)\nTWO = 2\n",
        },
        "import genbook.b\nfrom genbook.a import KNOWN",
        "a:KNOWN a:known b:ONE",
    ),
    # Registries
    Trap(
        "an entry by its written key",
        {"a.py": "def f(): ...\ndef g(): ...\nN = {'f': f, 'g': g}\ndef by(k):\n    return N[k]\n"},
        "from genbook.a import by\nby('f')",
        "a:by a:N[f] a:f",
    ),
    Trap(
        "an entry by a key that is put together",
        {
            "a.py": "def f(): ...\ndef g(): ...\nN = {'one-f': f, 'two-g': g}\n"
            "def by(k):\n    return N[k]\n"
        },
        "from genbook.a import by\nk = 1\nby(f'one-{k}')",
        "a:by a:N[one-f] a:f",
    ),
    Trap(
        "an entry by a key in a list of words",
        {"a.py": "def f(): ...\ndef g(): ...\nN = {'f': f, 'g': g}\n"},
        "from genbook.a import N\nfor k in 'f, h'.split(', '):\n    N.get(k)",
        "a:N[f] a:f",
    ),
    Trap(
        "an entry whose key is made of anything",
        {"a.py": "def f(): ...\ndef g(): ...\nN = {'f': f, 'g': g}\n"},
        "from genbook.a import N\ni = j = ''\nN[f'{i}{j}']",
        "a:N[f] a:f a:N[g] a:g",
    ),
    Trap(
        "a registry that is walked through",
        {"a.py": "def f(): ...\ndef g(): ...\nN = {'f': f, 'g': g}\n"},
        "from genbook.a import N\nfor k in N: print(k, N['f'])",
        "a:N a:f a:g",
    ),
    Trap(
        "a registry named in an error",
        {
            "a.py": "def f(): ...\ndef g(): ...\nN = {'f': f, 'g': g}\ndef by(k):\n"
            "    if k not in N:\n        known = ', '.join(N)\n"
            "        raise ValueError(f'one of {known}')\n    return N[k]\n"
        },
        "from genbook.a import by\nby('g')",
        "a:by a:N[g] a:g",
    ),
    Trap(
        "a registry named by what writes an error",
        {
            "a.py": "def f(): ...\ndef g(): ...\nN = {'f': f, 'g': g}\ndef by(k):\n"
            "    if k not in N:\n        raise ValueError(unknown(k))\n    return N[k]\n"
            "def unknown(k):\n    return f'{k}: {listed()}'\ndef listed():\n    return list(N)\n"
        },
        "from genbook.a import by\nby('g')",
        "a:by a:unknown a:listed a:N[g] a:g",
    ),
    Trap(
        "what writes an error and is used for more",
        {
            "a.py": "def f(): ...\ndef g(): ...\nN = {'f': f, 'g': g}\ndef by(k):\n"
            "    if k not in N:\n        raise ValueError(listed())\n    return N[k], listed()\n"
            "def listed():\n    return list(N)\n"
        },
        "from genbook.a import by\nby('g')",
        "a:by a:listed a:N a:f a:g",
    ),
    Trap(
        "registries joined, and their names",
        {
            "a.py": "def f(): ...\ndef g(): ...\ndef h(): ...\nM = {'f': f, 'g': g}\nN = {'h': h}\n"
            "ALL = {**M, **N}\nNAMES = (*M, *N)\n"
            "def by(k):\n    if k not in NAMES:\n        raise ValueError(NAMES)\n"
            "    return ALL[k]\n"
        },
        "from genbook.a import by\nby('g')",
        "a:by a:M[g] a:g",
    ),
    Trap(
        "an entry of something that is in hand",
        {
            "a.py": "class F: ...\nclass G: ...\nN = {'F': F, 'G': G}\n"
            "def kind(x):\n    return type(x).__name__ in N\n"
        },
        "from genbook.a import F, kind\nkind(F())",
        "a:F a:kind a:N[F]",
    ),
    Trap(
        "a table of numbers is no registry",
        {"a.py": "N = {'f': 1, 'g': 2}\n"},
        "from genbook.a import N\nN['f']",
        "a:N",
    ),
    Trap(
        "a registry that gets another entry",
        {"a.py": "def f(): ...\ndef g(): ...\nN = {'f': f}\nN['g'] = g\n"},
        "from genbook.a import N\nN['f']",
        "a:N[f] a:f a: a:g",
    ),
]


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.id)
def test_what_is_reached_and_what_is_not(trap: Trap, tmp_path: Path) -> None:
    found = reach([trap.code], write(tmp_path, trap.files), "ddim")
    # An entry of a registry that is named whole may be there by its name or by all its keys.
    assert names(found) == set(trap.reaches.split())


WEIGHTS = {
    "a.py": "class A: ...\nclass B: ...\n",
    "weights/__init__.py": "from pathlib import Path\nfrom genbook.a import A, B\n"
    "FOLDER = Path(__file__).parent\nNETWORKS = {'A': A, 'B': B}\n"
    "def names():\n    return sorted(FOLDER.glob('*'))\n"
    "def card(name):\n    if name not in names():\n        raise ValueError(names())\n"
    "    return (FOLDER / f'{name}.json').read_text()\n"
    "def load(name):\n    return NETWORKS[card(name)['network']['class']]\n"
    "def fit(network):\n    return network\n",
    "judge.py": "from genbook import weights\ndef judge():\n    return weights.load('one-a')\n",
    **{
        f"weights/{name}.{end}": json.dumps({"network": {"class": name[-1].upper()}})
        for name in ("one-a", "two-b", "three-b")
        for end in ("json", "safetensors")
    },
}


@pytest.mark.parametrize(
    ("code", "weights", "networks"),
    [
        ("from genbook import weights\nweights.load('one-a')", "one-a", "A"),
        ("from genbook.weights import load\nload('two-b')", "two-b", "B"),
        ("from genbook.judge import judge\njudge()", "one-a", "A"),
        ("from genbook import weights\nweights.load('one-a', 'three-b')", "one-a three-b", "A B"),
        ("from genbook import weights\nk = 'b'\nweights.load(f'two-{k}')", "two-b", "B"),
        ("from genbook import weights\nk = 'b'\nweights.load('two-' + k)", "two-b", "B"),
        ("from genbook import weights\nk = 'b'\nweights.load('two-%s' % k)", "two-b", "B"),
        ("from genbook import weights\nk = 'b'\nweights.load('two-{}'.format(k))", "two-b", "B"),
        # Nobody can read which:
        ("from genbook import weights\nweights.load(input())", "one-a two-b three-b", "A B"),
        ("from genbook import weights\nweights.names()[0]", "one-a two-b three-b", None),
        ("from genbook import weights\nprint(weights)", "one-a two-b three-b", "A B"),
        # These read no files:
        ("from genbook import weights\nweights.fit(1)", "", ""),
        ("from genbook import weights\n'one-a'", "", ""),
    ],
)
def test_weights_count_by_name_with_the_network_of_their_card(
    code: str, weights: str, networks: str | None, tmp_path: Path
) -> None:
    found = reach([code], write(tmp_path, WEIGHTS), "ddim")
    files = {f"{name}.{end}" for name in weights.split() for end in ("json", "safetensors")}
    assert {path.name for path in found.files} == files
    if networks is not None:
        assert {name for name in names(found) if name in ("a:A", "a:B")} == {
            f"a:{name}" for name in networks.split()
        }


def test_other_files_beside_a_module_count(tmp_path: Path) -> None:
    files = {
        "d/__init__.py": "from pathlib import Path\nHERE = Path(__file__).parent\nx = 1\n",
        "d/table.csv": "1",
    }
    package = write(tmp_path, files)
    assert [p.name for p in reach(["from genbook.d import HERE"], package, "").files] == [
        "table.csv"
    ]
    assert reach(["from genbook.d import x"], package, "").files == []


CHECKS = {
    "checks/__init__.py": "from genbook.checks.run import check\n",
    "checks/run.py": "import importlib\ndef check(name, answer):\n    slug = name.split('.')[0]\n"
    "    return importlib.import_module(f'genbook.checks.{slug}').QUESTIONS\n",
    "checks/ddim/__init__.py": "from genbook.checks.ddim.step import STEP\n"
    "from genbook.checks.ddim.slerp import SLERP\nQUESTIONS = [STEP, SLERP]\n",
    "checks/ddim/step.py": "from genbook import a\nfrom genbook.checks.ddim.shared import one\n"
    "def change(old, new): ...\nSTEP = [change('one', 'a.g(one)')]\n",
    "checks/ddim/slerp.py": "from genbook.checks.ddim.shared import two\nSLERP = [two]\n",
    "checks/ddim/shared.py": "one = 1\ntwo = 2\n",
    "checks/ddpm.py": "LOSS = 1\nQUESTIONS = [LOSS]\n",
    "a.py": A,
}
RUN = {"checks.run:check"}
STEP = {"checks.ddim.step:change", "checks.ddim.step:STEP", "checks.ddim.shared:one", "a:g"}
SLERP = {"checks.ddim.slerp:SLERP", "checks.ddim.shared:two"}
WHOLE = {*STEP, *SLERP, "checks.ddim:QUESTIONS"}
LOSS = {"checks.ddpm:LOSS", "checks.ddpm:QUESTIONS"}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("check('ddim.step', f)", STEP),
        ("check('ddim.slerp', f)", SLERP),
        ("check('ddim.step', f)\ncheck('ddim.slerp', f)", STEP | SLERP),
        ("check('ddim.elsewhere', f)", WHOLE),
        ("check(name, f)", WHOLE),
        ("check('ddim.slerp', f)\ncheck(name, f)", WHOLE),
        ("check('ddpm.loss', f)", LOSS),
        ("", WHOLE),
    ],
)
def test_a_question_counts_by_its_id(code: str, expected: set[str], tmp_path: Path) -> None:
    cells = ["from genbook.checks import check", "def f(): ...", code]
    found = reach(cells, write(tmp_path, CHECKS), "ddim")
    assert names(found) == RUN | expected


def test_no_check_reaches_no_question(tmp_path: Path) -> None:
    found = reach(["from genbook import a\na.g(1)"], write(tmp_path, CHECKS), "ddim")
    assert names(found) == {"a:g"}


# What runs is reached

TOY = {
    "base.py": "from abc import ABC\nSCALE = 2\nclass Base(ABC):\n    def __call__(self, x):\n"
    "        return self.forward(x)\n    def __repr__(self):\n        return shown(self)\n"
    "def shown(x):\n    return type(x).__name__\ndef untouched():\n    return SCALE\n",
    "nets/__init__.py": "from .one import One\nfrom .two import Two\n",
    "nets/one.py": "from genbook.base import SCALE, Base\nclass One(Base):\n"
    "    def forward(self, x):\n        from genbook.tools import late\n"
    "        return late(x) * SCALE\n",
    "nets/two.py": "from ..base import Base\nclass Two(Base):\n    def forward(self, x):\n"
    "        return (lambda y: y + half(1))(x)\ndef half(x):\n    return x / 2\n",
    "tools.py": "import functools\n@functools.cache\ndef late(x):\n    return helper(x)\n"
    "def helper(x):\n    return [k + 1 for k in (x,)][0]\n"
    "KINDS = {'late': late, 'early': lambda x: early(x)}\ndef early(x):\n    return x\n"
    "def by(kind, x):\n    return KINDS[kind](x)\n"
    "def __getattr__(name):\n    return made\ndef made():\n    return 1\n",
    "filled.py": "KNOWN = {}\ndef known(f):\n    KNOWN[f.__name__] = f\n    return f\n",
    "plugins.py": "from genbook.filled import known\n@known\ndef extra(x):\n    return more(x)\n"
    "def more(x):\n    return x\n",
}
TOY_CELLS = [
    "from genbook import nets, tools\nfrom genbook.filled import KNOWN\nimport genbook.plugins",
    "one, two = nets.One(), getattr(nets, 'Two')()",
    "one(1), two(2), repr(one)",
    "kind = 'early'\ntools.by(kind, 1)",
    "KNOWN['extra'](1)\ntools.anything()",
]


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package ``genbook`` of its own, in the place of the real one."""
    package = write(tmp_path, TOY)
    hidden = {n: m for n, m in sys.modules.items() if n.partition(".")[0] == "genbook"}
    for name in hidden:
        del sys.modules[name]
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield package
    for name in [n for n in sys.modules if n.partition(".")[0] == "genbook"]:
        del sys.modules[name]
    sys.modules.update(hidden)


def test_every_function_that_runs_is_reached(toy: Path) -> None:
    found = reach(TOY_CELLS, toy, "ddim")
    space: dict = {}
    with watching(toy) as seen:
        for cell in TOY_CELLS:
            exec(compile(cell, "<cell>", "exec"), space)
    assert {code.co_name for code in seen} >= {"late", "helper", "early", "half", "more", "made"}
    assert unreached(seen, found) == []
    assert "base:untouched" not in names(found)


def test_the_watch_sees_what_reading_misses(toy: Path) -> None:
    """The test above can fail: less code reaches less than runs."""
    found = reach(TOY_CELLS[:1], toy, "ddim")
    space: dict = {}
    with watching(toy) as seen:
        for cell in TOY_CELLS:
            exec(compile(cell, "<cell>", "exec"), space)
    assert any("helper" in line for line in unreached(seen, found))
