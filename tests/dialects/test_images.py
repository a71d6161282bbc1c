"""Images of the dialects against those of the versions; see scripts/make_image_reference.py."""

from pathlib import Path

import numpy as np
import pytest

from cornu.dialects import keras1, keras2
from tests.dialects import image_cases


@pytest.mark.parametrize("version", image_cases.VERSIONS)
def test_equal_images(version):
    keras = keras1.load() if version == "1.2.2" else keras2.load(version)
    found = image_cases.run(keras.preprocessing.image, version)
    with np.load(Path(__file__).parent / "image_reference.npz") as file:
        for name, value in found.items():
            np.testing.assert_allclose(value, file[f"{version}/{name}"], atol=1e-3, err_msg=name)


def test_tables_of_files(tmp_path):
    pandas = pytest.importorskip("pandas")
    image = keras2.load("2.3.1").preprocessing.image
    for i in range(2):
        image.save_img(tmp_path / f"{i}.png", np.full((2, 2, 3), 10.0 * i), scale=False)
    table = pandas.DataFrame(
        {"name": ["0.png", "gone.png", "1.png"], "y": [1, 2, 3], "w": [1, 1, 4]}
    )
    options = {"target_size": (2, 2), "class_mode": "other", "shuffle": False}
    generator = image.ImageDataGenerator()
    with pytest.warns(UserWarning, match="1 of 3 files do not exist"):
        batches = generator.flow_from_dataframe(table, tmp_path, "name", "y", "w", **options)
    _, targets, weights = next(batches)
    assert targets.tolist() == [1, 3] and weights.tolist() == [1.0, 4.0]
    image = keras2.load("2.2.4").preprocessing.image
    table = pandas.DataFrame({"name": ["1", "0"], "y": [5, 6]})
    batches = image.ImageDataGenerator().flow_from_dataframe(
        table, tmp_path, "name", "y", False, **options
    )
    assert next(batches)[0][:, 0, 0, 0].tolist() == [10.0, 0.0]


def test_links_to_folders(tmp_path):
    image = keras2.load("2.3.1").preprocessing.image
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "data/a").mkdir(parents=True)
    image.save_img(tmp_path / "elsewhere/0.png", np.zeros((2, 2, 3)))
    (tmp_path / "data/a/link").symlink_to(tmp_path / "elsewhere")
    counts = [
        image.ImageDataGenerator().flow_from_directory(tmp_path / "data", follow_links=follow).n
        for follow in (False, True)
    ]
    assert counts == [0, 1]


def test_grayscale_is_accepted(tmp_path):
    image = keras2.load("2.2.4").preprocessing.image
    image.save_img(tmp_path / "0.png", np.zeros((2, 2, 3)))
    with pytest.warns(UserWarning, match="grayscale"):
        assert image.load_img(tmp_path / "0.png", True).mode == "L"
