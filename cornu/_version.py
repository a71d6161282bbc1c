"""The versions, in the one place that both the library and the packaging read."""

__version__ = "0.1.0"

# The release of Keras whose API and whose layout of files cornu has.
KERAS_VERSION = "3.15.1"
