"""TensorBoard: what it writes is read by TensorBoard itself, and its tags are those of Keras."""

from __future__ import annotations

import struct
import warnings
import zlib

import jax
import keras
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.callbacks import Callback, CallbackList, TensorBoard
from cornu.callbacks.tensorboard.graph_def import encode_graph
from cornu.callbacks.tensorboard.weight_image import encode_png, render_weight

pytest.importorskip("tensorboard")
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: E402
from tensorboard.compat.proto.graph_pb2 import GraphDef  # noqa: E402

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4)).astype("float32")
Y = RNG.normal(size=(40, 1)).astype("float32")


def tiny(library=cornu, optimizer="sgd"):
    x = library.Input((4,))
    y = library.layers.Dense(3, name="first")(x)
    model = library.Model(x, library.layers.Dense(1, name="last")(y))
    model.compile(optimizer, "mse", metrics=["mae"])
    return model


def fit(callback, model=None, epochs=2, **kwargs):
    model = tiny() if model is None else model
    kwargs = {"batch_size": 8, "verbose": 0, "validation_data": (X[:8], Y[:8]), **kwargs}
    return model, model.fit(X, Y, epochs=epochs, callbacks=[callback], **kwargs).history


def read(folder):
    reader = EventAccumulator(str(folder), size_guidance={"images": 0, "histograms": 0})
    reader.Reload()
    return reader


def scalars(folder, tag):
    return [(event.step, event.value) for event in read(folder).Scalars(tag)]


@pytest.mark.parametrize("options", [
    {"histogram_freq": 1, "write_images": True, "write_steps_per_second": True},
    {"update_freq": 2, "write_steps_per_second": True},
    {"update_freq": "batch"},
])  # fmt: skip
def test_tags_and_steps_are_those_of_keras(tmp_path, options):
    pytest.importorskip("tensorflow")
    tags, steps = [], []
    for library in (keras, cornu):
        folder = tmp_path / library.__name__
        model = tiny(library)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TensorFlow's own
            callback = library.callbacks.TensorBoard(folder, write_graph=False, **options)
            # Keras loses what comes at the end after an odd number of steps.
            fit(callback, model, batch_size=10, validation_data=(X[:20], Y[:20]))
        found, at = {}, {}
        for run in ("train", "validation"):
            reader = read(folder / run)
            known = reader.Tags()
            found[run] = {*known["tensors"], *known["scalars"], *known["histograms"]}
            found[run] |= {*known["images"]}
            at |= {(run, tag): [e.step for e in reader.Tensors(tag)] for tag in known["tensors"]}
            at |= {(run, tag): [e.step for e in reader.Scalars(tag)] for tag in known["scalars"]}
        tags.append(found)
        steps.append(at)
    for run in ("train", "validation"):
        more = tags[1][run] - tags[0][run]
        assert tags[0][run] <= tags[1][run]
        assert more <= {"last/bias/image"}  # Keras has no picture of a single number
    assert {key: value for key, value in steps[0].items() if key in steps[1]} == steps[1]


def test_values_are_those_of_the_history(tmp_path):
    _, history = fit(TensorBoard(tmp_path), tiny(optimizer=cornu.optimizers.SGD(0.25)), epochs=3)
    for run, start in (("train", ""), ("validation", "val_")):
        for name in ("loss", "mae"):
            written = scalars(tmp_path / run, f"epoch_{name}")
            assert written == [
                (i, pytest.approx(v)) for i, v in enumerate(history[f"{start}{name}"])
            ]
    assert scalars(tmp_path / "train", "epoch_learning_rate") == [(i, 0.25) for i in range(3)]
    vs = scalars(tmp_path / "validation", "evaluation_loss_vs_iterations")
    assert vs == [(5 * i + 5, pytest.approx(v)) for i, v in enumerate(history["val_loss"])]


