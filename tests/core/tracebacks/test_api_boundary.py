"""Errors at the API boundary: locations, notes, tracebacks, causes."""

import importlib
import inspect
import json
import os
import traceback

import jax
import numpy as np
import pytest

import cornu
from cornu import Input, Layer, Model, Sequential, config, layers
from cornu.core.tracebacks.api_boundary import api_boundary
from tests.timing import LETTERS, passes_of


class Logarithm(Layer):
    def call(self, x):
        return np.log(x)


class Refusing(Layer):
    def call(self, x):
        raise self.error


class Own(Exception):
    pass


def caught(fn):
    with pytest.raises(Exception) as info:
        fn()
    return info.value


def files(error):
    return [frame.filename for frame in traceback.extract_tb(error.__traceback__)]


@pytest.fixture
def unfiltered():
    config.disable_traceback_filtering()
    yield
    config.enable_traceback_filtering()


def test_a_traceback_shows_the_users_frames():
    error = caught(lambda: Logarithm()(Input((3,))))
    inner = [file for file in files(error) if "cornu/cornu" in file or "/core/" in file]
    assert files(error)[-1] == __file__ and "np.log(x)" in traceback.format_exc() + str(
        traceback.extract_tb(error.__traceback__)[-1].line
    )
    assert not [file for file in inner if file != __file__]
    assert not any("jax" in file for file in files(error))


def test_jax_messages_are_preserved_without_frames():
    error = caught(lambda: Logarithm()(Input((3,))))
    assert isinstance(error.__context__, jax.errors.TracerArrayConversionError)
    assert error.__context__.__traceback__ is None


def test_only_the_translated_message_is_shown():
    for program in (
        lambda: Logarithm()(Input((3,))),
        lambda: layers.Lambda(lambda x: x[:, :, 0] + np.ones(7))(Input((None, 4))),
    ):
        error = caught(program)
        shown = "".join(traceback.format_exception(error))
        assert "jax/_src" not in shown and "JAX has removed" not in shown
        assert "direct cause" not in shown and "During handling" not in shown
        assert error.__context__ is not None


def test_all_frames_are_shown_on_request(unfiltered):
    assert not config.is_traceback_filtering_enabled()
    error = caught(lambda: Logarithm()(Input((3,))))
    shown = "".join(traceback.format_exception(error))
    assert "core/graph/inference.py" in shown and "jax/_src" in shown
    assert error.__cause__ is not None


def test_fit_hides_its_frames():
    def loss(y_true, y_pred):
        return np.square(y_true - y_pred)

    model = Sequential([Input((3,)), layers.Dense(1)])
    model.compile("sgd", loss)
    error = caught(lambda: model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0))
    assert files(error)[-1] == __file__
    assert not any("/training/" in file or "jax" in file for file in files(error))
    assert any("fit() was called" in note for note in error.__notes__)


@pytest.mark.parametrize("kind", [ValueError, KeyError, AttributeError, FileNotFoundError, Own])
def test_errors_of_the_user_keep_their_type(kind):
    layer = Refusing(name="refusing")
    layer.error = kind("no")
    for call in (lambda: layer(Input((3,))), lambda: layer(np.ones((2, 3)))):
        layer.error = kind("no")
        error = caught(call)
        assert type(error) is kind and error is layer.error
        text = "\n".join([str(error), *getattr(error, "__notes__", ())])
        assert "Refusing layer 'refusing'" in text and "test_api_boundary.py:" in text


def test_a_location_is_reported_once():
    inner = Refusing(name="inner")
    inner.error = ValueError("no")

    class Outer(Layer):
        def __init__(self):
            super().__init__(name="outer")
            self.inner = inner

        def call(self, x):
            return self.inner(x)

    text = str(caught(lambda: Outer()(np.ones((2, 3)))))
    assert text.startswith("Refusing layer 'inner' in outer (at ")
    assert text.count("Refusing layer") == 1 and "Outer layer" not in text


def test_the_path_in_a_functional_model_is_its_block():
    refusing = Refusing(name="refusing")

    def head(x):
        return refusing(x)

    x = Input((3,))
    refusing.call = lambda x: x
    model = Model(x, head(layers.ReLU()(x)))

    def fail(x):
        raise IndexError("no")

    refusing.call = fail
    text = str(caught(lambda: model(np.ones((2, 3), "float32"))))
    assert text.startswith("In head > refusing (called at ") and "inputs of shape (2, 3)" in text


def test_errors_of_public_functions_name_the_caller():
    @api_boundary
    def load():
        raise ValueError("broken")

    error = caught(load)
    assert str(error) == "broken"
    assert error.__notes__[0].startswith("It failed in load (at ")
    assert "load() was called in" in error.__notes__[0]


def test_warnings_point_at_the_users_line():
    ids = Input((6,), dtype="int32")
    x = layers.Embedding(5, 4, mask_zero=True)(ids)
    with pytest.warns(UserWarning, match="mask") as found:
        layers.Conv1D(2, 3)(x)
    assert found[0].filename == __file__


def test_constructors_keep_their_signatures():
    assert cornu.layers.MaxPooling2D().pool_size == (2, 2)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'units'"):
        cornu.layers.Dense()


