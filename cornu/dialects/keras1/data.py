"""`keras.datasets` and `keras.applications` of Keras 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import applications, datasets
from cornu.dialects.keras1.models import Model
from cornu.legacy.keras1.argument_values import convert_dim_ordering

__all__ = ["MODULES"]


def load_imdb(
    path: str = "imdb_full.pkl",
    nb_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> Any:
    """Loads the movie reviews; `path` is that of the file of today if it ends in .npz."""
    options = (nb_words, skip_top, maxlen, seed, start_char, oov_char, index_from)
    return datasets.imdb.load_data(_stored(path, "imdb.npz"), *options)


def load_reuters(
    path: str = "reuters.pkl",
    nb_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> Any:
    """Loads the newswires; `path` is that of the file of today if it ends in .npz."""
    options = (nb_words, skip_top, maxlen, test_split, seed, start_char, oov_char, index_from)
    return datasets.reuters.load_data(_stored(path, "reuters.npz"), *options)


def load_mnist(path: str = "mnist.pkl.gz") -> Any:
    """Loads the handwritten digits; `path` is that of the file of today if it ends in .npz."""
    return datasets.mnist.load_data(_stored(path, "mnist.npz"))


def _stored(path: str, name: str) -> str:
    # The files of Keras 1 were pickles, which are not loaded.
    return path if str(path).endswith(".npz") else name


def imdb_words(path: str = "imdb_word_index.pkl") -> dict[str, int]:
    """Returns the number of each word of the movie reviews."""
    return datasets.imdb.get_word_index()


def reuters_words(path: str = "reuters_word_index.pkl") -> dict[str, int]:
    """Returns the number of each word of the newswires."""
    return datasets.reuters.get_word_index()


# ----------------------------------------------------------------------------------- applications


def _make_application(name: str) -> Callable[..., Any]:
    function: Callable[..., Any] = getattr(applications, name)

    def make(
        include_top: bool = True,
        weights: str | None = "imagenet",
        input_tensor: Any = None,
        input_shape: Any = None,
        classes: int = 1000,
    ) -> Any:
        options = {"input_tensor": input_tensor, "input_shape": input_shape, "classes": classes}
        made = function(include_top=include_top, weights=weights, **options)
        return Model(made.inputs, made.outputs, name=name.lower())

    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"Returns the network {name}; see `cornu.applications.{name}`."
    return make


def preprocess_input(x: Any, dim_ordering: str = "default") -> np.ndarray:
    """Converts RGB images to BGR, and subtracts the means of the training data."""
    order = convert_dim_ordering(dim_ordering)
    return np.asarray(
        applications.imagenet_utils.preprocess_input(x, data_format=order, mode="caffe")  # type: ignore[arg-type]
    )


def scale_input(x: Any) -> np.ndarray:
    """Scales values of 0 to 255 to -1 to 1."""
    return np.asarray(applications.imagenet_utils.preprocess_input(x, mode="tf"))


def decode_predictions(preds: Any, top: int = 5) -> Any:
    """Returns the classes with the highest probabilities of each sample."""
    return applications.imagenet_utils.decode_predictions(preds, top)


def _network(name: str, prepare: Callable[..., Any]) -> dict[str, Any]:
    return {
        name: _make_application(name),
        "preprocess_input": prepare,
        "decode_predictions": decode_predictions,
    }


scale_input.__name__ = "preprocess_input"
load_imdb.__name__ = load_reuters.__name__ = load_mnist.__name__ = "load_data"
imdb_words.__name__ = reuters_words.__name__ = "get_word_index"

_NETWORKS: dict[str, dict[str, Any]] = {
    "inception_v3": _network("InceptionV3", scale_input),
    "resnet50": _network("ResNet50", preprocess_input),
    "vgg16": _network("VGG16", preprocess_input),
    "vgg19": _network("VGG19", preprocess_input),
    "xception": _network("Xception", scale_input),
}
_CLASSES = {name: made for names in _NETWORKS.values() for name, made in names.items()}

MODULES: dict[str, dict[str, Any]] = {
    "applications": {name: made for name, made in _CLASSES.items() if name[0].isupper()},
    "applications.imagenet_utils": {
        "decode_predictions": decode_predictions,
        "preprocess_input": preprocess_input,
    },
    **{f"applications.{name}": names for name, names in _NETWORKS.items()},
    "datasets": {},
    "datasets.cifar10": {"load_data": datasets.cifar10.load_data},
    "datasets.cifar100": {"load_data": datasets.cifar100.load_data},
    "datasets.imdb": {"load_data": load_imdb, "get_word_index": imdb_words},
    "datasets.mnist": {"load_data": load_mnist},
    "datasets.reuters": {"load_data": load_reuters, "get_word_index": reuters_words},
}
