"""Programs that train with `resume`: killed, started twice, without space, without rights."""

from __future__ import annotations

import collections
import hashlib
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.attacks.attack import Attack, Attempt
from benchmarks.attacks.limits import file_size_limit, without_rights
from tests.attacks.damages import DAMAGES

__all__ = ["ATTACKS", "digest"]

_ROWS, _EPOCHS = 90, 16
_BEGUN = "begun"  # the file that the runner waits for


def _data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(_ROWS, 6)).astype("float32")
    return x, np.tanh(x @ rng.normal(size=(6, 2))).astype("float32")


def _mlp() -> Any:
    import cornu
    from cornu import layers

    model = cornu.Sequential(
        [
            cornu.Input((6,)),
            layers.Dense(8, "relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(2),
        ]
    )
    model.compile(cornu.optimizers.Adam(0.01, use_ema=True), "mse", metrics=["mae"])
    return model


def _note_first_step(folder: Path) -> Any:
    from cornu import callbacks

    path = folder / _BEGUN
    return callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: path.exists() or path.touch()
    )


def _containers() -> Any:
    """Returns a callback whose state is in containers of every kind."""
    import cornu

    class Notes(cornu.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.lists: Any = collections.defaultdict(list)
            self.counts: Any = collections.Counter()
            self.seen: set[int] = set()
            self.last: Any = collections.deque(maxlen=3)
            self.order: Any = collections.OrderedDict()
            self.big = np.zeros(2, ">i4")

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.lists[epoch % 3].append(logs["loss"])
            self.counts.update([epoch % 2])
            self.seen.add(epoch)
            self.last.append(np.float32(logs["loss"]))
            self.order[str(epoch)] = (epoch, logs["loss"])
            self.order.move_to_end(str(epoch), last=False)
            self.big = np.array([1, epoch], ">i4")

    return Notes()


def _callbacks(folder: Path) -> list[Any]:
    from cornu import callbacks

    return [
        callbacks.ReduceLROnPlateau("val_loss", patience=2, min_delta=0.01),
        callbacks.EarlyStopping("val_loss", patience=30, restore_best_weights=True),
        callbacks.CSVLogger(folder / "log.csv"),
    ]


def digest(model: Any, *more: Any) -> str:
    """Returns a hash of the weights, the optimizer, the history and other objects."""
    found = hashlib.sha256(repr(sorted(model.history.history.items())).encode())
    for array in (*model.get_weights(), *(v.numpy() for v in model.optimizer.variables)):
        found.update(array.tobytes())
    found.update(repr(more).encode())
    return found.hexdigest()


def _fit(folder: Path, model: Any, *data: Any, more: Any = (), **kwargs: Any) -> Any:
    import cornu

    kwargs = {"epochs": _EPOCHS, "verbose": 0, **kwargs}
    return model.fit(
        *data,
        callbacks=[*more, _note_first_step(folder)],
        resume=cornu.Resume(folder / "state", every=1),
        **kwargs,
    )


def _arrays(folder: Path) -> str:
    model = _mlp()
    _fit(folder, model, *_data(), batch_size=8, validation_split=0.2, more=_callbacks(folder))
    return digest(model, (folder / "log.csv").read_bytes(), np.random.random())


def _odd_containers(folder: Path) -> str:
    model, notes = _mlp(), _containers()
    _fit(folder, model, *_data(), batch_size=8, more=[notes])
    state = (dict(notes.lists), notes.counts, sorted(notes.seen), list(notes.last), notes.order)
    return digest(model, state, notes.big.dtype.str, notes.big.tolist())


def _stream(folder: Path) -> str:
    import cornu

    x, y = _data()

    class Source(cornu.utils.PyDataset):
        def __len__(self) -> int:
            return 10

        def __getitem__(self, index: int) -> Any:
            rows = slice(9 * index, 9 * index + 9)
            return x[rows], y[rows]

    model = _mlp()
    _fit(folder, model, Source(workers=2), shuffle=True)
    return digest(model)


def _two_fits(folder: Path) -> str:
    """Trains twice in one program, in folders of their own."""
    import cornu

    x, y = _data()
    first, second = _mlp(), _mlp()
    _fit(folder, first, x, y, batch_size=16, epochs=4)
    second.set_weights(first.get_weights())
    resume = cornu.Resume(folder / "second", every=1)
    second.fit(x, y, batch_size=16, epochs=6, verbose=0, resume=resume)
    return digest(second, np.random.random(), float(cornu.random.uniform(())))


def _kind(name: str) -> Callable[[Path], str]:
    """Returns a program that trains a kind of model of the tests."""

    def train(folder: Path) -> str:
        from tests.training.resume.test_session_kinds import KINDS

        make, data, kwargs = KINDS[name]
        model = make()
        _fit(folder, model, *data, batch_size=8, epochs=8, validation_split=0.2, **kwargs)
        return digest(model)

    return train


_PROGRAMS: dict[str, Callable[[Path], str]] = {
    "arrays, validation, callbacks": _arrays,
    "callbacks with odd containers": _odd_containers,
    "PyDataset with workers": _stream,
    "two fits in one program": _two_fits,
    "several outputs, class weights": _kind("several outputs"),
    "recurrent, sample weights": _kind("recurrent"),
    "subclassed model": _kind("subclass"),
    "several optimizers": _kind("several optimizers"),
}


def _program(train: Callable[[Path], str]) -> Callable[[Path, int], Attempt]:
    def prepare(folder: Path, number: int) -> Attempt:
        import cornu

        cornu.utils.set_random_seed(3)
        return lambda: train(folder)

    return prepare


# ------------------------------------------------------------------------- disks and folders


def _full_disk(folder: Path, number: int) -> Attempt:
    """Files end at a size that differs from round to round: states fail, training goes on."""
    import warnings

    import cornu

    cornu.utils.set_random_seed(3)
    plain = _mlp()
    x, y = _data()
    plain.fit(x, y, batch_size=8, epochs=3, verbose=0)
    expected = digest(plain)
    size = 1 + number * 397 % 9000

    def attempt() -> None:
        cornu.utils.set_random_seed(3)
        model = _mlp()
        with warnings.catch_warnings(), file_size_limit(size):
            warnings.simplefilter("ignore")
            _fit(folder, model, x, y, batch_size=8, epochs=3)
        assert digest(model) == expected, "training with a full disk differs"
        # What is left in the folder is whole, or is not used.
        cornu.utils.set_random_seed(3)
        again = _mlp()
        _fit(folder, again, x, y, batch_size=8, epochs=3)
        assert digest(again) == expected, "the states after a full disk are used, and differ"

    return attempt


def _read_only(folder: Path, number: int) -> Attempt:
    import cornu

    model = _mlp()
    x, y = _data()
    locked = folder / "locked"
    locked.mkdir(mode=0o555)

    def attempt() -> None:
        with without_rights():
            model.fit(x, y, epochs=1, verbose=0, resume=cornu.Resume(locked / "state", every=1))

    return attempt


def _damaged(folder: Path, number: int) -> Attempt:
    """The newest state is damaged: training goes on from the one before."""
    import random
    import warnings

    import cornu

    cornu.utils.set_random_seed(3)
    whole = _mlp()
    x, y = _data()
    _fit(folder, whole, x, y, batch_size=8, epochs=2)
    expected = digest(whole)
    states = sorted((folder / "state").glob("state-*"))
    for path in (folder / "state").glob("finished-*"):
        path.unlink()
    draw = random.Random(number)
    path = states[-1]
    path.write_bytes(draw.choice(DAMAGES)(bytearray(path.read_bytes()), draw))

    def attempt() -> None:
        cornu.utils.set_random_seed(3)
        again = _mlp()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _fit(folder, again, x, y, batch_size=8, epochs=2)
        assert digest(again) == expected, "it resumed from a damaged state"

    return attempt


ATTACKS = [
    *(
        Attack(
            f"kill -9: {name}", "kills", "fit(resume=)", _program(train),
            rounds=120, quick=4 if train is _arrays else 0, seconds=120, signal=signal.SIGKILL,
        )
        for name, train in _PROGRAMS.items()
    ),
    *(
        Attack(
            f"{number.name}: {name}", "kills", "fit(resume=)", _program(train),
            rounds=60, seconds=120, signal=number,
        )
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGBUS)
        for name, train in (("arrays", _arrays), ("PyDataset with workers", _stream))
    ),
    Attack(
        "two processes in one folder", "folders", "fit(resume=)", _program(_arrays),
        rounds=10, seconds=120, copies=2,
    ),
    Attack("full disk", "folders", "fit(resume=)", _full_disk, rounds=60, quick=1),
    Attack(
        "read-only folder", "folders", "fit(resume=)", _read_only, ("refused",), 1, quick=1,
    ),
    Attack("damaged newest state", "folders", "fit(resume=)", _damaged, rounds=100, quick=1),
]  # fmt: skip
