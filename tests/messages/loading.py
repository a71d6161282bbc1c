"""Mistakes in saving and loading. Files lie in a folder of their own."""

import json
import zipfile
from pathlib import Path

import numpy as np

import cornu
from cornu import Input, Layer, Sequential, layers
from tests.messages.table import wrong


class Scale(Layer):
    """A layer of the program's own."""

    def call(self, x):
        return x * 2


def difference(y_true, y_pred):
    """A loss of the program's own."""
    return cornu.ops.mean(cornu.ops.abs(y_true - y_pred))


def net(units=3, *more):
    return Sequential([Input((4,), name="x"), *more, layers.Dense(units, name="out")], name="net")


@wrong(
    FileNotFoundError,
    """
File 'model.keras' does not exist.
load_model() was called (at loading.py:1).
""",
)
def a_file_that_is_not_there():
    """There is no such file."""
    cornu.models.load_model("model.keras")


@wrong(
    ValueError,
    """
The file name of a model must end in '.keras' or '.h5', and that of a directory (zipped=False) \
has no ending. Received: 'model.zip'
To save only the weights, use model.save_weights('....weights.h5').
save() was called (at loading.py:1).
""",
)
def an_unknown_ending():
    """A model is saved under a name of another format."""
    net().save("model.zip")


@wrong(
    ValueError,
    """
The file name of weights must end in .weights.h5, .h5, .safetensors, .npz. Received: 'weights'
For example, use 'weights.weights.h5'.
save_weights() was called (at loading.py:1).
""",
)
def weights_of_an_unknown_ending():
    """Weights are saved under a name without ending."""
    net().save_weights("weights")


@wrong(
    ValueError,
    """
'net.weights.h5' contains only weights. Create the model in your program, and load them with \
model.load_weights().
load_model() was called (at loading.py:2).
""",
)
def loading_weights_as_a_model():
    """A file of weights is loaded as a model."""
    net().save_weights("net.weights.h5")
    cornu.models.load_model("net.weights.h5")


@wrong(
    ValueError,
    """
Lambda layer 'double' wraps a Python lambda, which is code and cannot be loaded from a config.
Pass the function by the name of the layer, as custom_objects={'double': function}, or wrap a \
named function with @cornu.saving.register_keras_serializable().
model_from_json() was called (at loading.py:4).
""",
)
def loading_a_lambda_of_keras_2():
    """The JSON of a model of Keras 2 contains a Python lambda."""
    layer = {"name": "double", "batch_input_shape": [None, 2], "function": ["4wEAAAA=", None, None]}
    entry = {"class_name": "Lambda", "config": {**layer, "function_type": "lambda"}}
    config = {"class_name": "Sequential", "config": [entry], "keras_version": "2.2.4"}
    cornu.models.model_from_json(json.dumps(config))


@wrong(
    ValueError,
    """
Loss: Unknown function 'smooth_loss'. If it is your own, pass custom_objects={'smooth_loss': \
smooth_loss}, or decorate it with @cornu.saving.register_keras_serializable().
load_model(..., compile=False) loads the model without being compiled.
load_model() was called (at loading.py:7).
""",
)
def a_loss_of_the_program_that_is_missing():
    """The loss of a loaded model is a function of the program that saved it."""

    def smooth_loss(y_true, y_pred):
        return cornu.ops.mean(cornu.ops.abs(y_true - y_pred))

    model = net()
    model.compile("sgd", smooth_loss)
    model.save("model.keras")
    cornu.models.load_model("model.keras")


@wrong(
    ValueError,
    """
'model.keras' is damaged or has another format. BadZipFile: File is not a zip file
Copy or download the file again, or save it again.
load_model() was called (at loading.py:3).
""",
)
def a_damaged_file():
    """The file was cut off on its way."""
    net().save("model.keras")
    Path("model.keras").write_bytes(Path("model.keras").read_bytes()[:200])
    cornu.models.load_model("model.keras")


@wrong(
    ValueError,
    """
'net.weights.h5' is damaged or has another format. OSError: Unable to synchronously open file \
(file signature not found)
Copy or download the file again, or save it again.
load_weights() was called (at loading.py:2).
""",
)
def a_damaged_file_of_weights():
    """A page of text under the name of a file of weights."""
    Path("net.weights.h5").write_text("<html>404 Not Found</html>")
    net().load_weights("net.weights.h5")


