"""The layers of Keras 2 as classes that a program calls.

A call is bound to the signature of the version, and converted by the rows with which files of
Keras 2 are read: `cornu.legacy.keras2`.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import layers, registry, tree
from cornu.core.state.dtypes import is_float
from cornu.dialects.keras2.implementation import signatures
from cornu.dialects.keras2.implementation.base_layer import Layer, make_base_layer
from cornu.dialects.keras2.implementation.old_spellings import convert_call
from cornu.dialects.keras2.implementation.values import ArrayInitializer, converter_of
from cornu.dialects.keras2.implementation.version import Version
from cornu.dialects.layer_methods import GraphMethods, derive_class
from cornu.layers.rnn.cell_protocol import DenseCell
from cornu.legacy.keras1.class_mapping import (
    TARGET_CLASS,
    Arguments,
    ClassMapping,
    Era,
    OldClass,
)
from cornu.legacy.keras2.layer_table import COMMON, LAYERS
from cornu.legacy.layer_row import TARGET_CLASS as TARGET_NAME
from cornu.legacy.layer_row import Context, LayerRow, convert_arguments

__all__ = ["ALIASES", "derive", "make_layers"]

_SAME = LayerRow()
# Other names of classes, by module.
_SPATIAL = ("1D", "2D", "3D")
ALIASES: dict[str, dict[str, str]] = {
    "convolutional": {
        **{f"Convolution{n}": f"Conv{n}" for n in _SPATIAL},
        **{f"SeparableConvolution{n}": f"SeparableConv{n}" for n in ("1D", "2D")},
        **dict.fromkeys(
            ("Convolution2DTranspose", "Deconvolution2D", "Deconv2D"), "Conv2DTranspose"
        ),
        **dict.fromkeys(("Deconvolution3D", "Deconv3D"), "Conv3DTranspose"),
    },
    "pooling": {
        **{f"AvgPool{n}": f"AveragePooling{n}" for n in _SPATIAL},
        **{f"MaxPool{n}": f"MaxPooling{n}" for n in _SPATIAL},
        **{f"GlobalAvgPool{n}": f"GlobalAveragePooling{n}" for n in _SPATIAL},
        **{f"GlobalMaxPool{n}": f"GlobalMaxPooling{n}" for n in _SPATIAL},
    },
}
# Layers whose input is a sequence of vectors, so that `input_dim` is the size of a vector.
_SEQUENTIAL = frozenset(
    (
        *("Conv1D", "LocallyConnected1D", "SeparableConv1D", "RNN", "SimpleRNN", "GRU", "LSTM"),
        *("CuDNNGRU", "CuDNNLSTM"),
    )
)
_NORMALIZATION = ("gamma", "beta", "moving_mean", "moving_variance")
# Flags without which a layer has no such array.
_FLAGS = {"gamma": "scale", "beta": "center", "bias": "use_bias"}
# Classes of cornu that accept neither an input shape nor a dtype of Keras 2.
_WITHOUT_SHAPE = ("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D")


def make_layers(version: Version) -> dict[str, dict[str, Any]]:
    """Returns the layers of a version by name, for each module below `keras.layers`."""
    later = signatures.TENSORFLOW if version.source.is_tensorflow else signatures.SINCE_2_3
    if version.renames_accuracy:
        later = {}
    era = Era(
        version.name,
        functools.partial(_convert, version),
        version.automatic_name,
        prepare=convert_call if version.accepts_keras_1 else None,
    )
    base = make_base_layer(version)
    found: dict[str, dict[str, Any]] = {}
    more = signatures.TENSORFLOW_MORE if version.source.is_tensorflow else {}
    for module, common in signatures.MODULES.items():
        rows = {**common, **more.get(module, {})}
        names = {
            name: _make_class(name, later.get(name, signature), version, era, base)
            for name, signature in rows.items()
        }
        names |= {alias: names[name] for alias, name in ALIASES.get(module, {}).items()}
        found[module] = names
    # The pooling layers can be imported from both modules.
    found["convolutional"] |= {
        name: value for name, value in found["pooling"].items() if name.endswith("ing1D")
    }
    found["convolutional"] |= {
        name: value for name, value in found["pooling"].items() if not name.startswith("Global")
    }
    return found


def _make_class(
    name: str, signature: str, version: Version, era: Era, base: type[Layer]
) -> OldClass:
    target = _choose_class(name, {"name": None}, version)
    mapping = ClassMapping(
        name,
        signature,
        target,
        keywords=signatures.LAYER_KEYWORDS,
        instance_types=_instance_types(name, target),
        era=era,
    )
    methods = _methods(target)
    made = OldClass(mapping, (base,) if methods is GraphMethods else (methods, base))
    made.derive = derive
    return made


def derive(target: type, name: str) -> type:
    """Returns a subclass of a class of layers, with the methods of Keras 2."""
    return derive_class(target, name, _methods(target))


def _methods(target: type) -> type:
    """Returns the mixin with the methods of Keras 2 for a class of today."""
    kinds = ((layers.RNN, RecurrentMethods), (DenseCell, CellMethods))
    return next((methods for kind, methods in kinds if issubclass(target, kind)), GraphMethods)


class CellMethods(GraphMethods):
    """Mixin with the weights of single gates of cells of Keras 2, such as `kernel_i`."""

    def __getattr__(self: Any, name: str) -> Any:
        """Returns a part of `kernel`, `recurrent_kernel` or `bias` for the letter of a gate."""
        whole, _, gate = name.rpartition("_")
        gates = {"LSTMCell": "ifco", "GRUCell": "zrh"}.get(self._library_class_().__name__, "")
        if whole not in ("kernel", "recurrent_kernel", "bias") or gate not in (*gates,):
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
        start = gates.index(gate) * self.units
        return getattr(self, whole)[..., start : start + self.units]


class RecurrentMethods(GraphMethods):
    """Mixin with the methods of recurrent layers of Keras 2."""

    def reset_states(self: Any, states: Any = None) -> None:
        """Sets the states of a stateful layer: to zero, or to the given arrays.

        Raises:
            ValueError: the number of arrays or a shape differs from that of the states.
        """
        if states is None:
            self.reset_state()
            return
        variables = tree.leaves(self.states)
        arrays = list(states) if isinstance(states, (list, tuple)) else [states]
        expected = [tuple(variable.shape) for variable in variables]
        found = [np.shape(array) for array in arrays]
        if found != expected:
            raise ValueError(
                f"{self._label_()}: reset_states expected arrays of shapes {expected}. "
                f"Received: {found}"
            )
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)


def _instance_types(name: str, target: type) -> tuple[type, ...]:
    """Returns the class that all versions of a layer are derived from."""
    return (registry.find("layers", name),) if name in vars(layers) else (target,)


def _choose_class(name: str, config: Arguments, version: Version) -> type:
    """Returns the class of today for a config."""
    row = LAYERS.get(name, _SAME)
    arguments = dict(config)
    for convert in row.conversions:
        convert(arguments, _context(version))
    found: type = registry.find("layers", str(arguments.get(TARGET_NAME, row.target or name)))
    return found


def _context(version: Version) -> Context:
    return Context(version.source, lambda entry: entry)


def _convert(version: Version, mapping: ClassMapping, arguments: Arguments) -> Arguments:
    """Returns keyword arguments of the class of today, for all arguments of a call."""
    name = mapping.old_name
    _set_shape(name, arguments)
    for argument, value in arguments.items():
        convert = converter_of(argument, version)
        if convert is not None:
            arguments[argument] = convert(value)
    _set_weights(name, arguments)
    context = _context(version)
    row = LAYERS.get(name, _SAME)
    given = convert_arguments(name, row, arguments, context)
    given = convert_arguments(name, COMMON, given, context)
    target = given.pop(TARGET_NAME, None)
    if target is not None:
        given[TARGET_CLASS] = registry.find("layers", str(target))
    if name in _WITHOUT_SHAPE:
        given = {k: v for k, v in given.items() if k not in ("batch_input_shape", "trainable")}
    # Arguments that the class of today does not have, with the value that changes nothing.
    for neutral in ("activity_regularizer", "robust_masking"):
        if neutral in given and not given[neutral] and name in ("Embedding", "Softmax"):
            del given[neutral]
    return given


def _set_shape(name: str, arguments: Arguments) -> None:
    """Replaces all arguments about the shape of the input by `batch_input_shape`."""
    shape, batch_shape = arguments.pop("input_shape"), arguments.pop("batch_input_shape")
    size = arguments.pop("batch_size")
    length = arguments.pop("input_length")
    if name == "Embedding":
        if shape is None and batch_shape is None:
            shape = tuple(length) if isinstance(length, (list, tuple)) else (length,)
    else:
        width = arguments.pop("input_dim")
        if shape is None and width is not None:
            shape = (length, width) if name in _SEQUENTIAL else (width,)
    if batch_shape is None and shape is not None:
        batch_shape = (size, *(shape if isinstance(shape, (list, tuple)) else (shape,)))
    if batch_shape is not None:
        arguments["batch_input_shape"] = tuple(batch_shape)
    dtype = arguments.get("dtype")
    # The dtype of an embedding's input, which is not that of the layer today.
    if dtype is None or not is_float(np.dtype(dtype)):
        del arguments["dtype"]


def _set_weights(name: str, arguments: Arguments) -> None:
    """Replaces `weights=[...]` by initializers with these values."""
    if name == "Bidirectional":
        return
    arrays = arguments.pop("weights")
    if not arrays:
        return
    roles: Sequence[str] = [
        argument.removesuffix("_initializer")
        for argument in arguments
        if argument.endswith("_initializer")
    ]
    if name == "BatchNormalization":
        roles = _NORMALIZATION
    roles = [role for role in roles if arguments.get(_FLAGS.get(role, ""), True)]
    if len(arrays) != len(roles):
        raise ValueError(
            f"{name}: weights must have {len(roles)} arrays ({', '.join(roles)}). "
            f"Received: {len(arrays)}"
        )
    for role, array in zip(roles, arrays, strict=True):
        arguments[f"{role}_initializer"] = ArrayInitializer(array)
    if "unit_forget_bias" in arguments:
        arguments["unit_forget_bias"] = False
