"""Faults of Keras that cornu mends: each test shows both, and fails when Keras mends it, too.

The texts are the sections *Fixes* of docstrings; docs/compatibility/faults.md lists both. Tests of
other folders can be marked as well.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from keras.src.backend.common.masking import set_keras_mask

import cornu
from cornu.core.state import scope
from tests.conformance.faults import fault

LIBRARIES = (cornu, keras)


def both(make: Callable[[Any], Any]) -> tuple[Any, Any]:
    """Returns the results of a function of cornu and of Keras, as NumPy arrays."""
    ours, theirs = (make(library) for library in LIBRARIES)
    return np.asarray(ours), np.asarray(theirs)


IMAGES = np.random.default_rng(0).integers(0, 256, (3, 7, 6, 3)).astype("float32")


# --------------------------------------------------------------------------------- operations


@fault("ops.sparsemax", "activations.sparsemax")
def test_sparsemax_sums_to_one() -> None:
    ours, theirs = both(lambda k: k.ops.sum(k.ops.sparsemax(np.array([0.0, 0.5, 1.0], "float32"))))
    assert ours == 1 and theirs == 0.25


@fault("ops.normalize")
def test_gradient_of_normalize_at_zero_is_finite() -> None:
    zero = jnp.zeros(3)
    ours, theirs = both(lambda k: jax.grad(lambda x: k.ops.normalize(x)[0])(zero))
    assert np.isfinite(ours).all() and np.isnan(theirs).all()


@fault("random.shuffle")
def test_shuffle_keeps_slices_together() -> None:
    x = np.arange(40).reshape(20, 2)
    ours, theirs = both(lambda k: k.random.shuffle(x, seed=1))
    assert (ours[:, 1] - ours[:, 0] == 1).all()
    assert not (theirs[:, 1] - theirs[:, 0] == 1).all()


@fault("ops.image.gaussian_blur")
def test_gaussian_blur_takes_the_default_data_format() -> None:
    x = np.zeros((1, 5, 5, 2), "float32")
    x[0, 2, 2, 0] = 1
    ours, theirs = both(lambda k: k.ops.image.gaussian_blur(x, (3, 3), (1.0, 1.0)))
    assert ours[0, 2, 3, 0] > 0 and ours[0, 2, 2, 1] == 0  # the other channel stays
    assert theirs[0, 2, 2, 1] > 0


@pytest.mark.slow
@fault("ops.image.elastic_transform", "layers.RandomElasticTransform")
def test_elastic_displacements_are_independent() -> None:
    slope = np.tile(np.arange(20.0, dtype="float32"), (20, 1))
    pair = np.stack([slope, slope.T], -1)[None]  # columns and rows as the values of pixels

    def moved(k: Any) -> Any:
        y = k.ops.image.elastic_transform(pair, alpha=8.0, sigma=2.0, seed=3)
        return (np.asarray(y) - pair)[0, 5:15, 5:15]

    ours, theirs = both(moved)
    assert np.abs(ours[..., 0] - ours[..., 1]).max() > 0.5
    assert np.abs(theirs[..., 0] - theirs[..., 1]).max() < 1e-3


# --------------------------------------------------------------------- losses, metrics, training


@fault("losses.Loss")
def test_weights_of_samples_are_broadcast_over_their_values() -> None:
    y, weights = np.ones((3, 3, 1), "float32"), np.array([1.0, 0.0, 0.0], "float32")
    zero = y * np.zeros(3, "float32")[:, None, None]
    y[1:] = 5
    ours, theirs = both(lambda k: k.losses.MeanSquaredError("sum")(zero, y, weights))
    assert ours == 3  # three values of the first sample
    assert theirs == 51  # the first value of each sample


@fault("losses.Loss")
def test_sums_of_losses_do_not_overflow() -> None:
    y = np.full((300, 1), 16, "float16")
    ours, theirs = both(lambda k: k.losses.MeanSquaredError("sum", dtype="float16")(y * 0, y))
    assert ours == 300 * 256 and np.isinf(theirs)


@fault("losses.Loss")
def test_masked_values_do_not_count() -> None:
    x, mask = jnp.array([[jnp.inf], [1.0]]), jnp.array([False, True])

    scope.current().masks.put(x, mask)
    set_keras_mask(x, mask)
    ours, theirs = both(lambda k: k.losses.MeanSquaredError()(jnp.zeros((2, 1)), x))
    assert ours == 1 and np.isnan(theirs)


@fault("metrics.Metric")
def test_counts_beyond_2_to_the_24() -> None:
    def counted(k: Any) -> Any:
        metric = k.metrics.Sum()
        metric.update_state(2.0**24)
        for _ in range(4):
            metric.update_state(1.0)
        return metric.result()

    ours, theirs = both(counted)
    assert ours == 2**24 + 4 and theirs == 2**24


@fault("metrics.Metric")
def test_sums_in_half_precision_do_not_overflow() -> None:
    def total(k: Any) -> Any:
        metric = k.metrics.Sum(dtype="float16")
        metric.update_state(np.full(100, 1000, "float16"))
        return metric.result()

    ours, theirs = both(total)
    assert ours == 100_000 and np.isinf(theirs)


@fault("metrics.MeanMetricWrapper")
def test_ignored_classes_do_not_count() -> None:
    y_pred = np.full((2, 2), 0.5, "float32")

    def mean(k: Any) -> Any:
        metric = k.metrics.MeanMetricWrapper(
            lambda y_true, y_pred: k.losses.sparse_categorical_crossentropy(
                y_true, y_pred, ignore_class=1
            )
        )
        metric.update_state(np.array([0, 1]), y_pred)
        return metric.result()

    ours, theirs = both(mean)
    np.testing.assert_allclose([ours, theirs], [np.log(2), np.log(2) / 2], rtol=1e-5)


@fault("metrics.SparseCategoricalCrossentropy")
def test_missing_labels_do_not_count() -> None:
    def mean(k: Any) -> Any:
        metric = k.metrics.SparseCategoricalCrossentropy(ignore_class=1)
        metric.update_state(np.array([0, 1]), np.full((2, 2), 0.5, "float32"))
        return metric.result()

    ours, theirs = both(mean)
    np.testing.assert_allclose([ours, theirs], [np.log(2), np.log(2) / 2], rtol=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64")
@fault("metrics.IoU")
def test_fractions_of_weights_count() -> None:
    def result(k: Any) -> Any:
        metric = k.metrics.IoU(2, [0, 1])
        metric.update_state([0, 1], [0, 1], sample_weight=[0.5, 0.5])
        return metric.result()

    ours, theirs = both(result)
    np.testing.assert_allclose([ours, theirs], [1, 0], atol=1e-5)


@pytest.mark.slow
@fault("metrics.R2Score")
def test_samples_without_weight_do_not_count() -> None:
    y_true, y_pred = np.array([[1.0], [2], [4], [7]]), np.array([[1.0], [2], [3], [8]])

    def result(k: Any, rows: int) -> Any:
        metric = k.metrics.R2Score(num_regressors=1)
        weights = np.array([1.0, 1, 1, 0])[:rows]
        metric.update_state(y_true[:rows], y_pred[:rows], sample_weight=weights)
        return metric.result()

    ours, theirs = both(lambda k: [result(k, 3), result(k, 4)])
    np.testing.assert_allclose(ours[1], ours[0], rtol=1e-5)
    assert abs(theirs[1] - theirs[0]) > 0.05


def _small_model(k: Any, names: tuple[str, ...] = ("a",)) -> Any:
    x = k.Input((2,))
    outputs = [k.layers.Dense(1, kernel_initializer="ones", name=name)(x) for name in names]
    return k.Model(x, outputs if len(outputs) > 1 else outputs[0])


X, Y = np.ones((4, 2), "float32"), np.zeros((4, 1), "float32")


@fault("Model.compile")
def test_a_list_of_losses_for_some_outputs_is_refused() -> None:
    ours, theirs = (_small_model(k, ("a", "b")) for k in LIBRARIES)
    theirs.compile("sgd", ["mse"])
    assert theirs.fit(X, [Y, Y], verbose=0).history["loss"] == [4]  # of the first output alone
    with pytest.raises(ValueError, match="received a list of 1"):
        ours.compile("sgd", ["mse"])


@fault("Model.evaluate")
def test_results_of_metrics_with_one_name_are_listed_once() -> None:
    def results(k: Any) -> tuple[dict[str, Any], list[float]]:
        model = _small_model(k)
        metrics = [k.metrics.MeanSquaredError("m"), k.metrics.MeanAbsoluteError("m")]
        model.compile("sgd", "mse", metrics=metrics)
        logs = model.evaluate(X, Y, verbose=0, return_dict=True)
        return logs, model.evaluate(X, Y, verbose=0)

    (logs, listed), (their_logs, their_list) = results(cornu), results(keras)
    assert logs == their_logs == {"loss": 4, "m": 4, "m_1": 2}
    assert listed == [4, 4, 2] and len(their_list) == 4


@fault("Model.compile")
def test_results_of_outputs_without_names_are_kept() -> None:
    def names(k: Any) -> int:
        class Pair(k.Model):  # type: ignore[misc, name-defined]
            def call(self, x: Any) -> Any:
                return [x[:, :1], x[:, 1:]]

        model = Pair()
        model.compile("sgd", "mse", metrics=[["mae"], ["mae"]])
        return len(model.evaluate(X, [Y, Y], verbose=0, return_dict=True))

    ours, theirs = (names(k) for k in LIBRARIES)
    assert ours == 5 > theirs  # of the loss, two losses and two metrics


@fault("optimizers.Optimizer")
def test_bias_corrections_in_half_precision() -> None:
    def moved(k: Any) -> Any:
        variable = k.Variable(np.zeros(2), dtype="bfloat16", name="v")
        optimizer = k.optimizers.Adam(0.5, epsilon=1e-3)
        optimizer.apply([jnp.ones(2, "bfloat16")], [variable])
        return np.asarray(variable.value, "float32")

    ours, theirs = both(moved)
    np.testing.assert_allclose(ours, [-0.5, -0.5], rtol=0.05)
    assert (theirs == 0).all()  # nothing is learned


@fault(
    *("initializers.GlorotNormal", "initializers.GlorotUniform", "initializers.HeNormal"),
    *("initializers.HeUniform", "initializers.LecunNormal", "initializers.LecunUniform"),
    *("initializers.Orthogonal", "initializers.RandomNormal", "initializers.RandomUniform"),
    *("initializers.TruncatedNormal", "initializers.VarianceScaling"),
)
def test_a_shared_initializer_gives_two_layers_other_weights() -> None:
    def equal(k: Any) -> bool:
        make = k.initializers.RandomNormal()
        return bool(np.array_equal(make((3, 3)), make((3, 3))))

    assert [equal(k) for k in LIBRARIES] == [False, True]


# ------------------------------------------------------------------------------------- layers


@fault("layers.RNN", "layers.SimpleRNN", "layers.GRU", "layers.LSTM")
def test_the_last_output_is_not_zero_where_it_is_masked() -> None:
    x, mask = np.ones((1, 3, 2), "float32"), np.array([[True, True, False]])

    def last(k: Any) -> Any:
        cell = k.layers.SimpleRNNCell(2, kernel_initializer="ones")
        return k.layers.RNN(cell, zero_output_for_mask=True)(x, mask=mask)

    ours, theirs = both(last)
    assert (ours != 0).all() and (theirs == 0).all()


@pytest.mark.slow
@fault("layers.MultiHeadAttention")
def test_a_query_mask_that_is_passed_is_applied() -> None:
    x = np.random.default_rng(0).normal(size=(1, 3, 4)).astype("float32")
    mask = np.array([[True, False, True]])

    def differ(k: Any) -> bool:
        layer = k.layers.MultiHeadAttention(2, 2)
        value = np.concatenate([x, 2 * x], 1)
        plain = np.asarray(layer(x, value))
        return not np.allclose(plain, layer(x, value, query_mask=mask))

    assert [differ(k) for k in LIBRARIES] == [True, False]


@pytest.mark.slow
@fault("layers.SpectralNormalization")
def test_fit_keeps_the_normalized_kernel() -> None:
    def norm(k: Any) -> float:
        layer = k.layers.SpectralNormalization(
            k.layers.Dense(2, kernel_initializer=k.initializers.Constant(5.0)), power_iterations=9
        )
        model = k.Sequential([k.Input((2,)), layer])
        model.compile(k.optimizers.SGD(0.0), "mse")
        model.fit(X, X, verbose=0)
        return float(np.linalg.norm(np.asarray(layer.layer.kernel), 2))

    ours, theirs = (norm(k) for k in LIBRARIES)
    np.testing.assert_allclose([ours, theirs], [1, 10], rtol=1e-4)


@fault("layers.CategoryEncoding")
def test_encodings_reduce_the_last_axis() -> None:
    x = np.array([[[0, 1], [2, 2], [1, 1]]])
    ours, theirs = both(lambda k: k.layers.CategoryEncoding(3, output_mode="multi_hot")(x))
    np.testing.assert_array_equal(ours, [[[1, 1, 0], [0, 0, 1], [0, 1, 0]]])
    assert theirs.shape == (1, 2, 3)


@fault("layers.Discretization")
def test_bins_reduce_the_last_axis() -> None:
    x = np.array([[[0.0, 1.0], [2.0, 2.0], [1.0, 1.0]]], "float32")
    ours, theirs = both(lambda k: k.layers.Discretization([0.5, 1.5], output_mode="multi_hot")(x))
    np.testing.assert_array_equal(ours, [[[1, 1, 0], [0, 0, 1], [0, 1, 0]]])
    assert theirs.shape == (1, 2, 3)


@pytest.mark.slow
@fault("layers.Normalization")
def test_statistics_of_batches_are_those_of_the_array() -> None:
    tensorflow = pytest.importorskip("tensorflow")
    x = (1e6 + np.random.default_rng(0).normal(size=(4096, 1))).astype("float32")

    def variance(k: Any) -> float:
        layer = k.layers.Normalization()
        layer.adapt(tensorflow.data.Dataset.from_tensor_slices(x).batch(4))
        return float(np.ravel(layer.variance)[0])

    assert abs(variance(cornu) - x.var()) < 1e-3 < abs(variance(keras) - x.var())


@pytest.mark.slow
@fault("layers.MelSpectrogram")
def test_spectrograms_do_not_depend_on_the_batch() -> None:
    rng = np.random.default_rng(0)
    quiet = 1e-6 * rng.normal(size=(1, 512)).astype("float32")
    loud = rng.normal(size=(1, 512)).astype("float32")

    def changed(k: Any) -> Any:
        layer = k.layers.MelSpectrogram(
            fft_length=128, sequence_stride=64, num_mel_bins=8, min_power=1e-20
        )
        alone = np.asarray(layer(quiet))
        return np.abs(np.asarray(layer(np.concatenate([quiet, loud])))[:1] - alone).max()

    ours, theirs = both(changed)
    assert ours < 1e-3 and theirs > 1


# ------------------------------------------------------------------------------------- images


def _pixels(k: Any, name: str, images: np.ndarray, *args: Any, **kwargs: Any) -> np.ndarray:
    """The result of a layer in training; Keras's takes the flag by name only."""
    return np.asarray(getattr(k.layers, name)(*args, **kwargs)(images, training=True))