@wrong(
    ValueError,
    """
Unknown class 'Scale'. It was saved from the module 'tests.messages.loading':
    from tests.messages.loading import Scale
and pass custom_objects={'Scale': Scale}, or decorate it with \
@cornu.saving.register_keras_serializable().
load_model() was called (at loading.py:2).
""",
)
def an_unknown_class():
    """The file needs a layer that the loading program does not know."""
    net(3, Scale(name="scale")).save("model.keras")
    cornu.models.load_model("model.keras")


@wrong(
    ValueError,
    """
Lambda layer 'twice' wraps a Python lambda, which is code and cannot be loaded from a config.
Pass the function by the name of the layer, as custom_objects={'twice': function}, or wrap a \
named function with @cornu.saving.register_keras_serializable().
load_model() was called (at loading.py:2).
""",
)
def a_lambda():
    """The file needs a Python lambda."""
    net(3, layers.Lambda(lambda x: x * 2, name="twice")).save("model.keras")
    cornu.models.load_model("model.keras")


@wrong(
    ValueError,
    """
The model refers to 2 classes and functions that this program does not have:
  class 'Scale', of Sequential 'net' (from the module tests.messages.loading)
  function 'difference', of Sequential 'net', loss of compile
Import or define them, and pass
    custom_objects={'Scale': Scale, 'difference': difference}
or decorate them with @cornu.saving.register_keras_serializable().
load_model(..., compile=False) needs none of 'difference'.
load_model() was called (at loading.py:4).
""",
)
def several_unknown_names():
    """The file needs a layer and a loss that the loading program does not know."""
    model = net(3, Scale(name="scale"))
    model.compile("sgd", difference)
    model.save("model.keras")
    cornu.models.load_model("model.keras")


@wrong(
    ValueError,
    """
The file does not match 2 of the model's 2 weights. The model was not changed.
  layers/dense/vars/0: out/kernel has shape (4, 5), the array in the file (4, 3)
  layers/dense/vars/1: out/bias has shape (5,), the array in the file (3,)
Check that the file was saved from the same architecture, or pass skip_mismatch=True to load the\
 weights that match.
load_weights() was called (at loading.py:2).
""",
)
def weights_of_another_architecture():
    """Weights of another number of units."""
    net(3).save_weights("net.weights.h5")
    net(5).load_weights("net.weights.h5")


@wrong(
    ValueError,
    """
The file does not match 4 of the model's 4 weights. The model was not changed.
  layers/dense/vars/0: hidden/kernel has shape (4, 4), the array in the file (4, 3)
  layers/dense/vars/1: hidden/bias has shape (4,), the array in the file (3,)
  layers/dense_1/vars/0: out/kernel (4, 3) is not in the file
  layers/dense_1/vars/1: out/bias (3,) is not in the file
Did you mean 'layers/dense/vars/0' or 'layers/dense/vars/1'?
Check that the file was saved from the same architecture, or pass skip_mismatch=True to load the\
 weights that match.
load_weights() was called (at loading.py:2).
""",
)
def weights_of_another_depth():
    """Weights of a model with fewer layers."""
    net(3).save_weights("net.weights.h5")
    net(3, layers.Dense(4, name="hidden")).load_weights("net.weights.h5")


@wrong(
    ValueError,
    """
Sequential 'late' is not built: the shapes of its weights are unknown. Call it on data, or pass \
an input shape, before you load weights.
load_weights() was called (at loading.py:2).
""",
)
def weights_into_an_unbuilt_model():
    """Weights are loaded before the model knows its input."""
    net(3).save_weights("net.weights.h5")
    Sequential([layers.Dense(3)], name="late").load_weights("net.weights.h5")


@wrong(
    ValueError,
    """
Sequential 'late' is not built: it has no weights to save. Call it on data first.
save_weights() was called (at loading.py:1).
""",
)
def saving_an_unbuilt_model():
    """Weights are saved before there are any."""
    Sequential([layers.Dense(3)], name="late").save_weights("net.weights.h5")


@wrong(
    FileExistsError,
    """
'model.keras' exists. Pass overwrite=True to replace it.
save() was called (at loading.py:2).
""",
)
def overwriting():
    """A file is there already."""
    net().save("model.keras")
    net().save("model.keras", overwrite=False)


