"""What all networks share: their arguments, inputs, classification layer and weight files."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Protocol, Self

from cornu import settings
from cornu.core.graph.tensor import Tensor
from cornu.core.state.initial_value import defer_values
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.layers import Dense, GlobalAveragePooling2D, GlobalMaxPooling2D, Input
from cornu.models import Model
from cornu.parts import activations
from cornu.types import ActivationLike, ShapeLike
from cornu.utils import get_file, get_source_inputs

__all__ = [
    "Arguments",
    "NetworkFunction",
    "Pooling",
    "WeightFiles",
    "Weights",
    "build_network",
    "classify",
    "define_network",
    "make_input",
    "pool_unnamed",
]

Pooling = Literal["avg", "max"] | None
Weights = str | os.PathLike[str] | None

_CLASSES = 1000  # of ImageNet


@dataclass(frozen=True)
class WeightFiles:
    """The files of weights that were trained on ImageNet.

    Attributes:
        folder: the URL of the folder.
        top, no_top: the names of the files with and without the classification layer.
        hashes: their hashes; None where Keras has none.
        cached: their names in the cache, if these are different.
    """

    folder: str
    top: str
    no_top: str
    hashes: tuple[str | None, str | None] = (None, None)
    cached: tuple[str, str] | None = None

    def fetch(self, include_top: bool) -> str:
        """Returns the path of a file in the cache of Keras; downloads it if it is missing."""
        index = 0 if include_top else 1
        name = (self.top, self.no_top)[index]
        return get_file(
            name if self.cached is None else self.cached[index],
            self.folder + name,
            cache_subdir="models",
            file_hash=self.hashes[index],
        )


@dataclass(frozen=True)
class Arguments:
    """The arguments that the functions of all networks have.

    Attributes:
        name: the name of the model.
        include_top: whether to add the classification layer.
        weights: None for random weights, `"imagenet"`, or the path of a weights file.
        input_tensor: a Tensor as input, instead of `input_shape`.
        input_shape: (height, width, channels), or (channels, height, width) for channels_first.
        pooling: "avg", "max" or None: global pooling with `include_top=False`.
        classes: the number of classes.
        classifier_activation: the activation of the classification layer.
    """

    name: str
    include_top: bool = True
    weights: Weights = "imagenet"
    input_tensor: Tensor | None = None
    input_shape: ShapeLike | None = None
    pooling: Pooling = None
    classes: int = _CLASSES
    classifier_activation: ActivationLike | None = "softmax"

    @classmethod
    def from_call(cls, arguments: Mapping[str, Any]) -> Self:
        """Returns these arguments among all of a function, which are its `locals()`."""
        return cls(**{field.name: arguments[field.name] for field in fields(cls)})

    @property
    def pretrained(self) -> bool:
        """Whether weights that were trained on ImageNet are loaded."""
        return self.weights == "imagenet"

    def check(self) -> None:
        """Raises a ValueError for arguments that are unknown or contradict each other."""
        if self.pooling not in ("avg", "max", None):
            raise ValueError(
                f"{self.name}: pooling must be 'avg', 'max' or None. Received: {self.pooling!r}"
            )
        if not (self.weights is None or self.pretrained or os.path.exists(self.weights)):
            raise ValueError(
                f"{self.name}: weights must be None (random), 'imagenet' or the path of an "
                f"existing file. Received: {self.weights!r}"
            )
        if not (self.pretrained and self.include_top):
            return
        if self.classes != _CLASSES:
            raise ValueError(
                f"{self.name}: the weights of ImageNet have {_CLASSES} classes. Received: "
                f"classes={self.classes}\nPass include_top=False and add a layer of your own."
            )
        if activations.get(self.classifier_activation) not in (
            activations.softmax,
            activations.linear,
        ):
            raise ValueError(
                f"{self.name}: with the weights of ImageNet, classifier_activation must be "
                f"'softmax' or None. Received: {self.classifier_activation!r}"
            )


class NetworkFunction(Protocol):
    """A function that builds a network, such as `ResNet50`."""

    def __call__(
        self,
        include_top: bool = True,
        weights: Weights = "imagenet",
        input_tensor: Tensor | None = None,
        input_shape: ShapeLike | None = None,
        pooling: Pooling = None,
        classes: int = 1000,
        classifier_activation: ActivationLike | None = "softmax",
        name: str = ...,
    ) -> Model: ...


def classify(
    x: Tensor, classes: int, activation: ActivationLike | None, name: str | None = "avg_pool"
) -> Tensor:
    """Averages over the image, and applies the classification layer."""
    x = GlobalAveragePooling2D(name=name)(x)
    return Dense(classes, activation=activation, name="predictions")(x)


def build_network(
    features: Callable[[Tensor], Tensor],
    arguments: Arguments,
    size: int | None = 224,
    min_size: int = 32,
    files: WeightFiles | None = None,
    top: Callable[[Tensor, int, ActivationLike | None], Tensor] = classify,
    pool: Callable[[Tensor, Pooling], Tensor] | None = None,
) -> Model:
    """Builds a network from the function that computes its features.

    Large weights are initialized when they are first read: never, if they are loaded before.

    Args:
        features: maps a batch of images to a batch of feature maps.
        arguments: the arguments of the public function.
        size: the default height and width with the classification layer; None for any.
        min_size: the smallest height and width.
        files: the weights of ImageNet.
        top: the classification layers.
        pool: the global pooling without them; by default with the names "avg_pool" and "max_pool".
    """
    arguments.check()
    inputs = make_input(arguments, size, min_size)
    with defer_values():
        x = features(inputs)
        if arguments.include_top:
            x = top(x, arguments.classes, arguments.classifier_activation)
        else:
            x = (pool or pool_named)(x, arguments.pooling)
    given = arguments.input_tensor
    sources = inputs if given is None else get_source_inputs(inputs)
    if isinstance(sources, list) and len(sources) == 1:
        sources = sources[0]
    model = Model(sources, x, name=arguments.name)
    if arguments.pretrained:
        if files is None:
            raise ValueError(
                f"{arguments.name}: there are no weights of ImageNet for this network. Pass "
                "weights=None for random weights, or the path of a weights file."
            )
        # Some of these files do not say which version wrote them; all have the layout of Keras 2.
        model.load_weights(files.fetch(arguments.include_top), keras_version="2.4")
    elif arguments.weights is not None:
        model.load_weights(arguments.weights)
    return model


def pool_named(x: Tensor, pooling: Pooling) -> Tensor:
    """Applies global pooling by layers named "avg_pool" and "max_pool"."""
    return _pool(x, pooling, f"{pooling}_pool")


def pool_unnamed(x: Tensor, pooling: Pooling) -> Tensor:
    """Applies global pooling by layers with default names."""
    return _pool(x, pooling, None)


def _pool(x: Tensor, pooling: Pooling, name: str | None) -> Tensor:
    if pooling is None:
        return x
    layer = GlobalAveragePooling2D if pooling == "avg" else GlobalMaxPooling2D
    return layer(name=name)(x)


def make_input(arguments: Arguments, size: int | None, min_size: int) -> Tensor:
    """Returns the Tensor of images."""
    tensor, shape = arguments.input_tensor, arguments.input_shape
    if tensor is not None:
        return tensor if isinstance(tensor, Tensor) else Input(tensor=tensor)
    first = settings.get("image_data_format") == "channels_first"
    if shape is None:
        length = size if arguments.include_top else None
        shape = (3, length, length) if first else (length, length, 3)
    if len(shape) != 3:
        order = "(channels, height, width)" if first else "(height, width, channels)"
        raise ValueError(f"{arguments.name}: input_shape must be {order}. Received: {shape}")
    lengths, channels = (shape[1:], shape[0]) if first else (shape[:2], shape[2])
    if any(length is not None and length < min_size for length in lengths):
        raise ValueError(
            f"{arguments.name}: height and width must be at least {min_size}. Received: "
            f"input_shape={tuple(shape)}"
        )
    if arguments.pretrained and channels != 3:
        raise ValueError(
            f"{arguments.name}: the weights of ImageNet are for images with 3 channels. Received: "
            f"input_shape={tuple(shape)}"
        )
    return Input(shape=shape)


def define_network(
    public_name: str,
    description: str,
    build: Callable[[Arguments], Model],
    name: str | None = None,
    weights: Weights = "imagenet",
) -> NetworkFunction:
    """Returns the public function of a network with the usual arguments.

    Args:
        public_name: the name of the function.
        description: the first line of its documentation.
        build: builds the model.
        name: the default name of the model; by default the name of the function in lowercase.
        weights: the default weights.
    """
    default_weights, default_name = weights, name or public_name.lower()

    def make(
        include_top: bool = True,
        weights: Weights = default_weights,
        input_tensor: Tensor | None = None,
        input_shape: ShapeLike | None = None,
        pooling: Pooling = None,
        classes: int = _CLASSES,
        classifier_activation: ActivationLike | None = "softmax",
        name: str = default_name,
    ) -> Model:
        return build(Arguments.from_call(locals()))

    make.__name__ = make.__qualname__ = public_name
    make.__doc__ = f"{description}\n\n{ARGUMENTS}"
    return api_boundary(make)


ARGUMENTS = """Args:
    include_top: whether to add the classification layer.
    weights: None for random weights, "imagenet" for weights trained on ImageNet, or the path of a
        weights file. A file that is missing in the cache of Keras is downloaded.
    input_tensor: a Tensor as input, instead of `input_shape`.
    input_shape: (height, width, channels), or (channels, height, width) for channels_first. By
        default that of ImageNet with `include_top=True`, otherwise any height and width.
    pooling: "avg", "max" or None: global pooling with `include_top=False`.
    classes: the number of classes.
    classifier_activation: the activation of the classification layer; None for logits.
    name: the name of the model.

Raises:
    ValueError: an argument is invalid, or does not fit the weights.
    OSError: the weights are missing and cannot be downloaded.
"""
