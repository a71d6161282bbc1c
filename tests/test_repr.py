"""`repr` and `dir` of public objects: one line with the class, the name and the shape or state."""

import inspect
import re

import numpy as np
import pytest

import cornu
from cornu import callbacks, constraints, initializers, layers, losses, metrics, optimizers, utils

X = np.ones((8, 4), "float32")


class Batches(utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return X, X


class Own(cornu.Model):
    def __init__(self):
        super().__init__(name="own")
        self.dense = layers.Dense(3)
        self._cache = {}

    def call(self, x):
        return self.dense(x)


def unit(x):
    return layers.Dense(4)(x)


def trained():
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(4)], name="net")
    model.compile("adam", "mse", metrics=["mae"])
    return model, model.fit(X, X, epochs=2, verbose=0)


def test_objects_say_their_class_name_and_state():
    model, history = trained()
    x = cornu.Input((4,), name="x")
    pair = cornu.Model([x], [unit(x), unit(x)], name="pair")
    table = {
        repr(model): "<Sequential name=net, (None, 4) -> (None, 4), 20 parameters>",
        repr(cornu.Sequential([layers.Dense(3)], name="s")): "<Sequential name=s, not built>",
        repr(Own()): "<Own name=own, not built>",
        repr(pair): "<Model name=pair, [(None, 4)] -> [(None, 4), (None, 4)], 40 parameters>",
        repr(pair.block("unit")): "<Model name=unit, (None, 4) -> (None, 4), 20 parameters>",
        repr(model.layers[0]): f"<Dense name={model.layers[0].name}, built=True>",
        repr(optimizers.SGD(0.5, name="sgd")): "<SGD name=sgd, learning_rate=0.5, 0 steps>",
        repr(
            callbacks.EarlyStopping("loss", patience=3)
        ): "EarlyStopping(monitor='loss', patience=3)",
        repr(callbacks.History()): "<History: 0 epochs>",
        repr(initializers.RandomNormal(stddev=0.1)): "RandomNormal(stddev=0.1)",
        repr(constraints.MaxNorm(2)): "MaxNorm(2)",
        repr(losses.Huber(name="h")): "<Huber name=h>",
        repr(metrics.AUC(name="a")): "<AUC name=a>",
        repr(Batches(workers=2)): "Batches(workers=2)",
        repr(utils.timeseries_dataset_from_array(X[:, 0], X[:, 0], 4, batch_size=2)): (
            "<Dataset: 5 rows in 3 batches of 2>"
        ),
    }
    for received, expected in table.items():
        assert received == expected
    assert re.fullmatch(r"<History: 2 epochs, loss=\d\S*, mae=\d\S*>", repr(history))
    assert re.fullmatch(r"<Adam name=adam\w*, learning_rate=0.001, 2 steps>", repr(model.optimizer))
    schedule = optimizers.schedules.ExponentialDecay(0.1, 3, 0.4)
    assert "learning_rate=ExponentialDecay(0.1, 3, 0.4)" in repr(optimizers.SGD(schedule))


def test_every_object_without_arguments_has_one_line():
    count = 0
    for module in (callbacks, constraints, initializers, layers, losses, metrics, optimizers):
        for name in module.__all__:
            cls = getattr(module, name)
            if not inspect.isclass(cls):
                continue
            try:
                text = repr(cls())
            except (TypeError, ValueError):
                continue  # it has arguments that are required
            count += 1
            assert "\n" not in text and " object at 0x" not in text and cls.__name__ in text, name
    assert count > 150


@pytest.mark.parametrize("make", [lambda: trained()[0], Own, lambda: trained()[0].optimizer])
def test_only_public_names_are_listed(make):
    names = [name for name in dir(make()) if not name.startswith("__")]
    assert [n for n in names if n.startswith("_")] == (["_cache"] if make is Own else [])
    assert "name" in names and not {"run", "refuse"} & set(names)


def test_modules_list_their_public_names():
    for module in (cornu, callbacks, layers, cornu.models, cornu.ops, optimizers, utils):
        # cornu.serving needs further packages, so that `import *` leaves it out.
        public = {*module.__all__, *(["serving"] if module is cornu else [])}
        assert {n for n in dir(module) if not n.startswith("__")} <= public
