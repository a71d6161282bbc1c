"""Quantized and adapted layers compute and store what those of Keras do."""

import itertools
import warnings

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import cornu
from cornu.deviations import plain_formulations
from tests.quantizers.layers import (
    KERNELS,
    LAYERS,
    MODES,
    TABLES,
    enable_lora,
    make_pair,
    stored_arrays,
)

FAST = (
    ("Dense", "int8", True),
    ("Dense", "float8", False),
    ("heads", "int4 groups", False),
    ("Embedding", "int8", False),
    ("Embedding", "int4 groups", True),
)


def _cases():
    for layer, mode, lora in itertools.product((*KERNELS, *TABLES), MODES, (False, True)):
        if mode == "float8" and (layer not in KERNELS or lora):
            continue
        yield pytest.param(
            *(layer, mode, lora),
            marks=() if (layer, mode, lora) in FAST else pytest.mark.slow,
            id=f"{layer}-{mode}-{'lora' if lora else 'plain'}",
        )


def _assert_same_store(own, other):
    own, other = stored_arrays(own), stored_arrays(other)
    assert list(own) == list(other)
    for key, value in other.items():
        assert own[key].dtype == value.dtype
        np.testing.assert_allclose(own[key], value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "mode", "lora"), list(_cases()))
def test_quantized_layers_are_those_of_keras(name, mode, lora):
    own, other, x = make_pair(name)
    own.quantize(**MODES[mode](cornu.quantizers))
    other.quantize(**MODES[mode](keras.quantizers))
    _assert_same_store(own, other)
    if lora:
        enable_lora(name, own, other)
        _assert_same_store(own, other)
    np.testing.assert_allclose(own(x), other(x), rtol=2e-5, atol=2e-5)
    names = [(v.name, v.shape, v.dtype) for v in own.weights]
    assert sorted(names) == sorted((v.name, v.shape, v.dtype) for v in other.weights)
    trained = [v.name for v in own.trainable_variables]
    assert trained == [v.name for v in other.trainable_variables]
    assert own.dtype_policy.name == other.dtype_policy.name
    assert own.quantization_mode == other.quantization_mode


@pytest.mark.slow
@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "float8"])
@pytest.mark.parametrize("name", KERNELS)
def test_gradients_of_inputs_are_those_of_keras(name, mode):
    own, other, x = make_pair(name)
    own.quantize(**MODES[mode](cornu.quantizers))
    other.quantize(**MODES[mode](keras.quantizers))

    def gradient(layer):
        return jax.grad(lambda x: (layer(x) * jnp.cos(layer(x))).sum())(jnp.asarray(x))

    np.testing.assert_allclose(gradient(own), gradient(other), rtol=1e-4, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["int8", "int4", "int4 groups", "int4 inputs"])
@pytest.mark.parametrize("name", ["ReversibleEmbedding", "untied"])
def test_reverse_projections_are_those_of_keras(name, mode):
    own, other, _ = make_pair(name)
    own.quantize(**MODES[mode](cornu.quantizers))
    other.quantize(**MODES[mode](keras.quantizers))
    x = np.random.default_rng(1).normal(size=(4, 3, 6)).astype("float32")
    expected = other(x, reverse=True)
    np.testing.assert_allclose(own(x, reverse=True), expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in ("Dense", "Conv2D") else pytest.mark.slow)
        for name in LAYERS
        if name != "untied"
    ],
)
def test_adapters_are_those_of_keras(name):
    own, other, x = make_pair(name)
    enable_lora(name, own, other)
    np.testing.assert_allclose(own(x), other(x), rtol=2e-5, atol=2e-5)
    _assert_same_store(own, other)
    weight = "embeddings" if name in TABLES else "kernel"
    np.testing.assert_allclose(getattr(own, weight), getattr(other, weight), rtol=1e-5, atol=1e-6)
    assert [v.name for v in own.weights] == [v.name for v in other.weights]
    assert [v.name for v in own.trainable_weights] == [v.name for v in other.trainable_weights]
    config = other.get_config()
    for argument in ("lora_rank", "lora_alpha"):
        assert own.get_config()[argument] == config[argument]


