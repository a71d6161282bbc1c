"""States of callbacks are restored, unsupported values are reported, and states are verified."""

import collections
import json
import os
import random
import shutil
import threading
import warnings

import jax.numpy as jnp
import keras
import ml_dtypes
import numpy as np
import pytest

import cornu
from cornu import callbacks, layers, seeds
from cornu.saving import training_state
from cornu.saving.state_encoding import decode_state, encode_state
from cornu.saving.training_state import StateFolder, TrainingState, read_state

Point = collections.namedtuple("Point", "x y")
X = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
Y = X.sum(1, keepdims=True)


class Broken(Exception):
    """Simulates a crash."""


class Holding(callbacks.Callback):
    """Changes every kind of container in each epoch; breaks in one."""

    def __init__(self, broken=None):
        self.broken = broken
        self.by_epoch = collections.defaultdict(list)
        self.counts = collections.Counter()
        self.ordered = collections.OrderedDict()
        self.seen = set()
        self.last = collections.deque(maxlen=2)

    def on_epoch_begin(self, epoch, logs=None):
        self.by_epoch[epoch].append(epoch)
        self.counts.update([epoch % 2])
        self.ordered[epoch] = (epoch,)
        self.seen.add(epoch)
        self.last.append(epoch)
        self.point = Point(epoch, [epoch])
        self.big = np.array([1, epoch], ">i4")
        self.small = np.full(3, epoch, ml_dtypes.float8_e4m3fn)
        self.tiny = np.full(3, epoch, ml_dtypes.int4)
        self.raw = bytes([epoch])

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.broken:
            raise Broken

    def held(self):
        return {k: v for k, v in vars(self).items() if k not in ("model", "params", "broken")}


def make(rate=0.1):
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(1)])
    model.compile(cornu.optimizers.SGD(rate), "mse")
    return model


def fit(folder, *given, epochs=4, **kwargs):
    model = make()
    resume = cornu.Resume(folder, every="epoch")
    arguments = {"batch_size": 8, "epochs": epochs, "verbose": 0, **kwargs}
    model.fit(X, Y, callbacks=list(given), resume=resume, **arguments)
    return model


def test_every_container_of_plain_data_is_saved(tmp_path):
    whole, again = Holding(), Holding()
    fit(tmp_path / "whole", whole)
    with pytest.raises(Broken):
        fit(tmp_path / "parts", Holding(2))
    fit(tmp_path / "parts", again)
    mine, other = whole.held(), again.held()
    mine.pop("_initial_attributes_"), other.pop("_initial_attributes_")
    assert repr(mine) == repr(other)
    assert {k: type(v) for k, v in mine.items()} == {k: type(v) for k, v in other.items()}
    assert again.big.dtype == ">i4" and again.tiny.dtype == ml_dtypes.int4


@pytest.mark.parametrize(
    "value",
    [
        np.zeros((0, 3), ">f4"),
        np.array(["a", "bc"]),
        np.array(["2020-01-01"], "M8[D]"),
        np.float64(3),
        np.array(5, ">f8"),
        np.ones(2, "complex128"),
        b"",
        1j,
        frozenset("a"),
        {"of": 1, 2: {3: "of"}},
        collections.defaultdict(None, {(1, 2): 3}),
        [0.5] * 300_000,
        "é" * 600_000,
        *[np.ones((2, 3), dtype) for dtype in (ml_dtypes.bfloat16, ml_dtypes.float8_e5m2)],
    ],
    ids=lambda value: type(value).__name__,
)
def test_plain_data_comes_back_from_files(value, tmp_path):
    arrays = {}
    states = StateFolder(tmp_path)
    states.write(TrainingState(1, arrays, encode_state(value, arrays, "value")))
    found = states.read_newest()
    back = decode_state(found.data, found.arrays)
    assert type(back) is type(value) and (back == value if np.ndim(value) == 0 else True)
    np.testing.assert_array_equal(back, value) if isinstance(value, (list, np.ndarray)) else None
    assert getattr(back, "dtype", None) == getattr(value, "dtype", None)


def test_a_namedtuple_of_a_function_has_the_same_fields():
    local = collections.namedtuple("local", "a b")(1, 2)
    assert decode_state(encode_state(local, {}, "v"), {})._fields == ("a", "b")


def test_unresumable_data_is_reported_once_at_the_start(tmp_path):
    class Odd(callbacks.Callback):
        def __init__(self):
            self.table = collections.defaultdict(lambda: 0)
            self.function = len  # not data
            self.layers = [layers.Dense(1)]

    with pytest.warns(UserWarning, match=r"hold data that cannot be saved.*Odd\.table\.") as seen:
        fit(tmp_path, Odd())
    assert len(seen) == 1