@fault("layers.RandomFlip")
def test_flips_in_both_directions_are_independent() -> None:
    x = np.tile(np.arange(4.0).reshape(1, 2, 2, 1), (100, 1, 1, 1)).astype("float32")

    def kinds(k: Any) -> int:
        y = _pixels(k, "RandomFlip", x, "horizontal_and_vertical", seed=1)
        return len({tuple(image) for image in y.reshape(100, 4).tolist()})

    assert [kinds(k) for k in LIBRARIES] == [4, 2]


@fault("layers.RandomContrast")
def test_contrast_is_also_reduced() -> None:
    x = np.tile(np.array([100.0, 150.0]).reshape(1, 1, 2, 1), (200, 1, 1, 1)).astype("float32")

    def least(k: Any) -> Any:
        y = _pixels(k, "RandomContrast", x, 0.5, seed=1)
        return (y[:, 0, 1, 0] - y[:, 0, 0, 0]).min() / 50

    ours, theirs = both(least)
    assert ours < 0.6 and theirs >= 1 - 1e-5


@pytest.mark.slow
@fault("layers.RandomSaturation")
def test_saturated_pixels_are_colors() -> None:
    ours, theirs = both(lambda k: _pixels(k, "RandomSaturation", IMAGES, (0.95, 0.95)).min())
    assert ours >= -1e-3 and theirs < -1
    image = IMAGES.astype("uint8")
    assert _pixels(cornu, "RandomSaturation", image, 0.3).dtype == "float32"
    with pytest.raises(Exception, match="float"):
        _pixels(keras, "RandomSaturation", image, 0.3)


