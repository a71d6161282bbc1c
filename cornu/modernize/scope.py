"""What the names of a program mean: paths below `keras`, models, and layers that it builds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import libcst as cst

from cornu.modernize.expressions import code_of

__all__ = ["Path", "Scope", "below_keras", "dotted_name"]

_ROOTS = {
    "keras": False,
    "tensorflow.keras": True,
    "tensorflow.python.keras": True,
    "tf.keras": True,
}
_MODELS = ("Model", "Sequential", "Container")
_LOADING = ("load_model", "model_from_json", "model_from_yaml", "model_from_config", "clone_model")
# Attributes of models and layers that are models or layers, by name.
_ATTRIBUTES = {"model": "Model"}


class Path(NamedTuple):
    """A path below `keras`.

    Attributes:
        name: the path, such as "layers.core.Dense"; "" is `keras` itself.
        is_tensorflow: whether it was imported from TensorFlow.
    """

    name: str
    is_tensorflow: bool = False

    def child(self, name: str) -> Path:
        """Returns the path of something in it."""
        return Path(f"{self.name}.{name}".lstrip("."), self.is_tensorflow)


def dotted_name(node: cst.BaseExpression) -> str | None:
    """Returns the text of a name with attributes, such as "keras.layers"; None for others."""
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        base = dotted_name(node.value)
        return None if base is None else f"{base}.{node.attr.value}"
    return None


def below_keras(module: str) -> Path | None:
    """Returns the path of a module below `keras`; None if it is not one of Keras.

    Example:

    >>> below_keras("tensorflow.keras.layers"), below_keras("numpy")
    (Path(name='layers', is_tensorflow=True), None)
    """
    for root, is_tensorflow in _ROOTS.items():
        if module == root or module.startswith(f"{root}."):
            return Path(module[len(root) + 1 :], is_tensorflow)
    return None


class Scope:
    """The names of one program.

    Args:
        module: the program.

    Attributes:
        paths: names that are bound to something of Keras.
        imported: those of them that an import binds.
        identifiers: every name in the program.
        frozen: models whose attribute `trainable` is set after `compile`, and its value.
        first_additions: the calls `model.add(...)` that add the first layer of a Sequential.
    """

    def __init__(self, module: cst.Module) -> None:
        self.paths: dict[str, Path] = {}
        self.imported: set[str] = set()
        self.identifiers: set[str] = set()
        self.frozen: dict[str, bool] = {}
        self.first_additions: set[int] = set()
        self._tensorflow: set[str] = set()
        self._kinds: dict[str, str] = {}
        self._functions: dict[str, str] = {}
        reader = _Reader()
        module.visit(reader)
        self.identifiers = reader.identifiers
        self._names_in_functions = reader.names_in_functions
        self._values: dict[str, list[cst.BaseExpression]] = {}
        for name, value in reader.assignments:
            self._values.setdefault(name, []).append(value)
        for one in reader.imports:
            self._read_import(one)
        self._read_aliases(reader.assignments)
        for _ in range(3):  # functions call functions that return models
            self._read_kinds(reader)
        for body in reader.bodies:
            self.first_additions |= set(self._find_first_additions(body))
            self.frozen |= _find_frozen(body)

    def path_of(self, node: cst.BaseExpression) -> Path | None:
        """Returns the path below `keras` that an expression names, or None."""
        name = dotted_name(node)
        if name is None:
            return None
        first, *rest = name.split(".")
        if first in self._tensorflow:
            found = below_keras(".".join(["tf", *rest]))
            return found if rest else None
        if first not in self.paths:
            return None
        path = self.paths[first]
        for part in rest:
            path = path.child(part)
        return path

    def kind_of(self, node: cst.BaseExpression) -> str | None:
        """Returns "Model" or "Sequential" for a model, "other" for other objects, or None."""
        if isinstance(node, cst.Call):
            path = self.path_of(node.func)
            name = dotted_name(node.func) or ""
            if path is None:
                return self._functions.get(name)
            last = path.name.rpartition(".")[2]
            if last in _MODELS or last in _LOADING:
                return "Sequential" if last == "Sequential" else "Model"
            if path.name.startswith("applications.") and last[0].isupper():
                return "Model"
            return "other"
        if isinstance(node, cst.Attribute) and node.attr.value in _ATTRIBUTES:
            return _ATTRIBUTES[node.attr.value]
        return self._kinds.get(dotted_name(node) or "")

    def names_in_function(self, name: str) -> set[str]:
        """Returns the names that a function of the program uses."""
        return self._names_in_functions.get(name, set())

    @property
    def computes_gradients(self) -> bool:
        """Whether the program uses `K.gradients`."""
        return "gradients" in self.identifiers

    @property
    def has_normalization(self) -> bool:
        """Whether the program uses BatchNormalization, or a ready-made model that has it."""
        names = {path.name.rpartition(".")[2] for path in self.paths.values()}
        made = {path.name for path in self.paths.values() if path.name.startswith("applications")}
        return "BatchNormalization" in names or any("vgg" not in name.lower() for name in made)

    def value_of(self, name: str) -> cst.BaseExpression | None:
        """Returns the expression that a name is assigned, if it is assigned once."""
        values = self.values_of(name)
        return values[0] if len(values) == 1 else None

    def values_of(self, name: str) -> list[cst.BaseExpression]:
        """Returns the expressions that a name, or an attribute such as "self.W", is assigned."""
        return self._values.get(name, [])

    def makes_initializer(self, node: cst.BaseExpression) -> bool:
        """Tells whether a name is assigned only results of `initializations.get`."""
        values = self.values_of(dotted_name(node) or "")
        paths = [self.path_of(one.func) for one in values if isinstance(one, cst.Call)]
        known = [path for path in paths if path and path.name == "initializations.get"]
        return bool(values) and len(known) == len(values)

    def _read_import(self, node: cst.Import | cst.ImportFrom) -> None:
        if isinstance(node, cst.Import):
            for alias in node.names:
                self._read_module(alias)
            return
        if node.relative or isinstance(node.names, cst.ImportStar) or node.module is None:
            return
        module = dotted_name(node.module) or ""
        below = below_keras(module)
        for alias in node.names:
            name = dotted_name(alias.name) or ""
            if below is not None:
                self._bind(_bound_name(alias), below.child(name))
            elif module == "tensorflow" and name == "keras":
                self._bind(_bound_name(alias), Path("", True))

    def _read_module(self, alias: cst.ImportAlias) -> None:
        name = dotted_name(alias.name) or ""
        if name in ("tensorflow", "tensorflow.compat.v1"):
            self._tensorflow.add(_bound_name(alias))
            return
        below = below_keras(name)
        if below is None:
            return
        if alias.asname is not None:
            self._bind(_bound_name(alias), below)
        elif name.startswith("keras"):
            self._bind("keras", Path(""))
        else:
            self._tensorflow.add("tensorflow")

    def _bind(self, name: str, path: Path) -> None:
        self.paths[name] = path
        self.imported.add(name)

    def _read_aliases(self, assignments: list[tuple[str, cst.BaseExpression]]) -> None:
        """Binds names such as `RNN = recurrent.LSTM`, which are assigned once."""
        counts = Counter(name for name, _ in assignments)
        for name, value in assignments:
            path = self.path_of(value)
            if path is not None and counts[name] == 1 and name not in self.paths:
                self.paths[name] = path

    def _read_kinds(self, reader: _Reader) -> None:
        for name, value in reader.assignments:
            kind = self.kind_of(value)
            if kind is not None:
                self._kinds[name] = kind
        for function, value in reader.returns:
            kind = self.kind_of(value)
            if kind is not None:
                self._functions[function] = kind

    def _find_first_additions(self, body: list[cst.BaseStatement]) -> Iterator[int]:
        new: set[str] = set()
        for statement in body:
            if not isinstance(statement, cst.SimpleStatementLine):
                continue
            for small in statement.body:
                if isinstance(small, cst.Assign) and self.kind_of(small.value) == "Sequential":
                    empty = isinstance(small.value, cst.Call) and not small.value.args
                    if empty:
                        new |= {code_of(target.target) for target in small.targets}
                if isinstance(small, cst.Expr) and isinstance(small.value, cst.Call):
                    function = small.value.func
                    if isinstance(function, cst.Attribute) and function.attr.value == "add":
                        receiver = code_of(function.value)
                        if receiver in new:
                            new.discard(receiver)
                            yield id(small.value)


def _find_frozen(body: list[cst.BaseStatement]) -> dict[str, bool]:
    """Returns the models of a block whose `trainable` is set after their last `compile`."""
    compiled: set[str] = set()
    found: dict[str, bool] = {}
    for statement in body:
        text = code_of(statement).strip()
        name, _, rest = text.partition(".compile(")
        if rest and name.isidentifier():
            compiled.add(name)
            found.pop(name, None)
        name, _, value = text.partition(".trainable = ")
        if name in compiled and value in ("True", "False"):
            found[name] = value == "True"
    return found


def _bound_name(alias: cst.ImportAlias) -> str:
    if alias.asname is not None:
        return code_of(alias.asname.name)
    return (dotted_name(alias.name) or "").partition(".")[0]


class _Reader(cst.CSTVisitor):
    """Collects what `Scope` needs from a program."""

    def __init__(self) -> None:
        super().__init__()
        self.imports: list[cst.Import | cst.ImportFrom] = []
        self.assignments: list[tuple[str, cst.BaseExpression]] = []
        self.returns: list[tuple[str, cst.BaseExpression]] = []
        self.bodies: list[list[cst.BaseStatement]] = []
        self.identifiers: set[str] = set()
        self.names_in_functions: dict[str, set[str]] = {}
        self._functions: list[str] = []

    def visit_Name(self, node: cst.Name) -> None:
        self.identifiers.add(node.value)
        for function in self._functions:
            self.names_in_functions.setdefault(function, set()).add(node.value)

    def visit_Import(self, node: cst.Import) -> None:
        self.imports.append(node)

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
        self.imports.append(node)

    def visit_Assign(self, node: cst.Assign) -> None:
        for target in node.targets:
            names: list[cst.BaseExpression] = [target.target]
            values = [node.value]
            if isinstance(target.target, cst.Tuple) and isinstance(node.value, cst.Tuple):
                names = [element.value for element in target.target.elements]
                values = [element.value for element in node.value.elements]
            for name, value in zip(names, values, strict=False):
                self.assignments.append((dotted_name(name) or "", value))

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self._functions.append(node.name.value)

    def leave_FunctionDef(self, original_node: cst.FunctionDef) -> None:
        self._functions.pop()

    def visit_Return(self, node: cst.Return) -> None:
        if node.value is not None and self._functions:
            self.returns.append((self._functions[-1], node.value))

    def visit_Module(self, node: cst.Module) -> None:
        self.bodies.append(list(node.body))

    def visit_IndentedBlock(self, node: cst.IndentedBlock) -> None:
        self.bodies.append(list(node.body))
