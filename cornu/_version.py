"""The version, in the one place that both the library and the packaging read."""

__version__ = "0.1.0"