@pytest.mark.slow
@fault("layers.RandomColorJitter")
def test_parts_of_color_jitter_have_seeds_of_their_own() -> None:
    ours, theirs = (
        k.layers.RandomColorJitter(brightness_factor=(0, 1), saturation_factor=(0, 1), seed=1)
        for k in LIBRARIES
    )
    images = cornu.ops.array(np.zeros((40, 2, 2, 3), "float32"))
    brightness, saturation = (
        np.ravel(part[0]) for part in ours.sample(images, ours.make_rng(images))
    )
    assert abs(np.corrcoef(brightness, saturation)[0, 1]) < 0.5
    assert theirs.random_brightness.seed == theirs.random_saturation.seed


@pytest.mark.slow
@fault("layers.AutoContrast")
def test_channels_are_stretched_separately() -> None:
    first = np.moveaxis(IMAGES, -1, 1)

    def error(k: Any) -> Any:
        y = _pixels(k, "AutoContrast", first, data_format="channels_first")
        return np.abs(y - np.moveaxis(_pixels(k, "AutoContrast", IMAGES), -1, 1)).max()

    ours, theirs = both(error)
    assert ours < 1e-3 and theirs > 10


@pytest.mark.slow
@fault("layers.Equalization")
def test_an_image_is_equalized_for_itself() -> None:
    def changed(k: Any) -> Any:
        alone = _pixels(k, "Equalization", IMAGES[:1])
        return np.abs(_pixels(k, "Equalization", IMAGES)[:1] - alone).max()

    ours, theirs = both(changed)
    assert ours < 1e-3 and theirs > 1


