"""Settings in `keras.json`."""

import pytest

import cornu
from cornu.dialects.keras_json import apply_settings


@pytest.fixture
def stored(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    epsilon = cornu.backend.epsilon()
    yield tmp_path / "keras.json"
    cornu.backend.set_epsilon(epsilon)


def test_settings_are_applied(stored):
    found = []
    apply_settings({"image_dim_ordering": found.append})
    assert found == []
    stored.write_text('{"epsilon": 1e-05, "backend": "theano", "image_dim_ordering": "th"}')
    apply_settings({"image_dim_ordering": found.append})
    assert found == ["th"] and cornu.backend.epsilon() == 1e-5


def test_invalid_files(stored):
    stored.write_text("{")
    with pytest.warns(UserWarning, match="not JSON"):
        apply_settings({})
    for text in ("[]", '{"floatx": "float3"}'):
        stored.write_text(text)
        with pytest.raises(ValueError, match=r"keras\.json: "):
            apply_settings({})
