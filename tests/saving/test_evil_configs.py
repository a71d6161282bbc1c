"""Configs with forbidden names are rejected without side effects."""

import base64
import copy
import json

import pytest

import cornu
from cornu import layers
from cornu.models import load_model, model_from_json
from tests.saving.attacks import CODE, MALICIOUS, archive, assert_rejected, config_of, h5, model
from tests.saving.watch import nothing_but

pytestmark = pytest.mark.usefixtures("warm")


def function(name, module="builtins"):
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


LAMBDAS = {
    "bytecode": {"class_name": "__lambda__", "config": {"code": base64.b64encode(CODE).decode()}},
    "bytecode of Keras 2": [base64.b64encode(CODE).decode(), None, None],
    "builtin": function("eval"),
    "module": function("system", "os"),
    "download": function("get_file", "keras.utils"),
    "unsafe mode": function("enable_unsafe_deserialization", "keras.config"),
    "loader": function("load_model", "keras.saving"),
    "text": "os.system",
    "own reader": function("load_weights", "cornu.saving"),
    "dunder": function("__import__"),
    "number": 7,
}


@pytest.mark.parametrize("kind", LAMBDAS)
def test_a_lambda_runs_no_code_and_finds_no_function_with_effects(kind, tmp_path):
    config = config_of(model())
    entry = {
        "module": "keras.layers",
        "class_name": "Lambda",
        "config": {"name": "evil", "function": LAMBDAS[kind], "arguments": {"x": "touch /tmp/x"}},
        "registered_name": None,
    }
    config["config"]["layers"].append(entry)
    path = archive(tmp_path / "lambda.keras", config)
    assert_rejected(load_model, path)
    assert_rejected(lambda p: load_model(p, safe_mode=False), path)
    assert_rejected(lambda p: load_model(p, safe_mode=None), path)
    assert_rejected(lambda p: model_from_json(json.dumps(config)), path)


OBJECTS = [
    ("os", "system", "touch /tmp/x"),
    ("subprocess", "Popen", {"args": ["ls"]}),
    ("builtins", "exec", MALICIOUS),
    ("importlib", "import_module", "antigravity"),
    ("antigravity", "Anything", {}),
    ("keras.utils", "get_file", {"fname": "x", "origin": "http://localhost"}),
    ("keras.layers", "TFSMLayer", {"filepath": "/etc", "call_endpoint": "serve"}),
    ("keras.layers", "TorchModuleWrapper", {"module": base64.b64encode(CODE).decode()}),
    ("keras.callbacks", "CSVLogger", {"filename": "/tmp/x"}),
    ("keras.callbacks", "ModelCheckpoint", {"filepath": "/tmp/x.keras"}),
    ("cornu.saving", "load_model", {"filepath": "/etc/passwd"}),
    ("cornu.registry", "Configurable", {}),
    (None, ["list"], {}),
    ("keras.layers", None, {}),
    ("keras.layers", "../../Dense", {}),
]


@pytest.mark.parametrize("where", ["model", "layer", "argument", "loss", "custom"])
def test_a_config_names_only_what_is_known(where, tmp_path):
    for module, name, inner in OBJECTS:
        malicious = {"module": module, "class_name": name, "config": inner, "registered_name": None}
        config = config_of(model())
        if where == "model":
            config = malicious
        elif where == "layer":
            config["config"]["layers"][1] = malicious
        elif where == "argument":
            config["config"]["layers"][1]["config"]["kernel_initializer"] = malicious
        elif where == "loss":
            config["compile_config"] = {"optimizer": "sgd", "loss": malicious}
        else:
            malicious["registered_name"] = "evil>thing"
            config["config"]["layers"][1] = malicious
        assert_rejected(load_model, archive(tmp_path / "names.keras", config))


@pytest.mark.parametrize("name", ["load", "tofile", "__import__", "fromfile", "core", "numpy", 3])
def test_a_graph_calls_only_ops(name, tmp_path):
    inputs = cornu.Input((4,))
    config = config_of(cornu.Model(inputs, cornu.ops.exp(inputs)))
    for module in ("keras.ops", "keras.src.ops.numpy", "keras.src.ops.image", "keras.ops.os"):
        malicious = copy.deepcopy(config)
        malicious["config"]["layers"][1] |= {"module": module, "class_name": name}
        assert_rejected(load_model, archive(tmp_path / "op.keras", malicious))


def test_texts_are_never_opened(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    for value in (str(secret), f"file://{secret}", "http://localhost:1/x", "../secret.txt", "~"):
        for key in ("kernel_initializer", "activation", "kernel_regularizer", "dtype", "units"):
            config = config_of(model())
            config["config"]["layers"][1]["config"][key] = value
            assert_rejected(load_model, archive(tmp_path / "text.keras", config))
        config = config_of(model())
        config["compile_config"] = {"optimizer": value, "loss": value, "metrics": [value]}
        assert_rejected(load_model, archive(tmp_path / "text.keras", config))
        config["compile_config"] = None
        config["config"]["layers"][1]["config"]["name"] = value.replace("/", "|")
        with nothing_but(tmp_path / "name.keras"):
            load_model(archive(tmp_path / "name.keras", config))


def test_errors_of_custom_classes_are_unchanged(tmp_path):
    """Errors in the user's code are the cause of ours."""

    class Picky(layers.Layer):
        def __init__(self, size, **kwargs):
            super().__init__(**kwargs)
            self.size = size / 0 if size == 3 else size

        def call(self, x):
            return x

    made = cornu.Sequential([cornu.Input((4,)), Picky(1)])
    config = config_of(made)
    config["config"]["layers"][1]["config"]["size"] = 3
    path = archive(tmp_path / "own.keras", config, h5({}))
    with pytest.raises(ValueError, match="ZeroDivisionError") as caught:
        load_model(path, {"Picky": Picky})
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
