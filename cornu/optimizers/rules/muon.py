"""Muon: orthogonalized momentum of matrices."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any, Unpack

import jax
import jax.numpy as jnp
from jax import Array

from cornu.core.state.variable import Variable
from cornu.optimizers.arguments import OtherSharedArguments, accept_shared_arguments
from cornu.optimizers.schedules import LearningRateLike
from cornu.optimizers.update_rule import SlotValues, UpdateRule

__all__ = ["Muon"]


class Muon(UpdateRule):
    """Orthogonalizes the momentum of matrices; other Variables are updated by Adam.

    m <- momentum * m + gradient
    u = orthogonal(gradient + momentum * m, or m without nesterov)
    value <- value - learning_rate * rms_rate * sqrt(max(rows, columns)) * u

    Adam is used for Variables that are not matrices, for embeddings, and for excluded Variables.

    Args:
        learning_rate: see `Optimizer`, also for the arguments that are not listed here.
        adam_beta_1: the decay rate of the average of gradients (Adam).
        adam_beta_2: the decay rate of the average of squares (Adam).
        adam_weight_decay: the weight decay of Variables updated by Adam.
        epsilon: a small constant that prevents division by zero (Adam).
        weight_decay: the weight decay of the other Variables.
        exclude_layers: regular expressions; a Variable is excluded if one is found in its path.
        exclude_embeddings: whether to exclude Variables with "embedding" in their path.
        muon_a, muon_b, muon_c: coefficients of the iteration x <- a x + (b A + c A A) x, with
            A = x x', which moves the singular values of a matrix close to 1.
        adam_lr_ratio: the learning rate of Adam relative to `learning_rate`.
        momentum: the decay rate of the momentum.
        ns_steps: the number of Newton-Schulz iterations.
        nesterov: whether to use Nesterov momentum.
        rms_rate: the factor that makes steps as large as those of Adam; None for none.

    References: Keller Jordan et al. (2024), "Muon: An optimizer for hidden layers in neural
        networks". Jingyuan Liu et al. (2025), "Muon is scalable for LLM training".

    Example:

    >>> import cornu
    >>> w = cornu.Variable([[10.0, 0.0], [0.0, 10.0]], name="w")
    >>> optimizer = Muon(learning_rate=1.0, weight_decay=None, rms_rate=None)
    >>> optimizer.apply([jnp.array([[0.0, 9.0], [4.0, 0.0]])], [w])
    >>> w.numpy().round().tolist()
    [[10.0, -1.0], [-1.0, 10.0]]
    """

    slots = (("momentum", "velocity"),)

    @accept_shared_arguments
    def __init__(
        self,
        learning_rate: LearningRateLike = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        *,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **shared: Unpack[OtherSharedArguments],
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **shared)
        self.adam_beta_1 = adam_beta_1
        self.adam_beta_2 = adam_beta_2
        self.adam_weight_decay = adam_weight_decay
        self.epsilon = epsilon
        self.exclude_layers = exclude_layers or []
        self.exclude_embeddings = exclude_embeddings
        self.muon_a = muon_a
        self.muon_b = muon_b
        self.muon_c = muon_c
        self.adam_lr_ratio = adam_lr_ratio
        self.momentum = momentum
        self.ns_steps = ns_steps
        self.nesterov = nesterov
        self.rms_rate = rms_rate

    def initial_value(self, slot: str, variable: Variable) -> float | None:
        """Returns zero; only Variables updated by Adam have a velocity."""
        return 0.0 if slot == "momentum" or self._uses_adam(variable) else None

    def step_scalars(self, learning_rate: Array, step: Array) -> tuple[Array, Array]:
        """Returns the learning rate, and that of Adam with its bias corrections."""
        alpha = jnp.sqrt(1 - self.adam_beta_2**step) / (1 - self.adam_beta_1**step)
        return learning_rate, self.adam_lr_ratio * learning_rate * alpha

    def update(
        self, gradient: Array, value: Array, slots: SlotValues, scalars: tuple[Array, Array]
    ) -> tuple[Array, SlotValues]:
        """Returns the new value and averages."""
        learning_rate, alpha = scalars
        m = slots["momentum"]
        if "velocity" in slots:
            v = slots["velocity"]
            m = m + (1 - self.adam_beta_1) * (gradient - m)
            v = v + (1 - self.adam_beta_2) * (jnp.square(gradient) - v)
            new_slots = {"momentum": m, "velocity": v}
            return value - alpha * m / (jnp.sqrt(v) + self.epsilon), new_slots
        m = self.momentum * m + gradient
        lookahead = gradient + self.momentum * m if self.nesterov else m
        step = self.zeropower_via_newtonschulz5(lookahead, self.ns_steps)
        return value - self.lr_adjust(learning_rate * step), {"momentum": m}

    def zeropower_via_newtonschulz5(self, x: Array, steps: int) -> Array:
        """Returns a matrix with the singular vectors of `x` and singular values close to 1.

        Args:
            x: a matrix.
            steps: the number of iterations of the Newton-Schulz method.
        """
        orthogonal: Array = _orthogonalize(x, steps, (self.muon_a, self.muon_b, self.muon_c))
        return orthogonal

    def transpose_last_axis(self, X: Array) -> Array:  # noqa: N803 (a name of Keras)
        """Returns an array with its last two axes exchanged.

        Args:
            X: an array of at least two axes.
        """
        return X.mT

    def lr_adjust(self, x: Array) -> Array:
        """Scales the step of a matrix to the size of a step of Adam, by `rms_rate`.

        Args:
            x: the step, an orthogonalized matrix.
        """
        return x if self.rms_rate is None else x * (max(x.shape) ** 0.5 * self.rms_rate)

    def _uses_adam(self, variable: Variable) -> bool:
        return (
            len(variable.shape) != 2
            or (self.exclude_embeddings and "embedding" in variable.path.lower())
            or any(re.search(pattern, variable.path) for pattern in self.exclude_layers)
        )

    def _decay_of_(self, variable: Variable) -> float | None:
        return self.adam_weight_decay if self._uses_adam(variable) else self.weight_decay


# A function of its own under `jit`, with a loop: the program of a step has one equation for each
# matrix instead of about sixty.
@functools.partial(jax.jit, static_argnames=("steps", "coefficients"))
def _orthogonalize(x: Array, steps: int, coefficients: tuple[float, float, float]) -> Array:
    a, b, c = coefficients
    # The smaller of the two Gram matrices is the cheaper one.
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    # The iteration needs singular values of at most 1, and the Frobenius norm bounds the largest.
    x = x / (jnp.linalg.norm(x, axis=(-2, -1), keepdims=True) + 1e-7)

    def iterate(_: Any, x: Array) -> Array:
        square = x @ x.mT
        return a * x + (b * square + c * square @ square) @ x

    x = jax.lax.fori_loop(0, steps, iterate, x)
    return x.mT if tall else x
