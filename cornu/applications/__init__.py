"""Standard architectures."""

from cornu.applications import resnet
from cornu.applications.resnet import (
    ResNet18,
    ResNet34,
    ResNet50,
    ResNet50V2,
    ResNet101,
    ResNet101V2,
    ResNet152,
    ResNet152V2,
)
from cornu.errors import suggest_names as _suggest_names

__all__ = [
    "ResNet18",
    "ResNet34",
    "ResNet50",
    "ResNet50V2",
    "ResNet101",
    "ResNet101V2",
    "ResNet152",
    "ResNet152V2",
    "resnet",
]

_suggest_names(__name__, __all__)
