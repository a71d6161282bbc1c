"""References: how a rewritten program names things of today, and what it must import for that."""

from __future__ import annotations

import libcst as cst

from cornu.modernize.expressions import parse
from cornu.modernize.helpers import HELPERS
from cornu.modernize.names import find_today
from cornu.modernize.scope import Scope

__all__ = ["References"]


class References:
    """Collects what a rewritten program names.

    Args:
        scope: the names of the program.

    Attributes:
        names: for each module below `keras` the names to import from it.
        needs_root: whether `keras` itself must be imported.
        modules: other modules to import.
        helpers: the functions and classes to insert, from `HELPERS`.
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.names: dict[str, dict[str, None]] = {}
        self.needs_root = False
        self.modules: dict[str, None] = {}
        self.helpers: dict[str, None] = {}

    def dotted(self, path: str) -> cst.BaseExpression:
        """Returns an expression for a path below `keras`, with all modules."""
        for name, bound in self._scope.paths.items():
            # A module that the program imports already.
            if bound.name and path.startswith(f"{bound.name}.") and bound.name != "backend":
                if name in self._scope.imported and find_today(bound.name) == bound.name:
                    rest = path.removeprefix(f"{bound.name}.")
                    return parse(f"{name}.{rest}")
        self.needs_root = True
        return parse(f"keras.{path}".rstrip("."))

    def local(self, path: str) -> cst.BaseExpression:
        """Returns an expression for a path below `keras`: its last name, if that is free."""
        module, _, name = path.rpartition(".")
        known = self._scope.paths.get(name)
        same = known is not None and find_today(known.name) == path
        if name in self._scope.identifiers and not same:
            return self.dotted(path)
        self.names.setdefault(module, {})[name] = None
        return cst.Name(name)

    def input(self) -> cst.BaseExpression:
        """Returns an expression for `keras.Input`."""
        for name in self._scope.imported:
            if find_today(self._scope.paths[name].name) in ("Input", "layers.Input"):
                return cst.Name(name)
        return self.dotted("Input")

    def like(self, path: str, original: cst.BaseExpression) -> cst.BaseExpression:
        """Returns an expression in the form of the one that it replaces."""
        is_bare = isinstance(original, cst.Name)
        return self.local(path) if is_bare else self.dotted(path)

    def op(self, name: str) -> cst.BaseExpression:
        """Returns an expression for a function of `keras.ops`."""
        taken = "ops" in self._scope.identifiers
        if taken:
            return self.dotted(f"ops.{name}")
        self.names.setdefault("", {})["ops"] = None
        return parse(f"ops.{name}")

    def helper(self, name: str) -> cst.BaseExpression:
        """Returns an expression for a function that is inserted into the program."""
        self.helpers[name] = None
        self.needs_root = self.needs_root or "keras." in HELPERS[name]
        return cst.Name(name)

    def module(self, name: str) -> None:
        """Requests an import of another module."""
        if name not in self._scope.identifiers:
            self.modules[name] = None
