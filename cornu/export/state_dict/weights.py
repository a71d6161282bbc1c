"""Weights of a model as a state_dict of torch, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.export.state_dict.files import read_state_dict
from cornu.export.state_dict.matching import Names, find_units, match_modules
from cornu.export.state_dict.report import StateDictReport

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

    Example:

    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2, name="fc")])
    >>> {name: array.shape for name, array in cornu.export.state_dict(model).items()}
    {'fc.weight': (2, 3), 'fc.bias': (2,)}
    """
    found: dict[str, np.ndarray] = {}
    for path, layer, layout in find_units(model):
        if layout is None:
            raise NotImplementedError(
                f"torch has no module like {type(layer).__name__} {path!r}, which has weights."
            )
        prefix = path.replace("/", ".")
        if names is not None:
            given = names(path) if callable(names) else _find(names, path)
            prefix = prefix if given is None else given
        for name, array in layout.to_torch(layer).items():
            found[f"{prefix}.{name}" if prefix else name] = np.ascontiguousarray(array)
    return found


def _find(names: Mapping[str, str | None], path: str) -> str | None:
    return names.get(path, names.get(path.rpartition("/")[2]))


@api_boundary
def load_state_dict(
    model: Any, source: Any, names: Names | None = None, *, strict: bool = True
) -> StateDictReport:
    """Assigns the parameters of a state_dict of torch to the layers of a model.

    Layouts are converted. A module is found by `names`, by an equal name, or else by order: the
    next module whose parameters have the right names and shapes. The report says how, and why a
    layer or a key was left out. Nothing is assigned unless everything fits, or `strict` is False.

    Args:
        model: the model, built.
        source: a mapping of arrays or tensors, or the path of a file: `.safetensors`, which needs
            no torch, or `.pt`, `.pth` or `.bin`.
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
    if not model.built:
        raise ValueError(
            f"Model {model.name!r} is not built: it has no weights yet.\n"
            "Call it on a batch first, or declare its input shape with an Input."
        )
    assignments, report = match_modules(model, read_state_dict(source), names)
    if strict and not report.complete:
        raise ValueError(
            f"The state_dict does not fit model {model.name!r}; no weight was changed. Pass "
            f"names={{...}} to name modules, or strict=False to assign what fits.\n{report}"
        )
    for (_, layer, layout), given in assignments:
        assert layout is not None
        values = layout.from_torch(layer, given)
        for variable, value in zip(layer.weights, values, strict=True):
            variable.assign(value)
    return report
