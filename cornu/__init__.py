"""cornu: functional models compiled by JAX, with the API of Keras 3.

    import cornu as keras

Public names are imported on first access, so that `import cornu` takes little longer than
`import jax`.
"""

from __future__ import annotations

import gc as _gc
import importlib as _importlib
from typing import TYPE_CHECKING
from typing import Any as _Any

from cornu._version import __version__
from cornu.deviations import is_enabled as _is_enabled
from cornu.names import is_submodule as _is_submodule

# What editors and type checkers see; `_import_public` imports the same names at run time.
if TYPE_CHECKING:
    from cornu import activations as activations
    from cornu import applications as applications
    from cornu import backend as backend
    from cornu import callbacks as callbacks
    from cornu import config as config
    from cornu import constraints as constraints
    from cornu import datasets as datasets
    from cornu import debug as debug
    from cornu import distillation as distillation
    from cornu import distribution as distribution
    from cornu import dtype_policies as dtype_policies
    from cornu import errors as errors
    from cornu import export as export
    from cornu import initializers as initializers
    from cornu import inspect as inspect
    from cornu import layers as layers
    from cornu import losses as losses
    from cornu import metrics as metrics
    from cornu import mixed_precision as mixed_precision
    from cornu import models as models
    from cornu import ops as ops
    from cornu import optimizers as optimizers
    from cornu import preprocessing as preprocessing
    from cornu import quantizers as quantizers
    from cornu import random as random
    from cornu import regularizers as regularizers
    from cornu import saving as saving
    from cornu import serving as serving
    from cornu import tree as tree
    from cornu import utils as utils
    from cornu import wrappers as wrappers
    from cornu.compat.finder import install_as_keras as install_as_keras
    from cornu.core.graph.call_stack import block as block
    from cornu.core.graph.op import op as op
    from cornu.core.graph.operation import Operation as Operation
    from cornu.core.graph.remat import RematScope as RematScope
    from cornu.core.graph.remat import remat as remat
    from cornu.core.graph.tensor import Tensor as _Tensor
    from cornu.core.layer.input_spec import InputSpec as InputSpec
    from cornu.core.layer.layer import Layer as Layer
    from cornu.core.state.dtype_policy import DTypePolicy as DTypePolicy
    from cornu.core.state.public_scopes import StatelessScope as StatelessScope
    from cornu.core.state.public_scopes import SymbolicScope as SymbolicScope
    from cornu.core.state.public_scopes import device as device
    from cornu.core.state.public_scopes import name_scope as name_scope
    from cornu.core.state.scope import pure as pure
    from cornu.core.state.scope import value_and_grad as value_and_grad
    from cornu.core.state.variable import Variable as Variable
    from cornu.layers import Input as Input
    from cornu.losses import Loss as Loss
    from cornu.metrics import Metric as Metric
    from cornu.models import Model as Model
    from cornu.models import Sequential as Sequential
    from cornu.models.function import Function as Function
    from cornu.optimizers import Optimizer as Optimizer
    from cornu.parts.initializers import Initializer as Initializer
    from cornu.parts.regularizers import Regularizer as Regularizer
    from cornu.quantizers import Quantizer as Quantizer
    from cornu.saving.resume import Resume as Resume

    FloatDTypePolicy = DTypePolicy
    KerasTensor = _Tensor

