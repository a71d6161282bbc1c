"""Distiller and its losses, compared with Keras."""

import keras
import numpy as np
import pytest

import cornu
from cornu.distillation import (
    DistillationLoss,
    Distiller,
    FeatureDistillation,
    LogitsDistillation,
)
from tests.conformance.faults import fault

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 5)).astype("float32")
Y = RNG.integers(0, 3, 12)


def network(library, units, seed, dropout=0.0):
    layers = library.layers
    model = library.Sequential(
        [
            library.Input((5,)),
            layers.Dense(units, "relu", name="hidden"),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(dropout),
            layers.Dense(4, name="features"),
            layers.Dense(3, name="logits"),
        ]
    )
    rng = np.random.default_rng(seed)
    model.set_weights([rng.uniform(0.1, 0.9, w.shape) for w in model.get_weights()])
    return model


def losses_of(library):
    kl = library.losses.KLDivergence()
    d = library.distillation
    return {
        "logits": [d.LogitsDistillation(2.0, kl)],
        "output": [d.FeatureDistillation()],
        "features": [d.FeatureDistillation("mae", "features", "features")],
        "several": [
            d.LogitsDistillation(loss=kl),
            d.FeatureDistillation("cosine_similarity", "features", "features"),
            d.FeatureDistillation(library.losses.MeanSquaredError(), "hidden", "hidden"),
        ],
    }


def distiller(library, kind, weight=0.3):
    losses = losses_of(library)[kind]
    model = library.distillation.Distiller(
        network(library, 6, 1),
        network(library, 6, 2),
        losses,
        distillation_loss_weights=[0.5 + i for i in range(len(losses))],
        student_loss_weight=weight,
    )
    loss = library.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(library.optimizers.SGD(0.1), loss=loss, metrics=["accuracy"])
    return model


@pytest.mark.parametrize("kind", list(losses_of(cornu)))
def test_logs_and_weights_equal_keras(kind):
    ours, reference = distiller(cornu, kind), distiller(keras, kind)
    # One step: afterwards, Keras's second update of the moving statistics shows.
    for model in (ours, reference):
        model.logs = model.fit(X, Y, batch_size=12, epochs=1, verbose=0).history
    assert list(ours.logs) == list(reference.logs)
    for name, values in ours.logs.items():
        np.testing.assert_allclose(values, reference.logs[name], rtol=2e-5, err_msg=name)
    for a, b in zip(ours.student.weights, reference.student.weights, strict=True):
        if "moving" not in a.path:
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6, err_msg=a.path)
    for a, b in zip(ours.teacher.weights, network(cornu, 6, 1).weights, strict=True):
        np.testing.assert_array_equal(a, b)


@fault("distillation.Distiller")
def test_features_do_not_update_moving_statistics_again():
    ours = {kind: distiller(cornu, kind, weight=0.5) for kind in ("output", "features")}
    for model in ours.values():
        model.fit(X, Y, batch_size=12, verbose=0)
    statistics = [
        [np.asarray(w) for w in model.student.weights if "moving" in w.path]
        for model in ours.values()
    ]
    for a, b in zip(*statistics, strict=True):
        np.testing.assert_array_equal(a, b)
    before = ours["features"].student.get_weights()
    ours["features"].evaluate(X, Y, verbose=0)
    for a, b in zip(before, ours["features"].student.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@fault("distillation.LogitsDistillation")
def test_the_name_of_kl_divergence_means_that_of_probabilities():
    teacher, student = RNG.normal(size=(2, 6, 3)).astype("float32")
    expected = keras.distillation.LogitsDistillation(3.0, keras.losses.KLDivergence())
    for loss in ("kl_divergence", "kld", "KLDivergence", cornu.losses.KLDivergence()):
        got = LogitsDistillation(3.0, loss).compute_loss(teacher, student)
        np.testing.assert_allclose(got, expected.compute_loss(teacher, student), rtol=1e-5)


def test_structures_of_losses():
    teacher, student = ({"a": x, "b": 2 * x} for x in RNG.normal(size=(2, 6, 3)))
    for loss in ({"a": "mse", "b": None}, {"a": "mse", "b": "mae"}):
        ours = FeatureDistillation(loss)
        ours.validate_outputs(teacher, student)
        expected = keras.distillation.FeatureDistillation(loss).compute_loss(teacher, student)
        np.testing.assert_allclose(ours.compute_loss(teacher, student), expected, rtol=1e-5)
    with pytest.raises(ValueError, match="`loss` does not have the structure of the outputs"):
        FeatureDistillation("mse").validate_outputs(teacher, student)
    with pytest.raises(ValueError, match="at least one loss must not be None"):
        LogitsDistillation(loss={"a": None, "b": None})


def test_sample_weight_and_regularizers_are_part_of_the_student_loss():
    weights = np.array([1.0] * 6 + [0.0] * 6)
    model = distiller(cornu, "logits", weight=1.0)
    student = cornu.models.clone_model(model.student)
    student.set_weights(model.student.get_weights())
    student.compile("sgd", cornu.losses.SparseCategoricalCrossentropy(from_logits=True))
    expected = student.evaluate(X, Y, sample_weight=weights, batch_size=12, verbose=0)
    got = model.evaluate(X, Y, sample_weight=weights, batch_size=12, verbose=0, return_dict=True)
    assert got["student_loss"] == pytest.approx(expected, rel=1e-5)


def test_partial_batches_and_predict(tmp_path):
    model = distiller(cornu, "several")
    model.fit(X, Y, batch_size=5, epochs=2, validation_data=(X, Y), verbose=0)
    np.testing.assert_allclose(model.predict(X), model.student.predict(X), rtol=1e-6)
    model.save(tmp_path / "model.keras")
    copy = cornu.models.load_model(tmp_path / "model.keras")
    assert isinstance(copy, Distiller) and not copy.teacher.trainable
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))
    assert copy.get_config() == model.get_config()
    with_keras = keras.models.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_allclose(with_keras.predict(X, verbose=0), model.predict(X), rtol=1e-5)
    with_keras.save(tmp_path / "keras.keras")
    copy = cornu.models.load_model(tmp_path / "keras.keras")
    np.testing.assert_allclose(copy.predict(X), model.predict(X), rtol=1e-6)


