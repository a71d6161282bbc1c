"""A program that forks itself, and prints the result of each use of cornu in the child processes.

Its argument is the state at the time of the fork:

* imported: JAX has not started; one child runs all uses.
* built: models and layers have Variables, and nothing is compiled.
* trained: everything has been used before.
* busy: JAX computes, one thread trains, one evaluates, and all locks of cornu are held.
"""

from __future__ import annotations

import copy
import gc
import json
import os
import pickle
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import cornu
from cornu import layers, losses, metrics, ops, optimizers

SECONDS = 15.0  # after which a child hangs
X = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
Y = X.sum(1, keepdims=True)
LARGE = np.ones((2000, 1001), "float32")[:, 1:]  # not contiguous


def make() -> Any:
    """Returns a compiled model."""
    model = cornu.Sequential(
        [cornu.Input((4,)), layers.Dense(3, "relu"), layers.Dropout(0.5), layers.Dense(1)]
    )
    model.compile("sgd", "mse", metrics=["mae"])
    return model


class Objects:
    """What the uses need."""

    def __init__(self) -> None:
        self.model = make()
        self.recurrent = cornu.Sequential([cornu.Input((None, 4)), layers.LSTM(2)])
        self.rescale, self.dense = layers.Rescaling(2.0), layers.Dense(3)
        self.dense.build((None, 4))
        self.words = layers.StringLookup(vocabulary=["a", "b"])
        self.norm = layers.Normalization(mean=1.0, variance=2.0)
        self.loss, self.metric = losses.MeanSquaredError(), metrics.MeanSquaredError()
        self.sgd = optimizers.SGD()
        self.seeds = cornu.random.SeedGenerator(1)
        self.variable, self.array = cornu.Variable(X), jnp.asarray(X)
        self.jitted = jax.jit(lambda x: x * 2)
        self.compiled = self.jitted.lower(self.array).compile()
        self.folder = tempfile.mkdtemp()
        self.path, self.weights = f"{self.folder}/m.keras", f"{self.folder}/m.weights.h5"
        self.model.save(self.path)
        self.model.save_weights(self.weights)
        self.json = self.model.to_json()


