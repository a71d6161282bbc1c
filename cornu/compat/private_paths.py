"""The table of the private paths of Keras that packages import.

Nothing below this package contains a private name of Keras. A row maps a path below `keras` to the
object or module of cornu that it stands for, and names the packages that import it. A package that
imports another path needs a row here; `python -m cornu doctor PACKAGE` lists the paths.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ALIASES", "ROWS", "Row", "find_row"]


class Row(NamedTuple):
    """A private path of Keras.

    Attributes:
        path: the path below `keras`.
        target: the path of the object or module of cornu below `cornu`.
        packages: the distributions that import the path.
    """

    path: str
    target: str
    packages: tuple[str, ...]


# Private packages of Keras in which the public API is found once more.
ALIASES = ("_tf_keras.keras", "api")


def _rows(packages: str, *pairs: tuple[str, str]) -> list[Row]:
    return [Row(path, target, tuple(packages.split())) for path, target in pairs]


_BACKEND = "compat.private.backend"
_SAVING = "compat.private.saving"
_UTILS = "compat.private.utils"
_SCOPES = "core.state.public_scopes"

ROWS = (
    # Modules with the public names of a module of cornu.
    *_rows("tensorflow", ("src.optimizers", "optimizers")),
    *_rows("keras-tuner", ("src.ops", "ops")),
    *_rows("bayesflow", ("src.callbacks", "callbacks")),
    *_rows("kimm", ("src.layers", "layers")),
    *_rows("autokeras keras-hub keras-rs kimm", ("src.backend", "compat.private.backend")),
    *_rows("keras-hub keras-tcn", ("src.saving", "saving")),
    *_rows("keras-tcn", ("_tf_keras.keras.backend", "compat.private.tf_backend")),
    # Functions and classes of the backend.
    *_rows(
        "k3-node",
        ("src.backend.common.stateless_scope.StatelessScope", f"{_SCOPES}:StatelessScope"),
        (
            "src.backend.common.symbolic_scope.in_symbolic_scope",
            f"{_BACKEND}:in_symbolic_scope",
        ),
        ("src.random.seed_generator.global_seed_generator", f"{_BACKEND}:global_seed_generator"),
    ),
    *_rows("keras-rs", ("src.backend.jax.random.jax_draw_seed", f"{_BACKEND}:jax_draw_seed")),
    # Files.
    *_rows(
        "keras-hub",
        ("src.saving.saving_lib.H5IOStore", f"{_SAVING}:H5IOStore"),
        ("src.saving.serialization_lib.in_safe_mode", f"{_SAVING}:in_safe_mode"),
    ),
    *_rows(
        "scikeras",
        ("src.saving.saving_lib.load_model", "saving:load_model"),
        ("src.saving.saving_lib.save_model", "saving:save_model"),
    ),
    *_rows("keras-hub", ("src.distribution.distribution_lib", "distribution")),
    # Utilities.
    *_rows(
        "keras-hub",
        ("src.losses.losses.LossFunctionWrapper", "losses.base:FunctionLoss"),
        (
            "src.trainers.data_adapters.data_adapter_utils.class_weight_to_sample_weights",
            f"{_UTILS}:class_weight_to_sample_weights",
        ),
        ("src.utils.backend_utils.in_grain_data_pipeline", f"{_UTILS}:in_grain_data_pipeline"),
    ),
    *_rows(
        "keras-rs",
        (
            "src.utils.tracking.no_automatic_dependency_tracking",
            f"{_UTILS}:no_automatic_dependency_tracking",
        ),
    ),
    *_rows(
        "kimm",
        ("src.applications.imagenet_utils.obtain_input_shape", f"{_UTILS}:obtain_input_shape"),
        ("src.utils.argument_validation.standardize_tuple", f"{_UTILS}:standardize_tuple"),
        ("src.utils.module_utils.LazyModule", f"{_UTILS}:LazyModule"),
        ("src.utils.module_utils.tensorflow", f"{_UTILS}:tensorflow"),
    ),
    *_rows("ncps", ("src.activations.ALL_OBJECTS_DICT", "compat.private.tables:ACTIVATIONS")),
)

_BY_PATH = {row.path: row for row in ROWS}


def find_row(path: str) -> Row | None:
    """Returns the row of a path below `keras`, or None.

    Example:

    >>> find_row("src.saving").target
    'saving'
    """
    return _BY_PATH.get(path)