def test_bytes_of_weights():
    sizes = {}
    for mode in ("float32", *MODES):
        layer = cornu.layers.Dense(256)
        layer.build((None, 1024))
        if mode != "float32":
            layer.quantize(**MODES[mode](cornu.quantizers))
        sizes[mode] = sum(np.asarray(v).nbytes for v in layer.weights)
    assert sizes["float32"] == 1024 * 256 * 4 + 256 * 4
    assert sizes["int8"] == 1024 * 256 + 2 * 256 * 4
    assert sizes["int4 per output"] == 1024 * 128 + 2 * 256 * 4
    # The default has groups of 128 inputs, each with a scale and a zero point.
    assert sizes["int4"] == 1024 * 128 + 256 * 4 + 8 * 256 * 5 + 1024 * 4


def _primitives(function, *args):
    found = []

    def walk(jaxpr):
        for equation in jaxpr.eqns:
            found.append(equation)
            for value in equation.params.values():
                inner = getattr(value, "jaxpr", value)
                if hasattr(inner, "eqns"):
                    walk(inner)

    walk(jax.make_jaxpr(function)(*args).jaxpr)
    return found


def test_layers_that_are_not_quantized_compute_nothing_else():
    layer = cornu.layers.Dense(3)
    x = np.ones((2, 4), "float32")
    layer(x)
    kernel, bias = layer.kernel.value, layer.bias.value
    with plain_formulations():
        found = [str(e.primitive) for e in _primitives(layer, x)]
    expected = [str(e.primitive) for e in _primitives(lambda x: x @ kernel + bias, x)]
    assert found == expected
    assert "kernel" in vars(layer)


def test_a_step_computes_gradients_of_adapters_only():
    size, rank = 64, 2
    model = cornu.Sequential(
        [cornu.Input((size,)), cornu.layers.Dense(size), cornu.layers.Dense(size)]
    )
    for layer in model.layers:
        layer.enable_lora(rank)
    model.compile("adam", "mse")
    x = np.ones((8, size), "float32")
    frozen = [v for v in model.weights if not v.trainable]
    before = [v.numpy() for v in frozen]
    model.fit(x, x, epochs=2, verbose=0)
    assert all((v.numpy() == old).all() for v, old in zip(frozen, before, strict=True))
    trained = {v.name for v in model.trainable_variables}
    assert trained == {"bias", "lora_kernel_a", "lora_kernel_b"}
    # Slots of the optimizer: two per trained Variable.
    slots = [v for v in model.optimizer.variables if v.shape == (size, size)]
    assert not slots

    variables = model.trainable_variables
    rest = model.non_trainable_variables

    def loss(values):
        outputs, _ = model.stateless_call(values, [v.value for v in rest], x)
        return jnp.square(outputs - x).mean()

    equations = _primitives(jax.grad(loss), [v.value for v in variables])
    # The base kernels are constants; no array of their size is computed, not even in between.
    sizes = [
        output.aval.shape
        for equation in equations
        if str(equation.primitive)
        not in ("pjit", "jit", "closed_call", "custom_jvp_call", "transpose")
        for output in equation.outvars
    ]
    assert (size, size) not in sizes


def test_compiled_models_notice_adapters_and_quantization():
    model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(4)])
    model.compile("sgd", "mse")
    x = np.ones((2, 4), "float32")
    before = model.predict(x, verbose=0)
    model.layers[0].enable_lora(2)
    np.testing.assert_allclose(model.predict(x, verbose=0), before, rtol=1e-6)
    model.fit(x, 5 * x, epochs=3, verbose=0)
    after = model.predict(x, verbose=0)
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(after, model.layers[0](x), rtol=1e-5)
    model.quantize("int8")
    np.testing.assert_allclose(model.predict(x, verbose=0), model.layers[0](x), rtol=1e-5)


