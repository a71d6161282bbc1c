import pytest
import safetensors.numpy  # noqa: F401  (only some readers of headers import it)

from cornu.models import load_model
from tests.saving.attacks import model
from tests.saving.watch import nothing_but


@pytest.fixture
def warm(tmp_path):
    """What the readers import when they are first used is imported before anything is watched."""
    made = model()
    made.compile("adam", "mse", metrics=["mae"])
    for path in (tmp_path / "w.weights.h5", tmp_path / "w.npz", tmp_path / "w.safetensors"):
        made.save_weights(path)
        made.load_weights(path)
    made.save(tmp_path / "good.keras")
    with nothing_but(tmp_path / "good.keras"):
        load_model(tmp_path / "good.keras")
