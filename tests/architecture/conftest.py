"""These tests read source, so they also run where the library does not import."""

import pytest


@pytest.fixture(autouse=True)
def fresh_session():
    """Nothing to reset: replaces the fixture of the same name of the whole suite."""
