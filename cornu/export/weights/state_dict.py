"""Weights of a model as a state_dict of torch, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.export.weights.assigning import assign_matches, check_built
from cornu.export.weights.files import read_state_dict
from cornu.export.weights.matching import (
    Names,
    choose_name,
    find_units,
    find_unknown_names,
    match_modules,
)
from cornu.export.weights.report import WeightReport
from cornu.export.weights.torch_layouts import TORCH

__all__ = ["load_state_dict", "state_dict"]


@api_boundary
def state_dict(model: Any, names: Names | None = None) -> dict[str, np.ndarray]:
    """Returns the weights of a model in the layout of torch, by the names of a state_dict.

    Args:
        model: the model, built.
        names: the names of modules: a dict by path or name of a layer, or a function of the path.
            By default, the path with dots, such as `"encoder.dense"`.

    Raises:
        NotImplementedError: torch has no module like a layer with weights.
        ValueError: the model has no layer of a path or name in `names`.

    Example:

    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2, name="fc")])
    >>> {name: array.shape for name, array in cornu.export.state_dict(model).items()}
    {'fc.weight': (2, 3), 'fc.bias': (2,)}
    """
    found: dict[str, np.ndarray] = {}
    unknown = list(find_unknown_names(model, names))
    if unknown:
        raise ValueError(
            f"state_dict: the model has no layers with the paths or names {unknown}, which `names` "
            "lists.\nmodel.summary() shows the names of all layers."
        )
    for path, layer, layouts in find_units(model, TORCH):
        if not layouts:
            raise NotImplementedError(
                f"torch has no module like {type(layer).__name__} {path!r}, which has weights."
            )
        prefix = path.replace("/", ".")
        if names is not None:
            given = choose_name(names, path)
            prefix = prefix if given is None else given
        for name, array in layouts[0].write(layer).items():
            found[f"{prefix}.{name}" if prefix else name] = np.ascontiguousarray(array)
    return found


@api_boundary
def load_state_dict(
    model: Any, source: Any, names: Names | None = None, *, strict: bool = True
) -> WeightReport:
    """Assigns the parameters of a state_dict of torch to the layers of a model.

    Layouts are converted. A module is found by `names`, by an equal name, or else by order: the
    next module whose parameters have the right names and shapes. Safetensors files have no order
    of modules: there, modules are found by order if they differ in their numbers only, as
    `layer.0` and `layer.1` do. The report says how, and why a layer or a key was left out. Nothing
    is assigned unless everything fits, or `strict` is False.

    Args:
        model: the model, built.
        source: a mapping of arrays or tensors, or the path of a file: `.safetensors`, or the index
            `.safetensors.index.json` of several such files, which need no torch; or `.pt`, `.pth`
            or `.bin`; or an address of the Hugging Face Hub, such as `"hf://owner/repo@revision"`.
        names: the name of the module of each layer: a dict by path or name of the layer, or a
            function of the path, which returns None for layers to leave out.
        strict: whether layers and keys that are left out raise an error.

    Returns:
        The report, which prints as a table.

    Raises:
        ValueError: a layer has no module, or a key was not taken; the message has the report.

    Example:

    >>> import cornu, numpy as np
    >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2, name="dense")])
    >>> state = {"fc.weight": np.ones((2, 3), "float32"), "fc.bias": np.zeros(2, "float32")}
    >>> report = cornu.export.load_state_dict(model, state)
    >>> print(report)
    layer  module  class   matched by  note
    dense  fc      Linear  order
    >>> model.layers[0].kernel.shape
    (3, 2)
    """
    check_built(model)
    state = read_state_dict(source)
    found, report = match_modules(model, state.arrays, names, TORCH, is_ordered=state.is_ordered)
    assign_matches(model, found, report, TORCH, strict)
    return report
