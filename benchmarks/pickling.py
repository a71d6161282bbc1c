"""Copies of objects by `pickle`, `copy`, `cloudpickle`, `joblib` and `dill`, compared with them.

`python -m benchmarks.pickling` copies every layer, loss, metric and optimizer of the catalog, and
models before and after training, sends models through pools of processes, and writes pickling.md.
"""

from __future__ import annotations

import concurrent.futures
import copy
import gc
import io
import itertools
import multiprocessing
import os
import pickle
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("KERAS_BACKEND", "jax")

import joblib
import keras
import numpy as np
from sklearn.model_selection import GridSearchCV

import cornu
from benchmarks import report
from cornu import layers, tree
from cornu.wrappers import SKLearnRegressor
from tests.conformance import test_losses, test_metrics, test_optimizers
from tests.conformance.table import all_rows
from tests.saving import test_pickling as cases

__all__ = ["Copied", "Timed", "copy_catalog", "page"]

_PAGE = Path(__file__).with_name("pickling.md")
WAYS = ("pickle", "deepcopy", "cloudpickle", "joblib")


class Copied(NamedTuple):
    """A kind of objects: how many were copied, and the names of those whose copies differ."""

    kind: str
    way: str
    count: int
    different: list[str]


class Timed(NamedTuple):
    """The seconds of one model, and the bytes of its pickle."""

    name: str
    save: float
    load: float
    dumps: float
    loads: float
    deepcopy: float
    size: int


def _layers(built: bool) -> Iterator[tuple[str, Any, Callable[[Any], Any]]]:
    for row in all_rows():
        call = tree.map(np.asarray, (row.call().args, row.call().kwargs))
        layer = row.make(cornu)
        if built:
            layer(*call[0], **call[1])
        run = lambda one, call=call: one(*call[0], **call[1])  # noqa: E731
        yield row.name, layer, run if built else cornu.Layer.get_config


def _metrics(used: bool) -> Iterator[tuple[str, Any, Callable[[Any], Any]]]:
    for i, row in enumerate(test_metrics.ROWS):
        metric = getattr(cornu.metrics, row.cls)(**row.args)
        data = row.make(np.random.default_rng(1), 8)

        def update(one: Any, data: Any = data) -> Any:
            one.update_state(*data)
            return one.result()

        if used:
            metric.update_state(*data)
        yield f"{i} {row.cls}", metric, update


def _losses() -> Iterator[tuple[str, Any, Callable[[Any], Any]]]:
    for i, row in enumerate(test_losses.ROWS):
        data = row.make(np.random.default_rng(1))
        loss = getattr(cornu.losses, row.cls)(**row.args)
        yield f"{i} {row.cls}", loss, lambda one, data=data: one(*data)


def _optimizers(used: bool) -> Iterator[tuple[str, Any, Callable[[Any], Any]]]:
    for name, make in test_optimizers.ROWS.items():
        gradients = [np.full((2, 2), 0.5, "float32"), np.ones(2, "float32")]
        optimizer = make()

        def step(one: Any, gradients: Any = gradients) -> Any:
            variables = [cornu.Variable(g, name=n) for g, n in zip(gradients, "ab", strict=True)]
            one.apply(gradients, variables)
            return [v.numpy() for v in variables]

        if used:
            step(optimizer)
        yield name, optimizer, step


KINDS: dict[str, Callable[[], Iterable[tuple[str, Any, Callable[[Any], Any]]]]] = {
    "layers, not built": lambda: _layers(False),
    "layers, built": lambda: _layers(True),
    "losses": _losses,
    "metrics, new": lambda: _metrics(False),
    "metrics, updated": lambda: _metrics(True),
    "optimizers, new": lambda: _optimizers(False),
    "optimizers, after a step": lambda: _optimizers(True),
}


def copy_catalog() -> Iterator[Copied]:
    """Copies every object of the catalog in every way; compares Variables and what it computes."""
    for kind, make in KINDS.items():
        objects = list(make())
        for way in WAYS:
            copied = cases.WAYS[way]
            # All ways restore the same descriptions: what a copy computes is compared for one.
            computes = way == "pickle"
            wrong = [
                name
                for name, obj, run in objects
                if not _is_equal(obj, copied, run if computes else None)
            ]
            yield Copied(kind, way, len(objects), wrong)


