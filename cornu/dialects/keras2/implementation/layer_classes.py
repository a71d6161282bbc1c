"""The layers of Keras 2 as classes that a program calls.

A call is bound to the signature of the version, and converted by the rows with which files of
Keras 2 are read: `cornu.legacy.keras2`.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cornu import layers, registry, tree
from cornu.core.state.dtypes import is_float
from cornu.dialects.input_layers import make_input_layer
from cornu.dialects.keras1.layer_tree import KEPT_LAYERS
from cornu.dialects.keras2.implementation import base_layer, signatures
from cornu.dialects.keras2.implementation.base_layer import Layer, make_base_layer
from cornu.dialects.keras2.implementation.configs import make_configs
from cornu.dialects.keras2.implementation.old_spellings import convert_call
from cornu.dialects.keras2.implementation.tensorflow_methods import AdaptMethods
from cornu.dialects.keras2.implementation.values import ArrayInitializer, converter_of
from cornu.dialects.keras2.implementation.version import VERSIONS, Version
from cornu.dialects.layer_methods import GraphMethods, derive_class, set_attributes
from cornu.dialects.old_configs import record_directions
from cornu.layers.rnn.cell_protocol import DenseCell
from cornu.legacy.keras1.class_mapping import (
    TARGET_CLASS,
    Arguments,
    ClassMapping,
    Era,
    OldClass,
    convert_bound,
)
from cornu.legacy.keras2.layer_table import COMMON, LAYERS
from cornu.legacy.layer_row import TARGET_CLASS as TARGET_NAME
from cornu.legacy.layer_row import Context, LayerRow, convert_arguments
from cornu.renamed import KERAS_1_ARGUMENTS

__all__ = ["ALIASES", "find_class", "make_inputs", "make_kept_layers", "make_kinds", "make_layers"]

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
    "core": {"Convolution1DTranspose": "Conv1DTranspose"},
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
# Classes of cornu that accept neither an input shape nor `trainable`.
_WITHOUT_SHAPE = (*("Discretization", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"),)


@functools.cache
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
    for module in dict.fromkeys((*signatures.MODULES, *more)):
        rows = {**signatures.MODULES.get(module, {}), **more.get(module, {})}
        names = {
            name: _make_class(name, later.get(name, signature), version, era, base)
            for name, signature in rows.items()
        }
        aliases = ALIASES.get(module, {}).items()
        names |= {alias: names[name] for alias, name in aliases if name in names}
        found[module] = names
    # The pooling layers can be imported from both modules.
    found["convolutional"] |= {
        name: value for name, value in found["pooling"].items() if name.endswith("ing1D")
    }
    found["convolutional"] |= {
        name: value for name, value in found["pooling"].items() if not name.startswith("Global")
    }
    for names in found.values():
        make_configs(version).classes.update(names)
    return found


@functools.cache
def make_kept_layers(version: Version) -> dict[str, OldClass]:
    """Returns the layers of Keras 1 that Keras 2 kept, with the signatures of Keras 1."""
    era = Era(version.name, convert_bound, version.automatic_name, KERAS_1_ARGUMENTS)
    found = {}
    for name, row in KEPT_LAYERS.items():
        mapping = replace(row, era=era, keywords=f"dtype=None, {row.keywords}")
        found[name] = OldClass(mapping, (make_base_layer(version),))
        found[name].derive = functools.partial(_derive, version)
        found[name].reference = (find_old_class, version.number, name)
    make_configs(version).classes.update(found)
    return found


@functools.cache
def make_inputs(version: Version) -> dict[str, Any]:
    """Returns `Input` and `InputLayer` of a version."""
    own = signatures.INPUT_LAYER
    text, further = (
        (own["tf.keras"], "batch_input_shape=None")
        if version.source.is_tensorflow
        else (own["keras"], "")
    )
    made = make_input_layer(version.name, text, version.automatic_name, further)
    made.derive = functools.partial(_derive, version)
    made.reference = (find_old_class, version.number, "InputLayer")
    make_configs(version).classes["InputLayer"] = made
    function = base_layer.make_inputs(version, made.class_for(layers.InputLayer))
    return {**function, "InputLayer": made}


def make_kinds(version: Version) -> dict[str, Any]:
    """Returns the classes of a version for the names of today, which files have."""
    classes = [one for names in make_layers(version).values() for one in names.values()]
    classes.append(make_inputs(version)["InputLayer"])
    kinds: dict[str, Any] = {}
    for one in classes:
        target, name = one.mapping.target, one.mapping.old_name
        if isinstance(target, type) and (target.__name__ not in kinds or name == target.__name__):
            kinds[target.__name__] = one.class_for(target)
    return kinds


def _make_class(
    name: str, signature: str, version: Version, era: Era, base: type[Layer]
) -> OldClass:
    target = _choose_class(name, {"name": None}, version)
    further = signatures.TENSORFLOW_KEYWORDS.get(name) if version.source.is_tensorflow else None
    mapping = ClassMapping(
        name,
        signature,
        target,
        keywords=", ".join(part for part in (further, signatures.LAYER_KEYWORDS) if part),
        instance_types=_instance_types(name, target),
        era=era,
    )
    methods = _methods(target)
    made = OldClass(mapping, (base,) if methods is GraphMethods else (methods, base))
    made.derive = functools.partial(_derive, version)
    made.reference = (find_old_class, version.number, name)
    if name in _WITHOUT_SHAPE:
        made.finish = set_attributes
    if name == "Bidirectional":
        made.finish = record_directions
    return made


def _derive(version: Version, target: type, old_class: OldClass) -> type:
    name = old_class.mapping.old_name
    members = {
        "_class_reference_": (find_class, version.number, name, target),
        "_configs_": make_configs(version),
        "_old_class_": old_class,
    }
    return derive_class(target, name, _methods(target), members)


def find_class(number: str, name: str, target: type) -> type:
    """Returns the class of objects of an old class; pickles refer to this function.

    Args:
        number: the number of the version.
        name: the name of the old class.
        target: the class of today.
    """
    return find_old_class(number, name).class_for(target)


def find_old_class(number: str, name: str) -> OldClass:
    """Returns an old class; pickles refer to this function.

    Args:
        number: the number of the version.
        name: its name.
    """
    version = VERSIONS[number]
    everything = (make_inputs(version), make_kept_layers(version), *make_layers(version).values())
    for names in everything:
        if name in names:
            found: OldClass = names[name]
            return found
    raise ValueError(f"{version.name} has no layer {name!r}.")


def _methods(target: type) -> type:
    """Returns the mixin with the methods of Keras 2 for a class of today."""
    kinds = (
        (layers.RNN, RecurrentMethods),
        (DenseCell, CellMethods),
        (layers.Discretization, AdaptMethods),
        (layers.IntegerLookup, AdaptMethods),
        (layers.StringLookup, AdaptMethods),
    )
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
    if dtype in (None, "string") or not is_float(np.dtype(dtype)):
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
