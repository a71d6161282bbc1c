"""Methods of layers that programs override: who calls them, and with which results."""

import keras
import numpy as np
import pytest

import cornu

LIBRARIES = (cornu, keras)
X = np.array([[1.0], [2.0]], "float32")


def _ids(library):
    return library.__name__


@pytest.mark.parametrize("library", LIBRARIES, ids=_ids)
def test_metrics_cannot_be_added_in_call(library):
    with pytest.raises(NotImplementedError, match="add_metric"):
        library.layers.Dense(1).add_metric(1.0, name="m")


@pytest.mark.parametrize(
    "arguments",
    [
        {"ndim": 2, "axes": {-1: 8}},
        {"shape": (None, 3), "dtype": "float32"},
        {"min_ndim": 1, "max_ndim": 4, "optional": True},
    ],
)
def test_input_specs_have_the_config_of_keras(arguments):
    ours, theirs = (lib.layers.InputSpec(**arguments).get_config() for lib in LIBRARIES)
    assert ours == theirs
    assert cornu.InputSpec.from_config(theirs).get_config() == ours


def _context_models(library):
    class Inner(library.layers.Layer):
        def __init__(self, registered=True):
            super().__init__()
            if registered:
                self._register_call_context_args("mode")

        def call(self, x, mode=False):
            return x + (1.0 if mode else 0.0)

    class Outer(library.layers.Layer):
        def __init__(self, registered):
            super().__init__()
            self.inner = Inner(registered)

        def call(self, x):
            return self.inner(x)

    for registered in (True, False):
        model = library.Sequential([Outer(registered)])
        model._register_call_context_args("mode")
        yield model


def test_context_arguments_reach_the_layers_that_registered_them():
    found = []
    for library in LIBRARIES:
        registered, unregistered = _context_models(library)
        calls = [
            registered(X, mode=True),
            registered(X),
            registered(X, mode=False),
            unregistered(X, mode=True),
        ]
        found.append([np.asarray(call).ravel().tolist() for call in calls])
    assert found[0] == found[1] == [[2, 3], [1, 2], [1, 2], [1, 2]]


@pytest.mark.parametrize("library", LIBRARIES, ids=_ids)
def test_the_methods_that_store_and_build_are_those_of_the_program(library, tmp_path):
    calls = []

    @library.saving.register_keras_serializable("test_hooks")
    class Table(library.layers.Layer):
        def build(self, input_shape):
            self.rows = self.add_weight(shape=(input_shape[-1],), name="rows", initializer="ones")

        def call(self, x):
            return x * self.rows

        def get_build_config(self):
            calls.append("get_build_config")
            return {"size": int(self.rows.shape[0])}

        def build_from_config(self, config):
            calls.append("build_from_config")
            self.build((None, config["size"]))

        def save_own_variables(self, store):
            calls.append("save_own_variables")
            store["table"] = np.asarray(self.rows.value) * 10

        def load_own_variables(self, store):
            calls.append("load_own_variables")
            self.rows.assign(np.asarray(store["table"]) / 10)

    x = library.Input((2,))
    layer = Table()
    model = library.Model(x, layer(x))
    layer.rows.assign([3.0, 4.0])
    model.save(tmp_path / "m.keras")
    again = library.saving.load_model(tmp_path / "m.keras")
    assert np.allclose(again.layers[-1].rows.value, [3, 4])
    assert set(calls) == {
        "get_build_config",
        "build_from_config",
        "save_own_variables",
        "load_own_variables",
    }


def test_scopes_of_custom_objects_are_a_class():
    assert isinstance(keras.saving.CustomObjectScope, type)
    assert isinstance(cornu.saving.CustomObjectScope, type)
    with cornu.saving.CustomObjectScope({"twice": lambda x: 2 * x}):
        assert cornu.activations.get("twice")(4) == 8
    with pytest.raises(ValueError, match="twice"):
        cornu.activations.get("twice")


@pytest.mark.parametrize("library", LIBRARIES, ids=_ids)
def test_from_config_finds_the_classes_of_the_program(library):
    class Own(library.layers.Layer):
        def call(self, x):
            return 3 * x

    x = library.Input((1,))
    config = library.Model(x, Own()(x)).get_config()
    model = library.Model.from_config(config, custom_objects={"Own": Own})
    assert np.allclose(model(X), 3 * X)


def test_unsafe_deserialization_executes_no_code_of_a_file():
    layer = keras.layers.Lambda(lambda x: x + 1)
    config = keras.saving.serialize_keras_object(layer)
    cornu.config.enable_unsafe_deserialization()
    with pytest.raises(ValueError, match="[Ll]ambda"):
        cornu.saving.deserialize_keras_object(config, safe_mode=False)