@fault("layers.RandomBrightness")
def test_brightness_of_integers_does_not_overflow() -> None:
    x = np.full((1, 2, 2, 3), 200, "uint8")
    ours, theirs = both(lambda k: _pixels(k, "RandomBrightness", x, (0.5, 0.5)).max())
    assert ours == 255 and theirs < 200


@fault("layers.RandomInvert")
def test_inverted_pixels_stay_in_the_range() -> None:
    x = np.full((1, 2, 2, 3), 100.0, "float32")
    ours, theirs = both(lambda k: _pixels(k, "RandomInvert", x, (1.0, 1.0), (100, 255)).max())
    assert ours == 255 and theirs == 155


@fault("layers.RandomPosterization")
def test_posterization_keeps_the_given_number_of_bits() -> None:
    x = np.arange(256.0, dtype="float32").reshape(1, 16, 16, 1)
    ours, theirs = both(lambda k: len(np.unique(_pixels(k, "RandomPosterization", x, 3, seed=1))))
    assert ours == 8 and theirs < 8


@fault("layers.Solarization")
def test_both_ends_of_a_pair_are_fractions() -> None:
    x = np.full((1, 2, 2, 1), 10.0, "float32")
    ours, theirs = both(lambda k: _pixels(k, "Solarization", x, (0.5, 0.5), (1.0, 1.0)).max())
    assert ours == 137.5 and theirs != 137.5


