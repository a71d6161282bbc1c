"""Models for other programs: StableHLO, ONNX, SavedModel and weights of torch; and back."""

from cornu.errors import suggest_names as _suggest_names
from cornu.export.export_archive import ExportArchive
from cornu.export.export_model import load
from cornu.export.exported_model import ExportedModel
from cornu.export.state_dict.networks import torchvision_resnet, torchvision_resnet_names
from cornu.export.state_dict.report import StateDictReport
from cornu.export.state_dict.weights import load_state_dict, state_dict

__all__ = [
    "ExportArchive",
    "ExportedModel",
    "StateDictReport",
    "load",
    "load_state_dict",
    "state_dict",
    "torchvision_resnet",
    "torchvision_resnet_names",
]

_suggest_names(__name__, __all__)
