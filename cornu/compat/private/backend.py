"""`keras.src.backend`: the functions of `keras.backend`, and those that packages take from here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from cornu import settings
from cornu.backend import (
    backend,
    clear_session,
    epsilon,
    floatx,
    get_keras_mask,
    get_uid,
    image_data_format,
    is_float_dtype,
    is_int_dtype,
    is_keras_tensor,
    result_type,
    set_epsilon,
    set_floatx,
    set_image_data_format,
    set_keras_mask,
    standardize_dtype,
)
from cornu.core.graph.inference import infer_outputs
from cornu.core.graph.tensor import Tensor as KerasTensor
from cornu.core.graph.tensor import standardize_shape
from cornu.core.state import scope
from cornu.core.state.public_scopes import (
    StatelessScope,
    SymbolicScope,
    device,
    name_scope,
)
from cornu.core.state.variable import Variable
from cornu.errors import check_choice
from cornu.ops import cast, cond, convert_to_numpy, convert_to_tensor, is_tensor, shape
from cornu.ops.random.generator import SeedGenerator, draw_key
from cornu.types import DataFormat

__all__ = [
    "KerasTensor",
    "StatelessScope",
    "SymbolicScope",
    "Variable",
    "backend",
    "cast",
    "clear_session",
    "compute_output_spec",
    "cond",
    "convert_to_numpy",
    "convert_to_tensor",
    "device",
    "epsilon",
    "floatx",
    "get_keras_mask",
    "get_uid",
    "global_seed_generator",
    "image_data_format",
    "in_symbolic_scope",
    "is_float_dtype",
    "is_int_dtype",
    "is_keras_tensor",
    "is_tensor",
    "jax_draw_seed",
    "name_scope",
    "result_type",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_keras_mask",
    "shape",
    "standardize_data_format",
    "standardize_dtype",
    "standardize_shape",
]

_global_generators: list[SeedGenerator] = []


def compute_output_spec(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Returns symbolic Tensors like the outputs of a function of symbolic Tensors."""
    return infer_outputs(fn, args, kwargs)


def standardize_data_format(data_format: DataFormat | None) -> str:
    """Returns a data format; by default that of `image_data_format()`."""
    if data_format is None:
        return settings.get("image_data_format")
    return check_choice("keras", "data_format", data_format, ("channels_first", "channels_last"))


def in_symbolic_scope() -> bool:
    """Tells whether a call is traced to infer the shapes of its outputs."""
    return scope.current().inferring_shapes


def global_seed_generator() -> SeedGenerator:
    """Returns the SeedGenerator of the process for draws without a seed."""
    if not _global_generators:
        _global_generators.append(SeedGenerator(name="global_seed_generator"))
    return _global_generators[0]


def jax_draw_seed(seed: int | SeedGenerator | jax.Array | None) -> jax.Array:
    """Returns a random key of JAX for a seed."""
    key: jax.Array = draw_key(seed)
    return key