def test_float8_scales_follow_training():
    model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(4)])
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    other.set_weights(model.get_weights())
    x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    for one in (model, other):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras warns of the input
            one.quantize("float8")
        one.compile("sgd", "mse")
        one.fit(x, x, epochs=3, batch_size=8, verbose=0, shuffle=False)
    for name in ("inputs", "kernel", "outputs_grad"):
        for suffix in ("scale", "amax_history"):
            found = getattr(model.layers[0], f"{name}_{suffix}")
            expected = getattr(other.layers[0], f"{name}_{suffix}")
            np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=1e-4)
    assert model.layers[0].inputs_amax_history.numpy().any()


def test_loaded_adapters_can_be_trained():
    layer = cornu.layers.Dense(4)
    x = np.ones((2, 4), "float32")
    layer(x)
    enable_lora("Dense", layer)
    expected = layer(x)
    new = cornu.layers.Dense.from_config(layer.get_config())
    new(x)
    new.load_own_variables(stored_arrays(layer))
    np.testing.assert_allclose(new(x), expected, rtol=1e-5)
    assert new.lora_enabled
    assert new.lora_alpha == 3
    assert np.abs(new.lora_kernel_a.numpy()).max() > 0


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda la: la.quantize("int9"), ValueError, "int8"),
        (lambda la: la.quantize(), ValueError, "mode or a config"),
        (lambda la: la.quantize("gptq"), ValueError, "GPTQConfig"),
        (lambda la: (la.quantize("int8"), la.quantize("int8")), ValueError, "already"),
        (lambda la: (la.enable_lora(2), la.enable_lora(2)), ValueError, "already"),
        (lambda la: la.enable_lora(0), ValueError, "positive"),
        (lambda la: (la.quantize("float8"), la.enable_lora(2)), NotImplementedError, "float8"),
        (lambda la: (la.enable_lora(2), la.quantize("float8")), NotImplementedError, "float8"),
    ],
)
def test_wrong_changes_raise(change, error, message):
    layer = cornu.layers.Dense(2)
    layer(np.ones((1, 2)))
    with pytest.raises(error, match=message):
        change(layer)


def test_layers_that_cannot_be_changed():
    with pytest.raises(ValueError, match="not built"):
        cornu.layers.Dense(2).quantize("int8")
    with pytest.raises(ValueError, match="not built"):
        cornu.layers.Dense(2).enable_lora(2)
    table = cornu.layers.Embedding(3, 2)
    table.build()
    with pytest.raises(NotImplementedError, match="int8"):
        table.quantize("float8")
    with pytest.raises(NotImplementedError):
        cornu.layers.BatchNormalization().quantize("int8")
    constrained = cornu.layers.Dense(2, kernel_constraint="non_neg")
    constrained(np.ones((1, 2)))
    with pytest.raises(ValueError, match="kernel_constraint"):
        constrained.enable_lora(2)

    class Mine(cornu.layers.Dense):
        pass

    mine = Mine(2)
    mine(np.ones((1, 2)))
    with pytest.raises(NotImplementedError, match="type_check"):
        mine.quantize("int8")
    mine.quantize("int8", type_check=False)
    assert mine.quantization_mode == "int8"


def test_layers_of_programs_define_quantized_calls():
    class Scaled(cornu.Layer):
        def build(self, shape):
            if self.quantization_mode:
                self.quantized_build(shape, self.quantization_mode)
            else:
                self.factor = self.add_weight(shape=(), initializer="ones")

        def quantized_build(self, input_shape, mode, config=None):
            self.factor = self.add_weight(
                shape=(), initializer="ones", dtype="int8", trainable=False
            )

        def call(self, x):
            return x * self.factor

        def _int8_call(self, x):
            return x * 2

    x = np.ones((1, 2), "float32")
    assert np.asarray(Scaled()(x)).tolist() == [[1, 1]]
    layer = Scaled(dtype="int8_from_float32")
    assert np.asarray(layer(x)).tolist() == [[2, 2]]
    assert layer.factor.dtype == "int8"

    class Other(Scaled):
        def quantized_call(self, x):
            return x * 3

    assert np.asarray(Other(dtype="int8_from_float32")(x)).tolist() == [[3, 3]]


