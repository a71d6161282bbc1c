"""The data types of the Open Inference Protocol, and the dtypes of arrays."""

from __future__ import annotations

import ml_dtypes
import numpy as np

__all__ = ["BYTES", "DATATYPES", "DTYPES"]

BYTES = "BYTES"

DTYPES: dict[str, np.dtype] = {
    "BOOL": np.dtype("bool"),
    "UINT8": np.dtype("uint8"),
    "UINT16": np.dtype("uint16"),
    "UINT32": np.dtype("uint32"),
    "UINT64": np.dtype("uint64"),
    "INT8": np.dtype("int8"),
    "INT16": np.dtype("int16"),
    "INT32": np.dtype("int32"),
    "INT64": np.dtype("int64"),
    "FP16": np.dtype("float16"),
    "FP32": np.dtype("float32"),
    "FP64": np.dtype("float64"),
    "BF16": np.dtype(ml_dtypes.bfloat16),
}
DATATYPES: dict[str, str] = {dtype.name: name for name, dtype in DTYPES.items()} | {"string": BYTES}