Use = Callable[[Objects], object]
USES: dict[str, Use] = {
    "predict": lambda o: o.model.predict(X, verbose=0),
    "predict of a recurrent model": lambda o: o.recurrent.predict(X[None], verbose=0),
    "predict_on_batch": lambda o: o.model.predict_on_batch(X),
    "evaluate": lambda o: o.model.evaluate(X, Y, verbose=0),
    "test_on_batch": lambda o: o.model.test_on_batch(X, Y),
    "fit": lambda o: o.model.fit(X, Y, verbose=0),
    "fit with resume": lambda o: o.model.fit(X, Y, verbose=0, resume=f"{o.folder}/states"),
    "train_on_batch": lambda o: o.model.train_on_batch(X, Y),
    "call of a model": lambda o: np.asarray(o.model(X)),
    "symbolic call": lambda o: o.model(cornu.Input((4,))).shape,
    "symbolic call of a recurrent model": lambda o: o.recurrent(cornu.Input((None, 4))).shape,
    "another model": lambda o: make().fit(X, Y, verbose=0),
    "clone_model": lambda o: cornu.models.clone_model(o.model).get_weights(),
    "model_from_json": lambda o: cornu.models.model_from_json(o.json).get_weights(),
    "load_model": lambda o: cornu.models.load_model(o.path).predict(X, verbose=0),
    "load_weights": lambda o: o.model.load_weights(o.weights),
    "save": lambda o: o.model.save(f"{o.folder}/n.keras"),
    "save_weights": lambda o: o.model.save_weights(f"{o.folder}/n.weights.h5"),
    "get_weights": lambda o: o.model.get_weights(),
    "set_weights": lambda o: o.model.set_weights(o.model.get_weights()),
    "summary": lambda o: o.model.summary(print_fn=str),
    "pickle": lambda o: pickle.dumps(o.model.get_config()),
    "deepcopy": lambda o: copy.deepcopy(o.model).get_weights(),
    "op": lambda o: np.asarray(ops.matmul(X, X.T)),
    "op on an array": lambda o: np.asarray(ops.add(o.array, 1)),
    "random numbers": lambda o: np.asarray(cornu.random.normal((3,))),
    "random numbers of a generator": lambda o: np.asarray(cornu.random.normal((3,), seed=o.seeds)),
    "layer": lambda o: np.asarray(o.dense(X)),
    "rescaling": lambda o: np.asarray(o.rescale(X)),
    "normalization": lambda o: np.asarray(o.norm(X)),
    "strings": lambda o: np.asarray(o.words(np.array(["b", "c"]))),
    "loss": lambda o: float(o.loss(Y, Y)),
    "metric": lambda o: float(o.metric(Y, Y)),
    "optimizer": lambda o: o.sgd.apply([jnp.ones((4, 3))], [o.model.weights[0]]),
    "initializer": lambda o: np.asarray(cornu.initializers.GlorotUniform()((3, 4))),
    "assign": lambda o: o.variable.assign(Y * X),
    "arithmetic of Variables": lambda o: np.asarray(o.variable + 1),
    "a Variable as an array of NumPy": lambda o: np.asarray(o.variable),
    "repr of a Variable": lambda o: repr(o.variable),
    "arithmetic of arrays": lambda o: np.asarray(o.array + 1),
    "methods of arrays": lambda o: float(o.array.sum()),
    "items of arrays": lambda o: float(o.array[0, 0]),
    "an array as an array of NumPy": lambda o: np.asarray(o.array),
    "convert_to_tensor": lambda o: np.asarray(ops.convert_to_tensor(X)),
    "convert_to_numpy": lambda o: ops.convert_to_numpy(o.array),
    "jit": lambda o: np.asarray(jax.jit(lambda x: x + 3)(o.array)),
    "jit that was called before": lambda o: np.asarray(o.jitted(o.array)),
    "compiled function": lambda o: np.asarray(o.compiled(o.array)),
    "grad": lambda o: np.asarray(jax.grad(lambda x: (x * x).sum())(o.array)),
    "device_put": lambda o: np.asarray(jax.device_put(X)),
    "device_put of a large array": lambda o: np.asarray(jax.device_put(LARGE)),
    "initializer of a large array": lambda o: np.asarray(
        cornu.initializers.GlorotUniform()(LARGE.shape)
    ),
    "set_random_seed": lambda o: cornu.utils.set_random_seed(1),
    "garbage collection": lambda o: gc.collect(),
    "NumPy": lambda o: X.sum(),
}


def attempt(use: Callable[..., object], *arguments: Any) -> str:
    """Returns 'right', or the error of a use."""
    try:
        use(*arguments)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return "right"


def run_in_children(
    functions: dict[str, Callable[[], str]], seconds: float = SECONDS
) -> dict[str, str]:
    """Calls each function in a child; returns what they return, or 'hangs'."""
    started = {name: fork(function) for name, function in functions.items()}
    end = time.monotonic() + seconds
    return {name: await_child(*child, end) for name, child in started.items()}


