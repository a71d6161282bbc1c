"""The programs of docs/tasks.md run, and raise the errors that the page shows."""

import re
import traceback
from pathlib import Path

import keras
import numpy as np
import pytest

from cornu.utils import array_to_img

PAGE = Path(__file__).parents[1] / "docs" / "tasks.md"
# A program, and the error that it raises, if the page shows one.
BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```\n(\w*Error: .*?)```)?", re.DOTALL)
PROGRAMS = BLOCK.findall(PAGE.read_text(encoding="utf-8"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with photos and a model of Keras."""
    rng = np.random.default_rng(0)
    for i in range(20):
        path = tmp_path / "photos" / ("cat", "dog")[i % 2] / f"{i // 2}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        array_to_img(rng.uniform(0, 255, (20, 30, 3))).save(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.filterwarnings("ignore::cornu.errors.ModelWarning")
@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_programs_run_as_the_page_says(number, folder):
    source, error = PROGRAMS[number]
    if "from_keras.keras" in source:
        model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4), keras.layers.Dense(1)])
        model.compile("adam", "mse")
        model.optimizer.build(model.trainable_variables)
        model.save("from_keras.keras")
    program = Path("program.py")
    program.write_text(source)
    found = ""
    try:
        exec(compile(source, str(program.resolve()), "exec"), {"__name__": "program"})
    except Exception as raised:
        found = "".join(traceback.format_exception_only(raised))
        if not error:
            raise
    assert found.startswith(error.strip())


def test_the_page_has_five_programs():
    assert len(PROGRAMS) == 5 and sum(bool(error) for _, error in PROGRAMS) == 2
