"""Suggestions of similar names, in messages and for attributes of the public modules."""

import importlib
import re
import traceback
from pathlib import Path

import pytest

import cornu
from cornu import errors
from cornu.errors import did_you_mean, find_similar, quantity, suggest

MODULES = [
    *(f"cornu.{name}" for name in cornu._NAMESPACES),
    *("cornu.ops.image", "cornu.ops.linalg", "cornu.ops.nn", "cornu.ops.numpy"),
    *("cornu.optimizers.schedules", "cornu.preprocessing.image", "cornu.preprocessing.sequence"),
]


def wrong_attribute(module, name):
    with pytest.raises(AttributeError) as info:
        getattr(module, name)
    return info.value


def test_the_most_similar_name_is_the_first():
    optimizers = ("Adadelta", "Adam", "AdamW", "Lion", "Nadam", "RMSprop", "SGD")
    assert find_similar("adamm", optimizers) == ["Adam", "AdamW", "Nadam"]
    assert find_similar("glorot", ("zeros", "glorot_normal")) == ["glorot_normal"]
    assert find_similar("RMSProp", optimizers) == ["RMSprop"]
    assert find_similar("relU", ("elu", "ReLU", "gelu", "relu"))[:2] == ["relu", "ReLU"]
    for names in (cornu.layers.__all__[::3], cornu.ops.__all__[::9], cornu.optimizers.__all__):
        for name in names:
            if len(name) > 4:
                assert find_similar(name[:-2] + name[-1], names)[0].lower()[:3] == name.lower()[:3]
                assert find_similar(name.swapcase(), names)[0].lower() == name.lower()


def test_distant_names_are_not_suggested_beside_close_ones():
    assert find_similar("matmull", ("matmul", "all")) == ["matmul"]
    assert find_similar("xyz", ("Dense", "Conv2D")) == []
    assert find_similar("Scale", ("MSLE", "Dense")) == []


def test_suggestions_are_a_sentence():
    assert did_you_mean("Dens", ["Dense"]) == "Did you mean 'Dense'?"
    assert did_you_mean("Conv", ["Conv1D", "Conv2D"]) == "Did you mean 'Conv1D' or 'Conv2D'?"
    assert did_you_mean("Conv", ["Conv1", "Conv2", "Conv3"]).endswith(
        "'Conv1', 'Conv2' or 'Conv3'?"
    )
    assert suggest("xyz", ["Dense"]) == "Known: Dense." and suggest("x", []) == "There are none."


@pytest.mark.parametrize("path", ["cornu", *MODULES])
def test_every_public_module_suggests_its_names(path):
    module = importlib.import_module(path)
    name = max(module.__all__, key=len)
    error = wrong_attribute(module, name + "x")
    assert str(error).startswith(f"module {path!r} has no attribute '{name}x'. Did you mean ")
    assert repr(name) in str(error)
    # The user's line is the last one, and Python adds no suggestion of its own.
    assert [frame.name for frame in traceback.extract_tb(error.__traceback__)] == [
        "wrong_attribute"
    ]
    assert "".join(traceback.format_exception(error)).count("Did you mean") == 1


def test_special_names_are_not_searched():
    assert str(wrong_attribute(errors, "__wrapped__")).endswith("has no attribute '__wrapped__'")
    assert not hasattr(cornu, "no_such_name_at_all")


def test_nouns_agree_with_their_count():
    plurals = {
        **{"row": "rows", "array": "arrays", "value": "values", "axis": "axes", "class": "classes"},
        **{"batch": "batches", "box": "boxes", "boundary": "boundaries", "sigmoid unit": ""},
    }
    for noun, plural in plurals.items():
        assert quantity(1, noun) == f"1 {noun}"
        assert quantity(0, noun) == f"0 {plural or noun + 's'}"
        assert quantity(12, noun) == f"12 {plural or noun + 's'}"


COUNT = re.compile(r"(?<![\w.])1 (?!is|has|was|this|axis|class|pass|loss|bias)[a-z]*[^s\W]s\b")


def test_no_message_counts_one_in_the_plural():
    page = (Path(cornu.__file__).parents[1] / "docs" / "errors.md").read_text()
    assert "1 value in 1 row" in page
    assert COUNT.findall("1 values in 1 rows, 1 axis, 21 rows") == ["1 values", "1 rows"]
    assert COUNT.findall(page) == []
