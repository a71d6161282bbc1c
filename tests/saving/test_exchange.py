"""Models of every layer are saved by Keras and loaded here, and the other way.

`scripts/make_interchange_page.py` runs all rows; the tests run the first row of each module.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import cornu
from tests.conformance.table import LayerRow, all_rows
from tests.saving.exchange import DIRECTIONS, EXCEPTIONS, Exchange, exchange, layer_model
from tests.saving.exchange_models import LOSSY, MODELS, OP_BY_OP

TOLERANCE = 1e-6
FAST = ("dense", "batch_normalization", "dropout", "int8, Dense", "subclassed, registered")


def _first_of_modules() -> list[Any]:
    parameters, seen = [], set()
    for row in all_rows():
        module = type(row.make(cornu)).__module__
        if module not in seen and row.name not in EXCEPTIONS:
            marks = [] if row.name in FAST else [pytest.mark.slow]
            parameters.append(pytest.param(row, id=row.name, marks=marks))
            seen.add(module)
    return parameters


def check(found: Exchange) -> None:
    assert found.inference <= TOLERANCE
    assert found.training is None or found.training <= TOLERANCE
    assert found.weights and found.described


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("row", _first_of_modules())
def test_a_layer_is_exchanged(row: LayerRow, direction: str, tmp_path: Path) -> None:
    check(exchange(lambda k: layer_model(k, row), direction, tmp_path, row.random))


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in FAST else [pytest.mark.slow]) for n in MODELS]
)
def test_a_model_is_exchanged(name: str, direction: str, tmp_path: Path) -> None:
    compiled, lossy = name not in OP_BY_OP, name in LOSSY
    check(exchange(MODELS[name], direction, tmp_path, compiled=compiled, lossy=lossy))


def test_what_is_fast_exists() -> None:
    names = {row.name for row in all_rows()} | set(MODELS)
    assert set(FAST) <= names and set(EXCEPTIONS) <= names and set(OP_BY_OP) <= names
