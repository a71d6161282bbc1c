"""Source: which library wrote a model, as far as it changes what the model computes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

__all__ = ["Source", "judge_source", "parse_version", "read_source"]

_VERSION = re.compile(
    r"(tf(?:\.keras)?[ -]?)?(\d{1,4}(?:\.\d{1,4}){0,2})(?:[.+]?[a-z]\w{0,20})?(-tf)?"
)
_BACKENDS = ("tensorflow", "theano", "cntk", "jax", "torch", "numpy", "openvino")
# The first version in which Keras was the Keras of TensorFlow.
_FIRST_OF_TENSORFLOW = (2, 4)


@dataclass(frozen=True)
class Source:
    """The library that wrote a model.

    Attributes:
        version: its version, such as `(2, 2, 4)`.
        is_tensorflow: whether it is `tf.keras`, whose numerics differ from those of Keras 2.3.
        backend: the library that computed, as far as the file says so.
        reason: why the version is assumed, if the file does not have it.
        backend_reason: why the backend is assumed, if the file does not have it.
        fuses_gates: whether recurrent layers of Keras 1 have one array for all gates, which depends
            on their argument `consume_less`.
        dim_ordering: the order of axes of images, "tf" or "th", of layers of Keras 1 whose config
            lacks it.

    Example:

    >>> source = parse_version("2.2.4-tf")
    >>> source.era, source.is_tensorflow, str(source)
    (2, True, 'tf.keras (Keras 2.2.4)')
    """

    version: tuple[int, ...]
    is_tensorflow: bool = False
    backend: str | None = None
    reason: str | None = None
    backend_reason: str | None = None
    fuses_gates: bool = False
    dim_ordering: str = "tf"

    @property
    def era(self) -> int:
        """The first number of the version; 1 for versions before 1."""
        return max(self.version[0], 1)

    def __str__(self) -> str:
        number = ".".join(map(str, self.version))
        return f"tf.keras (Keras {number})" if self.is_tensorflow else f"Keras {number}"


def parse_version(text: str, backend: str | None = None) -> Source:
    """Returns the source for a version such as "1.2", "2.2.4", "2.2.4-tf", "tf2" or "tf2.4".

    Args:
        text: the version.
        backend: the library that computed.

    Raises:
        ValueError: the text is not a version.

    Example:

    >>> parse_version("1.2").version, parse_version("tf2").is_tensorflow
    ((1, 2), True)
    """
    match = _VERSION.fullmatch(text.strip().lower()) if isinstance(text, str) else None
    if match is None or int(match[2].partition(".")[0]) > 3:
        raise ValueError(
            "keras_version must be a version of Keras, such as '1.2', '2.2.4', 'tf2.4' (for "
            f"tf.keras) or '3'. Received: {text!r}"
        )
    prefix, number, suffix = match.groups()
    version = tuple(map(int, number.split(".")))
    is_tensorflow = bool(prefix or suffix) or _FIRST_OF_TENSORFLOW <= version < (3,)
    if is_tensorflow and version < (2,):
        version = (2, 1, 6)  # the Keras of TensorFlow 1
    return Source(version, is_tensorflow, check_backend(backend))


def check_backend(backend: str | None) -> str | None:
    """Returns the name of a backend in lower case.

    Raises:
        ValueError: Keras never had such a backend.
    """
    if backend is None or backend in _BACKENDS:
        return backend
    raise ValueError(
        f"source_backend must be 'theano', 'tensorflow' or 'cntk'. Received: {backend!r}"
    )


def read_source(
    version: str | None,
    backend: str | None,
    config: Any,
    weight_names: Iterable[str] = (),
    *,
    given_version: str | None = None,
    given_backend: str | None = None,
) -> Source:
    """Returns the source of a model: as the program says, as the file says, or as it looks.

    Args:
        version: the version in the file.
        backend: the backend in the file.
        config: the config of the model, or None.
        weight_names: the names of the arrays in the file.
        given_version: the version that the program passed.
        given_backend: the backend that the program passed.

    Raises:
        ValueError: what the program passed is not a version or a backend.
    """
    known = backend if backend in _BACKENDS else None
    backend = known if given_backend is None else check_backend(given_backend)
    names = list(weight_names)
    source = _find_version(version, given_version)
    if source is None:
        source = judge_source(config, names)
    source = replace(source, backend=backend)
    return _judge_backend(source, names) if source.era == 1 and backend is None else source


def _find_version(version: str | None, given_version: str | None) -> Source | None:
    """Returns the source that the program or the file states, or None."""
    if given_version is not None:
        return parse_version(given_version)
    try:
        return None if version is None else parse_version(version)
    except ValueError:
        return None


def _judge_backend(source: Source, weight_names: list[str]) -> Source:
    """Returns a source of Keras 1 with its backend, which files of Keras 1 do not have.

    The names of variables of TensorFlow end in ':0'.
    """
    if not weight_names:
        return source
    if all(name.endswith(":0") for name in weight_names):
        return replace(source, backend="tensorflow")
    reason = f"its arrays have names such as {weight_names[0]!r}, without ':0'"
    return replace(source, backend="theano", backend_reason=reason)


class _Sign(NamedTuple):
    """A part of a config that only some versions wrote.

    Attributes:
        found: returns the part in the entry of a layer, or ''.
        source: what wrote it.
        reason: what messages say; `{}` is the part.
    """

    found: Callable[[Mapping[str, Any]], str]
    source: Source
    reason: str


def _first_of(key: str | None, *names: str) -> Callable[[Mapping[str, Any]], str]:
    """Returns a function that finds the first of some keys in an entry or in its `config`."""

    def find(entry: Mapping[str, Any]) -> str:
        part = entry if key is None else entry.get(key)
        return next((n for n in names if isinstance(part, dict) and n in part), "")

    return find


def _call_arguments(entry: Mapping[str, Any]) -> str:
    nodes = entry.get("inbound_nodes")
    found = isinstance(nodes, list) and any(isinstance(n, dict) and "args" in n for n in nodes)
    return "args" if found else ""


def _class_in(*names: str) -> Callable[[Mapping[str, Any]], str]:
    def find(entry: Mapping[str, Any]) -> str:
        name = entry.get("class_name")
        return name if isinstance(name, str) and name in names else ""

    return find


_KERAS_2 = Source((2, 2, 4))
_TF_KERAS = Source((2, 4), is_tensorflow=True)
_CLASS, _ARGUMENT = "it has the class {}", "its layers have the argument {}"

# In this order: the first sign that any layer has decides.
_SIGNS = (
    _Sign(_call_arguments, Source((3,)), "calls of its layers have the entry {}"),
    _Sign(_first_of("config", "batch_shape"), Source((3,)), _ARGUMENT),
    _Sign(_class_in("TFOpLambda", "SlicingOpLambda", "Functional"), _TF_KERAS, _CLASS),
    _Sign(_class_in("TensorFlowOpLayer"), _TF_KERAS, _CLASS),
    _Sign(_first_of("config", "ragged", "time_major", "groups"), _TF_KERAS, _ARGUMENT),
    _Sign(
        _first_of(
            "config",
            *("nb_filter", "border_mode", "inner_activation", "dim_ordering", "W_regularizer"),
            *("nb_feature", "pool_length", "init", "sigma", "p", "input_dtype"),
        ),
        Source((1, 2)),
        _ARGUMENT,
    ),
    _Sign(
        _first_of(
            "config",
            *("kernel_initializer", "embeddings_initializer", "beta_initializer", "data_format"),
            *("alpha_initializer", "padding", "units", "rate", "stddev", "return_state"),
        ),
        _KERAS_2,
        _ARGUMENT,
    ),
)


_ARRAYS_OF_KERAS_2 = (
    *("kernel", "bias", "recurrent_kernel", "gamma", "beta", "embeddings", "alpha"),
    *("depthwise_kernel", "pointwise_kernel", "moving_mean", "moving_variance"),
)


def judge_source(config: Any, weight_names: Iterable[str] = ()) -> Source:
    """Returns the source of a model by its structure, with the reason.

    Args:
        config: the config of the model, or None.
        weight_names: the names of the arrays in the file.

    Example:

    >>> source = judge_source({"class_name": "Dropout", "config": {"rate": 0.5}})
    >>> print(source, "because", source.reason)
    Keras 2.2.4 because its layers have the argument 'rate'
    """
    entries = list(_entries(config))
    for sign in _SIGNS:
        for entry in entries:
            if found := sign.found(entry):
                return replace(sign.source, reason=sign.reason.format(repr(found)))
    if isinstance(config, dict) and isinstance(config.get("module"), str):
        return Source((3,), reason="it names the module of its class")
    if any(isinstance(entry.get("config"), list) for entry in entries):
        return replace(_KERAS_2, reason="its Sequential is a list of layers")
    names = list(weight_names)
    named = next((name for name in names if _last_part(name) in _ARRAYS_OF_KERAS_2), None)
    if named is not None:
        return replace(_KERAS_2, reason=f"its arrays have names such as {named!r}")
    if names:
        return Source((1, 2), reason=f"its arrays have names such as {names[0]!r}")
    return replace(_KERAS_2, reason="nothing in it tells Keras 1 from Keras 2")


def _last_part(name: str) -> str:
    return name.rpartition("/")[2].partition(":")[0]


def _entries(config: Any) -> Iterator[Mapping[str, Any]]:
    """Yields the entries of all objects, in any depth."""
    pending = [config]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            if "class_name" in item:
                yield item
            pending.extend(reversed(list(item.values())))
        elif isinstance(item, list):
            pending.extend(reversed(item))