def test_metrics_within_an_epoch(tmp_path):
    seen = []

    class Watch(Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(logs["loss"])

    model = tiny()
    listed = [Watch(), TensorBoard(tmp_path, update_freq=3)]
    model.fit(X, Y, batch_size=8, epochs=2, verbose=0, callbacks=listed)
    assert scalars(tmp_path / "train", "batch_loss") == [
        (step, pytest.approx(seen[step - 1])) for step in (3, 6, 9)
    ]


def test_epochs_are_written_whatever_the_number_of_their_steps(tmp_path):
    # Keras leaves them out when the last step of an epoch is not one that is due.
    fit(TensorBoard(tmp_path, update_freq=2), batch_size=8)
    assert [step for step, _ in scalars(tmp_path / "train", "epoch_loss")] == [0, 1]


def test_only_callbacks_that_need_single_steps_request_them():
    both = {"on_train_batch_begin", "on_train_batch_end"}
    assert not TensorBoard(histogram_freq=1, write_steps_per_second=True).batch_hooks()
    assert TensorBoard(update_freq=100).batch_hooks() == {"on_train_batch_end"}
    assert TensorBoard(update_freq=1, write_steps_per_second=True).batch_hooks() == both
    assert TensorBoard(profile_batch=2).batch_hooks() == both
    assert CallbackList([TensorBoard()]).look_every is None

    class Own(TensorBoard):
        def on_train_batch_begin(self, batch, logs=None):
            super().on_train_batch_begin(batch, logs)

    assert Own().batch_hooks() == {"on_train_batch_begin"}


def test_speed_is_positive_and_leaves_out_validation(tmp_path, monkeypatch):
    from cornu.callbacks.tensorboard import callback

    now = [0.0]
    monkeypatch.setattr(callback.time, "monotonic", lambda: now[0])

    class Wait(Callback):
        def on_progress(self, step, steps, logs=None):
            if step == steps:
                now[0] += 2.0

        look_every = 0.0

        def on_test_end(self, logs=None):
            now[0] += 100.0

    model, board = tiny(), TensorBoard(tmp_path, write_steps_per_second=True)
    kwargs = {"batch_size": 8, "verbose": 0, "validation_data": (X[:8], Y[:8])}
    model.fit(X, Y, epochs=2, callbacks=[Wait(), board], **kwargs)
    assert scalars(tmp_path / "train", "epoch_steps_per_second") == [(0, 2.5), (1, 2.5)]


def test_histograms_and_pictures(tmp_path):
    model, _ = fit(TensorBoard(tmp_path, histogram_freq=2, write_images=True), epochs=3)
    reader = read(tmp_path / "train")
    tag = next(t for t in reader.Tags()["histograms"] if t.endswith("first/kernel/histogram"))
    first, last = reader.Histograms(tag)
    assert (first.step, last.step) == (0, 2)
    kernel = model.get_layer("first").kernel.numpy()
    assert last.histogram_value.num == 12
    assert last.histogram_value.min == pytest.approx(kernel.min())
    picture = reader.Images(tag.replace("histogram", "image"))[-1]
    assert (picture.height, picture.width) == (3, 4)
    assert picture.encoded_image_string == encode_png(render_weight(kernel))


def test_evaluation_outside_of_fit(tmp_path):
    model = tiny()
    model.evaluate(X, Y, verbose=0, callbacks=[board := TensorBoard(tmp_path)])
    ((step, _),) = scalars(tmp_path / "validation", "evaluation_mae_vs_iterations")
    assert step == 0 and not board._writers and not (tmp_path / "train").exists()


def test_steps_count_on_in_a_second_fit_and_in_a_resumed_one(tmp_path):
    board, model = TensorBoard(tmp_path / "a", update_freq="batch"), tiny()
    fit(board, model, epochs=1)
    fit(board, model, epochs=2, initial_epoch=1)
    assert [s for s, _ in scalars(tmp_path / "a" / "train", "batch_loss")] == [*range(1, 11)]
    again = TensorBoard(tmp_path / "b", update_freq="batch")
    again.set_state(board.get_state())
    fit(again, epochs=1)
    assert [s for s, _ in scalars(tmp_path / "b" / "train", "batch_loss")] == [*range(11, 16)]


def test_a_metric_with_several_values_is_a_histogram(tmp_path):
    class Add(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["each"] = np.arange(3.0)

    tiny().fit(X, Y, verbose=0, callbacks=[Add(), TensorBoard(tmp_path)])
    assert "epoch_each" in read(tmp_path / "train").Tags()["histograms"]


def test_several_optimizers_have_their_own_rates(tmp_path):
    optimizer = cornu.optimizers.MultiOptimizer(
        cornu.optimizers.OptimizerMap(
            cornu.optimizers.SGD(0.5, name="rest"),
            {"first/.*": cornu.optimizers.SGD(0.25, name="early")},
        )
    )
    fit(TensorBoard(tmp_path), tiny(optimizer=optimizer), epochs=1)
    train = tmp_path / "train"
    assert scalars(train, "epoch_learning_rate_rest") == [(0, 0.5)]
    assert scalars(train, "epoch_learning_rate_early") == [(0, 0.25)]


# --------------------------------------------------------------------------------------- the graph


def parsed(model):
    graph = GraphDef()
    graph.ParseFromString(encode_graph(model))
    return {node.name: node for node in graph.node}


def shape_of(node):
    (shape,) = node.attr["_output_shapes"].list.shape
    return [dim.size for dim in shape.dim]


def test_blocks_and_nested_models_are_paths():
    def stem(x):
        return layers.ReLU(name="act")(layers.Dense(4, name="wide")(x))

    inner = cornu.Sequential([cornu.Input((4,)), layers.Dense(4, name="d")], name="inner")
    x = cornu.Input((4,), name="x")
    h = stem(x)
    y = cornu.ops.split(inner(inner(h)) + h, 2, axis=1)[1]
    nodes = parsed(cornu.Model(x, y))
    assert nodes["x"].op == "Input" and shape_of(nodes["x"]) == [-1, 4]
    assert list(nodes["stem/wide"].input) == ["x"] and nodes["stem/wide"].op == "Dense"
    assert nodes["stem/wide"].attr["parameters"].i == 20
    assert list(nodes["stem/act"].input) == ["stem/wide"]
    assert list(nodes["inner/d"].input) == ["stem/act"]
    assert list(nodes["inner_1/d"].input) == ["inner/d"]
    (add,) = (node for node in nodes.values() if len(node.input) == 2)
    assert list(add.input) == ["inner_1/d", "stem/act"]
    assert all(name in nodes for node in nodes.values() for name in node.input)


def test_graphs_are_in_the_file_and_can_be_left_out(tmp_path):
    fit(TensorBoard(tmp_path / "with"), epochs=1)
    graph = read(tmp_path / "with" / "train").Graph()
    assert [node.name for node in graph.node][-2:] == ["first", "last"]
    fit(TensorBoard(tmp_path / "without", write_graph=False), epochs=1)
    assert not read(tmp_path / "without" / "train").Tags()["graph"]


def test_models_without_a_functional_graph_write_no_graph(tmp_path):
    class Own(cornu.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, x):
            return self.dense(x)

    model = Own()
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path, histogram_freq=1)])
    tags = read(tmp_path / "train").Tags()
    assert not tags["graph"] and len(tags["histograms"]) == 2


