"""`Distiller`: trains a student on targets and on the outputs of a teacher."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from cornu import tree
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.distillation.losses import DistillationLoss
from cornu.metrics import Mean
from cornu.models import Model
from cornu.types import Array, DataLike, PyTree

__all__ = ["Distiller"]


class Distiller(Model):
    """A model that trains a student on the targets and on the outputs of a frozen teacher.

        loss = w * student loss + (1 - w) * sum of weight * distillation loss

    Its outputs are those of the student.

    Args:
        teacher: a trained model. Its `trainable` attribute becomes False.
        student: the model to train.
        distillation_losses: a `LogitsDistillation`, `FeatureDistillation` or subclass of
            `DistillationLoss`, or a list of them.
        distillation_loss_weights: a weight for each of them; 1 by default.
        student_loss_weight: w, in [0, 1].
        name: the name of the model.
        **kwargs: other arguments of `Model`.

    Attributes:
        student, teacher: the models.

    Raises:
        ValueError: the shapes or dtypes of the models differ, a loss does not fit the models, or a
            weight is invalid.

    Example:

    >>> import cornu as keras, numpy as np
    >>> def network(units):
    ...     return keras.Sequential(
    ...         [keras.Input((8,)), keras.layers.Dense(units, "relu"), keras.layers.Dense(3)]
    ...     )
    >>> logits = keras.distillation.LogitsDistillation(temperature=2.0)
    >>> distiller = Distiller(network(64), network(4), logits)
    >>> loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    >>> distiller.compile("adam", loss)
    >>> x, y = np.random.normal(size=(32, 8)), np.random.randint(3, size=32)
    >>> history = distiller.fit(x, y, verbose=0)
    >>> sorted(history.history)
    ['distillation_loss', 'loss', 'student_loss', 'total_loss']
    >>> distiller.student.predict(x, verbose=0).shape
    (32, 3)

    Differences: `sample_weight`, the regularizers of the student and the losses of its layers are
        part of the student loss; Keras ignores them.

    Fixes: the features of the student are computed in the mode of the call; in Keras, `evaluate`
        computes them as in training, and moving statistics of the student are updated twice in each
        step.
    """

    _category_ = "distillation"

    def __init__(
        self,
        teacher: Model,
        student: Model,
        distillation_losses: DistillationLoss | Sequence[DistillationLoss],
        distillation_loss_weights: Sequence[float] | None = None,
        student_loss_weight: float = 0.5,
        name: str = "distiller",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        _check_models(teacher, student)
        if isinstance(student_loss_weight, bool) or not isinstance(
            student_loss_weight, (int, float)
        ):
            raise ValueError(
                "Distiller: student_loss_weight must be a number. "
                f"Received: {student_loss_weight!r}"
            )
        if not 0 <= student_loss_weight <= 1:
            raise ValueError(
                f"Distiller: student_loss_weight must be in [0, 1]. Received: {student_loss_weight}"
            )
        found, weights = _list_losses(distillation_losses, distillation_loss_weights)
        for loss in found:
            loss.validate_model_compatibility(teacher, student)
        teacher.trainable = False
        self.teacher = teacher
        self.student = student
        self.student_loss_weight = student_loss_weight
        self.distillation_losses = found
        self.distillation_loss_weights = weights
        self._teacher_features = _FeatureModel(teacher, [x.teacher_layer_name for x in found])
        self._student_features = _FeatureModel(student, [x.student_layer_name for x in found])
        self.student_loss_tracker = Mean(name="student_loss")
        self.distillation_loss_tracker = Mean(name="distillation_loss")
        self.total_loss_tracker = Mean(name="total_loss")

    # As in Keras, `metrics` follows `loss`.
    @api_boundary
    def compile(  # type: ignore[override]
        self, optimizer: Any = "adam", loss: Any = None, metrics: Any = None, **kwargs: Any
    ) -> None:
        """Configures training.

        Args:
            optimizer: the optimizer of the student.
            loss: the loss between targets and the outputs of the student; required.
            metrics: a list of metrics of the outputs of the student.
            **kwargs: other arguments of `Model.compile`.
        """
        if loss is None:
            raise ValueError("Distiller.compile: `loss`, the loss of the student, must be given.")
        super().compile(optimizer=optimizer, loss=loss, metrics=metrics, **kwargs)

    def call(self, inputs: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """Returns the outputs of the student."""
        return self.student(inputs, training=training, **kwargs)

    def compute_loss(
        self,
        x: DataLike = None,
        y: DataLike = None,
        y_pred: PyTree = None,
        sample_weight: DataLike = None,
        training: bool = True,
    ) -> Any:
        """Returns the weighted sum of the student loss and the distillation losses."""
        if y_pred is None:
            y_pred = self(x, training=training)
        weight = self.student_loss_weight
        student_loss: Any = 0.0
        if weight > 0 and y is not None:
            student_loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        distillation_loss = self._distill(x, y_pred, training) if weight < 1 else 0.0
        total = weight * student_loss + (1 - weight) * distillation_loss
        self.student_loss_tracker.update_state(student_loss)
        self.distillation_loss_tracker.update_state(distillation_loss)
        self.total_loss_tracker.update_state(total)
        return total

    def _distill(self, x: DataLike, y_pred: PyTree, training: bool) -> Any:
        teacher = self._teacher_features(x, None, training=False)
        student = self._student_features(x, y_pred, training)
        total: Any = 0.0
        for loss, weight in zip(
            self.distillation_losses, self.distillation_loss_weights, strict=True
        ):
            outputs = teacher[loss.teacher_layer_name], student[loss.student_layer_name]
            loss.validate_outputs(*outputs)
            value: Array = jnp.asarray(loss.compute_loss(*outputs))
            if value.ndim:
                raise ValueError(
                    f"{type(loss).__name__}.compute_loss must return a scalar. Received: shape "
                    f"{value.shape}"
                )
            total += weight * value
        return total


class _FeatureModel:
    """Computes the output of a model and those of layers in one call.

    Args:
        model: the teacher or the student.
        names: the names of layers; None for the output of the model.
    """

    def __init__(self, model: Model, names: Sequence[str | None]) -> None:
        self._model = model
        self._names = [name for name in dict.fromkeys(names) if name is not None]
        if self._names:
            features = [model.get_layer(name).output for name in self._names]
            self._model = Model(model.inputs, [model.output, features])

    def __call__(self, x: DataLike, output: PyTree, training: bool) -> dict[str | None, PyTree]:
        """Returns the outputs by the name of the layer.

        Args:
            x: the inputs.
            output: the output of the model, if it is known.
            training: the mode of the call.
        """
        if not self._names:
            return {None: self._model(x, training=training) if output is None else output}
        variables = self._model.trainable_variables, self._model.non_trainable_variables
        values = ([v.value for v in part] for part in variables)
        # Without side effects: the call that gave `output` updated the moving statistics.
        (found, features), _ = self._model.stateless_call(*values, x, training=training)
        return {
            None: found if output is None else output,
            **dict(zip(self._names, features, strict=True)),
        }


def _list_losses(
    losses: Any, weights: Sequence[float] | None
) -> tuple[list[DistillationLoss], list[float]]:
    if not isinstance(losses, (list, tuple)):
        losses, weights = [losses], None if weights is None else list(weights)
    for loss in losses:
        if not isinstance(loss, DistillationLoss):
            raise ValueError(
                "Distiller: distillation_losses must be a DistillationLoss, such as "
                f"LogitsDistillation(), or a list of them. Received: {loss!r}"
            )
    weights = [1.0] * len(losses) if weights is None else list(weights)
    if len(weights) != len(losses):
        raise ValueError(
            "Distiller: distillation_loss_weights must have one weight for each of the "
            f"{len(losses)} losses. Received: {len(weights)} weights"
        )
    return list(losses), weights


def _check_models(teacher: Any, student: Any) -> None:
    for role, model in (("teacher", teacher), ("student", student)):
        if not isinstance(model, Model):
            raise ValueError(f"Distiller: the {role} must be a Model. Received: {model!r}")
    if teacher.functional_graph is None or student.functional_graph is None:
        return
    for kind in ("inputs", "outputs"):
        ours, others = (getattr(model, kind) for model in (teacher, student))
        tree.assert_same_structure(ours, others)
        for a, b in zip(ours, others, strict=True):
            if len(a.shape) != len(b.shape) or any(
                m is not None and n is not None and m != n
                for m, n in zip(a.shape, b.shape, strict=True)
            ):
                raise ValueError(
                    f"Distiller: the {kind} of teacher and student must have equal shapes. "
                    f"Received: {a.shape} and {b.shape}"
                )
            if a.dtype != b.dtype:
                raise ValueError(
                    f"Distiller: the {kind} of teacher and student must have equal dtypes. "
                    f"Received: {a.dtype} and {b.dtype}"
                )
