"""Initializers whose variance is scaled by the number of inputs and outputs of a unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Literal, Self, TypeAlias, cast

import numpy as np

from cornu.ops.random.generator import Seed
from cornu.parts.initializers.random import RandomInitializer, normal, truncated, uniform
from cornu.types import DTypeLike

__all__ = [
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "LecunNormal",
    "LecunUniform",
    "VarianceScaling",
    "fans",
]

FanMode: TypeAlias = Literal["fan_in", "fan_out", "fan_avg"]
Distribution: TypeAlias = Literal["truncated_normal", "untruncated_normal", "normal", "uniform"]

# The standard deviation of a standard normal distribution truncated to [-2, 2].
_TRUNCATED_STDDEV = 0.87962566103423978


class VarianceScaling(RandomInitializer):
    """Initializes with samples whose variance is `scale / n`, where `n` is a number of units.

    Args:
        scale: a positive factor.
        mode: the definition of `n`: `"fan_in"` (the number of inputs of a unit), `"fan_out"` (of
            outputs) or `"fan_avg"` (their mean).
        distribution: `"truncated_normal"` (truncated at two standard deviations, and rescaled to
            the variance above), `"untruncated_normal"` or `"uniform"`.
        seed: an integer for the same values at each call; see `RandomInitializer`.
        input_axes: the axes whose sizes are multiplied to the number of inputs; requires
            `output_axes`.
        output_axes: the axes whose sizes are multiplied to the number of outputs.

    Example:

    >>> x = VarianceScaling(2.0, seed=1)((100, 200))
    >>> x.shape, bool(abs(x.std() - (2 / 100) ** 0.5) < 0.01)
    ((100, 200), True)

    References: Kaiming He et al. (2015), "Delving Deep into Rectifiers", arXiv:1502.01852.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: FanMode = "fan_in",
        distribution: Distribution = "truncated_normal",
        seed: Seed = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(seed)
        if scale <= 0:
            raise ValueError(f"scale must be positive. Received: {scale}")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f"mode must be 'fan_in', 'fan_out' or 'fan_avg'. Received: {mode!r}")
        name = distribution.lower()
        # In Keras, "normal" is a synonym of the truncated distribution.
        if name == "normal":
            name = "truncated_normal"
        if name not in ("truncated_normal", "untruncated_normal", "uniform"):
            raise ValueError(
                "distribution must be 'truncated_normal', 'untruncated_normal' or 'uniform'. "
                f"Received: {name!r}"
            )
        self.scale = scale
        self.mode = mode
        self.distribution = cast(Distribution, name)
        self.input_axes = input_axes
        self.output_axes = output_axes

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> np.ndarray:
        fan_in, fan_out = fans(shape, self.input_axes, self.output_axes)
        units = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
        stddev = math.sqrt(self.scale / max(1.0, units[self.mode]))
        if self.distribution == "uniform":
            # A uniform distribution over [-l, l] has the variance l² / 3.
            limit = math.sqrt(3) * stddev
            return self.draw(shape, dtype, uniform(-limit, limit))
        if self.distribution == "untruncated_normal":
            return self.draw(shape, dtype, normal(0.0, stddev))
        return self.draw(shape, dtype, truncated(0.0, stddev / _TRUNCATED_STDDEV))

    def _with_axes_(self, input_axes: Sequence[int], output_axes: Sequence[int]) -> Self:
        """Returns the initializer for other axes; both draw from the same seed."""
        scaled = object.__new__(type(self))
        vars(scaled).update(vars(self), input_axes=input_axes, output_axes=output_axes)
        return scaled


class _NamedScaling(VarianceScaling):
    """Base class of the initializers that are named after their authors.

    Attributes:
        rule: the first three arguments of `VarianceScaling`.
    """

    rule: ClassVar[tuple[float, FanMode, Distribution]]

    def __init__(
        self,
        seed: Seed = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(*self.rule, seed, input_axes, output_axes)


class GlorotUniform(_NamedScaling):
    """Initializes with uniform samples of magnitude up to `sqrt(6 / (fan_in + fan_out))`.

    The arguments are those of `VarianceScaling`.

    Example:

    >>> import cornu
    >>> values = cornu.initializers.GlorotUniform(seed=0)((3, 3))
    >>> bool(abs(values).max() <= 1.0)
    True

    References: Xavier Glorot, Yoshua Bengio (2010), "Understanding the difficulty of training
    deep feedforward neural networks".
    """

    rule = (1.0, "fan_avg", "uniform")


class GlorotNormal(_NamedScaling):
    """Initializes with truncated normal samples, `stddev = sqrt(2 / (fan_in + fan_out))`.

    The arguments are those of `VarianceScaling`.

    Example:

    >>> import cornu
    >>> cornu.initializers.GlorotNormal(seed=0)((3, 2)).shape
    (3, 2)

    References: Xavier Glorot, Yoshua Bengio (2010), "Understanding the difficulty of training
    deep feedforward neural networks".
    """

    rule = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_NamedScaling):
    """Initializes with uniform samples from `[-limit, limit)`, with `limit = sqrt(6 / fan_in)`.

    The arguments are those of `VarianceScaling`.

    Example:

    >>> import cornu
    >>> values = cornu.initializers.HeUniform(seed=0)((6, 3))
    >>> bool(abs(values).max() <= 1.0)
    True

    References: Kaiming He et al. (2015), "Delving Deep into Rectifiers", arXiv:1502.01852.
    """

    rule = (2.0, "fan_in", "uniform")


class HeNormal(_NamedScaling):
    """Initializes with truncated normal samples, `stddev = sqrt(2 / fan_in)`.

    The arguments are those of `VarianceScaling`.

    Example:

    >>> import cornu
    >>> cornu.initializers.HeNormal(seed=0)((3, 2)).shape
    (3, 2)

    References: Kaiming He et al. (2015), "Delving Deep into Rectifiers", arXiv:1502.01852.
    """

    rule = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_NamedScaling):
    """Initializes with uniform samples from `[-limit, limit)`, with `limit = sqrt(3 / fan_in)`.

    The arguments are those of `VarianceScaling`.

    Example:

    >>> import cornu
    >>> values = cornu.initializers.LecunUniform(seed=0)((3, 3))
    >>> bool(abs(values).max() <= 1.0)
    True

    References: Yann LeCun et al. (1998), "Efficient BackProp".
    """

    rule = (1.0, "fan_in", "uniform")


class LecunNormal(_NamedScaling):
    """Initializes with truncated normal samples, `stddev = sqrt(1 / fan_in)`.

    The arguments are those of `VarianceScaling`.

    Example:

    >>> import cornu
    >>> cornu.initializers.LecunNormal(seed=0)((3, 2)).shape
    (3, 2)

    References: Yann LeCun et al. (1998), "Efficient BackProp".
    """

    rule = (1.0, "fan_in", "truncated_normal")


def fans(
    shape: Sequence[int],
    input_axes: Sequence[int] | None = None,
    output_axes: Sequence[int] | None = None,
) -> tuple[int, int]:
    """Returns the numbers of inputs and outputs of a unit, given the shape of the weights.

    Example:

    >>> fans((3, 3, 16, 32))
    (144, 288)
    """
    shape = tuple(shape)
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[i] for i in input_axes), math.prod(shape[i] for i in output_axes)
    if len(shape) < 2:
        size = math.prod(shape)
        return size, size
    # All axes but the last two are spatial axes of a convolution kernel.
    field = math.prod(shape[:-2])
    return field * shape[-2], field * shape[-1]
