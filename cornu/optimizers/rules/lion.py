"""Lion: steps along the sign of a momentum."""

from __future__ import annotations

from typing import Unpack

import jax.numpy as jnp
from jax import Array

from cornu.optimizers.arguments import SharedArguments, accept_shared_arguments
from cornu.optimizers.schedules import LearningRateLike
from cornu.optimizers.update_rule import SlotValues, UpdateRule

__all__ = ["Lion"]


class Lion(UpdateRule):
    """Makes steps of equal size in every element, along the sign of a moving average.

    value <- value - learning_rate * sign(beta_1 * m + (1 - beta_1) * gradient)
    m <- beta_2 * m + (1 - beta_2) * gradient

    Steps are larger than those of Adam: the paper recommends a learning rate that is 3 to 10 times
    smaller, and a weight decay that is larger by the same factor.

    Args:
        learning_rate: see `Optimizer`, also for the arguments that are not listed here.
        beta_1: the weight of the average in the sign, in (0, 1].
        beta_2: the decay rate of the average.

    References: Xiangning Chen, Chen Liang, Da Huang, Esteban Real, Kaiyuan Wang, Yao Liu, Hieu
        Pham, Xuanyi Dong, Thang Luong, Cho-Jui Hsieh, Yifeng Lu, Quoc V. Le (2023), "Symbolic
        discovery of optimization algorithms".

    Example:

    >>> import cornu
    >>> w = cornu.Variable([1.0, 1.0], name="w")
    >>> Lion(learning_rate=0.25).apply([jnp.array([40.0, -0.1])], [w])
    >>> w.numpy().tolist()
    [0.75, 1.25]
    """

    slots = (("momentum",),)

    @accept_shared_arguments
    def __init__(
        self,
        learning_rate: LearningRateLike = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(learning_rate, **shared)
        if not 0 < beta_1 <= 1:
            raise ValueError(f"{self._label_()}: beta_1 must be in (0, 1]. Received: {beta_1}")
        self.beta_1 = beta_1
        self.beta_2 = beta_2

    def update(
        self, gradient: Array, value: Array, slots: SlotValues, learning_rate: Array
    ) -> tuple[Array, SlotValues]:
        """Returns the new value and average."""
        m = slots["momentum"]
        direction = jnp.sign(self.beta_1 * m + (1 - self.beta_1) * gradient)
        momentum = self.beta_2 * m + (1 - self.beta_2) * gradient
        return value - learning_rate * direction, {"momentum": momentum}
