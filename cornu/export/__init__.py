"""Models for other programs: StableHLO, ONNX, SavedModel and weights of torch; and back.

Weights of Flax, Optax and Orbax come in.
"""

from cornu.errors import suggest_names as _suggest_names
from cornu.export.export_archive import ExportArchive
from cornu.export.export_model import load
from cornu.export.exported_model import ExportedModel
from cornu.export.weights.flax import load_flax
from cornu.export.weights.networks import torchvision_resnet, torchvision_resnet_names
from cornu.export.weights.optax import load_optax
from cornu.export.weights.report import WeightReport
from cornu.export.weights.state_dict import load_state_dict, state_dict
from cornu.export.weights.trees import read_orbax

__all__ = [
    "ExportArchive",
    "ExportedModel",
    "WeightReport",
    "load",
    "load_flax",
    "load_optax",
    "load_state_dict",
    "read_orbax",
    "state_dict",
    "torchvision_resnet",
    "torchvision_resnet_names",
]

_suggest_names(__name__, __all__)
