"""Every function of `keras.backend`: the rewritten call computes what the dialect computes."""

import numpy as np
import pytest

from cornu.dialects.backend import signatures
from cornu.legacy.keras1.class_mapping import parse_signature
from cornu.modernize import backend_functions, load_era, modernize_source

random = np.random.RandomState(0)
x = random.uniform(0.1, 0.9, size=(2, 3)).astype("float32")
VALUES = {
    **dict.fromkeys(("x", "output", "reference", "variables"), x),
    **dict.fromkeys(("y", "target"), x[::-1].copy()),
    **dict.fromkeys(("tensors", "xs"), [x, x]),
    "a": 2.0,
    "bias": np.arange(3, dtype="float32"),
    "k": 2,
    "predictions": x,
    "targets": np.array([2, 0]),
    "condition": x > 0.5,
    "dtype": "float32",
    "else_expression": -x,
    "elems": x,
    "fn": abs,
    "indices": np.array([1, 0]),
    "max_value": 0.7,
    "min_value": 0.3,
    "n": 2,
    "nb_classes": 3,
    "num_classes": 3,
    "pattern": (1, 0),
    "rep": 2,
    "shape": (3, 2),
    "size": 3,
    "start": 1,
    "then_expression": x,
    "value": 1.5,
    **dict.fromkeys(("axis", "axes"), 1),
}
# Arguments of functions whose parameters have other meanings.
OTHERS = {
    "batch_dot": {"axes": 1},
    "conv1d": {"x": random.uniform(size=(1, 5, 2)), "kernel": random.uniform(size=(3, 2, 2))},
    "conv2d": {"x": random.uniform(size=(1, 5, 5, 2)), "kernel": random.uniform(size=(3, 3, 2, 2))},
    "conv3d": {
        "x": random.uniform(size=(1, 3, 3, 3, 2)),
        "kernel": random.uniform(size=(2, 2, 2, 2, 1)),
    },
    "ctc_batch_cost": {
        "y_true": np.array([[0, 1]]),
        "y_pred": np.full((1, 4, 3), 1 / 3, "float32"),
        "input_length": np.array([[4]]),
        "label_length": np.array([[2]]),
    },
    "dot": {"y": x.T.copy()},
    "reshape": {"shape": (3, 2)},
    "slice": {"start": (0, 1), "size": (2, 2)},
    "sparse_categorical_crossentropy": {"target": np.array([1, 0])},
    "squeeze": {"x": x[:, None]},
    "stack": {"x": [x, x]},
    "tile": {"n": (2, 1)},
}
# They create symbolic tensors or variables, change them, or return random numbers.
NOT_COMPARED = {
    *("placeholder", "variable", "update", "update_add", "update_sub", "set_value", "dropout"),
    *("random_normal", "random_uniform", "truncated_normal", "constant", "eval", "get_value"),
    *(
        "zeros",
        "ones",
        "shape",
        "dtype",
        "get_variable_shape",
        "stop_gradient",
        "identity",
        "size",
        "cast",
    ),
}
TABLES = {"keras1": signatures.KERAS_1, "keras2": signatures.KERAS_2}


def rewrite(dialect, name, given):
    """Returns the program for a call with all required arguments."""
    line = f"result = K.{name}({', '.join(f'{key}={key}' for key in given)})"
    return modernize_source(
        f"from keras import backend as K\n\n{line}\n", load_era(dialect), "cornu"
    )


def required(signature):
    parameters = parse_signature(signature).parameters.values()
    return [one.name for one in parameters if one.default is one.empty or one.name == "axes"]


@pytest.mark.parametrize("dialect", TABLES)
def test_every_function(dialect):
    functions = load_era(dialect).find("backend")
    compared = 0
    assert "ops.matmul" in rewrite(dialect, "batch_dot", ["x", "y"]).marks[0].text
    for name, signature in TABLES[dialect].items():
        if name not in backend_functions.FUNCTIONS or name in NOT_COMPARED:
            continue
        own = OTHERS.get(name, {})
        given = {key: own.get(key, VALUES.get(key)) for key in required(signature)}
        new = rewrite(dialect, name, given)
        assert new.marks == [], (name, new.marks)
        scope = dict(given)
        exec(new.text, scope)
        expected = getattr(functions, name)(**given)
        np.testing.assert_allclose(
            np.asarray(scope["result"]), np.asarray(expected), rtol=2e-5, err_msg=name
        )
        compared += 1
    assert compared > 50


def test_every_function_has_a_row_or_a_reason():
    special = {"function", "image_dim_ordering", "set_image_dim_ordering", "hard_sigmoid", "rnn"}
    known = {*backend_functions.FUNCTIONS, *backend_functions.KEPT, *special}
    for dialect, table in TABLES.items():
        for name in table.keys() - known:
            new = rewrite(dialect, name, [])
            assert f"K.{name}: " in new.marks[0].text
    assert known <= TABLES["keras1"].keys() | TABLES["keras2"].keys() | {"backend", "get_uid"}
