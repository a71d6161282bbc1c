"""Training of models of Keras 1, with the arguments of its `compile`, `fit` and related methods."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from cornu.core.state.variable import Variable
from cornu.dialects.batch_logs import describe_run
from cornu.dialects.closures import Closures
from cornu.dialects.compiled_as import describe_functions, describe_metrics
from cornu.dialects.keras1 import factories, metrics
from cornu.dialects.keras1.generators import EpochBatches
from cornu.dialects.keras1.model_files import LAYOUT, stored_layers
from cornu.dialects.keras1.structures import weight_rows
from cornu.dialects.layer_methods import LayerMethods
from cornu.dialects.model_methods import ModelMethods
from cornu.dialects.shared_optimizers import with_own_slots
from cornu.dialects.weight_files import load_weights
from cornu.errors import quantity
from cornu.legacy.arrays import convert_arrays, in_old_order
from cornu.legacy.keras1 import objectives
from cornu.models import save_model
from cornu.models.training_methods import TrainingMethods
from cornu.saving.atomic_write import may_write
from cornu.training.compile.outputs import Outputs

__all__ = ["Collected", "Keras1Trainer", "trainable_now"]


class Collected:
    """The Variables that were trainable when a model was compiled.

    Args:
        variables: the Variables; the model does not own them by this object.
    """

    def __init__(self, variables: list[Variable]) -> None:
        self.variables = variables


class Keras1Trainer(ModelMethods, TrainingMethods):
    """`compile`, `fit` and related methods with the arguments of Keras 1."""

    _sorts_logs_ = False  # Keras 1 prints the loss first
    _closures_: Closures | None = None
    # What was trainable when the model was compiled: that is what training changes in Keras 1.
    _collected_: Collected | None = None

    def compile(  # type: ignore[override]
        self,
        optimizer: Any,
        loss: Any,
        metrics: Any = None,
        loss_weights: Any = None,
        sample_weight_mode: Any = None,
        **kwargs: Any,
    ) -> None:
        """Configures training.

        Args:
            optimizer: a name or an optimizer.
            loss: a name or a function; for several outputs one for all, a list or a dict.
            metrics: names or functions, computed for every output; or a dict by output.
            loss_weights: the weights of the losses.
            sample_weight_mode: ignored; the shape of the weights determines it.
            **kwargs: ignored, such as `class_mode` and arguments of Theano functions.
        """
        closures = self._closures_ = Closures()
        if self._graph_ is not None:
            loss = closures.bind_losses(loss, self)
        self._collected_ = Collected(trainable_now(self)) if self.built else None
        self._compiled_as_ = {
            "loss": describe_functions(loss),
            "metrics": describe_metrics(metrics),
            "sample_weight_mode": sample_weight_mode,
            "loss_weights": loss_weights,
        }
        loss = _map_structure(objectives.get, loss)
        super().compile(
            with_own_slots(self, factories.OPTIMIZERS["get"](optimizer), shares_slots=False),
            loss,
            loss_weights=loss_weights,
            metrics=self._metrics(metrics, loss),
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

    @property
    def trainable_variables(self) -> list[Variable]:
        """The Variables that training changes: those that were trainable at `compile`."""
        return trainable_now(self) if self._collected_ is None else list(self._collected_.variables)

    @property
    def trainable_weights(self) -> list[Variable]:
        """The Variables that are trainable now."""
        return trainable_now(self)

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The Variables that are not trainable now."""
        trained = {id(v) for v in trainable_now(self)}
        return [v for v in self.weights if id(v) not in trained]

    def _metrics(self, given: Any, loss: Any) -> Any:
        if not given:
            return None
        if self._graph_ is None:
            # The output's shape, which determines the kind of accuracy, is not known yet.
            return ["acc" if one in ("accuracy", "acc") else metrics.resolve(one) for one in given]
        outputs = Outputs(self._graph_.outputs, self._graph_.output_names)
        each = outputs.spread(loss, "loss", to_all=True)
        wanted = given if isinstance(given, dict) else dict.fromkeys(outputs.names, given)
        bind = self._closures_of_losses_.bind_output
        made = {
            name: [
                metrics.resolve(bind(one, output, self), objective, output)
                for one in _as_list(wanted[name])
            ]
            for name, objective, output in zip(outputs.names, each, outputs.tensors, strict=True)
            if name in wanted
        }
        return made if len(outputs) > 1 else made.get(outputs.names[0])

    def fit(  # type: ignore[override]
        self,
        x: Any,
        y: Any,
        batch_size: int = 32,
        nb_epoch: int = 10,
        verbose: Literal[0, 1, 2] = 1,
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: Any = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
    ) -> Any:
        """Trains the model on arrays for `nb_epoch` epochs, and returns the History.

        Class weights also apply to the data of `validation_split`; `sample_weight` overrides
        them.
        """
        describe_run(self, x, y, batch_size, validation_split, validation_data)
        class_weight, sample_weight = weight_rows(y, class_weight, sample_weight)
        return super().fit(
            x,
            y,
            batch_size=batch_size,
            epochs=nb_epoch,
            verbose=verbose,
            callbacks=callbacks,
            validation_split=validation_split,
            validation_data=validation_data,
            shuffle=bool(shuffle),
            class_weight=class_weight,
            sample_weight=sample_weight,
            initial_epoch=initial_epoch,
        )

    def evaluate(  # type: ignore[override]
        self,
        x: Any,
        y: Any,
        batch_size: int = 32,
        verbose: Literal[0, 1, 2] = 1,
        sample_weight: Any = None,
    ) -> Any:
        """Returns the loss and the metrics for the data."""
        return super().evaluate(x, y, batch_size, verbose, sample_weight)

    def predict(  # type: ignore[override]
        self, x: Any, batch_size: int = 32, verbose: Literal[0, 1, 2] = 0
    ) -> Any:
        """Returns the predictions for the data."""
        return super().predict(x, batch_size, verbose)

    # --------------------------------------------------------------------------------- generators

    def fit_generator(
        self,
        generator: Any,
        samples_per_epoch: int,
        nb_epoch: int,
        verbose: Literal[0, 1, 2] = 1,
        callbacks: Any = None,
        validation_data: Any = None,
        nb_val_samples: int | None = None,
        class_weight: Any = None,
        max_q_size: int = 10,
        nb_worker: int = 1,
        pickle_safe: bool = False,
        initial_epoch: int = 0,
    ) -> Any:
        """Trains on batches of a generator; an epoch is a number of *samples*.

        Args:
            generator: yields `(x, y)` or `(x, y, sample_weight)` indefinitely.
            samples_per_epoch: the minimum number of samples in an epoch.
            nb_epoch, verbose, callbacks, class_weight, initial_epoch: as in `fit`.
            validation_data: arrays `(x, y)`, or a generator with `nb_val_samples`.
            nb_val_samples: the number of validation samples.
            max_q_size, nb_worker, pickle_safe: ignored.
        """
        if validation_data is not None and not isinstance(validation_data, (tuple, list)):
            if nb_val_samples is None:
                raise ValueError("Validation data from a generator requires `nb_val_samples`.")
            validation_data = EpochBatches(validation_data, nb_val_samples)
        describe_run(self, generator, None, None, 0.0, validation_data)
        return super().fit(
            EpochBatches(generator, samples_per_epoch),
            epochs=nb_epoch,
            verbose=verbose,
            callbacks=callbacks,
            validation_data=validation_data,
            class_weight=class_weight,
            initial_epoch=initial_epoch,
        )

    def evaluate_generator(
        self,
        generator: Any,
        val_samples: int,
        max_q_size: int = 10,
        nb_worker: int = 1,
        pickle_safe: bool = False,
    ) -> Any:
        """Returns the loss and the metrics on `val_samples` samples of a generator."""
        return super().evaluate(EpochBatches(generator, val_samples), verbose=0)

    def predict_generator(
        self,
        generator: Any,
        val_samples: int,
        max_q_size: int = 10,
        nb_worker: int = 1,
        pickle_safe: bool = False,
    ) -> Any:
        """Returns the predictions for `val_samples` samples of a generator."""
        return super().predict(EpochBatches(generator, val_samples), verbose=0)

    # ------------------------------------------------------------------------------------- weights

    def get_weights(self) -> list[np.ndarray]:
        """Returns the weights of all layers, in the order and layout of Keras 1."""
        return [array for stored in stored_layers(self) for array in stored.arrays]

    def set_weights(self, weights: Any) -> None:
        """Sets the weights of all layers, in the order and layout of `get_weights`."""
        left = [np.asarray(array) for array in weights]
        for layer, arrays, _ in stored_layers(self):
            own, left = left[: len(arrays)], left[len(arrays) :]
            values = convert_arrays(layer, own, LayerMethods.layout, "the list")
            for variable, value in zip(in_old_order(layer), values, strict=True):
                variable.assign(value)
        if left:
            raise ValueError(
                f"Model {self.name!r}: set_weights received {quantity(len(left), 'array')} more "
                "than the model has weights."
            )

    # --------------------------------------------------------------------------------------- files

    def save(self, filepath: Any, overwrite: bool = True) -> None:
        """Writes the model as HDF5 that Keras 1 reads; as an archive if the name is `*.keras`."""
        path = Path(filepath)
        if path.suffix == ".keras":
            save_model(self, filepath, overwrite)
        elif may_write(path, overwrite):
            LAYOUT.write_model(self, path, self._compiled_as_)

    def to_json(self, **kwargs: Any) -> str:
        """Returns the layers and their connections as JSON of Keras 1."""
        return LAYOUT.to_json(self, **kwargs)

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Writes the weights as HDF5 in the layout of Keras 1, whatever the file name."""
        path = Path(filepath)
        if path.exists() and not overwrite:
            raise FileExistsError(f"{path} exists. Pass overwrite=True to replace it.")
        LAYOUT.write_weights(self, path)

    def load_weights(self, filepath: Any, by_name: bool = False) -> None:
        """Loads weights in the order of the layers, or by their names."""
        load_weights(self, filepath, by_name, default="1.2.2")


def trainable_now(layer: Any) -> list[Variable]:
    """Returns the Variables of a layer or model that are trainable, whatever was compiled."""
    if not isinstance(layer, Keras1Trainer):
        return list(layer.trainable_variables)
    if not layer.trainable:
        return []
    found = [v for v in layer._own_variables_() if v.trainable and v.role == "param"]
    found += [v for part in layer._sublayers_() for v in trainable_now(part)]
    return list({id(v): v for v in found}.values())


def _as_list(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else [value]


def _map_structure(convert: Any, value: Any) -> Any:
    if isinstance(value, dict):
        return {name: convert(one) for name, one in value.items()}
    return [convert(one) for one in value] if isinstance(value, (list, tuple)) else convert(value)
