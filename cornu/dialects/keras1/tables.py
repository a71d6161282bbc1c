"""The layers of Keras 1.2.2, a row each, by the module that they were in."""

from __future__ import annotations

from cornu import layers
from cornu.dialects.keras1.bind import RECURRENT, Row
from cornu.dialects.keras1.layers import ActivityRegularization
from cornu.dialects.keras1.rules import (
    along_time,
    both_ways,
    deconvolved,
    drops,
    embedded,
    fans,
    gathered,
    normalized,
    per_gate,
    separated,
    shaped,
    stored,
    weighted,
    zero_padded,
)

__all__ = ["ALIASES", "ROWS"]

# Sequences and Flatten never followed the image ordering.
_LAST = {"data_format": "channels_last"}
_NAME = "name=None"
_ORDERED = "dim_ordering='default'"
_CONVOLUTION_2D = "nb_filter, nb_row, nb_col, <I>, <B>"

_dense = weighted("init", "bias_initializer")
_rows_and_columns = gathered("kernel_size", "nb_row", "nb_col")
# One dimension was stored as two: (length, 1, channels, filters), and its fans were counted so.
_kernel_1d = (stored((0, 2, 3), (0, 2, 3)), fans((1, 2), (0, 1, 2)))
_kernel_2d = (_rows_and_columns, stored((0, 1, 2, 3), (2, 3, 1, 0)))
_kernel_3d = (
    gathered("kernel_size", "kernel_dim1", "kernel_dim2", "kernel_dim3"),
    stored((0, 1, 2, 3, 4), (2, 3, 4, 1, 0)),
    fans((0, 1, 3), (0, 1, 4), always=False),  # depth and height alone
)
_transposed = (
    _rows_and_columns,
    stored((0, 1, 3, 2), (2, 3, 0, 1)),
    fans((0, 1, 3), (0, 1, 2)),
    deconvolved,
)
_in_time = shaped("input_length", "input_dim")

