"""Table of the layers of Keras 1.2.2, by module."""

from __future__ import annotations

from cornu import layers
from cornu.legacy.keras1.argument_conversions import (
    combine_arguments,
    convert_bidirectional_weights,
    convert_embedding,
    convert_gates,
    convert_kernel_layout,
    convert_separable_kernels,
    convert_zero_padding,
    drop_arguments,
    infer_output_padding,
    initialize_from_weights,
    select_normalization,
    set_fan_axes,
    set_input_shape,
    wrap_in_time_distributed,
)
from cornu.legacy.keras1.class_mapping import LAYER_KEYWORDS, RECURRENT_KEYWORDS, ClassMapping
from cornu.legacy.layers.activations import ParametricSoftplus, SReLU
from cornu.legacy.layers.dense import Highway, MaxoutDense
from cornu.legacy.layers.locally_connected import LocallyConnected1D, LocallyConnected2D
from cornu.legacy.layers.modes import ActivityRegularization

__all__ = ["ALIASES", "LAYERS"]

# Layers on sequences, and Flatten, ignore the image ordering.
_LAST = {"data_format": "channels_last"}
_ORDERED = "dim_ordering='default'"
_CONVOLUTION_2D = "nb_filter, nb_row, nb_col, <I>, <B>"

_dense = initialize_from_weights("init", "bias_initializer")
_rows_and_columns = combine_arguments("kernel_size", "nb_row", "nb_col")
# Keras 1 stores kernels of 1D convolutions as (length, 1, channels, filters), and so computes fans.
_kernel_1d = (convert_kernel_layout((0, 2, 3), (0, 2, 3)), set_fan_axes((1, 2), (0, 1, 2)))
_kernel_2d = (_rows_and_columns, convert_kernel_layout((0, 1, 2, 3), (2, 3, 1, 0)))
_kernel_3d = (
    combine_arguments("kernel_size", "kernel_dim1", "kernel_dim2", "kernel_dim3"),
    convert_kernel_layout((0, 1, 2, 3, 4), (2, 3, 4, 1, 0)),
    set_fan_axes((0, 1, 3), (0, 1, 4), always=False),  # without the width, as in Keras 1
)
_transposed = (
    _rows_and_columns,
    convert_kernel_layout((0, 1, 3, 2), (2, 3, 0, 1)),
    set_fan_axes((0, 1, 3), (0, 1, 2)),
    infer_output_padding,
)
_S_SHAPED = ("t_left", "a_left", "t_right", "a_right")
# What these classes of cornu do not accept. The dialect sets it when the layer exists.
_attributes = (drop_arguments("batch_input_shape", "input_shape", "trainable"),)
_in_time = set_input_shape("input_length", "input_dim")