class Distance(DistillationLoss):
    def compute_loss(self, teacher_outputs, student_outputs, **kwargs):
        return cornu.ops.abs(teacher_outputs - student_outputs)


def test_wrong_arguments():
    models = network(cornu, 4, 1), network(cornu, 3, 2)
    other = cornu.Sequential([cornu.Input((5,)), cornu.layers.Dense(2)])
    for arguments, message in (
        ((models[0], other, LogitsDistillation()), r"outputs .* equal shapes.*\(None, 3\).*2\)"),
        ((models[0], "student", LogitsDistillation()), "the student must be a Model"),
        ((*models, None), "must be a DistillationLoss"),
        ((*models, [LogitsDistillation()], [1.0, 2.0]), "one weight for each of the 1 losses"),
        ((*models, LogitsDistillation(), None, 1.5), r"must be in \[0, 1\]"),
        ((*models, FeatureDistillation("mse", "none")), "FeatureDistillation, teacher: .*'none'"),
    ):
        with pytest.raises(ValueError, match=message):
            Distiller(*arguments)
    for temperature in (0, -1.0, float("nan"), "3", True):
        with pytest.raises(ValueError, match="temperature must be"):
            LogitsDistillation(temperature)
    model = Distiller(*models, Distance())
    with pytest.raises(ValueError, match="`loss`, the loss of the student, must be given"):
        model.compile("adam")
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match="must return a scalar. Received: shape"):
        model.fit(X, RNG.normal(size=(12, 3)), verbose=0)


def two_outputs(units, seed, as_dict):
    x = cornu.Input((5,))
    hidden = cornu.layers.Dense(units, "relu")(x)
    classes = cornu.layers.Dense(3, name="classes")(hidden)
    values = cornu.layers.Dense(2, name="values")(hidden)
    outputs = {"classes": classes, "values": values} if as_dict else [classes, values]
    model = cornu.Model(x, outputs)
    rng = np.random.default_rng(seed)
    model.set_weights([rng.uniform(-0.9, 0.9, w.shape) for w in model.get_weights()])
    return model


@pytest.mark.parametrize("as_dict", [False, True], ids=["list", "dict"])
def test_several_outputs(as_dict):
    # Keras raises an error for lists of losses, so the reference is the formula.
    def pair(a, b):
        return {"classes": a, "values": b} if as_dict else [a, b]

    loss = cornu.losses.SparseCategoricalCrossentropy(from_logits=True)
    divergence = LogitsDistillation(2.0, pair("kl_divergence", "mse"))
    teacher, student = two_outputs(6, 1, as_dict), two_outputs(4, 2, as_dict)
    model = Distiller(teacher, student, divergence, student_loss_weight=0.25)
    model.compile("sgd", loss=pair(loss, "mse"))
    targets = pair(Y, X[:, :2])
    logs = model.evaluate(X, targets, batch_size=12, verbose=0, return_dict=True)
    student.compile("sgd", pair(loss, "mse"))
    alone = student.evaluate(X, targets, batch_size=12, verbose=0, return_dict=True)["loss"]
    distilled = divergence.compute_loss(teacher(X), student(X))
    assert logs["student_loss"] == pytest.approx(alone, rel=1e-5)
    assert logs["distillation_loss"] == pytest.approx(float(distilled), rel=1e-5)
    assert logs["total_loss"] == pytest.approx(0.25 * alone + 0.75 * float(distilled), rel=1e-5)
    assert logs["loss"] == pytest.approx(logs["total_loss"], rel=1e-6)
    model.fit(X, targets, batch_size=12, epochs=2, verbose=0)
