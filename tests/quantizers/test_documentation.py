"""The programs of docs/quantization.md run."""

import re
from pathlib import Path

import numpy as np
import pytest

import cornu

PAGE = Path(__file__).parents[2] / "docs" / "quantization.md"


@pytest.mark.slow
def test_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    exec("\n".join(re.findall("```python\n(.*?)```", PAGE.read_text(), re.DOTALL)), names)
    assert {v.name for v in names["model"].trainable_variables} == {
        *("bias", "lora_kernel_a", "lora_kernel_b"),
    }
    read = cornu.saving.load_model("small.keras", compile=False)
    assert [layer.quantization_mode for layer in read.layers[-2:]] == ["int8", "int8"]
    assert all(layer.quantization_mode == "gptq" for layer in names["blocks"])
    assert np.isfinite(names["decoder"].predict(np.ones((1, 16)), verbose=0)).all()
