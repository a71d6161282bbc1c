"""Signatures of the layers of Keras 2.2.4, and of later versions where they differ.

The abbreviations in angle brackets are those of `parse_signature`.
"""

from __future__ import annotations

__all__ = [
    "INPUT_LAYER",
    "LAYER_KEYWORDS",
    "MODULES",
    "SINCE_2_3",
    "TENSORFLOW",
    "TENSORFLOW_KEYWORDS",
    "TENSORFLOW_MORE",
]

# Keyword arguments of every layer.
LAYER_KEYWORDS = (
    "input_shape=None, batch_input_shape=None, batch_size=None, dtype=None, name=None, "
    "trainable=True, weights=None, input_dtype=None, input_dim=None, input_length=None"
)

_FORMAT = "data_format=None"
_LAST = "data_format='channels_last'"
_BASE = "activation=None, use_bias=True, <K>"
_SEPARABLE = (
    "depth_multiplier=1, activation=None, use_bias=True, depthwise_initializer='glorot_uniform', "
    "pointwise_initializer='glorot_uniform', bias_initializer='zeros', depthwise_regularizer=None, "
    "pointwise_regularizer=None, bias_regularizer=None, activity_regularizer=None, "
    "depthwise_constraint=None, pointwise_constraint=None, bias_constraint=None"
)
_DEPTHWISE = (
    "activation=None, use_bias=True, depthwise_initializer='glorot_uniform', "
    "bias_initializer='zeros', depthwise_regularizer=None, bias_regularizer=None, "
    "activity_regularizer=None, depthwise_constraint=None, bias_constraint=None"
)
_HARD = "activation='tanh', recurrent_activation='hard_sigmoid', use_bias=True, <RI>"
_SOFT = "activation='tanh', recurrent_activation='sigmoid', use_bias=True, <RI>"
_CONV_CELL = f"filters, kernel_size, strides=(1, 1), padding='valid', {_FORMAT}, "
_NORMALIZATION = (
    "axis=-1, momentum=0.99, epsilon=0.001, center=True, scale=True, beta_initializer='zeros', "
    "gamma_initializer='ones', moving_mean_initializer='zeros', "
    "moving_variance_initializer='ones', beta_regularizer=None, gamma_regularizer=None, "
    "beta_constraint=None, gamma_constraint=None"
)
_CUDNN = "return_sequences=False, return_state=False, stateful=False"


def _convolution(one: str, data_format: str = _FORMAT, groups: str = "") -> str:
    return (
        f"filters, kernel_size, strides={one}, padding='valid', {data_format}, "
        f"dilation_rate={one}, {groups}{_BASE}"
    )


def _pooling(size: str, data_format: str = _FORMAT) -> str:
    return f"pool_size={size}, strides=None, padding='valid', {data_format}"


