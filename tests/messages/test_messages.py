"""Wrong programs raise the errors of the table, which name location, cause and remedy."""

import builtins
import re

import pytest

from cornu.errors import ModelWarning
from scripts.make_errors_page import PAGE, page
from tests.messages.table import ROWS, run

# Internal terms, which no message may contain.
FOREIGN = re.compile(r"Traced<|[Tt]racer|jax\.errors|docs\.jax\.dev|_DimExpr|lax\.|numpy\._core")
PLACE = re.compile(r"\w+\.py:\d+")

rows = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


@rows
def test_messages_equal_the_table(row):
    error = run(row)
    assert error is not None, "the program runs"
    assert row.read(error) == row.message
    assert type(error) is row.error


@rows
def test_locations_are_user_frames(row):
    assert PLACE.search(row.message), "no file:line"
    assert not FOREIGN.search(row.message)
    assert row.error is getattr(builtins, row.error.__name__, ModelWarning)


def test_the_table_is_long_and_its_names_differ():
    assert len(ROWS) >= 70
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert all(row.title for row in ROWS)


def test_the_page_is_up_to_date():
    assert PAGE.read_text() == page(), "run: python -m scripts.make_errors_page"