@fault("layers.RandomCrop")
def test_images_are_cropped_at_inference() -> None:
    def shape(k: Any) -> tuple[int, ...]:
        return np.asarray(k.layers.RandomCrop(3, 4)(IMAGES, training=False)).shape

    assert [shape(k) for k in LIBRARIES] == [(3, 3, 4, 3), IMAGES.shape]


@pytest.mark.slow
@fault("layers.AugMix")
def test_each_step_samples_chains_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    sampled: list[Any] = []
    monkeypatch.setattr("random.choice", sampled.append)  # None is a chain without layers
    theirs = keras.layers.AugMix(seed=1)
    theirs.build(IMAGES.shape)
    step = jax.jit(functools.partial(theirs.stateless_call, training=True))
    values = [v.value for v in theirs.non_trainable_variables]
    _, values = step([], values, IMAGES)
    count = len(sampled)
    step([], values, IMAGES)
    assert count == len(sampled) > 0  # the second step has the chains of the first
    ours = cornu.layers.AugMix(seed=1)
    rng = ours.make_rng(IMAGES)
    chains = [np.asarray(ours.sample(IMAGES, rng)[2]).tolist() for _ in range(3)]
    assert chains[0] != chains[1] or chains[0] != chains[2]


# ------------------------------------------------------------------------------------ strings


