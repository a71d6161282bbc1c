"""Losses between the outputs of a teacher and those of a student."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import jax.numpy as jnp

from cornu import losses, ops, tree
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.losses import KLDivergence, kl_divergence
from cornu.models import Model
from cornu.registry import Configurable
from cornu.types import Array, PyTree

__all__ = ["DistillationLoss", "FeatureDistillation", "LogitsDistillation"]


class DistillationLoss(Configurable):
    """Base class of the losses of a `Distiller`; a subclass overrides `compute_loss`.

    Example:

    >>> class Distance(DistillationLoss):
    ...     def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
    ...         return jnp.mean(jnp.abs(teacher_outputs - student_outputs))
    >>> float(Distance().compute_loss(jnp.ones((2, 3)), jnp.zeros((2, 3))))
    1.0
    """

    _category_ = "distillation"

    # The layers whose outputs are compared; None for the output of the model.
    teacher_layer_name: str | None = None
    student_layer_name: str | None = None

    def compute_loss(
        self, teacher_outputs: PyTree, student_outputs: PyTree, **kwargs: Any
    ) -> Array:
        """Returns the loss of a batch, a scalar.

        Args:
            teacher_outputs: an array, or a structure of arrays of a model with several outputs.
            student_outputs: the same for the student.
            **kwargs: for subclasses; `Distiller` passes none.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define `compute_loss`.")

    def validate_outputs(self, teacher_outputs: PyTree, student_outputs: PyTree) -> None:
        """Raises a ValueError if the outputs of the models cannot be compared.

        Args:
            teacher_outputs: the outputs of the teacher.
            student_outputs: the outputs of the student.
        """
        tree.assert_same_structure(teacher_outputs, student_outputs)

    def validate_model_compatibility(self, teacher: Model, student: Model) -> None:
        """Raises a ValueError if the models cannot be used with this loss.

        Args:
            teacher: the model that is trained already.
            student: the model that is trained by distillation.
        """


class _OutputLoss(DistillationLoss):
    """Base class of losses that apply a loss to each output, and add the results."""

    loss: PyTree

    def _get_losses(self, loss: PyTree) -> PyTree:
        found = tree.map_structure(lambda item: None if item is None else losses.get(item), loss)
        if all(item is None for item in tree.flatten(found)):
            raise ValueError(
                f"{type(self).__name__}: at least one loss must not be None. Received: {loss!r}"
            )
        return found

    def validate_outputs(self, teacher_outputs: PyTree, student_outputs: PyTree) -> None:
        """Raises a ValueError if the structures of outputs and losses differ."""
        super().validate_outputs(teacher_outputs, student_outputs)
        try:
            tree.assert_same_structure(self.loss, teacher_outputs)
        except ValueError as error:
            raise ValueError(
                f"{type(self).__name__}: `loss` does not have the structure of the outputs. {error}"
            ) from error

    def _add_losses(self, values: PyTree) -> Array:
        total: Array = reduce(operator.add, tree.flatten(values))
        return total


