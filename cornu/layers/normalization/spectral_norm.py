"""SpectralNormalization: a layer whose kernel is kept at spectral norm 1."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from cornu import ops
from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable
from cornu.layers.arguments import positive_int
from cornu.layers.wrapper import Wrapper
from cornu.parts.initializers import TruncatedNormal
from cornu.types import Array, ShapeLike

__all__ = ["SpectralNormalization"]


class SpectralNormalization(Wrapper):
    """Divides the kernel of a layer by its largest singular value, in each training step.

    kernel = kernel / sigma, sigma = v @ kernel @ u: the kernel as a matrix (..., outputs), and its
    main singular vectors u and v, which the power method brings closer in every step

    Args:
        layer: a layer with a weight `kernel` or `embeddings`.
        power_iterations: iterations of the power method in a step.
        **kwargs: `name`, `dtype`, `trainable` and others of `Layer`.

    Shapes:
        as of the layer

    Raises:
        ValueError: the layer has no such weight, or more than one.

    Example:

    >>> import cornu
    >>> layer = cornu.layers.SpectralNormalization(cornu.layers.Dense(4))
    >>> layer(cornu.Input((3,))).shape
    (None, 4)

    References: Miyato et al., 2018, "Spectral Normalization for Generative Adversarial Networks".

    Differences: the normalized kernel is the layer's kernel from then on, so that the optimizer
    goes on from it; Keras's `fit` on JAX forgets it after the step. PyTorch keeps both.
    """

    def __init__(self, layer: Layer, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.power_iterations = positive_int(self._label(), "power_iterations", power_iterations)
        # The kernel is normalized at full precision; the wrapped layer casts what it uses.
        self.autocast = False

    def build(self, input_shape: ShapeLike | None = None) -> None:
        """Builds the layer, and creates `vector_u` of shape (1, outputs)."""
        super().build(input_shape)
        self.kernel = self._only_kernel()
        self.vector_u = self.add_weight(
            (1, self.kernel.shape[-1]),
            TruncatedNormal(stddev=0.02),
            dtype=self.kernel.dtype,
            trainable=False,
            name="vector_u",
        )

    def _only_kernel(self) -> Variable:
        kernels = [v for v in self.layer.weights if v.name in ("kernel", "embeddings")]
        if len(kernels) != 1:
            raise ValueError(
                f"{self._label()}: the wrapped layer must have one weight with the name 'kernel' "
                f"or 'embeddings'. {self.layer!r} has {[v.path for v in self.layer.weights]}"
            )
        return kernels[0]

    def call(self, inputs: Array, training: bool = False) -> Array:
        """Returns what the layer returns; in training its kernel is normalized first."""
        if training:
            vector, kernel = jax.lax.cond(
                jnp.all(self.kernel.value == 0),
                lambda: (self.vector_u.value, self.kernel.value),
                self.normalized_weights,
            )
            self.vector_u.assign(vector)
            self.kernel.assign(kernel)
        return self.layer(inputs).astype(self.compute_dtype)

    def normalized_weights(self) -> tuple[Array, Array]:
        """Returns `vector_u` after further iterations, and the kernel divided by its norm."""
        matrix = jnp.reshape(self.kernel.value, (-1, self.kernel.shape[-1]))
        u = self.vector_u.value
        for _ in range(self.power_iterations):
            v = ops.normalize(u @ matrix.T, axis=None)
            u = ops.normalize(v @ matrix, axis=None)
        u, v = jax.lax.stop_gradient((u, v))
        sigma = v @ matrix @ u.T
        return u, jnp.reshape(matrix / sigma, self.kernel.shape)
