"""Trains with each callback of the library; see `test_callbacks.py`.

Run as `callbacks.py FOLDER RESULTS`. Each process writes `RESULTS/INDEX.json`: what it wrote under
FOLDER, and how each training ended.
"""

import http.server
import json
import os
import signal
import sys
import threading
from pathlib import Path

import jax
import numpy as np

import cornu as keras

FOLDER, RESULTS = Path(sys.argv[1]), Path(sys.argv[2])
MINE = jax.process_index()
written: set[str] = set()
requests: list[str] = []


def record(event, arguments):
    """Records the files that this process creates, writes, renames or removes."""
    if event == "open" and isinstance(arguments[0], str) and arguments[2] is not None:
        paths = [arguments[0]] if arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) else []
    elif event in ("os.rename", "os.remove", "os.truncate"):
        paths = [str(one) for one in arguments if isinstance(one, (str, os.PathLike))]
    else:
        return
    written.update(os.path.relpath(p, FOLDER) for p in paths if p.startswith(str(FOLDER)))


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        requests.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments):
        pass


class Stop(keras.callbacks.Callback):
    """Stops in only one process, in the middle of an epoch."""

    def on_train_batch_end(self, batch, logs=None):
        if MINE == jax.process_count() - 1 and batch == 1:
            self.model.stop_training = True


class Signal(keras.callbacks.Callback):
    """Sends a signal to one process, in the second epoch."""

    def on_train_batch_end(self, batch, logs=None):
        if MINE == jax.process_count() - 1 and batch == 1:
            os.kill(os.getpid(), signal.SIGUSR1)


class Fail(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise ArithmeticError


def make_callbacks(server):
    """Returns the callbacks of each training, by the name of the class that it is about."""
    c, rate = keras.callbacks, lambda epoch, rate: 0.5 * rate
    folder = {name: str(FOLDER / name) for name in c.__all__}
    weights = str(FOLDER / "{}" / "last.weights.h5")
    return {
        "SWA": [c.SWA(start_epoch=1, verbose=1)],
        "BackupAndRestore": [c.BackupAndRestore(folder["BackupAndRestore"], save_freq=2)],
        "CSVLogger": [c.CSVLogger(str(FOLDER / "CSVLogger" / "log.csv"))],
        "EarlyStopping": [c.EarlyStopping("loss", patience=0, min_delta=9.0, verbose=1)],
        "History": [c.History()],
        "LRFinder": [c.LRFinder(steps=4)],
        "LambdaCallback": [c.LambdaCallback(on_epoch_end=lambda epoch, logs: None)],
        "LearningRateScheduler": [c.LearningRateScheduler(rate, verbose=1)],
        "LiveCurve": [c.LiveCurve()],
        "ModelCheckpoint": [
            c.ModelCheckpoint(
                str(FOLDER / "ModelCheckpoint" / "{epoch}.keras"), "loss", save_best_only=True
            )
        ],
        "OnException": [c.OnException(weights.format("OnException")), Fail()],
        "OnSignal": [c.OnSignal(weights.format("OnSignal")), Signal()],
        "OrbaxCheckpoint": [c.OrbaxCheckpoint(folder["OrbaxCheckpoint"], "loss", verbose=1)],
        "ProgbarLogger": [c.ProgbarLogger()],
        "ReduceLROnPlateau": [c.ReduceLROnPlateau("loss", patience=1, min_delta=9.0, verbose=1)],
        "RemoteMonitor": [c.RemoteMonitor(server)],
        "SpikeSkip": [c.SpikeSkip(path=str(FOLDER / "SpikeSkip" / "skipped.json"))],
        "Statistics": [c.Statistics(x, y, log_dir=folder["Statistics"])],
        "SwapEMAWeights": [c.SwapEMAWeights()],
        "TensorBoard": [
            c.TensorBoard(folder["TensorBoard"], histogram_freq=1, update_freq=2, profile_batch=2)
        ],
        "TerminateOnNaN": [c.TerminateOnNaN()],
        "Timer": [c.Timer(limit=1e-3)],
        "Unfreeze": [c.Unfreeze({1: "first"})],
        "Callback": [Stop()],
    }


numbers = np.random.default_rng(0)
x = numbers.normal(size=(48, 4)).astype("float32")
y = x.sum(1, keepdims=True)


def main():
    keras.utils.set_random_seed(0)
    dense = keras.layers.Dense
    model = keras.Sequential([keras.Input((4,)), dense(3, name="first"), dense(1)])
    found = {}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.addaudithook(record)
    address = f"http://127.0.0.1:{server.server_port}"
    for name, callbacks in make_callbacks(address).items():
        model.trainable = True
        if name == "Unfreeze":
            model.layers[0].trainable = False
        use_ema = name == "SwapEMAWeights"
        model.compile(keras.optimizers.SGD(0.01, use_ema=use_ema), "mse", metrics=["mae"])
        verbose = 2 if name == "ProgbarLogger" else 0
        try:
            model.fit(x, y, batch_size=8, epochs=3, verbose=verbose, callbacks=callbacks)
        except ArithmeticError:
            pass
        found[name] = {
            "written": sorted(written),
            "requests": len(requests),
            "steps": int(model.optimizer.iterations),
            "epochs": len(model.history.epoch),
            "weights": [np.asarray(one).tolist() for one in model.get_weights()],
        }
        written.clear()
        requests.clear()
    (RESULTS / f"{MINE}.json").write_text(json.dumps(found))


main()
