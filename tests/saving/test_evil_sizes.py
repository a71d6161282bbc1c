"""Configs that would require much memory or time are rejected early."""

import pytest

import cornu
from cornu import layers
from cornu.models import load_model, model_from_json
from tests.saving.attacks import archive, assert_rejected, config_of, h5, model
from tests.saving.watch import nothing_but

pytestmark = pytest.mark.usefixtures("warm")


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['touch /tmp/x']",
        "class_name: Sequential\nconfig: {}",
        "[" * 100_000,
        '{"a":' * 50_000 + "1" + "}" * 50_000,
        '{"class_name": "Dense", "config": ' + "[" * 300 + "]" * 300 + "}",
        "[" + "[]," * 1_000_001 + "0]",
        "9" * 10_000,
        "",
        "null",
        "[]",
        '{"class_name": "Dense", "config": {"units": 2}}',
        '{"class_name": "Adam", "config": {}}',
        '{"class_name": "GlorotUniform", "config": {}}',
        '{"class_name": "Sequential", "config": {"layers": 5}}',
        '{"class_name": "Functional", "config": {"layers": [], "input_layers": []}}',
        b"\xff\xfe\x00",
    ],
    ids=range(16),
)
def test_json_that_is_no_model(text, tmp_path):
    path = archive(tmp_path / "json.keras", text)
    assert_rejected(load_model, path)
    assert_rejected(lambda p: model_from_json(text), path)


def test_models_within_models_end(tmp_path):
    config = config_of(model())
    for _ in range(40):
        config = {"class_name": "Sequential", "config": {"name": "s", "layers": [config]}}
    try:
        load_model(archive(tmp_path / "deep.keras", config))
    except ValueError:
        pass


NUMBERS = [10**9, 10**12, 10**400, -5, 0, 2.5, 1e308, float("nan"), True, [10**9], "9" * 5000]


def test_sizes_are_rejected_before_memory_is_taken(tmp_path):
    x = cornu.Input((4,))
    tall = {
        "units": cornu.Model(x, layers.Dense(3)(x)),
        "input_dim": cornu.Model(x, layers.Embedding(3, 3)(x)),
        "output_dim": cornu.Model(x, layers.Embedding(3, 3)(x)),
        "num_heads": cornu.Model(y := cornu.Input((3, 4)), layers.MultiHeadAttention(2, 3)(y, y)),
        "filters": cornu.Model(z := cornu.Input((8, 2)), layers.Conv1D(3, 3)(z)),
        "kernel_size": cornu.Model(z, layers.Conv1D(3, 3, padding="same")(z)),
    }
    for key, made in tall.items():
        for number in NUMBERS:
            config = config_of(made)
            config["config"]["layers"][1]["config"][key] = number
            assert_rejected(load_model, archive(tmp_path / "tall.keras", config))


def test_the_size_of_a_file_limits_its_model(tmp_path):
    # 40 million numbers in four layers, none of which is very large.
    config = config_of(
        cornu.Sequential([cornu.Input((10,))] + [layers.Dense(10) for _ in range(4)])
    )
    for layer in config["config"]["layers"][1:]:
        layer["config"]["units"] = 3200
    assert_rejected(
        load_model, archive(tmp_path / "wide.keras", config), "more weights than it holds"
    )


@pytest.mark.parametrize(
    "metric",
    [
        {"class_name": "AUC", "config": {"num_thresholds": 10**9}},
        {"class_name": "MeanIoU", "config": {"num_classes": 10**6}},
        {"class_name": "PrecisionAtRecall", "config": {"recall": 0.5, "num_thresholds": 10**9}},
    ],
    ids=lambda metric: metric["class_name"],
)
def test_metrics_are_bounded_as_well(metric, tmp_path):
    config = config_of(model())
    config["compile_config"] = {"optimizer": "sgd", "loss": "mse", "metrics": [metric]}
    assert_rejected(load_model, archive(tmp_path / "metric.keras", config))


@pytest.mark.parametrize("dtype", ["S1000000000", "U500000000", "(1000000000,)f8", "O", "V9", "?x"])
def test_arrays_in_configs_are_numbers(dtype, tmp_path):
    config = config_of(model())
    array = {"class_name": "__numpy__", "config": {"value": ["a"], "dtype": dtype}}
    config["config"]["layers"][1]["config"]["kernel_initializer"] = {
        "module": "keras.initializers",
        "class_name": "Constant",
        "config": {"value": array},
    }
    assert_rejected(load_model, archive(tmp_path / "array.keras", config))


@pytest.mark.parametrize(
    ("name", "args"),
    [("zeros", [[10**10]]), ("arange", [10**11]), ("eye", [10**6]), ("tile", [[1.0], [10**10]])],
)
def test_ops_are_called_on_tensors_only(name, args, tmp_path):
    inputs = cornu.Input((4,))
    config = config_of(cornu.Model(inputs, cornu.ops.exp(inputs)))
    config["config"]["layers"][1] |= {"class_name": name}
    config["config"]["layers"][1]["inbound_nodes"] = [{"args": args, "kwargs": {}}]
    assert_rejected(load_model, archive(tmp_path / "op.keras", config), "without a Tensor argument")


@pytest.mark.parametrize(
    ("name", "kwargs"),
    [("one_hot", {"num_classes": 10**11}), ("repeat", {"repeats": 10**12, "axis": 1}),
     ("tile", {"repeats": [1, 10**12]}), ("pad", {"pad_width": [[0, 0], [0, 10**12]]})],
)  # fmt: skip
def test_ops_on_tensors_take_no_memory(name, kwargs, tmp_path):
    inputs = cornu.Input((4,), dtype="int32")
    config = config_of(cornu.Model(inputs, cornu.ops.abs(inputs)))
    config["config"]["layers"][1] |= {"class_name": name}
    config["config"]["layers"][1]["inbound_nodes"][0]["kwargs"] = kwargs
    path = archive(tmp_path / "op.keras", config, h5({"vars/0": 1.0}))
    with nothing_but(path), pytest.raises(ValueError):
        load_model(path)
