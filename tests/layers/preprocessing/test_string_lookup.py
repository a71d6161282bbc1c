"""StringLookup: lookup and its inverse, files, and allowed configs."""

import json
import zipfile

import keras
import numpy as np
import pytest

import cornu
from cornu.layers import CategoryEncoding, Dense, Pipeline, StringLookup, TextVectorization

TOKENS = np.array(["b", "a", "b"])


def test_positions_turned_back_are_strings():
    there = StringLookup(vocabulary=["a", "ß"], mask_token="")
    back = StringLookup(vocabulary=there.get_vocabulary(), mask_token="", invert=True)
    assert back(there([["ß", "x", ""]])).tolist() == [["ß", "[UNK]", ""]]
    assert isinstance(back([1]), np.ndarray)
    assert there("ß") == 3 and there("ß").shape == ()


def test_the_config_contains_the_given_or_learned_vocabulary():
    for mode in ("int", "tf_idf"):
        layer = StringLookup(num_oov_indices=2, output_mode=mode, max_tokens=9)
        layer.adapt(TOKENS)
        config = json.loads(json.dumps(layer.get_config()))
        copy = StringLookup.from_config(config)
        np.testing.assert_array_equal(copy([["a", "z", "b"]]), layer([["a", "z", "b"]]))
        assert json.loads(json.dumps(copy.get_config())) == config


def test_keras_reads_the_config():
    layer = StringLookup(output_mode="count")
    layer.adapt(TOKENS)
    config = {k: v for k, v in layer.get_config().items() if k != "name"}
    theirs = keras.layers.StringLookup.from_config(config)
    x = np.array([["a", "z", "b"]])
    np.testing.assert_array_equal(theirs(x), layer(x))
    ours = StringLookup.from_config(json.loads(json.dumps(theirs.get_config())))
    np.testing.assert_array_equal(ours(x), layer(x))


def test_no_vocabulary_in_a_config_is_opened_as_a_file(tmp_path, monkeypatch):
    secret = tmp_path / "secret.txt"
    secret.write_text("key\n")
    layer = StringLookup(vocabulary=secret)  # the program itself may
    config = layer.get_config()
    assert config["vocabulary"] == ["key"] and "secret.txt" not in json.dumps(config)
    for cls in (StringLookup, TextVectorization):
        hostile = {**cls().get_config(), "vocabulary": str(secret)}
        with pytest.raises(ValueError, match="files named by a config are not opened"):
            cls.from_config(hostile)
        with pytest.raises(ValueError, match="files named by a config are not opened"):
            cornu.layers.deserialize({"class_name": cls.__name__, "config": hostile})
    model = cornu.Sequential([cornu.Input((1,)), Dense(1)])
    model.save(tmp_path / "model.keras")
    attack = _with_layer(
        tmp_path / "model.keras",
        {
            "module": "keras.layers",
            "class_name": "StringLookup",
            "config": {**StringLookup().get_config(), "vocabulary": str(secret)},
        },
    )
    opened = []
    monkeypatch.setattr("pathlib.Path.read_text", lambda path, **_: opened.append(path))
    with pytest.raises(ValueError, match="files named by a config are not opened"):
        cornu.models.load_model(attack)
    assert not opened


def _with_layer(path, layer):
    """Puts a layer into the config of an archive."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["layers"].append(layer)
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_vocabulary_files(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("köln\nnew york\n", encoding="utf-8")
    layer = StringLookup(vocabulary=str(path))
    assert layer.get_vocabulary() == ["[UNK]", "köln", "new york"]
    with pytest.raises(FileNotFoundError, match="vocabulary file not found: '.*none.txt'"):
        StringLookup(vocabulary=str(tmp_path / "none.txt"))


def test_bytes_of_another_encoding():
    layer = StringLookup(vocabulary=["é"], encoding="latin-1")
    assert layer(np.array(["é".encode("latin-1")])).tolist() == [1]


def test_vectors_have_the_compute_dtype():
    for dtype, expected in (("float32", "float32"), ("mixed_bfloat16", "bfloat16")):
        layer = StringLookup(vocabulary=["a"], output_mode="multi_hot", dtype=dtype)
        assert layer([["a"]]).dtype == expected
    assert StringLookup(vocabulary=["a"])(["a"]).dtype == "int32"


def test_an_input_of_numbers_is_refused():
    assert StringLookup(vocabulary=["a"])(cornu.Input((1,), dtype="string")).dtype == "int32"
    with pytest.raises(TypeError, match=r"expected strings, received a Tensor of int32"):
        StringLookup(vocabulary=["a"])(cornu.Input((1,), dtype="int32"))


def test_without_a_vocabulary():
    with pytest.raises(RuntimeError, match=r"has no vocabulary yet.\nCall adapt"):
        StringLookup()(["a"])


def test_shapes_are_known_without_data():
    layer = StringLookup(vocabulary=["a", "b"], output_mode="count")
    assert layer.compute_output_shape((None, 5)) == (None, 3)
    assert StringLookup().compute_output_shape((None, 5)) == (None, 5)


def test_a_pipeline_of_strings_and_numbers(tmp_path):
    lookup = StringLookup()
    pipeline = Pipeline([lookup, CategoryEncoding(4, "one_hot"), Dense(2)])
    lookup.adapt(TOKENS)
    y = pipeline(TOKENS)
    copy = Pipeline.from_config(json.loads(json.dumps(pipeline.get_config())))
    copy(TOKENS)
    copy.set_weights(pipeline.get_weights())
    np.testing.assert_array_equal(copy(TOKENS), y)
    with pytest.raises(TypeError, match="layers must be a list of layers"):
        Pipeline([len])


ON_HOST = {
    "known": ["a", "b", "a", "c"],
    "unknown": ["a", "z", "", "yy"],
    "bytes": [b"a", "b", b"z"],
    "strings of NumPy": [np.str_("a"), np.str_("z"), "b"],
    "none": [],
    "a missing value": ["a", None],
    "not a number": ["a", float("nan")],
    "a number": ["b", 3],
    "a list": ["b", ["a"]],
}


@pytest.mark.parametrize("words", ON_HOST.values(), ids=ON_HOST)
def test_columns_on_the_host_are_looked_up_as_in_a_call(words):
    x = np.empty((len(words), 1), object)
    x[:, 0] = words
    for options in (
        {},
        {"mask_token": ""},
        {"num_oov_indices": 3},
        {"num_oov_indices": 0},
        {"output_mode": "one_hot"},
        {"mask_token": "", "output_mode": "multi_hot"},
    ):
        layer = StringLookup(vocabulary=["a", "b", "c"], **options)
        found = []
        for call in (layer, layer.call_on_host):
            try:
                found.append(np.asarray(call(x)).tolist())
            except (TypeError, ValueError) as error:
                found.append((type(error), str(error).splitlines()[0].split("Received")[-1]))
        assert found[0] == found[1]
