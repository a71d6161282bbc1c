"""What differs from the saved run raises, warns or restarts, as on_change says."""

import shutil
import warnings

import numpy as np
import pytest

import cornu
from cornu import layers
from tests.sampling import slow_except
from tests.training.resume.test_fingerprint import X, Y, folders, make  # noqa: F401

W = np.full(32, 2.0)


def wider():
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(9), layers.Dense(1)])
    model.compile("adam", "mse")
    return model


# Arguments of `make` and of `fit`, and what may not be assigned to the model or restored in it.
CHANGES = {
    "activation": ({"activation": "tanh"}, {}),
    "dropout": ({"rate": 0.1}, {}),
    "loss": ({"loss": "mae"}, {}),
    "loss by function": ({"loss": lambda y, p: abs(y - p)}, {}),
    "optimizer's argument": ({"optimizer": lambda: cornu.optimizers.SGD(0.1, clipnorm=1.0)}, {}),
    "values": ({}, {"x": X * 2}),
    "fewer rows": ({}, {"x": X[:24], "y": Y[:24]}),
    "more rows": ({}, {"x": np.tile(X, (2, 1)), "y": np.tile(Y, (2, 1))}),
    "batch size": ({}, {"batch_size": 16}),
    "sample weights": ({}, {"sample_weight": W}),
    "class weights": ({}, {"class_weight": {0: 2.0}, "y": (Y > 0).astype("int32")}),
    "validation": ({}, {"validation_data": (X, Y)}),
    "order": ({}, {"shuffle": False}),
    "fewer epochs": ({}, {"epochs": 1}),
    "another kind of data": ({}, {"x": "batches", "y": None}),
    "other weights": (None, {}),
}

QUICK = ["activation", "optimizer's argument", "values", "batch size", "other weights"]


def run(folder, change, on_change="error"):
    program, given = CHANGES[change] if change else ({}, {})
    model = wider() if program is None else make(**made_once(program))
    kwargs = {"x": X, "y": Y, "batch_size": 8, "epochs": 2, "verbose": 0, **given}
    if isinstance(kwargs["x"], str):
        del kwargs["batch_size"], kwargs["y"]
        kwargs["x"] = Batches()
    resume = cornu.Resume(folder, every=1, on_change=on_change)
    model.fit(resume=resume, **kwargs)
    return model


class Batches(cornu.utils.PyDataset):
    """The same rows, in batches."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return X[index * 8 : index * 8 + 8], Y[index * 8 : index * 8 + 8]


def made_once(program):
    optimizer = program.get("optimizer")
    return {**program, **({"optimizer": optimizer()} if optimizer else {})}


@pytest.mark.parametrize("kind", slow_except(["middle", "complete"], 1))
@pytest.mark.parametrize("change", slow_except(CHANGES, QUICK))
def test_every_change_with_every_choice(change, kind, folders, tmp_path):  # noqa: F811
    for on_change in ("error", "warn", "restart"):
        shutil.copytree(folders / kind, tmp_path / on_change)
    with pytest.raises(ValueError, match=r"on_change='restart'|different program"):
        run(tmp_path / "error", change)
    assert_same_files(folders / kind, tmp_path / "error")

    if change == "other weights":
        with pytest.raises(ValueError, match="different program"):
            run(tmp_path / "warn", change, "warn")
    else:
        with pytest.warns(UserWarning, match="belongs to another run"):
            model = run(tmp_path / "warn", change, "warn")
        assert all(np.isfinite(w).all() for w in model.get_weights())

    cornu.utils.set_random_seed(4)
    whole = run(tmp_path / "new", change)
    cornu.utils.set_random_seed(4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = run(tmp_path / "restart", change, "restart")
    assert again.history.history == whole.history.history
    assert all(map(np.array_equal, again.get_weights(), whole.get_weights()))
    # The states are now those of this run.
    assert len(run(tmp_path / "restart", change).history.epoch) == len(whole.history.epoch)


@pytest.mark.parametrize("kind", ["middle", "complete"])
@pytest.mark.parametrize("on_change", ["error", "warn", "restart"])
def test_without_a_change_every_choice_is_the_same(on_change, kind, folders, tmp_path):  # noqa: F811
    shutil.copytree(folders / kind, tmp_path / "r")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = run(tmp_path / "r", None, on_change)
    assert all(map(np.array_equal, model.get_weights(), run(tmp_path / "r", None).get_weights()))


def assert_same_files(one, other):
    found = [
        {path.name: path.read_bytes() for path in folder.glob("*-*")} for folder in (one, other)
    ]
    assert found[0] == found[1]