@wrong(
    TypeError,
    """
<object object at 0x...> (of type object) cannot be serialized. To support a class of your own, \
define `get_config()` and decorate it with @cornu.saving.register_keras_serializable().
save() was called (at loading.py:9).
""",
)
def an_argument_that_is_no_data():
    """A layer was made with something that no file can hold."""

    class Tagged(Layer):
        def __init__(self, tag, **kwargs):
            super().__init__(**kwargs)
            self.tag = tag

        def call(self, x):
            return x

    net(3, Tagged(object(), name="tagged")).save("model.keras")


@wrong(
    ValueError,
    """
The JSON text starts with 'model.json', and does not describe a model.
Pass the string that model.to_json() returned, not a file name.
model_from_json() was called (at loading.py:1).
""",
)
def json_that_is_none():
    """A name of a file instead of JSON."""
    cornu.models.model_from_json("model.json")


@wrong(
    TypeError,
    """
Dense has no argument 'unit'. Did you mean 'units'?
Dense() was called (at loading.py:2).
""",
)
def an_unknown_argument_in_a_config():
    """A config has an argument that the layer does not have."""
    config = {**layers.Dense(3).get_config(), "unit": 3}
    layers.Dense.from_config(config)


@wrong(
    ValueError,
    """
Power cannot be created from its config {'name': 'power'}: \
a_class_that_cannot_be_made_again.<locals>.Power.__init__() missing 1 required positional \
argument: 'exponents'.
Its get_config() must return every argument that the constructor requires. If the class does not\
 define get_config(), the arguments are captured automatically.
load_model() was called (at loading.py:14).
""",
)
def a_class_that_cannot_be_made_again():
    """A layer's get_config leaves an argument out that is not plain data."""

    @cornu.saving.register_keras_serializable()
    class Power(Layer):
        def __init__(self, exponents, **kwargs):
            super().__init__(**kwargs)
            self.exponents = exponents

        def call(self, x):
            return x ** len(self.exponents)

        def get_config(self):
            return {"name": self.name}

    net(3, Power({1, 2}, name="power")).save("model.keras")
    cornu.models.load_model("model.keras")


@wrong(
    ValueError,
    """
The archive has no member 'model.weights.h5'.
load_model() was called (at loading.py:3).
""",
)
def an_archive_without_weights():
    """A zip file with a config and nothing else."""
    with zipfile.ZipFile("model.keras", "w") as archive:
        archive.writestr("config.json", json.dumps({}))
    cornu.models.load_model("model.keras")


@wrong(
    TypeError,
    """
Expected the path of a file. Received: ndarray
To set the weights from arrays, call model.set_weights(arrays).
load_weights() was called (at loading.py:1).
""",
)
def an_array_instead_of_a_file():
    """The weights themselves are given instead of a file."""
    net().load_weights(np.ones((4, 3)))


@wrong(
    PermissionError,
    """
'net.keras' is read-only, and was not replaced.
Change its permissions, or pass another path.
save() was called (at loading.py:3).
""",
)
def a_read_only_file():
    """The file that would be replaced is read-only."""
    net().save("net.keras")
    Path("net.keras").chmod(0o444)
    net().save("net.keras")


@wrong(
    ValueError,
    """
The JSON text asks for more than its size justifies: 1,170 layers. At most 1,169 are allowed for\
 320,761 bytes.
If you trust the text, call cornu.saving.deserialize_keras_object(json.loads(text)).
model_from_json() was called (at loading.py:4).
""",
)
def more_layers_than_text():
    """Text describes more layers than its size justifies."""
    config = json.loads(net().to_json())
    layer = {"module": "keras.layers", "class_name": "ReLU", "config": {}}
    config["config"]["layers"] += [layer] * 5000
    cornu.models.model_from_json(json.dumps(config))


@wrong(
    ValueError,
    """
'layers/dense/vars/0' does not have its checksum: the file is damaged.
Copy or download the file again, or save it again.
load_weights() was called (at loading.py:6).
""",
)
def a_damaged_number():
    """Bytes of the weights in a file have changed."""
    model = net()
    model.set_weights([np.ones_like(weight) for weight in model.get_weights()])
    model.save_weights("net.weights.h5")
    data = Path("net.weights.h5").read_bytes()
    Path("net.weights.h5").write_bytes(data.replace(np.ones(9, "f4"), np.zeros(9, "f4")))
    model.load_weights("net.weights.h5")