def _is_equal(obj: Any, copied: Callable[[Any], Any], run: Callable[[Any], Any] | None) -> bool:
    try:
        one = copied(obj)
        if hasattr(obj, "variables"):
            cases.check_equal(obj, one)
        if run is None:
            return bool(one.name == obj.name)
        other = copied(obj)
        # Of two copies, because an optimizer takes the Variables of a copy only.
        results = [tree.leaves(run(each)) for each in (one, other)]
        return all(_same(a, b) for a, b in zip(*results, strict=True))
    except Exception as error:
        print(type(obj).__name__, type(error).__name__, str(error)[:200])
        return False


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, (str, int, float, type(None))):
        return bool(a == b)
    return np.array_equal(np.asarray(a), np.asarray(b), equal_nan=np.asarray(a).dtype.kind == "f")


def copy_models() -> Iterator[Copied]:
    """Copies models before and after compile and fit, and trains them on with their originals."""
    makes = {name: (make, lambda: "adam") for name, make in cases.MODELS.items()}
    model = cases.MODELS["sequential"]
    makes |= {f"optimizer: {name}": (model, make) for name, make in cases.OPTIMIZERS.items()}
    for way in ("pickle", "deepcopy"):
        copied, wrong = cases.WAYS[way], []
        for name, (make, optimizer) in makes.items():
            try:
                cases.check_copies(make(), optimizer(), copied)
            except Exception as error:
                print(way, name, type(error).__name__, str(error)[:200])
                wrong.append(name)
        yield Copied("models, trained on", way, len(makes), wrong)


# ------------------------------------------------------------------------------------------- time


def _deep_functional() -> cornu.Model:
    x = inputs = cornu.Input((3,))
    for _ in range(1000):
        x = cases.residual(x)
    return cornu.Model(inputs, x)


TIMED: dict[str, Callable[[Any], Any]] = {
    "2,000 Dense layers, Sequential": lambda k: k.Sequential(
        [k.Input((3,)), *(k.layers.Dense(3) for _ in range(2000))]
    ),
    "200 Dense layers, Sequential": lambda k: k.Sequential(
        [k.Input((3,)), *(k.layers.Dense(3) for _ in range(200))]
    ),
    "2,000 layers, Functional in blocks": lambda k: _deep_functional() if k is cornu else None,
    "ResNet-50": lambda k: k.applications.ResNet50(weights=None),
}


def measure_times() -> Iterator[Timed]:
    """Measures models with the state of an optimizer, and the same of Keras."""
    for k in (cornu, keras):
        for name, make in TIMED.items():
            try:
                model = make(k)
            except RecursionError:
                print(f"{k.__name__}: {name}: RecursionError")
                continue
            if model is None:
                continue
            model.compile("adam", "mse")
            model.optimizer.build(model.trainable_variables)
            yield _measure(f"{k.__name__}: {name}", model, k)
            del model
            gc.collect()


def _measure(name: str, model: Any, k: Any) -> Timed:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/model.keras"
        save, _ = _seconds(lambda: model.save(path))
        load, _ = _seconds(lambda: k.models.load_model(path))
    dumps, content = _seconds(lambda: pickle.dumps(model))
    loads, again = _seconds(lambda: pickle.loads(content))
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    deepcopy, _ = _seconds(lambda: copy.deepcopy(model))
    return Timed(name, save, load, dumps, loads, deepcopy, len(content))


