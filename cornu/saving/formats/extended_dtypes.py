"""Dtypes that HDF5 and npz files lack: their arrays are stored as opaque bytes and a name."""

from __future__ import annotations

import ml_dtypes
import numpy as np

__all__ = ["EXTENDED_DTYPES", "as_opaque", "from_opaque"]

# By name. Integers of less than eight bits take a byte each.
EXTENDED_DTYPES: dict[str, np.dtype] = {
    name: np.dtype(getattr(ml_dtypes, name))
    for name in (
        *("bfloat16", "float8_e3m4", "float8_e4m3", "float8_e4m3b11fnuz", "float8_e4m3fn"),
        *("float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu", "float6_e2m3fn"),
        *("float6_e3m2fn", "float4_e2m1fn", "int2", "int4", "uint2", "uint4"),
    )
    if hasattr(ml_dtypes, name)  # older versions lack some of them
}


def as_opaque(array: np.ndarray) -> tuple[np.ndarray, str | None]:
    """Returns an array as files store it, and the name of the dtype if it is lost.

    Example:

    >>> stored, name = as_opaque(np.zeros(2, ml_dtypes.float8_e5m2))
    >>> stored.dtype.str, name
    ('|V1', 'float8_e5m2')
    """
    name = array.dtype.name
    if name not in EXTENDED_DTYPES:
        return array, None
    return np.asarray(array, order="C").view(f"V{array.dtype.itemsize}"), name


def from_opaque(dtype: np.dtype, name: str | None) -> np.dtype:
    """Returns the dtype of an array, given that in the file and the name beside it.

    It remains the dtype in the file if the name is none of a dtype of its size.
    """
    extended = EXTENDED_DTYPES.get(name or "")
    opaque = dtype.kind == "V" and dtype.names is None and dtype.subdtype is None
    if opaque and extended is not None and extended.itemsize == dtype.itemsize:
        return extended
    return dtype
