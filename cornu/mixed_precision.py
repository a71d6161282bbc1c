"""The old address of dtype policies."""

from cornu.core.state.dtype_policy import DTypePolicy, dtype_policy, set_dtype_policy
from cornu.core.state.dtype_policy import DTypePolicy as Policy
from cornu.core.state.dtype_policy import dtype_policy as global_policy
from cornu.core.state.dtype_policy import set_dtype_policy as set_global_policy
from cornu.errors import suggest_names
from cornu.optimizers import LossScaleOptimizer

__all__ = [
    "DTypePolicy",
    "LossScaleOptimizer",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]

suggest_names(__name__, __all__)
