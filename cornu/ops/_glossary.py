"""What a parameter name means in every op that has it."""

from __future__ import annotations

__all__ = ["ARRAYS", "OPTIONS"]

# Parameters that are arrays: they may be given as lists, numbers or NumPy arrays.
ARRAYS = {
    "x": "an array.",
    "x1": "an array.",
    "x2": "an array; its shape must broadcast with that of the first.",
    "y": "an array; its shape must broadcast with that of the first.",
    "a": "an array.",
    "b": "an array.",
    "array": "an array.",
    "condition": "booleans.",
    "fill_value": "the value, or an array that broadcasts.",
    "indices": "an integer array.",
    "q": "a number or an array of them.",
    "start": "the first value.",
    "stop": "the last value.",
    "values": "an array.",
    "weights": "an array, or None for equal weights.",
    "x_max": "the largest value allowed.",
    "x_min": "the smallest value allowed.",
}

# Parameters that are Python values.
OPTIONS = {
    "M": "the number of columns; as many as rows by default.",
    "N": "the number of rows.",
    "atol": "the absolute tolerance.",
    "axis": "the axis; None for all of them.",
    "axis1": "an axis.",
    "axis2": "another axis.",
    "axes": "the axes.",
    "dtype": "the dtype of the result; None for the usual one.",
    "endpoint": "whether the last value is among them.",
    "equal_nan": "whether NaN equals NaN.",
    "initial": "a value that takes part in the comparison.",
    "k": "the diagonal: 0 is the main one, positive ones are above it.",
    "keepdims": "whether the axes stay, with size 1.",
    "method": 'how to choose between two values: `"linear"`, `"lower"`, `"higher"`, `"midpoint"` '
    'or `"nearest"`.',
    "n": "a number.",
    "num": "how many.",
    "offset": "the diagonal: 0 is the main one, positive ones are above it.",
    "rtol": "the relative tolerance.",
    "shape": "a tuple of sizes.",
}