@pytest.mark.slow
@fault("layers.StringLookup")
def test_strings_of_an_inverted_lookup() -> None:
    def words(k: Any) -> Any:
        return k.layers.StringLookup(vocabulary=["a", "b"], invert=True)(np.array([1, 2]))

    assert words(cornu).tolist() == ["a", "b"]
    with pytest.raises(Exception, match="."):
        words(keras)


@pytest.mark.slow
@fault("layers.TextVectorization")
def test_a_text_without_splitting_is_one_word() -> None:
    ours, theirs = both(
        lambda k: k.layers.TextVectorization(
            split=None, vocabulary=["a b", "c"], output_mode="multi_hot"
        )(["a b", "c"])
    )
    assert ours.tolist() == [[0, 1, 0], [0, 0, 1]] and theirs.tolist() == [0, 1, 1]


# ------------------------------------------------------------------------------------ callbacks


@fault("callbacks.EarlyStopping")
def test_nan_is_never_the_best() -> None:
    def best(k: Any) -> Any:
        callback = k.callbacks.EarlyStopping("loss", patience=9)
        callback.set_model(_small_model(k))
        callback.on_train_begin()
        for epoch, value in enumerate((np.nan, 3.0, 2.0)):
            callback.on_epoch_end(epoch, {"loss": value})
        return callback.best

    ours, theirs = both(best)
    assert ours == 2 and np.isnan(theirs)


@fault("callbacks.CSVLogger")
def test_rows_of_repeated_epochs_are_written_once(tmp_path: Any) -> None:
    def rows(k: Any) -> int:
        path = tmp_path / f"{k.__name__}.csv"
        model = _small_model(k)
        model.compile("sgd", "mse")
        extra = {"resume": tmp_path / "state"} if k is cornu else {}
        for epochs in (2, 3):
            log = k.callbacks.CSVLogger(str(path), append=True)
            model.fit(X, Y, epochs=epochs, verbose=0, callbacks=[log], **extra)
        return len(path.read_text().splitlines()) - 1

    assert [rows(k) for k in LIBRARIES] == [3, 5]


@fault("callbacks.SwapEMAWeights")
def test_averaged_weights_are_restored_after_predict() -> None:
    def restored(k: Any) -> bool:
        model = _small_model(k)
        optimizer = k.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9)
        model.compile(optimizer, "mse")
        for _ in range(3):
            model.train_on_batch(X, Y)
        before = model.get_weights()
        model.predict(X, verbose=0, callbacks=[k.callbacks.SwapEMAWeights()])
        return all(map(np.array_equal, before, model.get_weights()))

    assert [restored(k) for k in LIBRARIES] == [True, False]


@fault("callbacks.RemoteMonitor")
def test_requests_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = pytest.importorskip("requests")
    taken: dict[str, Any] = {}
    monkeypatch.setattr(requests, "post", lambda *_, **kwargs: taken.update(kwargs))
    keras.callbacks.RemoteMonitor("http://127.0.0.1:9").on_epoch_end(0, {"loss": 1.0})
    assert taken and "timeout" not in taken