def fork(function: Callable[[], str]) -> tuple[int, int]:
    """Starts a child; returns its number, and the pipe into which it writes what it returns."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, function().encode())
        os._exit(0)  # the functions that JAX runs at the end of a program wait for its threads
    os.close(write)
    return child, read


def await_child(child: int, read: int, end: float) -> str:
    """Returns what a child has written, or 'hangs'."""
    while not os.waitpid(child, os.WNOHANG)[0]:
        if time.monotonic() > end:
            os.kill(child, 9)
            os.waitpid(child, 0)
            return "hangs"
        time.sleep(0.002)
    with os.fdopen(read) as file:
        return file.read()


# --------------------------------------------------------------------------------------- states


def fork_after_import() -> dict[str, str]:
    """Forks before JAX has started."""

    def use_all() -> str:
        objects = Objects()
        return json.dumps({name: attempt(use, objects) for name, use in USES.items()})

    text = run_in_children({"all": use_all}, seconds=200)["all"]
    return dict.fromkeys(USES, text) if text == "hangs" else json.loads(text)


def fork_after_build(trained: bool = False) -> dict[str, str]:
    """Forks when models and layers have been created or, with `trained`, used."""
    objects = Objects()
    if trained:
        for use in USES.values():
            use(objects)
    return run_in_children(
        {name: lambda use=use: attempt(use, objects) for name, use in USES.items()}
    )


def find_locks() -> dict[str, Any]:
    """Returns the locks of all modules of cornu by name."""
    kinds = type(threading.Lock()), type(threading.RLock())
    return {
        f"{name}.{key}": value
        for name, module in sys.modules.items()
        if name.startswith("cornu")
        for key, value in vars(module).items()
        if isinstance(value, kinds)
    }


def fork_while_busy() -> dict[str, str]:
    """Forks while JAX computes, one thread trains, one evaluates, and all locks are held."""
    trained, evaluated = make(), make()
    for model in (trained, evaluated):
        model.fit(X, Y, verbose=0)
        model.evaluate(X, Y, verbose=0)
    inside = threading.Barrier(3)

    class Stay(cornu.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            inside.wait()
            threading.Event().wait()

        def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
            self.on_train_batch_end(batch)

    for method in (trained.fit, evaluated.evaluate):
        kwargs = {"x": X, "y": Y, "verbose": 0, "callbacks": [Stay()]}
        threading.Thread(target=method, kwargs=kwargs, daemon=True).start()
    inside.wait()
    long = jax.jit(lambda x: jax.lax.fori_loop(0, 60, lambda i, y: y @ x / len(x), x))
    big = jnp.ones((1000, 1000))
    long.lower(big).compile()
    held = find_locks()
    # A thread that ends does not release the locks that it holds.
    holder = threading.Thread(target=lambda: [lock.acquire() for lock in held.values()])
    holder.start()
    holder.join()
    array = long(big)
    variable = cornu.Variable(big)
    variable.assign(array)
    donated = cornu.Variable(X)
    jax.jit(lambda x: x * 2, donate_argnums=0)(donated.stored)
    uses: dict[str, Callable[[], object]] = {
        "array": lambda: float(array[0, 0]),
        "variable": lambda: variable.numpy(),
        "a variable as an array": lambda: np.asarray(variable),
        "a donated variable": donated.numpy,
        "locks": release_all,
        "fit": lambda: trained.fit(X, Y, verbose=0),
        "fit of the other model": lambda: evaluated.fit(X, Y, verbose=0),
        "evaluate": lambda: evaluated.evaluate(X, Y, verbose=0),
        "predict": lambda: trained.predict(X, verbose=0),
        "get_weights": trained.get_weights,
        "save": lambda: trained.save(f"{tempfile.mkdtemp()}/m.keras"),
        "new layer": lambda: layers.Dense(3),
    }
    return run_in_children({name: lambda use=use: attempt(use) for name, use in uses.items()})


def release_all() -> None:
    """Raises an AssertionError if a lock of cornu is held."""
    held = [name for name, lock in find_locks().items() if not lock.acquire(blocking=False)]
    assert not held, held


STATES: dict[str, Callable[[], dict[str, str]]] = {
    "imported": fork_after_import,
    "built": fork_after_build,
    "trained": lambda: fork_after_build(trained=True),
    "busy": fork_while_busy,
}

if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of os.fork
    print(json.dumps(STATES[sys.argv[1]]()), flush=True)
    os._exit(0)  # without the threads that wait
