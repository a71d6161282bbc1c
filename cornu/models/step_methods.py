"""StepMethods: the methods of Keras's Model on JAX that work on the state of training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.models.training_methods import TrainingMethods
from cornu.training import step_functions, steps
from cornu.types import DataLike

__all__ = ["StepMethods"]


class StepMethods(TrainingMethods):
    """The methods of a Model that concern the state of training; each delegates to a module.

    The state is a tuple of lists of values of Variables: trainable, non-trainable, those of the
    optimizer and of the metrics.
    """

    # What the `make_*_function` methods set.
    train_function: Callable[..., Any] | None = None
    test_function: Callable[..., Any] | None = None
    predict_function: Callable[..., Any] | None = None
    # Values of Variables by part of the state, which `jax_state_sync` assigns.
    _jax_state: Mapping[str, Sequence[Any]] | None = None

    def make_train_function(self, force: bool = False) -> None:
        """Sets `train_function`, a compiled function `(state, iterator) -> (logs, state)`.

        It runs `train_step` on the next batch of the iterator and changes no Variable. An override
        that sets the attribute to another function replaces the step of `fit`; `fit` compiles it.

        Args:
            force: whether an existing function is replaced.
        """
        if force or self.train_function is None:
            self.train_function = step_functions.step_function(self._trainer_, "train_step")

    def make_test_function(self, force: bool = False) -> None:
        """Sets `test_function`, which runs `test_step`; see `make_train_function`.

        The state has no values of the optimizer.

        Args:
            force: whether an existing function is replaced.
        """
        if force or self.test_function is None:
            self.test_function = step_functions.step_function(self._trainer_, "test_step")

    def make_predict_function(self, force: bool = False) -> Callable[..., Any] | None:
        """Sets `predict_function`, which runs `predict_step`; see `make_train_function`.

        The state consists of the trainable and the non-trainable values.

        Args:
            force: whether an existing function is replaced.
        """
        if force or self.predict_function is None:
            self.predict_function = step_functions.step_function(self._trainer_, "predict_step")
        return self.predict_function

    def jax_state_sync(self) -> None:
        """Assigns the values in the attribute `_jax_state` to the Variables, and clears it.

        The attribute is a dict from `"trainable_variables"`, `"non_trainable_variables"`,
        `"optimizer_variables"` and `"metrics_variables"` to values, as in Keras.

        Differences: `fit` does not set the attribute: the Variables have the values of the last
        step whenever a callback runs.
        """
        if self._jax_state is not None:
            step_functions.sync_state(self._trainer_, self._jax_state)
            self._jax_state = None

    def compute_loss_and_updates(
        self,
        trainable_variables: Sequence[Any],
        non_trainable_variables: Sequence[Any],
        metrics_variables: Sequence[Any],
        x: DataLike,
        y: DataLike,
        sample_weight: DataLike,
        training: bool = False,
        optimizer_variables: Sequence[Any] | None = None,
    ) -> Any:
        """Returns the loss of a batch as a pure function of the values of the Variables.

        An override replaces the call of the model and of `compute_loss` in the steps of `fit` and
        `evaluate`, which differentiate the first result.

        Args:
            trainable_variables, non_trainable_variables, metrics_variables: values of the model's
                Variables of these names.
            x, y, sample_weight: a batch, as in `compute_loss`.
            training: whether the step trains: layers such as Dropout depend on it.
            optimizer_variables: values of the optimizer's Variables, which scale the loss in
                float16 training; by default the current ones.

        Returns:
            `(scaled_loss, (loss, y_pred, non_trainable_variables, metrics_variables))` with the new
            values. The scaled loss differs in float16 training only.
        """
        values = (trainable_variables, non_trainable_variables, metrics_variables)
        batch = (x, y, sample_weight)
        return steps.loss_and_updates(self._trainer_, values, batch, training, optimizer_variables)

    @api_boundary
    def get_state_tree(
        self, value_format: Literal["backend_tensor", "numpy_array"] = "backend_tensor"
    ) -> dict[str, Any]:
        """Returns the values of all Variables as nested dicts.

        Args:
            value_format: "backend_tensor" for arrays of JAX, "numpy_array" for those of NumPy.

        Returns:
            A dict from `"trainable_variables"`, `"non_trainable_variables"`,
            `"optimizer_variables"` and `"metrics_variables"` to dicts nested like the paths of the
            Variables.

        Raises:
            ValueError: two Variables have the same path.

        Example:

        >>> import cornu
        >>> model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1, name="head")])
        >>> sorted(model.get_state_tree()["trainable_variables"]["head"])
        ['bias', 'kernel']
        """
        return step_functions.get_state_tree(self._trainer_, value_format)

    @api_boundary
    def set_state_tree(self, state_tree: Mapping[str, Any]) -> None:
        """Assigns the values of a tree that `get_state_tree` returned; parts of it may be missing.

        Args:
            state_tree: nested dicts of arrays, as `get_state_tree` returns them.

        Raises:
            ValueError: a path is unknown, or a shape differs. No Variable is changed then.

        Differences: Keras ignores unknown paths.
        """
        step_functions.set_state_tree(self._trainer_, state_tree)
