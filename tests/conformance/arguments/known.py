"""Intended differences from Keras that occur among the compared combinations of arguments.

Each is also a section *Differences* or *Fixes* of a docstring; a test shows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Known(NamedTuple):
    """A difference.

    Attributes:
        paths: patterns of names, separated by spaces.
        kind: of the difference, as `subject.Differs` has it.
        when: the values that options have where it occurs.
        why: what differs.
        test: the file of the test that shows it.
    """

    paths: str
    kind: str
    when: Mapping[str, Sequence[Any]]
    why: str
    test: str


_HERE = "tests/conformance/arguments/test_differences.py"
_HALF = ("bfloat16", "float16")
_BFLOAT = ("bfloat16", "mixed_bfloat16")
_FLOAT16 = ("float16", "mixed_float16")
_MIXED = ("mixed_bfloat16", "mixed_float16")
# The option "(dtype of arrays)".
_ARRAYS = "(dtype of arrays)"
_BY_KERAS = "refused by Keras"

KNOWN: tuple[Known, ...] = (
    Known(
        "ops.max_pool ops.average_pool",
        _BY_KERAS,
        {"strides": (None,)},
        "the default strides work",
        _HERE,
    ),
    Known(
        "ops.segment_*",
        _BY_KERAS,
        {"num_segments": (None,)},
        "the number of segments is found",
        _HERE,
    ),
    Known("ops.istft", "values", {"window": (None,)}, "is the inverse without window", _HERE),
    Known(
        "ops.image.affine_transform",
        "values",
        {_ARRAYS: _HALF},
        "coordinates are computed in float32",
        _HERE,
    ),
    Known("ops.rearrange", _BY_KERAS, {}, "can be compiled", _HERE),
    Known(
        "ops.bartlett ops.blackman ops.hamming ops.hanning ops.kaiser",
        _BY_KERAS,
        {"(mode)": ("compiled",)},
        "can be compiled",
        _HERE,
    ),
    Known(
        "ops.sparse_categorical_crossentropy",
        "dtype",
        {_ARRAYS: _HALF},
        "the dtype is that of the output",
        _HERE,
    ),
    Known(
        "ops.dot_product_attention",
        _BY_KERAS,
        {_ARRAYS: ("float16",)},
        "float16 works on CPU",
        _HERE,
    ),
    Known(
        "layers.MultiHeadAttention layers.GroupQueryAttention",
        _BY_KERAS,
        {"dtype": _FLOAT16},
        "float16 works on CPU",
        _HERE,
    ),
    Known(
        "layers.MultiHeadAttention",
        _BY_KERAS,
        {"value_dim": (4,)},
        "values may have other sizes than keys",
        _HERE,
    ),
    Known("layers.RMSNormalization", _BY_KERAS, {"axis": (1,)}, "takes any axis", _HERE),
    Known(
        "layers.SimpleRNN",
        "values",
        {"activity_regularizer": ("l2",)},
        "the activity regularizer is applied",
        _HERE,
    ),
    Known(
        "layers.TimeDistributed",
        "dtype",
        {"dtype": _MIXED},
        "the layer has its own dtype policy",
        _HERE,
    ),
    Known(
        "layers.CategoryEncoding layers.Hashing layers.HashedCrossing",
        "dtype",
        {"dtype": _MIXED},
        "the result has the compute dtype",
        _HERE,
    ),
    Known(
        "layers.Hashing",
        _BY_KERAS,
        {"output_mode": ("multi_hot", "count"), "dtype": _HALF},
        "half precision works",
        _HERE,
    ),
    Known(
        "layers.IntegerLookup layers.StringLookup layers.TextVectorization",
        "dtype",
        {"output_mode": ("one_hot", "multi_hot", "count")},
        "vectors have the compute dtype",
        _HERE,
    ),
    Known("layers.STFTSpectrogram", _BY_KERAS, {"dtype": _BFLOAT}, "bfloat16 works", _HERE),
    Known(
        "layers.RandomColorJitter",
        _BY_KERAS,
        {"data_format": ("channels_first",)},
        "channels may come first",
        _HERE,
    ),
    Known(
        "losses.KLDivergence metrics.BinaryCrossentropy",
        "values",
        {_ARRAYS: _HALF},
        "probabilities are clipped in float32",
        _HERE,
    ),
    Known(
        "optimizers.Adam optimizers.AdamW optimizers.ScheduleFreeAdamW optimizers.Muon",
        "values",
        {_ARRAYS: _HALF},
        "bias corrections and norms are computed in float32",
        "tests/conformance/test_faults.py",
    ),
    Known(
        "initializers.Orthogonal",
        _BY_KERAS,
        {_ARRAYS: _HALF},
        "half precision works",
        _HERE,
    ),
    Known(
        "initializers.STFT",
        "values",
        {_ARRAYS: _HALF},
        "values are rounded once",
        _HERE,
    ),
)
