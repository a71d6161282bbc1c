"""Runs a sample of the tests with each version of Python, JAX and the other dependencies."""
