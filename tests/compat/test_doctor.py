"""The report of the paths of Keras that a package imports."""

import pytest

from cornu.cli import main
from cornu.compat import doctor

PACKAGE = {
    "__init__.py": "import keras\nfrom .keras import own\nnew = keras.src.saving.saving_lib.new",
    "layers.py": "from keras.src.layers import Layer, Nothing\nfrom keras import layers as L\n"
    "from tensorflow.keras import backend as K\nx = K.squeeze\ny = K.nothing\nz = L.Dense",
    "inner/ops.py": "from package.backend import keras as k\nfrom keras import config\n"
    "def f(config):\n    config.update(1)\nk.src.ops.nothing\nimport keras.src.saving.unknown",
    "inner/test_ops.py": "from keras.src import testing",
    "old.py": "print 'a program for Python 2'",
}


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "package"
    for name, text in PACKAGE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_private_paths_and_those_that_are_missing(package):
    report = doctor.examine(str(package))
    assert report.private == {
        "keras.src.saving.saving_lib.new": ["__init__.py"],
        "keras.src.layers.Layer": ["layers.py"],
        "keras.src.layers.Nothing": ["layers.py"],
        "keras.src.ops.nothing": ["inner/ops.py"],
        "keras.src.saving.unknown": ["inner/ops.py"],
    }
    found = "keras.src.layers.Layer"
    assert report.missing.keys() - {"tensorflow.keras.backend.nothing"} == (
        report.private.keys() - {found}
    )
    assert doctor.examine(str(package / "layers.py")).private.keys() == {
        found,
        "keras.src.layers.Nothing",
    }


def test_the_command(package, capsys):
    assert main(["doctor", str(package)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("package: 5 private paths of Keras")
    assert "  found    keras.src.layers.Layer  (layers.py)" in lines
    assert "  missing  keras.src.layers.Nothing  (layers.py)" in lines
    assert "  missing  tensorflow.keras.backend.nothing  (layers.py)" in lines
    assert main(["doctor", "pytest"]) == 0  # a distribution that does not import Keras
    assert capsys.readouterr().out == "pytest: 0 private paths of Keras\n"
    assert main(["doctor", "json"]) == 0  # a package without a distribution
    assert main(["doctor", "no_such_package"]) == 2
    assert capsys.readouterr().err == "cornu doctor: package 'no_such_package' is not installed\n"
