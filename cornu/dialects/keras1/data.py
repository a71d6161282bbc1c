"""`keras.datasets` and `keras.applications` of Keras 1."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import applications, datasets
from cornu.dialects.keras1.models import Model
from cornu.dialects.old_signatures import with_signature
from cornu.legacy.keras1.argument_values import convert_dim_ordering

__all__ = ["MODULES"]


def _stored(name: str) -> Callable[[Any], Any]:
    # The files of Keras 1 were pickles, which are not loaded.
    return lambda path: path if str(path).endswith(".npz") else name


_WORDS = "nb_words=None, skip_top=0, maxlen=None"
_MARKS = "seed=113, start_char=1, oov_char=2, index_from=3"
load_imdb = with_signature(
    datasets.imdb.load_data,
    f"path='imdb_full.pkl', {_WORDS}, {_MARKS}",
    {"nb_words": "num_words"},
    convert={"path": _stored("imdb.npz")},
)
load_reuters = with_signature(
    datasets.reuters.load_data,
    f"path='reuters.pkl', {_WORDS}, test_split=0.2, {_MARKS}",
    {"nb_words": "num_words"},
    convert={"path": _stored("reuters.npz")},
)
load_mnist = with_signature(
    datasets.mnist.load_data, "path='mnist.pkl.gz'", convert={"path": _stored("mnist.npz")}
)


def imdb_words(path: str = "imdb_word_index.pkl") -> dict[str, int]:
    """Returns the number of each word of the movie reviews."""
    return datasets.imdb.get_word_index()


def reuters_words(path: str = "reuters_word_index.pkl") -> dict[str, int]:
    """Returns the number of each word of the newswires."""
    return datasets.reuters.get_word_index()


# ----------------------------------------------------------------------------------- applications


_NETWORK = "include_top=True, weights='imagenet', input_tensor=None, input_shape=None, classes=1000"


def _make_application(name: str) -> Callable[..., Any]:
    function: Callable[..., Any] = getattr(applications, name)

    @functools.wraps(function)
    def make(**given: Any) -> Any:
        made = function(**given)
        return Model(made.inputs, made.outputs, name=name.lower())

    return with_signature(make, _NETWORK)


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
