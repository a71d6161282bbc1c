"""Numbers in a file that multiply the work of creating its model are bounded by its size."""

import inspect
import json
import math

import pytest

import cornu
from cornu.saving import budget, work_budget
from cornu.saving.work_budget import check_work
from tests.timing import passes_of

# Larger than users choose, and still loaded.
GENEROUS = {
    "n": 100,
    "indices_or_sections": 100,
    "kernel_size": 16,
    "pad_width": [[0, 0], [500, 500]],
    "sequence_length": 4096,
    "fft_length": 16_384,
    "output_size": 1000,
    "num_mel_bins": 512,
    "num_chains": 5,
    "chain_depth": 6,
    "num_ops": 20,
    "num_oov_indices": 10_000,
    "tile_grid_size": [64, 64],
    "power_iterations": 20,
}
ROWS = [(name, work) for name, rows in work_budget._TABLE.items() for work in rows]


def find(plain):
    """Returns the signature of the op or the layer of a row, and whether it is an op."""
    for module, is_op in ((cornu.layers, False), (cornu.ops, True)):
        for name in dir(module):
            if name.replace("_", "").lower() == plain:
                return inspect.signature(getattr(module, name)), is_op
    raise AssertionError(f"{plain} is neither a layer nor an op")


def entry(name, arguments, calls=1, by_position=None):
    call = {"args": by_position or [], "kwargs": {}}
    return {
        "class_name": name,
        "registered_name": None,
        "config": arguments,
        "inbound_nodes": [call] * calls,
    }


def arguments_of(work, value):
    extra = {} if work.unless is None else {work.unless[0]: "reflect"}
    return {**{factor.name: value(factor) for factor in work.factors}, **extra}


@pytest.mark.parametrize(("name", "work"), ROWS)
def test_the_table_names_arguments_of_ops_and_layers(name, work):
    signature, is_op = find(name)
    names = list(signature.parameters)
    for factor in work.factors:
        assert factor.name in names
        if is_op:
            assert names.index(factor.name) == factor.position
        elif factor.default != 1:
            default = signature.parameters[factor.name].default
            assert default in (factor.default, -1)  # -1 draws from 1 to 3
    if work.unless is not None:
        assert names.index(work.unless[0]) == work.unless[1]
        assert signature.parameters[work.unless[0]].default == work.unless[2]


@pytest.mark.parametrize(("name", "work"), ROWS)
def test_large_numbers_are_refused(name, work):
    for size in (10**7, 10**30, math.inf):
        for given in (size, [size], {"class_name": "__tuple__", "items": [size]}):
            arguments = arguments_of(work, lambda factor, given=given: given)
            nested = {"layers": [{"config": [entry(name, arguments)]}]}
            with pytest.raises(ValueError, match="asks for more than its size"):
                check_work(nested, 1000, "a file")
    if find(name)[1] and work.unless is None:
        factor = work.factors[0]
        args = [None] * factor.position + [10**7]
        with pytest.raises(ValueError, match=factor.name):
            check_work(entry(name, {}, by_position=args), 1000, "a file")


@pytest.mark.parametrize(("name", "work"), ROWS)
def test_usual_numbers_are_allowed(name, work):
    config = entry(name, arguments_of(work, lambda factor: GENEROUS[factor.name]))
    check_work(config, len(json.dumps(config)), "a file")


def test_constant_padding_has_any_width():
    check_work(entry("pad", {"pad_width": [[0, 10**7]]}), 100, "a file")
    check_work(entry("Pad", {"pad_width": [[0, 10**7]], "mode": "constant"}), 100, "a file")


def test_positions_of_a_split_count_once_each():
    check_work(entry("split", {"indices_or_sections": [10**6, 2 * 10**6]}), 100, "a file")


def test_calls_and_layers_add_up():
    once = entry("diff", {"n": 1500})
    check_work(once, 100, "a file")
    for config in ([once, once], entry("Diff", {"n": 1500}, calls=2)):
        with pytest.raises(ValueError, match="of 'diff'|of 'Diff'"):
            check_work(config, 100, "a file")
    # A file with the configs of many layers may ask for more.
    check_work([once] * 20, 3_000_000, "a file")


@pytest.mark.parametrize("name", ["Custom>AugMix", "keras.layers.AugMix", "AugMix"])
def test_names_of_packages_are_ignored(name):
    config = {"class_name": "x", "registered_name": name, "config": {"num_chains": 10**6}}
    with pytest.raises(ValueError, match="num_chains"):
        check_work(config, 1000, "a file")


def test_layers_are_counted_and_their_parts_are_not():
    part = {"class_name": "Zeros", "config": {}}
    layers = [entry("ReLU", {"bias_initializer": part, "dtype": part})] * 100
    check_work({"layers": layers}, 0, "a file")
    with pytest.raises(ValueError, match="101 layers"):
        check_work({"layers": layers, "cell": entry("LSTMCell", {})}, 0, "a file")
    check_work({"layers": layers * 10}, 300_000, "a file")


def test_files_and_text_are_bounded_and_objects_of_the_program_are_not(tmp_path, monkeypatch):
    monkeypatch.setitem(budget._LIMITS, "traced operations", budget._Limit(0.0, 0.01))
    x = cornu.Input((40,))
    model = cornu.Model(x, cornu.ops.diff(x, n=35))
    model.save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match="m.keras.*n of 'Diff'.* 35 traced operations"):
        cornu.models.load_model(tmp_path / "m.keras")
    text = model.to_json()
    with pytest.raises(ValueError, match="The JSON text asks.*n of 'Diff'") as error:
        cornu.models.model_from_json(text)
    assert "deserialize_keras_object(json.loads(text))" in str(error.value)
    for again in (
        cornu.saving.deserialize_keras_object(json.loads(text)),
        cornu.Model.from_config(model.get_config()),
        cornu.models.clone_model(model),
    ):
        assert again.output_shape == (None, 5)


@pytest.mark.parametrize(("name", "work"), ROWS)
def test_text_that_asks_for_any_work_is_refused_at_once(name, work):
    size = arguments_of(work, lambda factor: 10**9)
    layers = [entry("InputLayer", {"batch_shape": [None, 4]}), entry(name, size)]
    text = json.dumps({"class_name": "Sequential", "config": {"layers": layers}})

    def refused():
        with pytest.raises(ValueError, match="The JSON text asks for more than"):
            cornu.models.model_from_json(text)

    assert passes_of(refused, 400) < 400