class FeatureDistillation(_OutputLoss):
    """Computes a loss between the outputs of a layer of the teacher and one of the student.

        loss(teacher features, student features), averaged over the batch

    Args:
        loss: a name, a loss object or function, or a structure of them for layers with several
            outputs; None in it excludes an output.
        teacher_layer_name: a layer of the teacher; None for the output of the model.
        student_layer_name: a layer of the student; None for the output of the model.

    Raises:
        ValueError: all losses are None.

    Example:

    >>> loss = FeatureDistillation("mae", teacher_layer_name="wide", student_layer_name="narrow")
    >>> float(loss.compute_loss(jnp.ones((2, 3)), jnp.zeros((2, 3))))
    1.0

    References:
        A. Romero et al. (2014). FitNets: Hints for Thin Deep Nets. https://arxiv.org/abs/1412.6550
    """

    def __init__(
        self,
        loss: Any = "mse",
        teacher_layer_name: str | None = None,
        student_layer_name: str | None = None,
    ) -> None:
        self.loss = self._get_losses(loss)
        self.teacher_layer_name = teacher_layer_name
        self.student_layer_name = student_layer_name

    @api_boundary
    def validate_model_compatibility(self, teacher: Model, student: Model) -> None:
        """Raises a ValueError if a model does not have the layer, or has no graph."""
        for role, model, name in (
            ("teacher", teacher, self.teacher_layer_name),
            ("student", student, self.student_layer_name),
        ):
            if name is None:
                continue
            if model.functional_graph is None:
                raise ValueError(
                    f"FeatureDistillation: the {role} {model.name!r} has no graph in which the "
                    f"output of layer {name!r} could be found.\nUse a Functional or Sequential "
                    "model, or leave out the layer names to compare the outputs of the models."
                )
            try:
                model.get_layer(name)
            except ValueError as error:
                raise ValueError(f"FeatureDistillation, {role}: {error}") from error

    def compute_loss(
        self, teacher_outputs: PyTree, student_outputs: PyTree, **kwargs: Any
    ) -> Array:
        """Returns the sum of the losses of the outputs, a scalar."""

        def compute(loss: Any, teacher: Array, student: Array) -> Any:
            return 0.0 if loss is None else jnp.mean(loss(teacher, student))

        values = tree.map_structure(compute, self.loss, teacher_outputs, student_outputs)
        return self._add_losses(values)


class LogitsDistillation(_OutputLoss):
    """Computes a loss between the logits of the teacher and of the student, at a temperature T.

        T**2 * KL(softmax(teacher / T) || softmax(student / T))      KL divergence, the default
        loss(teacher / T, student / T)                               other losses

    Both are averaged over the batch.

    Args:
        temperature: a positive number. A higher temperature gives more weight to the ratios of
            small probabilities; 3 to 5 is usual.
        loss: a name, a loss object or function, or a structure of them for models with several
            outputs; None in it excludes an output.

    Raises:
        ValueError: the temperature is not positive, or all losses are None.

    Example:

    >>> loss = LogitsDistillation(temperature=2.0)
    >>> f"{loss.compute_loss(jnp.array([[2.0, 0.0]]), jnp.array([[0.0, 0.0]])):.4f}"
    '0.4438'

    References:
        G. Hinton, O. Vinyals, J. Dean (2015). Distilling the Knowledge in a Neural Network.
        https://arxiv.org/abs/1503.02531

    Fixes: the default and the name "kl_divergence" compute the formula above; Keras computes it
        only for a KLDivergence object, and without it the divergence of the logits themselves,
        which are not probabilities.
    """

    def __init__(self, temperature: float = 3.0, loss: Any = "kl_divergence") -> None:
        if isinstance(temperature, bool) or not isinstance(temperature, (int, float)):
            raise ValueError(
                f"LogitsDistillation: temperature must be a number. Received: {temperature!r}"
            )
        if not temperature > 0:
            raise ValueError(
                f"LogitsDistillation: temperature must be > 0. Received: {temperature!r}"
            )
        self.temperature = temperature
        self.loss = self._get_losses(loss)

    def compute_loss(
        self, teacher_outputs: PyTree, student_outputs: PyTree, **kwargs: Any
    ) -> Array:
        """Returns the sum of the losses of the outputs, a scalar."""

        def compute(loss: Callable[..., Any] | None, teacher: Array, student: Array) -> Any:
            if loss is None:
                return 0.0
            teacher, student = teacher / self.temperature, student / self.temperature
            if loss is not kl_divergence and not isinstance(loss, KLDivergence):
                return jnp.mean(loss(teacher, student))
            divergence = jnp.mean(loss(ops.softmax(teacher), ops.softmax(student)))
            # The gradients of softened probabilities shrink with 1 / T**2.
            return divergence * self.temperature**2

        values = tree.map_structure(compute, self.loss, teacher_outputs, student_outputs)
        return self._add_losses(values)
