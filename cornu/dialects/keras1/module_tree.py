"""The module tree of Keras 1: the contents of each import path."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

from cornu.core.graph.tensor import register_shape_type
from cornu.core.state.variable import Variable
from cornu.dialects import scikit_learn
from cornu.dialects.backend.lazy import read
from cornu.dialects.backend.signatures import THEANO_ONLY
from cornu.dialects.keras1 import (
    backend,
    callbacks,
    data,
    engine,
    factories,
    merge,
    metrics,
    models,
    np_utils,
    penalties,
    preprocessing,
    recurrent,
    utilities,
)
from cornu.dialects.keras1 import layers as own_layers
from cornu.dialects.keras1.layer_classes import CLASSES, INPUT_LAYER, MODULES
from cornu.dialects.keras_json import apply_settings
from cornu.dialects.tensor_shape import ListedShape
from cornu.dialects.tree import install_root, make_tree
from cornu.legacy.keras1 import objectives
from cornu.legacy.keras1.argument_values import set_image_dim_ordering
from cornu.legacy.keras1.class_mapping import automatic_name

__all__ = ["MISSING", "install", "load"]

_VERSION = "1.2.2"

_ABSTRACT = "it is an abstract class. Use ConvLSTM2D."
_AUDIO = "its weights, and the library that reads its audio files, no longer exist."
_THEANO = "only the backend of Theano has it."
# Names of Keras 1.2.2 that are not supported, with the reason, by module.
MISSING = {
    "applications": {"MusicTaggerCRNN": _AUDIO},
    "backend": dict.fromkeys(THEANO_ONLY, _THEANO),
    "layers": {"ConvRecurrent2D": _ABSTRACT},
    "layers.convolutional_recurrent": {"ConvRecurrent2D": _ABSTRACT},
    "optimizers": {"TFOptimizer": "it wraps an optimizer of TensorFlow."},
    "utils.generic_utils": dict.fromkeys(
        ("func_dump", "func_load"), "bytecode of functions is not stored or loaded."
    ),
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
    if isinstance(tensor, Variable):
        return read(tensor)
    if tensor is not None and tensor.node is not None:
        return tensor  # a model may begin at any Tensor
    layer = INPUT_LAYER(
        shape=shape,
        batch_shape=batch_shape,
        name=name or automatic_name("Input"),
        dtype=dtype,
        sparse=sparse,
        input_tensor=tensor,
    )
    return layer.output


# Names that programs import from a module that imported them for its own use.
_IMPORTED_BY_LAYERS = {
    **{name: vars(np_utils)[name] for name in ("conv_input_length", "conv_output_length")},
    "get_from_module": utilities.get_from_module,
    "time_distributed_dense": recurrent.time_distributed_dense,
}


def _imported_by_models(topology: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: topology[name] for name in ("Layer", "Merge", "get_source_inputs")},
        "Node": engine.TOPOLOGY["Node"],
        "ask_to_proceed_with_overwrite": utilities.ask_to_proceed_with_overwrite,
        "optimizer_from_config": factories.optimizer_from_config,
    }


def _public_names(module: ModuleType) -> dict[str, Any]:
    """Returns the public names of a module of the dialect."""
    return {name: vars(module)[name] for name in module.__all__}


def _tree() -> dict[str, dict[str, Any]]:
    """Returns the contents of each module, by its path below `keras`."""
    by_module = {name: dict(names) for name, names in MODULES.items()}
    layers = {name: thing for names in by_module.values() for name, thing in names.items()}
    base = {"InputSpec": own_layers.InputSpec, "Layer": own_layers.Layer, "Merge": merge.Merge}
    topology = {
        **base,
        "Input": Input,
        "InputLayer": CLASSES["InputLayer"],
        "get_source_inputs": engine.get_source_inputs,
        "merge": merge.merge,
    }
    own_utils = {f"utils.{name}": names for name, names in utilities.MODULES.items()}
    pictures = {f"preprocessing.{name}": names for name, names in preprocessing.MODULES.items()}
    by_module["recurrent"] |= {"time_distributed_dense": recurrent.time_distributed_dense}
    loaded = {"load_model": models.load_model, "save_model": models.save_model}
    return {
        "": {},
        "activations": factories.ACTIVATIONS,
        "backend": backend.FUNCTIONS,
        "callbacks": _public_names(callbacks),
        "constraints": penalties.CONSTRAINT_MAKERS,
        "engine": {**topology, "Model": models.Model},
        "engine.topology": {**topology, **engine.TOPOLOGY, "Container": models.Model},
        "engine.training": {"Model": models.Model, **engine.TRAINING},
        "initializations": factories.INITIALIZATIONS,
        "layers": {**topology, **layers, **_IMPORTED_BY_LAYERS},
        **{f"layers.{name}": {**base, **names} for name, names in by_module.items()},
        "metrics": {**metrics.FUNCTIONS, **objectives.SHORT_FUNCTIONS, "get": metrics.get},
        "models": {**_public_names(models), **loaded, **_imported_by_models(topology)},
        "objectives": {
            **objectives.FUNCTIONS,
            **objectives.SHORT_FUNCTIONS,
            "get": objectives.get,
        },
        "optimizers": factories.OPTIMIZERS,
        "preprocessing": {},
        **pictures,
        "regularizers": penalties.REGULARIZER_MAKERS,
        "utils": {},
        **own_utils,
        "wrappers": {},
        "wrappers.scikit_learn": _public_names(scikit_learn),
        **data.MODULES,
    }


@functools.cache
def load() -> ModuleType:
    """Returns the root of the module tree, without installing it.

    Example:

    >>> keras = load()
    >>> keras.__version__, keras.layers.core.Dense is keras.layers.Dense
    ('1.2.2', True)
    """
    return make_tree("keras", _VERSION, "Keras 1", _tree(), MISSING)


def install() -> None:
    """Makes `import keras` import Keras 1 in this process, with the settings of `keras.json`.

    Raises:
        RuntimeError: another version of Keras is already imported.
    """
    install_root(load())
    register_shape_type(ListedShape)
    apply_settings({"image_dim_ordering": set_image_dim_ordering})
