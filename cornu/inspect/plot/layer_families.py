"""Families of layers, which decide the color of a box in a plot."""

from __future__ import annotations

from typing import Literal

from cornu import layers
from cornu.core.layer.layer import Layer
from cornu.inspect.outline import Item

__all__ = ["FAMILY_HUES", "Family", "find_family"]

Family = Literal[
    "input", "dense", "conv", "pooling", "norm", "activation", "merge", "noise", "recurrent",
    "wrapper", "attention", "embedding", "shape", "layer", "model", "block", "op",
]  # fmt: skip

# Hue of each family on the color wheel, in degrees; None is grey.
FAMILY_HUES: dict[Family, int | None] = {
    "input": None, "dense": 214, "conv": 236, "pooling": 178, "norm": 38, "activation": 12,
    "merge": 280, "noise": 60, "recurrent": 145, "wrapper": 160, "attention": 322,
    "embedding": 98, "shape": 195, "model": 258, "block": 222, "op": None, "layer": 200,
}  # fmt: skip

# Subclasses belong to the family of their nearest base class. What is missing is a "layer".
_CLASSES: dict[Family, str] = {
    "input": "InputLayer",
    "dense": "Dense EinsumDense Identity Lambda Masking",
    "conv": "Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose "
    "DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D",
    "pooling": "AveragePooling1D AveragePooling2D AveragePooling3D MaxPooling1D MaxPooling2D "
    "MaxPooling3D GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D "
    "GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D AdaptiveAveragePooling1D "
    "AdaptiveAveragePooling2D AdaptiveAveragePooling3D AdaptiveMaxPooling1D "
    "AdaptiveMaxPooling2D AdaptiveMaxPooling3D",
    "norm": "BatchNormalization GroupNormalization LayerNormalization RMSNormalization "
    "SpectralNormalization UnitNormalization",
    "activation": "Activation ELU LeakyReLU PReLU ReLU Softmax",
    "merge": "Add Average Concatenate Dot Maximum Minimum Multiply Subtract",
    "noise": "ActivityRegularization AlphaDropout Dropout GaussianDropout GaussianNoise "
    "SpatialDropout1D SpatialDropout2D SpatialDropout3D",
    "recurrent": "RNN GRU LSTM SimpleRNN GRUCell LSTMCell SimpleRNNCell StackedRNNCells",
    "wrapper": "Wrapper Bidirectional TimeDistributed",
    "attention": "AdditiveAttention Attention MultiHeadAttention",
    "embedding": "Embedding ReversibleEmbedding",
    "shape": "Cropping1D Cropping2D Cropping3D Flatten Permute RepeatVector Reshape UpSampling1D "
    "UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D",
}
_FAMILIES: dict[type[Layer], Family] = {
    getattr(layers, name): family for family, names in _CLASSES.items() for name in names.split()
}


def find_family(item: Item) -> Family:
    """Returns the family that a part of a model belongs to."""
    if item.kind != "layer":
        return item.kind
    bases = type(item.op).__mro__
    return next((_FAMILIES[base] for base in bases if base in _FAMILIES), "layer")