LAYERS: dict[str, tuple[ClassMapping, ...]] = {
    "core": (
        ClassMapping(
            "Dense",
            "output_dim, <I>, <R>, input_dim=None",
            layers.Dense,
            conversions=(_dense, set_input_shape("input_dim")),
        ),
        ClassMapping("Activation", "activation", layers.Activation),
        ClassMapping("Dropout", "p, noise_shape=None, seed=None", layers.Dropout),
        ClassMapping("SpatialDropout1D", "p", layers.SpatialDropout1D, {}, _attributes),
        ClassMapping(
            "SpatialDropout2D", f"p, {_ORDERED}", layers.SpatialDropout2D, {}, _attributes
        ),
        ClassMapping(
            "SpatialDropout3D", f"p, {_ORDERED}", layers.SpatialDropout3D, {}, _attributes
        ),
        ClassMapping("Masking", "mask_value=0.0", layers.Masking),
        ClassMapping("Reshape", "target_shape", layers.Reshape),
        ClassMapping("Permute", "dims", layers.Permute),
        ClassMapping("Flatten", "", layers.Flatten, fixed=_LAST),
        ClassMapping("RepeatVector", "n", layers.RepeatVector),
        ClassMapping(
            "Lambda",
            "function, output_shape=None, arguments=None",
            layers.Lambda,
            conversions=(drop_arguments("output_shape"),),
        ),
        ClassMapping("ActivityRegularization", "l1=0.0, l2=0.0", ActivityRegularization),
        ClassMapping(
            "TimeDistributedDense",
            "output_dim, <I>, <R>, input_dim=None, input_length=None",
            layers.TimeDistributed,
            conversions=(_dense, _in_time, wrap_in_time_distributed),
        ),
        ClassMapping(
            "MaxoutDense",
            "output_dim, nb_feature=4, init='glorot_uniform', weights=None, <R>, input_dim=None",
            MaxoutDense,
            conversions=(_dense, set_input_shape("input_dim")),
        ),
        ClassMapping(
            "Highway",
            "<I>, <R>, input_dim=None",
            Highway,
            conversions=(drop_arguments("weights"), set_input_shape("input_dim")),
        ),
    ),
    "local": (
        ClassMapping(
            "LocallyConnected1D",
            "nb_filter, filter_length, <I>, border_mode='valid', subsample_length=1, <R>, "
            "input_dim=None, input_length=None",
            LocallyConnected1D,
            conversions=(_dense, _in_time),
            fixed=_LAST,
        ),
        ClassMapping(
            "LocallyConnected2D",
            f"{_CONVOLUTION_2D}, {_ORDERED}, <R>",
            LocallyConnected2D,
            conversions=(_rows_and_columns, _dense),
        ),
    ),
    "convolutional_recurrent": (
        ClassMapping(
            "ConvLSTM2D",
            "nb_filter, nb_row, nb_col, init='glorot_uniform', inner_init='orthogonal', "
            "forget_bias_init='one', activation='tanh', inner_activation='hard_sigmoid', "
            f"{_ORDERED}, <B>, <U>",
            layers.ConvLSTM2D,
            conversions=(_rows_and_columns, convert_gates(layers.ConvLSTM2D)),
            keywords="weights=None, return_sequences=False, go_backwards=False, stateful=False, "
            + LAYER_KEYWORDS,
        ),
    ),
    "convolutional": (
        ClassMapping(
            "Convolution1D",
            "nb_filter, filter_length, <I>, border_mode='valid', subsample_length=1, <R>, "
            "input_dim=None, input_length=None",
            layers.Conv1D,
            conversions=(*_kernel_1d, _in_time),
            fixed=_LAST,
        ),
        ClassMapping(
            "AtrousConvolution1D",
            "nb_filter, filter_length, <I>, border_mode='valid', subsample_length=1, "
            "atrous_rate=1, <R>",
            layers.Conv1D,
            conversions=(_in_time, *_kernel_1d),
            fixed=_LAST,
            keywords=f"input_dim=None, input_length=None, {LAYER_KEYWORDS}",
        ),
        ClassMapping(
            "Convolution2D",
            f"{_CONVOLUTION_2D}, {_ORDERED}, <R>",
            layers.Conv2D,
            conversions=_kernel_2d,
        ),
        ClassMapping(
            "AtrousConvolution2D",
            f"{_CONVOLUTION_2D}, atrous_rate=(1, 1), {_ORDERED}, <R>",
            layers.Conv2D,
            conversions=_kernel_2d,
        ),
        ClassMapping(
            "Deconvolution2D",
            f"nb_filter, nb_row, nb_col, output_shape, <I>, <B>, {_ORDERED}, <R>",
            layers.Conv2DTranspose,
            conversions=_transposed,
        ),
        ClassMapping(
            "SeparableConvolution2D",
            f"{_CONVOLUTION_2D}, depth_multiplier=1, {_ORDERED}, depthwise_regularizer=None, "
            "pointwise_regularizer=None, b_regularizer=None, activity_regularizer=None, "
            "depthwise_constraint=None, pointwise_constraint=None, b_constraint=None, bias=True",
            layers.SeparableConv2D,
            conversions=(_rows_and_columns, convert_separable_kernels),
        ),
        ClassMapping(
            "Convolution3D",
            "nb_filter, kernel_dim1, kernel_dim2, kernel_dim3, <I>, border_mode='valid', "
            f"subsample=(1, 1, 1), {_ORDERED}, <R>",
            layers.Conv3D,
            conversions=_kernel_3d,
        ),
        ClassMapping("UpSampling1D", "length=2", layers.UpSampling1D, {"length": "size"}),
        ClassMapping("UpSampling2D", f"size=(2, 2), {_ORDERED}", layers.UpSampling2D),
        ClassMapping("UpSampling3D", f"size=(2, 2, 2), {_ORDERED}", layers.UpSampling3D),
        ClassMapping(
            "ZeroPadding1D",
            "padding=1",
            layers.ZeroPadding1D,
            conversions=(convert_zero_padding,),
            fixed=_LAST,
        ),
        ClassMapping(
            "ZeroPadding2D",
            f"padding=(1, 1), {_ORDERED}",
            layers.ZeroPadding2D,
            conversions=(convert_zero_padding,),
        ),
        ClassMapping("ZeroPadding3D", f"padding=(1, 1, 1), {_ORDERED}", layers.ZeroPadding3D),
        ClassMapping("Cropping1D", "cropping=(1, 1)", layers.Cropping1D),
        ClassMapping("Cropping2D", f"cropping=((0, 0), (0, 0)), {_ORDERED}", layers.Cropping2D),
        ClassMapping(
            "Cropping3D", f"cropping=((1, 1), (1, 1), (1, 1)), {_ORDERED}", layers.Cropping3D
        ),
    ),
    "pooling": (
        *(
            ClassMapping(
                kind.__name__,
                "pool_length=2, stride=None, border_mode='valid'",
                kind,
                fixed=_LAST,
            )
            for kind in (layers.MaxPooling1D, layers.AveragePooling1D)
        ),
        *(
            ClassMapping(
                kind.__name__,
                f"pool_size={size}, strides=None, border_mode='valid', {_ORDERED}",
                kind,
            )
            for kind, size in (
                (layers.MaxPooling2D, (2, 2)),
                (layers.AveragePooling2D, (2, 2)),
                (layers.MaxPooling3D, (2, 2, 2)),
                (layers.AveragePooling3D, (2, 2, 2)),
            )
        ),
        ClassMapping("GlobalMaxPooling1D", "", layers.GlobalMaxPooling1D, fixed=_LAST),
        ClassMapping("GlobalAveragePooling1D", "", layers.GlobalAveragePooling1D, fixed=_LAST),
        *(
            ClassMapping(kind.__name__, _ORDERED, kind)
            for kind in (
                layers.GlobalMaxPooling2D,
                layers.GlobalAveragePooling2D,
                layers.GlobalMaxPooling3D,
                layers.GlobalAveragePooling3D,
            )
        ),
    ),
    "embeddings": (
        ClassMapping(
            "Embedding",
            "input_dim, output_dim, init='uniform', input_length=None, W_regularizer=None, "
            "activity_regularizer=None, W_constraint=None, mask_zero=False, weights=None, "
            "dropout=0.0",
            layers.Embedding,
            {
                # In other layers, `output_dim` is the number of units.
                "output_dim": "output_dim",
                "init": "embeddings_initializer",
                "W_regularizer": "embeddings_regularizer",
                "W_constraint": "embeddings_constraint",
            },
            conversions=(initialize_from_weights("init"), convert_embedding),
        ),
    ),
    "recurrent": (
        ClassMapping(
            "SimpleRNN",
            "output_dim, init='glorot_uniform', inner_init='orthogonal', activation='tanh', <U>",
            layers.SimpleRNN,
            conversions=(convert_gates(layers.SimpleRNN), _in_time),
            keywords=RECURRENT_KEYWORDS,
        ),
        ClassMapping(
            "GRU",
            "output_dim, init='glorot_uniform', inner_init='orthogonal', activation='tanh', "
            "inner_activation='hard_sigmoid', <U>",
            layers.GRU,
            conversions=(convert_gates(layers.GRU), _in_time),
            # Keras 1 applies the reset gate before the matrix product.
            fixed={"reset_after": False},
            keywords=RECURRENT_KEYWORDS,
        ),
        ClassMapping(
            "LSTM",
            "output_dim, init='glorot_uniform', inner_init='orthogonal', forget_bias_init='one', "
            "activation='tanh', inner_activation='hard_sigmoid', <U>",
            layers.LSTM,
            conversions=(convert_gates(layers.LSTM), _in_time),
            keywords=RECURRENT_KEYWORDS,
        ),
    ),
    "normalization": (
        ClassMapping(
            "BatchNormalization",
            "epsilon=0.001, mode=0, axis=-1, momentum=0.99, weights=None, beta_init='zero', "
            "gamma_init='one', gamma_regularizer=None, beta_regularizer=None",
            layers.BatchNormalization,
            {"beta_init": "beta_initializer", "gamma_init": "gamma_initializer"},
            conversions=(
                select_normalization,
                initialize_from_weights(
                    "gamma_init",
                    "beta_init",
                    "moving_mean_initializer",
                    "moving_variance_initializer",
                ),
            ),
        ),
    ),
    "noise": (
        ClassMapping("GaussianNoise", "sigma", layers.GaussianNoise),
        ClassMapping("GaussianDropout", "p", layers.GaussianDropout),
    ),
    "advanced_activations": (
        ClassMapping("LeakyReLU", "alpha=0.3", layers.LeakyReLU, {"alpha": "negative_slope"}),
        ClassMapping(
            "PReLU",
            "init='zero', weights=None, shared_axes=None",
            layers.PReLU,
            {"init": "alpha_initializer"},
            conversions=(initialize_from_weights("init"),),
        ),
        ClassMapping(
            "ParametricSoftplus",
            "alpha_init=0.2, beta_init=5.0, weights=None, shared_axes=None",
            ParametricSoftplus,
            {"beta_init": "beta_init"},
            conversions=(drop_arguments("weights"),),
        ),
        ClassMapping(
            "SReLU",
            "t_left_init='zero', a_left_init='glorot_uniform', t_right_init='glorot_uniform', "
            "a_right_init='one', shared_axes=None",
            SReLU,
            {f"{name}_init": f"{name}_initializer" for name in _S_SHAPED},
        ),
        ClassMapping("ELU", "alpha=1.0", layers.ELU),
        ClassMapping("ThresholdedReLU", "theta=1.0", layers.ReLU, {"theta": "threshold"}),
    ),
    "wrappers": (
        ClassMapping("Wrapper", "layer", layers.Wrapper),
        ClassMapping("TimeDistributed", "layer", layers.TimeDistributed),
        ClassMapping(
            "Bidirectional",
            "layer, merge_mode='concat', weights=None",
            layers.Bidirectional,
            conversions=(convert_bidirectional_weights,),
        ),
    ),
}

# Aliases of classes, with the same positional arguments.
ALIASES = {
    "convolutional": {
        "Conv1D": "Convolution1D",
        "Conv2D": "Convolution2D",
        "Conv3D": "Convolution3D",
        "Deconv2D": "Deconvolution2D",
        "AtrousConv1D": "AtrousConvolution1D",
        "AtrousConv2D": "AtrousConvolution2D",
        "SeparableConv2D": "SeparableConvolution2D",
    },
}