ROWS: dict[str, tuple[Row, ...]] = {
    "core": (
        Row(
            "Dense",
            "output_dim, <I>, <R>, input_dim=None",
            layers.Dense,
            rules=(_dense, shaped("input_dim")),
        ),
        Row("Activation", "activation", layers.Activation),
        Row("Dropout", "p, noise_shape=None, seed=None", layers.Dropout),
        # Today's take no input shape: they were never first, but after what they drop.
        Row("SpatialDropout1D", "p", layers.SpatialDropout1D, words=_NAME),
        Row("SpatialDropout2D", f"p, {_ORDERED}", layers.SpatialDropout2D, words=_NAME),
        Row("SpatialDropout3D", f"p, {_ORDERED}", layers.SpatialDropout3D, words=_NAME),
        Row("Masking", "mask_value=0.0", layers.Masking),
        Row("Reshape", "target_shape", layers.Reshape),
        Row("Permute", "dims", layers.Permute),
        Row("Flatten", "", layers.Flatten, fixed=_LAST),
        Row("RepeatVector", "n", layers.RepeatVector),
        Row(
            "Lambda",
            "function, output_shape=None, arguments=None",
            layers.Lambda,
            rules=(drops("output_shape"),),
        ),
        Row("ActivityRegularization", "l1=0.0, l2=0.0", ActivityRegularization),
        Row(
            "TimeDistributedDense",
            "output_dim, <I>, <R>, input_dim=None, input_length=None",
            layers.TimeDistributed,
            rules=(_dense, _in_time, along_time),
        ),
    ),
    "convolutional": (
        Row(
            "Convolution1D",
            "nb_filter, filter_length, <I>, border_mode='valid', subsample_length=1, <R>, "
            "input_dim=None, input_length=None",
            layers.Conv1D,
            rules=(*_kernel_1d, _in_time),
            fixed=_LAST,
        ),
        Row(
            "AtrousConvolution1D",
            "nb_filter, filter_length, <I>, border_mode='valid', subsample_length=1, "
            "atrous_rate=1, <R>",
            layers.Conv1D,
            rules=_kernel_1d,
            fixed=_LAST,
        ),
        Row(
            "Convolution2D",
            f"{_CONVOLUTION_2D}, {_ORDERED}, <R>",
            layers.Conv2D,
            rules=_kernel_2d,
        ),
        Row(
            "AtrousConvolution2D",
            f"{_CONVOLUTION_2D}, atrous_rate=(1, 1), {_ORDERED}, <R>",
            layers.Conv2D,
            rules=_kernel_2d,
        ),
        Row(
            "Deconvolution2D",
            f"nb_filter, nb_row, nb_col, output_shape, <I>, <B>, {_ORDERED}, <R>",
            layers.Conv2DTranspose,
            rules=_transposed,
        ),
        Row(
            "SeparableConvolution2D",
            f"{_CONVOLUTION_2D}, depth_multiplier=1, {_ORDERED}, depthwise_regularizer=None, "
            "pointwise_regularizer=None, b_regularizer=None, activity_regularizer=None, "
            "depthwise_constraint=None, pointwise_constraint=None, b_constraint=None, bias=True",
            layers.SeparableConv2D,
            rules=(_rows_and_columns, separated),
        ),
        Row(
            "Convolution3D",
            "nb_filter, kernel_dim1, kernel_dim2, kernel_dim3, <I>, border_mode='valid', "
            f"subsample=(1, 1, 1), {_ORDERED}, <R>",
            layers.Conv3D,
            rules=_kernel_3d,
        ),
        Row("UpSampling1D", "length=2", layers.UpSampling1D, {"length": "size"}),
        Row("UpSampling2D", f"size=(2, 2), {_ORDERED}", layers.UpSampling2D),
        Row("UpSampling3D", f"size=(2, 2, 2), {_ORDERED}", layers.UpSampling3D),
        Row("ZeroPadding1D", "padding=1", layers.ZeroPadding1D, rules=(zero_padded,), fixed=_LAST),
        Row(
            "ZeroPadding2D",
            f"padding=(1, 1), {_ORDERED}",
            layers.ZeroPadding2D,
            rules=(zero_padded,),
        ),
        Row("ZeroPadding3D", f"padding=(1, 1, 1), {_ORDERED}", layers.ZeroPadding3D),
        Row("Cropping1D", "cropping=(1, 1)", layers.Cropping1D),
        Row("Cropping2D", f"cropping=((0, 0), (0, 0)), {_ORDERED}", layers.Cropping2D),
        Row("Cropping3D", f"cropping=((1, 1), (1, 1), (1, 1)), {_ORDERED}", layers.Cropping3D),
    ),
    "pooling": (
        *(
            Row(
                kind.__name__,
                "pool_length=2, stride=None, border_mode='valid'",
                kind,
                fixed=_LAST,
            )
            for kind in (layers.MaxPooling1D, layers.AveragePooling1D)
        ),
        *(
            Row(
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
        Row("GlobalMaxPooling1D", "", layers.GlobalMaxPooling1D, fixed=_LAST),
        Row("GlobalAveragePooling1D", "", layers.GlobalAveragePooling1D, fixed=_LAST),
        *(
            Row(kind.__name__, _ORDERED, kind)
            for kind in (
                layers.GlobalMaxPooling2D,
                layers.GlobalAveragePooling2D,
                layers.GlobalMaxPooling3D,
                layers.GlobalAveragePooling3D,
            )
        ),
    ),
    "embeddings": (
        Row(
            "Embedding",
            "input_dim, output_dim, init='uniform', input_length=None, W_regularizer=None, "
            "activity_regularizer=None, W_constraint=None, mask_zero=False, weights=None, "
            "dropout=0.0",
            layers.Embedding,
            {
                "output_dim": "output_dim",
                "init": "embeddings_initializer",
                "W_regularizer": "embeddings_regularizer",
                "W_constraint": "embeddings_constraint",
            },
            rules=(weighted("init"), embedded),
        ),
    ),
    "recurrent": (
        Row(
            "SimpleRNN",
            "output_dim, init='glorot_uniform', inner_init='orthogonal', activation='tanh', <U>",
            layers.SimpleRNN,
            rules=(per_gate(layers.SimpleRNN), _in_time),
            words=RECURRENT,
        ),
        Row(
            "GRU",
            "output_dim, init='glorot_uniform', inner_init='orthogonal', activation='tanh', "
            "inner_activation='hard_sigmoid', <U>",
            layers.GRU,
            rules=(per_gate(layers.GRU), _in_time),
            fixed={"reset_after": False},
            words=RECURRENT,
        ),
        Row(
            "LSTM",
            "output_dim, init='glorot_uniform', inner_init='orthogonal', forget_bias_init='one', "
            "activation='tanh', inner_activation='hard_sigmoid', <U>",
            layers.LSTM,
            rules=(per_gate(layers.LSTM), _in_time),
            words=RECURRENT,
        ),
    ),
    "normalization": (
        Row(
            "BatchNormalization",
            "epsilon=0.001, mode=0, axis=-1, momentum=0.99, weights=None, beta_init='zero', "
            "gamma_init='one', gamma_regularizer=None, beta_regularizer=None",
            layers.BatchNormalization,
            {"beta_init": "beta_initializer", "gamma_init": "gamma_initializer"},
            rules=(
                normalized,
                weighted(
                    "gamma_init",
                    "beta_init",
                    "moving_mean_initializer",
                    "moving_variance_initializer",
                ),
            ),
        ),
    ),
    "noise": (
        Row("GaussianNoise", "sigma", layers.GaussianNoise),
        Row("GaussianDropout", "p", layers.GaussianDropout),
    ),
    "advanced_activations": (
        Row("LeakyReLU", "alpha=0.3", layers.LeakyReLU, {"alpha": "negative_slope"}),
        Row(
            "PReLU",
            "init='zero', weights=None, shared_axes=None",
            layers.PReLU,
            {"init": "alpha_initializer"},
            rules=(weighted("init"),),
        ),
        Row("ELU", "alpha=1.0", layers.ELU),
        Row("ThresholdedReLU", "theta=1.0", layers.ReLU, {"theta": "threshold"}),
    ),
    "wrappers": (
        Row("Wrapper", "layer", layers.Wrapper),
        Row("TimeDistributed", "layer", layers.TimeDistributed),
        Row(
            "Bidirectional",
            "layer, merge_mode='concat', weights=None",
            layers.Bidirectional,
            rules=(both_ways,),
        ),
    ),
}

# Other names of the same classes, with the same positions.
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
