"""The datasets of Keras: small files in the formats of the real ones are read as Keras reads them.

The real files cannot be downloaded in a test. Where a reader expects the number of rows of the real
files, the tests replace it.
"""

import gzip
import hashlib
import importlib
import inspect
import io
import pickle
import struct
import tarfile
import urllib.error

import keras
import numpy as np
import pytest

import cornu
from cornu import datasets
from cornu.datasets import cifar, cifar10, cifar100, fashion_mnist, files
from cornu.datasets.pickled_arrays import load_npz, load_pickle
from tests.conformance.faults import fault

NAMES = (
    *["boston_housing", "california_housing", "cifar10", "cifar100"],
    *["fashion_mnist", "imdb", "mnist", "reuters"],
)
RNG = np.random.default_rng(0)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of Keras, and no network."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    cornu.utils.disable_interactive_logging()
    (tmp_path / "datasets").mkdir()
    yield tmp_path / "datasets"
    cornu.utils.enable_interactive_logging()


@pytest.fixture
def store(cache, monkeypatch):
    """Writes a file to the cache, and makes both libraries expect its hash."""

    def write(path, content, file=None):
        target = cache / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        origin, digits = files._FILES[file or path]
        if digits is not None:
            digits = hashlib.sha256(content).hexdigest()
        monkeypatch.setitem(files._FILES, file or path, (origin, digits))
        return target

    for name in NAMES:
        module = importlib.import_module(f"keras.src.datasets.{name}")

        def from_cache(fname, origin=None, extract=False, cache_subdir="datasets", **_):
            return str(cache.parent / cache_subdir / fname)

        monkeypatch.setattr(module, "get_file", from_cache)
    return write


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def sequences(count):
    lists = np.empty(count, "object")
    lists[:] = [RNG.integers(1, 40, RNG.integers(2, 9)).tolist() for _ in range(count)]
    return lists


def assert_equal(got, expected):
    for ours, keras_part in zip(got, expected, strict=True):
        for a, b in zip(ours, keras_part, strict=True):
            assert isinstance(a, np.ndarray) and a.shape == np.shape(b)
            assert a.tolist() == np.asarray(b).tolist()


def test_mnist(store):
    arrays = {"x_train": RNG.integers(0, 256, (6, 28, 28)), "y_train": np.arange(6)}
    arrays |= {"x_test": RNG.integers(0, 256, (2, 28, 28)), "y_test": np.arange(2)}
    store("mnist.npz", npz(**{k: v.astype("uint8") for k, v in arrays.items()}))
    got = datasets.mnist.load_data()
    assert got[0][0].dtype == np.uint8
    assert_equal(got, keras.datasets.mnist.load_data())


def test_paths_may_be_absolute_as_in_keras(store, cache, tmp_path):
    content = npz(x_train=[[1]], y_train=[1], x_test=[[2]], y_test=[2])
    store("mnist.npz", content)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "digits.npz").write_bytes(content)
    (cache / "mnist.npz").unlink()
    for path in (tmp_path / "elsewhere" / "digits.npz", "../elsewhere/digits.npz"):
        assert datasets.mnist.load_data(path)[1][1].tolist() == [2]


@pytest.mark.parametrize("name", ["boston_housing", "california_housing"])
@pytest.mark.parametrize("options", [{}, {"test_split": 0.0}, {"test_split": 0.5, "seed": 3}])
def test_housing(store, name, options):
    store(f"{name}.npz", npz(x=RNG.normal(size=(700, 3)), y=RNG.normal(size=700)))
    ours, reference = getattr(datasets, name), getattr(keras.datasets, name)
    assert_equal(ours.load_data(**options), reference.load_data(**options))
    if name == "california_housing":
        got = ours.load_data("small", **options)
        assert_equal(got, reference.load_data("small", **options))
        assert sum(len(part[0]) for part in got) == 600
        with pytest.raises(ValueError, match="version must be one of"):
            ours.load_data("medium")
    with pytest.raises(ValueError, match=r"test_split must be in \[0, 1\). Received: 1.5"):
        ours.load_data(test_split=1.5)


