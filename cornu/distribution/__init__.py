"""Training on several devices: where weights and batches are, and how devices are connected."""

from cornu.distribution.base import distribution, set_distribution
from cornu.distribution.data_parallel import DataParallel
from cornu.distribution.devices import get_device_count, list_devices
from cornu.distribution.job import initialize
from cornu.distribution.layouts import LayoutMap, TensorLayout, distribute_tensor
from cornu.distribution.mesh import DeviceMesh
from cornu.distribution.model_parallel import ModelParallel
from cornu.errors import suggest_names as _suggest_names

__all__ = [
    "DataParallel",
    "DeviceMesh",
    "LayoutMap",
    "ModelParallel",
    "TensorLayout",
    "distribute_tensor",
    "distribution",
    "get_device_count",
    "initialize",
    "list_devices",
    "set_distribution",
]

_suggest_names(__name__, __all__)
