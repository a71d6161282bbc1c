"""SavingMethods: the methods of a Model that write or read files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import IO, Any, Literal

from cornu import registry, saving
from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.models.inspection_methods import InspectionMethods
from cornu.registry.names import find_export

__all__ = ["SavingMethods"]


class SavingMethods(InspectionMethods):
    """The methods of a Model that write or read files; each delegates to a module."""

    @api_boundary
    def save(
        self,
        filepath: str | os.PathLike[str] | IO[bytes],
        overwrite: bool = True,
        zipped: bool | None = None,
        *,
        include_optimizer: bool = True,
        save_format: str | None = None,
        weights_format: Literal["h5", "safetensors"] = "h5",
    ) -> None:
        """Writes the model to a file: architecture, weights, compile arguments and optimizer.

        `cornu.saving.load_model` reads it. The details of formats are described in
        `cornu.saving.save_model`.

        Args:
            filepath: a path that ends in `.keras`, or in `.h5` for the older format of Keras; or an
                open binary file, which receives a `.keras` archive.
            overwrite: whether an existing file is replaced. If False, the user is asked in a
                terminal or notebook.
            zipped: `True` or `None`: directories are not written.
            include_optimizer: whether the file contains the state of the optimizer.
            save_format: ignored with a warning: the file name decides.
            weights_format: `"h5"`, which Keras reads, or `"safetensors"`, which is faster and which
                only cornu reads.

        Raises:
            ValueError: the file name has another ending.
            TypeError: a constructor argument of a layer cannot be serialized.
            FileExistsError: the file exists, `overwrite` is False, and nobody can be asked.

        Example:

        >>> import cornu, numpy as np, pathlib, tempfile
        >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])
        >>> path = pathlib.Path(tempfile.mkdtemp(), "model.keras")
        >>> model.save(path)
        >>> x = np.ones((5, 3), "float32")
        >>> bool((cornu.saving.load_model(path).predict(x) == model.predict(x)).all())
        True
        """
        saving.save_model(
            self,
            filepath,
            overwrite,
            zipped,
            include_optimizer=include_optimizer,
            save_format=save_format,
            weights_format=weights_format,
        )

    @api_boundary
    def export(
        self,
        filepath: str | os.PathLike[str],
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        input_signature: Any = None,
        **kwargs: Any,
    ) -> None:
        """Writes the model in inference as a file for other programs; see `docs/export.md`.

        Unknown sizes of the inputs, such as that of the batch, remain unknown. Layers that take
        strings are left out: the file takes the numbers that they return, and says so.

        Args:
            filepath: the file, or the directory of a SavedModel.
            format: `"tf_saved_model"`, which needs TensorFlow, `"stablehlo"`, `"onnx"`, or
                `"torch"`, which writes the weights as a state_dict to a file `.safetensors`,
                `.pt` or `.pth`.
            verbose: whether to print what was written; None means yes.
            input_signature: specs of the inputs (with a shape and a dtype), such as
                `cornu.InputSpec`, if sizes or dtypes are to be fixed: one, a list in the order of
                the inputs, or a dict by name.
            **kwargs: options of the format. Of ONNX: `opset_version`, at least 18, the default;
                `external_data`, whether weights are written to a second file, by default above
                1.9 GB; `precision`, `"float16"` or `"int8"`, with `keep_io_types` (float32 inputs
                and outputs, True by default) and `calibration_data` (typical inputs, for int8).
                Of torch: `names` of modules, see `cornu.export.state_dict`. Of a SavedModel:
                `jax2tf_kwargs`.

        Raises:
            ValueError: the model is not built, or the format is unknown.
            NotImplementedError: the format cannot express the model.
            ImportError: a package that the format needs is not installed.

        Example:

        >>> import cornu, numpy as np, pathlib, tempfile
        >>> model = cornu.Sequential([cornu.Input((3,), name="x"), cornu.layers.Dense(2)])
        >>> path = pathlib.Path(tempfile.mkdtemp(), "model.stablehlo")
        >>> model.export(path, format="stablehlo", verbose=False)
        >>> cornu.export.load(path)(np.ones((5, 3))).shape
        (5, 2)

        Differences: `"openvino"` and `"litert"` are not written; the error says how to convert.
        `"torch"` writes weights, and not a program.

        Extensions: `"stablehlo"`. Names of layers and blocks, and paths of weights, are kept.
        """
        find_export().export_model(
            self, filepath, format, verbose, input_signature=input_signature, **kwargs
        )

    @api_boundary
    def save_weights(
        self,
        filepath: str | os.PathLike[str],
        overwrite: bool = True,
        max_shard_size: float | None = None,
    ) -> None:
        """Writes the weights of a built model to a file, without its architecture and optimizer.

        The details of formats are described in `cornu.saving.save_weights`.

        Args:
            filepath: a path that ends in `.weights.h5`, the format of Keras, or in `.safetensors`
                or `.npz`.
            overwrite: whether an existing file is replaced. If False, the user is asked in a
                terminal or notebook.
            max_shard_size: the maximum size of a file in GB (2^30 bytes), for weights in several
                files; `filepath` is then that of their index, which ends in `.weights.json`.

        Raises:
            ValueError: the file name has another ending, or the model is not built.
            FileExistsError: the file exists, `overwrite` is False, and nobody can be asked.

        Example:

        >>> import cornu, pathlib, tempfile
        >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])
        >>> path = pathlib.Path(tempfile.mkdtemp(), "model.weights.h5")
        >>> model.save_weights(path)
        >>> model.load_weights(path)
        """
        saving.save_weights(self, filepath, overwrite, max_shard_size)

    @api_boundary
    def load_weights(
        self,
        filepath: str | os.PathLike[str],
        skip_mismatch: bool = False,
        *,
        by_name: bool | None = None,
        objects_to_skip: Iterable[Layer | Variable] | None = None,
        keras_version: str | None = None,
        source_backend: str | None = None,
    ) -> None:
        """Reads weights from a file into the built model; see `save_weights` for an example.

        The details of formats are described in `cornu.saving.load_weights`.

        Args:
            filepath: a file that `save_weights` or `save` wrote, here or in Keras; the index of
                weights in several files; a directory that `OrbaxCheckpoint` wrote; or an older
                `.h5` file.
            skip_mismatch: whether weights that are missing or have another shape are skipped, with
                a warning that lists them.
            by_name: for older `.h5` files: whether layers are matched by their names instead of
                their order.
            objects_to_skip: layers and Variables of the model that keep their values.
            keras_version: the version that wrote an older `.h5` file, such as "2.2.4", if the file
                does not contain it.
            source_backend: the backend that wrote an older `.h5` file, such as "theano", if the
                file does not contain it.

        Raises:
            ValueError: a weight is missing or has another shape, or the file is damaged. The model
                is not changed.
        """
        saving.load_weights(
            self,
            filepath,
            skip_mismatch,
            by_name=by_name,
            objects_to_skip=objects_to_skip,
            keras_version=keras_version,
            source_backend=source_backend,
        )

    @api_boundary
    def to_json(self, **kwargs: Any) -> str:
        """Returns the model's architecture as JSON; `cornu.models.model_from_json` reads it.

        Args:
            **kwargs: arguments of `json.dumps`, such as `indent`.
        """
        config = registry.serialize(self)
        build_config = self.get_build_config()
        if build_config is not None:
            config["build_config"] = build_config
        return json.dumps(config, **kwargs)