OPTIONS = [
    {},
    {"num_words": 20},
    {"num_words": 20, "skip_top": 5, "oov_char": None},
    {"maxlen": 6, "seed": 7},
    {"start_char": None, "index_from": 0},
    {"start_char": None, "index_from": 10, "oov_char": 9, "skip_top": 12},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", ["imdb", "reuters"])
def test_word_sequences(store, name, options):
    if name == "imdb":
        arrays = {f"x_{part}": sequences(30) for part in ("train", "test")}
        arrays |= {f"y_{part}": RNG.integers(0, 2, 30) for part in ("train", "test")}
    else:
        arrays = {"x": sequences(50), "y": RNG.integers(0, 46, 50)}
    store(f"{name}.npz", npz(**arrays))
    ours, reference = getattr(datasets, name), getattr(keras.datasets, name)
    got = ours.load_data(**options)
    assert type(got[0][0][0]) is list
    assert_equal(got, reference.load_data(**options))
    with pytest.raises(ValueError, match="No sequence is shorter than maxlen=1"):
        ours.load_data(maxlen=1)


def test_word_indices_and_topics(store):
    for name in ("imdb", "reuters"):
        store(f"{name}_word_index.json", b'{"the": 1, "caf\\u00e9": 2}')
        assert getattr(datasets, name).get_word_index() == {"the": 1, "café": 2}
    assert datasets.reuters.get_label_names() == keras.datasets.reuters.get_label_names()
    with pytest.raises(TypeError, match="no argument 'nb_words'. `nb_words` is named `num_words`"):
        datasets.imdb.load_data(nb_words=3)


def idx(array):
    header = np.array([8 << 8 | array.ndim, *array.shape], ">u4").tobytes()
    return gzip.compress(header + array.tobytes())


def test_fashion_mnist(store, monkeypatch):
    for part, rows in (("train", 5), ("t10k", 3)):
        images = RNG.integers(0, 256, (rows, 28, 28)).astype("uint8")
        store(
            f"fashion-mnist/{part}-images-idx3-ubyte.gz",
            idx(images),
            f"{part}-images-idx3-ubyte.gz",
        )
        labels = np.arange(rows, dtype="uint8")
        path = store(
            f"fashion-mnist/{part}-labels-idx1-ubyte.gz",
            idx(labels),
            f"{part}-labels-idx1-ubyte.gz",
        )
    with pytest.raises(ValueError, match="is not the expected file of Fashion-MNIST"):
        datasets.fashion_mnist.load_data()  # far fewer rows than the real dataset
    load = fashion_mnist._load_part
    got = load("train", 5), load("t10k", 3)
    assert_equal(got, keras.datasets.fashion_mnist.load_data())
    assert got[0][0].flags.writeable
    for content in (idx(np.arange(4, dtype="uint8")), idx(labels)[:-9], gzip.compress(b"")):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="Delete it to download it again"):
            load("t10k", 3)


class _Pickler(pickle._Pickler):
    """Writes strings of bytes as Python 2 did, in the files of CIFAR."""

    def save_string(self, value):
        self.write(pickle.BINSTRING + struct.pack("<i", len(value)) + value)

    dispatch = {**pickle._Pickler.dispatch, bytes: save_string}  # noqa: RUF012


def pickle_like_python_2(content):
    file = io.BytesIO()
    _Pickler(file, protocol=2).dump(content)
    return file.getvalue().replace(b"numpy._core", b"numpy.core")


def archive(folder, members):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, content in members.items():
            data = pickle_like_python_2(content)
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return file.getvalue()


def batch(rows, *keys):
    labels = {key: RNG.integers(0, 10, rows).tolist() for key in keys}
    return {b"data": RNG.integers(0, 256, (rows, 3072)).astype("uint8"), **labels}


@pytest.fixture(params=["channels_last", "channels_first"])
def data_format(request):
    for library in (cornu, keras):
        library.config.set_image_data_format(request.param)
    yield request.param
    for library in (cornu, keras):
        library.config.set_image_data_format("channels_last")


