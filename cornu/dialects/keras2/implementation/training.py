"""`compile`, `fit` and related methods with the arguments of Keras 2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu.core.state.sharing import copy_to_host
from cornu.core.state.variable import Variable
from cornu.dialects.batch_logs import describe_run
from cornu.dialects.closures import Closures
from cornu.dialects.compiled_as import describe_functions, describe_metrics
from cornu.dialects.keras1.generators import EpochBatches
from cornu.dialects.keras2.implementation import losses, metrics, optimizers
from cornu.dialects.keras2.implementation.model_files import FileMethods
from cornu.dialects.keras2.implementation.training_arguments import (
    GENERATOR_NAMES,
    SAMPLES,
    check_ignored,
    limit_batches,
    reset_metrics_of,
    weight_rows,
)
from cornu.dialects.model_methods import ModelMethods
from cornu.dialects.renaming import rename_arguments
from cornu.dialects.shared_optimizers import with_own_slots
from cornu.dialects.trainable_flags import TrainableFlags
from cornu.legacy.arrays import in_old_order
from cornu.models.training_methods import TrainingMethods
from cornu.training.compile.outputs import Outputs

__all__ = ["Keras2Trainer"]

_EPOCHS = {"nb_epoch": "epochs"}


class Keras2Trainer(FileMethods, ModelMethods, TrainingMethods):
    """`compile`, `fit` and related methods with the arguments of Keras 2."""

    _sorts_logs_ = False  # Keras 2 prints the loss first
    _closures_: Closures | None = None
    _flags_: TrainableFlags | None = None

    def compile(  # type: ignore[override]
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        sample_weight_mode: Any = None,
        weighted_metrics: Any = None,
        target_tensors: Any = None,
        **kwargs: Any,
    ) -> None:
        """Configures training.

        Args:
            optimizer: a name or an optimizer.
            loss: a name or a function; for several outputs one for all, a list or a dict.
            metrics: names or functions, computed for every output; or a list or dict by output.
            loss_weights: the weights of the losses.
            sample_weight_mode: ignored; the shape of the weights determines it.
            weighted_metrics: metrics that are weighted by the weights of samples and classes.
            target_tensors: must be None.
            **kwargs: ignored, such as arguments of TensorFlow sessions; `run_eagerly` and others
                of tf.keras are used.

        Raises:
            NotImplementedError: `target_tensors` is not None.
        """
        if target_tensors is not None:
            raise NotImplementedError(
                "compile: target_tensors is not supported. Pass the targets to fit."
            )
        later = () if self._version.renames_accuracy else ("weighted_metrics",)
        self._compiled_as_ = {
            "loss": describe_functions(loss),
            "metrics": describe_metrics(metrics) or [],
            "sample_weight_mode": sample_weight_mode,
            "loss_weights": loss_weights,
            **dict.fromkeys(later, describe_functions(weighted_metrics)),
        }
        self._closures_ = Closures()
        if self._graph_ is not None:
            loss = self._closures_.bind_losses(loss, self)
        loss = _map_structure(lambda one: losses.get(one, self._version), loss)
        self._flags_ = TrainableFlags(self)
        own = ("run_eagerly", "steps_per_execution", "jit_compile")
        of_version = optimizers.get(optimizer, self._version)
        super().compile(
            with_own_slots(self, of_version, shares_slots=self._version.source.is_tensorflow),
            loss,
            loss_weights=loss_weights,
            metrics=self._metrics(metrics, loss),
            weighted_metrics=self._metrics(weighted_metrics, loss),
            **{name: kwargs[name] for name in own if kwargs.get(name) is not None},
        )

    @property
    def _closures_of_losses_(self) -> Closures:
        """What losses and Lambda layers use from the scope around them."""
        if self._closures_ is None:
            self._closures_ = Closures()
        return self._closures_

    @property
    def _all_variables_(self) -> list[Variable]:
        """The Variables of the model, and those that functions of the program use."""
        return self._closures_of_losses_.added_to(super()._all_variables_, self)

    def _metrics(self, given: Any, loss: Any) -> Any:
        if not given:
            return None
        if self._graph_ is None:
            # The output's shape, which determines the kind of accuracy, is not known yet.
            return [self._resolve_without_output(one, loss) for one in _as_list(given)]
        outputs = Outputs(self._graph_.outputs, self._graph_.output_names)
        each = outputs.spread(loss, "loss", to_all=True)
        if isinstance(given, dict):
            wanted = given
        elif len(outputs) > 1 and any(isinstance(one, (list, tuple)) for one in given):
            wanted = dict(zip(outputs.names, given, strict=True))
        else:
            wanted = dict.fromkeys(outputs.names, given)
        bind = self._closures_of_losses_.bind_output
        made = {
            name: [
                metrics.resolve(bind(one, tensor, self), self._version, of_output, tensor)
                for one in _as_list(wanted[name])
                if one is not None
            ]
            for name, of_output, tensor in zip(outputs.names, each, outputs.tensors, strict=True)
            if name in wanted
        }
        return made if len(outputs) > 1 else made.get(outputs.names[0])

    def _resolve_without_output(self, identifier: Any, loss: Any) -> Any:
        if identifier in ("accuracy", "acc"):
            return "acc" if self._version.renames_accuracy else identifier
        return metrics.resolve(identifier, self._version, loss)

    def fit(  # type: ignore[override]
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = 1,
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: Any = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_freq: Any = 1,
        **kwargs: Any,
    ) -> Any:
        """Trains the model on arrays or batches, and returns the History.

        Class weights also apply to the data of `validation_split`. `nb_epoch` is accepted with a
        warning. `max_queue_size`, `workers` and `use_multiprocessing` are ignored.
        """
        given = rename_arguments("fit", kwargs, _EPOCHS)
        epochs = given.pop("epochs", epochs)
        check_ignored("fit", given, ("validation_batch_size",))
        describe_run(self, x, y, batch_size, validation_split, validation_data)
        if validation_split and isinstance(y, np.ndarray):
            class_weight, sample_weight = weight_rows(y, class_weight, sample_weight)
        return self._train_(
            super().fit,
            x,
            y,
            batch_size=batch_size,
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            validation_split=validation_split,
            validation_data=validation_data,
            shuffle=bool(shuffle),
            class_weight=class_weight,
            sample_weight=sample_weight,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps,
            validation_freq=validation_freq,
            validation_batch_size=given.get("validation_batch_size"),
        )

    def _train_(self, train: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Calls a training method with the flags `trainable` of the time of `compile`."""
        if self._flags_ is None:
            return train(*args, **kwargs)  # which says that the model is not compiled
        with self._flags_.restored():
            return train(*args, **kwargs)

    def evaluate(  # type: ignore[override]
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = 1,
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Returns the loss and the metrics for the data."""
        check_ignored("evaluate", kwargs, ("return_dict",))
        return_dict = bool(kwargs.get("return_dict"))
        found: Any = super().evaluate(
            x, y, batch_size, verbose, sample_weight, steps, callbacks, return_dict=return_dict
        )
        return found

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = 0,
        steps: int | None = None,
        callbacks: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Returns the predictions for the data."""
        check_ignored("predict", kwargs)
        return super().predict(x, batch_size, verbose, steps, callbacks)

    def train_on_batch(  # type: ignore[override]
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        reset_metrics: bool = True,
        return_dict: bool = False,
    ) -> Any:
        """Trains on one batch; returns the loss and the metrics of the batch."""
        reset_metrics_of(self, reset_metrics)
        train = super().train_on_batch
        return self._train_(train, x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(  # type: ignore[override]
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        reset_metrics: bool = True,
        return_dict: bool = False,
    ) -> Any:
        """Returns the loss and the metrics of one batch."""
        reset_metrics_of(self, reset_metrics)
        return super().test_on_batch(x, y, sample_weight, return_dict)

    def get_weights(self) -> list[np.ndarray]:
        """Returns the arrays of all layers in the order of Keras 2, without states."""
        return copy_to_host(self._weights_in_old_order_())

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets the arrays of all layers, in the order of `get_weights()`.

        Raises:
            ValueError: the number of arrays or a shape differs.
        """
        variables = self._weights_in_old_order_()
        shapes = [tuple(variable.shape) for variable in variables]
        given = [np.shape(array) for array in weights]
        if shapes != given:
            raise ValueError(f"set_weights: expected arrays of shapes {shapes}. Received: {given}")
        for variable, array in zip(variables, weights, strict=True):
            variable.assign(np.asarray(array))

    def _weights_in_old_order_(self) -> list[Variable]:
        found = [variable for layer in self._sublayers_() for variable in in_old_order(layer)]
        return list({id(variable): variable for variable in found}.values())

    # --------------------------------------------------------------------------------- generators

    def fit_generator(
        self,
        generator: Any,
        steps_per_epoch: int | None = None,
        epochs: int = 1,
        verbose: Any = 1,
        callbacks: Any = None,
        validation_data: Any = None,
        validation_steps: int | None = None,
        class_weight: Any = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        shuffle: bool = True,
        initial_epoch: int = 0,
        validation_freq: Any = 1,
        **kwargs: Any,
    ) -> Any:
        """Trains on batches of a generator or a Sequence; an epoch is a number of *batches*.

        Args:
            generator: a Sequence, or what yields `(x, y)` or `(x, y, sample_weight)`.
            steps_per_epoch: the number of batches in an epoch; by default those of the Sequence.
            epochs, verbose, callbacks, class_weight, shuffle, initial_epoch: as in `fit`.
            validation_data: arrays, or a generator with `validation_steps`.
            validation_steps: the number of batches of the validation data.
            max_queue_size, workers, use_multiprocessing: ignored.
            validation_freq: the number of epochs between validations.
            **kwargs: arguments of Keras 1. `samples_per_epoch` and `nb_val_samples` are numbers of
                samples, and are counted so.
        """
        given = rename_arguments("fit_generator", kwargs, GENERATOR_NAMES)
        check_ignored("fit_generator", given, ("epochs", *SAMPLES))
        if "samples_per_epoch" in given:
            generator = EpochBatches(generator, given["samples_per_epoch"])
        if "validation_samples" in given and not isinstance(validation_data, (tuple, list)):
            validation_data = EpochBatches(validation_data, given["validation_samples"])
        return self._train_(
            super().fit,
            generator,
            steps_per_epoch=steps_per_epoch,
            epochs=given.get("epochs", epochs),
            verbose=verbose,
            callbacks=callbacks,
            validation_data=validation_data,
            validation_steps=validation_steps,
            validation_freq=validation_freq,
            class_weight=class_weight,
            shuffle=shuffle,
            initial_epoch=initial_epoch,
        )

    def evaluate_generator(
        self,
        generator: Any,
        steps: int | None = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        verbose: Any = 0,
        **kwargs: Any,
    ) -> Any:
        """Returns the loss and the metrics on `steps` batches of a generator or a Sequence."""
        callbacks = kwargs.pop("callbacks", None)
        batches = limit_batches("evaluate_generator", generator, kwargs)
        return super().evaluate(batches, steps=steps, verbose=verbose, callbacks=callbacks)

    def predict_generator(
        self,
        generator: Any,
        steps: int | None = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        verbose: Any = 0,
        **kwargs: Any,
    ) -> Any:
        """Returns the predictions for `steps` batches of a generator or a Sequence."""
        callbacks = kwargs.pop("callbacks", None)
        batches = limit_batches("predict_generator", generator, kwargs)
        return super().predict(batches, steps=steps, verbose=verbose, callbacks=callbacks)


def _as_list(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else [value]


def _map_structure(convert: Any, value: Any) -> Any:
    if isinstance(value, dict) and "class_name" not in value:
        return {name: convert(one) for name, one in value.items()}
    return [convert(one) for one in value] if isinstance(value, (list, tuple)) else convert(value)
