"""Checks that trace or run the model: weights without gradient, outputs that are no probabilities.

They cost as much as building the program, so that only `model.check` does them.
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

__all__ = ["check_gradients", "check_outputs_of"]


def check_gradients(view: CheckContext, batch: Any) -> Iterator[Finding]:
    """Weights whose gradient is zero whatever the data is, found in the traced program."""
    model = view.model
    trained = model.trainable_variables
    x, y, weight = batch

    def gradients(batch: Any) -> Any:
        x, y, weight = batch

        def loss_of() -> Any:
            y_pred = model(x, training=True)
            return model.compute_loss(x, y, y_pred, weight, training=True)

        return scope.value_and_grad(loss_of, trained)()[1]

    variables = model.trainer.touched_variables()
    lifted = scope.functionalize(gradients, variables, model.trainer.random_sources())
    shared = settings.get("share_blocks")
    settings.put("share_blocks", False)  # one function for several blocks would hide their zeros
    try:
        closed = jax.make_jaxpr(lambda values, key, batch: lifted(values, key, batch)[0])(
            tuple(v.stored for v in variables), jax.random.key(0), (x, y, weight)
        )
    finally:
        settings.put("share_blocks", shared)
    owners = {id(v): layer for layer in nested_layers(model) for v in layer.own_variables()}
    steps = {id(step.op): step for step in view.calls()}
    for variable, dead in zip(trained, _zeros(closed), strict=True):
        if dead:
            step = steps.get(id(owners.get(id(variable))))
            path = variable.path if step is None else f"{step.path}/{variable.name}"
            place = "" if step is None else step.place
            yield Finding("C021", "Its gradient is 0 for any data.", path, place)


def _zeros(closed: Any) -> list[bool]:
    """Tells which results of a traced program are zero whatever its arguments are."""
    jaxpr = closed.jaxpr
    # By id: literals, which stand among the variables, have no hash.
    depends = {id(var) for var in jaxpr.invars}
    constant = []
    for equation in jaxpr.eqns:
        if any(id(var) in depends for var in equation.invars):
            depends.update(map(id, equation.outvars))
        else:
            constant.append(equation)
    fixed = [var for var in jaxpr.outvars if id(var) not in depends]
    small = jaxpr.replace(
        invars=[], eqns=constant, outvars=fixed, debug_info=jaxpr.debug_info.with_unknown_names()
    )
    values = iter(jax.core.eval_jaxpr(small, closed.consts) if fixed else ())
    return [id(var) not in depends and not np.any(next(values)) for var in jaxpr.outvars]


def check_outputs_of(view: CheckContext, x: Any) -> Iterator[Finding]:
    """Outputs of a model that is not drawn, on a few rows: whether they can be probabilities."""
    model = view.model
    wanted = [head.loss is not None and crossentropy_kind(head.loss) != "" for head in view.heads]
    if view.drawing is not None or not any(wanted):
        return
    variables = model.trainer.touched_variables()
    lifted = scope.functionalize(
        lambda x: model(x, training=False), variables, model.trainer.random_sources()
    )
    few = tree.map(lambda a: None if a is None else np.asarray(a)[:8], x)
    outputs, _, _ = lifted(tuple(v.stored for v in variables), jax.random.key(0), few)
    for head, output in zip(view.heads, tree.leaves(outputs), strict=False):
        if head.loss is None or not crossentropy_kind(head.loss):
            continue
        low, high = float(np.min(output)), float(np.max(output))
        inside = low >= 0 and high <= 1
        where = f"output {head.name!r}"
        if not inside and not expects_logits(head.loss):
            yield Finding("C054", f"They lie between {low:.4g} and {high:.4g}.", where)
        elif inside and expects_logits(head.loss) and np.size(output) > 8:
            sums = np.sum(np.asarray(output, "float64"), -1)
            if np.allclose(sums, 1, atol=1e-3):
                yield Finding("C011", "Its rows sum to 1 on some data.", where)
