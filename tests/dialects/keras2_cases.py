"""The cases that are compared with Keras 2.2.4 and 2.3.1."""

from tests.dialects import keras2_subclass_cases as subclasses

VERSIONS = ("2.2.4", "2.3.1")


def of_version(version):
    """Returns the cases of a version by name."""
    return dict(subclasses.CASES)