def test_an_error_of_the_user_shows_no_frame_of_the_library():
    layer = Refusing(name="refusing")
    layer.error = ValueError("no")
    error = caught(lambda: layer(np.ones((2, 3))))
    assert error is layer.error
    assert not any("/cornu/core/" in file for file in files(error)), files(error)


# ------------------------------------------------------------------ every public function is one

# Modules below the API boundary in the architecture, which it imports itself.
BELOW = ("tree", "errors")
# Functions of such modules, and those that programs call in every step.
NOT_BOUNDARIES = {"standardize_dtype", "set_random_seed", "convert_to_tensor", "dtype"}


def public_functions():
    for namespace in cornu._NAMESPACES:
        module = importlib.import_module(f"cornu.{namespace}")
        for name in module.__all__:
            fn = getattr(module, name)
            if inspect.isfunction(fn) and namespace not in BELOW and name not in NOT_BOUNDARIES:
                yield f"{namespace}.{name}", fn


def library_files(error):
    """The files of the library in a traceback; those of a boundary call the function itself."""
    folder = os.path.dirname(cornu.__file__)
    boundaries = ("api_boundary.py", "execution.py", "op.py", "layer.py", "merging.py")
    found = [os.path.relpath(file, folder) for file in files(error) if file.startswith(folder)]
    return [file for file in found if not file.endswith(boundaries)]


def test_errors_of_public_functions_show_no_frame_of_the_library(capsys):
    failed = {}
    for name, fn in public_functions():
        parameters = inspect.signature(fn).parameters.values()
        positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        required = [p for p in parameters if p.kind in positional and p.default is p.empty]
        if not required:
            continue
        try:
            fn(*(object() for _ in required))
        except Exception as error:
            failed[name] = library_files(error)
    assert len(failed) > 200
    assert not {name: found for name, found in failed.items() if found}


def test_an_error_names_the_function_that_the_user_called(tmp_path):
    model = Sequential([Input((3,)), layers.Dense(1)])
    model.save(tmp_path / "model.keras")
    for event, program in {
        "save()": lambda: model.save(tmp_path / "model.txt"),
        "save_model()": lambda: cornu.saving.save_model(model, tmp_path / "model.txt"),
        "save_weights()": lambda: model.save_weights(tmp_path / "model.txt"),
        "load_weights()": lambda: model.load_weights(tmp_path / "model.txt"),
        "compile()": lambda: model.compile("adamm"),
        "get()": lambda: cornu.optimizers.get("adamm"),
        "Input()": lambda: Input(4),
        "InputLayer()": lambda: layers.InputLayer(4),
        "Dense()": lambda: layers.Dense(-1),
        "LSTM()": lambda: layers.LSTM(-1),
        "clone_model()": lambda: cornu.models.clone_model(object()),
        "to_categorical()": lambda: cornu.utils.to_categorical([3], 2),
        "image_dataset_from_directory()": lambda: cornu.utils.image_dataset_from_directory("no"),
    }.items():
        error = caught(program)
        note = error.__notes__[-1]
        assert f"{event} was called in" in note and "test_api_boundary.py:" in note, event
        assert note.count("was called") == 1 and len(error.__notes__) == 1, event


def test_an_object_that_a_subclass_of_the_user_creates_is_located_in_the_subclass():
    class Head(Layer):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(-1)

    class Heads(Head):
        pass

    for create in (Head, Heads):
        (note,) = caught(create).__notes__
        assert "Dense() was called in" in note and "__init__" not in note and "Head" in note


def _edited(change):
    def load():
        config = json.loads(cornu.Sequential([cornu.Input((4,)), layers.Dense(2)]).to_json())
        change(config, config["config"]["layers"][1])
        cornu.models.model_from_json(json.dumps(config))

    return load


class _Raising(layers.Layer):
    def call(self, x):
        raise ValueError(LETTERS)


@pytest.mark.parametrize(
    "program",
    [
        _edited(lambda model, dense: model.update(class_name=LETTERS)),
        _edited(lambda model, dense: model.update(registered_name=LETTERS)),
        _edited(lambda model, dense: dense.update(class_name=LETTERS, module=LETTERS)),
        _edited(lambda model, dense: dense["config"].update(dtype=LETTERS)),
        _edited(lambda model, dense: dense["config"].update(activation=LETTERS)),
        _edited(lambda model, dense: dense["config"].update(kernel_initializer=LETTERS)),
        _edited(lambda model, dense: dense["config"].update({LETTERS: 1})),
        lambda: layers.EinsumDense(LETTERS, 4)(np.ones((2, 2))),
        lambda: layers.Dense(2, **{LETTERS: 1}),
        lambda: cornu.losses.get(LETTERS),
        lambda: cornu.ops.cast(np.ones(2), LETTERS),
        lambda: _Raising()(np.ones((2, 2))),
    ],
)
def test_errors_about_long_names_are_fast_and_short(program):
    errors = []

    def refused():
        with pytest.raises((ValueError, TypeError)) as info:
            program()
        errors.append(info.value)

    assert passes_of(refused, 20) < 20
    text = str(errors[-1])
    # The message of the user's own error is not cut.
    assert (LETTERS in text) if "_Raising" in text else len(text) < 3000