# Public name -> (module, name in the module).
_OBJECTS = {
    "DTypePolicy": ("cornu.core.state.dtype_policy", "DTypePolicy"),
    "FloatDTypePolicy": ("cornu.core.state.dtype_policy", "DTypePolicy"),
    "Function": ("cornu.models.function", "Function"),
    "Initializer": ("cornu.parts.initializers", "Initializer"),
    "Input": ("cornu.layers", "Input"),
    "InputSpec": ("cornu.core.layer.input_spec", "InputSpec"),
    "KerasTensor": ("cornu.core.graph.tensor", "Tensor"),
    "Layer": ("cornu.core.layer.layer", "Layer"),
    "Loss": ("cornu.losses", "Loss"),
    "Metric": ("cornu.metrics", "Metric"),
    "Model": ("cornu.models", "Model"),
    "Operation": ("cornu.core.graph.operation", "Operation"),
    "Optimizer": ("cornu.optimizers", "Optimizer"),
    "Quantizer": ("cornu.quantizers", "Quantizer"),
    "Regularizer": ("cornu.parts.regularizers", "Regularizer"),
    "RematScope": ("cornu.core.graph.remat", "RematScope"),
    "Resume": ("cornu.saving.resume", "Resume"),
    "Sequential": ("cornu.models", "Sequential"),
    "StatelessScope": ("cornu.core.state.public_scopes", "StatelessScope"),
    "SymbolicScope": ("cornu.core.state.public_scopes", "SymbolicScope"),
    "Variable": ("cornu.core.state.variable", "Variable"),
    "block": ("cornu.core.graph.call_stack", "block"),
    "device": ("cornu.core.state.public_scopes", "device"),
    "install_as_keras": ("cornu.compat.finder", "install_as_keras"),
    "name_scope": ("cornu.core.state.public_scopes", "name_scope"),
    "op": ("cornu.core.graph.op", "op"),
    "pure": ("cornu.core.state.scope", "pure"),
    "remat": ("cornu.core.graph.remat", "remat"),
    "value_and_grad": ("cornu.core.state.scope", "value_and_grad"),
}
_NAMESPACES = (
    "activations applications backend callbacks config constraints datasets debug distillation "
    "distribution dtype_policies errors export initializers inspect layers losses metrics "
    "mixed_precision models ops optimizers preprocessing quantizers random regularizers saving "
    "tree utils wrappers"
).split()
# Needs further packages, without which `import *` would fail: it is not in __all__.
_OPTIONAL_NAMESPACES = ["serving"]

__all__ = ["__version__", "version", *_OBJECTS, *_NAMESPACES]

_MANY_OBJECTS = 10_000  # allocated by the import of a module, without those that were freed


def version() -> str:
    """Returns the version of cornu.

    Example:

    >>> import cornu
    >>> cornu.version() == cornu.__version__
    True
    """
    return __version__


def _import(name: str) -> _Any:
    """Imports a module without garbage collection.

    An import allocates many objects and hardly any garbage, but each full collection during it
    traverses everything that was loaded before: pausing it makes the import 25 ms shorter.
    """
    was_enabled = _gc.isenabled()
    pauses = _is_enabled("import_without_collection")
    if pauses:
        _gc.disable()
    try:
        return _importlib.import_module(name)
    finally:
        if was_enabled:
            # Otherwise the next two collections would traverse all of the new objects, in 70 ms
            # each. Objects that `unfreeze` releases are in the oldest generation. Those that the
            # program has frozen would be released as well.
            if pauses and _gc.get_count()[0] > _MANY_OBJECTS and not _gc.get_freeze_count():
                _gc.freeze()
                _gc.unfreeze()
            _gc.enable()


def _import_public(name: str) -> _Any:
    if name in _OBJECTS:
        module, attribute = _OBJECTS[name]
        value = getattr(_import(module), attribute)
    elif name in (*_NAMESPACES, *_OPTIONAL_NAMESPACES):
        if name == "saving":
            _import("cornu.models")  # registers every class that a file may name
        value = _import(f"cornu.{name}")
    else:
        if _is_submodule(__path__, name):
            raise AttributeError(name)
        from cornu.errors import unknown_name

        error = unknown_name("cornu", name, __all__)
        try:
            raise error
        except AttributeError:
            error.__traceback__ = None  # a bare `raise` adds no frame of the library
            raise
    globals()[name] = value  # later accesses do not come here
    return value


# Not a `def __getattr__`: type checkers would accept any name then.
globals()["__getattr__"] = _import_public


def __dir__() -> list[str]:
    return sorted([*__all__, *_OPTIONAL_NAMESPACES])
