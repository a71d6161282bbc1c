"""Computes losses, metrics, schedules, optimizers and initializers of either library."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from tests.conformance.arguments import other_rows as rows
from tests.conformance.arguments.subject import (
    ARRAYS,
    FLOATS,
    MODE,
    WEIGHTED,
    Arguments,
    Subject,
    Values,
)
from tests.conformance.test_losses import ROWS as LOSS_ROWS
from tests.conformance.test_losses import LossRow
from tests.conformance.test_metrics import ROWS as METRIC_ROWS
from tests.conformance.test_metrics import MetricRow
from tests.optimizers.compare import SHAPES, gradients, starts

MODES = ("eager", "compiled")
# Compared in other tests, or without an effect on the results.
LEFT_OUT = {"name", "dtype", "fn", "args", "kwargs", "seed"}
METRIC_REQUIRED = ("num_classes", "specificity", "sensitivity", "recall", "precision")
# The first row of each class has data for its default arguments.
LOSSES = {row.cls: row for row in reversed(LOSS_ROWS)}
METRICS = {row.cls: row for row in reversed(METRIC_ROWS)}
WITHOUT_ROW = {
    "losses": {"Loss"},
    "metrics": {"Metric", "MeanMetricWrapper"},
    "optimizers": {"Optimizer", "LossScaleOptimizer", "MultiOptimizer", "OptimizerMap"},
    "optimizers.schedules": {"LearningRateSchedule"},
    "initializers": {"Initializer"},
}
# Initializers without random numbers.
EXACT = {"Zeros", "Ones", "Constant", "Identity", "STFT"}
STEPS = (0, 1, 3, 5, 7, 14, 15, 40)


def subjects() -> Iterator[Subject]:
    """Yields every class of these kinds."""
    for name, row in LOSSES.items():
        yield _loss(name, row)
    for name, metric_row in METRICS.items():
        yield _metric(name, metric_row)
    for name in rows.SCHEDULES:
        yield _schedule(name)
    for name in rows.OPTIMIZERS:
        yield _optimizer(name)
    for name in rows.INITIALIZERS:
        yield _initializer(name)


def missing_rows() -> list[str]:
    """Returns the classes of these kinds without a row."""
    found = {subject.path for subject in subjects()}
    missing = []
    for module, without in WITHOUT_ROW.items():
        namespace = operator.attrgetter(module)(keras)
        for name in dir(namespace):
            cls = getattr(namespace, name)
            if isinstance(cls, type) and not {name, cls.__name__} & without:
                if not {f"{module}.{name}", f"{module}.{cls.__name__}"} & found:
                    missing.append(f"{module}.{name}")
    return missing


def _options(path: str, values: Mapping[str, Values], required: Arguments) -> dict[str, Values]:
    cls = operator.attrgetter(path)(keras)
    found = {}
    for name in list(inspect.signature(cls.__init__).parameters)[1:]:
        if name in LEFT_OUT or name in required:
            continue
        options = values.get(name, rows.VALUES.get(name))
        if options is None:
            raise LookupError(f"{path}: no values for the argument {name!r}")
        found[name] = options
    return found


def _loss(name: str, row: LossRow) -> Subject:
    y_true, y_pred = row.make(np.random.default_rng(1))

    def compute(library: Any, options: dict[str, Any]) -> Any:
        dtype, mode = options.pop(ARRAYS), options.pop(MODE)
        weights = None
        if options.pop(WEIGHTED) and row.weights is not None:
            weights = np.random.default_rng(2).uniform(0, 2, row.weights).astype("float32")
        loss = getattr(library.losses, name)(**options, dtype=dtype)

        def run(y_true: Any, y_pred: Any) -> Any:
            return loss(y_true, y_pred, weights)

        def gradient(y_pred: Any) -> Any:
            return jax.grad(lambda p: jnp.sum(run(y_true, p).astype("float32")))(y_pred)

        if mode == "compiled":
            both = jax.jit(lambda t, p: (run(t, p), gradient(p)))
            return _wide(both(y_true, jnp.asarray(y_pred)))
        return _wide((run(y_true, y_pred), gradient(jnp.asarray(y_pred))))

    options = _options(f"losses.{name}", rows.LOSS_VALUES.get(name, {}), {})
    options |= {ARRAYS: FLOATS, MODE: MODES, WEIGHTED: (False, True)}
    return Subject(f"losses.{name}", options, compute)


def _wide(results: Any) -> Any:
    """Returns results in float32: those of cornu are, for losses and metrics in half precision."""
    return jax.tree.map(lambda x: np.asarray(x, "float32"), results)


def _metric(name: str, row: MetricRow) -> Subject:
    required = {key: value for key, value in row.args.items() if key in METRIC_REQUIRED}
    data = [row.make(np.random.default_rng(seed), 8) for seed in (1, 2)]
    sample_weight = np.array([1, 2, 2, 1, 1, 3, 1, 1], "float32")

    def compute(library: Any, options: dict[str, Any]) -> Any:
        given = {"sample_weight": sample_weight} if options.pop(WEIGHTED) else {}
        mode, dtype = options.pop(MODE), options.pop(ARRAYS)
        metric = getattr(library.metrics, name)(**required, **options)
        batches = [_with_dtype(batch, dtype) for batch in data]
        if mode == "eager" or library is keras:
            for batch in batches:
                metric.update_state(*batch, **given)
            return _wide(metric.result())
        metric.create_variables(*batches[0], **given)
        update = jax.jit(lambda v, batch: metric.stateless_update_state(v, *batch, **given))
        values = [v.value for v in metric.variables]
        for batch in batches:
            values = update(values, batch)
        return _wide(metric.stateless_result(values))

    options = _options(f"metrics.{name}", rows.METRIC_VALUES.get(name, {}), required)
    options |= {ARRAYS: FLOATS, MODE: MODES, WEIGHTED: (False, True)}
    return Subject(f"metrics.{name}", options, compute)


def _with_dtype(batch: tuple[np.ndarray, ...], dtype: str) -> tuple[Any, ...]:
    """Converts the predictions."""
    *others, y_pred = batch
    return *others, jnp.asarray(y_pred, dtype) if y_pred.dtype == "float32" else y_pred


def _schedule(name: str) -> Subject:
    required: dict[str, Any] = {"initial_learning_rate": 0.1, "decay_steps": 7}
    if name == "CosineDecayRestarts":
        required = {"initial_learning_rate": 0.1, "first_decay_steps": 7}
    if name == "PiecewiseConstantDecay":
        required = {"boundaries": [3, 10], "values": [0.3, 0.2, 0.1]}
    path = f"optimizers.schedules.{name}"

    def compute(library: Any, options: dict[str, Any]) -> Any:
        dtype, mode = options.pop(ARRAYS), options.pop(MODE)
        schedule = operator.attrgetter(path)(library)(**required, **options)
        run = jax.jit(schedule) if mode == "compiled" else schedule
        return [run(jnp.asarray(step, dtype)) for step in STEPS]

    options = _options(path, rows.SCHEDULES[name], required)
    options |= {ARRAYS: ("int32", *FLOATS), MODE: MODES}
    return Subject(path, options, compute)


def _optimizer(name: str) -> Subject:
    required = {"learning_rate": 0.1}

    def compute(library: Any, options: dict[str, Any]) -> Any:
        dtype, mode = options.pop(ARRAYS), options.pop(MODE)
        optimizer = getattr(library.optimizers, name)(**required, **options)
        model = [
            library.Variable(jnp.asarray(value, dtype), name=name)
            for name, value in starts().items()
        ]
        assert list(starts()) == list(SHAPES)
        optimizer.build(model)
        batches = [[jnp.asarray(g, dtype) for g in gradients(step)] for step in range(3)]
        if mode == "eager" and library is not keras:
            for batch in batches:
                optimizer.apply(batch, model)
        else:
            # Keras compiles the branches of accumulation again in every eager step.
            step = jax.jit(optimizer.stateless_apply)
            values, state = ([v.value for v in found] for found in (model, optimizer.variables))
            for batch in batches:
                values, state = step(state, batch, values)
            for variable, value in zip(
                [*model, *optimizer.variables], [*values, *state], strict=True
            ):
                variable.assign(value)
        results = [np.asarray(v.value, "float32") for v in (*model, *optimizer.variables)]
        optimizer.finalize_variable_values(model)
        return results, [np.asarray(v.value, "float32") for v in model]

    options = _options(
        f"optimizers.{name}", {**rows.OF_OPTIMIZERS, **rows.OPTIMIZERS[name]}, required
    )
    options |= {ARRAYS: FLOATS, MODE: MODES}
    return Subject(f"optimizers.{name}", options, compute)


def _initializer(name: str) -> Subject:
    shape = (9, 1, 17) if name == "STFT" else (150, 150)

    def compute(library: Any, options: dict[str, Any]) -> Any:
        dtype = options.pop(ARRAYS)
        initializer = getattr(library.initializers, name)(**options)
        found = initializer(shape, dtype=dtype)
        x = np.asarray(found, "float64")
        if name in EXACT:
            return found
        spread = x.std()
        quantiles = (np.quantile(x, (0.05, 0.3, 0.7, 0.95)) - x.mean()) / spread
        return [jnp.zeros((), found.dtype), x.mean(), np.log(spread), quantiles]

    options = _options(f"initializers.{name}", rows.INITIALIZERS[name], {})
    options |= {ARRAYS: FLOATS}
    return Subject(f"initializers.{name}", options, compute)
