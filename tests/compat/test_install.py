"""Programs that import Keras run on cornu, in processes of their own."""

import os
import subprocess
import sys

import pytest

from cornu.cli import main
from tests.processes import ROOT, run_program

IMPORTS = """
import sys
import cornu
before = set(sys.modules)
cornu.install_as_keras()
cornu.install_as_keras()  # a second time
new = {name for name in set(sys.modules) - before if not name.startswith("cornu.compat")}
assert {name for name in new if name.partition(".")[0] in ("cornu", "jax", "keras")} == {"keras"}
import keras
from keras import layers, ops
import keras.layers
import keras.api.layers
import keras._tf_keras.keras.layers as private
import tensorflow.keras as tf_keras
from tensorflow.keras.layers import Dense
from tensorflow import keras as imported
from keras.src import saving
from keras.src.saving import saving_lib
from keras.src.ops import *
import keras.datasets.mnist, keras.applications.resnet50, keras.optimizers.schedules

assert keras.layers is layers is keras.api.layers is private is cornu.layers
assert tf_keras.layers is imported.layers is cornu.layers and Dense is cornu.layers.Dense
assert sys.modules["keras.layers"] is sys.modules["cornu.layers"]
assert cornu.layers.__spec__.name == "cornu.layers" and cornu.layers.__name__ == "cornu.layers"
assert keras.__version__ == keras.version() == tf_keras.__version__ and keras.version()[:2] == "3."
assert keras.__file__.endswith("__init__.py") and "cornu" in keras.__file__
assert keras.Model is cornu.Model and keras.datasets.mnist is cornu.datasets.mnist
assert saving.serialize_keras_object is cornu.saving.serialize_keras_object
assert tf_keras.backend.squeeze is cornu.ops.squeeze is squeeze
assert tf_keras.backend.backend() == keras.backend.backend() == "jax"
assert "Dense" in dir(keras.src.layers) and "layers" in dir(keras)
assert importlib.util.find_spec("keras").name == "keras"

for statement, words in {
    "import keras.layers.dense": "'keras', which is cornu, has no 'layers.dense'",
    "import keras.nothing": "has no 'nothing'",
    "import keras.src.nothing": "python -m cornu doctor",
    "from keras.src.layers import Nothing": "keras.src.layers.Nothing is a private path of Keras",
    "from keras.src.saving.saving_lib import nothing": "add a row to",
    "from keras import nothing": "cannot import name 'nothing'",
}.items():
    try:
        exec(statement)
    except ImportError as error:
        assert words in str(error), (statement, error)
    else:
        raise AssertionError(statement)
real = [m for m in sys.modules.values() if "site-packages/keras" in str(vars(m).get("__file__"))]
assert not real, real
"""


def test_each_module_of_keras_is_a_module_of_cornu():
    run_program("import importlib.util\n" + IMPORTS, strict=False)


def test_keras_that_is_imported_already_is_refused():
    program = "import sys, types; sys.modules['keras'] = types.ModuleType('keras')\n"
    done = run_program(f"{program}import cornu; cornu.install_as_keras()", check=False)
    assert "RuntimeError: Keras  is already imported from None." in done.stderr
    done = run_program(
        "import cornu.dialects.keras1; cornu.dialects.keras1.install()\n"
        "import cornu; cornu.install_as_keras()",
        check=False,
    )
    assert "RuntimeError: Keras 1.2.2 is already imported" in done.stderr


def test_tensorflow_keras_where_tensorflow_is_not_installed():
    run_program(
        """
import importlib.machinery, sys
find = importlib.machinery.PathFinder.find_spec
importlib.machinery.PathFinder.find_spec = lambda name, path=None, target=None: (
    None if name == "tensorflow" else find(name, path, target)
)
import cornu
cornu.install_as_keras()
import tensorflow as tf
from tensorflow.keras.layers import Dense
import tensorflow.keras.models
assert Dense is tf.keras.layers.Dense is cornu.layers.Dense
for name in ("Tensor", "data"):
    try:
        getattr(tf, name)
    except AttributeError as error:
        assert "TensorFlow is not installed" in str(error)
    else:
        raise AssertionError(name)
try:
    import tensorflow.data
except ImportError:
    pass
else:
    raise AssertionError("tensorflow.data")
""",
        strict=False,
    )


PROGRAM = """
import os, subprocess, sys
import keras
from keras.layers import Dense
print(keras.__version__, Dense.__module__, sys.argv[1:])
if sys.argv[1:] != ["inner"]:
    inner = [sys.executable, __file__, "inner"]
    print(subprocess.run(inner, capture_output=True, text=True).stdout)
"""


@pytest.mark.parametrize("way", ["file", "module", "environment"])
def test_programs_that_are_not_edited(tmp_path, way, capsys):
    (tmp_path / "program.py").write_text(PROGRAM)
    paths = [str(ROOT), str(tmp_path)]
    if way == "environment":
        assert main(["keras-path"]) == 0
        paths.insert(0, capsys.readouterr().out.strip())
        command = [str(tmp_path / "program.py")]
    else:
        command = ["-m", "cornu", "run", "--as", "keras3"]
        command += [str(tmp_path / "program.py")] if way == "file" else ["-m", "program"]
    done = subprocess.run(
        [sys.executable, *command, "outer"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    shown = done.stdout.split("\n")
    assert shown[0] == "3.15.1 cornu.layers.dense ['outer']"
    assert shown[1] == "3.15.1 cornu.layers.dense ['inner']"
