"""Rewrites `merge` and `Merge` of Keras 1, and Sequential models that begin with a `Merge`."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

import libcst as cst

from cornu.dialects.keras1 import merge as dialect
from cornu.modernize.arguments import UnreadableError, bind_call
from cornu.modernize.context import Context
from cornu.modernize.expressions import Expression, code_of, parse
from cornu.modernize.rendering import UnwritableError

__all__ = ["Chain", "find_chains", "rewrite_chain_statement", "rewrite_merge"]

# Modes -> the function and the layer of today, and the argument that they take.
_MODES = {
    "sum": ("add", "Add", ""),
    "mul": ("multiply", "Multiply", ""),
    "max": ("maximum", "Maximum", ""),
    "ave": ("average", "Average", ""),
    "concat": ("concatenate", "Concatenate", "axis"),
    "dot": ("dot", "Dot", "axes"),
}
_DEFAULTS = {"axis": "-1", "axes": None}
_OLD = {"axis": "concat_axis", "axes": "dot_axes"}


def rewrite_merge(
    name: str, original: cst.Call, updated: cst.Call, context: Context
) -> cst.BaseExpression:
    """Returns what is written for a call of `merge` or `Merge`.

    Raises:
        UnreadableError: the arguments cannot be read.
        UnwritableError: the mode does not exist today.
    """
    old = dialect.merge if name == "merge" else dialect.Merge
    signature = inspect.signature(old)
    given = bind_call(updated.args, signature)
    mode = given.values["mode"]
    if isinstance(mode, Expression):
        raise UnreadableError("mode is not a constant")
    if mode not in _MODES:
        raise UnwritableError(f"merge(mode={mode!r}): write a Lambda layer or a layer of your own")
    function, layer, argument = _MODES[mode]
    options = []
    if argument:
        old_name = _OLD[argument]
        value = code_of(given.nodes[old_name].value) if old_name in given.nodes else "-1"
        if value != _DEFAULTS[argument]:
            options.append(f"{argument}={value}")
    if "name" in given.nodes:
        options.append(f"name={code_of(given.nodes['name'].value)}")
    sources = given.nodes.get("inputs") or given.nodes.get("layers")
    if sources is None:
        made = code_of(context.references.like(f"layers.{layer}", original.func))
        return parse(f"{made}({', '.join(options)})")
    made = code_of(context.references.like(f"layers.{function}", original.func))
    tensors = code_of(sources.value)
    if name == "Merge":
        tensors = _outputs(sources.value)
    return parse(f"{made}({', '.join([tensors, *options])})")


def _outputs(models: cst.BaseExpression) -> str:
    """Returns the outputs of models as text."""
    names = _elements(models)
    if names is None:
        return f"[branch.outputs[0] for branch in {code_of(models)}]"
    return f"[{', '.join(f'{name}.outputs[0]' for name in names)}]"


def _elements(models: cst.BaseExpression) -> list[str] | None:
    if isinstance(models, (cst.List, cst.Tuple)):
        return [code_of(element.value) for element in models.elements]
    return None


class Chain:
    """A Sequential that begins with a `Merge`, which becomes a functional model.

    Args:
        name: the variable of the model.
        models: the expression for the models that are merged.

    Attributes:
        last: the `id` of the last `add`.
    """

    def __init__(self, name: str, models: cst.BaseExpression) -> None:
        self.name = name
        self.models = models
        self.last = 0

    @property
    def tensor(self) -> str:
        """The variable of the tensor."""
        return f"{self.name}_output"

    def inputs(self, context: Context, nested: set[str]) -> str:
        """Returns the inputs of the model as text.

        Args:
            context: the state of the rewriting.
            nested: the models that themselves have several inputs.
        """
        names = _elements(self.models)
        if names is None:
            return f"[branch.inputs[0] for branch in {code_of(self.models)}]"
        if not nested & set(names) and len(set(names)) == len(names):
            return f"[{', '.join(f'{name}.inputs[0]' for name in names)}]"
        helper = code_of(context.references.helper("inputs_of"))
        return f"{helper}({', '.join(names)})"


def find_chains(body: Sequence[cst.CSTNode], context: Context) -> dict[int, tuple[str, Chain]]:
    """Finds the statements that build Sequential models from a `Merge`.

    Args:
        body: the statements of a block of the original program.
        context: the state of the rewriting.

    Returns:
        For the `id` of each statement its part ("open", "first" or "add") and its model.
    """
    opened: dict[str, cst.CSTNode] = {}
    merges: dict[str, cst.Call] = {}
    chains: dict[str, Chain] = {}
    found: dict[int, tuple[str, Chain]] = {}
    for statement in body:
        small = _single(statement)
        if isinstance(small, cst.Assign) and len(small.targets) == 1:
            name = code_of(small.targets[0].target)
            chains.pop(name, None)
            if isinstance(small.value, cst.Call):
                if _is_merge(small.value, context):
                    merges[name] = small.value
                elif context.scope.kind_of(small.value) == "Sequential" and not small.value.args:
                    opened[name] = statement
            continue
        added = _added(small)
        if added is None:
            continue
        name, layer = added
        if name in chains:
            found[id(statement)] = ("add", chains[name])
            chains[name].last = id(statement)
        elif name in opened:
            start = opened.pop(name)
            merged = merges.get(code_of(layer)) if isinstance(layer, cst.Name) else layer
            if isinstance(merged, cst.Call) and _is_merge(merged, context):
                chain = Chain(name, _sources(merged))
                found[id(start)] = ("open", chain)
                found[id(statement)] = ("first", chain)
                chain.last = id(statement)
                chains[name] = chain
    return found


def _single(statement: cst.CSTNode) -> cst.BaseSmallStatement | None:
    if isinstance(statement, cst.SimpleStatementLine) and len(statement.body) == 1:
        return statement.body[0]
    return None


def _is_merge(call: cst.Call, context: Context) -> bool:
    path = context.scope.path_of(call.func)
    is_merge = path is not None and path.name.rpartition(".")[2] == "Merge"
    return is_merge and bool(call.args)


def _sources(call: cst.Call) -> cst.BaseExpression:
    named = [arg for arg in call.args if arg.keyword and arg.keyword.value == "layers"]
    return (named or call.args)[0].value


def _added(small: cst.BaseSmallStatement | None) -> tuple[str, cst.BaseExpression] | None:
    """Returns the model and the layer of a statement `model.add(layer)`."""
    if not isinstance(small, cst.Expr) or not isinstance(small.value, cst.Call):
        return None
    function = small.value.func
    is_add = isinstance(function, cst.Attribute) and function.attr.value == "add"
    if not is_add or len(small.value.args) != 1:
        return None
    assert isinstance(function, cst.Attribute)
    return code_of(function.value), small.value.args[0].value


def rewrite_chain_statement(
    part: str,
    chain: Chain,
    is_last: bool,
    updated: cst.SimpleStatementLine,
    nested: set[str],
    context: Context,
) -> list[cst.BaseStatement]:
    """Returns the statements of the functional API for one of a Sequential.

    Args:
        part: "open", "first" or "add".
        chain: the model.
        is_last: whether it is the last one.
        updated: the statement with rewritten parts.
        nested: the models that themselves have several inputs; it receives this one.
        context: the state of the rewriting.
    """
    if part == "open":
        return []
    added = _added(updated.body[0])
    assert added is not None
    value = code_of(added[1])
    if part == "add":
        value = f"{value}({chain.tensor})"
    lines = [f"{chain.tensor} = {value}\n"]
    if is_last:
        model = code_of(context.references.local("models.Model"))
        inputs = chain.inputs(context, nested)
        lines.append(f"{chain.name} = {model}({inputs}, {chain.tensor})\n")
        nested.add(chain.name)
    statements = list(cst.parse_module("".join(lines)).body)
    first = statements[0].with_changes(leading_lines=updated.leading_lines)
    return [first, *statements[1:]]
