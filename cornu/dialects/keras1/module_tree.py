"""The module tree of Keras 1: the contents of each import path."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from cornu import layers as modern_layers
from cornu import saving, utils
from cornu.dialects.backend.signatures import THEANO_ONLY
from cornu.dialects.keras1 import (
    backend,
    callbacks,
    factories,
    merge,
    metrics,
    models,
    visualize_util,
)
from cornu.dialects.keras1 import layers as own_layers
from cornu.dialects.keras1 import np_utils as own_utils
from cornu.legacy import optimizers
from cornu.legacy.keras1 import objectives
from cornu.legacy.keras1.class_mapping import OldClass, automatic_name
from cornu.legacy.keras1.layer_table import ALIASES, LAYERS

__all__ = ["install", "load"]

_VERSION = "1.2.2"

# Names of Keras 1.2.2 that are not supported yet, by module.
_MISSING = {
    "layers": ("ConvRecurrent2D",),
    "models": ("model_from_config", "model_from_yaml", "save_model"),
    "callbacks": ("BaseLogger", "ProgbarLogger", "RemoteMonitor", "TensorBoard"),
    "backend": THEANO_ONLY,
    "metrics": ("fbeta_score", "fmeasure", "matthews_correlation", "precision", "recall"),
    "regularizers": ("EigenvalueRegularizer",),
    "optimizers": ("TFOptimizer",),
}


def Input(
    shape: Any = None,
    batch_shape: Any = None,
    name: str | None = None,
    dtype: Any = None,
    sparse: bool = False,
    tensor: Any = None,
) -> Any:
    """Returns a symbolic tensor for an input of a model."""
    return modern_layers.Input(
        shape=shape,
        batch_shape=batch_shape,
        name=name or automatic_name("Input"),
        dtype=dtype,
        sparse=sparse,
        tensor=tensor,
    )


def InputLayer(
    input_shape: Any = None,
    batch_input_shape: Any = None,
    input_dtype: Any = None,
    input_tensor: Any = None,
    sparse: bool = False,
    name: str | None = None,
) -> Any:
    """Returns the layer of an `Input`."""
    return modern_layers.InputLayer(
        shape=input_shape,
        batch_shape=batch_input_shape,
        dtype=input_dtype,
        input_tensor=input_tensor,
        sparse=sparse,
        name=name or automatic_name("Input"),
    )


def _layers() -> dict[str, dict[str, Any]]:
    """Returns the layers by name, for each module."""
    found: dict[str, dict[str, Any]] = {}
    for module, rows in LAYERS.items():
        names: dict[str, Any] = {row.old_name: OldClass(row, (own_layers.Layer,)) for row in rows}
        names |= {alias: names[name] for alias, name in ALIASES.get(module, {}).items()}
        found[module] = names
    found["recurrent"]["Recurrent"] = modern_layers.RNN
    # The pooling layers can be imported from both modules in Keras 1.
    found["convolutional"] |= found["pooling"]
    return found


def _public_names(module: ModuleType) -> dict[str, Any]:
    """Returns the public names of a module of the dialect."""
    return {name: vars(module)[name] for name in module.__all__}


def _tree() -> dict[str, dict[str, Any]]:
    """Returns the contents of each module, by its path below `keras`."""
    by_module = _layers()
    layers = {name: thing for names in by_module.values() for name, thing in names.items()}
    base = {"InputSpec": own_layers.InputSpec, "Layer": own_layers.Layer, "Merge": merge.Merge}
    topology = {
        **base,
        "Input": Input,
        "InputLayer": InputLayer,
        "get_source_inputs": utils.get_source_inputs,
        "merge": merge.merge,
    }
    return {
        "activations": factories.ACTIVATIONS,
        "backend": backend.FUNCTIONS,
        "callbacks": _public_names(callbacks),
        "constraints": factories.CONSTRAINT_MAKERS,
        "engine": {**topology, "Model": models.Model},
        "engine.topology": topology,
        "engine.training": {"Model": models.Model},
        "initializations": factories.INITIALIZATIONS,
        "layers": {**topology, **layers},
        **{f"layers.{name}": {**base, **names} for name, names in by_module.items()},
        "metrics": {**metrics.FUNCTIONS, **objectives.SHORT_FUNCTIONS},
        "models": {**_public_names(models), "Merge": merge.Merge},
        "objectives": {
            **objectives.FUNCTIONS,
            **objectives.SHORT_FUNCTIONS,
            "get": objectives.get,
        },
        "optimizers": _public_names(optimizers),
        "preprocessing": {},
        "preprocessing.sequence": {"pad_sequences": utils.pad_sequences},
        "regularizers": factories.REGULARIZER_MAKERS,
        "utils": {},
        "utils.generic_utils": {
            "CustomObjectScope": saving.CustomObjectScope,
            "Progbar": utils.Progbar,
            "custom_object_scope": saving.custom_object_scope,
            "get_custom_objects": saving.get_custom_objects,
        },
        "utils.np_utils": {**_public_names(own_utils), "normalize": utils.normalize},
        "utils.visualize_util": _public_names(visualize_util),
    }


@functools.cache
def load() -> ModuleType:
    """Returns the root of the module tree, without installing it.

    Example:

    >>> keras = load()
    >>> keras.__version__, keras.layers.core.Dense is keras.layers.Dense
    ('1.2.2', True)
    """
    modules = {"": ModuleType("keras", "Keras 1, implemented by cornu.")}
    vars(modules[""]).update(__version__=_VERSION, __path__=[])
    for path, names in sorted(_tree().items()):
        module = ModuleType(f"keras.{path}", f"keras.{path} of Keras 1, implemented by cornu.")
        missing = _MISSING.get(path.partition(".")[0], ())
        vars(module).update(names, __path__=[], __getattr__=_make_getattr(module.__name__, missing))
        above, _, name = path.rpartition(".")
        vars(modules[above])[name] = module
        modules[path] = module
    return modules[""]


def _make_getattr(module: str, missing: Sequence[str]) -> Callable[[str], Any]:
    """Returns the `__getattr__` of a module, which raises for names that are not supported."""

    def raise_missing(name: str) -> Any:
        if name in missing:
            raise NotImplementedError(f"{module}.{name} of Keras 1 is not supported.")
        raise AttributeError(f"module {module!r} of Keras 1 has no attribute {name!r}")

    return raise_missing


def install() -> None:
    """Makes `import keras` import Keras 1 in this process.

    Raises:
        RuntimeError: another version of Keras is already imported.
    """
    root = load()
    known = sys.modules.get("keras")
    if known is not None and known is not root:
        raise RuntimeError(
            f"Keras {vars(known).get('__version__', '')} is already imported from "
            f"{vars(known).get('__file__')}. Install the dialect before anything imports keras."
        )
    sys.modules.update(_modules(root))


def _modules(module: ModuleType) -> dict[str, ModuleType]:
    """Returns a module and its submodules by full name."""
    found = {module.__name__: module}
    for value in vars(module).values():
        if isinstance(value, ModuleType) and value.__name__.startswith(f"{module.__name__}."):
            found |= _modules(value)
    return found
