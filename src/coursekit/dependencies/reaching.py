"""From the code of a notebook to everything of the package that it can run or read.

Reached are the top-level statements (functions, classes, constants, conditional definitions) that
the code names, then those that these name, and so on, through every ``import`` and every face. What
reading cannot decide counts in full:

- a module that is used as an object (``f(module)``, ``getattr(module, name)``), or asked for a name
  that it does not bind, counts with all its statements; so does one that looks at its own namespace
  (``globals()``, ``eval``). A module imported by a computed name stands for all modules whose
  names begin with what is written of it;
- a statement of a module's top level that does more than to bind names counts whenever the module
  is imported: calls, loops, stores into objects, what a decorator of the package decorates, what is
  derived from a class that prepares its subclasses, values made by functions that write into a
  module;
- a class counts with all its methods, and a name in an annotation like any other.

Four things count by their own entry, by these conventions:

- *Registries*: a name assigned a dict literal with string keys and at least one value that leads
  into the package (see :mod:`coursekit.dependencies.registry`). Where it is only looked up by key,
  those entries count whose key is written in the code reached (as a string, or as a name that it
  defines). Where it is walked through or handed on, all do. Naming it for the text of an error
  (below ``raise``, in a block that ends in one, or in a function that only those call) reaches
  nothing.
- *Weights*: files ``<name>.safetensors`` beside a module that finds them by ``__file__``. Those
  count whose name is written in the code reached, with their cards, and the strings of the cards
  (the network's class) choose entries of registries. Where none is written, or the code asks for
  the list of names, all do. Any other file beside a module that uses ``__file__`` counts.
- *Questions*: ``check("ddim.step", …)`` reaches ``checks/ddim/step.py``, whole. Without such a
  file, or without an id in the code, it reaches the whole of the chapter's checks.
- *Hands*: ``hands.show("gaussian-product")`` reaches ``HAND`` of ``hands/gaussian_product.py``. A
  name that is computed reaches all of them.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from coursekit.dependencies import package as packages
from coursekit.dependencies.code import Code, Import, Mode, Use, chain
from coursekit.dependencies.modules import Module, Statement, parse
from coursekit.dependencies.package import Hit, Package

_CODE = {".py", ".pyc", ".pyi", ".typed"}
_FINDERS = ("importlib.resources", "pkgutil.get_data")
_QUESTION = re.compile(r"([a-z][a-z0-9_]*)\.([a-z][a-z0-9_]*)")


def reach(sources: Iterable[str], folder: Path, slug: str) -> Reach:
    """What the code ``sources``, run in this order in one namespace, reaches.

    Args:
        folder: of the package, ``src/genbook``; it may be missing.
        slug: whose checks count where the code asks for questions and names none.

    Raises:
        SyntaxError: the code, or a module that it imports, is no valid Python.
    """
    cells = list(sources)
    for cell in cells:  # each by itself, so that a mistake is where it is
        ast.parse(cell)
    found = Reach(packages.load(folder), slug)
    found.run(parse("", "", "\n\n".join(cells)))
    return found


class Reach:
    """What code reaches.

    Attributes:
        package: where it was looked for.
        loaded: names of the modules that are imported.
        keys: the statements reached; for a registry that counts by its entries their keys.
        links: of each statement, the chains that it uses and what they lead to.
        objects: names of the modules that count in full.
    """

    def __init__(self, package: Package, slug: str) -> None:
        self.package = package
        self.slug = slug
        self.loaded: set[str] = set()
        self.keys: dict[Statement, set[str] | None] = {}
        self.links: dict[Statement, set[str]] = {}
        self.objects: set[str] = set()
        self._folders: set[Path] = set()
        self._queue: list[tuple[Module, Statement, Code, bool]] = []
        self._whole: set[Statement] = set()
        self._looked_up: set[Statement] = set()
        self._words: set[str] = set()
        self._patterns: set[str] = set()
        shipped = {path.parent for path in package.folder.rglob("*.safetensors")}
        self._with_weights = {n for n, path in package.paths.items() if path.parent in shipped}
        self._all_weights = False
        self._cards: set[Path] = set()

    def run(self, code: Module) -> None:
        """Follow all names of ``code``, of which every statement runs."""
        self._load_all(code, code.loads)
        for name in code.imports:
            self._imported_name(code, name)
        for star in code.stars:
            self._star(code, star)
        for statement in code.statements:
            self._read(code, statement, statement.code)
        self._settle()
        if f"{self.package.root}.checks" in self.loaded:
            self._questions(code)
            self._settle()
        if f"{self.package.root}.hands" in self.loaded:
            self._hands(code)
            self._settle()

    @property
    def code_links(self) -> list[str]:
        """What the names of the code itself lead to."""
        return sorted(text for s, texts in self.links.items() if not s.module for text in texts)

    @property
    def files(self) -> list[Path]:
        """The weights, their cards and other files that count."""
        found = []
        for folder in sorted(self._folders):
            inside = [p for p in sorted(folder.iterdir()) if p.is_file() and p.suffix not in _CODE]
            names = {path.stem for path in inside if path.suffix == ".safetensors"}
            chosen = self._chosen(names)
            if self._all_weights or not chosen:
                chosen = names
            found += [path for path in inside if path.stem not in names or path.stem in chosen]
        return found

    # Statements

    def _settle(self) -> None:
        """Read what is waiting, then choose entries and cards by its strings, until none is new."""
        while True:
            while self._queue:
                self._read(*self._queue.pop())
            if not (self._choose_entries() or self._read_cards()):
                return

    def _read(self, module: Module, statement: Statement, code: Code, quiet: bool = False) -> None:
        for use in code.uses:
            if quiet and use.mode == "plain":
                use = replace(use, mode="message")
            self._follow(module, use, statement)
        self._load_all(module, code.loads)
        self._patterns |= {p for p in code.patterns if re.search(r"[A-Za-z]{2}", p)}
        for text in code.strings:
            self._words |= {text, *re.split(r"[\s,;|/]+", text)}
            if re.fullmatch(rf"{self.package.root}(\.\w+)+", text):
                self._follow(module, Use(Import(text.rpartition(".")[0], text.rpartition(".")[2])))
        for prefix in code.dynamic:
            self._computed_import(module, prefix)
        if code.own and module.name:
            self._object(module.name)
        if code.beside and module.name:
            self._beside(module.name)

    def _follow(self, module: Module, use: Use, statement: Statement | None = None) -> None:
        hits = self.package.hits(module, use)
        for hit in hits:
            self._load_passed(hit)
            if isinstance(hit.what, Statement):
                if not hit.what.module:  # the code's own name: all of it counts anyway
                    continue
                self._count(hit.what, use, hit.rest)
                if self._asks_for_weights(module, hit.what):
                    self._all_weights |= "names" in hit.what.binds
                    self._patterns |= {use.computed} if use.computed else set()
            elif hit.what in self.package.paths:
                if hit.rest:
                    self._beside(hit.what)
                else:
                    self._object(hit.what)
            elif hit.what.startswith(_FINDERS) and module.name:
                self._beside(module.name)
        if statement is not None and hits:
            root = use.root if isinstance(use.root, str) else repr(use.root)
            label = ",".join(sorted({hit.label for hit in hits}))
            text = f"{'.'.join([root, *use.attributes])}→{label}"
            self.links.setdefault(statement, set()).add(text)

    def _count(self, statement: Statement, use: Use, rest: tuple[str, ...]) -> None:
        """``statement`` is reached by ``use``, of which ``rest`` is left over."""
        registry = self.package.registry(statement)
        module = self.package.module(statement.module)
        by_key = use.mode == "message" or (use.mode == "entry" and rest in ((), ("get",)))
        if registry is None or not by_key:
            # What only makes the text of an error reaches no more than the error itself would.
            quiet = use.mode == "message"
            if statement in self._whole or (quiet and statement in self.keys):
                return
            if not quiet:
                self._whole.add(statement)
            self.keys[statement] = None
            self._words.update(statement.binds)
            self._queue.append((module, statement, statement.code, quiet))
            return
        if self.keys.setdefault(statement, set()) is None:
            return
        self._queue.append((module, statement, registry.around, False))
        if use.mode == "entry" and statement not in self._looked_up:
            self._looked_up.add(statement)
            for root, attributes in registry.parts:
                self._follow(module, Use(root, attributes, "entry"), statement)
        if use.mode == "entry" and use.computed:
            self._patterns.add(use.computed)

    def _choose_entries(self) -> bool:
        """Take the entries whose key is written in what is reached; whether there are new ones."""
        new = False
        for statement in self._looked_up:
            chosen = self.keys[statement]
            registry = self.package.registry(statement)
            if chosen is None or registry is None:
                continue
            for key in self._chosen(registry.entries) - chosen:
                chosen.add(key)
                module = self.package.module(statement.module)
                self._queue.append((module, statement, registry.entries[key][1], False))
                new = True
        return new

    def _chosen(self, names: Iterable[str]) -> set[str]:
        """Those of ``names`` that are written in what is reached, or may be put together there."""
        made = re.compile("|".join(f"(?:{p})" for p in sorted(self._patterns)) or r"(?!)", re.S)
        return {name for name in names if name in self._words or made.fullmatch(name)}

    # Modules

    def _load_all(self, module: Module, targets: Iterable[Import]) -> None:
        for target in targets:
            for name in self.package.loads(target, module):
                self._load(name)

    def _load_passed(self, hit: Hit) -> None:
        for passed in hit.through:
            self._load(passed.partition(":")[0])

    def _load(self, name: str) -> None:
        """Import a module and its parents: what its top level does counts."""
        if name in self.loaded or name not in self.package.paths:
            return
        self.loaded.add(name)
        self._load(name.rpartition(".")[0])
        module = self.package.module(name)
        self._load_all(module, module.loads)
        for statement in module.statements:
            if self.package.has_effect(statement):
                self._count(statement, Use(name), ())

    def _imported_name(self, module: Module, name: str) -> None:
        """A name that is imported counts; a module that is imported waits for its names."""
        for target in module.imports[name]:
            for hit in self.package.hits(module, Use(target)):
                self._load_passed(hit)
                if isinstance(hit.what, Statement):  # of a registry its entries, when they are used
                    mode: Mode = "message" if self.package.registry(hit.what) else "plain"
                    self._count(hit.what, Use(name, mode=mode), hit.rest)

    def _star(self, module: Module, star: Import) -> None:
        base = self.package.absolute(star, module)
        if base not in self.package.paths:
            return
        self._load(base)
        names = self.package.module(base).exports()
        if names is None:
            self._object(base)
        for name in names or ():
            self._follow(module, Use(Import(base, name)))

    def _object(self, name: str) -> None:
        """The module is used as an object: everything in it may be."""
        if name in self.objects:
            return
        self.objects.add(name)
        self._load(name)
        module = self.package.module(name)
        for statement in module.statements:
            self._count(statement, Use(name), ())
        for bound in module.imports:
            self._follow(module, Use(bound))
        for star in module.stars:
            self._star(module, star)
        if module.package == name:
            for inner in self.package.below(name):
                self._object(inner)

    def _computed_import(self, module: Module, prefix: str) -> None:
        if prefix.startswith("."):
            prefix = f"{module.package}.{prefix.lstrip('.')}"
        for room in ("checks", "hands"):  # by their ids and names: see _questions, _hands
            place = f"{self.package.root}.{room}."
            if prefix.startswith(place) and f"{module.name}.".startswith(place):
                return
        for name in self.package.paths:
            if name.startswith(prefix):
                self._object(name)

    # Questions, weights and other files

    def _questions(self, code: Module) -> None:
        """Reach the questions whose ids are written in ``code``; the chapter's, if none is."""
        checks = f"{self.package.root}.checks"
        written = {text for statement in code.statements for text in statement.code.strings}
        ids = [found.groups() for text in written if (found := _QUESTION.fullmatch(text))]
        ids = [(slug, name) for slug, name in ids if f"{checks}.{slug}" in self.package.paths]
        if not ids or any(_asks_by_computed_id(statement) for statement in code.statements):
            ids.append((self.slug, ""))
        for slug, name in sorted(ids):
            chapter, question = f"{checks}.{slug}", f"{checks}.{slug}.{name}"
            self._load(chapter)
            if question in self.package.paths:
                self._question(question)
            elif chapter in self.package.paths:
                for module in (chapter, *self.package.below(chapter)):
                    self._question(module)

    def _hands(self, code: Module) -> None:
        """Reach the figures to handle that ``code`` shows; all, if a name is not written out."""
        hands = f"{self.package.root}.hands"
        calls = [n for s in code.statements for n in ast.walk(s.node) if isinstance(n, ast.Call)]
        for call in calls:
            found = chain(call.func)
            hits = self.package.hits(code, Use(*found)) if found else []
            if not any(hit.label == f"{hands}:show" for hit in hits):
                continue
            first = call.args[0] if call.args else None
            given = first.value if isinstance(first, ast.Constant) else ""
            name = f"{hands}.{str(given).replace('-', '_')}"
            for module in [name] if name in self.package.paths else self.package.below(hands):
                if "HAND" in self.package.module(module).bindings:
                    self._load(module)
                    self._follow(code, Use(Import(module, "HAND")))

    def _question(self, name: str) -> None:
        """All statements of a module, what they name, and what their strings name of its imports.

        Misconceptions are written as changes of the reference's source, which are strings.
        """
        self._load(name)
        module = self.package.module(name)
        for bound in module.imports:
            self._imported_name(module, bound)
        for statement in module.statements:
            self._count(statement, Use(name), ())
            for text in statement.code.strings:
                for written in re.findall(r"[A-Za-z_]\w*(?:\.\w+)+", text):
                    root, *attributes = written.split(".")
                    use = Use(root, tuple(attributes))
                    hits = self.package.hits(module, use) if root in module.imports else []
                    # An id ("ddim.by_hand") looks like a name, and leads nowhere.
                    if any(isinstance(hit.what, Statement) for hit in hits):
                        self._follow(module, use, statement)

    def _asks_for_weights(self, module: Module, statement: Statement) -> bool:
        return module.name != statement.module and statement.module in self._with_weights

    def _beside(self, name: str) -> None:
        self._folders.add(self.package.paths[name].parent)

    def _read_cards(self) -> bool:
        """Let the cards of the weights that count choose entries; whether one is new."""
        new = {p for p in self.files if p.suffix == ".safetensors"} - self._cards
        for path in new:
            card = path.with_suffix(".json")
            if card.is_file():
                self._words |= _strings(json.loads(card.read_text(encoding="utf-8")))
        self._cards |= new
        return bool(new)


def _asks_by_computed_id(statement: Statement) -> bool:
    """Whether it asks for a question without writing its id there: ``check(name, answer)``."""
    for node in ast.walk(statement.node):
        if isinstance(node, ast.Call) and (found := chain(node.func)):
            asks = (found[0], *found[1])[-1] in ("check", "question", "questions")
            if asks and not (node.args and isinstance(node.args[0], ast.Constant)):
                return True
    return False


def _strings(node: object) -> set[str]:
    if isinstance(node, dict):
        return {text for value in node.values() for text in _strings(value)}
    if isinstance(node, list):
        return {text for value in node for text in _strings(value)}
    return {node} if isinstance(node, str) else set()
