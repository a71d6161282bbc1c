"""Datasets of Keras, in the cache of Keras, and a small one that is part of the package."""

from cornu.datasets import (
    boston_housing,
    california_housing,
    cifar10,
    cifar100,
    digits,
    fashion_mnist,
    imdb,
    mnist,
    reuters,
)
from cornu.errors import suggest_names as _suggest_names

__all__ = [
    "boston_housing",
    "california_housing",
    "cifar10",
    "cifar100",
    "digits",
    "fashion_mnist",
    "imdb",
    "mnist",
    "reuters",
]

_suggest_names(__name__, __all__)
