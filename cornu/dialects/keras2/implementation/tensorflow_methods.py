"""Methods of models and layers of tf.keras whose signatures differ from those of Keras 2."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from cornu.dialects.layer_methods import GraphMethods
from cornu.dialects.old_signatures import bind_call, with_signature
from cornu.dialects.renaming import warn_about
from cornu.legacy.keras1.class_mapping import parse_signature

__all__ = ["AdaptMethods", "methods_of_models", "of_backend", "of_models"]

_QUEUES = "max_queue_size=10, workers=1, use_multiprocessing=False"
_GENERATOR = f"generator, steps=None, callbacks=None, {_QUEUES}, verbose=0"
_FORMAT = "the format follows from the name of the file."
# Method -> its parameters.
_SIGNATURES = {
    "compile": "optimizer='rmsprop', loss=None, metrics=None, loss_weights=None, "
    "weighted_metrics=None, run_eagerly=None, steps_per_execution=None, jit_compile=None, "
    "pss_evaluation_shards=0",
    "evaluate": "x=None, y=None, batch_size=None, verbose='auto', sample_weight=None, steps=None, "
    f"callbacks=None, {_QUEUES}, return_dict=False",
    "evaluate_generator": _GENERATOR,
    "fit": "x=None, y=None, batch_size=None, epochs=1, verbose='auto', callbacks=None, "
    "validation_split=0.0, validation_data=None, shuffle=True, class_weight=None, "
    "sample_weight=None, initial_epoch=0, steps_per_epoch=None, validation_steps=None, "
    f"validation_batch_size=None, validation_freq=1, {_QUEUES}",
    "fit_generator": "generator, steps_per_epoch=None, epochs=1, verbose=1, callbacks=None, "
    "validation_data=None, validation_steps=None, validation_freq=1, class_weight=None, "
    f"{_QUEUES}, shuffle=True, initial_epoch=0",
    "load_weights": "filepath, skip_mismatch=False, by_name=False, options=None",
    "predict": f"x, batch_size=None, verbose='auto', steps=None, callbacks=None, {_QUEUES}",
    "predict_generator": _GENERATOR,
    "save": "filepath, overwrite=True, save_format=None",
    "save_weights": "filepath, overwrite=True, save_format=None, options=None",
    "test_on_batch": "x, y=None, sample_weight=None, reset_metrics=True, return_dict=False",
    "train_on_batch": "x, y=None, sample_weight=None, class_weight=None, reset_metrics=True, "
    "return_dict=False",
}
# Arguments without effect, with the reason.
_IGNORED = {"options": "it belongs to TensorFlow.", "save_format": _FORMAT}


def methods_of_models(base: type) -> dict[str, Callable[..., Any]]:
    """Returns the methods of models of tf.keras.

    Args:
        base: the class with those of Keras 2, which they call.
    """
    return {name: _with_signature(base, name) for name in _SIGNATURES}


def of_backend(functions: Mapping[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """Returns the functions of the backend whose parameters have other names.

    Args:
        functions: those of Keras 2.
    """
    names = {
        "batch_get_value": ("tensors", "ops"),
        "set_epsilon": ("value", "e"),
        "set_floatx": ("value", "floatx"),
    }
    return {
        name: with_signature(functions[name], new, {new: old}) for name, (new, old) in names.items()
    }


def of_models(functions: Mapping[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """Returns the functions that save and load models.

    Args:
        functions: those of Keras 2.
    """
    return {
        "load_model": with_signature(
            functions["load_model"],
            "filepath, custom_objects=None, compile=True, safe_mode=True",
            ignored={"safe_mode": "code in a file is never executed."},
        ),
        "save_model": with_signature(
            functions["save_model"],
            "model, filepath, overwrite=True, save_format=None, include_optimizer=True",
            ignored={"save_format": _FORMAT},
        ),
    }


def _with_signature(base: type, name: str) -> Callable[..., Any]:
    function: Callable[..., Any] = inspect.getattr_static(base, name)
    parsed = parse_signature(_SIGNATURES[name])

    @functools.wraps(function)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        further = {k: v for k, v in kwargs.items() if k not in parsed.parameters}
        named = {k: v for k, v in kwargs.items() if k in parsed.parameters}
        given = bind_call(name, parsed, args, named)
        _drop_ignored(name, given)
        return function(self, **given, **further)

    first = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    further = inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD)
    call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [first, *parsed.parameters.values(), further]
    )
    return call


def _drop_ignored(name: str, given: dict[str, Any]) -> None:
    reasons: Mapping[str, str] = {k: v for k, v in _IGNORED.items() if k in given}
    for argument, reason in reasons.items():
        if given.pop(argument) is not None:
            warn_about(f"{name}: the argument {argument} has no effect: {reason}")


class AdaptMethods(GraphMethods):
    """Mixin with `adapt` of preprocessing layers of tf.keras."""

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Computes the state of the layer from data; see `adapt` of the class of today.

        Args:
            data: the data.
            batch_size: has no effect: the state does not depend on it.
            steps: the number of batches.
        """
        super().adapt(data, **({} if steps is None else {"steps": steps}))  # type: ignore[misc]
