"""Names of dtypes."""

from __future__ import annotations

from typing import Any

from cornu.core.state import dtypes
from cornu.core.tracebacks.api_boundary import api_boundary

__all__ = ["standardize_dtype"]


@api_boundary
def standardize_dtype(dtype: Any) -> str:
    """Returns the name of a dtype; `None` means the process-wide float type.

    Args:
        dtype: a name, a Python type, or a dtype of NumPy, JAX, TensorFlow or torch.

    Raises:
        ValueError: the dtype is unknown.

    Example:

    >>> import numpy as np
    >>> standardize_dtype(np.dtype("int8")), standardize_dtype(float), standardize_dtype("string")
    ('int8', 'float32', 'string')
    """
    name = getattr(dtype, "name", dtype)  # of TensorFlow, too
    return (
        "string" if isinstance(name, str) and name == "string" else dtypes.standardize_dtype(dtype)
    )
