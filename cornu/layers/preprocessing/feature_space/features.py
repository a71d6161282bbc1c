"""Features and crosses of a FeatureSpace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu.core.layer.layer import Layer
from cornu.layers.identity import Identity
from cornu.layers.preprocessing.rescaling import Rescaling
from cornu.layers.preprocessing.tabular.category_encoding import CategoryEncoding
from cornu.layers.preprocessing.tabular.discretization import Discretization
from cornu.layers.preprocessing.tabular.hashed_crossing import HashedCrossing
from cornu.layers.preprocessing.tabular.hashing import Hashing
from cornu.layers.preprocessing.tabular.integer_lookup import IntegerLookup
from cornu.layers.preprocessing.tabular.normalization import Normalization
from cornu.layers.preprocessing.tabular.string_lookup import StringLookup
from cornu.names import auto_name
from cornu.registry import Configurable

__all__ = ["KINDS", "Cross", "Feature", "cardinality"]

_OUTPUTS = ("int", "one_hot", "float")


# Where configs of Keras say that the classes are, which are not public.
_MODULE = "keras.src.layers.preprocessing.feature_space"


class Feature(Configurable):
    """A column with its dtype, preprocessing layer and encoding.

    Args:
        dtype: `"string"`, or the dtype of the numbers.
        preprocessor: a layer for inputs of shape (batch, 1).
        output_mode: `"float"`: the layer returns floats; `"int"`: it returns indices; `"one_hot"`:
            it returns indices, which are one-hot encoded.
    """

    _category_ = "utils"

    def _public_name_(self) -> tuple[str, str]:
        return _MODULE, type(self).__name__

    def __init__(self, dtype: str, preprocessor: Layer, output_mode: str) -> None:
        if output_mode not in _OUTPUTS:
            raise ValueError(
                f"output_mode of a feature must be one of {_OUTPUTS}. Received: {output_mode!r}"
            )
        if not isinstance(preprocessor, Layer):
            raise TypeError(
                f"The preprocessor of a feature must be a layer. Received: {preprocessor!r}\n"
                "Wrap a function in a layer with Lambda(function)."
            )
        self.dtype = dtype
        self.preprocessor = preprocessor
        self.output_mode = output_mode


class Cross(Configurable):
    """A combination of features that is hashed into bins.

    Args:
        feature_names: the names of the features.
        crossing_dim: the number of bins.
        output_mode: `"int"`: the index of the bin; `"one_hot"`: its one-hot encoding.
    """

    _category_ = "utils"

    def _public_name_(self) -> tuple[str, str]:
        return _MODULE, type(self).__name__

    def __init__(
        self, feature_names: Sequence[str], crossing_dim: int, output_mode: str = "one_hot"
    ) -> None:
        if output_mode not in _OUTPUTS[:2]:
            raise ValueError(
                f"output_mode of a cross must be one of {_OUTPUTS[:2]}. Received: {output_mode!r}"
            )
        if isinstance(feature_names, str) or len(tuple(feature_names)) < 2:
            raise ValueError(f"A cross requires at least two features. Received: {feature_names!r}")
        self.feature_names = tuple(feature_names)
        self.crossing_dim = crossing_dim
        self.output_mode = output_mode

    @property
    def name(self) -> str:
        """The names of the features, joined."""
        return "_X_".join(self.feature_names)


def _layer_name(kind: str, name: str | None) -> str:
    return f"{name or auto_name(kind)}_preprocessor"


def plain(name: str | None = None) -> Feature:
    """Returns a feature for numbers, which are unchanged."""
    return Feature("float32", Identity(dtype="float32", name=_layer_name("float", name)), "float")


def rescaled(scale: float = 1.0, offset: float = 0.0, name: str | None = None) -> Feature:
    """Returns a feature for numbers, multiplied by a scale and shifted by an offset."""
    layer = Rescaling(scale, offset, name=_layer_name("float_rescaled", name))
    return Feature("float32", layer, "float")


def normalized(name: str | None = None) -> Feature:
    """Returns a feature for numbers, normalized to mean 0 and standard deviation 1."""
    layer = Normalization(axis=-1, name=_layer_name("float_normalized", name))
    return Feature("float32", layer, "float")


def discretized(
    num_bins: int | None,
    bin_boundaries: Any = None,
    output_mode: str = "one_hot",
    name: str | None = None,
) -> Feature:
    """Returns a feature for numbers, mapped to bins with given or computed boundaries."""
    layer = Discretization(
        num_bins=num_bins if bin_boundaries is None else None,
        bin_boundaries=bin_boundaries,
        name=_layer_name("float_discretized", name),
    )
    return Feature("float32", layer, output_mode)


def integers(
    max_tokens: int | None = None,
    num_oov_indices: int = 1,
    output_mode: str = "one_hot",
    name: str | None = None,
) -> Feature:
    """Returns a feature for integers, looked up in a vocabulary that `adapt` computes."""
    layer = IntegerLookup(
        max_tokens=max_tokens,
        num_oov_indices=num_oov_indices,
        name=_layer_name("integer_categorical", name),
    )
    return Feature("int32", layer, output_mode)


def strings(
    max_tokens: int | None = None,
    num_oov_indices: int = 1,
    output_mode: str = "one_hot",
    name: str | None = None,
) -> Feature:
    """Returns a feature for strings, looked up in a vocabulary that `adapt` computes."""
    layer = StringLookup(
        max_tokens=max_tokens,
        num_oov_indices=num_oov_indices,
        name=_layer_name("string_categorical", name),
    )
    return Feature("string", layer, output_mode)


def hashed_integers(
    num_bins: int, output_mode: str = "one_hot", name: str | None = None
) -> Feature:
    """Returns a feature for integers, hashed into bins."""
    layer = Hashing(num_bins, name=_layer_name("integer_hashed", name))
    return Feature("int32", layer, output_mode)


def hashed_strings(num_bins: int, output_mode: str = "one_hot", name: str | None = None) -> Feature:
    """Returns a feature for strings, hashed into bins."""
    layer = Hashing(num_bins, name=_layer_name("string_hashed", name))
    return Feature("string", layer, output_mode)


# The constructor of each kind, and the FeatureSpace attribute with its default number of bins.
KINDS: dict[str, tuple[Any, str | None]] = {
    "float": (plain, None),
    "float_rescaled": (rescaled, None),
    "float_normalized": (normalized, None),
    "float_discretized": (discretized, "num_discretization_bins"),
    "integer_categorical": (integers, None),
    "string_categorical": (strings, None),
    "integer_hashed": (hashed_integers, "hashing_dim"),
    "string_hashed": (hashed_strings, "hashing_dim"),
}


def cardinality(layer: Layer) -> int | None:
    """Returns the number of indices of a layer, or None if it is unknown."""
    match layer:
        case IntegerLookup() | StringLookup():
            return layer.vocabulary_size()
        case CategoryEncoding():
            return layer.num_tokens
        case Discretization():
            # As in Keras, also if few values have fewer distinct boundaries.
            return layer.num_bins or layer.depth
        case Hashing() | HashedCrossing():
            return layer.num_bins
    return None