def test_a_call_of_the_program_uses_the_merged_weight():
    class Squared(cornu.layers.Dense):
        def call(self, x):
            return x @ (self.kernel * self.kernel)

    layer = Squared(3)
    x = np.ones((2, 4), "float32")
    layer(x)
    enable_lora("Dense", layer)
    merged = np.asarray(layer.kernel)
    np.testing.assert_allclose(layer(x), x @ (merged * merged), rtol=1e-5)


def test_setting_the_policy_quantizes():
    layer = cornu.layers.Dense(2)
    layer(np.ones((1, 4)))
    layer.dtype_policy = "int4/2_from_float32"
    assert layer.kernel_scale.shape == (2, 2)
    layer = cornu.layers.Dense(2)
    layer(np.ones((1, 4)))
    with pytest.raises(ValueError, match="gptq"):
        layer.dtype_policy = "gptq/4/128_from_float32"
    assert layer.quantization_mode is None
    enable_lora("Dense", layer)
    layer.dtype_policy = "int8_from_float32"
    assert layer.kernel_scale.shape == (2,)
    layer.dtype_policy = "int8_from_mixed_bfloat16"
    assert layer.compute_dtype == "bfloat16"
    for policy in ("float32", "int4_from_float32"):
        with pytest.raises(ValueError, match="cannot be undone"):
            layer.dtype_policy = policy
    assert layer.quantization_mode == "int8"


@pytest.mark.parametrize(
    "change",
    [
        lambda la: la.enable_lora(2, a_initializer="nothing"),
        lambda la: la.enable_lora(2, b_initializer=lambda *args, **kwargs: 1 / 0),
        lambda la: la.quantize(
            config=cornu.quantizers.Int8QuantizationConfig(weight_quantizer=lambda *args: 1 / 0)
        ),
        lambda la: la.quantize("int8", config=cornu.quantizers.GPTQConfig([[1]], None)),
        lambda la: setattr(la, "dtype_policy", "awq/4/2_from_float32"),
    ],
)
def test_changes_that_fail_leave_the_layer_as_it_was(change):
    model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(3)])
    (layer,) = model.layers
    x = np.ones((2, 4), "float32")
    expected, weights = layer(x), [v.path for v in layer.weights]
    with pytest.raises((ValueError, TypeError, ZeroDivisionError)):
        change(layer)
    np.testing.assert_array_equal(layer(x), expected)
    assert [v.path for v in layer.weights] == weights
    assert len(layer.trainable_variables) == 2
    model.quantize("int8")
    before = layer(x)
    with pytest.raises(ValueError, match="quantized already"):
        model.quantize("int4")
    np.testing.assert_array_equal(layer(x), before)


def test_filters_select_layers():
    def make():
        return cornu.Sequential(
            [cornu.Input((3,)), cornu.layers.Dense(3, name="a"), cornu.layers.Dense(3, name="b")]
        )

    for filters, expected in (
        (None, ["int8", "int8"]),
        ("a", ["int8", None]),
        (["^b$", "c"], [None, "int8"]),
        (lambda layer: layer.name == "b", [None, "int8"]),
    ):
        model = make()
        model.quantize("int8", filters=filters)
        assert [layer.quantization_mode for layer in model.layers] == expected
    with pytest.raises(ValueError, match="filters"):
        make().quantize("int8", filters=3)


def test_layers_that_stay_as_they_are_cause_a_warning():
    model = cornu.Sequential(
        [
            cornu.Input((8, 8, 3)),
            cornu.layers.Conv2D(2, 3),
            cornu.layers.Flatten(),
            cornu.layers.Dense(2),
        ]
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.quantize("int8")
    assert ["conv2d" in str(w.message) for w in caught] == [True]  # one for all layers
    assert model.layers[-1].quantization_mode == "int8"
