"""Compares files that dialects write with those that the old versions wrote."""

import io
import json
import warnings

import h5py
import numpy as np
import pytest


def flattened(value, path=()):
    """Returns the values of plain data by path; without None, which is the default."""
    if isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        found = [flattened(item, (*path, key)) for key, item in items]
        return {k: v for part in found for k, v in part.items()} or {path: type(value)()}
    return {} if value is None else {path: value}


def assert_equal(own, live, without=()):
    """Checks that configs are equal except for some arguments."""
    own, live = flattened(own), flattened(live)
    own, live = ({p: v for p, v in one.items() if not {*p} & {*without}} for one in (own, live))
    assert {p: pytest.approx(v) if isinstance(v, float) else v for p, v in own.items()} == live


def assert_as_live(path, old, without, names_of_arrays=True):
    """Checks a file against that of the old version; returns the config in it.

    Args:
        path: the file.
        old: the model of the archive.
        without: arguments in which the files differ.
        names_of_arrays: whether the arrays have the same names.
    """
    with h5py.File(path) as own, h5py.File(io.BytesIO(old.file(".h5"))) as live:
        config, expected = (json.loads(file.attrs["model_config"]) for file in (own, live))
        assert_equal(config, expected, without)
        layouts = [layout(file["model_weights"], names_of_arrays) for file in (own, live)]
        assert layouts[0] == layouts[1]
        assert ("training_config" in own.attrs) == ("training_config" in live.attrs)
        if "training_config" in live.attrs:
            assert_equal(*(json.loads(file.attrs["training_config"]) for file in (own, live)))
            own_state, live_state = (
                [(file[n].shape, file[n].dtype) for n in file.attrs["weight_names"]]
                for file in (own["optimizer_weights"], live["optimizer_weights"])
            )
            assert own_state == live_state
    return config


def layout(group, has_names):
    """Returns the layers in order, with the names and shapes of their arrays."""
    return [
        (layer, [(n if has_names else "", group[layer][n].shape) for n in names])
        for layer in group.attrs["layer_names"].astype(str)
        for names in [group[layer].attrs["weight_names"].astype(str).tolist()]
    ]


def assert_survives(load_model, old, path):
    """Checks that a model that the old version wrote is loaded, and written again as it was."""
    path.write_bytes(old.file(".h5"))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "(?s).*which backend of Keras wrote it")
        model = load_model(path)
    again = path.with_name("again")
    model.save(again)
    with h5py.File(again) as own, h5py.File(path) as live:
        assert_equal(*(json.loads(file.attrs["model_config"]) for file in (own, live)))
        training = [json.loads(file.attrs["training_config"]) for file in (own, live)]
        assert_equal(*(config["optimizer_config"] for config in training))
        states = [
            [
                file["optimizer_weights"][n][()]
                for n in file["optimizer_weights"].attrs["weight_names"]
            ]
            for file in (own, live)
        ]
        for one, other in zip(*states, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)
