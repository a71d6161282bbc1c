"""Weights of Flax, and of other programs of JAX, into a model."""

from __future__ import annotations

from typing import Any

from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.export.weights.assigning import assign_matches, check_built
from cornu.export.weights.flax_layouts import FLAX
from cornu.export.weights.matching import Names, match_modules
from cornu.export.weights.report import WeightReport
from cornu.export.weights.trees import read_tree, relabel

__all__ = ["load_flax"]


@api_boundary
def load_flax(
    model: Any, source: Any, names: Names | None = None, *, strict: bool = True
) -> WeightReport:
    """Assigns the parameters of a tree of Flax to the layers of a model.

    Layouts are converted. A module is found by `names` or by an equal name. Trees of JAX have no
    order: other modules are found by the names and shapes of their parameters if only one fits, or
    if those that fit differ in their numbers only, as `Dense_0` and `Dense_1` do. The report says
    how, and why a layer or a key was left out. Nothing is assigned unless everything fits, or
    `strict` is False.

    Args:
        model: the model, built.
        source: the collections or the parameters of a linen module; a module or state of nnx; a
            `TrainState`; nested dicts of another program, with parameters named `kernel` or `w`,
            `bias` or `b`, and so on; or the path of a checkpoint that Orbax wrote of one of these,
            or of a `.safetensors` file. Apart from `params` and `batch_stats`, collections are
            left out, as is the state of an optimizer (see `load_optax`).
        names: the name of the module of each layer, such as `"encoder/Dense_0"`: a dict by path or
            name of the layer, or a function of the path, which returns None for layers to leave
            out.
        strict: whether layers and keys that are left out raise an error.

    Returns:
        The report, which prints as a table.

    Raises:
        ValueError: a layer has no module, or a key was not taken; the message has the report.

    Example:

    >>> import cornu, numpy as np
    >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2, name="fc")])
    >>> tree = {"params": {"Dense_0": {"kernel": np.ones((3, 2)), "bias": np.zeros(2)}}}
    >>> print(cornu.export.load_flax(model, tree))
    layer  module   class  matched by  note
    fc     Dense_0  Dense  order
    """
    check_built(model)
    tree = read_tree(source)
    found, report = match_modules(model, tree.arrays, names, FLAX, is_ordered=False)
    report.unused = relabel(report.unused, tree.labels)
    assign_matches(model, found, report, FLAX, strict)
    return report
