"""Table of the layers of Keras 2 and tf.keras whose class or arguments changed.

Layers without a row have the same name and arguments today.
"""

from __future__ import annotations

from typing import Any

from cornu.legacy.activations import HARD_SIGMOID
from cornu.legacy.keras2.values import is_before_tensorflow
from cornu.legacy.layer_row import TARGET_CLASS, Context, LayerRow
from cornu.legacy.layers.batch_normalization import select_batch_normalization
from cornu.legacy.layers.dense import Highway, MaxoutDense
from cornu.legacy.layers.locally_connected import LocallyConnected1D, LocallyConnected2D
from cornu.legacy.layers.modes import ActivityRegularization
from cornu.legacy.layers.upsampling import UnalignedUpSampling2D
from cornu.registry import get_registered_name as _name_of
from cornu.renamed import KERAS_1_ARGUMENTS
from cornu.types import Config

__all__ = ["COMMON", "LAYERS"]

# Arguments that any layer may have.
COMMON = LayerRow(
    dropped=("implementation", "dynamic", "autocast", "experimental_autocast", "input_dtype"),
    refused={"ragged": (False,), "time_major": (False,)},
)
_GROUPS = {"groups": (1,)}
# Arguments of the base class, which separable convolutions of tf.keras have but do not use.
_OF_PLAIN_KERNELS = ("kernel_initializer", "kernel_regularizer", "kernel_constraint")


def _unwrap_axis(config: Config, context: Context) -> None:
    """Replaces a list of one axis, which tf.keras writes, by the axis."""
    axis = config.get("axis")
    if isinstance(axis, list) and len(axis) == 1:
        config["axis"] = axis[0]


def _select_normalization(config: Config, context: Context) -> None:
    """Selects the class whose moving variance is that of the version."""
    if not config.get("renorm"):
        config[TARGET_CLASS] = select_batch_normalization(context.source)


def _select_penalty(config: Config, context: Context) -> None:
    """Selects the class that does not divide the penalty by the batch size."""
    if is_before_tensorflow(context.source):
        config[TARGET_CLASS] = _name_of(ActivityRegularization)


def _select_upsampling(config: Config, context: Context) -> None:
    """Selects the class whose interpolation is that of the version."""
    if config.get("interpolation") == "bilinear" and is_before_tensorflow(context.source):
        config[TARGET_CLASS] = _name_of(UnalignedUpSampling2D)


def _set_old_defaults(config: Config, context: Context) -> None:
    """Sets defaults of Keras up to 2.2 that early versions did not write."""
    if is_before_tensorflow(context.source) and context.source.version < (2, 3):
        config.setdefault("recurrent_activation", "hard_sigmoid")


def _use_last_channels(config: Config, context: Context) -> None:
    """Sets the order of 1D layers, which ignored the global one if none was written."""
    config.setdefault("data_format", "channels_last")


def _describe_lambda(config: Config, context: Context) -> None:
    """Replaces bytecode by a reference to a lambda, which the program must pass."""
    for name in ("function", "mask"):
        if name in config:
            config[name] = _function(config[name], config.get(f"{name}_type"))
    for name in ("function_type", "module", "mask_type", "mask_module", "output_mask"):
        config.pop(name, None)
    for name in ("output_shape", "output_shape_type", "output_shape_module"):
        config.pop(name, None)  # inferred today


def _function(value: Any, kind: Any) -> Any:
    if callable(value):  # of a program, not of a file
        return value
    if isinstance(value, dict) and value.get("class_name") != "__lambda__":
        return value.get("config") if value.get("class_name") == "function" else value
    if value is None or kind == "function" or isinstance(value, str) and kind != "lambda":
        return value
    return {"class_name": "function", "config": "<lambda>"}


def _drop_string_dtype(config: Config, context: Context) -> None:
    """Drops the dtype of the input, which is not that of the layer today."""
    if config.get("dtype") == "string":
        del config["dtype"]


def _drop_backward_layer(config: Config, context: Context) -> None:
    """Drops a backward layer that is the forward one turned around, as tf.keras may write it."""
    if config.get("backward_layer") is None:
        config.pop("backward_layer", None)


def _drop_empty(*names: str) -> Any:
    """Drops arguments that are None."""

    def convert(config: Config, context: Context) -> None:
        for name in names:
            if config.get(name) is None:
                config.pop(name, None)

    return convert


# Other implementations store their kernels in other layouts.
_LOCAL = {"implementation": (1,), "padding": ("valid",)}
_CAUSAL = {"causal": (False,)}
_CONV_1D = LayerRow(conversions=(_use_last_channels,))
_POOL_1D = LayerRow(conversions=(_use_last_channels,))
_RNN = LayerRow(dropped=("num_constants",))
_GATED = LayerRow(conversions=(_set_old_defaults,))
_DROPOUT = LayerRow(dropped=("trainable",), refused={"noise_shape": ()})

