"""Training on several devices: where weights and batches are, and how devices are connected."""

from cornu.distribution.base import distribution, set_distribution
from cornu.distribution.data_parallel import DataParallel
from cornu.distribution.devices import get_device_count, list_devices
from cornu.distribution.fully_sharded import FullySharded
from cornu.distribution.job import initialize
from cornu.distribution.layouts import LayoutMap, TensorLayout, distribute_tensor
from cornu.distribution.mesh import DeviceMesh
from cornu.distribution.model_parallel import ModelParallel
from cornu.distribution.named import get, scope
from cornu.distribution.tensor_parallel import TensorParallel
from cornu.errors import suggest_names as _suggest_names

__all__ = [
    "DataParallel",
    "DeviceMesh",
    "FullySharded",
    "LayoutMap",
    "ModelParallel",
    "TensorLayout",
    "TensorParallel",
    "distribute_tensor",
    "distribution",
    "get",
    "get_device_count",
    "initialize",
    "list_devices",
    "scope",
    "set_distribution",
]

_suggest_names(__name__, __all__)
