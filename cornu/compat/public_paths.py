"""The modules of the public API of Keras 3, by their paths below `keras`."""

from __future__ import annotations

__all__ = ["MODULES"]

_APPLICATIONS = (
    "convnext densenet efficientnet efficientnet_v2 imagenet_utils inception_resnet_v2 "
    "inception_v3 mobilenet mobilenet_v2 mobilenet_v3 nasnet resnet resnet50 resnet_v2 vgg16 vgg19 "
    "xception"
)
_DATASETS = "boston_housing california_housing cifar10 cifar100 fashion_mnist imdb mnist reuters"

# Package -> its modules, separated by spaces.
_TREE = {
    "activations": "",
    "applications": _APPLICATIONS,
    "backend": "",
    "callbacks": "",
    "config": "",
    "constraints": "",
    "datasets": _DATASETS,
    "distillation": "",
    "distribution": "",
    "dtype_policies": "",
    "export": "",
    "initializers": "",
    "layers": "",
    "losses": "",
    "metrics": "",
    "mixed_precision": "",
    "models": "",
    "ops": "image linalg nn numpy",
    "optimizers": "schedules",
    "preprocessing": "image sequence",
    "quantizers": "",
    "random": "",
    "regularizers": "",
    "saving": "",
    "tree": "",
    "utils": "bounding_boxes legacy",
    "visualization": "",
    "wrappers": "",
}

MODULES = frozenset(_TREE) | {
    f"{package}.{module}" for package, modules in _TREE.items() for module in modules.split()
}