# Module below `keras.layers` -> class -> signature in Keras 2.2.4.
MODULES: dict[str, dict[str, str]] = {
    "core": {
        "Activation": "activation",
        "ActivityRegularization": "l1=0.0, l2=0.0",
        "Dense": f"units, {_BASE}",
        "Dropout": "rate, noise_shape=None, seed=None",
        "Flatten": _FORMAT,
        "Lambda": "function, output_shape=None, mask=None, arguments=None",
        "Masking": "mask_value=0.0",
        "Permute": "dims",
        "RepeatVector": "n",
        "Reshape": "target_shape",
        "SpatialDropout1D": "rate",
        "SpatialDropout2D": f"rate, {_FORMAT}",
        "SpatialDropout3D": f"rate, {_FORMAT}",
    },
    "advanced_activations": {
        "ELU": "alpha=1.0",
        "LeakyReLU": "alpha=0.3",
        "PReLU": "alpha_initializer='zeros', alpha_regularizer=None, alpha_constraint=None, "
        "shared_axes=None",
        "ReLU": "max_value=None, negative_slope=0.0, threshold=0.0",
        "Softmax": "axis=-1",
        "ThresholdedReLU": "theta=1.0",
    },
    "convolutional": {
        "Conv1D": _convolution("1", _LAST),
        "Conv2D": _convolution("(1, 1)"),
        "Conv3D": _convolution("(1, 1, 1)"),
        "Conv2DTranspose": "filters, kernel_size, strides=(1, 1), padding='valid', "
        f"output_padding=None, {_FORMAT}, dilation_rate=(1, 1), {_BASE}",
        "Conv3DTranspose": "filters, kernel_size, strides=(1, 1, 1), padding='valid', "
        f"output_padding=None, {_FORMAT}, {_BASE}",
        "Cropping1D": "cropping=(1, 1)",
        "Cropping2D": f"cropping=((0, 0), (0, 0)), {_FORMAT}",
        "Cropping3D": f"cropping=((1, 1), (1, 1), (1, 1)), {_FORMAT}",
        "DepthwiseConv2D": "kernel_size, strides=(1, 1), padding='valid', depth_multiplier=1, "
        f"{_FORMAT}, {_DEPTHWISE}",
        "SeparableConv1D": f"filters, kernel_size, strides=1, padding='valid', {_LAST}, "
        f"dilation_rate=1, {_SEPARABLE}",
        "SeparableConv2D": f"filters, kernel_size, strides=(1, 1), padding='valid', {_FORMAT}, "
        f"dilation_rate=(1, 1), {_SEPARABLE}",
        "UpSampling1D": "size=2",
        "UpSampling2D": f"size=(2, 2), {_FORMAT}, interpolation='nearest'",
        "UpSampling3D": f"size=(2, 2, 2), {_FORMAT}",
        "ZeroPadding1D": "padding=1",
        "ZeroPadding2D": f"padding=(1, 1), {_FORMAT}",
        "ZeroPadding3D": f"padding=(1, 1, 1), {_FORMAT}",
    },
    "convolutional_recurrent": {
        "ConvLSTM2D": f"{_CONV_CELL}dilation_rate=(1, 1), {_HARD}, unit_forget_bias=True, <RC>, "
        "return_sequences=False, go_backwards=False, stateful=False, <D>",
    },
    "cudnn_recurrent": {
        "CuDNNGRU": f"units, <RI>, <RC>, {_CUDNN}",
        "CuDNNLSTM": f"units, <RI>, unit_forget_bias=True, <RC>, {_CUDNN}",
    },
    "embeddings": {
        "Embedding": "input_dim, output_dim, embeddings_initializer='uniform', "
        "embeddings_regularizer=None, activity_regularizer=None, embeddings_constraint=None, "
        "mask_zero=False, input_length=None",
    },
    "local": {
        "LocallyConnected1D": f"filters, kernel_size, strides=1, padding='valid', {_FORMAT}, "
        f"{_BASE}",
        "LocallyConnected2D": f"filters, kernel_size, strides=(1, 1), padding='valid', {_FORMAT}, "
        f"{_BASE}",
    },
    "merge": {
        "Add": "",
        "Average": "",
        "Concatenate": "axis=-1",
        "Dot": "axes, normalize=False",
        "Maximum": "",
        "Minimum": "",
        "Multiply": "",
        "Subtract": "",
    },
    "noise": {
        "AlphaDropout": "rate, noise_shape=None, seed=None",
        "GaussianDropout": "rate",
        "GaussianNoise": "stddev",
    },
    "normalization": {"BatchNormalization": _NORMALIZATION},
    "pooling": {
        "AveragePooling1D": _pooling("2", _LAST),
        "AveragePooling2D": _pooling("(2, 2)"),
        "AveragePooling3D": _pooling("(2, 2, 2)"),
        "MaxPooling1D": _pooling("2", _LAST),
        "MaxPooling2D": _pooling("(2, 2)"),
        "MaxPooling3D": _pooling("(2, 2, 2)"),
        "GlobalAveragePooling1D": _LAST,
        "GlobalAveragePooling2D": _FORMAT,
        "GlobalAveragePooling3D": _FORMAT,
        "GlobalMaxPooling1D": _LAST,
        "GlobalMaxPooling2D": _FORMAT,
        "GlobalMaxPooling3D": _FORMAT,
    },
    "recurrent": {
        "GRU": f"units, {_HARD}, <RC>, <D>, implementation=1, <S>, reset_after=False",
        "GRUCell": f"units, {_HARD}, <RC->, <D>, implementation=1, reset_after=False",
        "LSTM": f"units, {_HARD}, unit_forget_bias=True, <RC>, <D>, implementation=1, <S>",
        "LSTMCell": f"units, {_HARD}, unit_forget_bias=True, <RC->, <D>, implementation=1",
        "RNN": "cell, <S>",
        "SimpleRNN": "units, activation='tanh', use_bias=True, <RI>, <RC>, <D>, <S>",
        "SimpleRNNCell": "units, activation='tanh', use_bias=True, <RI>, <RC->, <D>",
        "StackedRNNCells": "cells",
    },
    "wrappers": {
        "Bidirectional": "layer, merge_mode='concat', weights=None",
        "TimeDistributed": "layer",
        "Wrapper": "layer",
    },
}