# -------------------------------------------------------------------------------------- embeddings


def worded():
    model = cornu.Sequential(
        [cornu.Input((2,), dtype="int32"), layers.Embedding(5, 3, name="words"), layers.Flatten()]
    )
    model.compile("sgd", "mse")
    return model


def test_the_projector_finds_the_tables(tmp_path):
    from google.protobuf import text_format
    from tensorboard.plugins.projector import ProjectorConfig

    model = worded()
    board = TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"words": 'a"b.tsv'})
    x, y = np.zeros((4, 2), "int32"), np.zeros((4, 6), "float32")
    model.fit(x, y, verbose=0, callbacks=[board])
    config = text_format.Parse((tmp_path / "projector_config.pbtxt").read_text(), ProjectorConfig())
    (described,) = config.embeddings
    assert (described.tensor_name, described.metadata_path) == ("words", 'a"b.tsv')
    table = np.loadtxt(tmp_path / described.tensor_path, delimiter="\t", dtype="float32")
    np.testing.assert_allclose(table, model.get_layer("words").embeddings.numpy(), rtol=1e-6)


def test_labels_of_another_layer_are_rejected_before_training(tmp_path):
    board = TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"word": "a.tsv"})
    with pytest.raises(ValueError, match="Did you mean 'words'"):
        worded().fit(np.zeros((4, 2), "int32"), np.zeros((4, 6)), verbose=0, callbacks=[board])
    assert board.embeddings_metadata == {"word": "a.tsv"} and not list(tmp_path.iterdir())