@fault("datasets.cifar100.load_data")
def test_cifar(store, monkeypatch, data_format):
    members = {f"data_batch_{i}": batch(10, b"labels") for i in range(1, 6)}
    members["test_batch"] = batch(10, b"labels")
    path = store(
        "cifar-10-batches-py-target_archive",
        archive("cifar-10-batches-py", members),
        "cifar-10-python.tar.gz",
    )
    members = {"train": batch(50, b"fine_labels", b"coarse_labels")}
    members["test"] = batch(10, b"fine_labels", b"coarse_labels")
    store(
        "cifar-100-python-target_archive",
        archive("cifar-100-python", members),
        "cifar-100-python.tar.gz",
    )
    with pytest.raises(ValueError, match="is not a file of CIFAR with 10000 images"):
        cifar10.load_data()  # far fewer rows than the real dataset
    for module in (cifar10, cifar100):
        monkeypatch.setattr(
            module, "load_batch", lambda path, rows, key: cifar.load_batch(path, rows // 1000, key)
        )
    for mode in ("fine", "coarse"):
        got, expected = (k.datasets.cifar100.load_data(mode) for k in (cornu, keras))
        assert all(array.dtype == np.uint8 for part in got for array in part)
        assert expected[0][1].dtype == expected[1][1].dtype == np.int64
        assert_equal(got, expected)
    (x_train, y_train), (x_test, y_test) = cifar10.load_data()
    shape = (3, 32, 32) if data_format == "channels_first" else (32, 32, 3)
    assert (x_train.shape, y_train.shape) == ((50, *shape), (50, 1))
    folder = path.with_name("cifar-10-batches-py-target") / "cifar-10-batches-py"
    for images, labels, file in (
        (x_train[20:30], y_train[20:30], "data_batch_3"),
        (x_test, y_test, "test_batch"),
    ):
        expected, expected_labels = keras.src.datasets.cifar.load_batch(folder / file)
        if data_format == "channels_last":
            images = images.transpose(0, 3, 1, 2)
        assert labels[:, 0].tolist() == expected_labels
        np.testing.assert_array_equal(images, expected)
    with pytest.raises(ValueError, match="label_mode must be one of"):
        cifar100.load_data("both")


class _Attack:
    def __reduce__(self):
        return print, ("executed",)


@pytest.mark.parametrize(
    "content",
    [
        _Attack(),
        {b"data": _Attack()},
        {b"data": np.array([_Attack()], "object")},
        {b"data": np.array(["a string"])},
        {b"data": np.dtype("u1")},
        [1, 2],
    ],
    ids=["call", "in_dict", "in_array", "strings", "type", "list"],
)
def test_pickles_of_anything_else_are_refused(tmp_path, content, capsys):
    (tmp_path / "data").write_bytes(pickle_like_python_2(content))
    with pytest.raises(ValueError, match="is not a file of this dataset|does not contain a dict"):
        load_pickle(tmp_path / "data")
    assert "executed" not in capsys.readouterr().out


def test_object_arrays_contain_numbers_and_lists_only(tmp_path, capsys):
    for element in (_Attack(), np.dtype("u1"), np.array([_Attack()], "object")):
        array = np.empty(2, "object")
        array[0] = element
        np.savez(tmp_path / "data.npz", x=array)
        with pytest.raises(ValueError, match=r"x\.npy is not a file of this dataset"):
            load_npz(tmp_path / "data.npz")
    assert "executed" not in capsys.readouterr().out


def test_pickled_arrays_have_their_types_and_orders(tmp_path):
    arrays = {
        b"big_endian": np.arange(3, dtype=">i4"),
        b"columns_first": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        b"bool": np.array([True, False]),
        b"scalar": np.array(2.5),
    }
    content = pickle_like_python_2(arrays)
    (tmp_path / "data").write_bytes(content)
    for name, array in load_pickle(tmp_path / "data").items():
        expected = arrays[name.encode()]
        assert array.dtype == expected.dtype
        np.testing.assert_array_equal(array, expected)
    for end in range(0, len(content) - 1, 7):
        (tmp_path / "data").write_bytes(content[:end])
        with pytest.raises(ValueError, match="is not a file of this dataset"):
            load_pickle(tmp_path / "data")


@pytest.mark.parametrize("name", NAMES)
def test_missing_files_say_where_to_put_them(cache, name):
    with pytest.raises(urllib.error.URLError, match="could not be read") as caught:
        getattr(datasets, name).load_data()
    assert f"copy the file to '{cache}" in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_addresses_hashes_and_arguments_are_those_of_keras(name, monkeypatch):
    module = importlib.import_module(f"keras.src.datasets.{name}")
    asked = []

    def record(fname, origin=None, file_hash=None, **kwargs):
        asked.append((origin, file_hash))
        raise StopIteration

    monkeypatch.setattr(module, "get_file", record)
    for function in ("load_data", "get_word_index"):
        if hasattr(module, function):
            with pytest.raises(StopIteration):
                getattr(module, function)()
            ours = inspect.signature(getattr(getattr(datasets, name), function)).parameters
            reference = inspect.signature(getattr(module, function)).parameters
            assert [(p.name, p.default) for p in ours.values()] == [
                (p.name, p.default) for p in reference.values()
            ]
    for origin, digits in asked:
        folder, _, file = origin.rpartition("/")
        assert files._FILES[file] == (f"{folder}/", digits)
