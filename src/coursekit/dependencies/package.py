"""A package as it lies on disk, and what a name in it stands for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from coursekit.dependencies.code import Code, Import, Use
from coursekit.dependencies.modules import Module, Statement, parse
from coursekit.dependencies.registry import Registry


@dataclass(frozen=True)
class Hit:
    """What a chain of names leads to.

    Attributes:
        what: a statement that binds the name; the name of a module that is used as an object; or,
            for what is no part of the package, its dotted name.
        rest: attributes that are left over.
        through: the names that were passed, as ``module:name``.
    """

    what: Statement | str
    rest: tuple[str, ...] = ()
    through: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        if isinstance(self.what, Statement):
            return f"{self.what.module}:{','.join(self.what.binds)}"
        return self.what


class Package:
    """The modules below a folder.

    Args:
        folder: ``src/genbook``; it may be missing.
        sources: dotted name to path and text of every module.
    """

    def __init__(self, folder: Path, sources: tuple[tuple[str, Path, str], ...]) -> None:
        self.root = folder.name
        self.folder = folder
        self.paths = {name: path for name, path, _ in sources}
        self._texts = {name: text for name, _, text in sources}
        # Where one may ask a class for its subclasses, deriving one registers it.
        self._asks_for_subclasses = any("__subclasses__" in text for _, _, text in sources)
        self._modules: dict[str, Module] = {}
        self._resolved: dict[tuple[str, str | Import, tuple[str, ...]], list[Hit]] = {}
        self._writing: dict[Statement, bool] = {}

    def module(self, name: str) -> Module:
        if name not in self._modules:
            path = self.paths[name]
            package = name if path.name == "__init__.py" else name.rpartition(".")[0]
            self._modules[name] = parse(name, package, self._texts[name], path)
        return self._modules[name]

    def below(self, name: str) -> list[str]:
        """Names of all modules in the package ``name``."""
        return [other for other in self.paths if other.startswith(f"{name}.")]

    def absolute(self, target: Import, module: Module) -> str:
        """The dotted name of the module that ``target`` imports (from), seen from ``module``."""
        if not target.level:
            return target.module
        anchor = module.package.split(".")
        anchor = anchor[: len(anchor) - target.level + 1]
        return ".".join([*anchor, *([target.module] if target.module else [])])

    def loads(self, target: Import, module: Module) -> list[str]:
        """The modules of the package that an import runs, without their parents."""
        base = self.absolute(target, module)
        names = [base, f"{base}.{target.name}"] if target.name else [base]
        return [name for name in names if name in self.paths]

    def hits(self, module: Module, use: Use) -> list[Hit]:
        """What ``use`` in ``module`` leads to; nothing for a builtin name."""
        if not module.name:  # the code of a notebook: the same names, another module each time
            return self._find(module, use)
        key = (module.name, use.root, use.attributes)
        if key not in self._resolved:
            self._resolved[key] = self._find(module, use)
        return self._resolved[key]

    def _find(self, module: Module, use: Use) -> list[Hit]:
        if isinstance(use.root, Import):
            return self._imported(module, use.root, use.attributes, ())
        return self._named(module, use.root, use.attributes, (), outside=False)

    def _named(
        self,
        module: Module,
        name: str,
        rest: tuple[str, ...],
        through: tuple[str, ...],
        outside: bool,
    ) -> list[Hit]:
        """What ``name`` is in ``module``, asked from inside of it or as its attribute."""
        if (here := f"{module.name}:{name}") in through:  # faces that point at each other
            return []
        through = (*through, here)
        found = [Hit(s, rest, through) for s in module.bindings.get(name, ())]
        for target in module.imports.get(name, ()):
            found += self._imported(module, target, rest, through)
        if found:
            return found
        if outside and module.package == module.name and f"{module.name}.{name}" in self.paths:
            return self._object(f"{module.name}.{name}", rest, through)
        for star in module.stars:
            base = self.absolute(star, module)
            if base in self.paths:
                found += self._named(self.module(base), name, rest, through, outside=True)
        if not found and outside and "__getattr__" in module.bindings:
            found = [Hit(s, (), through) for s in module.bindings["__getattr__"]]
        return found

    def _imported(
        self, module: Module, target: Import, rest: tuple[str, ...], through: tuple[str, ...]
    ) -> list[Hit]:
        base = self.absolute(target, module)
        if base.partition(".")[0] != self.root:
            return [Hit(".".join([base, *([target.name] if target.name else []), *rest]))]
        if target.name is None:
            found = self._object(base, rest, through)
            parent, _, last = base.rpartition(".")
            # `import a.b as c` is a's attribute b, which a face may have bound to something else.
            if parent in self.paths and last in self.module(parent).imports:
                found += self._named(self.module(parent), last, rest, through, outside=True)
            return found
        inner = f"{base}.{target.name}"
        if base == module.name and inner in self.paths:  # `from . import part`, in an __init__
            return self._object(inner, rest, through)
        return self._object(base, (target.name, *rest), through)

    def _object(self, name: str, rest: tuple[str, ...], through: tuple[str, ...]) -> list[Hit]:
        """The module ``name``, and the attributes of it that are asked for."""
        if name not in self.paths:
            return [Hit(f"{name}?")]
        through = (*through, f"{name}:")
        if not rest:
            return [Hit(name, (), through)]
        found = self._named(self.module(name), rest[0], rest[1:], through, outside=True)
        if found:
            return found
        dunder = rest[0].startswith("__") and rest[0] != "__dict__"
        return [Hit(name, rest[:1] if dunder else (), through)]

    def registry(self, statement: Statement) -> Registry | None:
        """Its entries, if they count one by one.

        That is for a registry with a value that leads into the package: tables of plain numbers are
        looked up by what stands in files and results, which nobody can read here.
        """
        found = statement.registry
        if found is None:
            return None
        module = self.module(statement.module)
        for root, attributes in found.parts:
            hits = self.hits(module, Use(root, attributes))
            if not hits or not all(
                isinstance(h.what, Statement) and not h.rest and self.registry(h.what) for h in hits
            ):
                return None
        if found.parts:
            return found
        uses = [use for _, code in found.entries.values() for use in code.uses]
        inner = (hit for use in uses for hit in self.hits(module, use))
        return found if any(isinstance(hit.what, Statement) for hit in inner) else None

    def has_effect(self, statement: Statement) -> bool:
        """Whether importing its module may do more, through ``statement``, than bind names.

        A decorator of the package may register what it decorates, a base class what is derived from
        it, and a function that is called may write into its module.
        """
        if statement.effect:
            return True
        if any(self._definitions(statement, statement.decorators)):
            return True
        if any(self._prepares(base) for base in self._definitions(statement, statement.bases)):
            return True
        called = [use for use in statement.at_import.uses if use.called]
        return any(self._writes(s) for s in self._definitions(statement, Code(called)))

    def _definitions(self, statement: Statement, code: Code) -> list[Statement]:
        module = self.module(statement.module)
        hits = (hit for use in code.uses for hit in self.hits(module, use))
        return [hit.what for hit in hits if isinstance(hit.what, Statement)]

    def _prepares(self, statement: Statement) -> bool:
        bases = self._definitions(statement, statement.bases)
        known = statement.prepares_subclasses or self._asks_for_subclasses
        return known or any(map(self._prepares, bases))

    def _writes(self, statement: Statement) -> bool:
        """Whether what ``statement`` defines may, when it runs, write into a module or a class."""
        if statement not in self._writing:
            seen, queue = {statement}, [statement]
            while queue and not queue[-1].code.writes:
                last = queue.pop()
                new = set(self._definitions(last, last.code)) - seen
                seen |= new
                queue += new
            self._writing[statement] = bool(queue)
        return self._writing[statement]


def load(folder: Path) -> Package:
    """The package in ``folder`` as it is now; the same object as long as no text changes."""
    sources = []
    for path in sorted(folder.rglob("*.py")) if folder.is_dir() else ():
        parts = (folder.name, *path.relative_to(folder).with_suffix("").parts)
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        sources.append((name, path, path.read_text(encoding="utf-8")))
    return _load(folder, tuple(sources))


@lru_cache(maxsize=4)
def _load(folder: Path, sources: tuple[tuple[str, Path, str], ...]) -> Package:
    return Package(folder, sources)