class OfKeras(keras.callbacks.Callback):
    """A callback of Keras with a setting, a count, and data that cannot be saved."""

    def __init__(self, setting, broken=None):
        super().__init__()
        self.setting = setting
        self.broken = broken
        self.count = 0
        self.table = collections.defaultdict(lambda: 0)

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.broken:
            raise Broken
        self.count += 1


class OtherOfKeras(OfKeras):
    """Has a state of its own."""


def test_callbacks_of_keras_resume_like_those_of_cornu(tmp_path):
    with pytest.raises(Broken), pytest.warns(UserWarning, match=r" OfKeras\.table\."):
        fit(tmp_path / "a", OfKeras(1, broken=2))
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    resumed = OfKeras(2)
    with pytest.warns(UserWarning, match=r" OfKeras\.table\."):
        fit(tmp_path / "a", resumed)
    assert (resumed.setting, resumed.count) == (2, 4)
    other = OtherOfKeras(2)
    with pytest.warns(UserWarning) as seen:
        fit(tmp_path / "b", other)
    assert any("not in the list any more: OfKeras." in str(one.message) for one in seen)
    assert other.count == 2


def test_float8_weights_are_preserved(tmp_path):
    class Small(layers.Layer):
        def build(self, shape):
            self.v = self.add_weight((2,), "zeros", "float8_e4m3fn", trainable=False, name="v")

        def call(self, x):
            self.v.assign(jnp.ones(2, "float8_e4m3fn"))
            return x

    def run():
        model = cornu.Sequential([cornu.Input((3,)), Small(), layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(X, Y, verbose=0, resume=tmp_path)
        return model.layers[0].v.numpy().astype("float32").tolist()

    assert run() == run() == [1, 1]


def test_written_files_are_verified(tmp_path, monkeypatch):
    states = StateFolder(tmp_path)
    states.write(TrainingState(1, {"w": np.ones(2)}, {}))
    write = training_state.write_tensors

    def write_others(path, arrays, metadata):
        write(path, {"w": arrays["w"] + 1}, metadata)

    monkeypatch.setattr(training_state, "write_tensors", write_others)
    with pytest.raises(OSError, match="cannot be read again"):
        states.write(TrainingState(2, {"w": np.ones(2)}, {}))
    assert [path.name for path in states.files()] == ["state-000000000001.safetensors"]


def test_a_relative_folder_stays_where_it_was(tmp_path, monkeypatch):
    class Move(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            (tmp_path / "elsewhere").mkdir(exist_ok=True)
            os.chdir(tmp_path / "elsewhere")

    monkeypatch.chdir(tmp_path)
    fit("states", Move())
    assert not any((tmp_path / "elsewhere").iterdir()) and any((tmp_path / "states").iterdir())


def test_the_end_of_an_older_run_is_removed(tmp_path):
    states = StateFolder(tmp_path)
    for finished in (False, True):
        states.write(TrainingState(3, {}, {}, finished))
    states.write(TrainingState(2, {}, {}))
    assert states.files("finished") == []


def test_a_fit_after_a_resumed_one_equals_a_fit_after_an_uninterrupted_one(tmp_path):
    def run():
        cornu.utils.set_random_seed(3)
        fit(tmp_path, epochs=1)
        return (
            random.random(),
            np.random.rand(),
            seeds.next_seed(),
            make().get_weights()[0].tolist(),
        )

    assert run() == run()


def edited(folder, change):
    """Rewrites the newest state with a right checksum."""
    states = StateFolder(folder)
    for path in states.files("finished"):
        path.unlink()
    state = states.read_newest()
    change(state.data)
    states.write(state)


def test_a_state_sets_neither_methods_nor_paths(tmp_path):
    class Mine(callbacks.Callback):
        def __init__(self, filepath):
            self.filepath = filepath

    fit(tmp_path, Mine("here"))
    wrong = {"filepath": "elsewhere", "on_epoch_end": "text", "model": 1, "count": 3}
    edited(tmp_path, lambda data: data["callbacks"].update(Mine=wrong))
    mine = Mine("here")
    with pytest.warns(UserWarning, match="ignored.*filepath, on_epoch_end, model"):
        fit(tmp_path, mine)
    assert mine.filepath == "here" and mine.count == 3


def test_a_state_does_not_cut_another_log(tmp_path):
    log = tmp_path / "log.csv"
    fit(tmp_path / "r", callbacks.CSVLogger(log))
    text = log.read_text()
    edited(tmp_path / "r", lambda data: data["callbacks"].update(CSVLogger={"length": 0}))
    with pytest.warns(UserWarning, match="is not the file"):
        fit(tmp_path / "r", callbacks.CSVLogger(log, append=True))
    assert log.read_text() == text


def nodes(data, path=()):
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in items:
        if isinstance(value, (dict, list)):
            yield from nodes(value, (*path, key))
        else:
            yield (*path, key)


def test_crafted_states_give_one_error_that_names_the_file(tmp_path):
    fit(tmp_path / "r", Holding(), epochs=1)
    states = StateFolder(tmp_path / "r")
    for path in states.files("finished"):
        path.unlink()
    good = read_state(states.files()[-1])
    # The numbers of a generator's state are of one type.
    paths = [p for p in nodes(good.data) if p and len(p) < 6 and p[0] != "random"]
    rng = random.Random(0)
    for path in rng.sample(paths, 60):
        for wrong in rng.sample(["text", None, -1, [], {}, 1 << 70, {"of": "x"}], 2):
            data = json.loads(json.dumps(good.data))
            part = data
            for key in path[:-1]:
                part = part[key]
            part[path[-1]] = wrong
            states.write(TrainingState(good.number, good.arrays, data))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    fit(tmp_path / "r", Holding(), epochs=1)
                except ValueError as error:
                    assert str(tmp_path / "r") in str(error) or "saved state" in str(error), path


def test_a_state_replaces_nothing_that_it_cannot_hold(tmp_path):
    class Owner(callbacks.Callback):
        def __init__(self):
            self.count = 0
            self.file = (tmp_path / "log").open("w")
            self.lock = threading.Lock()
            self.function = len
            self.layer = layers.Dense(1)
            self.table = {"rows": [object()]}

        @property
        def twice(self):
            return 2 * self.count

    owner = Owner()
    held = {name: vars(owner)[name] for name in ("file", "lock", "function", "layer", "table")}
    fit(tmp_path / "r", owner)
    wrong = dict.fromkeys((*held, "twice", "model", "_initial_attributes_", "__class__"), 1)
    edited(tmp_path / "r", lambda data: data["callbacks"].update(Owner={**wrong, "count": 3}))
    with pytest.warns(UserWarning, match="Owner: these attributes in the saved state are ignored"):
        fit(tmp_path / "r", owner)
    assert all(vars(owner)[name] is value for name, value in held.items())
    assert owner.count == 3 and type(owner) is Owner and owner.model is not None
    owner.file.close()


@pytest.mark.parametrize("broken", [None, 0, 2])
def test_global_generators_are_left_where_an_uninterrupted_run_leaves_them(broken, tmp_path):
    class Draw(callbacks.Callback):
        def __init__(self, broken=None):
            self.broken = broken

        def on_epoch_end(self, epoch, logs=None):
            random.random(), np.random.rand(3), seeds.next_seed()
            if epoch == self.broken:
                raise Broken

    def run(folder, broken=None):
        cornu.utils.set_random_seed(3)
        fit(folder, Draw(broken))
        again = make()  # with new random weights
        again.fit(X, Y, epochs=2, batch_size=4, verbose=0)
        weights = [w.tolist() for w in again.get_weights()]
        return random.random(), np.random.rand(), seeds.next_seed(), weights

    whole = run(tmp_path / "whole")
    if broken is not None:
        with pytest.raises(Broken):
            run(tmp_path / "parts", broken)
    assert run(tmp_path / ("whole" if broken is None else "parts")) == whole


@pytest.mark.parametrize("backup", [False, True])
def test_every_relative_folder_stays_where_it_was(backup, tmp_path, monkeypatch):
    class Move(callbacks.Callback):
        def __init__(self, broken=None):
            self.broken = broken

        def on_epoch_begin(self, epoch, logs=None):
            (tmp_path / str(epoch)).mkdir(exist_ok=True)
            os.chdir(tmp_path / str(epoch))
            if epoch == self.broken:
                raise Broken

    def run(*given):
        monkeypatch.chdir(tmp_path)
        if backup:
            saver = callbacks.BackupAndRestore("states", delete_checkpoint=False)
            return make().fit(X, Y, epochs=4, verbose=0, callbacks=[saver, *given])
        return fit("states", *given).history

    with pytest.raises(Broken):
        run(Move(2))
    assert len(run(Move()).epoch) == 4
    assert not [path for n in range(4) for path in (tmp_path / str(n)).iterdir()]
    assert StateFolder(tmp_path / "states").files("finished")


def test_the_end_of_an_older_run_is_not_that_of_a_new_one(tmp_path):
    fit(tmp_path, epochs=3)
    newest = StateFolder(tmp_path).files()[-1]
    newest.unlink()  # its end is left

    class Stop(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 3:
                raise Broken

    with pytest.raises(Broken):
        fit(tmp_path, Stop(), epochs=4)
    assert len(fit(tmp_path, epochs=4).history.epoch) == 4
