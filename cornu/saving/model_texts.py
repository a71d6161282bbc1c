"""`model_from_json` and `model_from_yaml`: models from texts that describe them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from cornu import registry
from cornu.core.state.initial_value import defer_values
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.process.interrupts import loses_no_interrupt
from cornu.saving import old_files, validation
from cornu.saving.formats.yaml_text import yaml_to_json
from cornu.saving.missing_objects import list_missing_objects
from cornu.saving.work_budget import check_work

__all__ = ["model_from_config", "model_from_json", "model_from_yaml"]

_TRUSTED_JSON = (
    "If you trust the text, call cornu.saving.deserialize_keras_object(json.loads(text))."
)


@runtime_checkable
class CompiledFromConfig(Protocol):
    """The methods of models that layers do not have."""

    def get_compile_config(self) -> Any: ...

    def compile_from_config(self, config: Any) -> None: ...


def model_from_config(config: Any, name: str) -> Any:
    """Returns the model that a config describes.

    Args:
        config: the config.
        name: where it comes from, as messages show it.

    Raises:
        ValueError: it describes another object.
    """
    model = registry.deserialize(config)
    if not isinstance(model, CompiledFromConfig):
        raise ValueError(f"{name} does not describe a model.")
    return model


@api_boundary
@loses_no_interrupt
def model_from_json(
    json_string: str,
    custom_objects: Mapping[str, Any] | None = None,
    *,
    keras_version: str | None = None,
    source_backend: str | None = None,
) -> Any:
    """Returns a model with the architecture that `model.to_json()` described, and new weights.

    Args:
        json_string: the JSON text, of any version of Keras.
        custom_objects: your own classes and functions by name.
        keras_version, source_backend: the version of Keras that wrote it, and its backend; see
            `load_model`.

    Raises:
        ValueError: the text is not the JSON of a model, names an unknown class, or asks for far
            more work than its size justifies, such as `diff` with `n=10**9`.

    Example:

    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])
    >>> model_from_json(model.to_json()).output_shape
    (None, 2)
    """
    name = "The JSON text"
    if isinstance(json_string, str) and not json_string.lstrip().startswith("{"):
        raise ValueError(
            f"{name} starts with {json_string[:20]!r}, and does not describe a model.\n"
            "Pass the string that model.to_json() returned, not a file name."
        )
    with (
        validation.wrap_read_errors(name),
        defer_values(),
        validation.limit_work(len(json_string), name),
        registry.custom_object_scope(custom_objects),
    ):
        config = validation.read_json(json_string, name)
        old = old_files.create_model_of_json(
            config, len(json_string), name, keras_version, source_backend
        )
        if old is not None:
            return old
        check_work(config, len(json_string), name, _TRUSTED_JSON)
        with registry.archive_scope() as archive, list_missing_objects(config, archive, True):
            model = model_from_config(config, name)
        shapes = config.get("build_config")
        if isinstance(shapes, dict) and not model.built:
            model.build_from_config(shapes)
        return model


@api_boundary
@loses_no_interrupt
def model_from_yaml(
    yaml_string: str,
    custom_objects: Mapping[str, Any] | None = None,
    *,
    keras_version: str | None = None,
    source_backend: str | None = None,
) -> Any:
    """Returns a model with the architecture that `to_yaml()` of Keras 1 or 2 described.

    The text is read as plain data: nothing in it is executed or imported. This requires PyYAML,
    `pip install "cornu[yaml]"`.

    Args:
        yaml_string: the YAML text.
        custom_objects: your own classes and functions by name.
        keras_version, source_backend: the version of Keras that wrote it, and its backend; see
            `load_model`.

    Raises:
        ImportError: PyYAML is not installed.
        ValueError: the text is not the YAML of a model, or names an unknown class.

    Example:

    >>> import cornu
    >>> text = "{class_name: Sequential, config: [], keras_version: 1.2.2}"
    >>> cornu.models.model_from_yaml(text).layers
    []
    """
    text = yaml_to_json(yaml_string, "The YAML text")
    return model_from_json(
        text, custom_objects, keras_version=keras_version, source_backend=source_backend
    )
