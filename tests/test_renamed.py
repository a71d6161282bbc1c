"""Old and misspelled names: the message says what to write today."""

import inspect
import re

import numpy as np
import pytest

import cornu
from cornu import callbacks, layers, models, optimizers, regularizers, renamed, utils

X = np.ones((4, 3), "float32")


def model():
    return cornu.Sequential([cornu.Input((3,)), layers.Dense(1)])


OLD = {
    "nb_epoch": (lambda: model().fit(X, X, nb_epoch=2), "'epochs'.*--as keras1"),
    "border_mode": (lambda: layers.Conv2D(3, 3, border_mode="same"), "'padding'.*--as keras1"),
    "required": (lambda: layers.Dense(output_dim=3), "'units'.*--as keras1"),
    "required p": (lambda: layers.Dropout(p=0.5), "'rate'"),
    "embeddings": (lambda: layers.Embedding(3, 4, init="uniform"), "'embeddings_initializer'"),
    "alpha": (lambda: layers.LeakyReLU(alpha=0.1), "'negative_slope'.$"),
    "lr": (lambda: optimizers.SGD(lr=0.1), "'learning_rate'"),
    "min_delta": (lambda: callbacks.ReduceLROnPlateau(epsilon=0.1), "'min_delta'"),
    "period": (lambda: callbacks.ModelCheckpoint("m.keras", period=2), "save_freq"),
    "l": (lambda: regularizers.L2(l=0.1), "'l2'"),
    "removed": (lambda: model().fit(X, X, workers=2), "PyDataset"),
    "dropped": (lambda: layers.Embedding(3, 4, input_length=2), "no longer needed"),
    "input_shape": (lambda: layers.Dense(3, inputshape=(4,)), "Did you mean 'input_shape'"),
    "monitor": (lambda: callbacks.EarlyStopping(monitr="loss"), "Did you mean 'monitor'"),
    "metric": (lambda: cornu.metrics.AUC(num_threshold=3), "Did you mean 'num_thresholds'"),
    "loss": (lambda: cornu.losses.Huber(detla=3), "Did you mean 'delta'"),
    "initializer": (lambda: cornu.initializers.RandomNormal(stdev=1.0), "Did you mean 'stddev'"),
    "schedule": (
        lambda: optimizers.schedules.CosineDecay(0.1, decay_step=3),
        "Did you mean 'decay_steps'",
    ),
    "model": (lambda: cornu.Model(input=1, output=2), "'inputs'"),
}


@pytest.mark.parametrize("name", OLD)
def test_an_argument_that_does_not_exist(name):
    program, message = OLD[name]
    with pytest.raises((TypeError, ValueError)) as caught:
        program()
    text = " ".join(str(caught.value).split())
    assert re.search(message, text), text


@pytest.mark.parametrize(
    ("owner", "name", "message"),
    [
        (layers, "merge", "Use add"),
        (layers, "ThresholdedReLU", "ReLU"),
        (utils, "np_utils", "to_categorical"),
        (models, "model_from_config", "from_config"),
        (cornu, "objectives", "cornu.losses"),
        (cornu.backend, "mean", "cornu.ops.mean"),
        (cornu.backend, "placeholder", "cornu.Input"),
    ],
)
def test_a_name_that_does_not_exist(owner, name, message):
    with pytest.raises(AttributeError, match=message):
        getattr(owner, name)


def test_a_method_that_does_not_exist():
    with pytest.raises(AttributeError, match=r"'Sequential' object .* Use fit\(generator\)"):
        model().fit_generator  # noqa: B018
    assert not hasattr(model(), "predict_classes") and "predict_classes" not in dir(model())

    class Classifier(cornu.Sequential):
        def predict_classes(self, x):
            return self.predict(x, verbose=0).argmax(-1)

    own = Classifier([cornu.Input((3,)), layers.Dense(1)])
    assert own.predict_classes(X).tolist() == [0] * 4 and "predict_classes" in dir(own)


def test_a_class_of_the_program_may_have_such_arguments():
    class Leaky(layers.LeakyReLU):
        def __init__(self, alpha=0.1, **kwargs):
            super().__init__(negative_slope=kwargs.pop("p", alpha), **kwargs)

    assert Leaky(alpha=0.5).negative_slope == 0.5 and Leaky(p=0.25).negative_slope == 0.25


def test_every_present_name_exists():
    owners = [v for m in (layers, optimizers, callbacks, regularizers) for v in vars(m).values()]
    methods = [getattr(cornu.Model, n) for n in ("fit", "evaluate", "predict", "compile")]
    functions = [owner for owner in owners if inspect.isclass(owner)]
    known = {
        name
        for function in [*functions, *methods, cornu.Model]
        for name in inspect.signature(function).parameters
    }
    for table in (renamed._KERAS_1, renamed._KERAS_2):
        for old, new in table.items():
            assert set(new) <= known, (old, new)