LAYERS: dict[str, LayerRow] = {
    # Core
    "Lambda": LayerRow(conversions=(_describe_lambda,)),
    "ActivityRegularization": LayerRow(conversions=(_select_penalty,)),
    "Embedding": LayerRow(dropped=("input_length",), refused={"sparse": (False,)}),
    "SpatialDropout1D": _DROPOUT,
    "SpatialDropout2D": _DROPOUT,
    "SpatialDropout3D": _DROPOUT,
    # Convolution
    "Conv1D": _CONV_1D,
    "SeparableConv1D": LayerRow(
        dropped=_OF_PLAIN_KERNELS, refused=_GROUPS, conversions=(_use_last_channels,)
    ),
    "SeparableConv2D": LayerRow(dropped=_OF_PLAIN_KERNELS, refused=_GROUPS),
    "DepthwiseConv1D": LayerRow(refused=_GROUPS, conversions=(_use_last_channels,)),
    "DepthwiseConv2D": LayerRow(refused=_GROUPS),
    "Conv1DTranspose": LayerRow(refused=_GROUPS, conversions=(_use_last_channels,)),
    "Conv2DTranspose": LayerRow(refused=_GROUPS),
    "Conv3DTranspose": LayerRow(refused=_GROUPS),
    "Convolution1D": LayerRow("Conv1D", conversions=(_use_last_channels,)),
    "Convolution2D": LayerRow("Conv2D"),
    "Convolution3D": LayerRow("Conv3D"),
    "Convolution2DTranspose": LayerRow("Conv2DTranspose", refused=_GROUPS),
    "SeparableConvolution2D": LayerRow(
        "SeparableConv2D", dropped=_OF_PLAIN_KERNELS, refused=_GROUPS
    ),
    "LocallyConnected1D": LayerRow(_name_of(LocallyConnected1D), refused=_LOCAL),
    "LocallyConnected2D": LayerRow(_name_of(LocallyConnected2D), refused=_LOCAL),
    "UpSampling2D": LayerRow(conversions=(_select_upsampling,)),
    "MaxPooling1D": _POOL_1D,
    "AveragePooling1D": _POOL_1D,
    "GlobalMaxPooling1D": _POOL_1D,
    "GlobalAveragePooling1D": _POOL_1D,
    # Attention
    "Attention": LayerRow(refused=_CAUSAL),
    "AdditiveAttention": LayerRow(refused=_CAUSAL),
    "MultiHeadAttention": LayerRow(
        dropped=("query_shape", "key_shape", "value_shape", "softmax_robust_masking")
    ),
    # Preprocessing
    **dict.fromkeys(
        (
            *("RandomBrightness", "RandomContrast", "RandomCrop", "RandomFlip", "RandomRotation"),
            *("RandomTranslation", "RandomZoom"),
        ),
        LayerRow(dropped=("rng_type",)),
    ),
    "Discretization": LayerRow(dropped=("trainable",)),
    "TextVectorization": LayerRow(conversions=(_drop_string_dtype,)),
    # Layers of Keras 1 that Keras 2 kept
    "Highway": LayerRow(_name_of(Highway), KERAS_1_ARGUMENTS, ("input_dim",)),
    "MaxoutDense": LayerRow(_name_of(MaxoutDense), KERAS_1_ARGUMENTS, ("input_dim",)),
    # Recurrent
    "RNN": _RNN,
    "SimpleRNN": _RNN,
    "LSTM": LayerRow(dropped=("num_constants",), conversions=(_set_old_defaults,)),
    "GRU": LayerRow(
        dropped=("num_constants",),
        defaults={"reset_after": False},
        conversions=(_set_old_defaults,),
    ),
    "LSTMCell": _GATED,
    "GRUCell": LayerRow(defaults={"reset_after": False}, conversions=(_set_old_defaults,)),
    "ConvLSTM1D": LayerRow(defaults={"recurrent_activation": HARD_SIGMOID}),
    "ConvLSTM2D": LayerRow(
        dropped=("num_constants",), defaults={"recurrent_activation": HARD_SIGMOID}
    ),
    "ConvLSTM3D": LayerRow(defaults={"recurrent_activation": HARD_SIGMOID}),
    "CuDNNLSTM": LayerRow(
        "LSTM",
        dropped=("num_constants",),
        fixed={"activation": "tanh", "recurrent_activation": "sigmoid"},
    ),
    "CuDNNGRU": LayerRow(
        "GRU",
        dropped=("num_constants",),
        fixed={"activation": "tanh", "recurrent_activation": "sigmoid", "reset_after": True},
    ),
    "Bidirectional": LayerRow(conversions=(_drop_backward_layer,)),
    # Normalization
    "BatchNormalization": LayerRow(
        refused={"virtual_batch_size": (), "adjustment": ()},
        dropped=("fused",),
        conversions=(_unwrap_axis, _select_normalization),
    ),
    "BatchNormalizationV1": LayerRow(conversions=(_unwrap_axis, _select_normalization)),
    "BatchNormalizationV2": LayerRow(conversions=(_unwrap_axis, _select_normalization)),
    "LayerNormalization": LayerRow(conversions=(_unwrap_axis,)),
    "SyncBatchNormalization": LayerRow(
        "BatchNormalization", conversions=(_unwrap_axis,), fixed={"synchronized": True}
    ),
    # Activations
    "LeakyReLU": LayerRow(renames={"alpha": "negative_slope"}),
    "ThresholdedReLU": LayerRow("ReLU", renames={"theta": "threshold"}),
    # Merging
    "AddV2": LayerRow("Add"),
}
