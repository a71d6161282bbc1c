"""The layer that CONTRIBUTING.md adds works, and its test passes."""

import doctest
import re
from pathlib import Path

import numpy as np

import cornu
from cornu.layers import activations

PAGE = Path(__file__).parents[2] / "CONTRIBUTING.md"


def test_the_layer_of_the_page(monkeypatch):
    layer, test = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    namespace = {**vars(activations), "np": np}
    exec(layer, namespace)
    monkeypatch.setattr(cornu.layers, "SquaredReLU", namespace["SquaredReLU"], raising=False)
    exec(test, namespace)
    namespace["test_squared_relu"]()
    example = doctest.DocTestParser().get_doctest(
        namespace["SquaredReLU"].__doc__, {}, "SquaredReLU", str(PAGE), 0
    )
    assert doctest.DocTestRunner().run(example).failed == 0
