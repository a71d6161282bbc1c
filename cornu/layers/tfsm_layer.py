"""TFSMLayer: an endpoint of a SavedModel of TensorFlow as a layer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from cornu import registry
from cornu.core.graph.tensor import Tensor
from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable
from cornu.layers.saved_model_endpoint import Endpoint, import_tensorflow, read_endpoint
from cornu.parts.initializers import Constant
from cornu.types import Config, DTypeLike, PyTree

__all__ = ["TFSMLayer"]


class TFSMLayer(Layer):
    """Computes an endpoint of a SavedModel, which `Model.export` or TensorFlow has written.

    The graph of the endpoint becomes a part of the compiled program, by `jax2tf.call_tf`; its
    variables become weights of the layer, which are trained if they were trainable.

    Args:
        filepath: the directory of the SavedModel.
        call_endpoint: the name of the endpoint, an attribute of the SavedModel or one of its
            signatures. `Model.export` writes `"serve"`; others often have `"serving_default"`.
        call_training_endpoint: the endpoint to use in training; the same one by default.
        trainable, name, dtype: as in `Layer`.

    Call arguments:
        inputs: an array; or a list or dict, if the endpoint has several inputs.
        training: whether the layer is called in training.

    Raises:
        ImportError: TensorFlow is not installed.
        FileNotFoundError: there is no such directory.
        ValueError: the SavedModel is damaged, or has no such endpoint.
        NotImplementedError: XLA cannot compile the endpoint, such as one that takes strings.

    Note: the graph of a SavedModel may read and write files when it is loaded or called: use only
    those of sources that you trust. For this reason a file of a model with this layer is loaded
    only with `custom_objects={"TFSMLayer": cornu.layers.TFSMLayer}`, and the SavedModel must still
    be in its directory.

    Differences: in Keras, the layer needs the backend TensorFlow.

    Example:

    >>> import pathlib, tempfile
    >>> import cornu, numpy as np
    >>> folder = pathlib.Path(tempfile.mkdtemp(), "saved")
    >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])
    >>> model.export(folder, verbose=False)  # doctest: +SKIP
    >>> layer = cornu.layers.TFSMLayer(folder)  # doctest: +SKIP
    >>> layer(np.ones((1, 3), "float32")).shape  # doctest: +SKIP
    (1, 2)
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        call_endpoint: str = "serve",
        call_training_endpoint: str | None = None,
        trainable: bool = True,
        name: str | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__(trainable=trainable, name=name, dtype=dtype)
        self.filepath = os.fspath(filepath)
        self.call_endpoint = call_endpoint
        self.call_training_endpoint = call_training_endpoint
        if not os.path.isdir(self.filepath):
            raise FileNotFoundError(f"{self._label_()}: {self.filepath!r} is not a directory.")
        tensorflow = import_tensorflow()
        try:
            loaded = tensorflow.saved_model.load(self.filepath)
        except Exception as error:  # TensorFlow raises all kinds of errors for damaged files
            raise ValueError(
                f"{self._label_()}: {self.filepath!r} is damaged or no SavedModel. {error}"
            ) from error
        self._shared: dict[str, Variable] = {}
        self._endpoint = self._read(loaded, call_endpoint)
        self._training_endpoint = self._endpoint
        if call_training_endpoint is not None:
            self._training_endpoint = self._read(loaded, call_training_endpoint)
        self.built = True

    def _read(self, loaded: Any, name: str) -> _BoundEndpoint:
        """Returns an endpoint with weights in place of its variables, which endpoints share."""
        endpoint = read_endpoint(loaded, name, self._label_())
        weights = []
        for variable in endpoint.variables:
            if variable.name not in self._shared:
                self._shared[variable.name] = self.add_weight(
                    variable.value.shape,
                    Constant(variable.value),
                    dtype=variable.value.dtype,
                    trainable=variable.trainable,
                    autocast=False,
                    name=variable.name.replace("/", "_"),
                )
            weights.append(self._shared[variable.name])
        return _BoundEndpoint(endpoint, weights)

    def call(self, inputs: PyTree, training: bool | None = False) -> PyTree:
        """Computes the endpoint."""
        endpoint, weights = self._training_endpoint if training else self._endpoint
        return endpoint([weight.value for weight in weights], inputs)

    def compute_output_spec(self, inputs: PyTree, training: bool | None = None) -> PyTree:
        """Returns symbolic Tensors with the shapes that the SavedModel declares."""
        return self._endpoint.endpoint.map_outputs(lambda shape, dtype: Tensor(shape, dtype))

    def get_config(self) -> Config:
        """Returns the constructor arguments."""
        return {
            **super().get_config(),
            "filepath": self.filepath,
            "call_endpoint": self.call_endpoint,
            "call_training_endpoint": self.call_training_endpoint,
        }

    @classmethod
    def from_config(
        cls,
        config: Config,
        custom_objects: Mapping[str, Any] | None = None,
        safe_mode: bool | None = None,
    ) -> Self:
        """Creates the layer from a config.

        Args:
            config: the dict returned by `get_config()`.
            custom_objects: with the class itself, if the config comes from a file.
            safe_mode: False if the config is trusted.

        Raises:
            ValueError: the config is in a file, and the class is not in `custom_objects`: a file
                must not choose what is loaded.
        """
        passed = (custom_objects or {}).get(cls.__name__, registry.find_in_scopes(cls.__name__))
        is_file = registry.current_archive() is not None and not registry.is_copying()
        if is_file and passed is not cls and safe_mode is not False:
            raise ValueError(
                f"A config names the SavedModel {config.get('filepath')!r}, whose graph may read "
                "and write files.\nIf you trust it, pass "
                f"custom_objects={{{cls.__name__!r}: cornu.layers.{cls.__name__}}}."
            )
        return cls(**config)


class _BoundEndpoint(NamedTuple):
    """An endpoint, and the weights that it uses."""

    endpoint: Endpoint
    weights: list[Variable]
