"""What a piece of code uses: names of the module around it, imports, strings, and what it hides.

Scopes are Python's: a name that a function binds is its own and no use of the module's. Where a
rule of Python would need more than reading (a class body that looks at a name before it binds it),
the name counts as used.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from coursekit.dependencies.code import (
    Code,
    Import,
    Mode,
    Scope,
    Use,
    arguments,
    bindings,
    chain,
    fixed,
    imports,
    pattern,
)

_IMPORTERS = {"import_module", "__import__", "find_spec", "run_module"}
_OWN_NAMESPACE = {"globals", "eval", "exec"}
_NAMESPACE_OF_CALLER = {"vars", "locals", "dir"}
_BESIDE = {"__file__", "__path__", "__spec__"}
_MUTATORS = re.compile(
    r"append|extend|add|update|insert|setdefault|pop|popitem|remove|clear|discard|manual_seed"
    r"|register\w*|set_\w+|filterwarnings|simplefilter|__setitem__"
)


def read(nodes: Iterable[ast.AST], at_import: bool = False) -> Code:
    """What ``nodes``, code of a module's top level, use.

    ``at_import`` leaves out the bodies of functions, which do not run when the module is imported.
    """
    reader = _Reader(at_import)
    for node in nodes:
        reader.visit(node)
    return reader.code


class _Reader(ast.NodeVisitor):
    def __init__(self, at_import: bool) -> None:
        self.code = Code()
        self.at_import = at_import
        self.scopes: list[Scope] = []
        self.functions = 0
        self.message = self.annotation = self.called = False

    # Names and what is done with them

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._use(node.id)
        else:
            self._write(node.id, rebinds=True)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        found = chain(node)
        self.code.own |= "__globals__" in ((node.attr,) if found is None else found[1])
        if found is None:
            self.generic_visit(node)
            return
        self._use(*found)
        if not isinstance(node.ctx, ast.Load):
            self._write(found[0])

    def visit_Subscript(self, node: ast.Subscript) -> None:
        found = chain(node.value)
        if found is None:
            self.visit(node.value)
        else:
            self._use(*found, mode="entry", computed=pattern(node.slice))
            if not isinstance(node.ctx, ast.Load):
                self._write(found[0])
            if found == ("sys", ("modules",)):
                self.code.own |= not isinstance(node.slice, ast.Constant)
        # The strings of a Literal in an annotation are no code, nor do they choose anything.
        if not (self.annotation and found and (found[0], *found[1])[-1] == "Literal"):
            self.visit(node.slice)

    def visit_Compare(self, node: ast.Compare) -> None:
        self.visit(node.left)
        for operator, side in zip(node.ops, node.comparators, strict=True):
            found = chain(side)
            if found and isinstance(operator, ast.In | ast.NotIn):
                self._use(*found, mode="entry")
            else:
                self.visit(side)

    def visit_Call(self, node: ast.Call) -> None:
        first = node.args[0] if node.args else next((k.value for k in node.keywords), None)
        found = chain(node.func)
        last = node.func.attr if isinstance(node.func, ast.Attribute) else (found or ("",))[0]
        if found is None:
            self.visit(node.func)
        else:
            root, attributes = found
            mode: Mode = "entry" if attributes[-1:] == ("get",) else "plain"
            self._use(root, attributes, mode, pattern(first) if first else None, called=True)
            if attributes and _MUTATORS.fullmatch(attributes[-1]):
                self._write(root)
            if not self.functions and not node.args and root in _NAMESPACE_OF_CALLER:
                self.code.own = True
            if (root, *attributes[:1]) == ("sys", "modules"):
                self.code.own |= not isinstance(first, ast.Constant)
        if last in ("setattr", "delattr") and first and (target := chain(first)):
            self._write(target[0])
        if last in _IMPORTERS and first is not None:
            self._dynamic(first)
        before, self.called = self.called, not last[:1].isupper()
        for part in (*node.args, *node.keywords):
            self.visit(part)
        self.called = before

    def _dynamic(self, name: ast.AST) -> None:
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            level = len(name.value) - len(name.value.lstrip("."))
            # A module that is found by a string is an object that can go anywhere.
            self.code.uses.append(Use(Import(name.value.lstrip("."), None, level)))
            return
        made = pattern(name) or ""
        self.code.dynamic.append(re.sub(r"\\(.)", r"\1", made.partition(".*")[0]))

    def _use(
        self,
        name: str,
        attributes: tuple[str, ...] = (),
        mode: Mode = "plain",
        computed: str | None = None,
        called: bool = False,
    ) -> None:
        if mode == "plain" and self.message:
            mode = "message"
        called |= self.called
        for scope in reversed(self.scopes):
            if name in scope.imports:
                bound = scope.imports[name]
                self.code.uses += [Use(b, attributes, mode, computed, called) for b in bound]
                return
            if name in scope.names:
                return
        self.code.own |= name in _OWN_NAMESPACE
        self.code.beside |= name in _BESIDE
        self.code.uses.append(Use(name, attributes, mode, computed, called))

    def _write(self, name: str, rebinds: bool = False) -> None:
        """A store below ``name``; or to it, which changes a module's state where it is global."""
        if not self.functions:
            return
        local = any(name in scope.names or name in scope.imports for scope in self.scopes)
        self.code.writes |= not local or (name == "cls" and not rebinds)

    # Strings

    def visit_Constant(self, node: ast.Constant) -> None:
        if not isinstance(node.value, str):
            return
        if not self.annotation:
            self.code.strings.add(node.value)
            if "{" in node.value or "%" in node.value:
                self.code.patterns.add(fixed(node) or "")
            return
        try:
            self.visit(ast.parse(node.value, mode="eval").body)
        except SyntaxError:
            return

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        self.code.patterns.add(pattern(node) or "")
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.visit(part)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        sides = (node.left, node.right)
        if any(isinstance(s, ast.Constant) and isinstance(s.value, str) for s in sides):
            self.code.patterns.add(pattern(node) or "")
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not (isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)):
            self.visit(node.value)

    # Ways to an error

    def visit_Raise(self, node: ast.Raise) -> None:
        self._block([node])

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        self._block(node.body)
        self._block(node.orelse)

    def _block(self, body: list[ast.stmt]) -> None:
        before = self.message
        self.message |= bool(body) and isinstance(body[-1], ast.Raise)
        for node in body:
            if isinstance(node, ast.Raise):
                self.generic_visit(node)
            else:
                self.visit(node)
        self.message = before

    # Scopes

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for part in node.decorator_list:
            self.visit(part)
        self._arguments(node.args)
        self._annotated(node.returns)
        if not self.at_import:
            self._inside(node.body, node.args)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._arguments(node.args)
        if not self.at_import:
            self._inside([node.body], node.args)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(part)
        # Names bound in a class hide nothing from its methods, and count as used in its body.
        self.scopes.append(Scope(set(), bindings(node.body).imports))
        for statement in node.body:
            self.visit(statement)
        self.scopes.pop()

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._annotated(node.annotation)
        self.visit(node.target)
        if node.value is not None:
            self.visit(node.value)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        self.code.loads += [loaded for _, _, loaded in imports(node)]

    visit_ImportFrom = visit_Import

    def _comprehension(self, node: ast.AST) -> None:
        generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]
        self.visit(generators[0].iter)
        self.scopes.append(bindings([generator.target for generator in generators]))
        for i, generator in enumerate(generators):
            if i:
                self.visit(generator.iter)
            for condition in generator.ifs:
                self.visit(condition)
        for name in ("key", "value", "elt"):
            if part := getattr(node, name, None):
                self.visit(part)
        self.scopes.pop()

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def _inside(self, body: list, args: ast.arguments) -> None:
        scope = bindings(body)
        scope.names |= {argument.arg for argument in arguments(args)}
        self.scopes.append(scope)
        self.functions += 1
        before, self.message = self.message, False
        for node in body:
            self.visit(node)
        self.message = before
        self.functions -= 1
        self.scopes.pop()

    def _arguments(self, args: ast.arguments) -> None:
        for argument in arguments(args):
            self._annotated(argument.annotation)
        for default in (*args.defaults, *args.kw_defaults):
            if default is not None:
                self.visit(default)

    def _annotated(self, node: ast.AST | None) -> None:
        if node is not None and not self.at_import:
            before, self.annotation = self.annotation, True
            self.visit(node)
            self.annotation = before
