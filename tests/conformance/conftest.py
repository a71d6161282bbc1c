"""Checks are many and small: collecting garbage before each one would take most of the time."""

import pytest

from cornu.utils import clear_session, set_random_seed


@pytest.fixture(autouse=True)
def fresh_session():
    """Replaces the fixture of the same name of the whole suite."""
    clear_session(free_memory=False)
    set_random_seed(1)
