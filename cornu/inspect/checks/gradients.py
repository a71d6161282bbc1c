"""Checks that trace or run the model: weights without gradient, outputs that are not probabilities.

They take as long as tracing a training step, so only `model.check` runs them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from cornu import settings, tree
from cornu.core.layer.walk import nested_layers
from cornu.core.state import scope
from cornu.inspect.checks.context import CheckContext
from cornu.inspect.checks.outputs import crossentropy_kind, expects_logits
from cornu.inspect.checks.report import Finding
from cornu.types import PyTree

__all__ = ["check_gradients", "check_outputs_of"]


def check_gradients(context: CheckContext, batch: PyTree) -> Iterator[Finding]:
    """Finds weights whose gradient is zero for all data, in the traced program."""
    model = context.model
    trained = model.trainable_variables
    x, y, weight = batch

    def gradients(batch: PyTree) -> Any:
        x, y, weight = batch

        def loss_of() -> Any:
            y_pred = model(x, training=True)
            return model._compute_loss_(x, y, y_pred, weight, training=True)

        return scope.value_and_grad(loss_of, trained)()[1]

    variables = model._trainer_.touched_variables()
    lifted = scope.functionalize(gradients, variables, model._trainer_.random_sources())
    shared = settings.get("share_blocks")
    # A function shared by several blocks would hide their zeros.
    settings.put("share_blocks", False)
    try:
        closed = jax.make_jaxpr(lambda values, key, batch: lifted(values, key, batch)[0])(
            tuple(v.stored for v in variables), jax.random.key(0), (x, y, weight)
        )
    finally:
        settings.put("share_blocks", shared)
    owners = {id(v): layer for layer in nested_layers(model) for v in layer._own_variables_()}
    calls = {id(call.op): call for call in context.calls()}
    for variable, dead in zip(trained, _zeros(closed), strict=True):
        if dead:
            call = calls.get(id(owners.get(id(variable))))
            path = variable.path if call is None else f"{call.path}/{variable.name}"
            place = "" if call is None else call.place
            yield Finding("C021", "Its gradient is 0 for any data.", path, place)


def _zeros(closed: Any) -> list[bool]:
    """Returns for each result of a traced program whether it is zero for all arguments."""
    jaxpr = closed.jaxpr
    # By id, because literals, which occur among the variables, are not hashable.
    depends = {id(var) for var in jaxpr.invars}
    constant = []
    for equation in jaxpr.eqns:
        if any(id(var) in depends for var in equation.invars):
            depends.update(map(id, equation.outvars))
        else:
            constant.append(equation)
    fixed = [var for var in jaxpr.outvars if id(var) not in depends]
    # Evaluates only the equations that do not depend on the arguments.
    small = jaxpr.replace(
        invars=[], eqns=constant, outvars=fixed, debug_info=jaxpr.debug_info.with_unknown_names()
    )
    values = iter(jax.core.eval_jaxpr(small, closed.consts) if fixed else ())
    return [id(var) not in depends and not np.any(next(values)) for var in jaxpr.outvars]


def check_outputs_of(context: CheckContext, x: PyTree) -> Iterator[Finding]:
    """Runs a subclassed model on a few rows to see whether its outputs can be probabilities."""
    model = context.model
    wanted = [
        output.loss is not None and crossentropy_kind(output.loss) != ""
        for output in context.outputs
    ]
    if context.functional_graph is not None or not any(wanted):
        return
    variables = model._trainer_.touched_variables()
    lifted = scope.functionalize(
        lambda x: model(x, training=False), variables, model._trainer_.random_sources()
    )
    few = tree.map(lambda a: None if a is None else np.asarray(a)[:8], x)
    outputs, _, _ = lifted(tuple(v.stored for v in variables), jax.random.key(0), few)
    for output, values in zip(context.outputs, tree.leaves(outputs), strict=False):
        if output.loss is None or not crossentropy_kind(output.loss):
            continue
        low, high = float(np.min(values)), float(np.max(values))
        inside = low >= 0 and high <= 1
        where = f"output {output.name!r}"
        if not inside and not expects_logits(output.loss):
            yield Finding("C054", f"They are between {low:.4g} and {high:.4g}.", where)
        elif inside and expects_logits(output.loss) and np.size(values) > 8:
            sums = np.sum(np.asarray(values, "float64"), -1)
            if np.allclose(sums, 1, atol=1e-3):
                yield Finding("C011", "Its rows sum to 1 on some rows of x.", where)
