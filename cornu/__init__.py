"""cornu: models drawn by calling functions, trained by JAX; the Keras 3 API.

    import cornu as keras

Everything is loaded when it is first used, so that importing costs little more than JAX.
"""

from __future__ import annotations

import gc
import importlib
from typing import TYPE_CHECKING, Any

from cornu._version import __version__
from cornu.deviations import is_enabled as _is_enabled

if TYPE_CHECKING:
    from cornu.core.graph.call_stack import block as block
    from cornu.core.graph.op import op as op
    from cornu.core.graph.remat import RematScope as RematScope
    from cornu.core.graph.remat import remat as remat
    from cornu.core.layer.input_spec import InputSpec as InputSpec
    from cornu.core.layer.layer import Layer as Layer
    from cornu.core.state.dtypes import DTypePolicy as DTypePolicy
    from cornu.core.state.scope import pure as pure
    from cornu.core.state.scope import value_and_grad as value_and_grad
    from cornu.core.state.variable import Variable as Variable
    from cornu.layers import Input as Input
    from cornu.losses import Loss as Loss
    from cornu.metrics import Metric as Metric
    from cornu.models import Model as Model
    from cornu.models import Sequential as Sequential
    from cornu.optimizers import Optimizer as Optimizer
    from cornu.parts.initializers import Initializer as Initializer
    from cornu.parts.regularizers import Regularizer as Regularizer
    from cornu.saving.resume import Resume as Resume

# Public name -> the module that has it.
_HOMES = {
    "DTypePolicy": "cornu.core.state.dtypes",
    "FloatDTypePolicy": "cornu.core.state.dtypes",
    "Initializer": "cornu.parts.initializers",
    "Input": "cornu.layers",
    "InputSpec": "cornu.core.layer.input_spec",
    "KerasTensor": "cornu.core.graph.tensor",
    "Layer": "cornu.core.layer.layer",
    "Loss": "cornu.losses",
    "Metric": "cornu.metrics",
    "Model": "cornu.models",
    "Optimizer": "cornu.optimizers",
    "Regularizer": "cornu.parts.regularizers",
    "RematScope": "cornu.core.graph.remat",
    "Resume": "cornu.saving.resume",
    "Sequential": "cornu.models",
    "Variable": "cornu.core.state.variable",
    "block": "cornu.core.graph.call_stack",
    "op": "cornu.core.graph.op",
    "pure": "cornu.core.state.scope",
    "remat": "cornu.core.graph.remat",
    "value_and_grad": "cornu.core.state.scope",
}
_SPACES = (
    "activations applications backend callbacks config constraints datasets debug dtype_policies "
    "errors initializers inspect layers losses metrics mixed_precision models ops optimizers "
    "preprocessing random regularizers saving tree utils"
).split()

__all__ = ["__version__", "version", *_HOMES, *_SPACES]


def version() -> str:
    """Returns the version of cornu."""
    return __version__


def _load(name: str) -> Any:
    """Imports a module, with the garbage collector at rest.

    Importing makes many objects and hardly any garbage, but each full collection on the way looks
    at all that was loaded before.
    """
    collects = gc.isenabled()
    if _is_enabled("import_without_collection"):
        gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        if collects:
            gc.enable()


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        module = _load(_HOMES[name])
        value = getattr(
            module, {"KerasTensor": "Tensor", "FloatDTypePolicy": "DTypePolicy"}.get(name, name)
        )
    elif name in _SPACES:
        if name == "saving":
            _load("cornu.models")  # so that every class can be found by name
        value = _load(f"cornu.{name}")
    else:
        raise AttributeError(f"module 'cornu' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