INPUT_LAYER = {
    "keras": "input_shape=None, batch_size=None, batch_input_shape=None, dtype=None, "
    "input_tensor=None, sparse=False, name=None",
    "tf.keras": "input_shape=None, batch_size=None, dtype=None, input_tensor=None, sparse=None, "
    "name=None, ragged=None, type_spec=None, optional=False",
}

SINCE_2_3 = {
    "DepthwiseConv2D": "kernel_size, strides=(1, 1), padding='valid', depth_multiplier=1, "
    f"{_FORMAT}, dilation_rate=(1, 1), {_DEPTHWISE}",
    "GRU": f"units, {_SOFT}, <RC>, <D>, implementation=2, <S>, reset_after=False",
    "GRUCell": f"units, {_SOFT}, <RC->, <D>, implementation=2, reset_after=False",
    "LSTM": f"units, {_SOFT}, unit_forget_bias=True, <RC>, <D>, implementation=2, <S>",
    "LSTMCell": f"units, {_SOFT}, unit_forget_bias=True, <RC->, <D>, implementation=2",
}

TENSORFLOW = {
    "BatchNormalization": f"{_NORMALIZATION}, synchronized=False, renorm=False, "
    "renorm_clipping=None, renorm_momentum=0.99, fused=None, virtual_batch_size=None, "
    "adjustment=None",
    "Bidirectional": "layer, merge_mode='concat', weights=None, backward_layer=None",
    "Conv1D": _convolution("1", _LAST, "groups=1, "),
    "Conv2D": _convolution("(1, 1)", groups="groups=1, "),
    "Conv3D": _convolution("(1, 1, 1)", groups="groups=1, "),
    "Conv3DTranspose": "filters, kernel_size, strides=(1, 1, 1), padding='valid', "
    f"output_padding=None, {_FORMAT}, dilation_rate=(1, 1, 1), {_BASE}",
    "ConvLSTM2D": f"{_CONV_CELL}dilation_rate=(1, 1), {_HARD}, unit_forget_bias=True, <RC>, "
    "return_sequences=False, return_state=False, go_backwards=False, stateful=False, <D>",
    "DepthwiseConv2D": SINCE_2_3["DepthwiseConv2D"],
    "Embedding": f"{MODULES['embeddings']['Embedding']}, sparse=False",
    "GaussianDropout": "rate, seed=None",
    "GaussianNoise": "stddev, seed=None",
    "GlobalAveragePooling1D": f"{_LAST}, keepdims=False",
    "GlobalAveragePooling2D": f"{_FORMAT}, keepdims=False",
    "GlobalAveragePooling3D": f"{_FORMAT}, keepdims=False",
    "GlobalMaxPooling1D": f"{_LAST}, keepdims=False",
    "GlobalMaxPooling2D": f"{_FORMAT}, keepdims=False",
    "GlobalMaxPooling3D": f"{_FORMAT}, keepdims=False",
    "GRU": f"units, {_SOFT}, <RC>, <D>, <S>, time_major=False, reset_after=True, implementation=2",
    "GRUCell": f"units, {_SOFT}, <RC->, <D>, reset_after=True, implementation=2",
    "LSTM": f"units, {_SOFT}, unit_forget_bias=True, <RC>, <D>, return_sequences=False, "
    "return_state=False, go_backwards=False, stateful=False, time_major=False, unroll=False, "
    "implementation=2",
    "LSTMCell": f"units, {_SOFT}, unit_forget_bias=True, <RC->, <D>, implementation=2",
    "LocallyConnected1D": f"{MODULES['local']['LocallyConnected1D']}, implementation=1",
    "LocallyConnected2D": f"{MODULES['local']['LocallyConnected2D']}, implementation=1",
    "RNN": "cell, <S>, time_major=False",
    "SeparableConv1D": MODULES["convolutional"]["SeparableConv1D"].replace(_LAST, _FORMAT),
    "Softmax": "axis=-1, robust_masking=False",
}

