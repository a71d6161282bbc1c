"""Training on several devices: where weights and batches are, and how devices are connected."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from cornu.distribution.base import distribution, set_distribution
from cornu.distribution.data_parallel import DataParallel
from cornu.distribution.devices import get_device_count, list_devices
from cornu.distribution.fully_sharded import FullySharded
from cornu.distribution.job import initialize
from cornu.distribution.layouts import LayoutMap, TensorLayout, distribute_tensor
from cornu.distribution.mesh import DeviceMesh
from cornu.distribution.model_parallel import ModelParallel
from cornu.distribution.named import get, scope
from cornu.distribution.pipeline_parallel import PipelineParallel
from cornu.distribution.sequence_parallel import SequenceParallel
from cornu.distribution.sharded_sequence import ShardedSequenceParallel
from cornu.distribution.sharded_tensor import ShardedTensorParallel
from cornu.distribution.tensor_parallel import TensorParallel
from cornu.errors import suggest_names as _suggest_names
from cornu.late_names import import_late as _import_late

if _TYPE_CHECKING:
    from cornu.distribution.planning.chips import CHIPS, Chip
    from cornu.distribution.planning.planner import plan
    from cornu.distribution.planning.result import LayoutPlan, Plan

__all__ = [
    "CHIPS",
    "Chip",
    "DataParallel",
    "DeviceMesh",
    "FullySharded",
    "LayoutMap",
    "LayoutPlan",
    "ModelParallel",
    "PipelineParallel",
    "Plan",
    "SequenceParallel",
    "ShardedSequenceParallel",
    "ShardedTensorParallel",
    "TensorLayout",
    "TensorParallel",
    "distribute_tensor",
    "distribution",
    "get",
    "get_device_count",
    "initialize",
    "list_devices",
    "plan",
    "scope",
    "set_distribution",
]

_suggest_names(__name__, __all__)
_import_late(
    __name__,
    {
        "cornu.distribution.planning.chips": ["CHIPS", "Chip"],
        "cornu.distribution.planning.planner": ["plan"],
        "cornu.distribution.planning.result": ["LayoutPlan", "Plan"],
    },
)
