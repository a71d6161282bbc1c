"""Ops in saved models: their configs are those of Keras, which reads them."""

import json
import operator

import jax
import keras
import numpy as np
import pytest

import cornu
from cornu import ops
from cornu.models.keras_ops import KERAS_OPS
from scripts.make_keras_ops import find_ops
from tests.ops.cases import CASES
from tests.ops.test_cases import EAGER

THEMES = sorted({case.theme for case in CASES})

# Calls whose own files Keras does not read either, since lists are not hashable or have no dtype.
UNREADABLE = {
    *("norm", "rot90"),
    *("clip(float32[3,4], float32[3,4], float32[3,4])", "trapezoid(float32[5], float32[5])"),
    "quantile(float32[3,4], (0.2,0.7), axis=1, keepdims=True)",
    # Keras has no class for it: its function chooses another class by the number of axes.
    "image.extract_patches_3d",
}
# Rounding of ties differs between the two libraries' programs.
TIES = {
    "quantile(int32[3,4], 0.5, method=nearest)",
    "image.affine_transform(float32[6,8,3], float32[8], nearest)",
}
# Keras's op computes shapes as arrays, which compiled programs do not allow.
NOT_COMPILED = {"rearrange"}
TOGETHER = 16  # calls in one compiled program


def test_the_table_of_classes_is_that_of_keras():
    assert KERAS_OPS == find_ops()


def leaves(outputs):
    return [np.asarray(leaf) for leaf in jax.tree_util.tree_leaves(outputs)]


def model_of(library, case):
    """Returns a model that makes a call on inputs in place of arrays, and the arrays."""
    values, structure = jax.tree_util.tree_flatten((case.args, case.kwargs))
    places = [i for i, x in enumerate(values) if isinstance(x, np.ndarray) and x.ndim]
    # Without 64-bit types, an Input of int64 would be converted with a warning.
    arrays = [
        x.astype("int32") if x.dtype == "int64" else x for x in map(values.__getitem__, places)
    ]
    inputs = [library.Input(batch_shape=x.shape, dtype=x.dtype.name) for x in arrays]
    for i, tensor in zip(places, inputs, strict=True):
        values[i] = tensor
    args, kwargs = jax.tree_util.tree_unflatten(structure, values)
    function = operator.attrgetter(case.name)(library.ops)
    return library.Model(inputs, function(*args, **kwargs)), arrays


def assert_close(got, expected, title=""):
    for a, b in zip(leaves(got), leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5, err_msg=title)


def has_arrays(case):
    leaves = jax.tree_util.tree_leaves((case.args, case.kwargs))
    return any(isinstance(leaf, np.ndarray) and leaf.ndim for leaf in leaves)


def models_of(case):
    """Returns a model with a call, those read from its text, that of Keras, and the arrays."""
    try:
        model, arrays = model_of(cornu, case)
    except TypeError as error:
        assert "depends on the values" in str(error)  # not a call on symbolic Tensors
        return [], None, []
    text = model.to_json()
    models = [model, cornu.models.model_from_json(text)]
    with_keras = None
    if not {case.name, case.title} & UNREADABLE:
        with_keras = keras.models.model_from_json(text)
        models.append(cornu.models.model_from_json(with_keras.to_json()))
    return models, with_keras, arrays


def check_cases(cases):
    models, with_keras, data = map(list, zip(*map(models_of, cases), strict=True))
    for i, case in enumerate(cases):
        if case.title in TIES:
            with_keras[i] = None
        elif case.name not in NOT_COMPILED and with_keras[i] is not None:
            models[i].append(with_keras[i])
            with_keras[i] = None

    def outputs_of(case, models, arrays):
        try:
            return [model(arrays) for model in models]
        except Exception as error:
            error.add_note(case.title)
            raise

    outputs = jax.jit(lambda data: list(map(outputs_of, cases, models, data)))(data)
    for case, found, not_compiled, arrays in zip(cases, outputs, with_keras, data, strict=True):
        for other in found[1:]:
            assert_close(other, found[0], case.title)
        if not_compiled is not None:
            assert_close(not_compiled(arrays), found[0], case.title)


@pytest.mark.slow
@pytest.mark.parametrize("theme", THEMES)
def test_ops_of_both_libraries(theme):
    cases = [
        case
        for case in CASES
        if case.theme == theme and has_arrays(case) and not {case.name, case.title} & EAGER
    ]
    for first in range(0, len(cases), TOGETHER):
        check_cases(cases[first : first + TOGETHER])


def network(library):
    x, y = library.Input((3,), name="x"), library.Input((3,), name="y")
    joined = library.ops.concatenate([x, y], axis=-1)
    total = library.ops.sum(library.ops.relu(x + y * 2) / (1 - x), axis=-1, keepdims=True)
    mean = library.ops.average(library.ops.reshape(joined, (-1, 2, 3)), axis=1)
    return library.Model([x, y], [total + joined[:, :1], mean, library.ops.rot90(joined)])


def test_operators_and_ops(tmp_path):
    rng = np.random.default_rng(0)
    data = list(rng.normal(size=(2, 4, 3)).astype("float32"))
    ours = network(cornu)
    expected = ours(data)
    ours.save(tmp_path / "ours.keras")
    assert_close(cornu.models.load_model(tmp_path / "ours.keras")(data), expected)
    theirs = network(keras)
    theirs.save(tmp_path / "theirs.keras")
    assert_close(cornu.models.load_model(tmp_path / "theirs.keras")(data), theirs(data))


def test_image_ops_are_read_again():
    image = cornu.Input((4, 5, 6, 2))
    patches = ops.image.extract_patches_3d(image, (2, 2, 3))
    model = cornu.Model(image, ops.image.resize(patches[:, 0], (4, 4)))
    copy = cornu.models.model_from_json(model.to_json())
    x = np.random.default_rng(0).normal(size=(1, 4, 5, 6, 2)).astype("float32")
    assert_close(copy(x), model(x))


def test_functions_of_the_program_are_not_taken_for_ops_of_keras():
    @cornu.op
    def add(a, b):
        return a - b

    x = cornu.Input((2,))
    model = cornu.Model(x, add(x, 1.0))
    entry = json.loads(model.to_json())["config"]["layers"][1]
    assert (entry["module"], entry["class_name"]) == ("keras.ops", "add")


def test_calls_with_too_many_arguments_are_errors():
    x = cornu.Input((3,))
    model = cornu.Model(x, ops.sum(x, axis=1))
    config = json.loads(model.to_json())
    config["config"]["layers"][1]["inbound_nodes"][0]["args"] += [1, 2]
    with pytest.raises(ValueError, match="TypeError"):
        cornu.models.model_from_json(json.dumps(config))