# ----------------------------------------------------------------------------------------- profile


def test_steps_are_profiled_and_then_run_together(tmp_path):
    board = TensorBoard(tmp_path, profile_batch=(2, 3))
    fit(board, epochs=1)
    assert list((tmp_path / "train").rglob("*.xplane.pb")) and not board.batch_hooks()


def test_a_profile_that_is_not_done_is_stopped(tmp_path):
    board = TensorBoard(tmp_path, profile_batch="2,99")
    fit(board, epochs=1)
    assert list((tmp_path / "train").rglob("*.xplane.pb")) and not board._tracing


def test_a_foreign_profile_continues(tmp_path):
    jax.profiler.start_trace(str(tmp_path / "other"))
    try:
        with pytest.warns(UserWarning, match="the profiler could not be started"):
            fit(TensorBoard(tmp_path / "mine", profile_batch=1), epochs=1)
    finally:
        jax.profiler.stop_trace()
    assert list((tmp_path / "other").rglob("*.xplane.pb"))


@pytest.mark.parametrize("wrong", [-1, (3, 2), (0, 4), "a", (1, 2, 3), None, 1.5j])
def test_profile_batch_is_checked(wrong):
    with pytest.raises(ValueError, match="profile_batch must be a positive integer"):
        TensorBoard(profile_batch=wrong)


@pytest.mark.parametrize("wrong", [0, -1, "epochs", 1.5, True])
def test_update_freq_is_checked(wrong):
    with pytest.raises(ValueError, match="update_freq must be 'epoch'"):
        TensorBoard(update_freq=wrong)


# ---------------------------------------------------------------------------------------- pictures


def test_pictures_of_weights():
    row = render_weight(np.array([0.0, 2.0, -2.0, np.nan]))
    assert row.tolist() == [[[255] * 3, [178, 24, 43], [33, 102, 172], [128] * 3]]
    assert render_weight(np.ones((6, 2))).shape == (2, 6, 3)
    assert render_weight(np.zeros((3, 3, 2, 4))).shape == (2 * 4 - 1, 4 * 4 - 1, 3)
    assert render_weight(np.zeros((5, 2, 4))).shape == (5, 4 * 3 - 1, 3)
    assert render_weight(np.zeros((2, 3, 3, 2, 4))).shape == (2 * 7 - 1, 4 * 4 - 1, 3)
    assert max(render_weight(np.zeros((3, 3, 600, 600))).shape) <= 1024
    assert max(render_weight(np.zeros((1500, 1200))).shape) <= 1024
    assert render_weight(np.float32(3.0)).shape == (1, 1, 3)


def test_a_tile_is_a_pair_of_channels():
    kernel = np.zeros((2, 2, 2, 3))
    kernel[:, :, 1, 2] = 1.0
    red = (render_weight(kernel) == (178, 24, 43)).all(-1)
    assert red.sum() == 4 and red[3:, 6:].all()


def test_png():
    picture = RNG.integers(0, 256, (3, 5, 3)).astype("uint8")
    data = encode_png(picture)
    assert struct.unpack(">II", data[16:24]) == (5, 3)
    pillow = pytest.importorskip("PIL.Image")
    import io

    np.testing.assert_array_equal(np.asarray(pillow.open(io.BytesIO(data))), picture)
    assert data.endswith(struct.pack(">I", zlib.crc32(b"IEND")))
