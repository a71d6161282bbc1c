"""Distributions by name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.distribution.base import Distribution
from cornu.distribution.data_parallel import DataParallel
from cornu.distribution.fully_sharded import FullySharded
from cornu.distribution.pipeline_parallel import PipelineParallel
from cornu.distribution.sequence_parallel import SequenceParallel
from cornu.distribution.tensor_parallel import TensorParallel
from cornu.errors import check_choice

__all__ = ["get", "scope"]

_Kind = type[DataParallel | FullySharded | PipelineParallel | SequenceParallel | TensorParallel]
_NAMES: dict[str, _Kind] = {
    "data": DataParallel,
    "fsdp": FullySharded,
    "pipeline": PipelineParallel,
    "sequence": SequenceParallel,
    "tensor": TensorParallel,
}


@api_boundary
def get(identifier: str | Distribution) -> Distribution:
    """Returns the distribution over all devices with a name, or the argument.

    Args:
        identifier: `"data"` (`DataParallel`), `"fsdp"` (`FullySharded`), `"pipeline"`
            (`PipelineParallel`), `"sequence"` (`SequenceParallel`), `"tensor"`
            (`TensorParallel`), or a distribution.

    Raises:
        ValueError: there is no distribution of this name.
        TypeError: the argument is neither a name nor a distribution.

    Example:

    >>> import cornu
    >>> type(cornu.distribution.get("fsdp")).__name__
    'FullySharded'
    """
    if isinstance(identifier, Distribution):
        return identifier
    if not isinstance(identifier, str):
        raise TypeError(
            "A distribution must be 'data', 'fsdp', 'pipeline', 'sequence', 'tensor' or a "
            f"distribution such as cornu.distribution.DataParallel(). Received: {identifier!r}"
        )
    return _NAMES[check_choice("A distribution", "name", identifier, _NAMES)]()


@contextlib.contextmanager
def scope(distribution: str | Distribution) -> Iterator[Distribution]:
    """Makes a distribution the current one of the process in a `with` block.

    Args:
        distribution: a distribution or its name; see `get`.

    Example:

    >>> import cornu
    >>> with cornu.distribution.scope("fsdp") as distribution:
    ...     model = cornu.Sequential([cornu.Input((8,)), cornu.layers.Dense(256)])
    >>> cornu.distribution.distribution() is None
    True
    """
    found = get(distribution)
    with found.scope():
        yield found
