"""FeatureSpace: encodes the rows of a table as vectors."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import registry
from cornu.core.graph.tensor import Tensor
from cornu.core.layer.layer import Layer
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.errors import suggest
from cornu.layers.input import Input
from cornu.layers.merging import Concatenate
from cornu.layers.preprocessing.base import (
    AdaptableLayer,
    PreprocessingLayer,
    as_output,
    host_outputs,
    is_alone,
    new_output,
)
from cornu.layers.preprocessing.feature_space import features as kinds
from cornu.layers.preprocessing.feature_space.features import KINDS, Cross, Feature, cardinality
from cornu.layers.preprocessing.feature_space.table import as_column, columns, parts
from cornu.layers.preprocessing.feature_space.vectors import encoded_vectors
from cornu.layers.preprocessing.tabular.category_encoding import CategoryEncoding
from cornu.layers.preprocessing.tabular.hashed_crossing import HashedCrossing

__all__ = ["FeatureSpace"]


class FeatureSpace(PreprocessingLayer):
    """Encodes each column of a table, and concatenates the encodings.

    Args:
        features: the feature of each column: a kind, such as `"float_normalized"`, or the result
            of a static method, such as `FeatureSpace.float_normalized()`.
        output_mode: `"concat"`: a vector for each row; `"dict"`: a dict of encoded features.
        crosses: features to cross: tuples of names, or results of `FeatureSpace.cross`.
        crossing_dim: the default number of bins of a cross.
        hashing_dim: the default number of bins of hashed features.
        num_discretization_bins: the default number of bins of discretized features.
        name: the name of the layer.

    Kinds of features:

        float                 numbers, unchanged
        float_rescaled        numbers, multiplied by a scale and shifted by an offset
        float_normalized      numbers, normalized to mean 0 and standard deviation 1
        float_discretized     numbers, mapped to bins
        integer_categorical   integers, looked up in a vocabulary
        string_categorical    strings, looked up in a vocabulary
        integer_hashed        integers, hashed into bins
        string_hashed         strings, hashed into bins

    Shapes:
        {name: (batch,) or (batch, 1)} -> (batch, all features), or {name: (batch, ...)};
        for scalars the result has no batch axis

    Raises:
        ValueError: a kind or a feature does not exist, a column is missing, or integers would have
            to be concatenated with floats.
        RuntimeError: the layer is called before `adapt`, and a feature requires it.

    Example:

    >>> import cornu
    >>> table = {"age": [20.0, 40.0], "city": ["Rome", "Oslo"]}
    >>> space = cornu.utils.FeatureSpace({"age": "float_normalized", "city": "string_categorical"})
    >>> space.adapt(table)
    >>> space(table).tolist()
    [[-1.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 1.0]]

    Extensions: TensorFlow is not required; tables are dicts, pandas or polars data frames,
    iterables of these, or `tf.data` datasets. `adapt` reads the data once. Other columns are
    ignored. A model of `get_inputs()` looks up and hashes strings on the host, as the last step of
    reading the data, where Keras on JAX cannot train it. `adapt` is not required if all
    boundaries, vocabularies and statistics are passed to the features.
    """

    def __init__(
        self,
        features: dict[str, Any],
        output_mode: str = "concat",
        crosses: Sequence[Any] | None = None,
        crossing_dim: int = 32,
        hashing_dim: int = 32,
        num_discretization_bins: int = 32,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        if not isinstance(features, dict) or not features:
            raise ValueError(
                f"{self._label_()}: features must be a non-empty dict from columns to kinds. "
                f"Received: {features!r}"
            )
        if output_mode not in ("concat", "dict"):
            raise ValueError(
                f"{self._label_()}: output_mode must be 'concat' or 'dict'. "
                f"Received: {output_mode!r}"
            )
        self.output_mode = output_mode
        self.crossing_dim = crossing_dim
        self.hashing_dim = hashing_dim
        self.num_discretization_bins = num_discretization_bins
        self.autocast = False
        self.features = {name: self._make_feature(name, kind) for name, kind in features.items()}
        self.crosses = [self._make_cross(cross) for cross in crosses or ()]
        self.preprocessors = {name: f.preprocessor for name, f in self.features.items()}
        self.crossers = {c.name: HashedCrossing(c.crossing_dim, name=c.name) for c in self.crosses}
        self.one_hot_encoders: dict[str, CategoryEncoding] = {}
        self._concat = Concatenate(axis=-1)
        self._has_encoders = False
        self._inputs: dict[str, Tensor] = {}
        self.encoded_features: Any = None

    def _make_feature(self, name: str, kind: Any) -> Feature:
        if isinstance(kind, Feature):
            return kind
        if kind not in KINDS:
            raise ValueError(
                f"{self._label_()}: feature {name!r} has the unknown kind {kind!r}. "
                f"{suggest(kind, KINDS)}"
            )
        make, default = KINDS[kind]
        feature: Feature = make(getattr(self, default), name=name) if default else make(name=name)
        return feature

    def _make_cross(self, cross: Any) -> Cross:
        if not isinstance(cross, Cross):
            cross = Cross(cross, self.crossing_dim)
        checked: Cross = cross
        for name in checked.feature_names:
            if name not in self.features:
                raise ValueError(
                    f"{self._label_()}: crosses contains the unknown feature {name!r}. "
                    f"{suggest(name, self.features)}"
                )
            if self.features[name].output_mode == "float":
                raise ValueError(
                    f"{self._label_()}: feature {name!r} returns floats; only indices can be "
                    "crossed.\nDiscretize it with FeatureSpace.float_discretized(...)."
                )
        return checked

    # ---------------------------------------------------------------------------------- features

    cross = staticmethod(Cross)
    float = staticmethod(kinds.plain)
    float_rescaled = staticmethod(kinds.rescaled)
    float_normalized = staticmethod(kinds.normalized)
    float_discretized = staticmethod(kinds.discretized)
    integer_categorical = staticmethod(kinds.integers)
    string_categorical = staticmethod(kinds.strings)
    integer_hashed = staticmethod(kinds.hashed_integers)
    string_hashed = staticmethod(kinds.hashed_strings)
    feature = staticmethod(Feature)

    # -------------------------------------------------------------------------------------- adapt

    @api_boundary
    def adapt(self, dataset: Any) -> None:
        """Adapts the layers of the features to a table; earlier statistics are discarded.

        Args:
            dataset: a dict or data frame of columns, or an iterable of these (also a
                `tf.data.Dataset`, of batches or of single rows).
        """
        learners = {
            name: layer for name, layer in self.preprocessors.items() if _is_adaptable(layer)
        }
        # Layers of the user may not have update_state: their data is collected for one `adapt`.
        kept: dict[str, list[Any]] = {name: [] for name in learners}
        for layer in learners.values():
            if isinstance(layer, AdaptableLayer):
                layer.reset_state()
        for part in parts(dataset, list(learners), self._label_()) if learners else ():
            for name, layer in learners.items():
                if isinstance(layer, AdaptableLayer):
                    layer.update_state(part[name])
                else:
                    kept[name].append(part[name])
        for name, layer in learners.items():
            if isinstance(layer, AdaptableLayer):
                layer.finalize_state()
            else:
                layer.adapt(kept[name])  # type: ignore[attr-defined]
        self._discard_graph()

    def _discard_graph(self) -> None:
        """Discards the graph and the encoders that were made before the features changed."""
        self.one_hot_encoders = {}
        self._has_encoders = False
        self._inputs, self.encoded_features = {}, None
        self.built = True

    def _make_encoders(self) -> None:
        """Creates the encoders of the features, unless they exist.

        Raises:
            RuntimeError: a feature requires `adapt`, which was not called.
        """
        if self._has_encoders:
            return
        if not self.built and any(map(_is_adaptable, self.preprocessors.values())):
            raise RuntimeError(
                f"{self._label_()} has not been adapted yet.\nCall adapt(table) before using it."
            )
        self.built = True
        # By specs: layers that are called on Tensors could not be adapted to another size again.
        specs = {
            name: layer.compute_output_spec(Tensor((None, 1), self.features[name].dtype))
            for name, layer in self.preprocessors.items()
        }
        for name, spec, layer, dtype in self._features_and_crosses(specs):
            self._make_encoder(name, spec, layer, dtype)
        self._has_encoders = True

    def _build_graph(self) -> None:
        """Builds the functional graph of the encoders, unless it is built."""
        if self.encoded_features is not None:
            return
        self._make_encoders()
        self._inputs = {
            name: Input((1,), dtype=feature.dtype, name=name)
            for name, feature in self.features.items()
        }
        numbers = {name: self.preprocessors[name](x) for name, x in self._inputs.items()}
        self.encoded_features = self._encode(numbers)

    def _features_and_crosses(
        self, numbers: dict[str, Tensor]
    ) -> list[tuple[str, Any, Layer, str]]:
        """Returns the name, specification, layer and dtype of each feature and cross."""
        own = [(n, self.features[n], self.preprocessors[n], x.dtype) for n, x in numbers.items()]
        return own + [(c.name, c, self.crossers[c.name], "int32") for c in self.crosses]

    def _make_encoder(self, name: str, spec: Any, layer: Layer, dtype: str) -> None:
        """Creates the one-hot encoder of a feature if it has one; checks its dtype."""
        label = f"{self._label_()}: feature {name!r}"
        indices = dtype.startswith(("int", "uint"))
        if spec.output_mode == "one_hot":
            size = cardinality(layer)
            if not indices or size is None:
                what = f"returns {dtype}" if not indices else "has an unknown number of indices"
                raise ValueError(
                    f"{label} has output_mode='one_hot', and its layer {layer.name!r} {what}.\n"
                    + ("Use output_mode='float'." if not indices else "Use output_mode='int'.")
                )
            self.one_hot_encoders[name] = CategoryEncoding(size, name=f"{name}_encoder")
        elif indices and self.output_mode == "concat":
            raise ValueError(
                f"{label} returns indices ({dtype}), which cannot be concatenated with floats.\n"
                "Use output_mode='one_hot' for it, or output_mode='dict' for the FeatureSpace."
            )

    # --------------------------------------------------------------------------------------- call

    @api_boundary
    def get_inputs(self) -> dict[str, Tensor]:
        """Returns an `Input` for each column, to build a model."""
        self._build_graph()
        return dict(self._inputs)

    @api_boundary
    def get_encoded_features(self) -> Any:
        """Returns the symbolic output for the inputs: a Tensor, or a dict of Tensors."""
        self._build_graph()
        return self.encoded_features

    @api_boundary
    def numbers(self, data: Any) -> dict[str, Any]:
        """Returns the columns of a table as inputs of a model that was built from `get_inputs()`.

        Such a model also accepts the table itself; other columns are left out here.

        Args:
            data: a dict or data frame of columns.

        Example:

        >>> import cornu
        >>> space = cornu.utils.FeatureSpace({"city": cornu.utils.FeatureSpace.string_hashed(4)})
        >>> model = cornu.Model(space.get_inputs(), space.get_encoded_features())
        >>> table = {"city": ["Rome", "Oslo"]}
        >>> bool((model(space.numbers(table)) == space(table)).all())
        True
        """
        table = columns(data, list(self.features), self._label_())
        return {name: as_column(x) for name, x in table.items()}

    @property
    def _accepts_strings_(self) -> bool:  # type: ignore[override]
        """Whether a feature consists of strings."""
        return any(feature.dtype == "string" for feature in self.features.values())

    @property
    def _requires_strings_(self) -> bool:  # type: ignore[override]
        """Whether a feature consists of strings."""
        return self._accepts_strings_

    def read(self, x: Any) -> Any:
        """Converts the table of a call to a dict of arrays."""
        self._make_encoders()
        return columns(x, list(self.features), self._label_())

    def __call__(self, data: Any) -> Any:
        if self._computes_with_numpy_for(data):
            # The steps around `call` do nothing for columns of NumPy; they take longer than it.
            # Errors are raised again by the call below, which says where they come from.
            with contextlib.suppress(Exception):
                return self.call(self.read(data))
        return super().__call__(data)

    def _computes_with_numpy_for(self, data: Any) -> bool:
        """Whether a call needs no conversions: by the class itself, of a table of NumPy arrays."""
        plain = type(self) is FeatureSpace and isinstance(data, dict) and is_alone()
        return plain and all(type(x) is np.ndarray for x in data.values())

    def call(self, data: dict[str, Any]) -> Any:
        """Returns the encoded rows of a table.

        Args:
            data: a column for each feature by name; or a number or string for each, for a single
                row.
        """
        # The column axis is added for the layers, and removed from the result of a single row.
        alone = any(x.ndim == 0 for x in data.values())
        with host_outputs():
            numbers = {
                name: _apply(self.preprocessors[name], as_column(x)) for name, x in data.items()
            }
            out = self._encode(numbers)
        if isinstance(out, dict):
            out = {name: as_output(x) for name, x in out.items()}
        elif isinstance(out, np.ndarray):
            out = new_output(out)
        if not alone:
            return out
        return {k: x[0] for k, x in out.items()} if isinstance(out, dict) else out[0]

    def _encode(self, numbers: dict[str, Any]) -> Any:
        """Crosses, encodes and concatenates the outputs of the layers of the features."""
        # Sorted by name, as in Keras: the order determines the columns of the result.
        out = {name: numbers[name] for name in sorted(numbers)}
        for cross in sorted(self.crosses, key=lambda cross: cross.name):
            out[cross.name] = self.crossers[cross.name]([numbers[n] for n in cross.feature_names])
        if self.output_mode == "concat":
            vectors = encoded_vectors(out, self.one_hot_encoders)
            if vectors is not None:
                return vectors
        for name, encoder in self.one_hot_encoders.items():
            out[name] = _apply(encoder, out[name])
        if self.output_mode == "dict":
            return out
        encoded = list(out.values())
        if all(isinstance(x, np.ndarray) and x.dtype == encoded[0].dtype for x in encoded):
            return np.concatenate(encoded, -1)
        return self._concat(encoded) if len(encoded) > 1 else encoded[0]

    def compute_output_spec(self, data: dict[str, Tensor]) -> Any:
        """Returns Tensors of the shapes and dtypes of the output.

        Args:
            data: a symbolic Tensor for each feature by name.
        """
        self._build_graph()
        self._check_dtypes(data)
        shape = next(iter(data.values())).shape
        out = self.encoded_features
        if isinstance(out, dict):
            return {name: Tensor((*shape[:1], *x.shape[1:]), x.dtype) for name, x in out.items()}
        return Tensor((*shape[:1], *out.shape[1:]), out.dtype)

    def _check_dtypes(self, data: dict[str, Tensor]) -> None:
        """Raises a TypeError for a column of numbers where strings are expected, and vice versa."""
        for name, feature in self.features.items():
            given = data[name].dtype
            if (feature.dtype == "string") != (given == "string"):
                raise TypeError(
                    f"{self._label_()}: column {name!r} must consist of {feature.dtype}, received "
                    f"a Tensor of {given}.\nCreate its input with "
                    f"Input((1,), dtype={feature.dtype!r}), or change the kind of the feature."
                )

    # ------------------------------------------------------------------------------------ as data

    def _public_name_(self) -> tuple[str, str]:
        """Returns the module and class name by which data refers to this object."""
        own = type(self) is not FeatureSpace
        return super()._public_name_() if own else ("keras.utils", "FeatureSpace")

    def _constructor_arguments_(self) -> dict[str, Any]:
        """Returns the constructor arguments, with the current features and crosses."""
        given = super()._constructor_arguments_()
        return {**given, "features": self.features, "crosses": self.crosses}

    def get_build_config(self) -> dict[str, Any] | None:
        """Returns the build configs of the layers of the features, or None if not built."""
        if not self.built:
            return None
        return {name: layer.get_build_config() for name, layer in self.preprocessors.items()}

    def build_from_config(self, config: dict[str, Any] | None) -> None:
        """Builds the layers of the features from a build config."""
        for name, built_with in (config or {}).items():
            layer = self.preprocessors.get(name)
            if layer is not None and not layer.built and built_with:
                layer.build(built_with["input_shape"])
        self._discard_graph()

    def get_compile_config(self) -> None:
        """Returns None; a FeatureSpace is not trained."""

    def compile_from_config(self, config: Any) -> None:
        """Does nothing; a FeatureSpace is not trained.

        Args:
            config: has no effect.
        """

    @api_boundary
    def save(self, filepath: Any) -> None:
        """Saves the FeatureSpace as a `.keras` archive, for `cornu.models.load_model`.

        Args:
            filepath: the path of the file, which ends in `.keras`.
        """
        registry.write_archive(self, filepath)


def _apply(layer: Layer, x: Any) -> Any:
    """Returns the output of a layer; that for a NumPy array may be one."""
    return layer.call_on_host(x) if isinstance(layer, PreprocessingLayer) else layer(x)


def _is_adaptable(layer: Layer) -> bool:
    if isinstance(layer, AdaptableLayer):
        return layer.adaptable
    return callable(getattr(layer, "adapt", None))  # a layer defined by the user


registry.add_class("utils", FeatureSpace, "FeatureSpace")
