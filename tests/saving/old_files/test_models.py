"""Models that old versions of Keras wrote: they load, compute the same, and continue training."""

import io
import json

import h5py
import pytest

import cornu
from tests.saving.old_files import archives

# One of each kind of conversion; all others are slow tests.
FAST = {
    ("keras-1.2.2-tensorflow", name)
    for name in (
        "bidirectional",
        "convolution_2d_other_ordering",
        "embedding",
        "maxout_and_highway",
        "merges",
        "nested",
        "rmsprop",
        "two_towers",
    )
} | {
    ("keras-1.2.2-theano", "convolution_2d"),
    ("keras-2.2.4-tensorflow", "gru"),
    ("tf-keras-2.21", "legacy_Adam"),
}


# Of archives whose models resemble those of others, the slow tests run every n-th model, for time.
# `python -m scripts.make_old_files_page` runs them all.
STEP = {
    "keras-1.1.2-theano": 3,
    "keras-2.0.9-tensorflow": 3,
    "keras-2.2.4-tensorflow": 2,
    "keras-2.3.1-tensorflow": 3,
    "tf-keras-2.21": 2,
}


def cases():
    for archive in archives.ARCHIVES:
        for position, old in enumerate(archives.models(archive)):
            if position % STEP.get(archive, 1) and (archive, old.name) not in FAST:
                continue
            marks = [] if (archive, old.name) in FAST else [pytest.mark.slow]
            yield pytest.param(old, id=f"{archive}-{old.name}", marks=marks)


@pytest.mark.parametrize("old", list(cases()))
def test_an_old_model_computes_and_trains_as_in_the_version_that_wrote_it(old, tmp_path):
    model = archives.load(old, tmp_path)
    assert archives.output_difference(model, old) < 1e-5
    assert (model.optimizer is not None) == old.is_compiled
    if old.is_compiled:
        assert archives.training_difference(model, old) < 1e-5


def test_there_are_models_of_all_versions():
    names = {(a, old.name) for a in archives.ARCHIVES for old in archives.models(a)}
    assert FAST <= names and len(names) >= 80
    versions = {old.version for a in archives.ARCHIVES for old in archives.models(a)}
    assert {"1.0.8", "1.2.2", "2.2.4", "2.2.4-tf", "2.21.0"} <= versions


@pytest.mark.parametrize("archive", archives.ARCHIVES)
def test_a_file_that_says_nothing_is_judged_to_be_of_its_era(archive):
    for old in archives.models(archive):
        stated = cornu.legacy.source.parse_version(old.version)
        judged = archives.judged_source(old)
        assert judged.era == stated.era, (old.name, judged)
        assert judged.reason


def texts():
    for archive in archives.ARCHIVES:
        for old in archives.models(archive):
            marks = [] if archive == "keras-1.2.2-tensorflow" else [pytest.mark.slow]
            if old.has(".json") and STEP.get(archive, 2) == 2:
                yield pytest.param(old, id=f"{archive}-{old.name}", marks=marks)


@pytest.mark.parametrize("old", list(texts()))
def test_text_and_weights_of_an_old_model(old, tmp_path):
    path = tmp_path / "old.weights.h5"
    path.write_bytes(old.file(".weights.h5"))
    backend = {"source_backend": old.backend}
    made = [cornu.models.model_from_json(old.file(".json").decode(), **backend)]
    if old.has(".yaml"):
        made.append(cornu.models.model_from_yaml(old.file(".yaml").decode(), **backend))
    for model, options in zip([made[0], made[-1]], ({}, {"by_name": True}), strict=True):
        model.load_weights(path, keras_version=old.version, **backend, **options)
        assert archives.output_difference(model, old) < 1e-5


def test_text_of_theano_needs_its_backend(tmp_path):
    old = by_name("keras-1.2.2-theano", "convolution_2d")
    path = tmp_path / "old.weights.h5"
    path.write_bytes(old.file(".weights.h5"))
    model = cornu.models.model_from_json(old.file(".json").decode())
    with pytest.raises(ValueError, match="source_backend='theano'"):
        model.load_weights(path, keras_version="1.2.2", source_backend="theano")


def strip_versions(old, path):
    """Writes a file of an old model that does not say which version wrote it."""
    path.write_bytes(old.file(".h5"))
    with h5py.File(path, "r+") as file:
        for group in (file, file["model_weights"]):
            for name in ("keras_version", "backend"):
                group.attrs.pop(name, None)


def by_name(archive, name):
    return next(old for old in archives.models(archive) if old.name == name)


def test_the_judgment_is_reported_and_can_be_overridden(tmp_path):
    path = tmp_path / "model.h5"
    strip_versions(by_name("keras-1.2.2-tensorflow", "dense"), path)
    with pytest.warns(UserWarning, match=r"read as one of Keras 1.2, because its layers have"):
        cornu.models.load_model(path)
    cornu.models.load_model(path, keras_version="1.2.2")
    with pytest.raises(ValueError, match="output_dim"):
        cornu.models.load_model(path, keras_version="2.2.4")


def test_kernels_of_theano_are_judged_by_the_names_of_arrays(tmp_path):
    old = by_name("keras-1.2.2-theano", "convolution_1d")
    path = tmp_path / "model.h5"
    path.write_bytes(old.file(".h5"))
    with pytest.warns(UserWarning, match="as those of theano, because .* without ':0'"):
        model = cornu.models.load_model(path)
    assert archives.output_difference(model, old) < 1e-5
    other = cornu.models.load_model(path, source_backend="tensorflow")
    assert archives.output_difference(other, old) > 1e-3


def test_code_in_an_old_file_never_runs(tmp_path):
    old = by_name("keras-1.2.2-tensorflow", "anonymous_function")
    path = tmp_path / "model.h5"
    path.write_bytes(old.file(".h5"))
    with pytest.raises(ValueError, match="custom_objects={'doubling': function}"):
        cornu.models.load_model(path)
    with h5py.File(io.BytesIO(old.file(".h5"))) as file:
        config = json.loads(file.attrs["model_config"])
    assert config["config"][1]["config"]["function_type"] == "lambda"
    with pytest.raises(ValueError, match="custom_objects={'doubling': function}"):
        cornu.models.model_from_json(json.dumps({**config, "keras_version": "1.2.2"}))