@pytest.mark.slow
@fault("callbacks.OrbaxCheckpoint")
def test_a_new_run_continues_the_numbers_of_checkpoints(tmp_path: Any) -> None:
    pytest.importorskip("orbax.checkpoint")

    def train(k: Any, epochs: int) -> int:
        folder = tmp_path / k.__name__
        model = _small_model(k)
        model.compile("sgd", "mse")
        callback = k.callbacks.OrbaxCheckpoint(str(folder), max_to_keep=9)
        model.fit(X, Y, epochs=epochs, verbose=0, callbacks=[callback])
        return sum(entry.name.isdigit() for entry in folder.iterdir())

    assert [train(k, epochs=3) for k in LIBRARIES] == [3, 3]
    assert train(cornu, epochs=1) == 4
    with pytest.raises(Exception, match="Step 0 already exists"):
        train(keras, epochs=1)


# ---------------------------------------------------------------------------------- utilities


@fault("applications.imagenet_utils.preprocess_input")
def test_images_that_are_prepared_are_not_overwritten() -> None:
    def keeps_images(k: Any) -> bool:
        x = IMAGES.copy()
        k.applications.imagenet_utils.preprocess_input(x)
        return bool(np.array_equal(x, IMAGES))

    assert [keeps_images(k) for k in LIBRARIES] == [True, False]


@fault("utils.normalize")
def test_the_first_axis_can_be_normalized() -> None:
    x = np.array([[3.0, 0.0], [4.0, 2.0]])
    ours, theirs = both(lambda k: k.utils.normalize(x, axis=0))
    np.testing.assert_allclose(ours, [[0.6, 0], [0.8, 1]])
    np.testing.assert_allclose(theirs, [[0.6, 0], [2, 1]])


@fault("utils.to_categorical")
def test_negative_labels_are_refused() -> None:
    assert keras.utils.to_categorical([-1], 3).tolist() == [[0, 0, 1]]
    with pytest.raises(ValueError, match="-1"):
        cornu.utils.to_categorical([-1], 3)


@fault("utils.Config")
def test_names_of_methods_are_no_attributes() -> None:
    theirs = keras.utils.Config()
    theirs.keys = 1
    with pytest.raises(TypeError):
        theirs.keys()
    with pytest.raises((AttributeError, ValueError), match="keys"):
        cornu.utils.Config().keys = 1


@fault("utils.Progbar")
def test_the_bar_shows_the_mean_of_the_last_step(capsys: pytest.CaptureFixture[str]) -> None:
    def shows_mean(k: Any) -> bool:
        bar = k.utils.Progbar(2, verbose=2)
        bar.update(1, [("v", 1.0)])
        bar.update(2, [("v", 3.0)], finalize=True)
        return "2.0000" in capsys.readouterr().out

    assert [shows_mean(k) for k in LIBRARIES] == [True, False]


@fault("utils.pack_x_y_sample_weight")
def test_weights_without_targets_are_kept() -> None:
    packed = [k.utils.pack_x_y_sample_weight(X, None, Y) for k in LIBRARIES]
    assert len(packed[0]) == 3 and isinstance(packed[1], np.ndarray)


@fault("utils.timeseries_dataset_from_array")
def test_windows_without_a_target_are_left_out() -> None:
    data = np.arange(10)
    kwargs = {"sequence_length": 3, "batch_size": 2}
    ours = cornu.utils.timeseries_dataset_from_array(data, data[:5], **kwargs)
    assert sum(len(targets) for _, targets in ours) == 5


@fault("utils.get_file")
def test_files_with_a_wrong_hash_are_removed(tmp_path: Any) -> None:
    source = tmp_path / "source.bin"
    source.write_bytes(b"data")

    def remain(k: Any) -> int:
        folder = tmp_path / k.__name__
        folder.mkdir()
        with pytest.raises(Exception, match="."):
            k.utils.get_file("f.bin", source.as_uri(), file_hash="0" * 64, cache_dir=str(folder))
        return sum(path.is_file() for path in folder.rglob("*"))

    assert [remain(k) for k in LIBRARIES] == [0, 1]
