"""SpectralNormalization: constrains the spectral norm of the kernel of a layer to 1."""

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
    """Wrapper that divides the kernel of a layer by its spectral norm in each training step.

    kernel = kernel / sigma, where sigma = v @ kernel @ u.T

    The kernel is treated as a matrix with one column per output. u and v approximate its singular
    vectors of the largest singular value; each training step refines them by power iteration.

    Args:
        layer: a layer with a weight `kernel` or `embeddings`.
        power_iterations: the number of power iterations per training step.
        **kwargs: `name`, `dtype`, `trainable` and other arguments of `Layer`.

    Shapes:
        those of the wrapped layer

    Raises:
        ValueError: the layer does not have exactly one such weight.

    Example:

    >>> import cornu
    >>> layer = cornu.layers.SpectralNormalization(cornu.layers.Dense(4))
    >>> layer(cornu.Input((3,))).shape
    (None, 4)

    References: Miyato et al., 2018, "Spectral Normalization for Generative Adversarial Networks".

    Fixes: the normalized kernel replaces the kernel of the layer, and the optimizer updates it.
    `fit` of Keras on JAX discards it after the step.

    Note: PyTorch stores both kernels.
    """

    def __init__(self, layer: Layer, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.power_iterations = positive_int(self._label_(), "power_iterations", power_iterations)
        # The kernel is normalized in its own dtype; the wrapped layer casts it for its own use.
        self.autocast = False

    def build(self, input_shape: ShapeLike | None = None) -> None:
        """Builds the wrapped layer, and creates `vector_u` of shape (1, outputs)."""
        super().build(input_shape)
        self.kernel = self._find_kernel()
        self.vector_u = self.add_weight(
            (1, self.kernel.shape[-1]),
            TruncatedNormal(stddev=0.02),
            dtype=self.kernel.dtype,
            trainable=False,
            name="vector_u",
        )

    def _find_kernel(self) -> Variable:
        kernels = [v for v in self.layer.weights if v.name in ("kernel", "embeddings")]
        if len(kernels) != 1:
            raise ValueError(
                f"{self._label_()}: the wrapped layer must have exactly one weight named 'kernel' "
                f"or 'embeddings'. {self.layer!r} has {[v.path for v in self.layer.weights]}"
            )
        kernel: Variable = kernels[0]
        return kernel

    def call(self, inputs: Array, training: bool = False) -> Array:
        """Returns the output of the layer; in training, its kernel is normalized first."""
        if training:
            # The norm of a kernel of zeros is 0, and the division would give NaN.
            vector, kernel = jax.lax.cond(
                jnp.all(self.kernel.value == 0),
                lambda: (self.vector_u.value, self.kernel.value),
                self.normalized_weights,
            )
            self.vector_u.assign(vector)
            self.kernel.assign(kernel)
        outputs: Array = self.layer(inputs).astype(self.compute_dtype)
        return outputs

    def normalized_weights(self) -> tuple[Array, Array]:
        """Returns `vector_u` after power iteration, and the normalized kernel."""
        matrix = jnp.reshape(self.kernel.value, (-1, self.kernel.shape[-1]))
        u = self.vector_u.value
        for _ in range(self.power_iterations):
            v = ops.normalize(u @ matrix.T, axis=None)
            u = ops.normalize(v @ matrix, axis=None)
        # The singular vectors are constants for the gradient, as in the paper.
        u, v = jax.lax.stop_gradient((u, v))
        sigma = v @ matrix @ u.T
        return u, jnp.reshape(matrix / sigma, self.kernel.shape)