def _seconds(run: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = run()
    return time.perf_counter() - start, result


# ------------------------------------------------------------------------------------------ pools


def make_model(X: Any, y: Any, units: int = 2) -> cornu.Model:
    """Returns a model for scikit-learn."""
    model = cornu.Sequential([cornu.Input(X.shape[1:]), layers.Dense(units), layers.Dense(1)])
    model.compile("sgd", cases.squared)
    return model


def run_pools() -> Iterator[tuple[str, str]]:
    """Yields what a pool was asked to do, and how its results compare with those here."""
    for method in ("spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
            yield (
                f"ProcessPoolExecutor, {method}: fit",
                _compare(lambda model, pool=pool: pool.submit(cases.train_on, model).result()),
            )
    run = lambda model: joblib.Parallel(n_jobs=2)(  # noqa: E731
        [joblib.delayed(cases.train_on)(model)]
    )[0]
    yield "joblib.Parallel(n_jobs=2): fit", _compare(run)
    x, y = cases.floats(40, 3), cases.floats(40, 1)
    for what, model in (("a function", make_model), ("a model", make_model(x, y))):
        grid = {"fit_kwargs": [{"epochs": 1, "verbose": 0}, {"epochs": 3, "verbose": 0}]}
        search = GridSearchCV(SKLearnRegressor(model), grid, cv=2, n_jobs=2, error_score="raise")
        search.fit(x, y)
        again = joblib_copy(search)
        same = np.array_equal(search.predict(x), again.predict(x))
        yield f"GridSearchCV(n_jobs=2), of {what}, then joblib", "same" if same else "different"


def joblib_copy(obj: Any) -> Any:
    """Returns the object after `joblib.dump` and `joblib.load`."""
    file = io.BytesIO()
    joblib.dump(obj, file)
    file.seek(0)
    return joblib.load(file)


def _compare(train: Callable[[Any], Any]) -> str:
    model = cases.functional()
    model.compile("adam", cases.squared, metrics=["mae"])
    model.fit(cases.X, cases.Y, verbose=0)
    history, there = train(model)
    same = cases.train_on(model)[0] == history
    cases.check_equal(model, there)
    return "same bits" if same else "different"


# ------------------------------------------------------------------------------------------- page


def page(
    setting: report.Setting,
    copied: Iterable[Copied],
    timed: Iterable[Timed],
    pools: Iterable[tuple[str, str]],
) -> str:
    """Returns the page with the tables."""
    by_kind: dict[str, dict[str, Copied]] = {}
    for one in copied:
        by_kind.setdefault(one.kind, {})[one.way] = one
    rows = [[kind, *(_share(ways.get(way)) for way in WAYS)] for kind, ways in by_kind.items()]
    exceptions = sorted(
        {
            f"* {one.kind}, {one.way}: {', '.join(one.different)}"
            for ways in by_kind.values()
            for one in ways.values()
            if one.different
        }
    )
    times = [[t.name, *(f"{s:.2f}" for s in t[1:6]), f"{t.size / 1e6:.1f}"] for t in timed]
    return f"""# Copies of objects

Generated by `python -m benchmarks.pickling`; do not edit.

- {setting.date}; jax {setting.versions["jax"]}
- {setting.machine}, {setting.cores} cores

## The catalog

How many copies have Variables with the same bits and flags; of those by `pickle`, also the results.
Models are copied before and after `compile` and `fit`, then both are trained for two epochs: the
histories, weights, metrics and states of optimizers must have the same bits.

{_table(["kind", *WAYS], rows)}

{chr(10).join(exceptions) or "No exceptions."}

Those of `pickle` are functions without names that could be imported: lambdas and Optax. The error
lists them.

## Time

Seconds, one run; with the state of Adam. Keras cannot build a model of 2,000 layers, which
exceeds Python's limit of recursion. `.keras` files lie in a temporary folder. Other programs ran on
the machine at the same time, so that times vary; the tables were measured in several runs.

{_table(["model", "save", "load", "dumps", "loads", "deepcopy", "pickle, MB"], times)}

## Processes

A trained model is sent to another process, trained there and sent back, and trained here as well.

{_table(["pool", "result"], map(list, pools))}
"""


def _share(one: Copied | None) -> str:
    return "-" if one is None else f"{one.count - len(one.different)} of {one.count}"


def _table(head: list[str], rows: Iterable[list[str]]) -> str:
    cells = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def main() -> None:
    """Measures and writes the page."""
    warnings.simplefilter("ignore")
    setting = report.setting()
    copied: list[Copied] = []
    timed: list[Timed] = []
    pools = list(run_pools())
    for row in measure_times():
        timed.append(row)
        print(row, flush=True)
    for one in itertools.chain(copy_catalog(), copy_models()):
        copied.append(one)
        _PAGE.write_text(page(setting, copied, timed, pools), encoding="utf-8")


if __name__ == "__main__":
    main()
