"""Everything that shows names: a table from a description to a function that returns the text."""

import contextlib
import csv
import io
import re
import traceback
import warnings
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np

import cornu
from cornu import layers
from cornu.inspect.outline import outline
from cornu.inspect.profile.cost import cost

X = np.ones((8, 4), "f4")
Y = [np.ones((8, 2), "f4")] * 2


class Scale(cornu.Layer):
    """A layer of the user whose weight has a name of its own."""

    def __init__(self, weight="scale", **kwargs):
        super().__init__(**kwargs)
        self.weight = weight

    def build(self, shape):
        self.scale = self.add_weight(shape=shape[-1:], initializer="ones", name=self.weight)

    def call(self, x):
        return x * self.scale


def make_model(name):
    """Returns a model in which everything that has a name has this one."""
    x = cornu.Input((4,), name=f"{name} in")
    h = layers.Dense(3, name=name)(x)
    h = Scale(f"{name} scale", name=f"{name} own")(h)
    outputs = [layers.Dense(2, name=f"{name} {i}")(h) for i in range(2)]
    model = cornu.Model(x, outputs, name=f"{name} model")
    mae = cornu.metrics.MeanAbsoluteError(name=f"{name} mae")
    model.compile("sgd", ["mse", "mse"], metrics=[[mae], []])
    return model


def _plotted(ending, **options):
    def show(model, name, folder):
        path = folder / f"plot.{ending}"
        cornu.utils.plot_model(model, path, show_layer_names=True, show_shapes=True, **options)
        return path.read_text(encoding="utf-8")

    return show


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def _terminal(model, name, folder):
    """What the progress bar writes to a terminal, without its own colors."""
    with contextlib.redirect_stdout(_Terminal()) as out:
        model.fit(X, Y)
        model.summary()
    return re.sub("\x1b\\[[0-9;]*m|\r", "", out.getvalue())


def _logged(model, name, folder):
    """Reads the log back as data: it has the names as they are."""
    csv.field_size_limit(1 << 20)
    path = folder / "log.csv"
    for append in (False, True):
        log = cornu.callbacks.CSVLogger(path, append=append)
        model.fit(X, Y, verbose=0, callbacks=[log])
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 3 and f"{name} 0_{name} mae" in rows[0]
    return ""


def _boarded(model, name, folder):
    model.fit(X, Y, verbose=0, callbacks=[cornu.callbacks.TensorBoard(folder / "board")])
    return ""


def _checkpointed(model, name, folder):
    saved = cornu.callbacks.ModelCheckpoint(
        folder / "w.weights.h5",
        monitor=f"{name} 0_{name} mae",
        mode="min",
        save_best_only=True,
        save_weights_only=True,
        verbose=1,
    )
    missing = cornu.callbacks.EarlyStopping(f"{name} nothing", mode="min")
    model.fit(X, Y, verbose=0, callbacks=[saved, missing])


def _resumed(model, name, folder):
    for epochs in (1, 2):
        fresh = make_model(name)
        fresh.optimizer.learning_rate = 0.1 * epochs
        fresh.fit(X, Y, epochs=epochs, verbose=2, resume=folder / "states")


def _round_trip(model, name, folder):
    for ending in (".weights.h5", ".safetensors", ".npz"):
        path = folder / f"w{ending}"
        try:
            model.save_weights(path)
        except ValueError as error:
            assert ending == ".npz" and "too long for npz" in str(error)
        else:
            model.load_weights(path)
    path = folder / "model.keras"
    model.save(path)
    cornu.models.load_model(path, {"Scale": Scale}).summary()


# The model, the name, a folder -> the text that is shown; what is printed and warned is added.
TEXTS = {
    "summary": lambda model, name, folder: model.summary(),
    "repr": lambda model, name, folder: "".join(
        map(repr, [model, *model.layers, *model.weights, *model.inputs, *model.metrics])
    ),
    "outline": lambda model, name, folder: repr(list(outline(model).walk())),
    "cost": lambda model, name, folder: str(cost(model)),
    "check": lambda model, name, folder: str(model.check(X, Y)),
    "plot.dot": _plotted("dot"),
    "fit": lambda model, name, folder: model.fit(X, Y, verbose=2, validation_split=0.25) and "",
    "evaluate": lambda model, name, folder: model.evaluate(X, Y) and "",
    "terminal": _terminal,
    "csv": _logged,
    "tensorboard": _boarded,
    "checkpoint": _checkpointed,
    "resume": _resumed,
    "files": _round_trip,
}
PAGES = {
    "summary": lambda model, name, folder: model._repr_html_(),
    "cost": lambda model, name, folder: cost(model)._repr_html_(),
    "check": lambda model, name, folder: model.check(X, Y)._repr_html_(),
    "plot.svg": _plotted("svg"),
    "plot.html": _plotted("html"),
    "history": lambda model, name, folder: str(model.fit(X, Y, verbose=0).plot()),
}
ERRORS = {
    "shape": lambda model, name: model(X[:, :2]),
    "layer": lambda model, name: model.layers[1](X[:, :2]),
    "names": lambda model, name: model.fit({f"{name} none": X}, Y),
    "lookup": lambda model, name: model.get_layer("none"),
    "similar": lambda model, name: model.get_layer(f"{name}x"),
    "weights": lambda model, name: model.set_weights([1]),
    "loss": lambda model, name: model.compile("sgd", {name: "mse"}),
    "activation": lambda model, name: layers.Dense(2, activation=name),
    "argument": lambda model, name: layers.Dense(2, **{name: 1}),
    "data": lambda model, name: model.fit(X * np.nan, Y),
    "load": lambda model, name: cornu.models.load_model(f"{name[:100]}.keras"),
}


def shown_text(show, *arguments):
    """Returns what a function returns, prints and warns of, or the error that it raises."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        text = show(*arguments) or ""
    return text + out.getvalue() + "".join(str(one.message) for one in warned)


def error_text(show, *arguments):
    """Returns what Python prints of the error that a function raises."""
    try:
        show(*arguments)
    except (ValueError, TypeError, OSError) as error:
        last = traceback.TracebackException.from_exception(error)
        return "".join(last.format_exception_only()) + "".join(getattr(error, "__notes__", ()))
    raise AssertionError("no error")


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = set()

    def handle_starttag(self, tag, attrs):
        self.found.add(tag)
        self.found.update(name for name, _ in attrs if name.startswith("on"))


def tags(page):
    """Returns the names of the elements of a page, and of attributes that run scripts."""
    if page.startswith("<svg"):
        ElementTree.fromstring(page)  # is well-formed
    parser = _Tags()
    parser.feed(page)
    return parser.found