_CONV_LSTM = TENSORFLOW["ConvLSTM2D"]
_STATELESS = (
    "axis=-1, epsilon=0.001, center=True, scale=True, beta_initializer='zeros', "
    "gamma_initializer='ones', beta_regularizer=None, gamma_regularizer=None, "
    "beta_constraint=None, gamma_constraint=None"
)
_FILLED = "fill_mode='reflect', interpolation='bilinear', seed=None, fill_value=0.0"
# Layers of tf.keras alone, by module.
TENSORFLOW_MORE: dict[str, dict[str, str]] = {
    "convolutional_recurrent": {
        "ConvLSTM1D": _CONV_LSTM.replace("(1, 1)", "1"),
        "ConvLSTM3D": _CONV_LSTM.replace("(1, 1)", "(1, 1, 1)"),
    },
    "core": {
        "AdditiveAttention": "use_scale=True",
        "Attention": "use_scale=False, score_mode='dot'",
        "Conv1DTranspose": "filters, kernel_size, strides=1, padding='valid', output_padding=None, "
        f"{_FORMAT}, dilation_rate=1, {_BASE}",
        "DepthwiseConv1D": "kernel_size, strides=1, padding='valid', depth_multiplier=1, "
        f"{_FORMAT}, dilation_rate=1, {_DEPTHWISE}",
        "EinsumDense": "equation, output_shape, activation=None, bias_axes=None, <K>",
        "GroupNormalization": f"groups=32, {_STATELESS}",
        "Identity": "trainable=True, name=None, dtype=None, dynamic=False",
        "LayerNormalization": _STATELESS,
        "MultiHeadAttention": "num_heads, key_dim, value_dim=None, dropout=0.0, use_bias=True, "
        "output_shape=None, attention_axes=None, <K>, softmax_robust_masking=False",
        "SpectralNormalization": "layer, power_iterations=1",
        "UnitNormalization": "axis=-1",
    },
    "preprocessing": {
        "CategoryEncoding": "num_tokens=None, output_mode='multi_hot', sparse=False",
        "CenterCrop": "height, width",
        "Discretization": "bin_boundaries=None, num_bins=None, epsilon=0.01, output_mode='int', "
        "sparse=False",
        "HashedCrossing": "num_bins, output_mode='int', sparse=False",
        "Hashing": "num_bins, mask_value=None, salt=None, output_mode='int', sparse=False",
        "IntegerLookup": "max_tokens=None, num_oov_indices=1, mask_token=None, oov_token=-1, "
        "vocabulary=None, vocabulary_dtype='int64', idf_weights=None, invert=False, "
        "output_mode='int', sparse=False, pad_to_max_tokens=False",
        "Normalization": "axis=-1, mean=None, variance=None, invert=False",
        "RandomBrightness": "factor, value_range=(0, 255), seed=None",
        "RandomContrast": "factor, seed=None",
        "RandomCrop": "height, width, seed=None",
        "RandomFlip": "mode='horizontal_and_vertical', seed=None",
        "RandomRotation": f"factor, {_FILLED}",
        "RandomTranslation": f"height_factor, width_factor, {_FILLED}",
        "RandomZoom": f"height_factor, width_factor=None, {_FILLED}",
        "Rescaling": "scale, offset=0.0",
        "Resizing": "height, width, interpolation='bilinear', crop_to_aspect_ratio=False",
        "StringLookup": "max_tokens=None, num_oov_indices=1, mask_token=None, oov_token='[UNK]', "
        "vocabulary=None, idf_weights=None, encoding='utf-8', invert=False, output_mode='int', "
        "sparse=False, pad_to_max_tokens=False",
        "TextVectorization": "max_tokens=None, standardize='lower_and_strip_punctuation', "
        "split='whitespace', ngrams=None, output_mode='int', output_sequence_length=None, "
        "pad_to_max_tokens=False, vocabulary=None, idf_weights=None, sparse=False, ragged=False, "
        "encoding='utf-8'",
    },
}
# Keyword arguments of single classes, which they pass on to their base class.
TENSORFLOW_KEYWORDS = dict.fromkeys(("AdditiveAttention", "Attention"), "dropout=0.0")
